"""Filling gaps of arms and hands: hands stay on the arm's wrist, keep their size and bend as wrists bend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from array_api_compat import device

from pose_core.errors import UserError
from pose_core.sequence import PoseSequence
from pose_core.transforms.arrays import Array, array_namespace, copied, namespace, norm, with_values
from pose_core.transforms.gaps import Gaps, fill_gaps
from pose_core.transforms.temporal import last_visible, take_frames

if TYPE_CHECKING:
    from pose_core.skeleton import Side, Skeleton
    from pose_core.transforms.arrays import Poses

# A hand's 21 points, which every estimator orders alike: the wrist, then four joints a finger from the thumb on. Bones
# from the wrist outwards, those of one row depend on those of the row before.
HAND_POINTS = 21
_BONES = (
    ((0, 1), (0, 5), (0, 9), (0, 13), (0, 17)),
    *(tuple((4 * f + j, 4 * f + j + 1) for f in range(5)) for j in (1, 2, 3)),
)
MIDDLE_KNUCKLE = 9
# Distances across the palm, and how long each is beside wrist to middle knuckle in a hand seen flat.
_PALM = ((0, 5, 1.0), (0, 9, 1.0), (0, 17, 0.93), (5, 17, 0.62))

# Radians in the picture between forearm and hand; nine in ten hands of real clips bend less. A held hand that bends
# more than it did, and more than this, is turned back: that is nearer to the real hand than one held upright.
WRIST_BEND = math.radians(40)
# How far a filled hand's wrist may lie from the arm's, in palms: nine in ten of real clips are nearer. Less costs
# accuracy beside the frames around the gap, more would let a hand float that was found in the wrong place.
WRIST_GAP = 0.4


@dataclass(frozen=True)
class _Arm:
    """Array positions of one arm's points; None or empty where the skeleton lacks them."""

    shoulder: int | None
    elbow: int | None
    wrist: int | None
    hand: list[int]

    @classmethod
    def of(cls, skeleton: Skeleton, side: Side) -> _Arm:
        try:
            shoulder = skeleton.shoulders()[side == "right"]
        except UserError:  # hands only
            shoulder = None
        return cls(shoulder, skeleton.elbow(side), skeleton.wrist(side), skeleton.hand(side))

    @property
    def fingers(self) -> list[int]:
        """The hand without its wrist where that is the arm's as well (OpenPose's 135 points)."""
        return [k for k in self.hand if k != self.wrist]


def attach_hands(poses: Poses, *, within: float = 0.0) -> Poses:
    """Translates each hand in the picture so that its wrist lies on the arm's wrist, in frames that show both.

    The arm stays where it is; `correct_wrists` moves the arm's wrist instead. Size and shape of the hand stay, and so
    does its depth, which estimators measure from the hand's own wrist and not from the body.

    Args:
        poses: keypoints (..., T, K, D).
        within: distance that may remain between the two wrists, in palm sizes.
    """
    xp = namespace(poses)
    visible = poses.visible
    keypoints = xp.where(visible[..., None], poses.keypoints, xp.zeros_like(poses.keypoints))
    for side in ("left", "right"):
        wrist, hand = poses.skeleton.wrist(side), poses.skeleton.hand(side)
        if wrist is None or not hand:
            continue
        both = visible[..., [wrist]] & visible[..., hand[:1]]  # (..., T, 1)
        offset = _vectors(keypoints, [wrist], hand[:1])[..., :2]
        displacement = _limited(offset, within * palm_size(keypoints, visible, hand)) - offset
        displacement = xp.where(both[..., None], displacement, xp.zeros_like(displacement))
        keypoints[..., hand, :2] = keypoints[..., hand, :2] + displacement
    return with_values(poses, keypoints, xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence)))


