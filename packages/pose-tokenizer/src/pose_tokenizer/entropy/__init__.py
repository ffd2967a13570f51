"""Entropy coding of codes: a model of their probabilities, and a range coder."""
