"""What a sign says, in plain English: one line per part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pose_core.texts import printable
from text_to_pose.hamnosys.movement_words import Fingers, movement, posture
from text_to_pose.hamnosys.movements import Parallel, Sequence, Split
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import Constellation
from text_to_pose.hamnosys.words import target

if TYPE_CHECKING:
    from text_to_pose.hamnosys.nonmanual import Nonmanual
    from text_to_pose.hamnosys.tree import Segment, Sign


class Line(NamedTuple):
    """A part of a sign, and what is said of it."""

    part: str
    text: str


def explain(sign: Sign) -> list[Line]:
    """The lines of a sign: its hands, handshape, finger direction, palm, location, movements, and what is not shown."""
    lines = [Line("gloss", printable(sign.gloss))] if sign.gloss else []
    for number, segment in enumerate(sign.segments, start=1):
        if len(sign.segments) > 1:
            lines.append(Line(f"part {number}", f"of {len(sign.segments)}"))
        lines += _segment(segment)
    return lines + [Line("not shown", f"{tier.name}: {_nonmanual(tier)}") for tier in sign.nonmanual]


def _segment(segment: Segment) -> list[Line]:
    lines = [Line("hands", _hands(segment))]
    fingers = Fingers()
    lines += [Line(part, text) for part, text in posture(segment.posture, fingers)]
    lines.append(Line("location", _location(segment)))
    many = len(segment.actions) > 1
    for number, action in enumerate(segment.actions, start=1):
        text = movement(action, fingers)
        if isinstance(action, Sequence | Parallel | Split):
            text = text[1:-1]  # without the brackets that set it apart from what stands around it
        lines.append(Line(f"movement {number}" if many else "movement", text))
    return lines if segment.actions else [*lines, Line("movement", "none: hold still")]


def _location(segment: Segment) -> str:
    if segment.location is None:
        return "in front of the body (nothing is written)"
    return target(segment.location)


def _hands(segment: Segment) -> str:
    symmetry = segment.symmetry
    if symmetry is None:
        parts = [*vars(segment.posture).values(), segment.location]
        two = any(isinstance(part, Pair) for part in parts) or isinstance(segment.location, Constellation)
        one = "the non-dominant hand" if segment.nondominant else "the dominant hand"
        said = "both, described one by one" if two else one
    else:
        axes = ["left and right"] * symmetry.mirrored + ["up and down"] * symmetry.up_down
        axes += ["away from and towards the signer"] * symmetry.out_in
        said = f"both, the non-dominant one mirrored ({', '.join(axes)})" if axes else "both, moving in parallel"
        said += ", in turn" * symmetry.alternating + ", directions are those of the room" * symmetry.real_space
        said += ", the non-dominant hand leading" * segment.nondominant
    return said + ", the non-dominant hand held over from before" * segment.holdover


def _nonmanual(tier: Nonmanual) -> str:
    own = [f"{name}={value}" for name, value in tier.attributes]
    inner = [f"{child.name} {_nonmanual(child)}".strip() for child in tier.children]
    return ", ".join(own + inner) or "nothing"
