"""Formats of pose files by their first bytes, of standard input, which has no suffix."""

from __future__ import annotations

import struct

VERSIONS = tuple(struct.pack("<f", version) for version in (0.0, 0.1, 0.2))  # a .pose file begins with one


def pose_suffix(start: bytes) -> str:
    """The suffix of a pose file by its first bytes: `.npz` is a ZIP file, `.pose` begins with its version."""
    if start.startswith(b"PK"):
        return ".npz"
    if start.startswith(b"\x93NUMPY"):
        return ".npy"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return ".json"
    return ".pose" if start.startswith(VERSIONS) else ".csv"
