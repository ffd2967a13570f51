"""The body of a person in a clip: what a picture shows of their proportions, the mean signer's for the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from text_to_pose.signing.anatomy.body import CHIN, LEFT_EYE, LOWER_LIP, MEAN_BODY, RIGHT_EYE, UPPER_LIP, Body
from text_to_pose.signing.anatomy.seen_person import (
    ELBOWS,
    FACE,
    HANDS,
    HIPS,
    SHOULDERS,
    WRISTS,
    SeenPerson,
    breadth_of,
    lengths_between,
    middle,
    upright,
    variation,
    visible_hands,
)
from text_to_pose.signing.hands.hand_model import bone_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pose_core import PoseSequence
    from text_to_pose.signing.hands.hand_model import Proportions
    from text_to_pose.signing.vectors import Array

_LONGEST = 98
"""Percentile of a clip's lengths that counts: a limb is foreshortened most of the time."""

# How much longer, or shorter, in shoulder widths, than the mean body's a median person's limbs are where they are
# longest in a clip (benchmarks/body_proportions.py): a hanging arm is foreshortened, a hand is near the camera.
_SEEN_UPPER_ARM, _SEEN_FOREARM, _SEEN_PALM = 0.97, 0.93, 1.0
_BELIEVABLE = (0.9, 1.13)
"""By the mean body: what is shorter is foreshortened, and says nothing; what is longer was not measured well."""
_EYES = (0.85, 1.15)
_HEIGHTS = (0.85, 1.15)
_FRONTAL = 0.35
"""How much of a depth the picture of a face may show sideways or upwards: the sine of some 20 degrees."""
_FARTHEST = 0.2
"""Of the logarithm of a size: nobody is farther from the mean."""
_FACE_FRAMES = 40
_FARTHEST_POINT = 0.012
"""How far a point of the face may be from the mean face's, in metres."""
_NEIGHBOURHOOD = 0.012
"""Over how many metres the face's points move along with those that were seen."""


_SPREAD = 0.055
"""Standard deviation between people of the logarithm of one size by another."""
_TRUST_IN_PICTURE = 0.2
"""How much of what the picture alone says counts: its sizes differ by 13 % between clips of one person, as people do by
5 (the signs and letters of the development data)."""
_ERRATIC = 0.35
"""Standard deviation of the logarithm of the shoulders' breadth that no person's has."""
_MEAN_SIGNS = "the mean adult signs"


@dataclass(frozen=True)
class Measured:
    """Who signs in a clip.

    Attributes:
        body: with the person's proportions, as far as the clip shows them.
        notice: what it does not show at all, in words for the user; None where it shows arms or more.
    """

    body: Body
    notice: str | None = None


def body_of(sequence: PoseSequence) -> Body:
    """The body of `measured`."""
    return measured(sequence).body


def measured(sequence: PoseSequence) -> Measured:
    """The body with a person's proportions, whose shoulders are as broad as the mean signer's.

    Of a clip whose depth is right, as one that was signed by the rules, bones are those of its signer. Estimators
    guess depth, and a picture foreshortens: of real clips sizes are between what the picture says and the mean
    signer's, and nearer to these, so that two clips of a person agree. What is not seen is the mean signer's.

    Args:
        sequence: the person in any layout, of two or three coordinates.

    Raises:
        UserError: neither shoulders nor a hand are seen in it, or all on one point.
    """
    seen = SeenPerson.of(sequence)
    unit = breadth_of(seen.picture)
    size = max((float(np.median(np.ptp(hand, axis=1))) for hand in visible_hands(seen.picture) if len(hand)), default=0)
    if unit is None and not size > 1e-6:
        raise UserError("the clip shows nobody: neither shoulders nor a hand are visible")
    if unit is None:
        hand = _hand(_Sizes.of(seen))
        return Measured(replace(MEAN_BODY, hand=hand), f"no shoulders or arms in it; {_MEAN_SIGNS}, with these hands")
    erratic = variation(lengths_between(seen.picture, *SHOULDERS))
    if erratic is not None and erratic > _ERRATIC:
        return Measured(MEAN_BODY, f"its points do not move as a person's do; {_MEAN_SIGNS}")
    sizes = _Sizes.of(seen)
    body = replace(_with_arms(sizes, MEAN_BODY), hand=_hand(sizes))
    return Measured(_with_face(seen, sizes.trust, body), None if sizes.arms else f"no arms in it; {_MEAN_SIGNS}")


