"""Unpacking of files of many clips: `pose-core unpack`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pose_core import formats
from pose_core.atomic_files import remove_empty
from pose_core.data.rows import RowColumns, Unpacking, safe_name, split_of_file
from pose_core.errors import UserError
from pose_core.formats import read_row
from pose_core.formats.clip_file import unique
from pose_core.formats.clip_files import holds_clips, open_clips
from pose_core.jobs import Job, JobRunner
from pose_core.outputs import check_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.formats.options import ReadOptions
    from pose_core.jobs import JobOptions
    from pose_core.sequence import PoseSequence


@dataclass(frozen=True)
class UnpackedClip:
    """One clip: the file it was in, its name there, and its own file."""

    file: str
    clip: str
    output: Path


def unpack_files(
    files: Sequence[Path],
    output: Path,
    options: JobOptions,
    *,
    reading: ReadOptions,
    columns: RowColumns,
    column: str | None = None,
) -> JobRunner[UnpackedClip]:
    """Writes each clip of files as `.pose`, and a manifest `index.csv` of all.

    Args:
        files: see `pose_core.formats.clips_of`. Of several, each gets a folder of its name.
        output: folder, made if it is missing.
        options: of the batch; a clip that fails is noted, unless it is to stop there.
        reading: how poses are read; `clip` names the only one to unpack.
        columns: what the manifest says beside the paths.
        column: of the poses in rows that have several.

    Raises:
        UserError: a file that holds no clips, or an output that exists; or a clip that fails, where that stops it.
    """
    for path in files:
        if not path.exists():
            raise UserError(f"{path}: no such file")
        if not holds_clips(path):
            raise UserError(f"{path}: is no file of several clips; `pose-core convert` converts single ones")
    created = not output.exists()
    unpacking = Unpacking(output, columns, options.overwrite, options.skip_existing)
    folders = unique(safe_name(path.name.partition(".")[0]) for path in files) if len(files) > 1 else [""]
    places: dict[Path, int] = {}
    jobs = []
    for path, folder in zip(files, folders, strict=True):
        file = open_clips(path)
        for index in range(len(file.names)) if reading.clip is None else [file.find(reading.clip)]:
            place = unpacking.place(file.names[index], folder)
            places[place] = index
            jobs.append(Job(path, place, f"{path}, clip {file.names[index]}" if len(file.names) > 1 else str(path)))
    check_outputs(
        (job.output for job in jobs if job.output.exists()), overwrite=options.overwrite or options.skip_existing
    )
    batch: JobRunner[UnpackedClip] = JobRunner(jobs, options, "unpacking")

    def unpack(job: Job) -> UnpackedClip:
        file, index = open_clips(job.source), places[job.output]
        row = file.row(index)  # messages get the clip's name from the job

        def read() -> PoseSequence:
            if file.rows_hold_poses:
                return read_row(row, column, path=file.path, **arguments)
            return formats.read(file.path, clip=file.names[index], **arguments)

        unpacking.add(job.output, file.names[index], row, read, split_of_file(file.path))
        return UnpackedClip(str(file.path), file.names[index], job.output)

    arguments = {name: value for name, value in asdict(reading).items() if name != "clip"}
    try:
        batch.run(unpack)
    finally:
        if unpacking.clips:
            unpacking.finish()
        elif created:
            remove_empty(output)
    return batch
