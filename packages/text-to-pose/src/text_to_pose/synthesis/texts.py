"""Which signs are synthesized: canonical HamNoSys, in splits by its hash; and new signs from parts of known ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pose_core import UserError
from pose_core.errors import naming
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.hamnosys.sources import read_sources
from text_to_pose.hamnosys.tree import Sign
from text_to_pose.hamnosys.writer import write
from text_to_pose.synthesis.people import generator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from text_to_pose.hamnosys.tree import Segment

LONGEST = 60
"""Symbols of a new sign: of the known ones one in a hundred has more than 49."""
_TRIES = 50


@dataclass(frozen=True)
class Text:
    """A sign to synthesize: its canonical HamNoSys and its split."""

    hamnosys: str
    split: str


def split_of(hamnosys: str) -> str:
    """The split of a canonical string: of its hash, 80 % train, 10 % validation, 10 % test."""
    tenth = int.from_bytes(hashlib.sha256(hamnosys.encode()).digest()[:8], "big") % 10
    return {8: "validation", 9: "test"}.get(tenth, "train")


def read_texts(given: Sequence[str | Path], column: str | None = None) -> tuple[list[Text], list[UserError]]:
    """The signs of files, each once, however it is spelled there; and what is wrong with others.

    Args:
        given: files, folders, patterns or -, see `hamnosys.sources.read_sources`.
        column: of the HamNoSys in tables.

    Raises:
        UserError: the only file cannot be read, or none of the signs can be used.
    """
    known: dict[str, Text] = {}
    wrong: list[UserError] = []
    sources = read_sources([str(each) for each in given], column, files=True)
    named = [(source.file.name if source.file else "", sign) for source in sources for sign in source.signs]
    for file, sign in named:
        if isinstance(sign, BadSign):
            wrong.append(sign.error)
            continue
        try:
            with naming(f"{file}: {sign.gloss or 'a sign'}"):
                hamnosys = write(sign)  # SiGML says what no symbol says
                if not hamnosys:
                    raise UserError("no hand does anything in it")
        except UserError as error:
            wrong.append(error)
            continue
        known[hamnosys] = Text(hamnosys, split_of(hamnosys))
    if not known:
        raise UserError(f"no sign can be used: {wrong[0]}")
    return list(known.values()), wrong


def new_texts(texts: Sequence[Text], number: int, seed: int) -> list[Text]:
    """New signs of the train split, put together from parts of its signs, each part from any of them.

    What hangs together stays together: handshape; orientation; symmetry with location; and movements. A sign that
    validation or test has is never made.
    """
    signs = [parse(text.hamnosys) for text in texts if text.split == "train"]
    segments = [sign.segments[0] for sign in signs if len(sign.segments) == 1]
    if len(segments) < 2:
        raise UserError("new signs are put together from parts of others: the train split has fewer than two")
    rng = generator(seed, 2)
    taken = {text.hamnosys for text in texts}
    made: list[Text] = []
    for _ in range(_TRIES * number):
        if len(made) == number:
            break
        hamnosys = _recombined(segments, rng)
        if hamnosys is not None and hamnosys not in taken:
            taken.add(hamnosys)
            made.append(Text(hamnosys, "train"))
    return made


def _recombined(segments: Sequence[Segment], rng: np.random.Generator) -> str | None:
    """A new sign; None where its parts do not go together."""
    of_frame, of_shape, of_turn, of_actions = (segments[i] for i in rng.integers(len(segments), size=4))
    if _is_two_handed(of_frame) != _is_two_handed(of_actions):
        of_actions = of_frame
    posture = of_frame.posture
    for name, source in (("handshape", of_shape), ("direction", of_turn), ("palm", of_turn)):
        value = getattr(source.posture, name)
        if value is not None and _alike(value, getattr(posture, name)):
            posture = replace(posture, **{name: value})
    segment = replace(of_frame, posture=posture, actions=of_actions.actions)
    try:
        hamnosys = write(Sign((segment,)))
        return hamnosys if len(hamnosys) <= LONGEST and write(parse(hamnosys)) == hamnosys else None
    except UserError:
        return None


def _alike(value: Any, other: Any) -> bool:
    return isinstance(value, Pair) == isinstance(other, Pair)


def _is_two_handed(segment: Segment) -> bool:
    posture = segment.posture
    pairs = (posture.handshape, posture.direction, posture.palm, segment.location)
    return segment.symmetry is not None or any(isinstance(each, Pair) for each in pairs)
