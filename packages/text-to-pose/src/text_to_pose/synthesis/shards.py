"""Shards of synthesized clips: made in parts by several processes, so that what was interrupted goes on."""

from __future__ import annotations

import io
import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.data.packing import INDEX, Shard, clip_of, clip_texts, pack
from pose_core.skeleton import Skeleton
from text_to_pose.synthesis.clips import clips_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pose_core.data import Clip
    from text_to_pose.synthesis.clips import ClipSettings
    from text_to_pose.synthesis.texts import Text

PART = 32
"""Texts of a part: so many are made again after an interruption, at most, by each process."""
PARTS = ".parts"
_SETTINGS = "settings.json"


@dataclass(frozen=True)
class Synthesis:
    """What was made.

    Attributes:
        shards: see `pose_core.data.packing`.
        failed: of each clip that the signer could not sign, why.
    """

    shards: list[Shard]
    failed: list[str]


def synthesize(
    texts: Sequence[Text],
    folder: Path,
    settings: ClipSettings,
    *,
    workers: int = 1,
    overwrite: bool = False,
    more: Iterable[tuple[Clip, PoseSequence]] = (),
    begun: Callable[[str], None] = lambda name: None,
) -> Synthesis:
    """Makes a data set's clips and writes them into shards.

    The same texts and settings give the same bytes, however many processes there are and whether it was interrupted:
    parts that are there already are taken.

    Args:
        texts: what is signed.
        folder: of the shards; while they are made it holds the parts.
        settings: of the clips.
        workers: processes.
        overwrite: replace the data set in the folder, and the parts of another.
        more: clips besides, such as real ones.
        begun: takes the name of each part as it is there.

    Raises:
        UserError: the folder holds shards, or parts of another data set, or no clip could be made.
    """
    check_output_folder(folder)
    if (folder / INDEX).exists() and not overwrite:
        raise UserError(f"{folder}: holds shards; use --overwrite to replace them or name another folder")
    parts = folder / PARTS
    _claim(parts, texts, settings, overwrite=overwrite)
    train = [text for text in texts if text.split == "train"]
    chunks = [texts[i : i + PART] for i in range(0, len(texts), PART)]
    files = [parts / f"{number:06}.npz" for number in range(len(chunks))]
    make = partial(_make_part, settings=settings, others=train)
    todo = [(file, chunk) for file, chunk in zip(files, chunks, strict=True) if not file.exists()]
    for file in files:
        if file.exists():
            begun(file.stem)
    if workers > 1 and len(todo) > 1:
        with ProcessPoolExecutor(workers) as pool:
            for name in pool.map(make, *zip(*todo, strict=True)):
                begun(name)
    else:
        for file, chunk in todo:
            begun(make(file, chunk))
    failed: list[str] = []
    shards = pack(chain(_clips(files, failed), more), folder, overwrite=overwrite)
    shutil.rmtree(parts)
    return Synthesis(shards, failed)


def number_of_parts(texts: Sequence[Text]) -> int:
    """How many parts a data set is made in."""
    return -(-len(texts) // PART)


def _claim(parts: Path, texts: Sequence[Text], settings: ClipSettings, *, overwrite: bool) -> None:
    """Makes the folder of the parts, or checks that those in it are of this data set.

    Raises:
        UserError: they are of another.
    """
    content = json.dumps({"settings": asdict(settings), "texts": [asdict(text) for text in texts]})
    file = parts / _SETTINGS
    if file.exists() and file.read_text("utf-8") != content:
        if not overwrite:
            raise UserError(
                f"{parts.parent}: holds parts of a data set of other texts or settings; "
                "give the same ones to go on with it, or --overwrite to begin anew"
            )
        shutil.rmtree(parts)
    parts.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        with atomic_write(file) as temporary:
            temporary.write_text(content, "utf-8")


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
    with atomic_write(file) as temporary:
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
