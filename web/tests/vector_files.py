"""How vectors are stored: cases as JSON, files and arrays in them as base64."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import write

if TYPE_CHECKING:
    from pose_core import PoseSequence


def write_cases(path: Path, cases: list[dict[str, Any]]) -> None:
    """One case per line."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in cases)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def encoded(values: np.ndarray) -> str:
    """Base64 of little-endian floats."""
    return encoded_bytes(np.ascontiguousarray(values, "<f4").tobytes())


def encoded_bytes(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pose_file(sequence: PoseSequence) -> bytes:
    """A clip as a `.pose` file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.pose"
        write(sequence, path)
        return path.read_bytes()