def fill_arms(poses: Poses, *, max_frames: int | None = None) -> Poses:
    """Fills gaps by interpolation like `fill_gaps`, but keeps arms and hands connected.

    An elbow is placed relative to its shoulder and a wrist relative to its elbow, so that limbs are not stretched. A
    hand's wrist lies on the arm's, as far off it as before and after the gap, at most `WRIST_GAP`. Its bones rotate
    from their directions before to those after, so that the hand keeps its size; on a visible arm it bends no more
    than it did, and no more than `WRIST_BEND`.

    Args:
        poses: keypoints (..., T, K, D).
        max_frames: leave gaps of more frames as they are.

    Returns:
        The poses; what is missing from the beginning, to the end, or throughout stays missing.
    """
    line = fill_gaps(poses, max_frames=max_frames)
    visible = poses.visible
    if not visible.shape[-2]:
        return line
    known = line.confidence > 0
    keypoints = copied(line.keypoints)
    for side in ("left", "right"):
        arm = _Arm.of(poses.skeleton, side)
        for parent, point in ((arm.shoulder, arm.elbow), (arm.elbow, arm.wrist)):
            if parent is not None and point is not None:
                gaps, fill = _bones(visible, known, [parent], [point])
                _place(keypoints, [parent], [point], gaps.line(_vectors(keypoints, [parent], [point])), fill)
        if arm.hand:
            _fill_hand(keypoints, visible, known, arm)
    return with_values(poses, keypoints, line.confidence)


def _fill_hand(keypoints: Array, visible: Array, known: Array, arm: _Arm) -> None:
    """Fills a hand in keypoints (..., T, K, D), in place; its arm is filled already."""
    xp = array_namespace(keypoints)
    hand = arm.hand
    palm = palm_size(keypoints, visible, hand)  # (..., T, 1)
    if arm.wrist is not None:
        gaps, fill = _bones(visible, known, [arm.wrist], hand[:1])
        offset = _limited(gaps.line(_vectors(keypoints, [arm.wrist], hand[:1])[..., :2]), WRIST_GAP * gaps.line(palm))
        _place(keypoints[..., :2], [arm.wrist], hand[:1], offset, fill)  # depth is the hand's own
    levels = _BONES if len(hand) == HAND_POINTS else (tuple((0, k) for k in range(1, len(hand))),)
    for bones in filter(None, levels):  # a hand of its wrist alone has no bones
        parents, points = ([hand[k] for k in ends] for ends in zip(*bones, strict=True))
        gaps, fill = _bones(visible, known, parents, points)
        _place(keypoints, parents, points, gaps.turn(_vectors(keypoints, parents, points)), fill)
    fingers_visible = xp.any(visible[..., arm.fingers], axis=-1, keepdims=True)
    gaps = Gaps.between(fingers_visible)
    filled = ~fingers_visible & gaps.inside & xp.any(known[..., arm.fingers], axis=-1, keepdims=True)
    points = keypoints[..., hand, :]
    largest = xp.maximum(*gaps.ends(palm))
    frame = palm_size(keypoints, known, hand)
    shrink = xp.where((largest > 0) & (frame > largest), largest / xp.where(frame > 0, frame, xp.ones_like(frame)), 1.0)
    points = points[..., :1, :] + shrink[..., None] * (points - points[..., :1, :])
    bend = _Bend.of(keypoints, known, arm)
    if bend is not None:
        allowed = xp.maximum(*gaps.ends(bend.sure * xp.abs(bend.angle)))
        arm_visible = visible[..., [arm.elbow]] & visible[..., [arm.wrist]]
        sure = xp.where(arm_visible, bend.sure, xp.zeros_like(bend.sure))
        points = _turned_back(points, bend.angle, sure, allowed)
    keypoints[..., hand, :] = xp.where(filled[..., None], points, keypoints[..., hand, :])


