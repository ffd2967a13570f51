"""Which annotation file belongs to which pose file: by name, in folders of both."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

from pose_core.annotations import SEARCHED
from pose_core.errors import UserError
from pose_core.formats import READABLE
from pose_core.inputs import find_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path, PurePath

    from pose_core.inputs import Input

_SEPARATORS = re.compile(r"[._\- ]")


class AnnotationFiles:
    """The annotation files of a command.

    One file that was named by itself belongs to every pose file. Several, or those of a folder, belong to the pose file
    of the same name, or to those whose names go on behind it: `session.eaf` to `session.pose`, else to
    `session_A.pose` and `session.B.pose`.

    Attributes:
        unused: files that belong to no pose file asked for so far.
    """

    def __init__(self, given: Sequence[str]) -> None:
        found = find_inputs(given, SEARCHED)
        self._given = ", ".join(map(str, given))
        self._only = found[0].path if len(found) == 1 and found[0].folder is None else None
        self._by_path: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for each in found:
            self._by_path[_composed(str(each.below.with_suffix("")))].append(each.path)
            self._by_stem[_composed(each.below.stem)].append(each.path)
        self.unused = set() if self._only else {each.path for each in found}

    def of(self, pose: Input) -> Path:
        """The annotation file of a pose file.

        Raises:
            UserError: there is none, or there are several.
        """
        if self._only is not None:
            return self._only
        stem = _composed(pose_stem(pose.below))
        candidates = self._by_path.get(_composed(str(pose.below.with_name(pose_stem(pose.below)))), [])
        for name in beginnings(stem):
            candidates = candidates or self._by_stem.get(name, [])
        if not candidates:
            raise UserError(f"no segments for it in {self._given}: there is no {stem}.eaf, .srt or .vtt")
        if len(candidates) > 1:
            names = " and ".join(str(path) for path in candidates[:3])
            raise UserError(f"{names} may both be its segments; name one with --segments")
        self.unused.discard(candidates[0])
        return candidates[0]


def is_called(pose: PurePath, name: str) -> bool:
    """Whether a pose file is called so: by its name, with or without suffix, or by what it ends in (`session_A`: A)."""
    stem, name = _composed(pose_stem(pose)), _composed(name)
    if name in map(_composed, (pose.name, stem, str(pose))):
        return True
    return bool(name) and stem.endswith(name) and bool(_SEPARATORS.match(stem[-len(name) - 1 :]))


def pose_stem(pose: PurePath) -> str:
    """The name of a pose file without its suffix; of a clip that is a folder the whole name."""
    return pose.stem if pose.suffix.lower() in READABLE else pose.name


def beginnings(stem: str) -> list[str]:
    """A name, and its beginnings up to a separator, the longest first: `a_b_c`, `a_b`, `a`."""
    return [stem, *(stem[: match.start()] for match in reversed(list(_SEPARATORS.finditer(stem))))]


def _composed(name: str) -> str:
    """The name in Unicode's composed form: macOS's file systems decompose what is typed composed."""
    return unicodedata.normalize("NFC", name)
