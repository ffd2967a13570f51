"""Units of coordinates: detection of normalized or y-up files, and conversion to pixels with y down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.notices import notify
from pose_core.sequence import FARTHEST_NORMALIZED, PoseSequence

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.formats.frame_source import FrameSource
    from pose_core.skeleton import Skeleton

_LARGEST_NORMALIZED = 2.0  # of a picture's extent; hips below its edge are estimated, too
_MOST = 0.9  # share of the points that lie in 0 to that if they are normalized; legs may leave it far
_MOST_IF_SIZED = 0.6  # the same where the caller gave the picture's size: poses around an origin have half of that
_LOWER = 0.3  # shoulder widths that the head lies below the shoulders where y points up


@dataclass(frozen=True)
class UnitPlan:
    """What makes a file's coordinates pixels with y down: decided once, done to any part of the file.

    Attributes:
        size: width and height of the picture in pixels, if the caller gave them.
        normalized: coordinates are normalized by that size, and scaled to it.
        y_up: y points up in the file.
    """

    size: tuple[int, int] | None
    normalized: bool
    y_up: bool

    def apply(self, sequence: PoseSequence) -> PoseSequence:
        """A part of the file in pixels with y down, as far as the caller said what that takes."""
        if self.size is not None:
            sequence = _sized(sequence, self.size, normalized=self.normalized)
        return _turned_down(sequence) if self.y_up else sequence


def plan_units(frames: FrameSource, size: tuple[int, int] | None, y_up: bool, path: Path) -> UnitPlan:
    """Decides how to convert to pixels with y down, as `size` and `y_up` say.

    Warns of coordinates that look normalized, or upside down. What a JSON file states as the picture's size is what its
    normalized coordinates are scaled to (DWPose for ControlNet); a `.pose` header's size may be a mere convention.

    Args:
        frames: at least one. Three of them tell the unit of all, and cost next to nothing.
        size: width and height of the picture in pixels. Normalized coordinates are multiplied by it.
        y_up: y points up in the file.

    Raises:
        UserError: a size that is no size of a picture.
    """
    if size is not None and (min(size) < 1 or max(size) > 0xFFFF):
        raise UserError(f"a picture of {size[0]} x {size[1]} pixels; write its width and height, as 1280x720")
    points, score, skeleton, picture = _probed(frames)
    visible = (score > 0) & np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])
    reach = np.abs(points[visible]).max(initial=0.0)
    normalized = reach > 0 and _are_normalized(points, visible, skeleton, _MOST if size is None else _MOST_IF_SIZED)
    if size is not None:
        if not normalized and 0 < reach <= FARTHEST_NORMALIZED:
            notify(
                path,
                "x and y are neither pixels nor normalized coordinates, between 0 and 1; they are not scaled",
                kind="files whose coordinates are not scaled",
            )
    elif normalized and min(picture[:2]) > 1 and (path.suffix.lower() == ".json" or path.is_dir()):
        size = picture[:2]
        notify(
            path,
            f"normalized coordinates, x and y between 0 and 1, scaled to the {size[0]} x {size[1]} pixels it states",
            kind="files whose normalized coordinates are scaled",
        )
    elif normalized:
        _warn_of_normalized(picture, path)
    elif 0 < reach <= FARTHEST_NORMALIZED and min(picture[:2]) > 10 * FARTHEST_NORMALIZED:
        notify(
            path,
            f"x and y are no larger than {FARTHEST_NORMALIZED:g}, which are no pixels of the {picture[0]} x "
            f"{picture[1]} that the file states; they are read as they are, as if normalized",
            kind="files whose coordinates are no pixels",
        )
    if not y_up and _is_upside_down(points[..., 0], points[..., 1], visible, skeleton):
        notify(
            path,
            "the head lies below the shoulders, as if y pointed up; it is read as pointing down, and `--y-up` turns it",
            kind="files that show people upside down",
        )
    return UnitPlan(size, normalized, y_up)


def _probed(frames: FrameSource) -> tuple[np.ndarray, np.ndarray, Skeleton, tuple[int, int, int]]:
    """Keypoints (3, K, 2) and confidence (3, K) of the first, middle and last frame, the skeleton and the picture."""
    positions = [0, len(frames) // 2, len(frames) - 1]
    if isinstance(frames, PoseSequence):  # three sequences of one frame take longer than the rest of the plan
        return frames.keypoints[positions, :, :2], frames.confidence[positions], frames.skeleton, frames.size
    probe = [frames[i : i + 1] for i in positions]
    points = np.concatenate([each.keypoints[..., :2] for each in probe])
    return points, np.concatenate([each.confidence for each in probe]), probe[0].skeleton, probe[0].size


def _sized(sequence: PoseSequence, size: tuple[int, int], *, normalized: bool) -> PoseSequence:
    """The sequence in a picture of that size; `normalized` coordinates are scaled to pixels."""
    width, height = size
    keypoints = sequence.keypoints
    if normalized:  # MediaPipe's z has the scale of x
        with np.errstate(over="ignore"):  # infinite, which counts as missing
            keypoints = keypoints * np.array((width, height, width)[: keypoints.shape[-1]], keypoints.dtype)
        metric = sequence.skeleton.duplicates()
        keypoints[:, metric] = sequence.keypoints[:, metric]
    return replace(sequence, keypoints=keypoints, size=(width, height, sequence.size[2]))


def _warn_of_normalized(size: tuple[int, int, int], path: Path) -> None:
    header = min(size[:2]) > 1
    what = f"although the picture has {size[0]} x {size[1]} pixels" if header else "of a square picture"
    example = f"{size[0]}x{size[1]}" if header else "1280x720"
    notify(
        path,
        f"normalized coordinates: x and y lie between 0 and 1, and are read as they are, {what}; "
        f"`--size {example}` makes them pixels",
        kind="files whose coordinates are normalized",
    )


def _turned_down(sequence: PoseSequence) -> PoseSequence:
    """Flips y from up to down."""
    keypoints = sequence.keypoints.copy()
    keypoints[..., 1] = (sequence.size[1] if min(sequence.size[:2]) > 1 else 0) - keypoints[..., 1]
    metric = sequence.skeleton.duplicates()
    keypoints[:, metric, 1] = -sequence.keypoints[:, metric, 1]
    return replace(sequence, keypoints=keypoints)


def _are_normalized(points: np.ndarray, visible: np.ndarray, skeleton: Skeleton, most: float) -> bool:
    """Whether `most` of x and y (T, K, 2) lie between 0 and 1, or a little beyond."""
    if 2 * np.count_nonzero(points[..., 0][visible] > _LARGEST_NORMALIZED) > np.count_nonzero(visible):  # pixels
        return False
    body = np.ones(visible.shape[1], bool)
    body[skeleton.duplicates()] = False
    xy = points[visible & body]  # (N, 2)
    if len(xy) < 2 or not np.ptp(xy, axis=0).any():
        return False
    return bool(((xy >= 0) & (xy <= _LARGEST_NORMALIZED)).all(axis=-1).mean() >= most)


def _is_upside_down(x: np.ndarray, y: np.ndarray, visible: np.ndarray, skeleton: Skeleton) -> bool:
    """Whether the face lies below the shoulders in all frames (T, K) that show both."""
    shoulders, head = shoulders_and_head(skeleton)
    if not shoulders or not head:
        return False
    left, right = shoulders
    frames = visible[:, left] & visible[:, right] & visible[:, head].any(axis=1)
    if not frames.any():
        return False
    x, y, weight = x[frames].astype(np.float64), y[frames].astype(np.float64), visible[frames][:, head]
    face = np.where(weight, y[:, head], 0.0).sum(axis=1) / weight.sum(axis=1)
    width = np.hypot(x[:, left] - x[:, right], y[:, left] - y[:, right])
    return bool((face - (y[:, left] + y[:, right]) / 2 > _LOWER * width).all())


@lru_cache(maxsize=32)
def shoulders_and_head(skeleton: Skeleton) -> tuple[tuple[int, ...], list[int]]:
    """Positions of the shoulders, and of some points of the face, or of the body's eyes, ears and nose."""
    try:
        shoulders = skeleton.shoulders()
    except UserError:
        return (), []
    face = skeleton.face()
    if face:
        return shoulders, face[:: max(1, len(face) // 16)]
    words = ("EYE", "EAR", "NOSE")
    details = set(skeleton.body_details()) - set(skeleton.duplicates())  # which are in other units
    head = [i for i in sorted(details) if any(word in skeleton.keypoints[i][1].upper() for word in words)]
    return shoulders, head
