"""Coordinates that are not pixels with y down: how they are told, and how they become so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.notices import notify
from pose_core.transforms.flipping import NORMALIZED

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.sequence import PoseSequence

_LARGEST_SHARE = 2.0  # of a picture's extent; hips below its edge are estimated, too
_MOST = 0.97  # share of the coordinates that lie in 0 to that if they are shares of a picture
_LOWER = 0.3  # shoulder widths that the head lies below the shoulders where y points up


def place(
    sequence: PoseSequence, size: tuple[int, int] | None, y_up: bool, path: Path, *, said: bool = True
) -> PoseSequence:
    """The sequence in pixels of a picture, y down, as far as the caller says what the file does not.

    Args:
        size: width and height of the picture in pixels. Coordinates that are shares of it are multiplied by it.
        y_up: y points up in the file.
        said: warn about coordinates that look as if they were shares of a picture, or upside down.

    Raises:
        UserError: a size that is no size of a picture.
    """
    seen = (sequence.confidence > 0) & np.isfinite(sequence.keypoints[..., :2]).all(axis=-1)
    shares = _are_shares(sequence, seen)
    if size is not None:
        width, height = size
        if min(size) < 1 or max(size) > 0xFFFF:
            raise UserError(f"a picture of {width} x {height} pixels; write its width and height, as 1280x720")
        keypoints = sequence.keypoints
        if shares:  # MediaPipe's z has the scale of x
            keypoints = keypoints * np.array((width, height, width)[: keypoints.shape[-1]], keypoints.dtype)
            metric = sequence.skeleton.duplicates()
            keypoints[:, metric] = sequence.keypoints[:, metric]
        sequence = replace(sequence, keypoints=keypoints, size=(width, height, sequence.size[2]))
    elif shares and said:
        header = min(sequence.size[:2]) > 1
        what = (
            f"although the picture has {sequence.size[0]} x {sequence.size[1]} pixels" if header else "of a square one"
        )
        notify(
            path,
            f"x and y lie between 0 and 1, as shares of a picture, and are read as they are, {what}; "
            "`pose-core convert --size 1280x720` makes them pixels",
            kind="files whose coordinates are shares of a picture",
        )
    elif said and min(sequence.size[:2]) > 1 and seen.sum() > 1 and _are_small(sequence, seen):
        notify(
            path,
            f"x and y are no larger than {NORMALIZED:g}, which are no pixels of the {sequence.size[0]} x "
            f"{sequence.size[1]} that the file states; they are read as they are, as if normalized",
            kind="files whose coordinates are no pixels",
        )
    if y_up:
        keypoints = sequence.keypoints.copy()
        keypoints[..., 1] = (sequence.size[1] if min(sequence.size[:2]) > 1 else 0) - keypoints[..., 1]
        metric = sequence.skeleton.duplicates()
        keypoints[:, metric, 1] = -sequence.keypoints[:, metric, 1]
        sequence = replace(sequence, keypoints=keypoints)
    elif said and _is_upside_down(sequence, seen):
        notify(
            path,
            "the head lies below the shoulders, as if y pointed up; it is read as pointing down, and "
            "`pose-core convert --y-up` turns it",
            kind="files that show people upside down",
        )
    return sequence


def _are_shares(sequence: PoseSequence, seen: np.ndarray) -> bool:
    body = np.ones(seen.shape[1], bool)
    body[sequence.skeleton.duplicates()] = False
    xy = sequence.keypoints[:, body, :2][seen[:, body]]
    if len(xy) < 2 or not np.ptp(xy, axis=0).any():
        return False
    inside = ((xy >= 0) & (xy <= _LARGEST_SHARE)).all(axis=-1)
    return bool(inside.mean() >= _MOST)


def _are_small(sequence: PoseSequence, seen: np.ndarray) -> bool:
    return min(sequence.size[:2]) > 10 * NORMALIZED and bool(
        (np.abs(sequence.keypoints[..., :2][seen]) <= NORMALIZED).all()
    )


def _is_upside_down(sequence: PoseSequence, seen: np.ndarray) -> bool:
    """Whether the face lies below the shoulders in most frames."""
    try:
        left, right = sequence.skeleton.shoulders()
    except UserError:
        return False
    head = sequence.skeleton.face()
    head = [i for i in (head or sequence.skeleton.body_details()) if _of_head(sequence.skeleton.keypoints[i][1], head)]
    if not head:
        return False
    both = seen[:, left] & seen[:, right] & seen[:, head].any(axis=1)
    if not both.any():
        return False
    xy = sequence.keypoints[both].astype(np.float64)[..., :2]
    weight = seen[both][:, head]
    face = (np.where(weight, xy[:, head, 1], 0).sum(axis=1)) / weight.sum(axis=1)
    width = np.linalg.norm(xy[:, left] - xy[:, right], axis=-1)
    below = face - (xy[:, left, 1] + xy[:, right, 1]) / 2
    return bool((below > _LOWER * width).mean() > 0.9)


def _of_head(point: str, face: list[int]) -> bool:
    """Whether a body point is one of the head; those of a face all are."""
    return bool(face) or any(word in point.upper() for word in ("EYE", "EAR", "NOSE"))
