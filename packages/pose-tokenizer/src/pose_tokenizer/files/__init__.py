"""Tokens as files, as JSON and text, and as the vocabulary of a language model."""
