"""Augmentations of normalized sequences that keep the signing recognisable."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.transforms import flip
from pose_core.transforms.proportions import in_space, resize_face, scale_arm, similarity, transform_points

if TYPE_CHECKING:
    from collections.abc import Sequence

BLEND_FRAMES = 6  # over which two clips are cross-faded, at most


@dataclass(frozen=True)
class Augmentation:
    """Random augmentations of training windows; numbers are standard deviations unless they say otherwise.

    Attributes:
        mirror: probability that a sequence is mirrored.
        min_speed, max_speed: range of the uniform speed factor by which a window's frames are resampled.
        rotation, scale: of the whole person in the picture plane, in radians and relative.
        noise: of every coordinate in every frame, in shoulder widths.
        limb: of the length of each upper arm and forearm, relative.
        hand_rotation, hand_scale, hand_stretch: of each hand about its wrist, in radians and relative; it is stretched
            along one axis and shrunk along the other.
        face, face_shift: of the face's size and place, relative and in shoulder widths.
    """

    mirror: float = 0.3
    min_speed: float = 0.7
    max_speed: float = 1.4
    rotation: float = 0.05
    scale: float = 0.05
    noise: float = 0.003
    limb: float = 0.0
    hand_rotation: float = 0.0
    hand_scale: float = 0.0
    hand_stretch: float = 0.0
    face: float = 0.0
    face_shift: float = 0.0

    def speed(self, random: np.random.Generator) -> float:
        """A random speed factor."""
        return random.uniform(self.min_speed, self.max_speed)

    def __call__(self, sequence: PoseSequence, random: np.random.Generator) -> PoseSequence:
        """Mirrors, changes and jitters a sequence (T, K, D); frames and missing keypoints stay as they are."""
        if random.random() < self.mirror:
            sequence = mirrored(sequence)
        angle, scale = random.normal(0, self.rotation), random.normal(1, self.scale)
        changed = self.proportions(sequence, random)
        keypoints = changed @ in_space(similarity(angle, scale), changed.shape[-1]).T.astype(np.float32)
        keypoints += random.normal(0, self.noise, keypoints.shape)
        return replace(sequence, keypoints=np.where(sequence.visible[..., None], keypoints, 0).astype(np.float32))

    def proportions(self, sequence: PoseSequence, random: np.random.Generator) -> np.ndarray:
        """Keypoints (T, K, D) of someone with other arms, hands and face."""
        keypoints, skeleton = sequence.keypoints, sequence.skeleton
        for side in ("left", "right"):
            if self.limb:
                factors = 1 + random.normal(0, self.limb, 2)
                keypoints = scale_arm(keypoints, sequence.visible, skeleton, side, (factors[0], factors[1]))
            if (self.hand_rotation or self.hand_scale or self.hand_stretch) and (hand := skeleton.hand(side)):
                matrix = similarity(random.normal(0, self.hand_rotation), 1 + random.normal(0, self.hand_scale))
                stretch = np.exp(random.normal(0, self.hand_stretch))
                matrix = matrix @ np.diag([stretch, 1 / stretch])
                keypoints = transform_points(keypoints, hand, matrix, keypoints[:, hand[:1]])
        if self.face or self.face_shift:
            scale, shift = 1 + random.normal(0, self.face), random.normal(0, self.face_shift, 2)
            keypoints = resize_face(keypoints, sequence.visible, skeleton, scale, shift)
        return keypoints


# As many kinds of people, cameras and hands as the clips can be made to show.
WIDE = Augmentation(
    mirror=0.5,
    min_speed=0.55,
    max_speed=1.8,
    rotation=0.07,
    scale=0.07,
    limb=0.12,
    hand_rotation=0.25,
    hand_scale=0.12,
    hand_stretch=0.08,
    face=0.08,
    face_shift=0.04,
)


def mirrored(sequence: PoseSequence) -> PoseSequence:
    """A sequence mirrored at x = 0; unchanged where a keypoint has no opposite, as of one hand alone."""
    try:
        return flip(sequence)
    except UserError:
        return sequence


def blend_frames(before: int, after: int) -> int:
    """Frames over which a sequence of `before` frames is cross-faded into one of `after`."""
    return min(BLEND_FRAMES, before // 2, after // 2)


def stitch(sequences: Sequence[PoseSequence]) -> PoseSequence:
    """Concatenates sequences on one skeleton, cross-fading neighbours over a few frames.

    A keypoint that only one of two neighbours shows is, where they overlap, at that one's position. The frame rate is
    that of the first sequence.
    """
    if len(sequences) == 1:
        return sequences[0]
    first = sequences[0]
    overlaps = [blend_frames(len(a), len(b)) for a, b in itertools.pairwise(sequences)]
    T = sum(map(len, sequences)) - sum(overlaps)
    keypoints = np.zeros((T, *first.keypoints.shape[1:]), np.float32)
    confidence = np.zeros(keypoints.shape[:2], np.float32)
    start = 0
    for sequence, overlap in zip(sequences, [0, *overlaps], strict=True):
        start -= overlap
        end = start + len(sequence)
        fade = np.ones((len(sequence), 1), np.float32)
        fade[:overlap, 0] = np.arange(1, overlap + 1) / (overlap + 1)
        new, old = sequence.confidence, confidence[start:end]
        weight = np.where(old > 0, np.where(new > 0, fade, 0), 1)  # of the later sequence, (T', K)
        old_keypoints = keypoints[start:end]
        keypoints[start:end] = old_keypoints + weight[..., None] * (sequence.keypoints - old_keypoints)
        confidence[start:end] = old + weight * (new - old)
        start = end
    return replace(first, keypoints=keypoints, confidence=confidence)
