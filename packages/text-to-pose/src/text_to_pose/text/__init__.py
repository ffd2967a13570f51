"""Texts: signed languages and alphabets, notations, spelling, tokens."""
