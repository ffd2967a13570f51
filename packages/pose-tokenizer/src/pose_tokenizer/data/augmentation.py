"""Augmentations of normalized clips that keep the sign recognisable."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError

if TYPE_CHECKING:
    from pose_core import Skeleton
    from pose_core.skeleton import Side


@dataclass(frozen=True)
class Augmentation:
    """Random changes of speed, start, side, and size and angle of body and hands.

    Attributes:
        late_start: share of clips that are cut at their beginning; mirror: share that are mirrored.
        min_length, max_length: of a clip that is warped in time, relative to its own.
        rotation, scale: of the whole person; standard deviations, in radians and relative.
        hand_rotation, hand_scale, hand_shear, hand_shift: of each hand about its wrist; standard deviations, the shift
            in shoulder widths.
        limb: length of each upper arm and forearm as seen in the picture; face: of its size; face_shift: of its place, in
            shoulder widths; standard deviations, lengths and sizes relative.
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
    limb: float = 0.1
    face: float = 0.06
    face_shift: float = 0.04

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
        similarity = _similarity(random.normal(0, self.rotation), random.normal(1, self.scale))
        keypoints = keypoints @ _in_space(similarity, dims).T
        if face := skeleton.face():
            self._change_face(keypoints, face, random)
        for side in ("left", "right"):
            hand = skeleton.hand(side)
            self._change_arm(keypoints, visible, skeleton, side, random)
            if not hand:
                continue
            affine = _similarity(random.normal(0, self.hand_rotation), random.normal(1, self.hand_scale))
            affine = affine @ np.array([[1, random.normal(0, self.hand_shear)], [0, 1]])
            wrist, shift = keypoints[:, hand[:1]], np.zeros(dims)
            shift[:2] = random.normal(0, self.hand_shift, 2)
            keypoints[:, hand] = wrist + (keypoints[:, hand] - wrist) @ _in_space(affine, dims).T + shift
        return keypoints.astype(np.float32), visible

    def _change_arm(
        self, keypoints: np.ndarray, visible: np.ndarray, skeleton: Skeleton, side: Side, random: np.random.Generator
    ) -> None:
        """Lengthens or shortens upper arm and forearm in place; the hand follows its wrist."""
        joints = (skeleton.shoulders()[side == "right"], skeleton.elbow(side), skeleton.wrist(side))
        arm = [joint for joint in joints if joint is not None]
        below = [*arm[1:], *(point for point in skeleton.hand(side) if point not in arm)]
        for start, end in itertools.pairwise(arm):
            change = random.normal(0, self.limb)
            # An end that is missing now and then would make the hand jump.
            if visible[:, [start, end]].all():
                keypoints[:, below] += change * (keypoints[:, end] - keypoints[:, start])[:, None]
            below.remove(end)

    def _change_face(self, keypoints: np.ndarray, face: list[int], random: np.random.Generator) -> None:
        """Scales and moves the face in place."""
        center = keypoints[:, face].mean(axis=1, keepdims=True)
        shift = np.zeros(keypoints.shape[-1])
        shift[:2] = random.normal(0, self.face_shift, 2)
        keypoints[:, face] += random.normal(0, self.face) * (keypoints[:, face] - center) + shift


def _in_space(matrix: np.ndarray, dims: int) -> np.ndarray:
    """(D, D) of a map of the picture (2, 2): depth grows as the picture does."""
    space = np.eye(dims) * np.sqrt(np.abs(np.linalg.det(matrix)))
    space[:2, :2] = matrix
    return space


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


def _similarity(angle: float, scale: float) -> np.ndarray:
    """(2, 2) rotation and scaling."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return scale * np.array([[cosine, -sine], [sine, cosine]])
