"""Movements to elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.movements import (
    Alternating,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossKind,
    CrossMovement,
    FingerPlay,
    Manner,
    NoMovement,
    Parallel,
    Repeated,
    Replace,
    Sequence,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
)
from text_to_pose.hamnosys.places import BodySite
from text_to_pose.hamnosys.sigml.place_writer import location_node, target_node
from text_to_pose.hamnosys.sigml.posture_writer import digits_text, posture_nodes
from text_to_pose.hamnosys.sigml.unwritable import no_attribute
from text_to_pose.hamnosys.sigml.vocabulary import (
    BODY_SITES,
    ELLIPSES,
    GROWTHS,
    REPETITIONS,
    SIDES,
    SIZES,
    SURFACES,
    WRIST_MOVEMENTS,
    ZIGZAGS,
    name_of,
)
from text_to_pose.hamnosys.sigml.written import Node, flags

if TYPE_CHECKING:
    import enum
    from collections.abc import Callable, Mapping

    from text_to_pose.hamnosys.movements import Action


def action_node(action: Action) -> Node:
    """The element of a movement.

    Raises:
        UserError: SiGML has no element or attribute for it.
    """
    return _WRITERS[type(action)](action)


def _given(**attributes: tuple[Mapping[str, enum.Enum], enum.Enum | None]) -> dict[str, str]:
    """Attributes by what they mean; those of nothing are left out."""
    return {name: name_of(kinds, value) for name, (kinds, value) in attributes.items() if value is not None}


def _manner(manner: Manner) -> dict[str, str]:
    if manner.degree is not None:
        raise no_attribute("how much faster, slower, tenser or sharper a movement is")
    attributes = flags({name: getattr(manner, name) for name in ("fast", "slow", "tense", "rest", "halt")})
    return attributes | ({"speed": f"{manner.speed:g}"} if manner.speed is not None else {})


def _path(action: StraightMovement | CircularMovement) -> dict[str, str]:
    if action.ellipse is not None and action.ellipse.size is not None:
        raise no_attribute("the size of an ellipse")
    return _given(
        size=(SIZES, action.size),
        second_size=(SIZES, action.between_size),
        zigzag_style=(ZIGZAGS, action.zigzag.style if action.zigzag is not None else None),
        zigzag_size=(SIZES, action.zigzag.size if action.zigzag is not None else None),
        ellipse_direction=(ELLIPSES, action.ellipse.direction if action.ellipse is not None else None),
        incrdecr=(GROWTHS, action.growth),
    ) | _manner(action.manner)


def _straight(action: StraightMovement) -> Node:
    attributes = {"direction": action.direction.value}
    attributes |= {"second_direction": action.between.value} if action.between is not None else {}
    if action.arc is not None:
        attributes |= {"curve": action.arc.direction.value} | _given(curve_size=(SIZES, action.arc.size))
    return Node("directedmotion", attributes | _path(action))


def _circular(action: CircularMovement) -> Node:
    attributes = {"axis": action.axis.value}
    attributes |= {"second_axis": action.between.value} if action.between is not None else {}
    attributes |= {"start": action.start.value} if action.start is not None else {}
    attributes |= flags({"clockplus": action.turns > 0, "second_clockplus": action.turns > 1})
    attributes |= {"end": action.end.value} if action.end is not None else {}
    return Node("circularmotion", attributes | _path(action))


def _wrist(action: WristMovement) -> Node:
    attributes = _given(motion=(WRIST_MOVEMENTS, action.kind), size=(SIZES, action.size))
    return Node("wristmotion", attributes | _manner(action.manner))


def _fingers(action: FingerPlay) -> Node:
    digits = {"digits": digits_text(action.fingers)} if action.fingers else {}
    return Node("fingerplay", digits | _manner(action.manner))


def _cross(action: CrossMovement) -> Node:
    if action.kind is not CrossKind.PLUS:
        raise no_attribute("a slanting cross")
    return Node("crossmotion", _given(size=(SIZES, action.size)) | _manner(action.manner))


def _none(action: NoMovement) -> Node:
    return Node("nomotion", _manner(action.manner))


def _replace(action: Replace) -> Node:
    postures = posture_nodes(action.posture, action.growth)
    return Node("tgt_motion", _manner(action.manner), [Node("changeposture"), *postures])


def _sequence(action: Sequence) -> Node:
    return Node("seq_motion", flags({"fused": action.fused}), [action_node(each) for each in action.actions])


def _parallel(action: Parallel) -> Node:
    return Node("par_motion", {}, [action_node(each) for each in action.actions])


def _split(action: Split) -> Node:
    hands = (action.hands.dominant, action.hands.nondominant)
    return Node("split_motion", {}, [action_node(each) if each is not None else Node("nomotion") for each in hands])


def _targeted(action: Targeted) -> Node:
    target = target_node(action.target)
    if isinstance(action.action, Replace):
        node = action_node(action.action)
        node.children.append(target)
        return node
    return Node("tgt_motion", {}, [action_node(action.action), target])


def _brushing(action: Brushing) -> Node:
    if not isinstance(action.action, StraightMovement | CircularMovement | WristMovement | FingerPlay | CrossMovement):
        raise no_attribute("a brushing movement that is made of several, or changes the posture")
    node = action_node(action.action)
    node.children.append(location_node(action.at))
    return node


def _repeated(action: Repeated) -> Node:
    repetition, shift = action.repetition, action.repetition.shift
    attributes = _given(
        repetition=(REPETITIONS, repetition.kind),
        second_repetition=(REPETITIONS, repetition.second),
        repetition_incrdecr=(GROWTHS, repetition.growth),
        baseshift_size=(SIZES, shift.size if shift is not None else None),
    )
    if shift is not None:
        if shift != StraightMovement(shift.direction, shift.size, shift.between):
            raise no_attribute("repetitions that shift otherwise than along a line")
        attributes["repetition_baseshift"] = shift.direction.value
        attributes |= {"second_repetition_baseshift": shift.between.value} if shift.between is not None else {}
    return Node("rpt_motion", attributes, [action_node(action.action)])


def _alternating(action: Alternating) -> Node:
    node = action_node(action.action)
    if "alternating" in node.attributes:
        raise no_attribute("a movement that alternates twice")
    node.attributes["alternating"] = "true"
    return node


def _body(action: BodyAction) -> Node:
    part = action.part
    marked = part.mark is not None or part.approximate or (part.side is not None and part.surface is not None)
    if marked or part.site is BodySite.NEUTRAL_SPACE:
        raise no_attribute("such a part of the body that moves")
    attributes = _given(bodypart=(BODY_SITES, part.site), side=(SIDES, part.side))
    attributes |= _given(side=(SURFACES, part.surface))
    return Node("nonman_motion", {}, [Node("handconfig", attributes), *map(action_node, action.actions)])


_WRITERS: dict[type, Callable[..., Node]] = {
    StraightMovement: _straight,
    CircularMovement: _circular,
    WristMovement: _wrist,
    FingerPlay: _fingers,
    CrossMovement: _cross,
    NoMovement: _none,
    Replace: _replace,
    Sequence: _sequence,
    Parallel: _parallel,
    Split: _split,
    Targeted: _targeted,
    Brushing: _brushing,
    Repeated: _repeated,
    Alternating: _alternating,
    BodyAction: _body,
}
