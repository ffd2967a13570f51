"""Preprocessing of data sets: packing into shards, statistics (`pose-core pack`, `pose-core stats`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.data.clips import read_clips
from pose_core.data.loading import read_clip
from pose_core.data.packing import SHARD_BYTES, Shard, pack
from pose_core.data.splits import select_split
from pose_core.errors import UserError, naming
from pose_core.transforms import FaceChoice, Statistics, clean, distinct_keypoints, hands_from_wrists, normalize
from pose_core.transforms.standardization import ComponentStatistics, RunningStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pose_core.data.clip import Clip
    from pose_core.sequence import PoseSequence


def pack_data(
    *data: str | Path,
    folder: Path,
    shard_bytes: int = SHARD_BYTES,
    keep_going: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None],
) -> list[Shard]:
    """Packs the cleaned clips of data sets into shards.

    Args:
        data: see `read_clips`.
        folder, shard_bytes, overwrite: see `pack`.
        keep_going: leave out a clip that cannot be read rather than stop at it.
        say: takes a line for each clip left out.

    Raises:
        UserError: as `read_clips` and `pack`, or a clip cannot be read.
    """
    clips = read_clips(*data)
    roots = [path if path.is_dir() else path.parent for path in map(Path, data)]

    def samples() -> Iterator[tuple[Clip, PoseSequence]]:
        for clip in clips:
            try:
                sequence = clean(read_clip(clip))
            except UserError as error:
                if not keep_going:
                    raise UserError(f"{error}; or leave such clips out with --keep-going") from error
                say(f"skipped: {error}")
                continue
            root = next(root for root in roots if clip.path.is_relative_to(root))
            yield replace(clip, path=clip.path.relative_to(root)), sequence

    return pack(samples(), folder, shard_bytes=shard_bytes, overwrite=overwrite)


@dataclass(frozen=True)
class DataStatistics:
    """Statistics of one split.

    Attributes:
        components: of each component, without duplicate keypoints.
        hands_from_wrists: of each hand's points relative to its wrist, by component; empty of data without hands.
    """

    components: dict[str, ComponentStatistics]
    hands_from_wrists: dict[str, ComponentStatistics]

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the components as JSON that `transforms.Statistics.load` reads."""
        Statistics(self.components).save(path, overwrite=overwrite)


def data_statistics(*data: str | Path, split: str, normalized: bool, face: FaceChoice = "contour") -> DataStatistics:
    """Mean and standard deviation of each component over one split of data sets, of cleaned (and normalized) poses.

    World landmarks, and points of the body that a face or hand shows better, do not count
    (`transforms.distinct_keypoints`, which takes `face`).

    Raises:
        UserError: no such clips, or one cannot be read or normalized; the message names it.
    """
    components, hands = RunningStatistics(), RunningStatistics()
    any_hands = False
    for clip in select_split(read_clips(*data), split):
        sequence = clean(read_clip(clip))
        with naming(clip.path, "mend or remove it, or take --raw statistics"):
            sequence = normalize(sequence)[0] if normalized else sequence
        sequence = distinct_keypoints(sequence, face=face)
        components.add(sequence)
        if sequence.skeleton.hand("left") or sequence.skeleton.hand("right"):
            any_hands = True
            hands.add(hands_from_wrists(sequence))
    return DataStatistics(components.statistics().components, hands.statistics().components if any_hands else {})
