"""A tree to HamNoSys, in one canonical form.

What the canonical form changes in a string, and nothing else:

- a finger with a bend of its own has its own bend symbol, from the thumb to the pinky;
- modifiers stand in one order: thumb before bend, size before arc before zigzag before ellipse before manner; mirrored
  out-in before up-down; fingers with a bend of their own before other fingers; a part of fingers before their names;
- brackets around one movement, and blanks, are left out; several movements inside the brackets of one hand
  (`{a b + c}`) get brackets of their own; handshape and orientation that differ between the hands are in one pair of
  brackets; a constellation of the same part of both hands names it once, if its place is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.action_writer import action_symbols
from text_to_pose.hamnosys.handshape_writer import posture_symbols
from text_to_pose.hamnosys.place_writer import target_symbols
from text_to_pose.hamnosys.unwritable import no_symbol
from text_to_pose.text.hamnosys import hamnosys_text

if TYPE_CHECKING:
    from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry


def write(sign: Sign) -> str:
    """The canonical HamNoSys of a sign, in Unicode; gloss and non-manual tiers have no place in it.

    Raises:
        UserError: the sign (from SiGML) says what no HamNoSys symbol says.
    """
    return hamnosys_text(symbol_names(sign))


def symbol_names(sign: Sign) -> list[str]:
    """The names of the symbols that `write` writes: `hamfist`, `hamthumboutmod`.

    Raises:
        UserError: as `write`.
    """
    names: list[str] = []
    for segment in sign.segments:
        names += [*(["plus"] if names else []), *_segment(segment)]
    return [f"ham{name}" for name in names]


def _segment(segment: Segment) -> list[str]:
    if segment.holdover:
        raise no_symbol("a hand that is held over from before (holdover)")
    names = ["nondominant"] if segment.nondominant else []
    names += _symmetry(segment.symmetry)
    names += posture_symbols(segment.posture)
    if segment.location is not None:
        names += target_symbols(segment.location)
    for action in segment.actions:
        names += action_symbols(action)
    return names


def _symmetry(symmetry: Symmetry | None) -> list[str]:
    if symmetry is None:
        return []
    marks = {
        "fingerstraightmod": symmetry.out_in,
        "largemod": symmetry.up_down,
        "alternatingmotion": symmetry.alternating,
        "nonipsi": symmetry.real_space,
    }
    return ["symmlr" if symmetry.mirrored else "symmpar", *(name for name, there in marks.items() if there)]
