"""Shards, for data that outgrows files: tar files of many clips, read from one end to the other, locally or remotely.

The layout is WebDataset's (https://github.com/webdataset/webdataset): a clip is two members of one name, `.json` (what
the manifest says, fps, size) and `.npy` (T, K, D + 1), coordinates and confidence. `index.json` beside the shards has
their clips, frames and split, and the skeletons. Why tar: `docs/shards.md`.
"""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import fsspec
import numpy as np
import torch
import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from pose_core.data.manifest import Clip
from pose_core.errors import UserError, reason
from pose_core.files import check_output_folder, written_whole
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

VERSION = 1
INDEX = "index.json"
SHARD_BYTES = 256 << 20
BUFFER = 1 << 20  # bytes read from a shard at once
_DAMAGED = (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError, LookupError, SyntaxError)


@dataclass(frozen=True)
class Shard:
    """One tar file: its name, the split of its clips, how many clips and frames it has."""

    file: str
    split: str
    clips: int
    frames: int


@dataclass(frozen=True)
class ShardSample:
    """A clip of a shard: its file's name in the data set that was packed, text and languages, and its poses."""

    clip: Clip
    sequence: PoseSequence


def pack(
    samples: Iterable[tuple[Clip, PoseSequence]],
    folder: str | Path,
    *,
    shard_bytes: int = SHARD_BYTES,
    overwrite: bool = False,
) -> list[Shard]:
    """Writes clips into shards, a split's together, one clip in memory at a time.

    The index is written last: a folder without one is not a data set, so one that was left half-written is none.

    Args:
        samples: clips and their poses, in the order to be read in.
        folder: created where it is missing.
        shard_bytes: about how large a shard may grow.
        overwrite: replace the data set in the folder.

    Raises:
        UserError: there are no clips, the folder holds shards already, or it cannot be written.
    """
    folder = Path(folder)
    check_output_folder(folder)
    index = folder / INDEX
    if index.exists():
        if not overwrite:
            raise UserError(f"{folder}: holds shards; use --overwrite to replace them or name another folder")
        _remove(index)
    writers: dict[str, _ShardWriter] = {}
    skeletons: list[Skeleton] = []
    finished: list[Shard] = []
    try:
        for number, (clip, sequence) in enumerate(samples):
            if sequence.skeleton not in skeletons:
                skeletons.append(sequence.skeleton)
            writer = writers.get(clip.split)
            if writer is None or writer.size >= shard_bytes:
                if writer is not None:
                    finished.append(writer.close())
                count = sum(shard.split == clip.split for shard in finished)
                writer = writers[clip.split] = _ShardWriter(folder, clip.split, count)
            writer.add(f"{number:08}", clip, sequence, skeletons.index(sequence.skeleton))
        finished += [writer.close() for writer in writers.values()]
        if not finished:
            raise UserError(f"{folder}: no clips to pack")
    except BaseException as error:
        for writer in writers.values():
            writer.abandon()
        for shard in finished:
            (folder / shard.file).unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"{folder}: cannot be written ({error.strerror}); free some space or name another"
            raise UserError(message) from error
        raise
    finished.sort(key=lambda shard: shard.file)
    content = {
        "version": VERSION,
        "skeletons": [skeleton.to_dict() for skeleton in skeletons],
        "shards": [vars(shard) for shard in finished],
    }
    with written_whole(index) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
    return finished


