"""Arrays without metadata: which columns are x, y, z and confidence, and the order of the keypoints.

Scripts around MediaPipe save (T, 543, 3) arrays of x, y, z with no confidence, or rows of 1,629 or 1,662 numbers, zeros
for a part that was not found, and the Kaggle competition `asl-signs` orders the same points otherwise. Assumptions are
reported in one warning.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.formats import slrtp
from pose_core.notices import notify
from pose_core.skeleton import known_skeleton
from pose_core.transforms.cleaning import SMALLEST_PART

if TYPE_CHECKING:
    from pathlib import Path

AXES = ("xy", "xyc", "xyz", "xyzc")  # c is confidence
# Other orders than `known_skeleton` has, and of how many keypoints: "left" is one hand, which is a left one.
_OTHER_ORDERS = {"asl-signs": 543, "slrtp": 178, "right-left": 42, "left": 21}
ORDERS = ("mediapipe", *_OTHER_ORDERS)
# Keypoints, as `known_skeleton` knows them.
_KNOWN = (21, 33, 42, 50, 75, 133, 134, 135, 137, 178, 468, 478, 543, 553, 576, 586)
_MEDIAPIPE = (21, 33, 42, 75, 468, 478, 543, 553, 576, 586)  # as MediaPipe gives them, which has a z of everything
_FACE, _HAND, _BODY = 468, 21, 33
_WITH_VISIBILITY = {1662: _FACE, 1692: _FACE + 10, 258: 0}  # numbers in a row of x, y, z, and visibility of the body
# The face, left hand, body and right hand of asl-signs as body, face, left hand, right hand.
_ASL_SIGNS = np.r_[_FACE + _HAND : _FACE + _HAND + _BODY, 0:_FACE, _FACE : _FACE + _HAND, _FACE + _HAND + _BODY : 543]
_NEGATIVE = 0.01  # share of negative numbers above which the last column is no confidence
_INSIDE = 0.9  # share of x and y that lie inside a picture, or nearly, if they are those of one
_COMPACT = 0.7  # of the extent that the face has in the one order, which it has at most in the other if that is right
_SLRTP = (
    "178 keypoints in the order of SLRTP's benchmark: body, right hand, left hand, face, each point as docs/inputs.md "
    "lists it; --order mediapipe says otherwise"
)
WITHOUT_CONFIDENCE = "x, y, z without confidence: every keypoint that has numbers counts as visible"
_PROBED = 8  # frames that tell the order of the keypoints
_KIND = "arrays whose columns or order had to be assumed"


def split_columns(poses: np.ndarray, axes: str | None, order: str | None, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Splits an array of numbers into keypoints and confidence.

    Args:
        poses: (T, K, 2) x, y; (T, K, 3) x, y and confidence or z; (T, K, 4) x, y, z, confidence; or (T, N), these in a
            row for a known number of keypoints.
        axes: one of `AXES`; None: found out.
        order: one of `ORDERS`; None: found out.
        path: the file, for messages.

    Returns:
        (T, K, D) and (T, K) float32; confidence is 1 where there was none and x and y are numbers, 0 in a part whose
        numbers are all 0 in a frame.

    Raises:
        UserError: the shape fits no kind of pose, or two.
    """
    _check_choice("axes", axes, AXES, path)
    _check_choice("order", order, ORDERS, path)
    _warn_of_float16(poses, path)
    assumed: list[str] = []
    given, original = axes is not None, poses
    visibility = None
    if poses.ndim == 2 and axes is None and poses.shape[1] in _WITH_VISIBILITY:
        poses, visibility = _with_visibility(poses)
        assumed.append(f"rows of numbers read as {poses.shape[1]} keypoints of x, y, z, c")
    elif poses.ndim == 2:
        poses, axes = _unflattened(poses, axes, path)
        assumed.append(f"rows of numbers read as {poses.shape[1]} keypoints of {', '.join(axes)}")
    if poses.ndim != 3 or poses.shape[2] not in (2, 3, 4) or not poses.shape[1]:
        wanted = f"expected numbers (T, K, 3) or (T, K, 4){_hint(poses.shape)}"
        raise UserError(f"{path}: poses are {poses.dtype} {poses.shape}; {wanted}")
    poses = _as_float32(poses, path)
    _check_order(order, poses.shape[1], path)
    poses, order = _in_mediapipe_order(poses, order, assumed)
    if visibility is not None:
        axes = "xyzc"
        visibility = np.take(visibility, _ASL_SIGNS, axis=1) if order == "asl-signs" else visibility
    elif axes is None:
        axes = _likely_axes(poses, order, assumed)
    elif len(axes) != poses.shape[2]:
        raise UserError(f"{path}: poses are {poses.shape}, which are not the axes {axes}")
    finite = np.isfinite(poses[..., 0]) & np.isfinite(poses[..., 1])  # not `all`, which is slow along a short axis
    if axes.endswith("c"):
        keypoints, confidence = (poses[..., :-1], poses[..., -1]) if visibility is None else (poses, visibility)
        if not given and axes == "xyzc" and poses.shape[1] in _MEDIAPIPE:
            confidence = _with_silent_parts(keypoints, confidence, assumed)
        assumed += _unknown(keypoints, confidence, finite)
    else:
        keypoints, confidence = poses, _without_zeros(poses, finite, assumed).astype(np.float32)
    if assumed:
        notify(path, "; ".join(assumed), kind=_KIND)
    if np.may_share_memory(keypoints, original):  # which may be mapped from a file, and is the caller's
        keypoints = keypoints.copy(order="C")
    if np.may_share_memory(confidence, original):
        confidence = confidence.copy(order="C")
    return np.ascontiguousarray(keypoints), np.ascontiguousarray(confidence)


