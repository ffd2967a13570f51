"""Movements: paths, strokes, what is at the same time and what is repeated, and signs in a row."""
