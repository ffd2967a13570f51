"""The sizes of a signer: shoulders, arms, hands, hips, head and face, in the frame of `signing.frame`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.hands.hand_model import MEAN_HAND

if TYPE_CHECKING:
    from text_to_pose.signing.hands.hand_model import Proportions
    from text_to_pose.signing.vectors import Array

FACE_POINTS = 468
NOSE_TIP, FOREHEAD_TOP, CHIN = 1, 10, 152
UPPER_LIP, LOWER_LIP = 13, 14
RIGHT_EYE, LEFT_EYE = 33, 263
"""Their outer corners."""
RIGHT_CHEEK, LEFT_CHEEK = 234, 454
"""The sides of the face, before the ears."""

# Of MediaPipe's pose landmarks 0 to 10, those of the face: the mesh points in whose middle they are.
_ON_FACE = {0: (1,), 1: (362,), 2: (362, 263), 3: (263,), 4: (133,), 5: (133, 33), 6: (33,), 9: (291,), 10: (61,)}
_LEFT_EAR, _RIGHT_EAR = 7, 8
_EAR = np.array([0.062, -0.015, -0.070])
"""The left one from the middle of the eyes' outer corners, in metres, for a face whose eyes are 87 mm apart."""
_EYES = 0.087

# Standard deviations between people, of logarithms. Stature: 9.5 cm in 1.70 m over men and women. Shares of it: 2 to
# 3 % is what eyes, face and hips differ by between the 19 signers of the fingerspelling clips, for whom distance and
# camera are alike; arms and hands are foreshortened there, and differ by 4 % of stature in surveys (ANSUR II).
_SIZE_SPREAD = 0.055
_SHOULDER_SPREAD = 0.04
_ARM_SPREAD = 0.035
_SEGMENT_SPREAD = 0.02
_HAND_SPREAD = 0.035
_BONE_SPREAD = 0.03
_HEAD_SPREAD = 0.03
_FACE_SPREAD = 0.025
_NECK_SPREAD = 0.008
"""Of the height of the head over the shoulders, in metres."""
_FARTHEST = 2.5
"""Standard deviations: nobody is farther from the mean."""


@dataclass(frozen=True, eq=False)
class Body:
    """A signer's sizes, in metres, upright and facing the camera.

    Attributes:
        shoulder_width: between the joints as MediaPipe sees them, which is less than the breadth of the shoulders.
        upper_arm, forearm: shoulder to elbow, elbow to wrist.
        hand: the right hand; the left one mirrors it.
        hips: the left and the right hip joint, (2, 3).
        head: MediaPipe's pose landmarks 0 to 10, (11, 3).
        face: MediaPipe's face mesh, (468, 3), at rest: lips closed, eyes open.
    """

    shoulder_width: float
    upper_arm: float
    forearm: float
    hand: Proportions
    hips: Array
    head: Array
    face: Array

    @property
    def shoulders(self) -> Array:
        """The left and the right shoulder, (2, 3)."""
        return np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]) * self.shoulder_width

    @property
    def arm(self) -> float:
        """Shoulder to wrist, stretched."""
        return self.upper_arm + self.forearm

    @property
    def eyes(self) -> Array:
        """The middle between the outer corners of the eyes, (3,)."""
        middle: Array = self.face[[LEFT_EYE, RIGHT_EYE]].mean(axis=0)
        return middle

    @property
    def head_pivot(self) -> Array:
        """(3,) where the head turns: the joint of skull and neck, between the ears and a little below."""
        ears = self.head[[_LEFT_EAR, _RIGHT_EAR]].mean(axis=0)
        return np.array([0.0, float(ears[1]) - 0.02, float(ears[2])])

    def with_face(self, face: Array) -> Body:
        """The same body with another face (468, 3): eyes, ears and mouth of `head` follow it."""
        return replace(self, face=face, head=head_landmarks(face))

    def scaled(self, factor: float) -> Body:
        """The same body, larger or smaller."""
        return Body(
            shoulder_width=self.shoulder_width * factor,
            upper_arm=self.upper_arm * factor,
            forearm=self.forearm * factor,
            hand=self.hand.scaled(factor),
            hips=self.hips * factor,
            head=self.head * factor,
            face=self.face * factor,
        )

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Body:
        """A random person, near the mean as people are."""

        def factor(spread: float) -> float:
            return float(np.exp(spread * np.clip(rng.standard_normal(), -_FARTHEST, _FARTHEST)))

        size, arm, lengthened = factor(_SIZE_SPREAD), factor(_ARM_SPREAD), factor(_SEGMENT_SPREAD)
        hand = MEAN_BODY.hand.scaled(size * factor(_HAND_SPREAD))
        digits = np.array([factor(_BONE_SPREAD) for _ in range(5)])
        lengths = hand.lengths.reshape(5, 4) * np.stack([np.ones(5), digits, digits, digits], axis=1)
        eyes = MEAN_BODY.eyes
        stretch = np.array([factor(_FACE_SPREAD), factor(_FACE_SPREAD), factor(_FACE_SPREAD)])
        relative = (MEAN_BODY.face - eyes) * stretch * size * factor(_HEAD_SPREAD)
        raised = np.array([0.0, _NECK_SPREAD * np.clip(rng.standard_normal(), -_FARTHEST, _FARTHEST), 0.0])
        body = Body(
            shoulder_width=MEAN_BODY.shoulder_width * size * factor(_SHOULDER_SPREAD),
            upper_arm=MEAN_BODY.upper_arm * size * arm * lengthened,
            forearm=MEAN_BODY.forearm * size * arm / lengthened,
            hand=hand.with_lengths(lengths),
            hips=MEAN_BODY.hips * size * np.array([factor(_SHOULDER_SPREAD), 1.0, 1.0]),
            head=MEAN_BODY.head,
            face=MEAN_BODY.face,
        )
        return body.with_face(relative + eyes * size + raised)


