"""What a finished data set was made of, so that the same command again finds nothing left to do."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_core.data.packing import INDEX, Shard, parsed_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RECORD = "synthesis.json"


def write_record(folder: Path, content: bytes, failed: Sequence[str]) -> None:
    """Notes beside the index of a data set what it was made of, and what failed."""
    index = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
    record = {"made_of": hashlib.sha256(content).hexdigest(), "index": index, "failed": [*failed]}
    with atomic_write(folder / RECORD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record), "utf-8")


def recorded(folder: Path, content: bytes) -> tuple[list[Shard], list[str]] | None:
    """The shards in a folder, and what failed, where they were made of that; None of any other or none."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
        index = (folder / INDEX).read_bytes()
        if record["made_of"] != hashlib.sha256(content).hexdigest():
            return None
        if record["index"] != hashlib.sha256(index).hexdigest():
            return None  # packed anew since
        shards = [Shard(**values) for values in parsed_index(index, folder / INDEX)["shards"]]
        failed = [str(each) for each in record["failed"]]
    except (OSError, ValueError, LookupError, TypeError, UserError):
        return None
    return (shards, failed) if all((folder / shard.file).is_file() for shard in shards) else None
