"""Trees to SiGML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.sigml.action_writer import action_node
from text_to_pose.hamnosys.sigml.place_writer import target_node
from text_to_pose.hamnosys.sigml.posture_writer import posture_nodes
from text_to_pose.hamnosys.sigml.written import Node, flags
from text_to_pose.hamnosys.writer import symbol_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from text_to_pose.hamnosys.nonmanual import Nonmanual
    from text_to_pose.hamnosys.tree import Segment, Sign


def write_sigml(signs: Iterable[Sign], *, symbols: bool = False) -> str:
    """The SiGML file of some signs, to be encoded in UTF-8.

    Args:
        signs: trees.
        symbols: write `hns_sign`, a list of HamNoSys symbols; else `hamgestural_sign`.

    Raises:
        UserError: a sign says what that form cannot.
    """
    nodes = [_symbols(sign) if symbols else _gestural(sign) for sign in signs]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *Node("sigml", {}, nodes).lines(), ""])


def _gloss(sign: Sign) -> dict[str, str]:
    return {"gloss": sign.gloss} if sign.gloss is not None else {}


def _gestural(sign: Sign) -> Node:
    node = Node("hamgestural_sign", _gloss(sign))
    if sign.nonmanual:
        node.children.append(Node("sign_nonmanual", {}, [_nonmanual(tier) for tier in sign.nonmanual]))
    segments = [_segment(segment) for segment in sign.segments]
    node.children += segments if len(segments) == 1 else [Node("sign_manual", {}, segments)]
    return node


def _nonmanual(tier: Nonmanual) -> Node:
    return Node(tier.name, dict(tier.attributes), [_nonmanual(child) for child in tier.children])


def _segment(segment: Segment) -> Node:
    symmetry = segment.symmetry
    attributes = flags({"nondominant": segment.nondominant, "holdover": segment.holdover})
    if symmetry is not None:
        attributes |= flags(
            {
                "both_hands": True,
                "lr_symm": symmetry.mirrored,
                "ud_symm": symmetry.up_down,
                "oi_symm": symmetry.out_in,
                "outofphase": symmetry.alternating,
                "realspace": symmetry.real_space,
            }
        )
    node = Node("sign_manual", attributes, posture_nodes(segment.posture))
    if segment.location is not None:
        node.children.append(target_node(segment.location))
    node.children += [action_node(action) for action in segment.actions]
    return node


def _symbols(sign: Sign) -> Node:
    node = Node("hns_sign", _gloss(sign))
    if sign.nonmanual:
        node.children.append(Node("hamnosys_nonmanual", {}, [_nonmanual(tier) for tier in sign.nonmanual]))
    node.children.append(Node("hamnosys_manual", {}, [Node(name) for name in symbol_names(sign)]))
    return node
