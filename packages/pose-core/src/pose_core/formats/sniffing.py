"""Format detection by first bytes: standard input has no suffix, and a `.csv` may be a manifest."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pose_core.table import header_of

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_COLUMNS = ("path", "text", "signed_language", "split")  # of every manifest
VERSIONS = tuple(struct.pack("<f", version) for version in (0.0, 0.1, 0.2))  # a .pose file begins with one
# fmt: off
VIDEOS = (  # suffixes of files that are videos, which hold no poses yet
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".vob", ".ts", ".m2ts", ".mts", ".wmv", ".asf",
    ".flv", ".ogv", ".3gp", ".3g2", ".mxf", ".dv", ".gif",
)
# fmt: on
ANNOTATIONS = (".eaf", ".srt", ".vtt")  # suffixes of files that are annotations, whatever is in them
SNIFFED = 512  # bytes that tell a file's format
_MAGIC = (  # bytes, where they stand, suffix
    (b"\x93NUMPY", 0, ".npy"),
    (b"PAR1", 0, ".parquet"),
    (b"ARROW1", 0, ".arrow"),
    (b"\xff\xff\xff\xff", 0, ".arrow"),  # the stream format
    (b"ustar", 257, ".tar"),
    (b'{"', 8, ".safetensors"),
)


def pose_suffix(start: bytes) -> str:
    """The suffix of a pose file by its first bytes, `SNIFFED` of them where there are as many.

    `.npz` and `.pt` are ZIP files, the latter with a `data.pkl` at the beginning; `.pose` begins with its version.
    """
    if start.startswith(b"PK"):
        return ".pt" if b"/data.pkl" in start[:300] else ".npz"
    for magic, offset, suffix in _MAGIC:
        if start.startswith(magic, offset):
            return suffix
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return ".json"
    return ".pose" if start.startswith(VERSIONS) else ".csv"


def is_manifest(path: Path) -> bool:
    """Whether a CSV file names clips, one per row, rather than holding landmarks: by its header."""
    columns = header_of(path)
    return set(MANIFEST_COLUMNS) <= columns or {"path", "split"} <= columns
