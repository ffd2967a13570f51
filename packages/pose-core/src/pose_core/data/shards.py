"""Shards: tar files of many clips for large data sets, read sequentially, locally or remotely.

The layout is WebDataset's (https://github.com/webdataset/webdataset): a clip is two members of one name, `.json` (what
the manifest says, fps, size) and `.npy` (T, K, D + 1), coordinates and confidence. `index.json` beside the shards has
their clips, frames and split, and the skeletons; `clips.csv` every clip's path, text, languages and split. Why tar:
`docs/shards.md`. `pose_core.data.packing` writes them.
"""

from __future__ import annotations

import csv
import io
import json
import math
import posixpath
import tarfile
import warnings
from bisect import bisect_right
from dataclasses import asdict, dataclass, field
from itertools import accumulate, chain, groupby, islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from pose_core.data.packing import CLIPS, INDEX, Shard, clip_of, parsed_index
from pose_core.data.retrying_file import RetryingFile
from pose_core.data.splits import split_name
from pose_core.errors import UserError, reason
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pose_core.data.clip import Clip

MAX_SKIPPED = 0.05
BUFFER = 1 << 20  # bytes of the index read at once
PAUSES = 0.5, 2.0, 8.0  # seconds before storage that failed is tried again
_DAMAGED = (EOFError, ValueError, TypeError, LookupError, SyntaxError, MemoryError)


@dataclass(frozen=True)
class ShardSample:
    """A clip of a shard with its poses; its path is relative to the packed data set."""

    clip: Clip
    sequence: PoseSequence


