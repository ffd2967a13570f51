"""Arms by inverse kinematics: what of a hand's place and turn an arm cannot do.

All of it is of right arms; a left one is mirrored first. Arrays begin with arms and frames, (A, T).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.elbow import Circles, calm, choices, elbows
from text_to_pose.signing.anatomy.haste import stages
from text_to_pose.signing.anatomy.wrist import calmed, hand_rotation, within_limits, wrist_angles
from text_to_pose.signing.timing import FASTEST_TURN
from text_to_pose.signing.vectors import lengths, unit, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.vectors import Array

ELBOW_FLEXION = np.radians(156.0)
"""As far as others can bend it (Wanatabe and others 1979: 148 to 158): a hand at the ear is near its shoulder."""
_STRAIGHTEST = 0.995
"""Of the arm's length: elbows are not locked."""
_SHOULDER_MOVES: Array = np.array([[-0.03, 0.07], [-0.004, 0.07], [-0.02, 0.09]])
"""How far a shoulder of the mean body goes along to reach, in metres: outward and inward, down and up, back and
forward."""
_STEADYINGS = 40
"""How often the angles of hands that limits make turn faster than people's are evened out."""
_MISSED = 0.004
"""Metres that count as much as an elbow that is as far from where it naturally is as people's differ."""


@dataclass(frozen=True, eq=False)
class Arms:
    """Arms that keep to their limits.

    Attributes:
        shoulder, elbow, wrist: (A, T, 3).
        rotation: of the hands, (A, T, 3, 3).
        joints: wrist flexion, deviation and forearm rotation, (A, T, 3) radians, as in `WRIST_LIMITS`.
        moved: by how much the wrist is not where it was to be, (A, T) metres.
        turned: by how much the hand is not turned as it was to be, (A, T) radians.
        effort: what it costs, as in `ease`, (A, T); NaN where elbows were not looked for.
    """

    shoulder: Array
    elbow: Array
    wrist: Array
    rotation: Array
    joints: Array
    moved: Array
    turned: Array
    effort: Array


def solve(
    body: Body,
    shoulder: Array,
    wrist: Array,
    rotation: Array,
    fps: float,
    like: Array | None = None,
    parts: NDArray[np.int64] | None = None,
) -> Arms:
    """The right arms that hold hands so, or as nearly as they can.

    Args:
        body: whose.
        shoulder: (A, T, 3) the right shoulders.
        wrist, rotation: (A, T, 3) and (A, T, 3, 3) of the right hands.
        fps: frames per second.
        like: elbows (A, T, 3) of arms that hold hands nearby: they stay on that side, and are not looked for again.
        parts: (T,) which sign a frame belongs to, as in `elbow.elbows`.
    """
    shoulder = shoulder + _reaching(body, shoulder, wrist)
    held = _within_reach(body, shoulder, wrist)
    moved = lengths(held - wrist)
    effort = np.full(moved.shape, np.nan)
    if like is None:
        elbow, costs = elbows(body, shoulder, held, rotation, fps, parts)
        effort = costs + moved / _MISSED
    else:
        circles = Circles.of(body, shoulder, held)
        elbow = calm(circles, circles.nearest(like), body, fps, parts, like)
    joints = wrist_angles(shoulder, elbow, held, rotation)
    kept = within_limits(joints)
    allowed, turned = rotation, np.zeros(joints.shape[:-1])
    if kept is not joints:
        kept = calmed(kept, (kept != joints).any(axis=-1), fps, parts)
        kept, limited = _steadied(kept, (shoulder, elbow, held), rotation, fps, parts)
        beyond = (kept != joints).any(axis=-1)
        # Only there: angles and back again would leave rounding everywhere.
        allowed = np.where(beyond[..., None, None], limited, rotation)
        turned = np.where(beyond, _angle_between(rotation, limited), 0.0)
    return Arms(shoulder, elbow, held, allowed, kept, moved, turned, effort)


def held_near(body: Body, shoulder: Array, wrist: Array, rotation: Array, elbow: Array, asked: Array) -> Arms:
    """The right arms from shoulders that do not give way, with elbows as near to some as may be, each frame for itself.

    Args:
        body: whose.
        shoulder, wrist, rotation: (A, T, 3), and (A, T, 3, 3) of the hands.
        elbow: (A, T, 3), where elbows are to be about.
        asked: (A, T, 3, 3), the rotations from which `turned` counts.
    """
    held = _within_reach(body, shoulder, wrist)
    elbow = Circles.of(body, shoulder, held).nearest(elbow)
    joints = wrist_angles(shoulder, elbow, held, rotation)
    kept = within_limits(joints)
    beyond = (kept != joints).any(axis=-1)
    if beyond.any():
        rotation = np.where(beyond[..., None, None], hand_rotation(shoulder, elbow, held, kept), rotation)
    turned, moved = _angle_between(asked, rotation), lengths(held - wrist)
    return Arms(shoulder, elbow, held, rotation, kept, moved, turned, np.full(moved.shape, np.nan))


