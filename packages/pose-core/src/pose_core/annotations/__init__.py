"""Annotation files, which say what is signed when: ELAN's `.eaf`, subtitles `.srt` and `.vtt`, and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.annotations import annotation_table, elan, subtitles
from pose_core.annotations.segment import Annotations, Media, Segment, Tier
from pose_core.annotations.tiers import select_tiers
from pose_core.atomic_files import check_name
from pose_core.errors import UserError
from pose_core.formats import sniffing
from pose_core.formats.reading import reading

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

__all__ = ["ANNOTATIONS", "SEARCHED", "Annotations", "Media", "Segment", "Tier", "read_annotations", "select_tiers"]

# Modules with `read(path) -> Annotations` by suffix.
ANNOTATIONS: dict[str, ModuleType] = {
    ".eaf": elan,
    ".srt": subtitles,
    ".vtt": subtitles,
    ".csv": annotation_table,
    ".tsv": annotation_table,
    ".txt": annotation_table,
}
SEARCHED = sniffing.ANNOTATIONS  # in folders, where tables may hold anything
LARGEST = 256 << 20  # bytes; hours of annotation have a few million


def read_annotations(path: Path) -> Annotations:
    """Reads an annotation file.

    Args:
        path: ELAN's `.eaf` (versions 2.7 to 3.0); subtitles, `.srt` or `.vtt`, in UTF-8 or UTF-16; or a table with a
            header, such as ELAN's tab-delimited export, see `annotation_table`.

    Raises:
        UserError: no such file, or not a whole one; the message names the path and the line.
    """
    check_name(path)
    reader = ANNOTATIONS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: unknown format of segments {path.suffix!r}; known: {', '.join(ANNOTATIONS)}")
    if not path.is_file():
        raise UserError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    with reading(path):
        size = path.stat().st_size
        if size > LARGEST:
            raise UserError(f"has {size >> 20:,} MB, which no annotation has; name the annotation file")
        return reader.read(path)
