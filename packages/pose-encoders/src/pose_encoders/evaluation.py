"""How well a model tells clips apart, or knows frames it was not shown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from pose_core.data import collate, read_clips, read_prepared, select_split
from pose_core.errors import UserError
from pose_encoders.labels import label_of, numbers
from pose_encoders.losses import hidden_frame_loss, hide_frames
from pose_encoders.model import prepare

if TYPE_CHECKING:
    from pathlib import Path

    from pose_encoders.labels import Task
    from pose_encoders.model import PoseEncoderModel

HIDDEN = 0.4  # as in training


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on one split.

    Attributes:
        clips: how many were scored.
        untaught: how many have a label that the model was not taught, and were not.
        rank1, rank5: share whose label is the model's first, or among its first five; None without labels.
        chance: share that the commonest label would get right.
        hidden_frames: mean distance of predicted keypoints in hidden frames, in shoulder widths; None with labels.
    """

    clips: int
    untaught: int
    rank1: float | None = None
    rank5: float | None = None
    chance: float | None = None
    hidden_frames: float | None = None


def evaluate(model: PoseEncoderModel, data: Path, split: str, *, batch_size: int = 32) -> Evaluation:
    """Scores a model on a data set's split; the task is what it was trained for.

    Raises:
        UserError: no such split, a clip that cannot be read, or no label the model knows.
    """
    clips = select_split(read_clips(data), split)
    config, labels = model.config, model.config.labels
    task: Task = "hidden_frames"
    if labels is not None:
        known = set(labels)
        task = max(("text", "signed_language"), key=lambda task: sum(label_of(clip, task) in known for clip in clips))
        taught = [clip for clip in clips if label_of(clip, task) in known]
        if not taught:
            raise UserError(f"{data}: none of its labels is known to the model, which tells {', '.join(labels[:8])}...")
        untaught, clips = len(clips) - len(taught), taught
    sequences = read_prepared(clips, partial(prepare, fps=config.fps, face=config.face), model.skeleton)
    batches = [sequences[i : i + batch_size] for i in range(0, len(sequences), batch_size)]
    with torch.inference_mode():
        if labels is None:
            torch.manual_seed(0)  # the same frames are hidden every time
            losses = []
            for batch in batches:
                pose = collate(batch).to(model.device)
                shown, hidden = hide_frames(pose, HIDDEN)
                losses.append(hidden_frame_loss(model.keypoints(shown), pose, hidden).item() * len(batch))
            return Evaluation(len(clips), 0, hidden_frames=sum(losses) / len(clips))
        logits = torch.cat([model.logits(collate(batch).to(model.device)).cpu() for batch in batches])
    truth = torch.tensor(numbers(clips, labels, task))
    best = logits.topk(min(5, len(labels)), dim=1).indices == truth[:, None]
    chance = truth.bincount().max().item() / len(truth)
    return Evaluation(
        len(clips), untaught, best[:, 0].float().mean().item(), best.any(dim=1).float().mean().item(), chance
    )
