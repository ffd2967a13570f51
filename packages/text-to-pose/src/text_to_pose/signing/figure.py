"""A signer's motion as a body does it: all points in three dimensions, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.arm import Arms, solve
from text_to_pose.signing.collisions import Limbs, evasion
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
_EVASIONS, _SMALLEST_EVASION = 2, 0.002
"""How often hands make way, as where they are pushed to may be out of reach, and by how many metres at least."""
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
    head, sway = from_vector(motion.head), motion.shoulders.mean(axis=1) * [1.0, 0.0, 1.0]
    shapes = forward(np.stack([motion.left.angles, motion.right.angles]), body.hand).points
    shapes = np.stack([mirrored(shapes[LEFT]), shapes[RIGHT]])
    arms, hands = _arms(motion, body, np.stack([motion.left.wrist, motion.right.wrist]), shapes)
    for _ in range(_EVASIONS):
        elbows = np.stack([arms.elbow[LEFT] * _FLIP, arms.elbow[RIGHT]])
        shift = evasion(body, Limbs(hands, elbows), head, sway, motion.fps)
        if np.abs(shift).max(initial=0.0) < _SMALLEST_EVASION:
            break
        arms, hands = _arms(motion, body, hands[:, :, 0] + shift, shapes)
    joints = np.zeros((frames, 33, 3))
    for side in (LEFT, RIGHT):
        flip = _FLIP if side == LEFT else 1.0
        joints[:, _SHOULDERS + side] = arms.shoulder[side] * flip
        joints[:, _ELBOWS + side] = arms.elbow[side] * flip
        joints[:, _WRISTS + side] = hands[side, :, 0]
        for landmarks, point in _KNUCKLES.items():
            joints[:, landmarks + side] = hands[side, :, point]
    joints[:, _HIPS : _HIPS + 2] = body.hips
    for landmarks, (height, out) in _LEGS.items():
        scale = -body.hips[:, 1:2] / _TRUNK
        joints[:, landmarks : landmarks + 2] = body.hips + scale * np.array([0.0, height, out])
    points = np.concatenate([body.head, body.face]) - body.head_pivot
    turned = points @ np.swapaxes(head, -1, -2) + body.head_pivot + sway[:, None]
    joints[:, :11] = turned[:, :11]
    wanted = np.stack([motion.left.wrist, motion.right.wrist])
    moved = np.linalg.norm(hands[:, :, 0] - wanted, axis=-1)
    return Figure(motion.fps, body, joints, np.swapaxes(hands, 0, 1), turned[:, 11:], moved.T, arms.turned.T)


def _arms(motion: Motion, body: Body, wrists: Array, shapes: Array) -> tuple[Arms, Array]:
    """The left arm, mirrored, and the right one, and both hands (2, T, 21, 3), whose wrists are at (2, T, 3)."""
    shoulder = np.swapaxes(body.shoulders + motion.shoulders, 0, 1)
    wrist = np.stack([wrists[LEFT] * _FLIP, wrists[RIGHT]])
    rotation = np.stack([mirrored_rotation(motion.left.rotation), motion.right.rotation])
    arms = solve(body, np.stack([shoulder[LEFT] * _FLIP, shoulder[RIGHT]]), wrist, rotation, motion.fps)
    turned = np.stack([mirrored_rotation(arms.rotation[LEFT]), arms.rotation[RIGHT]])
    held = np.stack([arms.wrist[LEFT] * _FLIP, arms.wrist[RIGHT]])
    return arms, held[:, :, None] + shapes @ np.swapaxes(turned, -1, -2)
