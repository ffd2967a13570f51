"""Files that hold many clips, of which one is read at a time: what all of them have in common."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from pose_core.formats.frame_source import FrameSource
    from pose_core.formats.rows import RowReader

# Under which a row may have its clip's name.
NAMES = ("name", "clip", "id", "video_id", "key", "__key__", "video", "video_name", "filename", "uid")
_SHOWN = 3  # names in a message


class ClipFile(ABC):
    """An open file of clips. In memory are their names; a clip's poses are read when asked for.

    Attributes:
        path: of the file.
        names: of the clips, in the file's order; no two are alike.
        rows_hold_poses: whether `row` gives the poses, too.
    """

    rows_hold_poses = True

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        self.path = path
        self.names = unique(names)
        self._index: dict[str, int] | None = None
        if not self.names:
            raise UserError(f"{path}: holds no clips")

    @abstractmethod
    def row(self, index: int) -> Mapping[str, Any]:
        """What is known of a clip, with its poses, as `rows.read_row` takes it.

        Raises:
            UserError: it is damaged.
        """

    def read(self, index: int, reader: RowReader, *, whole: bool = True) -> FrameSource:
        """All frames of a clip; if not `whole`, they may be read when asked for.

        Raises:
            UserError: it is damaged, or holds no poses.
        """
        return reader.read(self.row(index))

    def frames(self, index: int) -> int | None:
        """Number of a clip's frames, where that is known without reading them."""
        return None

    def find(self, clip: str | None) -> int:
        """Position of the clip of that name; of None, the only one.

        Raises:
            UserError: there is no such clip, or there are several and none was named.
        """
        if clip is None:
            if len(self.names) > 1:
                raise UserError(self.several())
            return 0
        if self._index is None:
            self._index = {name: i for i, name in enumerate(self.names)}
        try:
            return self._index[clip]
        except KeyError:
            close = difflib.get_close_matches(clip, self.names[:10_000], 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; it has {self._some()}"
            raise UserError(f"{self.path}: has no clip {clip[:80]!r}{hint}") from None

    def several(self) -> str:
        """The message where one clip is wanted and none was named."""
        return (
            f"{self.path}: holds {len(self.names):,} clips ({self._some()}); name one with --clip, "
            "or make files of all of them: `pose-core unpack`"
        )

    def _some(self) -> str:
        names = [name if len(name) <= 40 else f"{name[:40]}..." for name in self.names[:_SHOWN]]
        return ", ".join([*names, "..."] if len(self.names) > _SHOWN else names)

    @contextmanager
    def naming(self, index: int) -> Generator[None]:
        """Messages of a `UserError` raised inside name the file, and the clip where there are several."""
        try:
            yield
        except UserError as error:
            rest = str(error).removeprefix(str(self.path)).removeprefix(": ")
            clip = f", clip {self.names[index][:80]}" if len(self.names) > 1 else ""
            raise UserError(f"{self.path}{clip}: {rest}") from error


def unique(names: Iterable[str]) -> list[str]:
    """The names, a number appended to those that occurred before: a, b, a-2; one line of printable text each."""
    found: dict[str, int] = {}
    for given in names:
        name = base = "".join(c if c.isprintable() else "?" for c in given) or "clip"
        while name in found:
            found[base] += 1
            name = f"{base}-{found[base]}"
        found[name] = 1
    return list(found)
