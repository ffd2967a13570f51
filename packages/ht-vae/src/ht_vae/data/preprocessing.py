"""From what a file holds to what a model sees, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, Skeleton, UserError
from pose_core.transforms import Placement, choose_keypoints, clean, denormalize, normalize

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pose_core.transforms import KeypointChoice

FARTHEST = 8.0  # shoulder widths from the middle of the shoulders; what is farther is no part of a person


class PoseDataProcessor:
    """Puts sequences in shoulder widths about the middle of the shoulders, y down, whatever file they come from.

    Confidence is in [0, 1] afterwards; wild points, and points that are no numbers, are missing.

    Args:
        keypoints: see `choose_keypoints`.
        skeleton: the model's, whose keypoints are taken by name, whatever `keypoints` says; None: each sequence keeps
            its own, in two dimensions.
    """

    def __init__(self, keypoints: KeypointChoice = "reduced", skeleton: Skeleton | None = None) -> None:
        self.keypoints = keypoints
        self.skeleton = skeleton

    def __call__(self, sequence: PoseSequence) -> PoseSequence:
        """The first of what `process` gives."""
        return self.process(sequence)[0]

    def process(self, sequence: PoseSequence) -> tuple[PoseSequence, Placement]:
        """A sequence as a model sees it, and where it stood.

        Args:
            sequence: (T, K, D) in the file's own coordinates.

        Returns:
            (T, K', D') in shoulder widths, missing points at 0; and what `restore` needs.

        Raises:
            UserError: a component of the model's skeleton is not there, or no frame shows both shoulders.
        """
        sequence = clean(sequence)
        if self.skeleton is None:
            sequence = choose_keypoints(sequence, self.keypoints)
            return normalize(_without_wild_points(sequence.on_skeleton(sequence.skeleton.with_dims(2))))
        there = {component.name for component in sequence.skeleton.components}
        if missing := [c.name for c in self.skeleton.components if c.name not in there]:
            raise UserError(f"lacks {', '.join(missing)}; the model is for {outline(self.skeleton)}")
        return normalize(_without_wild_points(sequence.on_skeleton(self.skeleton)))

    def restore(self, sequence: PoseSequence, placement: Placement) -> PoseSequence:
        """The inverse of `process`: (T, K', D') in shoulder widths to the file's coordinates."""
        return denormalize(sequence, placement)


def common_skeleton(files: Iterable[tuple[Path, Skeleton]]) -> Skeleton:
    """The skeleton of files of one kind: that of the most keypoints. What a file lacks of it is missing there.

    Raises:
        UserError: two files with other components, or with points of which neither has all; the message names both.
    """
    files = list(files)
    richest, skeleton = max(files, key=lambda file: file[1].num_keypoints)
    for path, other in files:
        if not _fits(other, skeleton):
            raise UserError(
                f"{path}: has {outline(other)}, while {richest} has {outline(skeleton)}; "
                "train on files of one skeleton, or choose other `keypoints`"
            )
    return skeleton


def _fits(skeleton: Skeleton, richest: Skeleton) -> bool:
    """Whether a skeleton is another, some points short maybe."""
    components = [{component.name for component in each.components} for each in (skeleton, richest)]
    return components[0] == components[1] and {*skeleton.keypoints} <= {*richest.keypoints}


def outline(skeleton: Skeleton) -> str:
    """A skeleton in a few words."""
    parts = ", ".join(f"{component.name} {len(component.points)}" for component in skeleton.components)
    return f"{skeleton.num_keypoints} keypoints ({parts})"


def _without_wild_points(sequence: PoseSequence) -> PoseSequence:
    """What lies too far from where the shoulders mostly are is missing, so that it moves no mean."""
    shoulders = list(sequence.skeleton.shoulders())
    both = (sequence.confidence[:, shoulders] > 0).all(axis=1)
    if not both.any():
        return sequence  # which `normalize` refuses
    a, b = sequence.keypoints[both][:, shoulders].astype(np.float64).transpose(1, 0, 2)
    center, width = np.median((a + b) / 2, axis=0), np.median(np.linalg.norm(a - b, axis=-1))
    far = (np.abs(sequence.keypoints - center) > FARTHEST * width).any(axis=-1)
    if not width or not far.any():
        return sequence
    return replace(sequence, confidence=np.where(far, np.float32(0), sequence.confidence))
