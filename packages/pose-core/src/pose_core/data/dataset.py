"""Clips as a torch data set, cached in memory."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

from torch.utils.data import Dataset

from pose_core.data.loading import Kinds, check_skipped, read_clip, with_path
from pose_core.errors import UserError
from pose_core.notices import InputWarning
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core.data.clip import Clip
    from pose_core.sequence import PoseSequence

CACHE_BYTES = 2 << 30


class PoseDataset(Dataset):
    """Prepared pose sequences of clips.

    What is loaded stays in memory until `cache_bytes` are full; later clips are then loaded each time. Worker
    processes that start after `lengths` was asked for find everything loaded; those that load clips themselves keep
    them as long as they live (`persistent_workers=True`).

    Args:
        clips: see `read_clips`.
        transform: what is done to every sequence, once: normalization, reduction, resampling.
        cache_bytes: of coordinates and confidence; 0 keeps nothing.
        on_error: "raise" at a clip that cannot be used, or "skip" it, with a warning that names it. Skipped clips are
            dropped when `lengths` is first asked for, and `skipped` lists them.
        max_skipped: more than this share of the clips, rounded up to whole clips, are not skipped.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        transform: Callable[[PoseSequence], PoseSequence] | None = None,
        cache_bytes: int = CACHE_BYTES,
        on_error: Literal["raise", "skip"] = "raise",
        max_skipped: float = 1.0,
    ) -> None:
        self.clips = list(clips)
        self.transform = transform
        self.cache_bytes = cache_bytes
        self.on_error, self.max_skipped = on_error, max_skipped
        self.skipped: list[str] = []
        self.kinds = Kinds()  # of clips, once `lengths` was asked for
        self._cache: dict[Clip, PoseSequence] = {}
        self._cached_bytes = 0
        self._lengths: list[int] | None = None

    def load_sample(self, clip: Clip) -> PoseSequence:
        """Reads a clip's poses, from its start to its end; subclasses may override it."""
        return clean(read_clip(clip))

    @property
    def lengths(self) -> list[int]:
        """Frames of each sequence, as samplers want them; asked for the first time, it loads every clip."""
        if self._lengths is None:
            usable, lengths, problems = [], [], []
            for clip in self.clips:
                try:
                    sequence = self._sequence(clip)
                    lengths.append(len(sequence))
                    self.kinds.count(sequence)
                    usable.append(clip)
                except UserError as error:
                    problems.append(str(error))
                    if self.on_error == "skip":
                        warnings.warn(InputWarning(f"skipped: {error}", "clips skipped"), stacklevel=2)
            check_skipped(problems, len(self.clips), self.max_skipped if self.on_error == "skip" else 0.0)
            self.skipped += problems
            self.clips, self._lengths = usable, lengths
        return self._lengths

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> PoseSequence:
        return self._sequence(self.clips[index])

    def _sequence(self, clip: Clip) -> PoseSequence:
        if clip in self._cache:
            return self._cache[clip]
        try:
            sequence = self.load_sample(clip)
            if self.transform is not None:
                sequence = self.transform(sequence)
        except UserError as error:
            raise UserError(with_path(error, clip)) from error
        size = sequence.keypoints.nbytes + sequence.confidence.nbytes
        if self._cached_bytes + size <= self.cache_bytes:
            self._cache[clip] = sequence
            self._cached_bytes += size
        return sequence
