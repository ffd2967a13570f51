"""`python -m text_to_pose`, and what torchrun runs."""

from text_to_pose.cli import main

if __name__ == "__main__":
    main()
