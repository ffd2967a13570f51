"""`python -m pose_tokenizer`, as torchrun starts it."""

from pose_tokenizer.cli import main

if __name__ == "__main__":
    main()
