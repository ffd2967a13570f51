"""`python -m pose_core`."""

from pose_core.cli import main

if __name__ == "__main__":
    main()
