"""Labels of clips: a column of their manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.data import Clip

Task = Literal["text", "signed_language", "hidden_frames"]


def label_of(clip: Clip, task: Task) -> str:
    """A clip's label: its language, or its text in capitals."""
    if task != "text":
        return clip.signed_language
    # Character by character: one whose capital is several letters, as that of ß, stays itself.
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in clip.text)


def class_names(clips: Sequence[Clip], task: Task, data: str | Path) -> list[str] | None:
    """The different labels of training clips, sorted; None for a task without labels.

    Raises:
        UserError: there are fewer than two.
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


def unknown_labels(train: Sequence[Clip], validation: Sequence[Clip], task: Task) -> list[str | None]:
    """Per validation clip the reason to reject it, a label that no training clip has; None where there is none."""
    if task == "hidden_frames":
        return [None] * len(validation)
    known = {label_of(clip, task) for clip in train}
    labels = [label_of(clip, task) for clip in validation]
    return [None if label in known else f"no clip to train on has its {task}, {label!r}" for label in labels]


def class_indices(clips: Sequence[Clip], names: list[str] | None, task: Task) -> list[int]:
    """The index of each clip's label in `names`, -1 where there are none."""
    index_of = class_index(names)
    return [-1 if index_of is None else index_of[label_of(clip, task)] for clip in clips]


def class_index(names: list[str] | None) -> dict[str, int] | None:
    """Label -> index."""
    return None if names is None else {name: i for i, name in enumerate(names)}
