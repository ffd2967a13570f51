"""Shards of synthesized clips: made in parts by several processes, so that what was interrupted goes on."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from pose_core import PoseSequence, UserError
from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.data.packing import INDEX, Shard, clip_of, clip_texts, pack, parsed_index
from pose_core.skeleton import Skeleton, named_skeleton
from text_to_pose.synthesis.clips import clips_of
from text_to_pose.synthesis.records import recorded, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from pose_core.data import Clip
    from text_to_pose.synthesis.clips import ClipSettings
    from text_to_pose.synthesis.texts import Text

PART = 32
"""Texts of a part: so many are made again after an interruption, at most, by each process."""
PARTS = ".parts"
_SETTINGS, _LOCK = "settings.json", "lock"


@dataclass(frozen=True)
class Synthesis:
    """What was made.

    Attributes:
        shards: see `pose_core.data.packing`.
        failed: of each clip that the signer could not sign, why.
        found: all of it was there already.
    """

    shards: list[Shard]
    failed: list[str]
    found: bool = False


def synthesize(
    texts: Sequence[Text],
    folder: Path,
    settings: ClipSettings,
    *,
    workers: int = 1,
    overwrite: bool = False,
    more: Iterable[tuple[Clip, PoseSequence]] | None = None,
    begun: Callable[[str], None] = lambda name: None,
) -> Synthesis:
    """Makes a data set's clips and writes them into shards.

    The same texts and settings give the same bytes, however many processes there are and whether it was interrupted:
    parts that are there already are taken, damaged ones made again.

    Args:
        texts: what is signed.
        folder: of the shards; while they are made it holds the parts.
        settings: of the clips.
        workers: processes.
        overwrite: replace the data set in the folder, and the parts of another.
        more: clips besides, such as real ones; with them it cannot be told whether all was made already.
        begun: takes what each part has, such as "signs 1 to 32", as it is there.

    Raises:
        UserError: the folder holds other shards, or parts of another data set, or another process makes one there;
            there is no such layout; or no sign can be signed.
    """
    named_skeleton(settings.layout, 3)  # refuses an unknown one before anything is made
    check_output_folder(folder)
    content = _content(texts, settings)
    if not overwrite and more is None and (made := recorded(folder, content)):
        return Synthesis(*made, found=True)
    _check_free(folder / INDEX, overwrite=overwrite)
    parts = folder / PARTS
    with _locked(parts):
        _claim(parts, content, overwrite=overwrite)
        files = _make_parts(parts, texts, settings, workers, begun)
        failed: list[str] = []
        clips = chain(_clips(files, failed), () if more is None else more)
        first = next(clips, None)
        shards = pack(chain([first], clips), folder, overwrite=overwrite) if first else []
        if shards and more is None:
            write_record(folder, content, failed)
    shutil.rmtree(parts)
    if not shards:
        raise UserError(f"none of the {len(texts)} signs can be signed: {failed[0] if failed else 'there is none'}")
    return Synthesis(shards, failed)


def number_of_parts(texts: Sequence[Text]) -> int:
    """How many parts a data set is made in."""
    return -(-len(texts) // PART)


def _check_free(index: Path, *, overwrite: bool) -> None:
    """Refuses a folder whose data set may not be replaced, before anything is signed.

    Raises:
        UserError: it holds shards and `overwrite` is not set, or an `index.json` that is not of shards.
    """
    if not index.exists():
        return
    if not overwrite:
        raise UserError(f"{index.parent}: holds shards; use --overwrite to replace them or name another folder")
    foreign = UserError(f"{index}: not an index of shards, so it is not replaced; name another folder")
    try:
        content = parsed_index(index.read_bytes(), index)
    except (OSError, UserError) as error:
        raise foreign from error
    if not isinstance(content.get("shards"), list):
        raise foreign


@contextmanager
def _locked(parts: Path) -> Generator[None]:
    """Makes the folder of the parts; only one process at a time makes them.

    Raises:
        UserError: another one does, or the folder cannot be made.
    """
    if parts.exists() and not parts.is_dir():
        raise UserError(f"{parts}: is a file, where a folder of parts is to be; remove it or name another folder")
    check_output_folder(parts)
    lock = FileLock(parts / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"{parts.parent}: another process is making a data set there; wait for it or name another folder"
        ) from error
    except OSError as error:
        raise UserError(f"{lock.lock_file}: cannot be written ({error.strerror}); name another folder") from error
    try:
        yield
    finally:
        lock.release()


def _content(texts: Sequence[Text], settings: ClipSettings) -> bytes:
    """All that decides a data set."""
    return json.dumps({"settings": asdict(settings), "texts": [asdict(text) for text in texts]}).encode()


def _claim(parts: Path, content: bytes, *, overwrite: bool) -> None:
    """Notes in the folder of the parts which data set they are of, or checks that those in it are of this one.

    Raises:
        UserError: they are of another.
    """
    file = parts / _SETTINGS
    if file.is_file() and file.read_bytes() == content:
        return
    if not overwrite and any(parts.glob("*.npz")):
        raise UserError(
            f"{parts.parent}: holds parts of a data set of other texts or settings; "
            "give the same ones to go on with it, or --overwrite to begin anew"
        )
    for path in parts.iterdir():
        if path.name == _LOCK:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    with atomic_write(file) as temporary:
        temporary.write_bytes(content)


def _make_parts(
    parts: Path, texts: Sequence[Text], settings: ClipSettings, workers: int, begun: Callable[[str], None]
) -> list[Path]:
    """Makes the parts that are not there, or damaged, in as many processes; answers with the files of all."""
    train = [text for text in texts if text.split == "train"]
    chunks = [texts[i : i + PART] for i in range(0, len(texts), PART)]
    files = [parts / f"{number:06}.npz" for number in range(len(chunks))]
    make = partial(_make_part, settings=settings, others=train)
    todo = [(file, chunk) for file, chunk in zip(files, chunks, strict=True) if not _is_whole(file)]
    names = {
        file.stem: f"signs {PART * i + 1:,} to {PART * i + len(chunk):,}"
        for i, (file, chunk) in enumerate(zip(files, chunks, strict=True))
    }
    for file in sorted({*files} - {file for file, _ in todo}):
        begun(names[file.stem])
    if workers > 1 and len(todo) > 1:
        with ProcessPoolExecutor(workers) as pool:
            for name in pool.map(make, *zip(*todo, strict=True)):
                begun(names[name])
    else:
        for file, chunk in todo:
            begun(names[make(file, chunk)])
    return files


def _is_whole(file: Path) -> bool:
    """Whether a part is there and as it was written: an interrupted disk or copy may have cut it off."""
    try:
        with zipfile.ZipFile(file) as content:
            return "about.npy" in content.namelist() and content.testzip() is None
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error):
        return False


def _make_part(file: Path, texts: Sequence[Text], settings: ClipSettings, others: Sequence[Text]) -> str:
    """Makes the clips of a part and writes them; answers with its name."""
    clips: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    failed: list[str] = []
    for text in texts:
        try:
            for clip, sequence in clips_of(text, settings, others):
                arrays[f"poses_{len(clips)}"] = np.concatenate(
                    [sequence.keypoints, sequence.confidence[..., None]], axis=-1, dtype=np.float32
                )
                about = {"clip": clip_texts(clip), "fps": sequence.fps, "size": sequence.size}
                clips.append(about | {"skeleton": sequence.skeleton.to_dict()})
        except UserError as error:
            failed.append(f"{text.hamnosys}: {error}")
    content = io.BytesIO()
    listing = np.array(json.dumps({"clips": clips, "failed": failed}))
    np.savez(content, allow_pickle=False, about=listing, **arrays)
    with atomic_write(file, overwrite=True) as temporary:
        temporary.write_bytes(content.getvalue())
    return file.stem


def _clips(files: Iterable[Path], failed: list[str]) -> Iterator[tuple[Clip, PoseSequence]]:
    """The clips of parts, one part in memory at a time; notes in `failed` what could not be made."""
    for file in files:
        with np.load(file, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            failed += about["failed"]
            for number, values in enumerate(about["clips"]):
                poses = arrays[f"poses_{number}"]
                yield (
                    clip_of(values["clip"]),
                    PoseSequence(
                        np.ascontiguousarray(poses[..., :-1]),
                        np.ascontiguousarray(poses[..., -1]),
                        values["fps"],
                        Skeleton.from_dict(values["skeleton"]),
                        tuple(values["size"]),
                    ),
                )