def hold_hands(poses: Poses, *, max_frames: int | None = None) -> Poses:
    """Holds a missing hand in its last visible shape, attached to the arm's wrist.

    Its wrist keeps its distance from the arm's, at most `WRIST_GAP`. It keeps its size and shape, and rotates with
    the forearm where the wrist would else bend more than it did and more than `WRIST_BEND`. While the arm's wrist is
    missing, too, the hand stays where that was last visible.

    Args:
        poses: keypoints (..., T, K, D).
        max_frames: longest time that a hand is held.

    Returns:
        The poses; a held hand has its last confidence. A hand not visible before stays missing.
    """
    xp = namespace(poses)
    visible = poses.visible
    if not visible.shape[-2]:
        return poses
    frame = xp.arange(visible.shape[-2], device=device(visible))[:, None]
    keypoints = copied(poses.keypoints)
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    clean = xp.where(visible[..., None], poses.keypoints, xp.zeros_like(poses.keypoints))
    for side in ("left", "right"):
        arm = _Arm.of(poses.skeleton, side)
        hand = arm.hand
        if not hand:
            continue
        fingers_visible = xp.any(visible[..., arm.fingers], axis=-1, keepdims=True)  # (..., T, 1)
        last = last_visible(fingers_visible)
        filled = ~fingers_visible & (last >= 0)
        if max_frames is not None:
            filled = filled & (frame - last <= max_frames)
        if not isinstance(poses, PoseSequence):
            filled = filled & poses.mask[..., None]
        last = xp.clip(last, 0, None)
        index = xp.broadcast_to(last, (*last.shape[:-1], len(hand)))
        points = _hang(take_frames(clean[..., hand, :], index), clean, visible, arm, last)
        filled = filled & xp.asarray([k in arm.fingers for k in hand], device=device(visible))
        keypoints[..., hand, :] = xp.where(filled[..., None], points, keypoints[..., hand, :])
        confidence[..., hand] = xp.where(filled, take_frames(confidence[..., hand], index), confidence[..., hand])
    return with_values(poses, keypoints, confidence)


def _hang(points: Array, keypoints: Array, visible: Array, arm: _Arm, last: Array) -> Array:
    """A hand's points (..., T, K', D) of the frames `last` (..., T, 1), moved and rotated with each frame's arm."""
    xp = array_namespace(points)
    if arm.wrist is None:
        return points
    hand = arm.hand
    at = last_visible(visible[..., [arm.wrist]])  # the arm's wrist stays where it was visible last
    known = at >= 0
    position = take_frames(keypoints[..., [arm.wrist], :2], xp.clip(at, 0, None))  # (..., T, 1, 2)
    earlier_known, earlier = take_frames(known, last), take_frames(position, last)
    wrist_visible = take_frames(visible[..., hand[:1]], last)
    palm = take_frames(palm_size(keypoints, visible, hand), last)
    offset = xp.where(earlier_known[..., None], points[..., :1, :2] - earlier, xp.zeros_like(earlier))
    onto_wrist = position + _limited(offset, WRIST_GAP * palm) - points[..., :1, :2]
    along_wrist = xp.where(earlier_known[..., None], position - earlier, xp.zeros_like(earlier))
    displacement = xp.where(wrist_visible[..., None], onto_wrist, along_wrist)
    displacement = xp.where(known[..., None], displacement, xp.zeros_like(displacement))
    points = copied(points)
    points[..., :2] = points[..., :2] + displacement
    bend = _Bend.of(keypoints, visible, arm, last=last)
    if bend is None:
        return points
    allowed = take_frames(bend.sure * xp.abs(bend.angle), last)
    return _turned_back(points, bend.angle, bend.sure, allowed)


