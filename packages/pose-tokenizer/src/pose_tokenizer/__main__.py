"""`python -m pose_tokenizer`: what torchrun starts."""

from pose_tokenizer.cli import main

if __name__ == "__main__":
    main()
