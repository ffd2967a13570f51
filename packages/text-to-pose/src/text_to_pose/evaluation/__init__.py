"""Scores of generated signs, baselines, and the report page."""
