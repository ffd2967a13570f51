"""`python -m pose_encoders`, and what torchrun runs."""

from pose_encoders.cli import main

if __name__ == "__main__":
    main()
