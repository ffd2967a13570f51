"""Scores of a model, and the report and pictures of them."""
