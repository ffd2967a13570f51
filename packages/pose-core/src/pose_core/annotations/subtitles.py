"""Subtitles: SubRip `.srt`, and WebVTT `.vtt` (https://www.w3.org/TR/webvtt1/).

The parsers of pysubs2, srt and webvtt-py take a mistyped timing for text of the subtitle before it, or leave it out; a
segment with a wrong text is worse than an error. Here every line is accounted for, and named where it is wrong.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.annotations.segment import Annotations, Segment, Tier
from pose_core.errors import UserError
from pose_core.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TIME = r"(?:(\d{1,6}):)?(\d{1,3}):(\d{1,3})(?:[.,](\d{1,9}))?"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
# What is meant as a timing: two such times with no word between them, or digits of a time beside an arrow.
_LIKE_TIME = r"\d{1,3}:\d{1,3}[:.,]\d[\d:.,]*"
_TWO_TIMES = re.compile(rf"\s*{_LIKE_TIME}\s*[^\w\s]{{0,4}}\s?[^\w\s]{{0,4}}\s*{_LIKE_TIME}.*", re.ASCII)
_BESIDE_ARROW = re.compile(r"[\d:.,]{4}\S*\s*-+\s*>|-+\s*>\s*\S*[\d:.,]{4}", re.ASCII)
_NUMBER = re.compile(r"\s*\d+\s*", re.ASCII)
_APART = re.compile(r"(NOTE|STYLE|REGION)(\s.*)?")  # blocks of WebVTT that are no cues
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]+)>")
_SRT_TAG = re.compile(r"</?(?:i|b|u|s|font)\b[^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)
_VTT_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|</?>|<[\d:.]+>")
_LONGEST_TIMING = 200  # characters, with the settings of WebVTT
_EXAMPLE = "00:00:01,000 --> 00:00:02,500"


@dataclass(frozen=True)
class _Timing:
    line: int  # from 0
    start: float
    end: float


def read(path: Path) -> Annotations:
    """See `pose_core.annotations.read_annotations`."""
    text = read_text(path, "subtitle file")
    if not text.strip():
        raise UserError("is empty; export it again")
    lines = re.split(r"\r\n|\r|\n", text)
    vtt = path.suffix.lower() == ".vtt"
    if vtt and not re.match(r"WEBVTT(\s|$)", lines[0]):
        raise UserError(f"line 1: {lines[0][:30]!r} is not WEBVTT, with which a .vtt file begins; export it again")
    timings = list(_timings(lines))
    if not timings:
        if vtt:
            return Annotations((Tier("", ()),))
        raise UserError(f"holds no subtitles: there is no line such as {_EXAMPLE}")
    _check_head(lines, timings[0].line, vtt=vtt)
    segments = []
    for timing, following in zip(timings, [*timings[1:], None], strict=True):
        after = len(lines) if following is None else following.line
        part = lines[timing.line + 1 : after]
        content = _cue(part, timing.line + 1, last=following is None) if vtt else _subtitle(part, following is None)
        segments.append(_segment(timing, content, vtt=vtt))
    segments.sort(key=lambda segment: (segment.start, segment.end))
    return Annotations((Tier("", tuple(segments)),))


def _timings(lines: list[str]) -> Iterator[_Timing]:
    """The timing lines.

    Raises:
        UserError: a line that is meant as one and is none.
    """
    for number, line in enumerate(lines):
        if ":" not in line and "->" not in line:
            continue
        match = _TIMING.fullmatch(line)
        if match:
            start, end = (_time(match.groups()[side : side + 4]) for side in (0, 4))
            if start is not None and end is not None:
                yield _Timing(number, start, end)
                continue
        if match or _is_meant(line):
            raise UserError(f"line {number + 1}: {line.strip()[:50]!r} is no timing; write it as {_EXAMPLE}")


def _is_meant(line: str) -> bool:
    """Whether a line is meant as a timing, as a text with an arrow or with times in it is not."""
    if len(line) > _LONGEST_TIMING:
        return False
    return bool(_TWO_TIMES.fullmatch(line) or (":" in line and _BESIDE_ARROW.search(line)))


def _time(fields: tuple[str | None, ...]) -> float | None:
    """Seconds; None of minutes or seconds above 59."""
    hours, minutes, seconds, fraction = (field or "0" for field in fields)
    if int(minutes) > 59 or int(seconds) > 59:
        return None
    return 3600 * int(hours) + 60 * int(minutes) + float(f"{int(seconds)}.{fraction}")


def _check_head(lines: list[str], end: int, *, vtt: bool) -> None:
    """Checks what comes before the first timing: a number, or WebVTT's header and blocks that are no cues.

    Raises:
        UserError: anything else.
    """
    if vtt:
        first = next((number for number, line in enumerate(lines[:end]) if not line.strip()), end)  # the header's end
        _check_blocks(lines[first:end], first)
        return
    for number, line in enumerate(lines[:end]):
        if line.strip() and not _NUMBER.fullmatch(line):
            raise UserError(f"line {number + 1}: {line.strip()[:50]!r} stands before the first timing, {_EXAMPLE}")


def _subtitle(lines: list[str], last: bool) -> list[str]:
    """The text lines of a SubRip subtitle, of the lines up to the next timing; the last may be that one's number.

    Empty lines may stand between that number and its timing, where it is no text: there is one above it, too.
    """
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    apart = end == len(lines) or (end > 1 and not lines[end - 2].strip())
    if not last and end and apart and _NUMBER.fullmatch(lines[end - 1]):
        end -= 1
    return [line for line in lines[:end] if line.strip()]


def _cue(lines: list[str], begin: int, *, last: bool) -> list[str]:
    """The text lines of a WebVTT cue, which end at an empty line; `begin` is the line, from 0, of the first.

    Raises:
        UserError: a block behind it that is neither a comment, a style nor the next cue's identifier.
    """
    length = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    _check_blocks(lines[length:], begin + length, identifier=not last)
    return lines[:length]


def _check_blocks(lines: list[str], begin: int, *, identifier: bool = True) -> None:
    """Checks lines between WebVTT's cues: blocks that are no cues, and if `identifier`, the one of the next cue.

    Raises:
        UserError: another block.
    """
    apart = False  # within a block that is no cue
    for number, line in enumerate(lines):
        if not line.strip():
            apart = False
        elif not apart:
            apart = bool(_APART.fullmatch(line))
            is_identifier = identifier and number == len(lines) - 1
            if not apart and not is_identifier:
                raise UserError(
                    f"line {begin + number + 1}: {line.strip()[:50]!r} belongs to no cue; put its timing above it, as "
                    f"{_EXAMPLE.replace(',', '.')}, or NOTE if it is a comment"
                )


def _segment(timing: _Timing, lines: list[str], *, vtt: bool) -> Segment:
    """The segment of a timing and its text lines, joined by spaces and without markup."""
    text = " ".join(line.strip() for line in lines)
    person = ""
    if vtt:
        voices = {html.unescape(name).strip() for name in _VOICE.findall(text)}
        person = voices.pop() if len(voices) == 1 else ""
        text = html.unescape(_VTT_TAG.sub("", text))
    else:
        text = _SRT_TAG.sub("", text)
    return Segment(timing.start, timing.end, " ".join(text.split()), person, timing.line + 1)
