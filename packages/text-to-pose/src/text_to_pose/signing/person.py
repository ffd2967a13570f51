"""The body of a person in a clip: what a picture shows of their proportions, the mean signer's for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.transforms import clean, to_layout
from text_to_pose.signing.body import CHIN, FACE_POINTS, LEFT_EYE, LOWER_LIP, MEAN_BODY, RIGHT_EYE, UPPER_LIP, Body
from text_to_pose.signing.hand_model import bone_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core import PoseSequence
    from text_to_pose.signing.hand_model import Array, Proportions

_SHOULDERS, _ELBOWS, _WRISTS, _HIPS = (11, 12), (13, 14), (15, 16), (23, 24)
_FACE = 33
_HANDS = (_FACE + FACE_POINTS, _FACE + FACE_POINTS + 21)
_BODY_POINTS = _FACE + FACE_POINTS + 42
"""How MediaPipe's 543 points are ordered: 33 of the pose, 468 of the face, both hands."""
_CONFIDENT = 0.5
_LONGEST = 98
"""Percentile of a clip's lengths that counts: a limb is foreshortened most of the time."""

# How much longer, or shorter, in shoulder widths, than the mean body's a median person's limbs are where they are
# longest in a clip (benchmarks/body_proportions.py): a hanging arm is foreshortened, a hand is near the camera.
_SEEN_UPPER_ARM, _SEEN_FOREARM, _SEEN_PALM = 0.97, 0.93, 1.0
_BELIEVABLE = (0.9, 1.13)
"""By the mean body: what is shorter is foreshortened, and says nothing; what is longer was not measured well."""
_EYES = (0.85, 1.15)
_HEIGHTS = (0.80, 1.2)
_FRONTAL = 0.35
"""How much of a depth the picture of a face may show sideways or upwards: the sine of some 20 degrees."""
_FACE_FRAMES = 40
_FARTHEST_POINT = 0.012
"""How far a point of the face may be from the mean face's, in metres."""
_NEIGHBOURHOOD = 0.012
"""Over how many metres the face's points move along with those that were seen."""


def body_of(sequence: PoseSequence) -> Body:
    """The body with a person's proportions, whose shoulders are as broad as the mean signer's.

    A picture has no scale, and foreshortens: an arm that never hangs nor stretches, a hand or face that is not seen,
    hips below the picture are the mean signer's, made as large as the person's.

    Args:
        sequence: the person in any layout, of two or three coordinates.

    Raises:
        UserError: neither shoulders nor a hand are seen in it.
    """
    clip = _Clip.of(sequence)
    hand = _hand(clip)
    if clip.unit is None:
        if hand is None:
            raise UserError("the clip shows nobody: neither shoulders nor a hand are visible")
        return replace(MEAN_BODY, hand=hand)
    body = _with_arms(clip, MEAN_BODY)
    if hand is not None:
        body = replace(body, hand=hand)
    return _with_face(clip, body)


@dataclass(frozen=True)
class _Clip:
    """MediaPipe's 543 points, (T, 543, 3), y up, NaN where they are not visible; and the shoulders' breadth there."""

    points: Array
    unit: float | None

    @classmethod
    def of(cls, sequence: PoseSequence) -> _Clip:
        cleaned = to_layout(clean(sequence), "holistic_543")
        points = np.zeros((len(cleaned), _BODY_POINTS, 3))
        points[..., : cleaned.keypoints.shape[-1]] = cleaned.keypoints
        points *= [1.0, -1.0, 1.0]
        points[~(cleaned.visible & (cleaned.confidence > _CONFIDENT))] = np.nan
        breadth = np.linalg.norm(points[:, _SHOULDERS[0], :2] - points[:, _SHOULDERS[1], :2], axis=-1)
        unit = _middle(breadth)
        return cls(points, unit if unit is not None and unit > 0 else None)

    def longest(self, first: int, second: int) -> float | None:
        """In shoulder widths."""
        far = np.linalg.norm(self.points[:, first, :2] - self.points[:, second, :2], axis=-1)
        far = far[np.isfinite(far)]
        return float(np.percentile(far, _LONGEST)) / self.unit if len(far) and self.unit else None


def _with_arms(clip: _Clip, mean: Body) -> Body:
    """Arms and hips."""
    width = mean.shoulder_width
    upper, lower = mean.upper_arm / width * _SEEN_UPPER_ARM, mean.forearm / width * _SEEN_FOREARM
    arm = _believable([clip.longest(s, e) for s, e in zip(_SHOULDERS, _ELBOWS, strict=True)], upper)
    lower *= arm or 1.0
    forearm = _believable([clip.longest(e, w) for e, w in zip(_ELBOWS, _WRISTS, strict=True)], lower)
    hips = mean.hips
    middle = (clip.points[:, _SHOULDERS].mean(axis=1) - clip.points[:, _HIPS].mean(axis=1))[:, 1]
    trunk, breadth = _middle(middle), clip.longest(*_HIPS)
    if trunk is not None and breadth is not None and clip.unit:
        down = np.clip(trunk / clip.unit * width / -hips[0, 1], *_HEIGHTS)
        apart = np.clip(breadth * width / (hips[0, 0] - hips[1, 0]), *_HEIGHTS)
        hips = hips * [apart, down, 1.0]
    return replace(
        mean,
        upper_arm=mean.upper_arm * (arm or 1.0),
        forearm=mean.forearm * (arm or 1.0) * (forearm or 1.0),
        hips=hips,
    )


