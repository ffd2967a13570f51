"""Where hands touch: what stays in its place when a hand cannot be turned as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.body_surface import intrusion

if TYPE_CHECKING:
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array

_SKIN = 0.008
"""From a point of a hand to its skin, in metres."""
_TOUCHES, _NEAR = 0.012, 0.035
"""What is so near to something touches it, and what is farther away does not, in metres."""
_LOOKED_AT = 0.08
"""What is farther away is not looked at, in metres: by `_SHARP`, it counts for nothing beside what is near."""
_DEEP = 0.035
"""What is so far inside does not touch, but go through, in metres."""
_SHARP = 0.004
"""By how many metres a point is nearer that counts e times as much."""
_POINTS = (4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
"""Of a hand: not the wrist and the root of the thumb, which stay where they are anyway, or nearly."""


def anchors(body: Body, hands: Array, shapes: Array, head: Array, sway: Array) -> tuple[Array, Array]:
    """Which place of each hand touches body or other hand, (2, T, 3) from its wrist, in its own frame; and how surely.

    Args:
        body: whose.
        hands: left and right, (2, T, 21, 3).
        shapes: the same, each in its own frame.
        head: (T, 3, 3) how the head is turned.
        sway: (T, 3) how far trunk and head are from where they rest.

    Returns:
        The places and, 0 to 1, whether they touch, (2, T).
    """
    points = hands[:, :, _POINTS]
    near = np.maximum(_near_body(body, points - sway[:, None], head), _near_each_other(points))
    closest = near.max(axis=-1)
    weights = np.exp((near - closest[..., None]) / _SHARP)
    weights /= weights.sum(axis=-1, keepdims=True)
    places = (weights[..., None, :] @ shapes[:, :, _POINTS])[..., 0, :]
    sure = np.clip((closest + _NEAR) / (_NEAR - _TOUCHES), 0.0, 1.0)
    return places, sure * np.clip((_DEEP - closest) / _TOUCHES, 0.0, 1.0)


def _near_body(body: Body, points: Array, head: Array) -> Array:
    """How near points (2, T, P, 3) are to the body, as metres below 0."""
    deep = intrusion(body, points, _LOOKED_AT, head[:, None])
    return np.where(deep > 0, deep - _LOOKED_AT + _SKIN, -1.0)


def _near_each_other(points: Array) -> Array:
    """How near points (2, T, P, 3) are to the other hand's, as metres below 0."""
    near = np.full(points.shape[:-1], -1.0)
    left, right = points
    count = len(_POINTS)
    meeting = np.linalg.norm(left.mean(axis=1) - right.mean(axis=1), axis=-1) < 0.3
    if meeting.any():
        apart = left[meeting][:, :, None] - right[meeting][:, None]
        far = np.sqrt((apart**2) @ np.ones(3)).reshape(-1, count, count)
        near[0, meeting] = 2 * _SKIN - far.min(axis=2)
        near[1, meeting] = 2 * _SKIN - far.min(axis=1)
    return near
