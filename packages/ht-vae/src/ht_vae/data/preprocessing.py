"""Preprocessing of sequences from files to what a model sees, and its inverse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, Skeleton, UserError
from pose_core.pretrained.selection import outline
from pose_core.skeleton.correspondence import layout_hint
from pose_core.transforms import Placement, choose_keypoints, clean, denormalize, normalize
from pose_core.transforms.normalization import MAX_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pose_core.transforms import KeypointChoice


class PoseDataProcessor:
    """Normalizes sequences of any file to shoulder widths, origin at the mid-shoulder point, y down.

    Confidence is in [0, 1] afterwards; outliers and keypoints that are no numbers are missing.

    Args:
        keypoints: see `choose_keypoints`.
        skeleton: the model's, whose keypoints are selected by name, whatever `keypoints` says; None: each sequence
            keeps its own, in two dimensions.
    """

    def __init__(self, keypoints: KeypointChoice = "reduced", skeleton: Skeleton | None = None) -> None:
        self.keypoints = keypoints
        self.skeleton = skeleton

    def __call__(self, sequence: PoseSequence) -> PoseSequence:
        """The sequence that `process` returns."""
        return self.process(sequence)[0]

    def process(self, sequence: PoseSequence) -> tuple[PoseSequence, Placement]:
        """A normalized sequence, and its placement in the file.

        Args:
            sequence: (T, K, D) in the file's own coordinates.

        Returns:
            (T, K', D') in shoulder widths, missing keypoints at 0; and what `restore` needs.

        Raises:
            UserError: the file lacks a component of the model's skeleton other than a face, or no frame shows both
                shoulders.
        """
        sequence = clean(sequence)
        if self.skeleton is None:
            sequence = choose_keypoints(sequence, self.keypoints)
            return normalize(_without_outliers(sequence.on_skeleton(sequence.skeleton.with_dims(2))))
        if missing := missing_components(self.skeleton, sequence.skeleton):
            hint = layout_hint(sequence.skeleton, self.skeleton)
            raise UserError(f"lacks {', '.join(missing)}; the model is for {outline(self.skeleton)}{hint}")
        return normalize(_without_outliers(sequence.on_skeleton(self.skeleton)))

    def restore(self, sequence: PoseSequence, placement: Placement) -> PoseSequence:
        """The inverse of `process`: (T, K', D') in shoulder widths to the file's coordinates."""
        return denormalize(sequence, placement)


def missing_components(model: Skeleton, file: Skeleton) -> list[str]:
    """Names of components of a model's skeleton that a file lacks and that nothing stands in for.

    A face is none of them: where a file has none, the encoder is given the model's mean face, see `complete`.
    """
    names, face = {component.name for component in file.components}, set(model.face())
    lacking = [component.name for component in model.components if component.name not in names]
    return [name for name in lacking if not face.issuperset(model.part(name))]


def preprocess(sequence: PoseSequence, skeleton: Skeleton | None, *, keypoints: KeypointChoice) -> PoseSequence:
    """A clip as a `PoseDataProcessor` leaves it."""
    return PoseDataProcessor(keypoints, skeleton)(sequence)


def common_skeleton(files: Iterable[tuple[Path, Skeleton]]) -> Skeleton:
    """The skeleton with the most keypoints of files of one kind; keypoints that a file lacks are missing in it.

    Raises:
        UserError: two files with different components, or keypoints of which neither has all; the message names both.
    """
    files = list(files)
    largest, skeleton = max(files, key=lambda file: file[1].num_keypoints)
    for path, other in files:
        if not _is_subset(other, skeleton):
            raise UserError(
                f"{path}: has {outline(other)}, while {largest} has {outline(skeleton)}; "
                "train on files of one skeleton, or choose other `keypoints`"
            )
    return skeleton


def _is_subset(skeleton: Skeleton, other: Skeleton) -> bool:
    """Whether a skeleton has the components of another, and some or all of its keypoints."""
    components = [{component.name for component in each.components} for each in (skeleton, other)]
    return components[0] == components[1] and {*skeleton.keypoints} <= {*other.keypoints}


def _without_outliers(sequence: PoseSequence) -> PoseSequence:
    """A sequence whose keypoints too far from the median mid-shoulder point are missing, so they bias no mean."""
    shoulders = list(sequence.skeleton.shoulders())
    both = sequence.visible[:, shoulders].all(axis=1)
    if not both.any():
        return sequence  # which `normalize` refuses
    a, b = sequence.keypoints[both][:, shoulders].astype(np.float64).transpose(1, 0, 2)
    center, width = np.median((a + b) / 2, axis=0), np.median(np.linalg.norm(a - b, axis=-1))
    outlier = (np.abs(sequence.keypoints - center) > MAX_DISTANCE * width).any(axis=-1)
    if not width or not outlier.any():
        return sequence
    return replace(sequence, confidence=np.where(outlier, np.float32(0), sequence.confidence))
