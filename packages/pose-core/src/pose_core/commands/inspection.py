"""Description of pose files: `pose-core info`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.formats import clips_of, frame_arrays, people_of, pose, read_blocks
from pose_core.formats.arrow_clips import is_saved_folder
from pose_core.formats.clip_files import open_clips
from pose_core.notices import collected
from pose_core.rates import ASSUMED
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

_LISTED = 20  # clips of a file that are listed for people


@dataclass(frozen=True)
class ComponentInfo:
    """One component of a file.

    Attributes:
        name: as the header has it.
        points, limbs: how many.
        missing: share of its keypoints, over all frames, that are missing.
    """

    name: str
    points: int
    limbs: int
    missing: float


@dataclass(frozen=True)
class FileInfo:
    """One file.

    Attributes:
        path: of the file.
        format: suffix, and of a `.pose` file its version.
        layout: the estimator's, or None.
        people, frames: how many.
        person: the one that the rest is about.
        seen: share of the frames in which each person is visible, 0 to 1.
        fps: frames per second; assumed_fps: whether the file states none, and nobody said it.
        duration: seconds.
        size: width, height, depth of the picture.
        points, dims: K and D.
        empty: frames in which nobody is visible.
        repeated: frames that are exactly like the one before, as where a video's frames were doubled.
        components: in the file's order.
        assumed: what had to be assumed about the file, or is unlikely in it, a line each.
    """

    path: Path
    format: str
    layout: str | None
    people: int
    person: int
    seen: list[float]
    frames: int
    fps: float
    assumed_fps: bool
    duration: float
    size: tuple[int, int, int]
    points: int
    dims: int
    empty: int
    repeated: int
    components: list[ComponentInfo]
    assumed: list[str]

    def lines(self) -> Iterator[str]:
        """For people."""
        assumed = " (assumed)" if self.assumed_fps else ""
        people = f", {self.people} people" if self.people > 1 else ""
        size = f", {self.size[0]} x {self.size[1]} pixels" if self.size[0] > 1 else ""
        yield (
            f"{self.path}: {self.format}, {self.layout or 'unknown layout'}, "
            f"{self.frames} frames at {self.fps:g} fps{assumed}, {self.duration:.2f} s{size}{people}"
        )
        width = max(len(component.name) for component in self.components)
        for c in self.components:
            yield f"  {c.name:{width}}  {c.points:4} points  {c.limbs:4} limbs  {c.missing:6.1%} missing"
        if self.people > 1:
            for person, share in enumerate(self.seen):
                note = ", the one above" if person == self.person else ""
                yield f"  person {person} is seen in {share:.0%} of frames{note}"
        if self.empty:
            yield f"  nobody is seen in {self.empty} of {self.frames} frames"
        if self.repeated:
            yield f"  {self.repeated} of {self.frames} frames are exactly like the one before"
        yield from (f"  assumed: {line}" for line in self.assumed)


@dataclass(frozen=True)
class ClipInfo:
    """One clip of a file of several: its name, and its frames where they are known without reading it."""

    name: str
    frames: int | None


@dataclass(frozen=True)
class ClipFileInfo:
    """A file of several clips.

    Attributes:
        path: of the file.
        format: its suffix.
        clips: in the file's order.
    """

    path: Path
    format: str
    clips: list[ClipInfo]

    def lines(self) -> Iterator[str]:
        """For people."""
        frames = [clip.frames for clip in self.clips if clip.frames is not None]
        total = f", {sum(frames):,} frames" if len(frames) == len(self.clips) else ""
        yield f"{self.path}: {self.format}, {len(self.clips):,} clips{total}; --clip NAME describes one"
        for clip in self.clips[:_LISTED]:
            yield f"  {clip.name}" + ("" if clip.frames is None else f"  {clip.frames} frames")
        if len(self.clips) > _LISTED:
            yield f"  ... and {len(self.clips) - _LISTED:,} more; --json lists all"


def inspect(
    path: str | Path,
    *,
    clip: str | None = None,
    person: int | None = None,
    min_confidence: float = 0.0,
    name: str | None = None,
    **reading: Any,
) -> FileInfo | ClipFileInfo:
    """Reads and describes a file; of one with several clips, the clip that is named, or the list of them.

    Args:
        clip, person, min_confidence: as of `read`.
        name: what to call the file; its path by default.
        reading: further arguments of `read`.

    Raises:
        UserError: as `read`.
    """
    path = Path(path)
    if clip is None and len(clips_of(path)) > 1:
        file = open_clips(path)
        clips = [ClipInfo(each, file.frames(i)) for i, each in enumerate(file.names)]
        return ClipFileInfo(Path(name) if name else path, _format(path), clips)
    with collected() as said:
        blocks = read_blocks(path, clip=clip, person=person, min_confidence=min_confidence, **reading)
        frames = _Frames.of(blocks)
    version, num_people = _header(path)
    people = people_of(path, min_confidence=min_confidence)
    skeleton, length = frames.last.skeleton, frames.length
    return FileInfo(
        path=Path(name) if name else path,
        format=f".pose {version}" if version else _format(path),
        layout=skeleton.layout.name if skeleton.layout else None,
        people=num_people or (len(people) if people else 1),
        person=person if person is not None else people.choose() if people else 0,
        seen=people.seen.tolist() if people and len(people) > 1 else [1.0 - frames.empty / length],
        frames=length,
        fps=frames.last.fps,
        assumed_fps=any(warning.kind == ASSUMED for warning in said),
        duration=length / frames.last.fps,
        size=frames.last.size,
        points=skeleton.num_keypoints,
        dims=skeleton.num_dims,
        empty=frames.empty,
        repeated=frames.repeated,
        components=_components(skeleton, frames.missing / length),
        assumed=[
            " ".join(str(warning).removeprefix(str(path)).removeprefix(name or "").lstrip(":, ").split())
            for warning in said
        ],
    )


@dataclass(frozen=True)
class _Frames:
    """What is counted over the frames of a clip.

    Attributes:
        length: how many there are.
        missing: (K,) frames in which each keypoint is missing.
        empty, repeated: see `FileInfo`.
        last: the last frame, cleaned.
    """

    length: int
    missing: np.ndarray
    empty: int
    repeated: int
    last: PoseSequence

    @classmethod
    def of(cls, blocks: Iterable[PoseSequence]) -> _Frames:
        """Counts over consecutive pieces of a clip, so that a long one takes no more memory than a piece."""
        missing: np.ndarray | None = None
        length = empty = repeated = 0
        last: PoseSequence | None = None
        for block in blocks:
            sequence = clean(block)
            hidden = ~sequence.visible  # (T, K)
            nobody: np.ndarray = np.all(hidden, axis=1)  # (T,)
            points = sequence.keypoints if last is None else np.concatenate([last.keypoints, sequence.keypoints])
            same = (points[1:] == points[:-1]).all(axis=(1, 2))
            counts = hidden.sum(axis=0)
            missing = counts if missing is None else missing + counts
            empty += int(nobody.sum())
            repeated += int((same & ~nobody[len(nobody) - len(same) :]).sum())
            length += len(sequence)
            last = sequence[-1:]
        assert last is not None  # a clip has frames
        assert missing is not None
        return cls(length, missing, empty, repeated, last)


def _format(path: Path) -> str:
    """What a file is called in tables: its suffix, or what its folder holds."""
    if not path.is_dir():
        return path.suffix.lower()
    held = ".arrow" if is_saved_folder(path) else ".npy" if frame_arrays.is_clip_folder(path) else ".json"
    return f"folder of {held}"


def _header(path: Path) -> tuple[float | None, int | None]:
    """Version and number of people of a `.pose` file; None of other formats."""
    if path.suffix.lower() != ".pose":
        return None, None
    described = pose.describe(path)
    return described.version, described.people


def _components(skeleton: Skeleton, missing: np.ndarray) -> list[ComponentInfo]:
    """The components that have points, with the share of them that is missing: the mean of its keypoints' (K,)."""
    return [
        ComponentInfo(each.name, len(each.points), len(each.limbs), float(missing[skeleton.slice_of(each.name)].mean()))
        for each in skeleton.components
        if each.points
    ]
