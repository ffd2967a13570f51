"""A signer's motion as a body does it: all points in three dimensions, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.between_frames import at_frames
from text_to_pose.signing.anatomy.both_arms import hold, trunk

if TYPE_CHECKING:
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import Motion
    from text_to_pose.signing.vectors import Array

# Points of MediaPipe's pose from shoulders to toes; in each pair the left one is first.
_SHOULDERS, _ELBOWS, _WRISTS, _PINKIES, _INDEXES, _THUMBS, _HIPS, _KNEES, _ANKLES, _HEELS, _TOES = range(11, 33, 2)
_KNUCKLES = {_PINKIES: 17, _INDEXES: 5, _THUMBS: 3}
"""Of which points of a hand the pose has its own."""
_LEGS = {_KNEES: (-0.43, 0.02), _ANKLES: (-0.85, 0.0), _HEELS: (-0.90, -0.05), _TOES: (-0.91, 0.13)}
"""Height and depth from the hips, in metres, of a body whose hips are `_TRUNK` below the shoulders: thigh and shank of
adults are 43 and 42 cm (de Leva 1996, means of men and women)."""
_TRUNK = 0.427


@dataclass(frozen=True, eq=False)
class Figure:
    """A signer in three dimensions over T frames, in the frame of `signing.frame`.

    Attributes:
        fps: frames per second.
        body: whose it is.
        joints: MediaPipe's 33 pose landmarks, (T, 33, 3); legs stand.
        hands: the 21 points of the left and of the right hand, (T, 2, 21, 3).
        face: MediaPipe's face mesh, (T, 468, 3).
        moved: by how much wrists, left and right, are not where the motion has them, (T, 2) metres.
        turned: by how much hands are not turned as the motion has them, (T, 2) radians.
    """

    fps: float
    body: Body
    joints: Array
    hands: Array
    face: Array
    moved: Array
    turned: Array

    def __len__(self) -> int:
        return len(self.joints)


def figure(motion: Motion, body: Body) -> Figure:
    """The body that moves so, as far as a body can: bones keep their lengths, and joints their limits."""
    frames = len(motion)
    head, sway = trunk(motion)
    if motion.steady is None:
        held = hold(motion, body)
    else:
        held = at_frames(motion, body, hold(motion.steady, body), motion.steady)
    joints = np.zeros((frames, 33, 3))
    for landmarks, places in ((_SHOULDERS, held.shoulders), (_ELBOWS, held.elbows), (_WRISTS, held.wrists)):
        joints[:, landmarks : landmarks + 2] = np.swapaxes(places, 0, 1)
    for landmarks, point in _KNUCKLES.items():
        joints[:, landmarks : landmarks + 2] = np.swapaxes(held.hands[:, :, point], 0, 1)
    joints[:, _HIPS : _HIPS + 2] = body.hips
    for landmarks, (height, out) in _LEGS.items():
        scale = -body.hips[:, 1:2] / _TRUNK
        joints[:, landmarks : landmarks + 2] = body.hips + scale * np.array([0.0, height, out])
    points = np.concatenate([body.head, body.face]) - body.head_pivot
    turned = np.swapaxes((head.reshape(-1, 3) @ points.T).reshape(frames, 3, -1), -1, -2) + body.head_pivot
    turned = turned + sway[:, None]
    joints[:, :11] = turned[:, :11]
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    moved = np.linalg.norm(held.wrists - wanted, axis=-1)
    hands = np.swapaxes(held.hands, 0, 1)
    return Figure(motion.fps, body, joints, hands, turned[:, 11:], moved.T, held.turned.T)
