"""What wrists and forearms are turned by, and within which limits they are, of right arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.signs import smoothed_apart
from text_to_pose.signing.vectors import components, cross, dot, joined, unit, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.vectors import Array

WRIST_LIMITS: Array = np.radians(np.array([[-80.0, 85.0], [-40.0, 25.0], [-90.0, 93.0]]))
"""Least and greatest of the wrist's flexion (below 0: extension), its deviation to the thumb (below 0: to the little
finger) and the forearm's rotation from the thumb up (supination; below 0: pronation), (3, 2), radians: what others can
move them to (Wanatabe and others 1979; Greene and Wolf 1989, deviation), as signers use all that joints give."""
_LEAST, _GREATEST = np.ascontiguousarray(WRIST_LIMITS.T)
_MIDDLES = (_LEAST + _GREATEST) / 2
_SUDDEN = np.radians(50.0)
"""A turn within 1/25 s that is a jump from one limit to another."""
_CROSSING = 0.16
"""Seconds before and after it over which a hand goes from one to the other."""
_SMOOTHING = 0.08
"""Seconds over which angles are smoothed where a limit holds them."""


def wrist_angles(shoulder: Array, elbow: Array, wrist: Array, rotation: Array) -> Array:
    """Flexion and deviation of the wrist and rotation of the forearm, (..., 3) radians, of right arms.

    The hand's rotation is that of the forearm, turned by the rotation about y, the flexion about x and the deviation
    about -z, in this order.
    """
    thumb, along, palm = _forearm_axes(shoulder, elbow, wrist)
    x, y, z = components(rotation)
    flexion = np.arcsin(within(-dot(along, z), -1, 1))
    deviation = -np.arctan2(dot(along, x), dot(along, y))
    turn = np.arctan2(dot(thumb, z), dot(palm, z))
    return joined(*shorter(flexion, deviation, turn))


def shorter(flexion: Array, deviation: Array, turn: Array) -> tuple[Array, Array, Array]:
    """Of the two ways to the same rotation that with less deviation: a hand bent too far rather than turned over."""
    over = np.abs(deviation) > np.pi / 2
    if not over.any():
        return flexion, deviation, turn
    flexion = np.where(over, np.copysign(np.pi, flexion) - flexion, flexion)
    half = over * np.pi
    return flexion, deviation - np.copysign(half, deviation), turn - np.copysign(half, turn)


def hand_rotation(shoulder: Array, elbow: Array, wrist: Array, joints: Array) -> Array:
    """The rotation (..., 3, 3) of right hands whose wrists and forearms have these angles (..., 3)."""
    result: Array = _forearm(shoulder, elbow, wrist) @ bent(joints)
    return result


def bent(joints: Array) -> Array:
    """The rotation (..., 3, 3) of a right hand from its forearm with the thumb up, by angles (..., 3)."""
    flexion, deviation, turn = components(joints)
    result: Array = _turn(turn, 2, 0) @ _turn(flexion, 1, 2) @ _turn(-deviation, 0, 1)
    return result


def within_limits(joints: Array, joint: int | None = None) -> Array:
    """Angles (..., 3), or (...,) of one joint, moved to the nearest limit if beyond: on a circle, past either end."""
    low, high, middle = (each if joint is None else each[joint] for each in (_LEAST, _GREATEST, _MIDDLES))
    beyond = (joints < low) | (joints > high)
    if not beyond.any():
        return joints
    wrapped = joints - 2 * np.pi * np.floor((joints - middle) / (2 * np.pi) + 0.5)
    inside = (wrapped >= low) & (wrapped <= high)
    return np.where(inside, joints, within(wrapped, low, high))


def calmed(joints: Array, limited: Array, fps: float, parts: NDArray[np.int64] | None = None) -> Array:
    """Angles (A, T, 3) that go from one limit to another gradually, where limits hold them, (A, T).

    In each part, (T,) as in `elbow.elbows`, they do so within it.
    """
    if joints.shape[1] < 2:
        return joints
    reach = max(int(np.ceil(_CROSSING * fps)), 1)
    calm = joints.copy()
    for arm, frame in np.argwhere(np.abs(np.diff(joints, axis=1)).max(axis=-1) > _SUDDEN * 25 / fps):
        first, last = max(frame + 1 - reach, 0), min(frame + reach, joints.shape[1] - 1)
        if parts is not None:
            first, last = _inside(parts, int(frame), first, last)
        share = np.linspace(0, 1, last - first + 1)[:, None]
        calm[arm, first : last + 1] = joints[arm, first] + share * (joints[arm, last] - joints[arm, first])
    share = np.minimum(3 * smoothed_apart(limited[..., None].astype(np.float64), _SMOOTHING * fps, parts), 1.0)
    return calm + share * (smoothed_apart(calm, _SMOOTHING * fps, parts) - calm)


def _inside(parts: NDArray[np.int64], frame: int, first: int, last: int) -> tuple[int, int]:
    """Of frames around the one from which a step goes to the next, those in the same part as both, or between parts."""
    whose = parts[frame] if parts[frame] == parts[frame + 1] else -1
    while first < frame and parts[first] != whose:
        first += 1
    while last > frame + 1 and parts[last] != whose:
        last -= 1
    return first, last


def _turn(angle: Array, first: int, second: int) -> Array:
    """Rotations (..., 3, 3) by an angle from one axis to another."""
    result = np.zeros((*angle.shape, 3, 3))
    result[..., 3 - first - second, 3 - first - second] = 1.0
    result[..., first, first] = result[..., second, second] = np.cos(angle)
    result[..., second, first] = np.sin(angle)
    result[..., first, second] = -result[..., second, first]
    return result


def _forearm(shoulder: Array, elbow: Array, wrist: Array) -> Array:
    """Frames (..., 3, 3) of forearms with the thumb up: x to the thumb, y along, z out of the palm."""
    thumb, along, palm = _forearm_axes(shoulder, elbow, wrist)
    return np.stack([thumb, along, palm], axis=-1)


def _forearm_axes(shoulder: Array, elbow: Array, wrist: Array) -> tuple[Array, Array, Array]:
    """To the thumb, along the forearm and out of the palm, (..., 3) each."""
    along = unit(wrist - elbow)
    outward = elbow - shoulder
    straight = unit(wrist - shoulder)
    palm = unit(cross(straight, outward))
    palm = unit(palm - dot(palm, along)[..., None] * along)
    return cross(along, palm), along, palm
