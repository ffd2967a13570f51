"""Evaluation: accuracy of a classifier, or the error of a model that predicts hidden frames, on one split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from pose_core.batch import collate
from pose_core.data import read_clips, read_prepared, select_split
from pose_core.errors import UserError
from pose_encoders.labels import class_indices, label_of
from pose_encoders.losses import HIDDEN_SHARE, hidden_frame_distance, hide_frames
from pose_encoders.preprocessing import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from pose_core.data import Clip
    from pose_core.sequence import PoseSequence
    from pose_encoders.labels import Task
    from pose_encoders.model import PoseEncoderModel


@dataclass(frozen=True)
class Scores:
    """Scores of a model on one split.

    Attributes:
        clips: how many were scored.
        unknown_labels: how many more have a label that is none of the model's, and were not scored.
        top1, top5: share of clips whose label is the model's first, or among its first five; None without labels.
        majority: share of clips with the commonest label, the accuracy of always naming that one; None without labels.
        hidden_frames: mean distance of predicted keypoints in hidden frames, in shoulder widths; None with labels.
    """

    clips: int
    unknown_labels: int = 0
    top1: float | None = None
    top5: float | None = None
    majority: float | None = None
    hidden_frames: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Scores of a split.

    Attributes:
        scores: of all of its clips.
        clips: a row per clip: `path`, `label`, `predicted` and `rank` (of the label among the model's, from 1); of a
            model without labels `path` and `hidden_frames`, NaN where no frame was hidden.
    """

    scores: Scores
    clips: list[dict[str, Any]]


def evaluate(
    model: PoseEncoderModel, data: str | Path, *more: str | Path, split: str, batch_size: int = 32
) -> Evaluation:
    """Scores a model on a split of one data set or several; the task is what the model was trained for.

    Args:
        model: to score.
        data, more: see `pose_core.data.read_clips`.
        split: whose clips are scored.
        batch_size: clips at once.

    Raises:
        UserError: no such split, a clip that cannot be read, or no label the model knows.
    """
    clips = select_split(read_clips(data, *more), split)
    if model.config.labels is None:
        return _evaluate_hidden_frames(model, clips, _batches(model, clips, batch_size))
    labels = set(model.config.labels)
    tasks: tuple[Task, ...] = ("text", "signed_language")
    task = max(tasks, key=lambda task: sum(label_of(clip, task) in labels for clip in clips))
    known = [clip for clip in clips if label_of(clip, task) in labels]
    if not known:
        first = ", ".join(model.config.labels[:8])
        raise UserError(f"{data}: none of its labels is known to the model, which knows {first}...")
    return _evaluate_labels(model, known, _batches(model, known, batch_size), task, len(clips) - len(known))


def _batches(model: PoseEncoderModel, clips: Sequence[Clip], batch_size: int) -> list[list[PoseSequence]]:
    """The clips, prepared and in their order, in batches."""
    preprocessing = partial(prepare, fps=model.config.fps, face=model.config.face)
    sequences = read_prepared(clips, preprocessing, model.skeleton)
    return [sequences[i : i + batch_size] for i in range(0, len(sequences), batch_size)]


@torch.inference_mode()
def _evaluate_labels(
    model: PoseEncoderModel, clips: list[Clip], batches: list[list[PoseSequence]], task: Task, unknown_labels: int
) -> Evaluation:
    labels = model.config.labels
    assert labels is not None
    logits = torch.cat([model.logits(collate(batch).to(model.device)).cpu() for batch in batches])
    truth = torch.tensor(class_indices(clips, labels, task))
    order = logits.argsort(dim=1, descending=True)  # (clips, labels), the most probable first
    rank = (order == truth[:, None]).int().argmax(dim=1) + 1
    scores = Scores(
        clips=len(clips),
        unknown_labels=unknown_labels,
        top1=_share(rank == 1),
        top5=_share(rank <= 5),
        majority=truth.bincount().max().item() / len(truth),
    )
    columns = zip(clips, truth.tolist(), order[:, 0].tolist(), rank.tolist(), strict=True)
    rows = [
        {"path": clip.path, "label": labels[true], "predicted": labels[first], "rank": rank}
        for clip, true, first, rank in columns
    ]
    return Evaluation(scores, rows)


@torch.inference_mode()
def _evaluate_hidden_frames(
    model: PoseEncoderModel, clips: list[Clip], batches: list[list[PoseSequence]]
) -> Evaluation:
    torch.manual_seed(0)  # the same frames are hidden every time
    total, distances = 0.0, []
    for batch in batches:
        pose = collate(batch).to(model.device)
        shown, hidden = hide_frames(pose, HIDDEN_SHARE)
        distance, counts = hidden_frame_distance(model.predict_keypoints(shown), pose, hidden)
        total += (distance.sum() / counts.sum().clamp(min=1)).item() * len(batch)
        distances += (distance.sum(dim=(1, 2)) / counts.sum(dim=(1, 2))).tolist()  # NaN where no frame was hidden
    rows = [{"path": clip.path, "hidden_frames": value} for clip, value in zip(clips, distances, strict=True)]
    return Evaluation(Scores(len(clips), hidden_frames=total / len(clips)), rows)


def _share(condition: Tensor) -> float:
    return condition.float().mean().item()
