"""What video files state about themselves: what of them is missing, and what no decoder should be shown."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = (b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"uuid")  # that a file may begin with
_INDEX = (b"moov", b"moof")
_LONGEST_INDEX = 1 << 28  # bytes; of a day's video it has a hundredth
_MOST_BOXES = 1_000_000
_SOUND = 8  # samples of sound for each byte: old MOV files count those of the waveform
_TAIL = 0.5  # seconds that may be missing at the end of what is whole
_COUNTS = re.compile(rb"(stsz|stts|ctts|trun)")


def is_mp4(start: bytes) -> bool:
    """Whether a file that begins so is an MP4 or MOV file."""
    return start[4:8] in KINDS


def cut_short(path: Path) -> str | None:
    """What a cut MP4 file lacks, in words; None if it has an index and ends where it says."""
    size, last, end, kinds = path.stat().st_size, b"", 0, set()
    for last, offset, length in _boxes(path):
        end = offset + length
        kinds.add(last)
    if end > size and last in KINDS:
        return f"is cut short after {size:,} bytes: its last part ({last.decode()}) would end at {end:,}"
    if b"moov" not in kinds:
        return f"has no index (moov) in its {size:,} bytes: the recording or copy was not ended"
    return None


def stated_length(start: bytes) -> int | None:
    """The bytes that an AVI, Matroska or WebM file has by its own account; None if it does not say.

    Args:
        start: its first 64 bytes or more.
    """
    if start[:4] == b"RIFF":
        return 8 + int.from_bytes(start[4:8], "little") or None  # 0 in one that was not ended
    if start[:4] == b"\x1aE\xdf\xa3":
        length, place = _vint(start, 4)
        place += length or 0
        if start[place : place + 4] == b"\x18S\x80g":  # the segment, which is all the rest
            length, place = _vint(start, place + 4)
            return place + length if length is not None else None
    return None


def missing_time(start: bytes, stated: int | str | None, shown: np.ndarray, last: float) -> str | None:
    """What is not there of a Matroska or WebM file that says how long it lasts, in words; None: nothing, or others.

    FFmpeg makes up a duration where a file states none.

    Args:
        start: its first 4,096 bytes.
        stated: how long it lasts, in microseconds, or as "00:01:02.5".
        shown: (N,) when its frames are shown, in seconds, in any order; NaN where that is unknown.
        last: seconds for which the last one is shown; 0 if unknown.
    """
    if start[:4] != b"\x1aE\xdf\xa3" or not any(b"D\x89" + width in start for width in (b"\x84", b"\x88")):
        return None
    seconds = stated / 1e6 if isinstance(stated, int) else _seconds(stated)
    times = np.sort(shown[np.isfinite(shown)])
    if seconds is None or len(times) < 3 or seconds - times[-1] <= max(last, np.diff(times).max()) + _TAIL:
        return None
    return f"states {seconds:.4g} s and ends after {times[-1] + last:.4g} s; it is cut short"


def _seconds(written: str | None) -> float | None:
    """The seconds of "00:01:02.5"; None of anything else."""
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", (written or "").strip("\0"))
    return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]) if found else None


def _vint(content: bytes, place: int) -> tuple[int | None, int]:
    """A number of EBML's at `place`, None if it says that it is unknown, and where the next begins."""
    width = 9 - content[place].bit_length() if place < len(content) else 1
    bits = 7 * width
    number = int.from_bytes(content[place : place + width], "big") & ((1 << bits) - 1)
    return (None if number == (1 << bits) - 1 else number), place + width


def check_index(path: Path) -> None:
    """Refuses an index that states more samples than the file has bytes: FFmpeg would take memory for all of them.

    Raises:
        UserError: it does.
    """
    size = path.stat().st_size
    for kind, offset, length in _boxes(path):
        if kind in _INDEX:
            with path.open("rb") as file:
                file.seek(offset)
                index = file.read(min(length, _LONGEST_INDEX))
            for found in _COUNTS.finditer(index):
                most = _SOUND * size if _of_sound(index, found.start()) else size
                if (stated := _samples(index, found.start())) > most:
                    raise UserError(f"a damaged video: states {stated:,} samples and has {size:,} bytes; copy it again")


def _of_sound(index: bytes, place: int) -> bool:
    """Whether a table is of a track of sound; its handler precedes it."""
    return b"soun" in index[max(0, index.rfind(b"trak", 0, place)) : place]


def _samples(index: bytes, place: int) -> int:
    """How many samples the table speaks of whose kind stands at `place`."""
    kind, numbers = index[place : place + 4], index[place + 8 : place + 16]
    if len(numbers) < 8:
        return 0
    first, second = struct.unpack(">II", numbers)
    if kind == b"trun":
        return first
    if kind == b"stsz":
        return second if first else 0  # otherwise the size of each is there
    entries = index[place + 12 : place + 12 + 8 * min(first, len(index) // 8)]
    return sum(count for count, _ in struct.iter_unpack(">II", entries[: len(entries) // 8 * 8]))


def _boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Kind, offset and length of each outermost box, as stated."""
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        for _ in range(_MOST_BOXES):
            if offset + 8 > size:
                return
            file.seek(offset)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - offset  # up to the end
            if length < 8:
                return
            yield head[4:8], offset, length
            offset += length
