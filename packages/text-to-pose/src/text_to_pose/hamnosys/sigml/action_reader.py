"""Motions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from text_to_pose.hamnosys.directions import COMPASS
from text_to_pose.hamnosys.movements import (
    Alternating,
    Arc,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossKind,
    CrossMovement,
    Ellipse,
    FingerPlay,
    Manner,
    NoMovement,
    Parallel,
    Repeated,
    Repetition,
    RepetitionKind,
    Replace,
    Sequence,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
    Zigzag,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import BodyPlace, Surface
from text_to_pose.hamnosys.sigml.attributes import Attributes
from text_to_pose.hamnosys.sigml.place_reader import TARGETS, read_location, read_target
from text_to_pose.hamnosys.sigml.posture_reader import HANDCONFIGS, read_posture
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
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.hamnosys.sigml.elements import Element

_POINTS = {each.value: each for each in COMPASS}


def read_action(element: Element) -> Action:
    """A motion.

    Raises:
        UserError: an unknown element or attribute, with its line, or one that is malformed.
    """
    if element.tag not in _READERS:
        raise element.error(f"unknown element <{element.tag}>; expected a motion")
    attributes = Attributes(element)
    alternating = attributes.flag("alternating")
    action = _READERS[element.tag](attributes)
    attributes.finish()
    return Alternating(action) if alternating else action


def _manner(attributes: Attributes) -> Manner:
    fast, slow, tense = attributes.flag("fast"), attributes.flag("slow"), attributes.flag("tense")
    return Manner(fast, slow, tense, attributes.flag("rest"), attributes.flag("halt"), speed=attributes.number("speed"))


def _brushing(action: Action, element: Element) -> Action:
    """What a motion brushes is its child."""
    element.has_children(0, 1)
    at = read_location(element.children[0]) if element.children else None
    return action if at is None else Brushing(action, at)


def _ellipse(attributes: Attributes) -> Ellipse | None:
    direction = attributes.choice("ellipse_direction", ELLIPSES)
    return Ellipse(direction) if direction is not None else None


def _zigzag(attributes: Attributes) -> Zigzag | None:
    style = attributes.choice("zigzag_style", ZIGZAGS)
    size = attributes.choice("zigzag_size", SIZES)
    return Zigzag(style, size) if style is not None else None


def _needed(attributes: Attributes, name: str) -> Exception:
    return attributes.element.error(f"<{attributes.element.tag}> lacks the attribute {name!r}")


def _straight(attributes: Attributes) -> Action:
    direction, between = attributes.direction("direction")
    if direction is None:
        raise _needed(attributes, "direction")
    curve = attributes.choice("curve", {each.value: each for each in COMPASS if len(each.value) == 1})
    curve_size = attributes.choice("curve_size", SIZES)
    movement = StraightMovement(
        direction,
        attributes.choice("size", SIZES),
        between,
        attributes.choice("second_size", SIZES),
        Arc(curve, curve_size) if curve is not None else None,
        _zigzag(attributes),
        _ellipse(attributes),
        attributes.choice("incrdecr", GROWTHS),
        _manner(attributes),
    )
    return _brushing(movement, attributes.element)


def _circular(attributes: Attributes) -> Action:
    axis, between = attributes.direction("axis")
    if axis is None:
        raise _needed(attributes, "axis")
    movement = CircularMovement(
        axis,
        attributes.choice("size", SIZES),
        between,
        attributes.choice("second_size", SIZES),
        attributes.choice("start", _POINTS),
        attributes.flag("clockplus") + attributes.flag("second_clockplus"),
        attributes.choice("end", _POINTS),
        _ellipse(attributes),
        _zigzag(attributes),
        attributes.choice("incrdecr", GROWTHS),
        _manner(attributes),
    )
    return _brushing(movement, attributes.element)


def _wrist(attributes: Attributes) -> Action:
    kind = attributes.choice("motion", WRIST_MOVEMENTS)
    if kind is None:
        raise _needed(attributes, "motion")
    movement = WristMovement(kind, attributes.choice("size", SIZES), _manner(attributes))
    return _brushing(movement, attributes.element)


def _fingers(attributes: Attributes) -> Action:
    return _brushing(FingerPlay(attributes.digits("digits"), _manner(attributes)), attributes.element)


def _cross(attributes: Attributes) -> Action:
    size = attributes.choice("size", SIZES)
    return _brushing(CrossMovement(CrossKind.PLUS, size, _manner(attributes)), attributes.element)


def _none(attributes: Attributes) -> Action:
    attributes.element.has_children(0)
    return NoMovement(_manner(attributes))


def _sequence(attributes: Attributes) -> Action:
    actions = _children(attributes.element)
    fused = attributes.flag("fused")
    return actions[0] if len(actions) == 1 else Sequence(actions, fused)


def _parallel(attributes: Attributes) -> Action:
    actions = _children(attributes.element)
    return actions[0] if len(actions) == 1 else Parallel(actions)


def _split(attributes: Attributes) -> Action:
    attributes.element.has_children(2)
    dominant, nondominant = _children(attributes.element)
    return Split(Pair(dominant, nondominant))


def _children(element: Element) -> tuple[Action, ...]:
    if not element.children:
        raise element.error(f"<{element.tag}> holds no motion")
    return tuple(read_action(child) for child in element.children)


def _repeated(attributes: Attributes) -> Action:
    kind = attributes.choice("repetition", REPETITIONS)
    if kind is None:
        attributes.element.notify("<rpt_motion> does not say how it repeats; it is taken for once more from the start")
        kind = RepetitionKind.FROM_START
    second = attributes.choice("second_repetition", REPETITIONS)
    shift_by, between = attributes.direction("repetition_baseshift")
    size = attributes.choice("baseshift_size", SIZES)
    shift = StraightMovement(shift_by, size, between) if shift_by is not None else None
    repetition = Repetition(kind, second, shift, attributes.choice("repetition_incrdecr", GROWTHS))
    actions = _children(attributes.element)
    return Repeated(actions[0] if len(actions) == 1 else Sequence(actions), repetition)


def _targeted(attributes: Attributes) -> Action:
    """`tgt_motion`: a change of posture, a motion that ends somewhere, or both in one."""
    element = attributes.element
    manner = _manner(attributes)
    changes = [child for child in element.children if child.tag == "changeposture"]
    configs = [child for child in element.children if child.tag in HANDCONFIGS]
    targets = [child for child in element.children if child.tag in TARGETS]
    known = {"changeposture", *HANDCONFIGS, *TARGETS}
    motions = [read_action(child) for child in element.children if child.tag not in known]
    if len(motions) + bool(changes or configs) > 1 or len(targets) > 1:
        raise element.error("<tgt_motion> holds more than one motion and one place")
    for change in changes:
        Attributes(change).finish()
        change.has_children(0)
    if motions:
        action = motions[0]
        if manner != Manner():
            if not hasattr(action, "manner"):
                raise element.error("<tgt_motion> says how its motion is done, and its motion is made of several")
            action = dataclasses.replace(action, manner=manner)
    else:
        posture, growth = read_posture(configs)
        action = Replace(posture, growth, manner)
    target = read_target(targets[0]) if targets else None
    return Targeted(action, target) if target is not None else action


def _body(attributes: Attributes) -> Action:
    """`nonman_motion`: another part of the body moves."""
    element = attributes.element
    first, *rest = element.children or [element]
    if first.tag != "handconfig" or not rest:
        raise element.error("<nonman_motion> holds no <handconfig bodypart=...> and its motion")
    part = Attributes(first)
    site = part.choice("bodypart", BODY_SITES)
    where = part.choice("side", {**SIDES, **SURFACES})
    part.finish()
    if site is None:
        raise _needed(part, "bodypart")
    side, surface = (None, where) if isinstance(where, Surface) else (where, None)
    return BodyAction(BodyPlace(site, side, surface), tuple(read_action(child) for child in rest))


_READERS: dict[str, Callable[[Attributes], Action]] = {
    "directedmotion": _straight,
    "circularmotion": _circular,
    "wristmotion": _wrist,
    "fingerplay": _fingers,
    "crossmotion": _cross,
    "nomotion": _none,
    "no_motion": _none,
    "seq_motion": _sequence,
    "par_motion": _parallel,
    "split_motion": _split,
    "rpt_motion": _repeated,
    "tgt_motion": _targeted,
    "nonman_motion": _body,
}
