"""Names of splits, and their aliases in data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.data.clip import Clip

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}


def split_name(name: str) -> str:
    """The canonical name of a split: `train`, `validation` or `test` for their aliases; other names unchanged."""
    return SPLITS.get(name.strip().casefold(), name.strip())


def split_counts(clips: Iterable[Clip]) -> dict[str, int]:
    """Clips of each split."""
    counts: dict[str, int] = {}
    for clip in clips:
        counts[clip.split] = counts.get(clip.split, 0) + 1
    return counts


def select_split(clips: list[Clip], split: str) -> list[Clip]:
    """The clips of one split, by any of its names, or of "all".

    Raises:
        UserError: there are none; the message says which splits there are.
    """
    chosen = [clip for clip in clips if split == "all" or clip.split == split_name(split)]
    if not chosen:
        known = ", ".join(sorted(split_counts(clips)))
        raise UserError(f"the data has no clips of split {split!r}; it has {known}")
    return chosen
