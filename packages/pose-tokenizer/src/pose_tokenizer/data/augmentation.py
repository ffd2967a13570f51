"""Augmentations of normalized clips that keep the sign recognisable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.transforms.proportions import in_space, resize_face, scale_arm, similarity, transform_points

if TYPE_CHECKING:
    from pose_core import Skeleton
    from pose_core.skeleton import Side

SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of speed, start, side, and size and angle of body and hands.

    Attributes:
        late_start: share of clips that are cut at their beginning; mirror: share that are mirrored.
        min_length, max_length: of a clip that is warped in time, relative to its own.
        rotation, scale: of the whole person; standard deviations, in radians and relative.
        hand_rotation, hand_scale, hand_shear, hand_shift: of each hand about its wrist; standard deviations, the shift
            in shoulder widths.
        limb: of the length of each upper arm and forearm, relative; standard deviation.
        face, face_shift: of the face's size and place, relative and in shoulder widths; standard deviations.
    """

    late_start: float = 0.3
    mirror: float = 0.3
    min_length: float = 0.6
    max_length: float = 1.5
    rotation: float = 0.04
    scale: float = 0.04
    hand_rotation: float = 0.15
    hand_scale: float = 0.08
    hand_shear: float = 0.08
    hand_shift: float = 0.06
    limb: float = 0.0
    face: float = 0.0
    face_shift: float = 0.0

    def apply(
        self, keypoints: np.ndarray, visible: np.ndarray, skeleton: Skeleton, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (T, K, D) and visible (T, K) of an augmented clip, of another length."""
        dims = keypoints.shape[-1]
        keypoints, visible = time_warp(keypoints, visible, random.uniform(self.min_length, self.max_length))
        if random.random() < self.late_start:
            start = int(random.integers(len(keypoints)))
            keypoints, visible = keypoints[start:], visible[start:]
        mirrored = random.random() < self.mirror
        if mirrored and (opposite := _opposites(skeleton)):
            keypoints, visible = keypoints[:, opposite] * np.array([-1, 1, 1][:dims], np.float32), visible[:, opposite]
        similar = similarity(random.normal(0, self.rotation), random.normal(1, self.scale))
        keypoints = keypoints @ in_space(similar, dims).T.astype(np.float32)
        for side in SIDES:
            if self.limb:
                upper, lower = 1 + random.normal(0, self.limb, 2)
                keypoints = scale_arm(keypoints, visible, skeleton, side, (upper, lower))
            if hand := skeleton.hand(side):
                affine = similarity(random.normal(0, self.hand_rotation), random.normal(1, self.hand_scale))
                affine = affine @ np.array([[1, random.normal(0, self.hand_shear)], [0, 1]])
                shift = random.normal(0, self.hand_shift, 2)
                keypoints = transform_points(keypoints, hand, affine, keypoints[:, hand[:1]], shift)
        if self.face or self.face_shift:
            scale, shift = 1 + random.normal(0, self.face), random.normal(0, self.face_shift, 2)
            keypoints = resize_face(keypoints, visible, skeleton, scale, shift)
        return keypoints.astype(np.float32), visible


# As many kinds of people, cameras and hands as the clips can be made to show.
WIDE = Augmentation(
    mirror=0.5,
    min_length=0.55,
    max_length=1.8,
    rotation=0.07,
    scale=0.07,
    hand_rotation=0.25,
    hand_scale=0.12,
    hand_shear=0.1,
    limb=0.12,
    face=0.08,
    face_shift=0.04,
)


def time_warp(keypoints: np.ndarray, visible: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T, K, D) and visible (T, K) linearly interpolated to `factor` times the length, at least 2 frames."""
    frames = max(2, round(len(keypoints) * factor))
    times = np.linspace(0, len(keypoints) - 1, frames).astype(np.float32)
    before = np.floor(times).astype(int)
    after = np.ceil(times).astype(int)
    weight = (times - before)[:, None, None]
    return keypoints[before] * (1 - weight) + keypoints[after] * weight, visible[before] & visible[after]


def _opposites(skeleton: Skeleton) -> list[int] | None:
    """`Skeleton.mirror`; None where a keypoint has no opposite, as of one hand alone."""
    try:
        return skeleton.mirror()
    except UserError:
        return None
