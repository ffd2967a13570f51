"""Where what is signed is not what is written: hands that arms cannot turn so, or that do not get where they are to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.hands.hand_model import forward
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.placement.orientation import hand_rotation
from text_to_pose.signing.placement.states import initial_states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from text_to_pose.hamnosys.tree import Sign
    from text_to_pose.signing.anatomy.figure import Figure
    from text_to_pose.signing.motion import HandSide, Motion
    from text_to_pose.signing.vectors import Array

TURNED, MISSED, MOVED = np.radians(45.0), 0.03, 0.10
"""A hand that is turned by more from its notation, that misses what it touches by more metres, or that is farther from
where it is to be is said not to be as written: a direction is 45 degrees from the next."""
_SIDES: tuple[HandSide, HandSide] = ("right", "left")
_NAMES: dict[HandSide, str] = {"right": "the dominant hand", "left": "the non-dominant hand"}
_ROWS: dict[HandSide, int] = {"left": 0, "right": 1}
_SURELY = 0.99
_WRIST, _INDEX, _MIDDLE, _PINKY = 0, 5, 9, 17


def departures(sign: Sign, span: tuple[int, int], motion: Motion, figure: Figure) -> list[str]:
    """What of a sign is not as it is written, in words, one for each hand and reason.

    Args:
        sign: what is written.
        span: its first frame, and the one after its last.
        motion: that of which it is a part.
        figure: how a body does it.
    """
    frames = range(*span)
    if not frames:
        return []
    found = []
    states = initial_states(sign.segments[0])
    for side in _SIDES:
        state = getattr(states, side)
        if state is not None:
            turned = _angle(_rotation(figure, side, span[0]), hand_rotation(state.direction, state.palm))
            if turned > TURNED:
                found.append(f"{_NAMES[side]} is turned {np.degrees(turned):.0f} degrees away from what is written")
    missed = dict(_missed(frames, motion, figure))
    found += [f"{_NAMES[side]} misses what it touches by {100 * by:.0f} cm" for side, by in missed.items()]
    for side in _SIDES:
        moved = float(figure.moved[span[0] : span[1], _ROWS[side]].max())
        if moved > MOVED and side not in missed:
            found.append(f"{_NAMES[side]} is up to {100 * moved:.0f} cm from where it is to be")
    return found


def _missed(frames: range, motion: Motion, figure: Figure) -> Iterator[tuple[HandSide, float]]:
    """By how many metres each hand misses what it touches, where that is much; the most last."""
    found = []
    for contact in motion.contacts:
        surely = [frame for frame in frames if contact.share[frame] > _SURELY]
        if surely:
            hands = ({side: _pose(figure, motion, side, frame) for side in _SIDES} for frame in surely)
            found.append((contact.touch.hand, min(contact.touch.missed(each) for each in hands)))
    yield from sorted((each for each in found if each[1] > MISSED), key=lambda each: each[1])


def _pose(figure: Figure, motion: Motion, side: HandSide, frame: int) -> HandPose:
    hand = getattr(motion, side)
    return HandPose(figure.hands[frame, _ROWS[side], _WRIST], _rotation(figure, side, frame), hand.angles[frame])


def _rotation(figure: Figure, side: HandSide, frame: int) -> Array:
    """How a hand of a figure is turned, (3, 3)."""
    still = forward(np.zeros(21), figure.body.hand).points
    if side == "left":
        still = still * [-1.0, 1.0, 1.0]
    rotation: Array = _palm(figure.hands[frame, _ROWS[side]]) @ _palm(still).T
    return rotation


def _palm(points: Array) -> Array:
    """The axes (3, 3) of the palm of a hand (21, 3)."""
    along = points[_MIDDLE] - points[_WRIST]
    along = along / np.linalg.norm(along)
    normal = np.cross(points[_INDEX] - points[_PINKY], along)
    normal = normal / np.linalg.norm(normal)
    return np.stack([np.cross(along, normal), along, normal], axis=-1)


def _angle(first: Array, second: Array) -> float:
    return float(np.arccos(np.clip((np.sum(first * second) - 1) / 2, -1.0, 1.0)))
