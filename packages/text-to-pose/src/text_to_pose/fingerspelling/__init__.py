"""Fluent fingerspelling: letters as a model makes them one by one, joined as people spell words."""
