"""Poses from video: decoding, and pose estimators that run as processes in environments of their own."""
