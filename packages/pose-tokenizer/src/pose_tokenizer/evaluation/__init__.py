"""Scores of a tokenizer on clips, and their report."""
