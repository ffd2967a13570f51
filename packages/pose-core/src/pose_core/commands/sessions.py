"""One pose file that is cut by annotations: its parts, its clips, its rows of the manifest."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pose_core.annotations import read_annotations
from pose_core.annotations.pairing import pose_stem
from pose_core.annotations.placing import Placing, chosen_tiers, time_origin
from pose_core.atomic_files import check_output, check_output_folder
from pose_core.commands.conversion import convert_streamed
from pose_core.errors import UserError
from pose_core.formats import pose, read, write
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job
from pose_core.notices import collected, notify
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pose_core.annotations.placing import Part
    from pose_core.annotations.segment import Tier
    from pose_core.inputs import Input
    from pose_core.jobs import JobOptions
    from pose_core.sequence import PoseSequence

UNDETERMINED = "und"  # ISO 639-3 for a language that is not known


@dataclass(frozen=True)
class CutOptions:
    """How pose files are cut.

    Attributes:
        tiers: `NAME`, or `NAME=WHO`, see `placing.tier_choice`; none: the only tier there is.
        signed_language: ISO 639-3, of every clip.
        split: of every clip.
        offset: seconds to add to the times of annotations; None: what ELAN's TIME_ORIGIN says, else 0.
        padding: seconds to add before and behind every segment.
        min_seconds: shorter segments are left out.
        format: suffix of clips, with or without its dot.
        manifest_only: write no clips, but a manifest of parts of the files.
    """

    tiers: Sequence[str] = ()
    signed_language: str = UNDETERMINED
    split: str = "train"
    offset: float | None = None
    padding: float = 0.0
    min_seconds: float = 0.0
    format: str = "pose"
    manifest_only: bool = False

    @property
    def suffix(self) -> str:
        """Of clips, with its dot."""
        return f".{self.format.removeprefix('.').lower()}"


@dataclass(frozen=True)
class CutFile:
    """What became of one pose file.

    Attributes:
        file, segments: the pose file, and the annotation file.
        clips: how many; seconds: of all clips together.
        left_out: numbers of segments that were not cut, by reason.
        shortened: segments that ended behind the file's end.
        unseen: clips in which nobody is visible, of those written now.
        kept: clips that were there already.
    """

    file: str
    segments: Path
    clips: int
    seconds: float
    left_out: dict[str, int]
    shortened: int = 0
    unseen: int = 0
    kept: int = 0

    def line(self) -> str:
        """For people."""
        kept = f", {self.kept} of them there already" if self.kept else ""
        return f"{self.file}: {counted(self.clips, 'clip')}{kept}, {self.seconds:.2f} s"


class PartsFile:
    """A pose file that is read part by part; a context manager.

    Of a `.pose` file a part is read from the disk. Others are converted to one below `folder` first, piece by piece: to
    find the parts in them, or the people, all of a file would have to be read for each.
    """

    def __init__(self, path: Path, reading: ReadOptions, folder: Path) -> None:
        self.path, self.reading, self._folder = path, reading, folder
        self._converted: dict[int | None, Path] = {}
        self._said: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._open()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        path, reading = self.path, self.reading
        described = None
        if path.suffix.lower() == ".pose" and path.is_file():
            with collected():  # of one frame; what holds of the parts is said with them
                self.fps = reading.read(path, start=0, end=1).fps  # or an error that says what is wrong with it
            described = pose.describe(path)
        # Version 0.0 is a list of frames; and whether coordinates are normalized is told by the whole file.
        self._by_part = described is not None and described.version > 0 and reading.size is None
        if described is None or not self._by_part:
            converted = self._conversion(reading.person)
            with collected():
                self.fps = read(converted, start=0, end=1).fps
            described = pose.describe(converted)
        self.frames = described.frames

    def person(self, part: Part) -> int | None:
        """The index of the person of a part, if one was asked for."""
        return self.reading.person if part.person_index is None else part.person_index

    def part(self, part: Part) -> PoseSequence:
        """The poses of a part; what is assumed about the file is said once, not with each part."""
        person = self.person(part)
        path, options = (
            (self.path, replace(self.reading, person=person))
            if self._by_part
            else (self._conversion(person), ReadOptions())  # whose reading has said it
        )
        with collected() as said:
            sequence = options.read(path, start=part.frames.start, end=part.frames.stop)
        for each in said if self._by_part else []:
            if each.kind not in self._said:
                self._said.add(each.kind)
                warnings.warn(each, stacklevel=2)
        return sequence

    def _conversion(self, person: int | None) -> Path:
        """The file of one person, converted when first asked for."""
        if person not in self._converted:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix=".cut-", dir=self._folder))
            output = Path(folder, "converted.pose")
            convert_streamed(Job(self.path, output, str(self.path)), asdict(replace(self.reading, person=person)))
            self._converted[person] = output
        return self._converted[person]


@dataclass(frozen=True)
class Wanted:
    """What is to be cut from a pose file: tiers of its annotation file, each with its person's index."""

    segments: Path
    tiers: list[tuple[Tier, int | None]]
    placing: Placing


