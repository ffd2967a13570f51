"""What clips are told apart by: a column of their manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.data import Clip

Task = Literal["text", "signed_language", "hidden_frames"]


def label_of(clip: Clip, task: Task) -> str:
    """What a clip is told from others by."""
    if task != "text":
        return clip.signed_language
    # A character at a time: the capital of one that has none but several letters, as ß, is itself.
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in clip.text)


def label_names(clips: Sequence[Clip], task: Task, data: str | Path) -> list[str] | None:
    """The labels of training clips, in order; None for a task without.

    Raises:
        UserError: the clips have no labels, or one and the same.
    """
    if task == "hidden_frames":
        return None
    labels = sorted({label_of(clip, task) for clip in clips})
    if len(labels) < 2:
        found = repr(labels[0]) if labels[0] else "nothing"
        raise UserError(
            f"{data}: every clip's {task} is {found}; telling clips apart needs a manifest with different ones; "
            "without labels train with --task hidden_frames"
        )
    return labels


def unlabelled(train: Sequence[Clip], validation: Sequence[Clip], task: Task) -> list[str | None]:
    """Why each clip cannot be validated with by a model of the clips to train on; None where it can."""
    if task == "hidden_frames":
        return [None] * len(validation)
    known = {label_of(clip, task) for clip in train}
    labels = [label_of(clip, task) for clip in validation]
    return [None if label in known else f"no clip to train on has its {task}, {label!r}" for label in labels]


def numbers(clips: Sequence[Clip], labels: list[str] | None, task: Task) -> list[int]:
    """The number of each clip's label, -1 without labels."""
    position = positions(labels)
    return [-1 if position is None else position[label_of(clip, task)] for clip in clips]


def positions(labels: list[str] | None) -> dict[str, int] | None:
    """The number of every label."""
    return None if labels is None else {label: i for i, label in enumerate(labels)}
