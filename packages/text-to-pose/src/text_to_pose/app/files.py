"""Files that were sent, and poses as they are sent back: always by way of a temporary file of our own name."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError, read, write
from text_to_pose.app.requests import MOST_FRAMES, MOST_JSON_FRAMES

if TYPE_CHECKING:
    from collections.abc import Generator

    from pose_core import PoseSequence
    from text_to_pose.app.requests import PoseFormat

POSES, JSON, TEXT = "application/octet-stream", "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes:
        content, media_type: the body.
        name: of the file that it is.
        about: for headers, by name.
    """

    content: bytes
    media_type: str
    name: str
    about: dict[str, str] = field(default_factory=dict)


@contextmanager
def stored(data: bytes, name: str) -> Generator[Path]:
    """A file with these bytes, within the block; errors call it by its name.

    Raises:
        UserError: as the block does.
    """
    with TemporaryDirectory(prefix="pose-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            yield path
        except UserError as error:
            raise UserError(str(error).replace(str(path), name)) from error


def read_poses(data: bytes, name: str, layout: str | None = None) -> PoseSequence:
    """The poses of a `.pose` file that was sent.

    Args:
        data: the file.
        name: what errors call it, without suffix.
        layout: that the poses are mapped to; None: they stay as they are.

    Raises:
        UserError: it is none, or too long, or the layout is unknown.
    """
    with stored(data, f"{name}.pose") as path:
        sequence = read(path, layout=layout)
        check_frames(len(sequence), path.name)
        return sequence


def check_frames(frames: int, name: str) -> None:
    """Refuses clips that are too long.

    Raises:
        UserError: with both numbers.
    """
    if frames > MOST_FRAMES:
        raise UserError(f"{name}: has {frames:,} frames, and the server takes and makes at most {MOST_FRAMES:,}")


def poses_answer(sequence: PoseSequence, format: PoseFormat, name: str, remarks: list[str], signer: str) -> Answer:
    """Poses as a `.pose` file, or as JSON: null where a keypoint is missing.

    Args:
        sequence: (T, K, D) in pixels.
        format: which.
        name: of the file, without suffix.
        remarks: what its reader should know.
        signer: the name of the model that signed, or "rules".

    Raises:
        UserError: too many frames.
    """
    check_frames(len(sequence), "what is to be signed")
    about = {"Frames": str(len(sequence)), "Model": signer, "Remarks": "; ".join(remarks)}
    if format == "pose":
        with TemporaryDirectory(prefix="pose-") as folder:
            path = Path(folder) / "signed.pose"
            write(sequence, path)
            return Answer(path.read_bytes(), POSES, f"{name}.pose", about)
    if len(sequence) > MOST_JSON_FRAMES:
        raise UserError(f'{len(sequence):,} frames, and JSON has at most {MOST_JSON_FRAMES:,}; ask for format "pose"')
    points = np.round(sequence.keypoints, 2).tolist()
    seen = (sequence.confidence > 0).tolist()
    values = {
        "frames": len(sequence),
        "fps": sequence.fps,
        "seconds": round(sequence.duration, 3),
        "size": list(sequence.size),
        "model": signer,
        "remarks": remarks,
        "keypoints": [
            [point if visible else None for point, visible in zip(*frame, strict=True)]
            for frame in zip(points, seen, strict=True)
        ],
        "confidence": np.round(sequence.confidence, 3).tolist(),
        **sequence.skeleton.to_dict(),
    }
    return Answer(json.dumps(values, separators=(",", ":"), allow_nan=False).encode(), JSON, f"{name}.json", about)
