"""Where hands are and how they are turned at one moment, as the notation says."""
