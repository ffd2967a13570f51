"""`Clip`: the metadata of one clip of a data set; its poses are read on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One clip of a data set: a row of a manifest, a file of a folder, or a sample of a shard.

    Attributes:
        path: the pose file.
        text: what is signed.
        signed_language: ISO 639-3.
        split: "train", "validation" or "test", or a name of the data set's own.
        spoken_language: language of the text, "" where the manifest does not say.
        start, end: part of the file, as `pose_core.read` takes them: frames if int, seconds if float; None: its ends.
        person: who signs, "" where the manifest does not say.
        origin: how it came about where nobody was filmed signing it, as "rules"; "" where the manifest does not say.
        fps: frames per second of the file, whatever it says itself; None: as it says.
        name: of the clip in a file that holds several; "" of a file that is the clip.
        line: of the manifest, for messages; None elsewhere.
    """

    path: Path
    text: str
    signed_language: str
    split: str
    spoken_language: str = ""
    start: float | None = None
    end: float | None = None
    person: str = ""
    origin: str = ""
    fps: float | None = None
    name: str = ""
    line: int | None = field(default=None, compare=False)

    @property
    def location(self) -> str:
        """For messages: the line of its manifest and its file."""
        clip = f", clip {self.name}" if self.name else ""
        return f"{self.path}{clip}" if self.line is None else f"line {self.line} ({self.path.name}{clip})"
