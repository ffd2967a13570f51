"""Signs in a row as motion: preparation, strokes, holds, transitions and retraction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from text_to_pose.signing import timing
from text_to_pose.signing.motion import Contact, HandMotion, Motion
from text_to_pose.signing.movement.performing import depth, perform
from text_to_pose.signing.movement.scene import SIDES, Scene, Take
from text_to_pose.signing.movement.sequences import bridged, ends, in_order, starts
from text_to_pose.signing.movement.tracks import ANGLES, BODY, WRIST, Chain, Hold, rotation, row
from text_to_pose.signing.placement.configuration import resting
from text_to_pose.signing.placement.states import initial_states
from text_to_pose.signing.rotations import to_vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Channel
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.placement.touch import Touch
    from text_to_pose.signing.vectors import Array

DEEPEST = 30
"""How deep movements may be nested: brackets, targets, repetitions. Real signs have seven."""
LONGEST = 300.0
"""Seconds that a sign lasts at most. Real ones last three."""
STEADY = 25.0
"""Frames per second at which arms are found, whatever is asked for."""
AT_REST = 0.08
"""Seconds before the first hand moves and after the last has come to rest."""
_CHECKED = 60.0
"""Times per second at which speeds are checked."""
_TOGETHER, _APART = 0.012, 0.022
"""Metres by which places miss each other that touch, and that do not any more."""
_LINGERING = 0.1
"""Seconds before and after the movements of a sign in which what touches in it may touch."""


def choreograph(signs: Sequence[Sign], body: Body, fps: float = 25.0, speed: float = 1.0) -> Motion:
    """What both hands, shoulders and head do in some signs, from rest to rest.

    Args:
        signs: one after the other, with transitions between them.
        body: who signs.
        fps: frames per second; the motion is the same at any rate.
        speed: by how much faster than usual; no hand is ever faster than real ones (`timing.FASTEST`).

    Raises:
        UserError: a sign is nested deeper than `DEEPEST`, or lasts longer than `LONGEST`.
    """
    rest = at_rest(body)
    parts: list[Mapping[Channel, Track]] = [_still(rest, AT_REST / speed)]
    spans, touches = [], []
    now: Mapping[Channel, Array] = rest
    for sign in signs:
        begin = None
        for number, segment in enumerate(sign.segments):
            take = limited(segment_take(segment, body, now, waiting_hands(sign.segments, number)), body, speed)
            parts += way_between(now, starts(take), body, speed)
            begin = _duration(parts) if begin is None else begin
            parts.append(take.tracks)
            touches.append((_duration(parts) - take.duration, _duration(parts), take.scene.touches))
            now = ends(take)
        spans.append((begin or 0.0, _duration(parts)))
        parts.append(_still(now, timing.HOLD / speed))
    parts += [*way_between(now, rest, body, speed), _still(rest, AT_REST / speed)]
    motion, steady = _sampled(parts, spans, touches, fps), None
    if fps != STEADY:
        steady = _sampled(parts, spans, touches, STEADY)
    return replace(motion, steady=steady)


def at_rest(body: Body) -> dict[Channel, Array]:
    """The state of each channel before and after signing."""
    return {**{side: row(resting(side, body)) for side in SIDES}, "body": np.zeros(BODY)}


def waiting_hands(segments: Sequence[Segment], number: int) -> frozenset[HandSide]:
    """The hands that stay where they were in a part of a sign: they have no part in it, but before and after."""
    every = [initial_states(segment) for segment in segments] if len(segments) > 1 else []
    used = [{side for side in SIDES if getattr(states, side) is not None} for states in every]
    before, after = set().union(*used[:number]), set().union(*used[number + 1 :])
    idle = set(SIDES) - used[number] if used else set()
    return frozenset(before & after & idle)


def segment_take(
    segment: Segment,
    body: Body,
    before: Mapping[Channel, Array],
    waiting: frozenset[HandSide],
    performer: Callable[[Action, Scene], Take] = perform,
) -> Take:
    """The strokes of a sign, or of one of its parts.

    Args:
        segment: the part.
        body: who signs.
        before: the state of each channel that it begins after.
        waiting: hands that stay as they were, see `waiting_hands`.
        performer: makes actions into takes.

    Raises:
        UserError: it is nested deeper than `DEEPEST`, or lasts longer than `LONGEST`.
    """
    scene = _scene(segment, body, before, waiting, performer)
    if not segment.actions:
        return scene.held(timing.STILL)
    takes = []
    for action in segment.actions:
        if depth(action) > DEEPEST:
            raise UserError(f"its movements are nested {depth(action)} deep, and those of a sign are at most {DEEPEST}")
        takes.append(scene.perform(action))
        scene = takes[-1].scene
    whole = in_order(takes)
    if whole.duration > LONGEST:
        raise UserError(
            f"it lasts {whole.duration:,.0f} seconds, and a sign lasts at most {LONGEST:.0f}; "
            "it has too many movements, or repetitions of repetitions"
        )
    return whole


def _scene(
    segment: Segment,
    body: Body,
    before: Mapping[Channel, Array],
    waiting: frozenset[HandSide],
    performer: Callable[[Action, Scene], Take],
) -> Scene:
    """The hands as a sign begins."""
    states = initial_states(segment)
    dominant: HandSide = "left" if segment.nondominant else "right"
    nondominant: HandSide = SIDES[1 - SIDES.index(dominant)]
    cast = {dominant: np.ones(3)}
    if segment.symmetry is not None:
        cast[nondominant] = _signs(segment.symmetry)
    scene = Scene(
        body=body,
        states=states,
        now={"body": np.zeros(BODY)},
        cast=cast,
        dominant=dominant,
        performer=performer,
        alternating=segment.symmetry is not None and segment.symmetry.alternating,
        beginning=True,
        unplaced=segment.location is None,
    )
    now: dict[Channel, Array] = {**scene.configured(states), "body": np.zeros(BODY)}
    for side in waiting | {nondominant} if segment.holdover else waiting:
        now[side] = before[side]
    return replace(scene, now=now)


def _signs(symmetry: Symmetry) -> Array:
    """Which axes of the non-dominant hand's movements are mirrored: to the sides, up and down, out and in."""
    sideways = symmetry.mirrored and not symmetry.real_space
    return np.where([sideways, symmetry.up_down, symmetry.out_in], -1.0, 1.0)