@dataclass(frozen=True)
class _Sizes:
    """Logarithms of a person's sizes by the mean body's: 0 where they are not seen.

    Attributes:
        arm, forearm, hips_down, hips_apart: in shoulder widths.
        hand: of the 20 bones, in shoulder widths; in mean hands where there are no shoulders.
        trust: how much of them is by depth: 1 where lengths stay the same and are a body's, towards 0 where not.
        arms: whether an arm is seen.
    """

    upper_arm: float
    forearm: float
    hips_down: float
    hips_apart: float
    hand: Array
    trust: float
    arms: bool

    @classmethod
    def of(cls, seen: SeenPerson) -> _Sizes:
        flat = _flat_sizes(seen.picture)
        if seen.points is None:
            return flat
        deep = _deep_sizes(seen.points)
        known = [each for each in (deep.upper_arm, deep.forearm, *deep.hand) if np.isfinite(each)]
        return _mixed(deep, flat) if known else flat


def _mixed(deep: _Sizes, flat: _Sizes) -> _Sizes:
    """What depth says, as far as it is trusted, and for the rest what the picture does."""

    def mixed(of_depth: float, of_picture: float) -> float:
        return of_picture + deep.trust * (of_depth - of_picture) if np.isfinite(of_depth) else of_picture

    return _Sizes(
        mixed(deep.upper_arm, flat.upper_arm),
        mixed(deep.forearm, flat.forearm),
        mixed(deep.hips_down, flat.hips_down),
        mixed(deep.hips_apart, flat.hips_apart),
        np.array([mixed(a, b) for a, b in zip(deep.hand, flat.hand, strict=True)]),
        deep.trust,
        flat.arms,
    )


def _deep_sizes(points: Array) -> _Sizes:
    """By lengths in space (T, 543, 3): the middle ones, NaN where nothing is seen."""
    unit = breadth_of(points) or np.nan
    width = MEAN_BODY.shoulder_width
    spreads: list[float] = []

    def size(lengths: Array, usual: float) -> float:
        spreads.append(variation(lengths) or 0.0)
        length = middle(lengths)
        return float(np.log(length / unit * width / usual)) if length else np.nan

    def both(ends: tuple[int, int], others: tuple[int, int], usual: float) -> Array:
        sides = (size(lengths_between(points, a, b), usual) for a, b in zip(ends, others, strict=True))
        return np.array(list(sides))

    arms = both(SHOULDERS, ELBOWS, MEAN_BODY.upper_arm), both(ELBOWS, WRISTS, MEAN_BODY.forearm)
    hands = [bone_lengths(hand) for hand in visible_hands(points)]
    bones = np.array(
        [[size(each, usual) for each, usual in zip(h.T, MEAN_BODY.hand.lengths, strict=True)] for h in hands]
    )
    hand = bones[int(np.argmax([len(each) for each in hands]))]
    far = np.concatenate([*arms, bones.ravel()])
    far = far[np.isfinite(far)]
    # Lengths that vary, and those that no body has, tell of depths that are wrong.
    doubt = (
        float(np.mean(np.square(spreads))) + max(float(np.mean(far**2)) - (2 * _SPREAD) ** 2, 0.0) if len(far) else 1.0
    )
    hips = MEAN_BODY.hips
    trunk = points[:, SHOULDERS].mean(axis=1) - points[:, HIPS].mean(axis=1)
    return _Sizes(
        _finite_mean(arms[0]),
        _finite_mean(arms[1]),
        size(np.linalg.norm(trunk, axis=-1), -float(hips[0, 1])),
        size(lengths_between(points, *HIPS), float(hips[0, 0] - hips[1, 0])),
        hand,
        _SPREAD**2 / (_SPREAD**2 + doubt),
        bool(np.isfinite(arms[0]).any()),
    )


