"""A codec without networks: principal components over keypoints, DCT over frames, one quantization step.

The baseline of a learned tokenizer. Levels are counted at the length that an ideal entropy coder would give them
under a static model: a Laplace distribution for each coefficient, with the scale it has in the training clips. No real
coder does better with that model. Which keypoints are visible, where the person stands and how long the clip is count
no bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence

HAND_WEIGHT = 4.0  # a hand's coordinates before the components are found
BLOCK_FRAMES = 16
COMPONENTS = 80
ESCAPE = 1e-3  # probability kept for levels that the Laplace distribution holds to be impossible


@dataclass(frozen=True)
class PlainCodec:
    """Clips in shoulder widths to whole numbers and back.

    Attributes:
        mean: (K, 2); a keypoint that a clip never shows stands there.
        weights: (K, 1).
        basis: (components, K * 2), rows orthonormal.
        scales: (block_frames, components), mean size of each coefficient in the training clips.
    """

    mean: np.ndarray
    weights: np.ndarray
    basis: np.ndarray
    scales: np.ndarray

    @classmethod
    def fit(
        cls, clips: Sequence[PoseSequence], *, block_frames: int = BLOCK_FRAMES, components: int = COMPONENTS
    ) -> PlainCodec:
        """The codec for clips like these.

        Args:
            clips: keypoints (T, K, 2) in shoulder widths, confidence 0 where missing, all on one skeleton.
            block_frames: frames that are transformed together; 1 leaves the DCT out.
            components: of K * 2.
        """
        skeleton = clips[0].skeleton
        places = np.concatenate([clip.keypoints for clip in clips]).astype(np.float64)
        seen = np.concatenate([clip.confidence > 0 for clip in clips])[..., None]
        mean = (places * seen).sum(axis=0) / np.maximum(1, seen.sum(axis=0))
        weights = np.ones((skeleton.num_keypoints, 1))
        weights[skeleton.hand("left") + skeleton.hand("right")] = HAND_WEIGHT
        rows = np.concatenate([weighted(clip, mean, weights) for clip in clips])
        _, vectors = np.linalg.eigh(rows.T @ rows)
        codec = cls(mean, weights, vectors[:, ::-1][:, :components].T, np.ones((block_frames, components)))
        sizes = np.concatenate([np.abs(codec.coefficients(clip)) for clip in clips])
        return cls(mean, weights, codec.basis, sizes.mean(axis=0))

    def coefficients(self, clip: PoseSequence) -> np.ndarray:
        """(blocks, block_frames, components); the last block is filled up with the last frame."""
        size = len(self.scales)
        rows = weighted(clip, self.mean, self.weights) @ self.basis.T  # (T, components)
        rows = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % size, axis=0)])
        return dct(size) @ rows.reshape(-1, size, len(self.basis))

    def encode(self, clip: PoseSequence, step: float) -> np.ndarray:
        """Levels (blocks, block_frames, components), whole numbers."""
        return np.round(self.coefficients(clip) / step)

    def decode(self, levels: np.ndarray, frames: int, step: float) -> np.ndarray:
        """Keypoints (T, K, 2) of a clip of so many frames."""
        rows = (dct(len(self.scales)).T @ (levels * step)).reshape(-1, len(self.basis))[:frames]
        return (rows @ self.basis).reshape(frames, -1, 2) / self.weights + self.mean

    def bits(self, levels: np.ndarray, step: float) -> float:
        """How many bits the levels take."""
        ratio = step / np.maximum(self.scales, 1e-3 * step)
        size = np.abs(levels)
        inner = -np.expm1(-ratio / 2)  # probability of 0, then of any other level
        outer = np.exp(-(size - 0.5) * ratio) * -np.expm1(-ratio) / 2
        probability = np.where(size == 0, inner, outer)
        return float(-np.log2((1 - ESCAPE) * probability + ESCAPE * 0.5 ** np.minimum(size, 900) / 3).sum())


def weighted(clip: PoseSequence, mean: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T, K * 2): missing keypoints on lines between where they are seen, less the mean, weighted."""
    keypoints, seen = clip.keypoints.astype(np.float64), clip.confidence > 0
    frames = np.arange(len(keypoints))
    for k in range(keypoints.shape[1]):
        there = np.flatnonzero(seen[:, k])
        if not len(there):
            keypoints[:, k] = mean[k]
        elif len(there) < len(frames):
            for d in range(keypoints.shape[2]):
                keypoints[:, k, d] = np.interp(frames, there, keypoints[there, k, d])
    return ((keypoints - mean) * weights).reshape(len(keypoints), -1)


def dct(size: int) -> np.ndarray:
    """(size, size): the orthonormal DCT-II, a row a frequency."""
    frequencies, frames = np.mgrid[:size, :size]
    matrix = np.cos(np.pi * (frames + 0.5) * frequencies / size) * np.sqrt(2 / size)
    matrix[0] /= np.sqrt(2)
    return matrix
