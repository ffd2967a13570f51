"""Whole data sets: packed into shards, or their statistics taken (`pose-core pack`, `pose-core stats`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pose_core.data.packing import SHARD_BYTES, Shard, pack
from pose_core.data.tree import read_clips, select_split
from pose_core.errors import UserError
from pose_core.formats import read
from pose_core.transforms import Statistics, clean, normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pose_core.data.manifest import Clip
    from pose_core.sequence import PoseSequence


def pack_data(
    data: Path,
    folder: Path,
    *,
    shard_bytes: int = SHARD_BYTES,
    skip: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], None],
) -> list[Shard]:
    """Packs every clip of a data set, as its file has it but cleaned.

    Args:
        data: see `read_clips`.
        folder, shard_bytes, overwrite: see `pack`.
        skip: leave out a clip that cannot be read, and say so to `progress`, rather than stop at it.
        progress: takes one line at a time.

    Raises:
        UserError: as `read_clips` and `pack`, or a clip cannot be read.
    """
    clips = read_clips(data)
    root = data if data.is_dir() else data.parent

    def samples() -> Iterator[tuple[Clip, PoseSequence]]:
        for clip in clips:
            try:
                sequence = clean(read(clip.path))
            except UserError as error:
                if not skip:
                    raise UserError(f"{error}; or leave such clips out with --skip") from error
                progress(f"skipped: {error}")
                continue
            yield replace(clip, path=clip.path.relative_to(root)), sequence

    return pack(samples(), folder, shard_bytes=shard_bytes, overwrite=overwrite)


def data_statistics(data: Path, split: str, *, normalized: bool) -> Statistics:
    """Mean and standard deviation of each component over one split, of cleaned and, if so, normalized poses.

    Raises:
        UserError: no such clips, or one cannot be read or normalized; the message names it.
    """

    def sequences() -> Iterator[PoseSequence]:
        for clip in select_split(read_clips(data), split):
            sequence = clean(read(clip.path))
            try:
                yield normalize(sequence)[0] if normalized else sequence
            except UserError as error:
                raise UserError(f"{clip.path}: {error}; mend or remove it, or take --raw statistics") from error

    return Statistics.fit(sequences())
