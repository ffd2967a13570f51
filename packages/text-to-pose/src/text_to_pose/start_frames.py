"""Start frames: the pose and body that generated sequences begin from. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError, read
from pose_core.skeleton.correspondence import mapping_layout
from pose_core.transforms import flip
from text_to_pose.backends import as_network
from text_to_pose.data.preprocessing import depth_in_picture_widths, is_flat, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.skeleton import Skeleton
    from text_to_pose.model import TextToPose
    from text_to_pose.network import Network


@dataclass(frozen=True)
class StartFrames:
    """One frame per sequence, from which it begins.

    Attributes:
        keypoints: (B, K, D) in shoulder widths.
        confidence: (B, K), 0 = missing; the model predicts those.
    """

    keypoints: np.ndarray
    confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.keypoints)

    @classmethod
    def last_of(cls, sequences: Sequence[PoseSequence]) -> StartFrames:
        """The last frames of normalized sequences."""
        return cls(
            np.stack([s.keypoints[-1] for s in sequences]),
            np.stack([s.confidence[-1] for s in sequences]),
        )

    @classmethod
    def bundled(cls, model: TextToPose | Network, signed_languages: Sequence[str]) -> StartFrames:
        """The model's own start frames, one per language.

        Raises:
            UserError: a language the model does not know.
        """
        return cls(*as_network(model).own_start(signed_languages))

    @classmethod
    def read(cls, model: TextToPose | Network, path: Path, frame: int | None = None) -> StartFrames:
        """A frame of a pose file; the first in which somebody is visible when None.

        Raises:
            UserError: a file or frame that cannot be used.
        """
        return cls.of_clip(model, read(path), path, frame)

    @classmethod
    def of_clip(
        cls, model: TextToPose | Network, sequence: PoseSequence, path: Path, frame: int | None = None
    ) -> StartFrames:
        """As `read`, of a sequence that was read from `path`."""
        own = cls.bundled(model, [*as_network(model).config.text.alphabets][:1])
        if is_flat(own.keypoints[own.confidence > 0]):
            sequence = depth_in_picture_widths(sequence)
        if frame is not None:
            if not 0 <= frame < len(sequence):
                raise UserError(f"{path}: has no frame {frame}; it has 0 to {len(sequence) - 1}")
            sequence = sequence[frame : frame + 1]
        _check_fits(sequence.skeleton, model.skeleton, path)
        try:
            return cls.last_of([prepare(sequence, sequence.fps, model.skeleton)[:1]])
        except UserError as error:
            where = f"{path}, frame {frame}" if frame is not None else f"{path}"
            raise UserError(f"{where}: {error}; start from another frame") from error

    @classmethod
    def concatenate(cls, start_frames: Sequence[StartFrames]) -> StartFrames:
        """Start frames as one batch."""
        return cls(
            np.concatenate([s.keypoints for s in start_frames]), np.concatenate([s.confidence for s in start_frames])
        )

    def repeated(self, number: int) -> StartFrames:
        """One start frame repeated for `number` sequences."""
        return StartFrames(self.keypoints.repeat(number, axis=0), self.confidence.repeat(number, axis=0))

    def torso_and_wrists(self, skeleton: Skeleton) -> StartFrames:
        """The start frames without fingers and elbows."""
        hidden = [
            k for side in ("left", "right") for k in (*skeleton.hand(side)[1:], skeleton.elbow(side)) if k is not None
        ]
        confidence = self.confidence.copy()
        confidence[:, hidden] = 0
        return StartFrames(self.keypoints * (confidence > 0)[..., None], confidence)

    def flipped(self, skeleton: Skeleton) -> StartFrames:
        """The start frames mirrored, left and right exchanged."""
        fps = 1.0  # the transform takes the B frames as those of one sequence
        frames = flip(PoseSequence(self.keypoints, self.confidence, fps, skeleton))
        return StartFrames(frames.keypoints, frames.confidence)


def _check_fits(file: Skeleton, model: Skeleton, path: Path) -> None:
    """Refuses poses of which no frame is one of the model's, and says what makes them such.

    Raises:
        UserError: too few coordinates, or no keypoint of the model's.
    """
    if file.num_dims < model.num_dims:
        raise UserError(
            f"{path}: its keypoints have {file.num_dims} coordinates, and the model's {model.num_dims}; "
            "start from poses with depth, as MediaPipe estimates it"
        )
    if {*file.keypoints} & {*model.keypoints}:
        return
    layout = mapping_layout(file, model)
    if layout is not None:
        raise UserError(
            f"{path}: its keypoints are of another layout than the model's; map them by anatomy: "
            f"pose-core convert {path} mapped.pose --layout {layout}"
        )
    theirs, ours = (", ".join(component.name for component in each.components) for each in (file, model))
    raise UserError(f"{path}: no keypoint in common: found {theirs}, expected {ours}; start from another file")
