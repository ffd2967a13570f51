"""Cutting pose files into clips by annotations: `pose-core cut`."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.annotations import SEARCHED, read_annotations
from pose_core.annotations.pairing import AnnotationFiles, is_called, pose_stem
from pose_core.annotations.placing import tier_choice
from pose_core.atomic_files import atomic_write, check_output, check_output_folder, remove_empty, removed_if_empty
from pose_core.commands.sessions import UNDETERMINED, CutFile, CutOptions, PartsFile, Session, wanted
from pose_core.data.clips import MANIFEST
from pose_core.errors import UserError
from pose_core.formats import READERS, WRITERS
from pose_core.formats.options import ReadOptions
from pose_core.inputs import Input, find_inputs, local_files
from pose_core.jobs import Job, JobOptions, JobRunner
from pose_core.notices import called, notify
from pose_core.table import read_table
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

# Columns of the manifest. Where a clip came from is not said by `start_seconds`: a manifest's reader would cut again.
_COLUMNS = ("path", "text", "signed_language", "split", "person", "tier", "source", "from_seconds", "to_seconds")
_PART_COLUMNS = (
    "path",
    "text",
    "signed_language",
    "split",
    "start_frame",
    "end_frame",
    "fps",
    "person",
    "tier",
    "source",
)


@dataclass(frozen=True)
class TierInfo:
    """A tier of an annotation file: how many annotations it has, whose, and the tier that it refers to."""

    file: Path
    tier: str
    segments: int
    people: list[str]
    parent: str

    def line(self) -> str:
        """For people."""
        people = f", {', '.join(self.people)}" if self.people else ""
        parent = f", of tier {self.parent!r}" if self.parent else ""
        tier = repr(self.tier) if self.tier else "no tiers"
        return f"{self.file}: {tier}, {counted(self.segments, 'segment')}{people}{parent}"


def tiers_of(segments: Sequence[str]) -> list[TierInfo]:
    """The tiers of annotation files, of folders of them or patterns."""
    found = []
    for each in find_inputs(segments, SEARCHED):
        for tier in read_annotations(each.path).tiers:
            people = sorted({segment.person for segment in tier.segments} - {""})
            found.append(TierInfo(each.path, tier.name, len(tier.segments), people, tier.parent))
    return found


def cut_files(
    poses: Sequence[str],
    segments: Sequence[str],
    output: Path,
    cutting: CutOptions,
    reading: ReadOptions,
    options: JobOptions,
) -> JobRunner[CutFile]:
    """Cuts pose files into clips, and writes a manifest `index.csv` of all of them when they are done.

    A clip is called by its file and frames (`session_000308-000330.pose`), so that an interrupted or newly annotated
    corpus goes on with `skip_existing`.

    Args:
        poses, segments: pose files and annotation files, folders of them or patterns; see `AnnotationFiles`.
        output: folder of clips and manifest.
        cutting, reading, options: see there.

    Raises:
        UserError: an input or output that cannot be used, unless the batch keeps going.
    """
    _check(output, cutting, reading)
    files = AnnotationFiles(segments)
    found = _without_clips(find_inputs(poses, tuple(READERS)), output, cutting)
    _check_names(found)
    strangers = _strangers(found, cutting.tiers)
    index, created = output / MANIFEST, not output.exists()
    with removed_if_empty(output), local_files(found) as paths:
        check_output_folder(output)
        if index.exists() and not (options.overwrite or options.skip_existing):
            raise UserError(f"{index}: exists; use --overwrite to replace it, or --skip-existing to add to it")
        check_output(index, overwrite=True)
        inputs = dict(zip(paths, found, strict=True))
        jobs = [Job(path, output / given.below, given.name) for path, given in inputs.items()]
        batch: JobRunner[CutFile] = JobRunner(jobs, options, "cutting")
        rows: list[dict[str, str]] = []
        used: dict[Path, str] = {}

        def cut(job: Job) -> CutFile:
            given = inputs[job.source]
            segments_file = files.of(given)
            _report_shared(segments_file, used.setdefault(segments_file, given.name), given.name, cutting)
            what = wanted(given, segments_file, cutting, strangers)
            with called(job.source, given.name), PartsFile(job.source, reading, output) as file:
                session = Session(file, given, what, cutting)
                done = session.written(output, options)
            rows.extend(session.rows(output, options))
            return done

        batch.run(cut)
        if batch.done:
            _write_manifest(index, rows, cutting, keep_others=options.skip_existing and index.exists())
            if cutting.signed_language == UNDETERMINED:
                said = "signed_language is und, undetermined; --signed-language names it"
                notify(output, said, kind="undetermined languages")
        elif created:
            remove_empty(output)
    _report_unused(files)
    return batch


def _check(output: Path, cutting: CutOptions, reading: ReadOptions) -> None:
    """Refuses options that cannot be kept, before any work."""
    if cutting.suffix not in WRITERS:
        raise UserError(f"{cutting.suffix}: unknown format; use {', '.join(WRITERS)}")
    if output.suffix and not output.is_dir():
        raise UserError(f"{output}: clips go into a folder; name one")
    for name, value in (("signed language", cutting.signed_language), ("split", cutting.split)):
        if not value.strip():
            raise UserError(f"the {name} is empty; a manifest needs one")
    people = reading.person is not None or any(tier_choice(tier).person is not None for tier in cutting.tiers)
    if cutting.manifest_only and (people or replace(reading, person=None, fps=None) != ReadOptions()):
        raise UserError(
            "a manifest of parts cannot hold --person, --min-confidence, --layout, --clip, --axes, --order, --size or "
            "--y-up; cut clips instead"
        )


def _without_clips(found: Sequence[Input], output: Path, cutting: CutOptions) -> list[Input]:
    """The pose files but for clips of an earlier call, where the folder of clips lies in one of pose files.

    Raises:
        UserError: it is that folder itself, so that nobody could tell them apart.
    """
    folder = Path(os.path.realpath(output))  # `resolve` fails where a link leads to itself
    if not cutting.manifest_only and any(
        each.folder is not None and os.path.realpath(each.folder) == str(folder) for each in found
    ):
        raise UserError(f"{output}: holds the pose files themselves; name another folder for the clips")
    kept = [
        each
        for each in found
        if cutting.manifest_only or each.folder is None or not Path(os.path.realpath(each.path)).is_relative_to(folder)
    ]
    if not kept:
        raise UserError(f"{output}: holds all of the pose files; name another folder for the clips")
    return kept


def _check_names(found: Sequence[Input]) -> None:
    """Refuses pose files whose clips would be called alike."""
    first: dict[Path, Input] = {}
    for each in found:
        other = first.setdefault(each.below.with_name(pose_stem(each.below)), each)
        if other is not each:
            raise UserError(f"the clips of {other.name} and {each.name} would be called alike; cut them apart")


def _strangers(found: Sequence[Input], tiers: Sequence[str]) -> frozenset[str]:
    """What `--tier NAME=WHO` names, and no pose file is called."""
    named = {who for tier in tiers if (who := tier_choice(tier).pose)}
    return frozenset(who for who in named if not any(is_called(each.below, who) for each in found))


def _write_manifest(index: Path, rows: Sequence[dict[str, str]], cutting: CutOptions, *, keep_others: bool) -> None:
    """Writes the manifest; `keep_others` leaves rows that it has of other pose files, so that a corpus can grow."""
    columns = [*(_PART_COLUMNS if cutting.manifest_only else _COLUMNS)]
    others: list[dict[str, str]] = []
    if keep_others:
        table, sources = read_table(index), {row["source"] for row in rows}
        others = [row.cells for row in table.rows if row.cells.get("source") not in sources]
        columns += [name for name in table.columns if name and name not in columns] if others else []
    with atomic_write(index, overwrite=True) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows([*others, *rows])


def _report_shared(path: Path, first: str, name: str, cutting: CutOptions) -> None:
    """Says that an annotation file is used for several pose files, unless every tier is said to be of one."""
    if first != name and not all(tier_choice(tier).pose for tier in cutting.tiers or [""]):
        notify(
            path,
            f"its segments are cut from {first} and from {name}; --tier NAME=FILE gives a tier to one of them",
            kind="annotations of several pose files",
        )


def _report_unused(files: AnnotationFiles) -> None:
    for path in sorted(files.unused):
        notify(path, "belongs to no pose file given, and is not used", kind="annotation files without a pose file")
