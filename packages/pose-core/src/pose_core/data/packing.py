"""Packing clips into shards; `pose_core.data.shards` reads them."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.data.clip import Clip
from pose_core.data.segments import format_position, parse_position
from pose_core.data.splits import split_name
from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

VERSION = 1
INDEX = "index.json"
CLIPS = "clips.csv"  # all clips without their poses, as a manifest has them
SHARD_BYTES = 256 << 20
CLIP_TEXTS = ("text", "signed_language", "split", "spoken_language")  # what a clip's `.json` has of its `Clip`
CLIP_DETAILS = ("start", "end", "person", "origin", "name")  # and what that of older shards lacks


@dataclass(frozen=True)
class Shard:
    """One tar file: its name, the split of its clips, how many clips and frames it has."""

    file: str
    split: str
    clips: int
    frames: int


def pack(
    samples: Iterable[tuple[Clip, PoseSequence]],
    folder: str | Path,
    *,
    shard_bytes: int = SHARD_BYTES,
    overwrite: bool = False,
) -> list[Shard]:
    """Writes clips into shards by split, one clip in memory at a time.

    `clips.csv` beside them lists all clips. The index is written last: a folder without one is not a data set, so one
    that was left half-written is none.

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
    packing = _Packing(folder, shard_bytes)
    try:
        packing.write(samples)
    except BaseException as error:
        packing.abandon()
        if isinstance(error, OSError):
            message = f"{folder}: cannot be written ({error.strerror}); free some space or name another"
            raise UserError(message) from error
        raise
    packing.finished.sort(key=lambda shard: shard.file)
    content = {
        "version": VERSION,
        "skeletons": [skeleton.to_dict() for skeleton in packing.skeletons],
        "shards": [vars(shard) for shard in packing.finished],
    }
    with atomic_write(index) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
    return packing.finished


def clip_texts(clip: Clip) -> dict[str, str]:
    """A clip as strings by column; `start` and `end` are the part of its file."""
    texts = {"path": clip.path.as_posix()} | {name: getattr(clip, name) for name in CLIP_TEXTS}
    return texts | {
        "start": format_position(clip.start),
        "end": format_position(clip.end),
        "person": clip.person,
        "origin": clip.origin,
        "name": clip.name,
    }


def clip_of(texts: dict[str, str]) -> Clip:
    """The inverse of `clip_texts`.

    Raises:
        LookupError, ValueError: they are none.
    """
    return Clip(
        path=Path(texts["path"]),
        text=texts["text"],
        signed_language=texts["signed_language"],
        split=split_name(texts["split"]),
        spoken_language=texts["spoken_language"],
        start=parse_position(texts.get("start", "")),
        end=parse_position(texts.get("end", "")),
        person=texts.get("person", ""),
        origin=texts.get("origin", ""),
        name=texts.get("name", ""),
    )


def parsed_index(content: bytes, path: str | Path) -> dict[str, Any]:
    """Content of `index.json`; `path` names the file in the UserError for a damaged one."""
    try:
        index = json.loads(content)
    except ValueError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)}); pack the data again") from error
    if not isinstance(index, dict) or index.get("version") != VERSION:
        raise UserError(f"{path}: not an index of version {VERSION}; pack the data again")
    return index


def _remove(index: Path) -> None:
    """Removes a packed data set; the index first, so that an interruption leaves none."""
    shards = [Path(values["file"]).name for values in parsed_index(index.read_bytes(), index)["shards"]]
    index.unlink()
    for name in (CLIPS, *shards):
        (index.parent / name).unlink(missing_ok=True)


class _Packing:
    """The shards of a folder while they are written, one open per split.

    Attributes:
        finished: those that are whole.
        skeletons: of the clips so far.
    """

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder, self.shard_bytes = folder, shard_bytes
        self.finished: list[Shard] = []
        self.skeletons: list[Skeleton] = []
        self._open: dict[str, _ShardWriter] = {}
        self._listing = folder / f".{CLIPS}.part"

    def write(self, samples: Iterable[tuple[Clip, PoseSequence]]) -> None:
        """Writes all shards, and the list of clips.

        Raises:
            UserError: there are no clips.
        """
        with self._listing.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("path", *CLIP_TEXTS, *CLIP_DETAILS))
            for number, (clip, sequence) in enumerate(samples):
                if sequence.skeleton not in self.skeletons:
                    self.skeletons.append(sequence.skeleton)
                skeleton = self.skeletons.index(sequence.skeleton)
                self._writer(clip.split).add(f"{number:08}", clip, sequence, skeleton)
                rows.writerow(clip_texts(clip).values())
        self.finished += [writer.close() for writer in self._open.values()]
        if not self.finished:
            raise UserError(f"{self.folder}: no clips to pack")
        self._listing.replace(self.folder / CLIPS)

    def _writer(self, split: str) -> _ShardWriter:
        """The open shard of a split, a new one where that is full."""
        writer = self._open.get(split)
        if writer is not None and writer.size < self.shard_bytes:
            return writer
        if writer is not None:
            self.finished.append(writer.close())
        count = sum(shard.split == split for shard in self.finished)
        self._open[split] = _ShardWriter(self.folder, split, count)
        return self._open[split]

    def abandon(self) -> None:
        """Leaves nothing behind."""
        for writer in self._open.values():
            writer.abandon()
        self._listing.unlink(missing_ok=True)
        for shard in self.finished:
            (self.folder / shard.file).unlink(missing_ok=True)


class _ShardWriter:
    """A shard being written under a temporary name."""

    def __init__(self, folder: Path, split: str, number: int) -> None:
        self.path = folder / f"{split}-{number:05}.tar"
        self.temporary = folder / f".{self.path.name}.part"
        self.split = split
        self.clips = self.frames = self.size = 0
        self.archive = tarfile.open(self.temporary, "w")  # noqa: SIM115 - closed below

    def add(self, key: str, clip: Clip, sequence: PoseSequence, skeleton: int) -> None:
        about: dict[str, Any] = dict(clip_texts(clip))
        about |= {"fps": sequence.fps, "size": sequence.size, "skeleton": skeleton}
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