def _flat_sizes(picture: Array) -> _Sizes:
    """By the longest lengths in the picture (T, 543, 2), held back: `_TRUST_IN_PICTURE`."""
    unit, width = breadth_of(picture), MEAN_BODY.shoulder_width

    def longest(first: int, second: int) -> float | None:
        far = lengths_between(picture, first, second)
        far = far[np.isfinite(far)]
        return float(np.percentile(far, _LONGEST)) / unit if len(far) and unit else None

    uppers = [longest(s, e) for s, e in zip(SHOULDERS, ELBOWS, strict=True)]
    lowers = [longest(e, w) for e, w in zip(ELBOWS, WRISTS, strict=True)]
    arm = _believable(uppers, MEAN_BODY.upper_arm / width * _SEEN_UPPER_ARM) or 1.0
    forearm = _believable(lowers, MEAN_BODY.forearm / width * _SEEN_FOREARM * arm) or 1.0
    palm = _believable([longest(h.start, h.start + 9) for h in HANDS], MEAN_BODY.hand.lengths[8] / width * _SEEN_PALM)
    trunk = middle((picture[:, SHOULDERS].mean(axis=1) - picture[:, HIPS].mean(axis=1))[:, 1])
    apart = longest(*HIPS)
    down, hips = 1.0, MEAN_BODY.hips
    if unit and trunk is not None:
        down = float(np.clip(trunk / unit * width / -hips[0, 1], *_HEIGHTS))
    across = 1.0 if apart is None else float(np.clip(apart * width / (hips[0, 0] - hips[1, 0]), *_HEIGHTS))
    hand = np.log(_shares(picture) * (palm or 1.0))
    log = _TRUST_IN_PICTURE * np.log([arm, arm * forearm, down, across])
    seen = any(each is not None for each in uppers)
    return _Sizes(*map(float, log), _TRUST_IN_PICTURE * hand, 0.0, seen)


def _shares(picture: Array) -> Array:
    """(20,) lengths of the bones of the hand that is seen more, by the palm, by those of the mean hand."""
    hand = max(visible_hands(picture), key=len)
    if not len(hand):
        return np.ones(20)
    lengths = bone_lengths(hand)
    palm = lengths[:, [4, 8, 12, 16]].mean(axis=1, keepdims=True)  # from the wrist to the knuckles of the fingers
    mean = MEAN_BODY.hand
    # Seen from the side or with bones to the camera, lengths vary; what is between median and longest is nearest.
    share = np.percentile(lengths / np.maximum(palm, 1e-9), 65, axis=0)
    usual = mean.lengths / mean.lengths[[4, 8, 12, 16]].mean()
    share = np.clip(share / usual, *_BELIEVABLE)
    result: Array = share / (share * usual)[[4, 8, 12, 16]].mean()
    return result


def _with_arms(sizes: _Sizes, mean: Body) -> Body:
    """Arms and hips."""
    return replace(
        mean,
        upper_arm=mean.upper_arm * _factor(sizes.upper_arm),
        forearm=mean.forearm * _factor(sizes.forearm),
        hips=mean.hips * [_factor(sizes.hips_apart), _factor(sizes.hips_down), 1.0],
    )


def _hand(sizes: _Sizes) -> Proportions:
    return MEAN_BODY.hand.with_lengths(MEAN_BODY.hand.lengths * np.array([_factor(each) for each in sizes.hand]))


def _factor(log: float) -> float:
    return float(np.exp(np.clip(log, -_FARTHEST, _FARTHEST)))


def _finite_mean(values: Array) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _with_face(seen: SeenPerson, trust: float, body: Body) -> Body:
    """Size, height and shape of the face."""
    points = seen.picture if seen.points is None or trust < _TRUST_IN_PICTURE else upright(seen.points)
    weight = max(trust, _TRUST_IN_PICTURE)
    face, unit = points[:, FACE, :2], breadth_of(points)
    frames = _neutral_frames(face)
    if not len(frames) or unit is None:
        return body
    fitted = [fit for fit in (_fit(face[t], body.face) for t in frames) if fit is not None]
    if not fitted:
        return body
    scale = float(np.median([size for size, _ in fitted])) / unit * body.shoulder_width
    shape = _moved_along(body.face - body.eyes, _median([offset for _, offset in fitted]))
    size = float(np.clip(scale, *_EYES)) ** weight
    neck = points[frames][:, SHOULDERS, 1].mean(axis=1)
    height = middle(face[frames][:, [LEFT_EYE, RIGHT_EYE], 1].mean(axis=1) - neck)
    eyes = body.eyes
    if height is not None:
        eyes = eyes * [1.0, float(np.clip(height / unit * body.shoulder_width / eyes[1], *_HEIGHTS)) ** weight, 1.0]
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


def _median(values: list[Array]) -> Array:
    """Over the first axis, of what is finite; NaN where nothing is."""
    stacked = np.stack(values)
    counted = np.isfinite(stacked).any(axis=0)
    result = np.full(stacked.shape[1:], np.nan)
    result[counted] = np.nanmedian(stacked[:, counted], axis=0)
    return result
