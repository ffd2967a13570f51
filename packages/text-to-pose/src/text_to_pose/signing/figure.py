"""A signer's motion as a body does it: all points in three dimensions, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.arm import Arms, solve
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hand_model import forward, mirrored
from text_to_pose.signing.rotations import from_vector

if TYPE_CHECKING:
    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array
    from text_to_pose.signing.motion import Motion

LEFT, RIGHT = 0, 1
_FLIP = np.array([-1.0, 1.0, 1.0])
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
    arms = _arms(motion, body)
    joints = np.zeros((frames, 33, 3))
    hands = np.zeros((frames, 2, 21, 3))
    for side, hand in ((LEFT, motion.left), (RIGHT, motion.right)):
        points = forward(hand.angles, body.hand).points
        points = mirrored(points) if side == LEFT else points
        flip = _FLIP if side == LEFT else 1.0
        rotation = mirrored_rotation(arms.rotation[side]) if side == LEFT else arms.rotation[side]
        wrist = arms.wrist[side] * flip
        hands[:, side] = wrist[:, None] + points @ np.swapaxes(rotation, -1, -2)
        joints[:, _SHOULDERS + side] = arms.shoulder[side] * flip
        joints[:, _ELBOWS + side] = arms.elbow[side] * flip
        joints[:, _WRISTS + side] = wrist
        for landmarks, point in _KNUCKLES.items():
            joints[:, landmarks + side] = hands[:, side, point]
    joints[:, _HIPS : _HIPS + 2] = body.hips
    for landmarks, (height, out) in _LEGS.items():
        scale = -body.hips[:, 1:2] / _TRUNK
        joints[:, landmarks : landmarks + 2] = body.hips + scale * np.array([0.0, height, out])
    head = np.concatenate([body.head, body.face])
    turned = (head - body.head_pivot) @ np.swapaxes(from_vector(motion.head), -1, -2) + body.head_pivot
    turned = turned + (motion.shoulders.mean(axis=1) * [1.0, 0.0, 1.0])[:, None]
    joints[:, :11] = turned[:, :11]
    return Figure(motion.fps, body, joints, hands, turned[:, 11:], arms.moved.T, arms.turned.T)


def _arms(motion: Motion, body: Body) -> Arms:
    """The left arm, mirrored, and the right one."""
    shoulder = np.swapaxes(body.shoulders + motion.shoulders, 0, 1)
    wrist = np.stack([motion.left.wrist * _FLIP, motion.right.wrist])
    rotation = np.stack([mirrored_rotation(motion.left.rotation), motion.right.rotation])
    return solve(body, np.stack([shoulder[LEFT] * _FLIP, shoulder[RIGHT]]), wrist, rotation, motion.fps)