class ShardDataset(IterableDataset):
    """Iterates over the clips of a folder of shards, each once per epoch over all processes and workers.

    Each consumer (a worker of a rank) reads a contiguous range of the clips and opens only its shards; ranges differ by
    at most one clip, so one rank may have one more than another.

    `state_dict` and `load_state_dict` resume within an epoch, as torchdata's StatefulDataLoader calls them, and
    Lightning that loader's. A state is that of one consumer. A plain DataLoader with workers reads the workers' copies
    of the data set, which the main process cannot see: there the state is that of the beginning of the epoch.

    Storage that fails is tried again after each of `PAUSES`, from where it stopped.

    Args:
        folder: a local folder, or a URL that fsspec knows: `s3://...`, `https://...`.
        split: "train", "validation" or "test".
        transform: what is done to every sequence, when its turn comes.
        shuffle: another order of shards in every epoch, and of clips among `buffer` that were read.
        seed: of the order; with `epoch` set by `set_epoch` it decides it.
        buffer: size of the shuffle buffer, in clips, which are not decoded yet.
        on_error: "raise" at a damaged clip, or "skip" it with a warning that names it: `skipped` lists those that
            were met in this process in this epoch.
        max_skipped: more than this share of a consumer's clips of an epoch, rounded up to whole clips, are not skipped.

    Raises:
        UserError: no index there, of another version, or without clips of the split. While reading: a damaged clip,
            too many of them, or a state that is not of this order.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str,
        *,
        transform: Callable[[PoseSequence], PoseSequence] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        buffer: int = 512,
        on_error: Literal["raise", "skip"] = "raise",
        max_skipped: float = MAX_SKIPPED,
    ) -> None:
        self.folder = str(folder)
        self.transform = transform
        self.shuffle, self.seed, self.buffer = shuffle, seed, buffer
        self.on_error, self.max_skipped = on_error, max_skipped
        self.skipped: list[str] = []
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that persist see it change
        self._progress: _Progress | None = None
        self._loaded: _Progress | None = None
        index = _read_index(self.folder)
        try:
            self.skeletons = [Skeleton.from_dict(values) for values in index["skeletons"]]
            # Older shards have splits as their manifest called them.
            shards = [Shard(**values | {"split": split_name(values["split"])}) for values in index["shards"]]
        except _DAMAGED as error:
            raise UserError(f"{self.folder}/{INDEX}: damaged ({reason(error)}); pack or copy the data again") from error
        self.shards = [shard for shard in shards if shard.split == split_name(split)]
        if not self.shards:
            known = ", ".join(sorted({shard.split for shard in shards}))
            raise UserError(f"{self.folder}: has no clips of split {split!r}; it has {known}")

    @property
    def epoch(self) -> int:
        """The one that is read or was read last; 0 at first."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order. Call it before each: Lightning does so for samplers, not for data sets.

        A state of another epoch, loaded or reached, is forgotten.
        """
        self._epoch.fill_(epoch)
        if self._loaded is not None and self._loaded.epoch != epoch:
            self._loaded = None
        if self._progress is not None and self._progress.epoch != epoch:
            self._progress = None

    def __len__(self) -> int:
        """Clips that this process and its workers read in an epoch."""
        return len(self._stretch(*_rank()))

    def state_dict(self) -> dict[str, Any]:
        """Position of this consumer in its epoch: a few plain values, however much was read."""
        return asdict(self._loaded or self._progress or _Progress(self.epoch))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The next iterator yields the rest of the epoch of a state, in the order it would have had.

        What was yielded is not read again, and shards that end before the rest are not opened. The rest of a shuffled
        epoch begins at the oldest clip held back, some seven times `buffer` clips ago; in between headers are read. Of
        an epoch that was finished there is no rest: that iterator is empty, the one after it begins anew.
        """
        self._loaded = _Progress(**state)

    def __iter__(self) -> Iterator[ShardSample]:
        consumer, consumers = _consumer()
        stretch = self._stretch(consumer, consumers)
        order = {
            "seed": self.seed,
            "shuffle": self.shuffle,
            "buffer": self.buffer if self.shuffle else 1,
            "shards": len(self.shards),
            "clips": self.clips,
            "consumer": consumer,
            "consumers": consumers,
        }
        progress, self._loaded = self._loaded or _Progress(self.epoch), None
        if progress.position:
            self._check_order(progress.order, order)
        if progress.position < len(stretch):
            self._epoch.fill_(progress.epoch)
        progress.order = order
        self._progress, self.skipped = progress, []
        return self._rest(progress, stretch)

    @property
    def clips(self) -> int:
        """Clips of the split, over all processes."""
        return sum(shard.clips for shard in self.shards)

    @property
    def frames(self) -> int:
        """Frames of the split, over all processes, as they were packed."""
        return sum(shard.frames for shard in self.shards)

    def read_clips(self) -> list[Clip]:
        """All clips of the split without their poses, in the order they were packed in; read anew each time.

        Raises:
            UserError: the list is not there, or is damaged.
        """
        path = posixpath.join(self.folder, CLIPS)
        try:
            rows = list(csv.DictReader(io.StringIO(_content_of(path).decode(errors="surrogateescape"), newline="")))
            clips = [clip_of(row) for row in rows]
        except FileNotFoundError as error:
            raise UserError(f"{path}: there is none; pack or copy the data again") from error
        except (OSError, csv.Error, *_DAMAGED) as error:
            raise UserError(f"{path}: cannot be read ({reason(error)}); pack or copy the data again") from error
        return [clip for clip in clips if clip.split == self.shards[0].split]

    def _stretch(self, part: int, parts: int) -> range:
        """Numbers of the clips that are that part's."""
        return range(self.clips * part // parts, self.clips * (part + 1) // parts)

    def _check_order(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        for name, value in ours.items():
            if theirs.get(name) != value:
                raise UserError(
                    f"{self.folder}: the state to resume from is of {name} {theirs.get(name)}, this is {value};"
                    " resume with the same settings, processes, workers and data, or start the epoch again"
                )

    def _rest(self, progress: _Progress, stretch: range) -> Iterator[ShardSample]:
        """The remaining clips of an epoch; updates `progress`.

        Numbers are drawn, not clips, and those of damaged clips too: so the order is known without reading, and the
        same whatever is skipped. A clip is decoded, and counted where it is damaged, when its turn comes: those held
        back at an interruption are met once.
        """
        random = np.random.default_rng((self.seed, progress.epoch))
        shards = list(self.shards)
        if self.shuffle:
            random.shuffle(shards)
        buffer: list[int] = []
        order = _shuffled(stretch, buffer, progress.order["buffer"], random)
        for _ in islice(order, progress.position):
            pass
        arriving = self._packed(shards, chain(sorted(buffer), stretch[progress.position + len(buffer) :]))
        read: dict[int, _Packed | UserError] = {}
        for number in order:
            while number not in read:
                read.update([next(arriving)])
            try:
                sample = self._decoded(read.pop(number))
            except UserError as error:
                if self.on_error == "raise":
                    raise
                self._skip(error, progress, len(stretch))
                sample = None
            progress.position += 1
            if sample is not None:
                yield sample

    def _packed(self, shards: list[Shard], numbers: Iterable[int]) -> Iterator[tuple[int, _Packed | UserError]]:
        """The clips of these rising numbers, counted over the shards in their order."""
        begins = [0, *accumulate(shard.clips for shard in shards)]
        for i, wanted in groupby(numbers, lambda number: bisect_right(begins, number) - 1):
            yield from self._of_shard(shards[i], begins[i], list(wanted))

    def _of_shard(self, shard: Shard, begin: int, wanted: list[int]) -> Iterator[tuple[int, _Packed | UserError]]:
        """Clips of a shard, its first clip being number `begin`; for each that is not there, what is wrong."""
        path = posixpath.join(self.folder, shard.file)
        contents: dict[str, bytes] = {}
        done = whole = 0  # clips yielded, clips that were there to the end
        cause: Exception | None = None
        try:
            with (
                RetryingFile(path, PAUSES) as file,
                tarfile.open(fileobj=file, mode="r:") as archive,  # ty: ignore[no-matching-overload]  # cannot write
            ):
                for i, member in enumerate(archive):
                    name, _, kind = member.name.partition(".")
                    if begin + whole == wanted[done]:
                        contents[kind] = _content(file, member)
                    if i % 2 == 0:
                        continue
                    if contents:
                        yield wanted[done], _Packed(f"{path}, clip {name}", contents)
                        contents, done = {}, done + 1
                        if done == len(wanted):
                            return
                    whole += 1
            what = f"has {whole} clips where the index says {shard.clips}; pack or copy it again"
        except (tarfile.TarError, EOFError) as error:
            cause, what = error, f"ends after clip {whole} ({reason(error)}); pack or copy it again"
        except OSError as error:
            cause, what = error, f"cannot be read after clip {whole} ({reason(error)}); see that it is there and whole"
        problem = UserError(f"{path}: {what}")
        problem.__cause__ = cause
        for number in wanted[done:]:
            yield number, problem

    def _decoded(self, packed: _Packed | UserError) -> ShardSample:
        if isinstance(packed, UserError):
            raise packed
        try:
            about = json.loads(packed.members["json"])
            poses = np.lib.format.read_array(io.BytesIO(packed.members["npy"]), allow_pickle=False)
            clip = clip_of(about)
            sequence = PoseSequence(
                np.ascontiguousarray(poses[..., :-1]),
                np.ascontiguousarray(poses[..., -1]),
                about["fps"],
                self.skeletons[about["skeleton"]],
                tuple(about["size"]),
            )
        except _DAMAGED as error:
            raise UserError(f"{packed.location}: damaged ({reason(error)}); pack or copy it again") from error
        try:
            return ShardSample(clip, sequence if self.transform is None else self.transform(sequence))
        except UserError as error:
            raise UserError(f"{packed.location}: {error}") from error

    def _skip(self, error: UserError, progress: _Progress, clips: int) -> None:
        message = str(error)
        progress.skipped += 1
        progress.first_skipped = progress.first_skipped or message
        if message not in self.skipped:  # a shard cut short is said once, whatever it lost
            self.skipped.append(message)
            warnings.warn(f"skipped: {message}", stacklevel=3)
        if progress.skipped > math.ceil(self.max_skipped * clips):
            raise UserError(
                f"{self.folder}: {progress.skipped} of {clips} clips cannot be used, more than max_skipped"
                f" {self.max_skipped:g} allows; pack or copy the data again. The first: {progress.first_skipped}"
            ) from error


@dataclass
class _Progress:
    """Number of clips of an epoch that a consumer has yielded or skipped (`position`), and what decides their order."""

    epoch: int
    position: int = 0
    skipped: int = 0
    first_skipped: str | None = None
    order: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Packed:
    """A clip as it is in its shard, and what messages call it."""

    location: str
    members: dict[str, bytes]


def _content(file: RetryingFile, member: tarfile.TarInfo) -> bytes:
    file.seek(member.offset_data)
    content = file.read(member.size)
    if len(content) < member.size:
        raise EOFError("unexpected end of data")
    return content


def _read_index(folder: str) -> dict[str, Any]:
    path = posixpath.join(folder, INDEX)
    try:
        content = _content_of(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder}: no shards there; `pose-core pack` makes them, and {INDEX} beside them") from None
    except ImportError as error:
        library = getattr(error.__cause__, "name", None)  # fsspec's own message is a sentence, if there is one
        cure = f"pip install {library}" if library else reason(error)
        raise UserError(f"{folder}: {folder.partition('://')[0]}:// cannot be read here: {cure}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error
    return parsed_index(content, path)


def _content_of(path: str) -> bytes:
    with RetryingFile(path, pauses=()) as file:
        return b"".join(iter(lambda: file.read(BUFFER), b""))


def _rank() -> tuple[int, int]:
    """Rank and world size."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def _consumer() -> tuple[int, int]:
    """Number of this worker among all workers of all ranks, and how many there are."""
    rank, ranks = _rank()
    worker = get_worker_info()
    if worker is None:
        return rank, ranks
    return rank * worker.num_workers + worker.id, ranks * worker.num_workers


def _shuffled(numbers: Iterable[int], buffer: list[int], size: int, random: np.random.Generator) -> Iterator[int]:
    """The numbers, shuffled by a buffer of `size`; of 1, in their order."""
    for number in numbers:
        buffer.append(number)
        if len(buffer) >= size:
            yield _pop_random(buffer, random)
    while buffer:
        yield _pop_random(buffer, random)


def _pop_random(buffer: list[int], random: np.random.Generator) -> int:
    """Removes and returns a random number of the buffer."""
    i = int(random.random() * len(buffer))
    buffer[i], buffer[-1] = buffer[-1], buffer[i]
    return buffer.pop()