def _hand(clip: _Clip) -> Proportions | None:
    """Of the hand that is seen more: bones by the palm, and the palm by the shoulders."""
    hands = [clip.points[:, start : start + 21] for start in _HANDS]
    seen = [hand[np.isfinite(hand).all(axis=(1, 2))] for hand in hands]
    hand = max(seen, key=len)
    if not len(hand):
        return None
    lengths = bone_lengths(hand)
    palm = lengths[:, [4, 8, 12, 16]].mean(axis=1, keepdims=True)  # from the wrist to the knuckles of the fingers
    mean = MEAN_BODY.hand
    # Seen from the side or with bones to the camera, lengths vary; what is between median and longest is nearest.
    share = np.percentile(lengths / np.maximum(palm, 1e-9), 65, axis=0)
    usual = mean.lengths / mean.lengths[[4, 8, 12, 16]].mean()
    share = np.clip(share / usual, *_BELIEVABLE) * usual
    size = None
    if clip.unit is not None:
        seen_palm = mean.lengths[8] / MEAN_BODY.shoulder_width * _SEEN_PALM
        size = _believable([clip.longest(start, start + 9) for start in _HANDS], seen_palm)
    share = share / share[[4, 8, 12, 16]].mean()
    return mean.with_lengths(share * mean.lengths[[4, 8, 12, 16]].mean() * (size or 1.0))


def _with_face(clip: _Clip, body: Body) -> Body:
    """Size, height and shape of the face."""
    face = clip.points[:, _FACE : _FACE + FACE_POINTS, :2]
    frames = _neutral_frames(face)
    if not len(frames) or clip.unit is None:
        return body
    fitted = [fit for fit in (_fit(face[t], body.face) for t in frames) if fit is not None]
    if not fitted:
        return body
    scale = float(np.median([size for size, _ in fitted])) / clip.unit * body.shoulder_width
    shape = _moved_along(body.face - body.eyes, _median([offset for _, offset in fitted]))
    size = float(np.clip(scale, *_EYES))
    middle = clip.points[frames][:, _SHOULDERS, 1].mean(axis=1)
    height = _middle(face[frames][:, [LEFT_EYE, RIGHT_EYE], 1].mean(axis=1) - middle)
    eyes = body.eyes
    if height is not None:
        eyes = eyes * [1.0, float(np.clip(height / clip.unit * body.shoulder_width / eyes[1], *_HEIGHTS)), 1.0]
    return body.with_face(shape * size + eyes)


def _neutral_frames(face: Array) -> NDArray[np.int64]:
    """Frames (n,) in which the lips are nearer than in the median one, and all that is needed is seen."""
    lips = np.linalg.norm(face[:, UPPER_LIP] - face[:, LOWER_LIP], axis=-1)
    needed = np.isfinite(face[:, [LEFT_EYE, RIGHT_EYE, CHIN]]).all(axis=(1, 2))
    if np.isfinite(lips).any():
        needed &= lips <= np.nanmedian(lips)
    frames = np.flatnonzero(needed)
    return frames[np.linspace(0, len(frames) - 1, min(len(frames), _FACE_FRAMES)).astype(int)]


def _fit(points: Array, face: Array) -> tuple[float, Array] | None:
    """How large a face is in the picture (468, 2) by the given one (468, 3), and how its points differ from it.

    The face is fitted by scaled orthographic projection.

    Returns:
        Pixels per metre, and displacements (468, 2) in metres, NaN where no point is seen; None if it looks aside.
    """
    seen = np.isfinite(points).all(axis=1)
    if seen.sum() < 12:
        return None
    known, picture = face[seen], points[seen]
    about, center = known.mean(axis=0), picture.mean(axis=0)
    affine = np.linalg.lstsq(known - about, picture - center, rcond=None)[0].T
    u, singular, vt = np.linalg.svd(affine, full_matrices=False)
    axes, size = u @ vt, float(singular.mean())
    if size <= 0 or np.abs(axes[:, 2]).max() > _FRONTAL:
        return None
    missed = (picture - center) / size - (known - about) @ axes.T
    offsets = np.full((len(face), 2), np.nan)
    offsets[seen] = missed @ np.linalg.inv(axes[:, :2]).T
    return size, offsets


def _moved_along(face: Array, offsets: Array) -> Array:
    """The face (468, 3) with its points moved as those around them that were seen, by (468, 2)."""
    seen = np.isfinite(offsets).all(axis=1)
    known = np.clip(offsets[seen], -_FARTHEST_POINT, _FARTHEST_POINT)
    apart = face[:, None, :2] - face[seen][None, :, :2]
    weights = np.exp(-(apart**2).sum(axis=-1) / (2 * _NEIGHBOURHOOD**2))
    # The small constant lets go where nothing was seen nearby.
    moved = weights @ known / (weights.sum(axis=1, keepdims=True) + 0.1)
    result: Array = face + np.concatenate([moved, np.zeros((len(face), 1))], axis=1)
    return result


def _believable(values: list[float | None], expected: float) -> float | None:
    """The largest value by the expected one; None if that says nothing."""
    ratio = max((value for value in values if value is not None), default=0.0) / expected
    return min(ratio, _BELIEVABLE[1]) if ratio > _BELIEVABLE[0] else None


def _middle(values: Array) -> float | None:
    """The median of what is finite."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def _median(values: list[Array]) -> Array:
    """Over the first axis, of what is finite; NaN where nothing is."""
    stacked = np.stack(values)
    counted = np.isfinite(stacked).any(axis=0)
    result = np.full(stacked.shape[1:], np.nan)
    result[counted] = np.nanmedian(stacked[:, counted], axis=0)
    return result
