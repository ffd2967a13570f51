"""Warnings about a data set as a whole, such as clips in two splits; one line each, none is an error."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pose_core.data.segments import overlapping
from pose_core.data.splits import SPLITS, split_counts
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pose_core.data.clip import Clip

SHOWN = 5  # of a list, before "and so many more"


def summary(items: Sequence[str], shown: int = SHOWN) -> str:
    """The first few of a list, and how many more there are."""
    more = len(items) - shown
    return "; ".join(items[:shown]) + (f"; and {more} more" if more > 0 else "")


def notices(clips: Sequence[Clip], data: str | Path) -> list[str]:
    """Unused splits, repeated clips, clips or people in two splits, languages spelled in two ways.

    Args:
        data: what messages call the clips.
    """
    files = _by_file(clips)
    found = [*_unused_splits(clips), *_shared(files), *_repeated(files), *_shared_people(clips), *_languages(clips)]
    return [f"{data}: {notice}" for notice in found]


def shared_clips(clips: Iterable[Clip]) -> list[tuple[Clip, Clip]]:
    """Pairs of clips of different splits that share frames of one file, links resolved."""
    return _pairs(_by_file(clips))


def _pairs(files: Iterable[list[Clip]]) -> list[tuple[Clip, Clip]]:
    pairs = []
    for same in files:
        last: dict[str, Clip] = {}  # of each split, the clip that reaches farthest
        for clip in sorted(same, key=lambda clip: clip.start or 0):
            pairs += [
                (other, clip)
                for split, other in last.items()
                if split != clip.split and overlapping((other.start, other.end), (clip.start, clip.end))
            ]
            if clip.split not in last or _reach(clip) >= _reach(last[clip.split]):
                last[clip.split] = clip
    return pairs


def _unused_splits(clips: Sequence[Clip]) -> list[str]:
    others = {split: count for split, count in split_counts(clips).items() if split not in SPLITS.values()}
    if not others:
        return []
    counts = ", ".join(f"{count} of split {split!r}" for split, count in others.items())
    return [f"{counts}: used only where --split names it; runs use train, validation (or val, dev), test"]


def _shared(files: Iterable[list[Clip]]) -> list[str]:
    pairs = _pairs(files)
    if not pairs:
        return []
    splits = " and ".join(sorted({clip.split for pair in pairs for clip in pair}))
    examples = [f"{a.location} as {a.split}, {b.location} as {b.split}" for a, b in pairs]
    return [f"{counted(len(pairs), 'clip')} in {splits} both, so that scores tell little: {summary(examples, 3)}"]


def _repeated(files: Iterable[list[Clip]]) -> list[str]:
    counts = Counter(clip for same in files for clip in same)
    twice = [clip for clip, count in counts.items() if count > 1]
    if not twice:
        return []
    names = summary([clip.path.name for clip in twice], 3)
    return [f"{counted(len(twice), 'clip')} listed more than once, counted as often: {names}"]


def _shared_people(clips: Sequence[Clip]) -> list[str]:
    splits: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.person:
            splits[clip.person].add(clip.split)
    shared = sorted(person for person, of in splits.items() if "train" in of and len(of) > 1)
    if not shared:
        return []
    names = summary(shared, 3)
    return [
        f"{len(shared)} of {len(splits)} people are in train and in other splits, "
        f"where scores are not of new people: {names}"
    ]


def _languages(clips: Sequence[Clip]) -> list[str]:
    spellings: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        spellings[clip.signed_language.casefold()].add(clip.signed_language)
    several = [" and ".join(sorted(each)) for each in spellings.values() if len(each) > 1]
    return [f"signed_language {summary(several)}: taken for different languages; use one spelling"] if several else []


def _by_file(clips: Iterable[Clip]) -> Iterable[list[Clip]]:
    """Clips grouped by file, links resolved; by name where the file cannot be read."""
    files: dict[object, list[Clip]] = defaultdict(list)
    for clip in clips:
        try:
            status = os.stat(clip.path)  # noqa: PTH116 - faster, of a hundred thousand
            files[status.st_dev, status.st_ino, clip.name].append(clip)
        except OSError:
            files[clip.path, clip.name].append(clip)
    return [same for same in files.values() if len(same) > 1]


def _reach(clip: Clip) -> float:
    return float("inf") if clip.end is None else clip.end
