"""Both arms hold both hands: within reach and limits, what touches in its place, and not in body or each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anchors import anchors
from text_to_pose.signing.arm import solve
from text_to_pose.signing.collisions import Limbs, evasion
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hand_model import forward, mirrored
from text_to_pose.signing.timing import FASTEST
from text_to_pose.signing.vectors import smoothed

if TYPE_CHECKING:
    from text_to_pose.signing.arm import Arms
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.motion import Motion

LEFT, RIGHT = 0, 1
_FLIP = np.array([-1.0, 1.0, 1.0])
_TURNED, _ANCHORINGS = np.radians(3.0), 3
"""By how much a hand is turned before what it touches is put back, and how often: elbows follow."""
_FARTHEST = 0.08
"""By how much at most, in metres."""
_EVASIONS, _SMALLEST_EVASION = 2, 0.002
"""How often hands make way, as where they are pushed to may be out of reach, and by how many metres at least."""
_RESTING, _PASSING = 0.2, 0.3
"""Metres per second: a hand that touches is hardly faster than the difference, one that is faster passes by."""
_SLOWER = (0.1, 0.2)
"""Seconds over which corrections are smoothed that make a hand faster than people's are."""


@dataclass(frozen=True, eq=False)
class Held:
    """Arms and hands, left and right, over T frames.

    Attributes:
        shoulders, elbows: (2, T, 3).
        rotations: of the hands, (2, T, 3, 3).
        hands: (2, T, 21, 3), the wrist first.
        turned: by how much the hands are not turned as they were to be, (2, T) radians.
        arms: the same, the left one mirrored.
    """

    shoulders: Array
    elbows: Array
    rotations: Array
    hands: Array
    turned: Array
    arms: Arms

    @property
    def wrists(self) -> Array:
        """(2, T, 3)."""
        return self.hands[:, :, 0]


def hold(motion: Motion, body: Body, head: Array, sway: Array) -> Held:
    """Both arms as nearly as they can do a motion.

    Args:
        motion: what hands and shoulders do.
        body: whose.
        head: (T, 3, 3) how the head is turned.
        sway: (T, 3) how far trunk and head are from where they rest.
    """
    shapes = forward(np.stack([motion.left.angles, motion.right.angles]), body.hand).points
    shapes = np.stack([mirrored(shapes[LEFT]), shapes[RIGHT]])
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    held = _solved(motion, body, wanted, shapes)
    touching = np.zeros(wanted.shape[:2])
    if held.turned.max(initial=0.0) > _TURNED or _in_the_way(body, held, head, sway, motion.fps, touching).any():
        rotations = np.stack([motion.left.rotation, motion.right.rotation])
        meant = wanted[:, :, None] + shapes @ np.swapaxes(rotations, -1, -2)
        places, near = anchors(body, meant, shapes, head, sway)
        touching = near * np.clip((_PASSING - _speeds(wanted, motion.fps)) / _RESTING, 0.0, 1.0)
        if (touching[held.turned > _TURNED] > 0.2).any():
            held = _anchored(motion, body, held, shapes, places, near)
        for _ in range(_EVASIONS):
            shift = _in_the_way(body, held, head, sway, motion.fps, touching)
            if np.abs(shift).max(initial=0.0) < _SMALLEST_EVASION:
                break
            held = _solved(motion, body, held.wrists + shift, shapes, held)
    fastest = max(_speeds(wanted, motion.fps).max(), FASTEST * body.shoulder_width)
    for seconds in _SLOWER:
        if _speeds(held.wrists, motion.fps).max() <= 1.001 * fastest:
            break
        correction = smoothed(held.wrists - wanted, seconds * motion.fps)
        held = _solved(motion, body, wanted + correction, shapes, held)
    return held


def _anchored(motion: Motion, body: Body, held: Held, shapes: Array, places: Array, near: Array) -> Held:
    """With hands that are turned otherwise about their places that touch, (2, T, 3), as far as (2, T) they do."""
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    rotations = np.stack([motion.left.rotation, motion.right.rotation])
    aims = wanted + (rotations @ places[..., None])[..., 0]

    def missed(found: Held) -> float:
        reached = found.wrists + (found.rotations @ places[..., None])[..., 0]
        return float((near * np.linalg.norm(reached - aims, axis=-1)).sum())

    best, least = held, missed(held)
    for again in range(_ANCHORINGS):
        shift = near[..., None] * ((rotations - held.rotations) @ places[..., None])[..., 0]
        far = np.linalg.norm(shift, axis=-1, keepdims=True)
        shift = shift * np.minimum(1, _FARTHEST / np.maximum(far, 1e-9))
        held = _solved(motion, body, wanted + shift, shapes, held if again else None)
        now = missed(held)
        if now >= least:
            break
        best, least = held, now
    return best


def _in_the_way(body: Body, held: Held, head: Array, sway: Array, fps: float, touching: Array) -> Array:
    return evasion(body, Limbs(held.hands, held.elbows), head, sway, fps, touching)


def _solved(motion: Motion, body: Body, wrists: Array, shapes: Array, like: Held | None = None) -> Held:
    """Arms with wrists (2, T, 3) and the motion's rotations; left ones are mirrored, solved as right ones, and back."""
    shoulder = np.swapaxes(body.shoulders + motion.shoulders, 0, 1)
    rotation = np.stack([mirrored_rotation(motion.left.rotation), motion.right.rotation])
    near = None if like is None else like.arms
    arms = solve(body, _mirrored_left(shoulder), _mirrored_left(wrists), rotation, motion.fps, near)
    rotations = np.stack([mirrored_rotation(arms.rotation[LEFT]), arms.rotation[RIGHT]])
    hands = _mirrored_left(arms.wrist)[:, :, None] + shapes @ np.swapaxes(rotations, -1, -2)
    return Held(_mirrored_left(arms.shoulder), _mirrored_left(arms.elbow), rotations, hands, arms.turned, arms)


def _mirrored_left(points: Array) -> Array:
    """(2, T, 3), the first of both mirrored."""
    return np.stack([points[LEFT] * _FLIP, points[RIGHT]])


def _speeds(wrists: Array, fps: float) -> Array:
    """Of wrists (2, T, 3), the greater one of before and after each frame, (2, T) metres per second."""
    steps = np.linalg.norm(np.diff(wrists, axis=1), axis=-1) * fps
    return np.maximum(np.pad(steps, ((0, 0), (1, 0))), np.pad(steps, ((0, 0), (0, 1))))