class ShardDataset(IterableDataset):
    """Clips of a folder of shards, each once an epoch over all processes and their workers.

    Every consumer (a worker of a rank) takes its own stretch of the clips and opens only the shards it lies in;
    stretches differ by one clip at most.

    Args:
        folder: a local folder, or a URL that fsspec knows: `s3://...`, `https://...`.
        split: "train", "validation" or "test".
        transform: what is done to every sequence.
        shuffle: another order of shards in every epoch, and of clips among `buffer` that were read.
        seed: of the order; with `epoch` set by `set_epoch` it decides it.
        buffer: clips held back to draw from.
        on_error: "raise" at a damaged clip, or "skip" it: `skipped` then lists those met in this process.

    Raises:
        UserError: no index there, of another version, or without clips of the split.
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
    ) -> None:
        self.folder = str(folder)
        self.transform = transform
        self.shuffle, self.seed, self.buffer = shuffle, seed, buffer
        self.on_error = on_error
        self.skipped: list[str] = []
        self.epoch = 0
        index = _read_index(self.folder)
        self.skeletons = [Skeleton.from_dict(values) for values in index["skeletons"]]
        shards = [Shard(**values) for values in index["shards"]]
        self.shards = [shard for shard in shards if shard.split == split]
        if not self.shards:
            known = ", ".join(sorted({shard.split for shard in shards}))
            raise UserError(f"{self.folder}: has no clips of split {split!r}; it has {known}")

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Clips of the split, over all processes."""
        return sum(shard.clips for shard in self.shards)

    def __iter__(self) -> Iterator[ShardSample]:
        random = np.random.default_rng((self.seed, self.epoch)) if self.shuffle else None
        order = list(self.shards)
        if random is not None:
            random.shuffle(order)
        consumer, consumers = _consumer()
        first, last = (len(self) * i // consumers for i in (consumer, consumer + 1))
        samples = self._between(order, first, last)
        if random is None:
            yield from samples
            return
        held = []
        for sample in samples:
            held.append(sample)
            if len(held) >= self.buffer:
                yield _swapped_out(held, random)
        while held:
            yield _swapped_out(held, random)

    def _between(self, order: list[Shard], first: int, last: int) -> Iterator[ShardSample]:
        """The clips from number `first` up to `last` of the shards in that order."""
        number = 0
        for shard in order:
            begin, end = max(first - number, 0), min(last - number, shard.clips)
            number += shard.clips
            if begin < end:
                yield from self._of_shard(shard, begin, end)

    def _of_shard(self, shard: Shard, begin: int, end: int) -> Iterator[ShardSample]:
        path = posixpath.join(self.folder, shard.file)
        position = 0
        try:
            with fsspec.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|", bufsize=BUFFER) as archive:
                members: dict[str, bytes] = {}
                for member in archive:
                    name, _, kind = member.name.partition(".")
                    wanted = begin <= position < end
                    content = archive.extractfile(member)
                    members[kind] = content.read() if wanted and content is not None else b""
                    if len(members) < 2:
                        continue
                    if wanted:
                        yield from self._sample(members, f"{path}, clip {name}")
                    members, position = {}, position + 1
                    if position >= end:
                        return
        except _DAMAGED as error:
            self._refuse(f"{path}: ends after clip {position} ({reason(error)}); pack or copy it again", error)
            return
        self._refuse(f"{path}: has {position} clips where the index says {shard.clips}; pack or copy it again", None)

    def _sample(self, members: dict[str, bytes], place: str) -> Iterator[ShardSample]:
        """The clip, or nothing where it is damaged and skipped."""
        try:
            about = json.loads(members["json"])
            poses = np.load(io.BytesIO(members["npy"]), allow_pickle=False)
            clip = Clip(path=Path(about["path"]), **{key: about[key] for key in _CLIP_TEXTS})
            sequence = PoseSequence(
                np.ascontiguousarray(poses[..., :-1]),
                np.ascontiguousarray(poses[..., -1]),
                about["fps"],
                self.skeletons[about["skeleton"]],
                tuple(about["size"]),
            )
            if self.transform is not None:
                sequence = self.transform(sequence)
        except UserError as error:
            self._refuse(f"{place}: {error}", error)
        except _DAMAGED as error:
            self._refuse(f"{place}: damaged ({reason(error)}); pack or copy it again", error)
        else:
            yield ShardSample(clip, sequence)

    def _refuse(self, message: str, error: Exception | None) -> None:
        if self.on_error == "raise":
            raise UserError(message) from error
        self.skipped.append(message)


_CLIP_TEXTS = ("text", "signed_language", "split", "spoken_language")


class _ShardWriter:
    """A shard being written, under a name that no index names until it is whole."""

    def __init__(self, folder: Path, split: str, number: int) -> None:
        self.path = folder / f"{split}-{number:05}.tar"
        self.temporary = folder / f".{self.path.name}.part"
        self.split = split
        self.clips = self.frames = self.size = 0
        self.archive = tarfile.open(self.temporary, "w")  # noqa: SIM115 - closed below

    def add(self, key: str, clip: Clip, sequence: PoseSequence, skeleton: int) -> None:
        about: dict[str, Any] = {name: getattr(clip, name) for name in _CLIP_TEXTS}
        about |= {"path": clip.path.as_posix(), "fps": sequence.fps, "size": sequence.size, "skeleton": skeleton}
        array = io.BytesIO()
        poses = np.concatenate([sequence.keypoints, sequence.confidence[..., None]], axis=-1, dtype=np.float32)
        np.save(array, poses, allow_pickle=False)
        for kind, content in (("json", json.dumps(about).encode()), ("npy", array.getvalue())):
            member = tarfile.TarInfo(f"{key}.{kind}")
            member.size = len(content)
            self.archive.addfile(member, io.BytesIO(content))
            self.size += len(content)
        self.clips += 1
        self.frames += len(sequence)

    def close(self) -> Shard:
        self.archive.close()
        self.temporary.replace(self.path)
        return Shard(self.path.name, self.split, self.clips, self.frames)

    def abandon(self) -> None:
        """Leaves nothing of a shard that was not closed."""
        self.archive.close()
        self.temporary.unlink(missing_ok=True)


def _read_index(folder: str) -> dict[str, Any]:
    path = posixpath.join(folder, INDEX)
    try:
        with fsspec.open(path, "r", encoding="utf-8") as file:
            index = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder}: no shards there; `pose-core pack` makes them, and {INDEX} beside them") from None
    except (OSError, ValueError, ImportError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error
    if not isinstance(index, dict) or index.get("version") != VERSION:
        raise UserError(f"{path}: not an index of version {VERSION}; pack the data again")
    return index


def _remove(index: Path) -> None:
    """A data set's shards and index, and nothing else of the folder; the index first, so that no half is left of it."""
    shards = [Path(values["file"]).name for values in _read_index(str(index.parent))["shards"]]
    index.unlink()
    for name in shards:
        (index.parent / name).unlink(missing_ok=True)


def _consumer() -> tuple[int, int]:
    """Number of this worker among all workers of all ranks, and how many there are."""
    rank, ranks = 0, 1
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    worker = get_worker_info()
    if worker is None:
        return rank, ranks
    return rank * worker.num_workers + worker.id, ranks * worker.num_workers


def _swapped_out(held: list[ShardSample], random: np.random.Generator) -> ShardSample:
    """One of those held, the last put in its place."""
    i = int(random.integers(len(held)))
    held[i], held[-1] = held[-1], held[i]
    return held.pop()
