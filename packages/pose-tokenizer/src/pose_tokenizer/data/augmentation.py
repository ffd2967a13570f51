"""Variations of normalized clips that are signing still: little data is the difficulty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError

if TYPE_CHECKING:
    from pose_core import Skeleton


@dataclass(frozen=True)
class Augmentation:
    """How far clips are varied; standard deviations where nothing else is said.

    Attributes:
        late: share of clips that begin in their middle; mirror: that are mirrored.
        shortest, longest: of the clip's length.
        turn, size: of the whole person, in radians and relative.
        hand_turn, hand_size, hand_shear, hand_shift: of each hand about its wrist; the shift in shoulder widths.
    """

    late: float = 0.3
    mirror: float = 0.3
    shortest: float = 0.6
    longest: float = 1.5
    turn: float = 0.04
    size: float = 0.04
    hand_turn: float = 0.15
    hand_size: float = 0.08
    hand_shear: float = 0.08
    hand_shift: float = 0.06

    def apply(
        self, keypoints: np.ndarray, seen: np.ndarray, skeleton: Skeleton, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """A variation of keypoints (T, K, 2) and seen (T, K), of another length."""
        keypoints, seen = warped(keypoints, seen, random.uniform(self.shortest, self.longest))
        if random.random() < self.late:
            begin = int(random.integers(len(keypoints)))
            keypoints, seen = keypoints[begin:], seen[begin:]
        mirrored = random.random() < self.mirror
        if mirrored and (opposite := _opposites(skeleton)):
            keypoints, seen = keypoints[:, opposite] * np.array([-1, 1], np.float32), seen[:, opposite]
        keypoints = keypoints @ _turned(random.normal(0, self.turn), random.normal(1, self.size)).T
        for side in ("left", "right"):
            hand = skeleton.hand(side)
            if not hand:
                continue
            change = _turned(random.normal(0, self.hand_turn), random.normal(1, self.hand_size))
            change = change @ np.array([[1, random.normal(0, self.hand_shear)], [0, 1]])
            wrist = keypoints[:, hand[:1]]
            keypoints[:, hand] = wrist + (keypoints[:, hand] - wrist) @ change.T + random.normal(0, self.hand_shift, 2)
        return keypoints.astype(np.float32), seen


def warped(keypoints: np.ndarray, seen: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T, K, 2) and seen (T, K) at another speed, between frames on lines; at least two frames."""
    frames = max(2, round(len(keypoints) * factor))
    at = np.linspace(0, len(keypoints) - 1, frames).astype(np.float32)
    before = np.floor(at).astype(int)
    after = np.ceil(at).astype(int)
    part = (at - before)[:, None, None]
    return keypoints[before] * (1 - part) + keypoints[after] * part, seen[before] & seen[after]


def _opposites(skeleton: Skeleton) -> list[int] | None:
    """`Skeleton.mirror`; None where a keypoint has no opposite, as of one hand alone."""
    try:
        return skeleton.mirror()
    except UserError:
        return None


def _turned(angle: float, size: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return size * np.array([[cosine, -sine], [sine, cosine]])
