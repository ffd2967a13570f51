"""Format detection by first bytes: standard input has no suffix, and a `.csv` may be a manifest."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pose_core.table import header_of

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_COLUMNS = ("path", "text", "signed_language", "split")  # of every manifest
VERSIONS = tuple(struct.pack("<f", version) for version in (0.0, 0.1, 0.2))  # a .pose file begins with one


def pose_suffix(start: bytes) -> str:
    """The suffix of a pose file by its first bytes: `.npz` is a ZIP file, `.pose` begins with its version."""
    if start.startswith(b"PK"):
        return ".npz"
    if start.startswith(b"\x93NUMPY"):
        return ".npy"
    if start.startswith(b"PAR1"):
        return ".parquet"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return ".json"
    return ".pose" if start.startswith(VERSIONS) else ".csv"


def is_manifest(path: Path) -> bool:
    """Whether a CSV file names clips, one per row, rather than holding landmarks: by its header."""
    columns = header_of(path)
    return set(MANIFEST_COLUMNS) <= columns or {"path", "split"} <= columns
