"""Hands: handshapes as joint angles and points, what of a hand is where, and what of it touches."""
