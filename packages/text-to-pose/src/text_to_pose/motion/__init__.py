"""Corrections of generated motion: anatomical limits, one body per text, and a seamless start."""
