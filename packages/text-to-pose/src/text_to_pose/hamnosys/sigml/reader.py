"""SiGML to trees: `hamgestural_sign`, and `hns_sign`, whose elements are HamNoSys symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core import UserError
from text_to_pose.hamnosys.nonmanual import Nonmanual
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.action_reader import read_action
from text_to_pose.hamnosys.sigml.attributes import Attributes
from text_to_pose.hamnosys.sigml.elements import read_xml
from text_to_pose.hamnosys.sigml.place_reader import TARGETS, read_target
from text_to_pose.hamnosys.sigml.posture_reader import HANDCONFIGS, read_posture
from text_to_pose.hamnosys.sigml.vocabulary import NONMANUAL_ATTRIBUTES, NONMANUAL_PARTS, NONMANUAL_TIERS
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry

if TYPE_CHECKING:
    from text_to_pose.hamnosys.sigml.elements import Element


@dataclass(frozen=True)
class BadSign:
    """A sign of a file that could not be read: its gloss, if it has one, and why."""

    gloss: str | None
    error: UserError


def read_sigml(data: bytes, path: str) -> list[Sign | BadSign]:
    """The signs of a SiGML file; a bad one among them does not spoil the others.

    Args:
        data: the file's bytes.
        path: its name, for messages.

    Raises:
        UserError: the file is no SiGML, or has no sign.
    """
    root = read_xml(data, path)
    if root.tag in _READERS:
        signs = [root]
    elif root.tag == "sigml":
        Attributes(root).finish()
        signs = root.children
    else:
        raise root.error(f"no SiGML: the outermost element is <{root.tag}>, not <sigml>")
    if not signs:
        raise root.error("<sigml> holds no sign")
    return [_tolerant(sign) for sign in signs]


def _tolerant(element: Element) -> Sign | BadSign:
    try:
        if element.tag not in _READERS:
            raise element.error(f"unknown element <{element.tag}>; expected {' or '.join(_READERS)}")
        return _READERS[element.tag](element)
    except UserError as error:
        return BadSign(element.attributes.get("gloss"), error)


def _gestural(element: Element) -> Sign:
    attributes = Attributes(element)
    gloss = attributes.text("gloss")
    attributes.finish()
    segments: list[Segment] = []
    tiers: list[Nonmanual] = []
    for child in element.children:
        if child.tag == "sign_manual":
            segments += _manual(child)
        elif child.tag == "sign_nonmanual":
            Attributes(child).finish()
            tiers += [_nonmanual(tier, NONMANUAL_TIERS) for tier in child.children]
        else:
            raise child.error(f"unknown element <{child.tag}>; expected sign_manual or sign_nonmanual")
    if not segments:
        raise element.error("the sign has no <sign_manual>: the hands do nothing")
    return Sign(tuple(segments), gloss, tuple(tiers))


def _nonmanual(element: Element, known: set[str]) -> Nonmanual:
    if element.tag not in known:
        raise element.error(f"unknown element <{element.tag}> in <sign_nonmanual>")
    for name in element.attributes:
        if name not in NONMANUAL_ATTRIBUTES:
            raise element.error(f"<{element.tag}> has an unknown attribute {name!r}")
    children = tuple(_nonmanual(child, NONMANUAL_PARTS) for child in element.children)
    return Nonmanual(element.tag, tuple(sorted(element.attributes.items())), children)


def _manual(element: Element) -> list[Segment]:
    """The segments of a sign: `sign_manual` is one, or holds several."""
    inner = [child for child in element.children if child.tag == "sign_manual"]
    if not inner:
        return [_segment(element)]
    Attributes(element).finish()
    if len(inner) < len(element.children):
        other = next(child for child in element.children if child.tag != "sign_manual")
        raise other.error(f"<{other.tag}> beside the parts of a <sign_manual>")
    return [segment for child in inner for segment in _manual(child)]


def _segment(element: Element) -> Segment:
    attributes = Attributes(element)
    both = attributes.flag("both_hands")
    flags = {name: attributes.flag(short) for name, short in _SYMMETRIES.items()}
    nondominant, holdover = attributes.flag("nondominant"), attributes.flag("holdover")
    attributes.finish()
    if any(flags.values()) and not both:
        raise element.error("<sign_manual> says how the hands are symmetric, but not both_hands")
    configs = [child for child in element.children if child.tag in HANDCONFIGS]
    posture, growth = read_posture(configs)
    if growth is not None:
        raise configs[0].error("fingers change one by one (successivefingers) where nothing changes")
    places = [child for child in element.children if child.tag in TARGETS]
    if len(places) > 1:
        places[-1].notify("the start has a second location; the first is left out")
    motions = [child for child in element.children if child.tag not in HANDCONFIGS | TARGETS]
    return Segment(
        posture,
        read_target(places[-1]) if places else None,
        tuple(read_action(child) for child in motions),
        Symmetry(**flags) if both else None,
        nondominant,
        holdover,
    )


_SYMMETRIES = {
    "mirrored": "lr_symm",
    "up_down": "ud_symm",
    "out_in": "oi_symm",
    "alternating": "outofphase",
    "real_space": "realspace",
}


def _symbols(element: Element) -> Sign:
    """`hns_sign`: a list of HamNoSys symbols."""
    attributes = Attributes(element)
    gloss = attributes.text("gloss")
    attributes.finish()
    names: list[str] = []
    tiers: list[Nonmanual] = []
    for child in element.children:
        if child.tag == "hamnosys_manual":
            names += [_symbol(symbol) for symbol in child.children]
        elif child.tag == "hamnosys_nonmanual":
            tiers += [_old_nonmanual(tier) for tier in child.children]
        else:
            raise child.error(f"unknown element <{child.tag}>; expected hamnosys_manual or hamnosys_nonmanual")
    try:
        segments = parse(" ".join(names)).segments
    except UserError as error:
        raise element.error(str(error)) from error
    return Sign(segments, gloss, tuple(tiers))


def _symbol(element: Element) -> str:
    Attributes(element).finish()
    element.has_children(0)
    if not element.tag.startswith("ham"):
        raise element.error(f"unknown element <{element.tag}>; expected a HamNoSys symbol's name")
    return element.tag


def _old_nonmanual(element: Element) -> Nonmanual:
    if not element.tag.startswith("hnm_"):
        raise element.error(f"unknown element <{element.tag}>; expected hnm_...")
    element.has_children(0)
    for name in element.attributes:
        if name not in {"tag", "picture"}:
            raise element.error(f"<{element.tag}> has an unknown attribute {name!r}")
    return Nonmanual(element.tag, tuple(sorted(element.attributes.items())))


_READERS = {"hamgestural_sign": _gestural, "hns_sign": _symbols}