def _check_choice(name: str, choice: str | None, known: tuple[str, ...], path: Path) -> None:
    if choice is not None and choice not in known:
        raise UserError(f"{path}: unknown {name} {choice!r}; known: {', '.join(known)}")


def _check_order(order: str | None, keypoints: int, path: Path) -> None:
    wanted = _OTHER_ORDERS.get(order or "", keypoints)
    if wanted != keypoints:
        raise UserError(f"{path}: the order {order} is one of {wanted} keypoints; these are {keypoints}")


def is_frame(shape: tuple[int, ...]) -> bool:
    """Whether an array of that shape is one frame: a row of numbers, or (K, D) of a known number of keypoints."""
    if len(shape) == 1:
        return shape[0] in _WITH_VISIBILITY or len(_fits(shape[0], None)) == 1
    return len(shape) == 2 and shape[0] in _KNOWN and shape[1] in (2, 3, 4)


@lru_cache(maxsize=32)
def _parts(keypoints: int) -> list[slice]:
    """The components of that many keypoints, of those whose points do not all happen to be 0."""
    skeleton = known_skeleton(keypoints, 3)
    return [skeleton.slice_of(part.name) for part in skeleton.components if len(part.points) >= SMALLEST_PART]


def _without_zeros(keypoints: np.ndarray, seen: np.ndarray, assumed: list[str]) -> np.ndarray:
    """(T, K) bool, False in parts whose numbers (T, K, D) are all 0 in a frame; adds to `assumed` that there are."""
    found = seen.copy()
    missing = False
    for part in _parts(keypoints.shape[1]):
        points = keypoints[:, part]
        zero = ~(points != 0).reshape(len(points), -1).any(axis=1)
        if zero.any():
            found[zero, part] = False
            missing = True
    if missing:
        assumed.append("a part whose numbers are all 0 in a frame is missing there")
    return found


def _with_silent_parts(keypoints: np.ndarray, confidence: np.ndarray, assumed: list[str]) -> np.ndarray:
    """Confidence that is 1 for faces and hands that have numbers, but a visibility of 0 throughout.

    MediaPipe estimates no visibility of them, and scripts save the 0 that stands in its place.
    """
    skeleton = known_skeleton(keypoints.shape[1], 3)
    result = confidence
    names = []
    for component in skeleton.components:
        part = skeleton.slice_of(component.name)
        if component.name.startswith("POSE") or np.any(confidence[:, part] != 0):
            continue
        here = np.isfinite(keypoints[:, part, :2]).all(axis=-1) & np.any(keypoints[:, part] != 0, axis=-1)
        if here.any():
            result = result.copy() if result is confidence else result
            result[:, part] = here
            names.append(component.name)
    if names:
        assumed.append(
            f"no visibility is above 0 in {', '.join(names)}: every keypoint there that has numbers is visible"
        )
    return result


def _as_float32(poses: np.ndarray, path: Path) -> np.ndarray:
    """The numbers as float32, which may be the array itself; those that are too large become infinite, and are said."""
    try:
        with np.errstate(over="raise"):
            return poses.astype(np.float32, copy=False)
    except FloatingPointError:
        notify(
            path,
            f"holds numbers larger than {np.finfo(np.float32).max:.2g}, which count as missing",
            kind="files whose numbers are too large",
        )
    with np.errstate(over="ignore"):
        return poses.astype(np.float32)