def wanted(given: Input, segments: Path, cutting: CutOptions, strangers: frozenset[str]) -> Wanted:
    """Reads the annotation file of a pose file, before that is opened; reports what is assumed about its times.

    Args:
        given: the pose file.
        segments: the annotation file.
        cutting: see there.
        strangers: see `chosen_tiers`.

    Raises:
        UserError: as `read_annotations`, `chosen_tiers` and `time_origin`.
    """
    annotations = read_annotations(segments)
    tiers = chosen_tiers(annotations, cutting.tiers, segments, given.below, strangers)
    for notice in dict.fromkeys(notice for tier, _ in tiers for notice in tier.notices):
        notify(segments, notice, kind="annotations with assumed times")
    offset = cutting.offset
    if offset is None:
        offset, media = time_origin(annotations, given.below, segments)
        if offset:
            notify(
                segments,
                f"its time 0 is taken to lie at {offset:g} s of {given.name}, as of {media} (TIME_ORIGIN); "
                "--offset says another",
                kind="annotations that begin at another time than the recording",
            )
    return Wanted(segments, tiers, Placing(offset, cutting.padding, cutting.min_seconds))


class Session:
    """One pose file, and the parts of it that become clips."""

    def __init__(self, file: PartsFile, given: Input, wanted: Wanted, cutting: CutOptions) -> None:
        self.file, self.given, self.segments, self.cutting = file, given, wanted.segments, cutting
        self.parts = wanted.placing.parts(wanted.tiers, fps=file.fps, frames=file.frames)
        self._report(len(self.parts.found) + self.parts.left_out.total())

    def _report(self, segments: int) -> None:
        """Says what is left out or shortened.

        Raises:
            UserError: everything is left out.
        """
        parts, duration = self.parts, f"{self.file.frames / self.file.fps:.2f} s"
        reasons = ", ".join(f"{count} {reason}" for reason, count in parts.left_out.items())
        if not parts.found:
            why = f": {reasons}; it lasts {duration}" if segments else ""
            raise UserError(f"no segment of {self.segments} can be cut from it{why}")
        said = [f"{parts.left_out.total()} of {counted(segments, 'segment')} left out: {reasons}"] if reasons else []
        if parts.shortened:
            end = "ends after it and is" if parts.shortened == 1 else "end after it and are"
            said.append(f"{counted(parts.shortened, 'segment')} {end} cut there")
        if parts.shortened or any("file" in reason for reason in parts.left_out):
            said.append(f"it lasts {duration} at {self.file.fps:g} fps")
        if said:
            notify(self.given.name, "; ".join(said), kind="segments left out or shortened")

    def written(self, output: Path, options: JobOptions) -> CutFile:
        """Writes the clips that are not there yet."""
        unseen = kept = 0
        if not self.cutting.manifest_only:
            parts = {self._clip(output, part): part for part in self.parts.found}  # one that two tiers share once
            existing = None if options.skip_existing or options.overwrite else next(filter(Path.exists, parts), None)
            if existing is not None:
                raise UserError(
                    f"{existing}: exists; use --overwrite to replace it, or --skip-existing to leave such clips"
                )
            for path, part in parts.items():
                if options.skip_existing and path.is_file():
                    kept += 1
                    continue
                clip = self.file.part(part)
                unseen += not clip.visible.any()
                write(clip, path, overwrite=options.overwrite)
        if unseen:
            notify(self.given.name, f"{unseen} of its clips show nobody", kind="clips that show nobody")
        found = self.parts.found
        seconds = sum((part.frames.stop - part.frames.start) / self.file.fps for part in found)
        left_out = dict(self.parts.left_out)
        return CutFile(
            self.given.name, self.segments, len(found), seconds, left_out, self.parts.shortened, unseen, kept
        )

    def rows(self, output: Path, options: JobOptions) -> Iterator[dict[str, str]]:
        """The clips' rows of the manifest."""
        whole = _reachable(self.given, output, options) if self.cutting.manifest_only else None
        for part in self.parts.found:
            path = whole or self._clip(output, part)
            yield {
                "path": path.relative_to(output).as_posix(),
                "text": part.text,
                "signed_language": self.cutting.signed_language,
                "split": self.cutting.split,
                "start_frame": str(part.frames.start),
                "end_frame": str(part.frames.stop),
                "fps": "" if self.file.reading.fps is None else f"{self.file.reading.fps:g}",
                "person": part.person,
                "tier": part.tier,
                "source": self.given.below.as_posix(),
                "from_seconds": self._seconds(part.frames.start),
                "to_seconds": self._seconds(part.frames.stop),
            }

    def _seconds(self, frame: int) -> str:
        return f"{round(frame / self.file.fps, 4):g}"

    def _clip(self, output: Path, part: Part) -> Path:
        """The file of a part's clip."""
        person = self.file.person(part)
        who = "" if person is None else f"_person{person}"
        name = f"{pose_stem(self.given.below)}{who}_{part.frames.start:06}-{part.frames.stop:06}{self.cutting.suffix}"
        return output / self.given.below.parent / name


def _reachable(given: Input, output: Path, options: JobOptions) -> Path:
    """The pose file as a manifest in `output` can name it: in that folder, or as a link, which is made here."""
    # Not resolved: what a link in the folder leads to may be anywhere.
    source, folder = (Path(os.path.abspath(path)) for path in (given.path, output))  # noqa: PTH100 - as above
    if source.is_relative_to(folder):
        return output / source.relative_to(folder)
    link = output / given.below
    if link.is_symlink() and link.resolve() == source.resolve():
        return link
    check_output_folder(link.parent)
    check_output(link, overwrite=options.overwrite)
    link.unlink(missing_ok=True)
    link.symlink_to(source)
    return link
