"""`PoseSequence`: one person's keypoints over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.skeleton import Side, Skeleton


@dataclass(frozen=True)
class PoseSequence:
    """Keypoints of one person, frame by frame. Transforms return a new one and leave their input alone.

    Attributes:
        keypoints: (T, K, D) float32, in pixels as read, or in shoulder widths once normalized; x right, y down.
        confidence: (T, K) float32 in [0, 1]; 0 = missing, and a missing keypoint's coordinates mean nothing. Files
            hold other values, too, and are read as they are: `transforms.clean` mends them.
        fps: frames a second.
        skeleton: names and limbs of the K keypoints.
        size: width, height, depth of the picture in pixels, as a `.pose` header states them; 0 where there is no
            picture, as once normalized.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    fps: float
    skeleton: Skeleton
    size: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        expected = (self.skeleton.num_keypoints, self.skeleton.num_dims)
        if self.keypoints.ndim != 3 or self.keypoints.shape[1:] != expected:
            raise UserError(
                f"keypoints are {self.keypoints.shape}, the skeleton wants (T, {expected[0]}, {expected[1]})"
            )
        if self.confidence.shape != self.keypoints.shape[:2]:
            raise UserError(f"confidence is {self.confidence.shape}, keypoints are {self.keypoints.shape}")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise UserError(f"fps is {self.fps}; it must be a positive number")

    def __len__(self) -> int:
        """T, the number of frames."""
        return len(self.keypoints)

    def __getitem__(self, frames: slice) -> PoseSequence:
        """The frames of a slice, `sequence[10:20]`."""
        return replace(self, keypoints=self.keypoints[frames], confidence=self.confidence[frames])

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    def hand_share(self, side: Side) -> float:
        """Share of frames, 0 to 1, in which any point of that hand was seen; 0 where the skeleton has no such hand."""
        hand = self.skeleton.hand(side)
        return float((self.confidence[:, hand] > 0).any(axis=1).mean()) if hand and len(self) else 0.0

    def held(self, frame: int, frames: int) -> PoseSequence:
        """One frame, shown for `frames` frames."""
        return replace(
            self,
            keypoints=np.repeat(self.keypoints[frame][None], frames, axis=0),
            confidence=np.repeat(self.confidence[frame][None], frames, axis=0),
        )

    def select(self, indices: list[int]) -> PoseSequence:
        """The keypoints at `indices`, array positions; they keep their order, whatever order they are named in."""
        indices = sorted(set(indices))
        return replace(
            self,
            keypoints=self.keypoints[:, indices],
            confidence=self.confidence[:, indices],
            skeleton=self.skeleton.select(indices),
        )

    def on_skeleton(self, skeleton: Skeleton) -> PoseSequence:
        """The same frames on another skeleton, keypoints matched by name; those it lacks are missing (confidence 0).

        Raises:
            UserError: not one keypoint has a name that `skeleton` knows, or the coordinates differ in number.
        """
        if skeleton == self.skeleton:
            return self
        position = {name: i for i, name in enumerate(self.skeleton.keypoints)}
        pairs = [(new, position[name]) for new, name in enumerate(skeleton.keypoints) if name in position]
        if not pairs:
            theirs, ours = ({c for c, _ in s.keypoints} for s in (self.skeleton, skeleton))
            raise UserError(
                f"no keypoint in common: found {', '.join(sorted(theirs))}, expected {', '.join(sorted(ours))}"
            )
        if skeleton.num_dims > self.skeleton.num_dims:
            raise UserError(
                f"the poses have {self.skeleton.num_dims} coordinates a point, expected {skeleton.num_dims}"
            )
        new, old = (list(column) for column in zip(*pairs, strict=True))
        keypoints = np.zeros((len(self), skeleton.num_keypoints, skeleton.num_dims), np.float32)
        confidence = np.zeros(keypoints.shape[:2], np.float32)
        keypoints[:, new] = self.keypoints[:, old, : skeleton.num_dims]
        confidence[:, new] = self.confidence[:, old]
        return replace(self, keypoints=keypoints, confidence=confidence, skeleton=skeleton)


def concatenate(sequences: Sequence[PoseSequence]) -> PoseSequence:
    """Sequences one after the other.

    Raises:
        UserError: nothing to concatenate, or skeletons or frame rates differ.
    """
    if not sequences:
        raise UserError("no sequences to concatenate")
    first = sequences[0]
    for other in sequences[1:]:
        if other.skeleton != first.skeleton:
            raise UserError("sequences on different skeletons cannot be concatenated; use `on_skeleton` first")
        if other.fps != first.fps:
            raise UserError(f"sequences at {first.fps} and {other.fps} fps cannot be concatenated; resample one first")
    return replace(
        first,
        keypoints=np.concatenate([s.keypoints for s in sequences]),
        confidence=np.concatenate([s.confidence for s in sequences]),
    )