def _still(state: Mapping[Channel, Array], duration: float) -> dict[Channel, Track]:
    return {channel: Hold(each, duration) for channel, each in state.items()}


def way_between(
    first: Mapping[Channel, Array], last: Mapping[Channel, Array], body: Body, speed: float
) -> list[Mapping[Channel, Track]]:
    """Preparation, transition or retraction."""
    bridges = bridged(first, last, body)
    if not bridges:
        return []
    scene = Scene(body, None, first, {}, "right", perform)  # ty: ignore[invalid-argument-type]
    return [limited(Take(bridges, scene), body, speed).tracks]


def limited(take: Take, body: Body, speed: float) -> Take:
    """A take at another speed, but as slow as it has to be for hands to be no faster than real ones."""
    times = np.arange(0.0, take.duration + 1 / _CHECKED, 1 / _CHECKED)
    slower = 1 / speed
    for side in SIDES:
        states = take.tracks[side].at(times)
        steps = np.linalg.norm(np.diff(states[:, WRIST], axis=0), axis=1)
        turned = rotation(states)
        turns = np.linalg.norm(to_vector(np.swapaxes(turned[:-1], 1, 2) @ turned[1:]), axis=1)
        bends = np.abs(np.diff(states[:, ANGLES], axis=0))
        fastest = timing.FASTEST * body.shoulder_width
        for each, most in ((steps, fastest), (turns, timing.FASTEST_TURN), (bends, timing.FASTEST_BEND)):
            slower = max(slower, float(each.max(initial=0.0)) * _CHECKED / most)
    return take if slower == 1 else take.timed(take.duration * slower)


def _duration(parts: Sequence[Mapping[Channel, Track]]) -> float:
    return sum(part["body"].duration for part in parts)


def _contacts(motion: Motion, touches: Sequence[tuple[float, float, Sequence[Touch]]]) -> Iterator[Contact]:
    """Contacts, each when the hands make it: from a time to another touch what does so anywhere in that part."""
    times = np.arange(len(motion)) / motion.fps
    hands: dict[HandSide, HandMotion] = {"right": motion.right, "left": motion.left}
    for begin, stop, every in touches:
        near = (times > begin - _LINGERING) & (times < stop + _LINGERING)
        for touch in dict.fromkeys(every):
            missed = np.linalg.norm(touch.misses(hands), axis=-1)
            share = near * np.clip((_APART - missed) / (_APART - _TOGETHER), 0.0, 1.0)
            if share.any():
                yield Contact(touch, share)


def _sampled(
    parts: Sequence[Mapping[Channel, Track]],
    spans: Sequence[tuple[float, float]],
    touches: Sequence[tuple[float, float, Sequence[Touch]]],
    fps: float,
) -> Motion:
    frames = max(2, int(np.floor(_duration(parts) * fps + 1e-6)) + 1)
    times = np.arange(frames) / fps
    every = {channel: Chain([part[channel] for part in parts]).at(times) for channel in ("right", "left", "body")}
    hands = {side: HandMotion(every[side][:, WRIST], rotation(every[side]), every[side][:, ANGLES]) for side in SIDES}
    edges = [(int(np.ceil(begin * fps - 1e-6)), int(np.floor(stop * fps + 1e-6)) + 1) for begin, stop in spans]
    motion = Motion(
        fps,
        hands["right"],
        hands["left"],
        every["body"][:, :6].reshape(-1, 2, 3),
        every["body"][:, 6:],
        tuple((min(begin, frames - 1), min(stop, frames)) for begin, stop in edges),
    )
    return replace(motion, contacts=tuple(_contacts(motion, touches)))