def _warn_of_float16(poses: np.ndarray, path: Path) -> None:
    if poses.dtype == np.float16 and np.abs(poses, where=np.isfinite(poses), out=np.zeros_like(poses)).max() > 2048:
        notify(path, "float16 holds numbers above 2048 only to the nearest 2; save float32", kind=_KIND)


def _likely_axes(poses: np.ndarray, order: str, assumed: list[str]) -> str:
    """The axes of (T, K, 2 to 4) numbers; adds to `assumed` what to say about them."""
    axes = {2: "xy", 3: "xyc", 4: "xyzc"}[poses.shape[2]]
    if axes == "xyc" and order == "slrtp":
        axes = "xyz"
        assumed.append(WITHOUT_CONFIDENCE)
    elif axes == "xyc":
        axes, why = _third(poses)
        assumed += why
    elif axes == "xy":
        assumed.append("x and y without confidence: every keypoint that has numbers counts as visible")
    return axes


def _in_mediapipe_order(poses: np.ndarray, order: str | None, assumed: list[str]) -> tuple[np.ndarray, str]:
    """The keypoints in MediaPipe's order, and the order they were in; adds to `assumed` which one was detected."""
    keypoints = poses.shape[1]
    if keypoints == 543 and (order == "asl-signs" or (order is None and _is_asl_signs(poses))):
        if order is None:
            assumed.append("keypoints in the order of asl-signs: face, left hand, body, right hand")
        return np.take(poses, _ASL_SIGNS, axis=1), "asl-signs"
    if keypoints == 178 and (order == "slrtp" or (order is None and is_slrtp(poses))):
        if order is None:
            assumed.append(slrtp_assumed(poses))
        return np.take(poses, slrtp.ORDER, axis=1), "slrtp"
    if keypoints == 42:
        if order is None:
            assumed.append("the left hand, then the right; `--order right-left` says otherwise")
        return (poses[:, [*range(_HAND, 2 * _HAND), *range(_HAND)]] if order == "right-left" else poses), "mediapipe"
    if keypoints == _HAND and order is None:
        assumed.append("a right hand; `--order left` says otherwise")
    return poses, "mediapipe"


def _with_visibility(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, K, 3) x, y, z and (T, K) of rows of them with the visibility of the body; parts not found have 0 of it."""
    frames, numbers = rows.shape
    face = _WITH_VISIBILITY[numbers]
    keypoints = np.empty((frames, _BODY + face + 2 * _HAND, 3), np.float32)
    visibility = np.empty(keypoints.shape[:2], np.float32)
    with np.errstate(over="ignore"):
        body = rows[:, : 4 * _BODY].reshape(frames, _BODY, 4)
        keypoints[:, :_BODY], visibility[:, :_BODY] = body[..., :3], body[..., 3]
        keypoints[:, _BODY:] = rows[:, 4 * _BODY :].reshape(frames, -1, 3)
    visibility[:, _BODY:] = np.isfinite(keypoints[:, _BODY:, 0])
    begin = _BODY
    for points in (face, _HAND, _HAND):
        part = keypoints[:, begin : begin + points].reshape(frames, -1)
        visibility[~np.any(part != 0, axis=1), begin : begin + points] = 0
        begin += points
    return keypoints, visibility


def _unflattened(poses: np.ndarray, axes: str | None, path: Path) -> tuple[np.ndarray, str]:
    """(T, K, D) of rows of numbers, and their axes."""
    frames, numbers = poses.shape
    fits = _fits(numbers, axes)
    if len(fits) != 1:
        which = " or ".join(f"{keypoints} keypoints of {', '.join(name)}" for keypoints, name in fits)
        raise UserError(
            f"{path}: poses are {poses.dtype} {poses.shape}; expected numbers (T, K, 3) or (T, K, 4)"
            + (f"; these are {which}: say which with `--axes`" if which else "")
        )
    ((keypoints, name),) = fits
    flat = poses.reshape(frames, keypoints, len(name))
    if name == "xyz" and axes is None:  # as estimators of two dimensions save x, y, confidence
        with np.errstate(over="ignore"):
            name, _ = _third(flat.astype(np.float32))
    return flat, name


def _fits(numbers: int, axes: str | None) -> list[tuple[int, str]]:
    """How many keypoints of which axes a row of so many numbers may be."""
    return [
        (numbers // len(name), name)
        for name in ([axes] if axes else ["xyz", "xy", "xyzc"])
        if numbers % len(name) == 0 and (numbers // len(name) in _KNOWN or axes)
    ]


def _third(poses: np.ndarray) -> tuple[str, list[str]]:
    """Whether the last of (T, K, 3) numbers is a confidence or z, and what to say about it."""
    x, y, last = (poses[..., i] for i in range(3))
    if not (last < 0).any():
        return "xyc", []
    known = np.isfinite(x) & np.isfinite(y) & np.isfinite(last)
    negative = float((last[known] < 0).mean()) if known.any() else 0.0
    if negative <= _NEGATIVE:
        return "xyc", []
    if poses.shape[1] in _MEDIAPIPE or ((x > -0.5) & (y > -0.5))[known].mean() >= _INSIDE:
        return "xyz", [WITHOUT_CONFIDENCE]
    return "xyc", [
        f"{negative:.0%} of the confidences are negative, and these keypoints missing; if they are z, "
        "`--axes xyz` reads them so"
    ]


def _is_asl_signs(poses: np.ndarray) -> bool:
    """Whether 543 keypoints begin with the face: the compact part in that order, but not in MediaPipe's."""
    ours, theirs = (_extent(poses, slice(begin, begin + _FACE)) for begin in (_BODY, 0))
    return theirs < _COMPACT * ours