@dataclass(frozen=True)
class _Bend:
    """Wrist flexion in the picture plane.

    Attributes:
        angle: (..., T, 1) radians from the forearm to the hand.
        sure: (..., T, 1) weight, 0 to 1: lower where forearm or hand point to the camera, 0 where they are missing.
    """

    angle: Array
    sure: Array

    @classmethod
    def of(cls, keypoints: Array, known: Array, arm: _Arm, *, last: Array | None = None) -> _Bend | None:
        """The bend of an arm of keypoints (..., T, K, D), known (..., T, K); hands as in frames `last` (..., T, 1)."""
        if arm.elbow is None or arm.wrist is None or len(arm.hand) != HAND_POINTS:
            return None
        xp = array_namespace(keypoints)
        root, knuckle = arm.hand[0], arm.hand[MIDDLE_KNUCKLE]
        forearm = _vectors(keypoints, [arm.elbow], [arm.wrist])[..., :2]
        palm = _vectors(keypoints, [root], [knuckle])[..., :2]
        size = palm_size(keypoints, known, arm.hand)
        palm_known = known[..., [root]] & known[..., [knuckle]]
        if last is not None:
            palm, size, palm_known = (take_frames(values, last) for values in (palm, size, palm_known))
        forearm_known = known[..., [arm.elbow]] & known[..., [arm.wrist]]
        length = xp.where(forearm_known, norm(forearm)[..., 0], xp.zeros_like(size))
        longest = xp.max(length, axis=-2, keepdims=True)
        valid = palm_known & forearm_known & (length > 0) & (norm(palm)[..., 0] > 0.4 * size)
        sure = xp.clip((length / xp.where(longest > 0, longest, xp.ones_like(longest)) - 0.25) / 0.5, 0.0, 1.0)
        cross = forearm[..., 0] * palm[..., 1] - forearm[..., 1] * palm[..., 0]
        dot = xp.sum(forearm * palm, axis=-1)
        angle = xp.atan2(xp.where(valid, cross, xp.zeros_like(cross)), xp.where(valid, dot, xp.ones_like(dot)))
        return cls(angle, xp.where(valid, sure, xp.zeros_like(sure)))


def palm_size(keypoints: Array, known: Array, hand: list[int]) -> Array:
    """(..., T, 1) size of the palm in x and y, of the points known (..., T, K); 0 where there are too few.

    A palm is as large as the largest of several distances says: turned away from the camera some are foreshortened,
    hardly ever all.
    """
    xp = array_namespace(keypoints)
    size = xp.zeros_like(keypoints[..., :1, 0])
    if len(hand) != HAND_POINTS:
        return size
    for a, b, usual in _PALM:
        length = norm(_vectors(keypoints, [hand[a]], [hand[b]])[..., :2])[..., 0] / usual
        both = known[..., [hand[a]]] & known[..., [hand[b]]]
        size = xp.maximum(size, xp.where(both, length, xp.zeros_like(length)))
    return size


def _bones(visible: Array, known: Array, parents: list[int], points: list[int]) -> tuple[Gaps, Array]:
    """Gaps of bones, and (..., T, K') True where a point is to be placed from its parent."""
    gaps = Gaps.between(visible[..., points] & known[..., parents])
    return gaps, ~visible[..., points] & known[..., points] & known[..., parents] & gaps.inside


def _vectors(keypoints: Array, parents: list[int], points: list[int]) -> Array:
    return keypoints[..., points, :] - keypoints[..., parents, :]


def _place(keypoints: Array, parents: list[int], points: list[int], vectors: Array, fill: Array) -> None:
    """Puts points (..., T, K', D) at their parents plus vectors where `fill` (..., T, K') says so, in place."""
    xp = array_namespace(keypoints)
    keypoints[..., points, :] = xp.where(
        fill[..., None], keypoints[..., parents, :] + vectors, keypoints[..., points, :]
    )


def _limited(offset: Array, most: Array) -> Array:
    """Offsets (..., T, 1, 2), shortened to lengths of at most (..., T, 1)."""
    xp = array_namespace(offset)
    length = norm(offset)
    too_long = length > most[..., None]
    return xp.where(too_long, offset * (most[..., None] / xp.where(too_long, length, xp.ones_like(length))), offset)


def _turned_back(points: Array, angle: Array, sure: Array, allowed: Array) -> Array:
    """A hand (..., T, K', D) turned about its wrist in the picture, where it is bent more than allowed (..., T, 1)."""
    xp = array_namespace(points)
    allowed = xp.clip(allowed, WRIST_BEND, None)
    turn = -xp.sign(angle) * xp.clip(xp.abs(angle) - allowed, 0.0, None) * sure
    cos, sin = xp.cos(turn), xp.sin(turn)  # (..., T, 1)
    x, y = (points[..., axis] - points[..., :1, axis] for axis in (0, 1))
    turned = xp.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
    points = copied(points)
    points[..., :2] = points[..., :1, :2] + turned
    return points
