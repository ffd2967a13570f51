"""Key postures of all signs of a training set, worked out once, by all cores, and kept in a file of the run."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import naming
from pose_core.progress import progress
from text_to_pose.signing.key_postures import SIZE, key_postures, remember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY_POSTURES = "key_postures.npz"
_TOGETHER = 64  # texts that a process works out at a time


def work_out(texts: Sequence[str], file: Path) -> None:
    """Makes `key_postures` of texts a matter of looking them up, in a file of the run, which is written if it is new.

    Processes of a distributed run are started when the first one has written it.

    Args:
        texts: HamNoSys, each once.
        file: where the table is, or will be.
    """
    table = _read(file)
    left = [text for text in texts if text not in table]
    if left:
        chunks = [left[i : i + _TOGETHER] for i in range(0, len(left), _TOGETHER)]
        with (
            ProcessPoolExecutor(os.cpu_count()) as pool,
            progress(len(chunks), "working out key postures") as begun,
        ):
            for number, (chunk, found) in enumerate(zip(chunks, pool.map(_of, chunks), strict=True), start=1):
                begun(f"signs up to {min(number * _TOGETHER, len(left)):,}")
                table.update(zip(chunk, found, strict=True))
        _write(table, file)
    for text in texts:
        remember(text, table[text])


def _of(texts: Sequence[str]) -> list[np.ndarray]:
    found = []
    for text in texts:
        with naming(f"the sign {text[:40]}"):
            found.append(key_postures(text))
    return found


def _read(file: Path) -> dict[str, np.ndarray]:
    if not file.is_file():
        return {}
    with np.load(file) as saved:
        texts, rows, ends = saved["texts"].tolist(), saved["rows"], saved["ends"]
    return dict(zip(texts, np.split(rows, ends[:-1]), strict=True)) if rows.shape[1] == SIZE else {}


def _write(table: dict[str, np.ndarray], file: Path) -> None:
    with atomic_write(file, overwrite=True) as temporary:
        np.savez_compressed(
            temporary,
            texts=np.array(list(table)),
            rows=np.concatenate(list(table.values())),
            ends=np.cumsum([len(rows) for rows in table.values()]),
        )
