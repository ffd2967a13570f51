"""Variations of normalized sequences that are signing still: little data is the difficulty."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.transforms import flip

if TYPE_CHECKING:
    from collections.abc import Sequence

BLEND = 6  # frames in which one clip becomes the next


@dataclass(frozen=True)
class Augmentation:
    """How far sequences are varied; standard deviations where nothing else is said.

    Attributes:
        mirror: share of sequences that are mirrored.
        slowest, fastest: speed, by which a window's frames are stretched.
        turn, size: of the whole person, in radians and relative.
        noise: of every coordinate in every frame, in shoulder widths.
    """

    mirror: float = 0.3
    slowest: float = 0.7
    fastest: float = 1.4
    turn: float = 0.05
    size: float = 0.05
    noise: float = 0.003

    def speed(self, random: np.random.Generator) -> float:
        """How many times as fast as it was signed."""
        return random.uniform(self.slowest, self.fastest)

    def vary(self, sequence: PoseSequence, random: np.random.Generator) -> PoseSequence:
        """A sequence (T, K, D) mirrored, turned, sized and shaken; frames and missing points stay what they are."""
        if random.random() < self.mirror:
            sequence = mirrored(sequence)
        angle, size = random.normal(0, self.turn), random.normal(1, self.size)
        cosine, sine = np.cos(angle), np.sin(angle)
        keypoints = size * sequence.keypoints
        keypoints[..., :2] = keypoints[..., :2] @ np.array([[cosine, sine], [-sine, cosine]])
        keypoints += random.normal(0, self.noise, keypoints.shape)
        seen = sequence.confidence[..., None] > 0
        return replace(sequence, keypoints=np.where(seen, keypoints, 0).astype(np.float32))


def mirrored(sequence: PoseSequence) -> PoseSequence:
    """Left and right exchanged at x = 0; as it is where a keypoint has no opposite, as of one hand alone."""
    try:
        return flip(sequence)
    except UserError:
        return sequence


def overlap(before: int, after: int) -> int:
    """Frames in which a sequence of `before` frames and one of `after` are blended."""
    return min(BLEND, before // 2, after // 2)


def stitch(sequences: Sequence[PoseSequence]) -> PoseSequence:
    """Sequences on one skeleton, one after the other; at each joint the one becomes the other within a few frames.

    A keypoint that only one of them shows is, at the joint, where that one shows it. The first one's frame rate holds.
    """
    if len(sequences) == 1:
        return sequences[0]
    first = sequences[0]
    joints = [overlap(len(a), len(b)) for a, b in itertools.pairwise(sequences)]
    T = sum(map(len, sequences)) - sum(joints)
    keypoints = np.zeros((T, *first.keypoints.shape[1:]), np.float32)
    confidence = np.zeros(keypoints.shape[:2], np.float32)
    start = 0
    for sequence, joint in zip(sequences, [0, *joints], strict=True):
        start -= joint
        end = start + len(sequence)
        later = np.ones((len(sequence), 1), np.float32)
        later[:joint, 0] = np.arange(1, joint + 1) / (joint + 1)
        now, before = sequence.confidence, confidence[start:end]
        share = np.where(before > 0, np.where(now > 0, later, 0), 1)  # of the later sequence, (T', K)
        old = keypoints[start:end]
        keypoints[start:end] = old + share[..., None] * (sequence.keypoints - old)
        confidence[start:end] = before + share * (now - before)
        start = end
    return replace(first, keypoints=keypoints, confidence=confidence)
