"""HamNoSys to a tree."""

from __future__ import annotations

from text_to_pose.hamnosys.action_parser import parse_actions
from text_to_pose.hamnosys.movements import Repeated
from text_to_pose.hamnosys.place_parser import begins_target, parse_target
from text_to_pose.hamnosys.posture_parser import parse_posture
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.hamnosys.symbols import REPETITIONS, Symbols, read_symbols
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry


def parse(text: str) -> Sign:
    """The tree of one sign.

    Args:
        text: HamNoSys in Unicode, or its symbols' names with blanks between: `hamfist hamextfingeru hampalml`.

    Raises:
        UserError: one line that names the symbol, its place, and what was expected there.
    """
    return parse_parts(text)[0]


def parse_parts(text: str) -> tuple[Sign, list[tuple[int, object]]]:
    """As `parse`, and where its parts are in the string.

    Returns:
        The tree; and its segments and actions, each with the number of a symbol, from 1: the first of a segment and of
        a single or bracketed action; of an action with a target, a repetition or other behind it, the first of that.
    """
    symbols = Symbols(read_symbols(text))
    segments = [_segment(symbols)]
    while symbols.take("plus"):
        segments.append(_segment(symbols))
    if symbols.peek():
        raise symbols.error(_expected(segments[-1]))
    return Sign(tuple(segments)), symbols.begun


def _expected(segment: Segment) -> str:
    """What may stand behind a complete segment, as far as it goes."""
    if segment.actions and not isinstance(segment.actions[-1], Repeated):
        return "a movement, its target, a repetition, hamplus, or the end"
    if segment.actions or segment.location is not None:
        return "a movement, hamplus, or the end"
    return "a location, a movement, hamplus, or the end"


def _segment(symbols: Symbols) -> Segment:
    at = symbols.at
    nondominant = symbols.take("nondominant")
    symmetry = _symmetry(symbols)
    posture = parse_posture(symbols)
    if posture == Posture():
        raise symbols.error("a handshape")
    location = parse_target(symbols) if begins_target(symbols) else None
    actions = parse_actions(symbols)
    if not actions and symbols.peek() in REPETITIONS:
        raise symbols.error("a movement before its repetition")
    segment = Segment(posture, location, actions, symmetry, nondominant)
    symbols.begin(at, segment)
    return segment


def _symmetry(symbols: Symbols) -> Symmetry | None:
    mirrored = symbols.peek() == "symmlr"
    if not symbols.take("symmlr", "symmpar"):
        return None
    marks: set[str] = set()
    while (mark := symbols.peek()) in _MARKS and mark not in marks:
        marks.add(mark)
        symbols.at += 1
    return Symmetry(mirrored, **{field: mark in marks for mark, field in _MARKS.items()})


_MARKS = {
    "fingerstraightmod": "out_in",
    "largemod": "up_down",
    "alternatingmotion": "alternating",
    "nonipsi": "real_space",
}