def is_slrtp(poses: np.ndarray) -> bool:
    """Whether 178 keypoints end with the face: the compact part in that order, but not in MediaPipe's."""
    ours, theirs = (_extent(poses, slrtp.FACES[order]) for order in ("mediapipe", "slrtp"))
    return theirs < _COMPACT * ours


def slrtp_assumed(poses: np.ndarray) -> str:
    """What to say of (T, 178, D) taken for SLRTP's order, also where hands are off their wrists in it."""
    some = poses[:: max(1, -(-len(poses) // _PROBED)), slrtp.ORDER, :2].astype(np.float64)
    right = seen = 0
    for wrist, hand in slrtp.WRISTS.items():
        away = np.linalg.norm(some[:, : slrtp.BODY] - some[:, hand : hand + 1], axis=-1)
        known = np.isfinite(away).all(axis=1) & some[:, : slrtp.BODY].any(axis=(1, 2)) & some[:, hand].any(axis=1)
        seen += int(known.sum())
        right += int((away[known].argmin(axis=1) == wrist).sum())
    if 2 * right >= seen:
        return _SLRTP
    return f"{_SLRTP}; but hands are not at their wrists in it, so that the points within its parts have another order"


def _extent(poses: np.ndarray, part: slice) -> float:
    """Median extent in x and y of a part of the keypoints (T, K, D), of a few frames; infinite where there are none."""
    points = poses[:: max(1, -(-len(poses) // _PROBED)), part, :2]
    with np.errstate(invalid="ignore"):
        low, high = points.min(axis=1), points.max(axis=1)
        if not (np.isfinite(low) & np.isfinite(high)).all():
            finite = np.isfinite(points).all(axis=-1, keepdims=True)
            low = np.where(finite, points, np.inf).min(axis=1)
            high = np.where(finite, points, -np.inf).max(axis=1)
        reach = (high - low).max(axis=-1)
    reach = np.sort(reach[np.isfinite(reach)])  # `np.median` of a few takes ten times as long
    return (float(reach[(len(reach) - 1) // 2]) + float(reach[len(reach) // 2])) / 2 if len(reach) else np.inf


def _unknown(keypoints: np.ndarray, confidence: np.ndarray, finite: np.ndarray) -> list[str]:
    """Warnings of NaN in z or confidence beside numbers in x and y."""
    assumed = []
    if keypoints.shape[-1] == 3 and (count := int((np.isnan(keypoints[..., 2]) & finite).any(axis=0).sum())):
        assumed.append(f"z is no number for {count} of {finite.shape[1]} keypoints, and counts as 0")
    if count := int((np.isnan(confidence) & finite).any(axis=0).sum()):
        total = finite.shape[1]
        assumed.append(
            f"confidence is no number for {count} of {total} keypoints; a component without any counts as visible"
        )
    return assumed


def _hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 3 and shape[2] == 5:
        return "; five numbers, as MediaPipe's x, y, z, visibility, presence: leave the last out"
    if len(shape) == 3 and any(extent in (2, 3, 4) for extent in shape[:2]):
        return "; channels come last: transpose the array"
    if len(shape) == 4:
        return "; four axes are (T, people, K, D): transpose the array"
    return ""