def _steadied(
    kept: Array, arm: tuple[Array, Array, Array], rotation: Array, fps: float, parts: NDArray[np.int64] | None
) -> tuple[Array, Array]:
    """Angles (A, T, 3) within limits, and rotations, of hands that turn no faster than people's or than they are to.

    Args:
        kept: angles that limits have changed.
        arm: shoulders, elbows and wrists, (A, T, 3) each.
        rotation: as hands are to be turned, (A, T, 3, 3).
        fps: frames per second.
        parts: (T,) as in `elbow.elbows`.
    """
    limited = hand_rotation(*arm, kept)
    if kept.shape[1] < 2:
        return kept, limited
    most, turns = FASTEST_TURN / fps, _turns(limited)
    if not (turns > most).any():
        return kept, limited
    most = np.maximum(_turns(rotation), most)
    for these, moving in stages(parts, kept.shape[1]):
        for _ in range(_STEADYINGS):
            share = np.where((turns > most) & these, 1 - 0.95 * most / np.maximum(turns, 1e-9), 0.0)
            if not share.any():
                break
            back = share[..., None] * (kept[:, 1:] - kept[:, :-1])
            kept = kept.copy()
            kept[:, :-1] += 0.5 * moving[:-1, None] * back
            kept[:, 1:] -= 0.5 * moving[1:, None] * back
            limited = hand_rotation(*arm, kept)
            turns = _turns(limited)
    return kept, limited


def _turns(rotation: Array) -> Array:
    """By how much hands (A, T, 3, 3) turn from each frame to the next, (A, T - 1) radians."""
    return _angle_between(rotation[:, :-1], rotation[:, 1:])


def ease(body: Body, shoulder: Array, wrist: Array, rotation: Array) -> Array:
    """How hard right arms find it to hold hands so, each at the elbow that suits it best.

    Args:
        body: whose.
        shoulder: the right shoulder (..., 3).
        wrist, rotation: (N, 3) and (N, 3, 3) of right hands.

    Returns:
        What it costs, (N,): 1 is as far from natural as elbows differ between people, or `_EXCESS` beyond a limit.
    """
    shoulder = shoulder + _reaching(body, shoulder, wrist)
    held = _within_reach(body, shoulder, wrist)
    _, costs = choices(body, shoulder[:, None], held[:, None], rotation[:, None])
    return costs.min(axis=-1)[:, 0] + lengths(held - wrist) / _MISSED


def _reaching(body: Body, shoulder: Array, wrist: Array) -> Array:
    """How far shoulders go along with wrists that are hard to reach, or give way to those that are near, (..., 3)."""
    arm, offset = body.arm, wrist - shoulder
    far = lengths(offset)[..., None]
    softness = 0.03 * arm
    need = np.logaddexp(0.0, (far - 0.95 * arm) / softness) - np.logaddexp(0.0, (_nearest(body) - far) / softness)
    size = body.shoulder_width / MEAN_BODY.shoulder_width
    return within(softness * need * offset / np.maximum(far, 1e-9), *(size * _SHOULDER_MOVES.T))


def _within_reach(body: Body, shoulder: Array, wrist: Array) -> Array:
    """Wrists (..., 3) neither farther away than the arm is long nor nearer than the elbow bends.

    The nearer one is, the more it goes out to before the shoulder: a hand that passes through it goes round in front.
    """
    nearest, farthest = _nearest(body), _STRAIGHTEST * body.arm
    offset = wrist - shoulder
    far = lengths(offset)[..., None]
    if not ((far > farthest) | (far < nearest)).any():
        return wrist
    stretched = offset * (farthest / np.maximum(far, 1e-9))
    before = nearest * unit(offset + (nearest - far) * np.array([0.0, 0.0, 1.0]))
    return np.where(far > farthest, shoulder + stretched, np.where(far < nearest, shoulder + before, wrist))


def _nearest(body: Body) -> float:
    """From shoulder to wrist when the elbow bends as far as it does."""
    upper, lower = body.upper_arm, body.forearm
    return float(np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(ELBOW_FLEXION)))


def _angle_between(first: Array, second: Array) -> Array:
    trace = np.einsum("...ij,...ij->...", first, second)
    angle: Array = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    return angle