def head_landmarks(face: Array) -> Array:
    """MediaPipe's pose landmarks 0 to 10, (11, 3), of a face mesh (468, 3)."""
    head = np.zeros((11, 3))
    for landmark, points in _ON_FACE.items():
        head[landmark] = face[list(points)].mean(axis=0)
    corners = face[[LEFT_EYE, RIGHT_EYE]]
    ear = _EAR * float(np.linalg.norm(corners[0] - corners[1])) / _EYES
    head[_LEFT_EAR] = corners.mean(axis=0) + ear
    head[_RIGHT_EAR] = corners.mean(axis=0) + ear * [-1, 1, 1]
    return head


def _mean_face() -> Array:
    """(468, 3), the middle of the eyes' outer corners at the origin."""
    text = files("text_to_pose.signing.anatomy").joinpath("mean_face.csv").read_text("ascii")
    return np.array([line.split(",") for line in text.split()], dtype=np.float64)


def _mean_body() -> Body:
    # Measured (benchmarks/body_proportions.py) in pictures: the outer corners of the eyes are 0.294 shoulder widths
    # apart, 0.31 with a phone's camera near the face. At 87 mm that are shoulders of 0.30 m, which agrees with hands
    # (palm 0.31, here 0.33) and with arms where they hang (0.88 to 0.91; forearms to the camera reach 0.9). Lengths of
    # arms are between those and joint to joint in adults, 27.8 and 26.7 cm (de Leva, "Adjustments to
    # Zatsiorsky-Seluyanov's segment inertia parameters", J. Biomechanics 29, 1996). Eyes are 0.684 over the shoulders,
    # hips 1.42 below them and 0.68 apart. How far the face is before the shoulders no picture says: ears a little.
    face = _mean_face() + np.array([0.0, 0.205, 0.090])
    return Body(
        shoulder_width=0.300,
        upper_arm=0.274,
        forearm=0.258,
        hand=MEAN_HAND,
        hips=np.array([[0.102, -0.427, 0.0], [-0.102, -0.427, 0.0]]),
        head=head_landmarks(face),
        face=face,
    )


MEAN_BODY = _mean_body()
"""The mean adult signer."""
