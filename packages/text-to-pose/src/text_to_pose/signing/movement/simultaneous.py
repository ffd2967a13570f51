"""Actions at the same time: of one hand, of both, or of each its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from text_to_pose.hamnosys.movements import (
    BodyAction,
    Brushing,
    CircularMovement,
    FingerPlay,
    NoMovement,
    Parallel,
    Repeated,
    Replace,
    Sequence,
    StraightMovement,
    Targeted,
    WristMovement,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.signing import timing
from text_to_pose.signing.frame import vector
from text_to_pose.signing.movement.postures import replacements
from text_to_pose.signing.movement.scene import SIDES
from text_to_pose.signing.movement.targets import alone, own_actions
from text_to_pose.signing.movement.tracks import WRIST, Added, Hold, Timed, Together, longer

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Action, Split
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Channel, Scene, Take
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.vectors import Array

_SHORTEST_SWING = 0.45
"""Seconds: a movement that a swing or finger play accompanies lasts at least so long."""
_ALIKE = 1.7
"""Movements of both hands whose durations differ by less are made to last as long; else one waits for the other."""


def parallel(action: Parallel, scene: Scene) -> Take:
    """Movements of the same hands at the same time, as long as the longest.

    A target of one of them is that of all: it is reached with the new posture. What swings or plays lasts as long as
    what moves.
    """
    reaching = [each for each in action.actions if isinstance(each, Targeted)]
    if len(reaching) == 1:
        free = tuple(each.action if isinstance(each, Targeted) else each for each in action.actions)
        return scene.perform(Targeted(Parallel(free), reaching[0].target))
    parts = _in_turn(action.actions)
    swings = [each for each in parts if swings_only(each)]
    others = sorted((each for each in parts if each not in swings), key=lambda each: not isinstance(each, Replace))
    moving = [each for each in others if not isinstance(each, (Replace, BodyAction, NoMovement))]
    posed = any(True for each in others for _ in replacements(each))
    main = moving[-1] if moving else (others[0] if others else None)
    takes: list[tuple[Action, Take]] = []
    current = scene
    for each in others:
        turning = bool(moving) and isinstance(each, Replace)
        own = replace(
            current,
            now=scene.now,
            beginning=scene.beginning,
            unplaced=scene.unplaced,
            goal=_turned_only(scene) if turning else scene.goal if each is main else None,
            wrist_only=scene.wrist_only or (posed and len(others) > 1 and each in moving),
            away=frozenset(SIDES) if turning else current.away,
        )
        take = own.perform(each)
        takes.append((each, take))
        current = replace(scene, states=take.scene.states, away=take.scene.away if each in moving else current.away)
    duration = max((take.duration for _, take in takes), default=0.0)
    if swings and takes:
        duration = max(duration, _SHORTEST_SWING)
    fitting = duration or None
    for each in swings:
        take = replace(scene, fitting=fitting, goal=None, states=current.states).perform(each)
        takes.append((each, take))
        duration = max(duration, take.duration)
    # Paths first: the first of them says where the hand begins.
    takes.sort(key=lambda pair: (pair[0] in swings, pair[0] not in moving))
    tracks: dict[Channel, Track] = {side: _merged(side, [take for _, take in takes], duration) for side in SIDES}
    tracks["body"] = Added([take.timed(duration).tracks["body"] for _, take in takes])
    return scene.taken(tracks, states=current.states, away=current.away)


def _turned_only(scene: Scene) -> dict[HandSide, Array] | None:
    """The goal of a change of posture beside a path: its wrist is that path's."""
    if scene.goal is None:
        return None
    turned = {side: scene.goal[side].copy() for side in SIDES}
    for side, state in turned.items():
        state[WRIST] = scene.now[side][WRIST]
    return turned


def _merged(side: Channel, takes: list[Take], duration: float) -> Track:
    moving = [take.tracks[side] for take in takes if not isinstance(take.tracks[side], Hold)]
    if not moving:
        return longer(takes[0].tracks[side], duration)
    fitted: list[Track] = [each if each.duration == duration else Timed(each, duration) for each in moving]
    return fitted[0] if len(fitted) == 1 else Together(fitted)


def _in_turn(actions: tuple[Action, ...]) -> list[Action]:
    """Straight movements that cannot be at the same time become a sequence: out and in again, or three and more.

    Brackets around what each hand does (`{a b + c d}`) leave no other way to write them. One that is said twice, once
    with what it brushes, is one.
    """
    brushing = [each.action for each in actions if isinstance(each, Brushing)]
    actions = tuple(each for each in actions if each not in brushing)
    lines = [each for each in actions if isinstance(each, StraightMovement)]
    opposed = any(vector(a.direction) @ vector(b.direction) < -0.3 for a, b in pairwise(lines))
    if not opposed and len(lines) < 3:
        return list(actions)
    others: list[Action] = [each for each in actions if not isinstance(each, StraightMovement)]
    return [Sequence(tuple(lines)), *others]


def swings_only(action: Action) -> bool:
    """Whether a hand stays where it is and ends as it began: swings of the wrist, finger play, repeated or not."""
    if isinstance(action, Repeated):
        return swings_only(action.action)
    return isinstance(action, (WristMovement, FingerPlay))


def is_cyclic(action: Action) -> bool:
    """Whether an action goes round or to and fro, so that a hand can be half a cycle behind without waiting."""
    if isinstance(action, Repeated):
        return is_cyclic(action.action)
    parts = getattr(action, "actions", None)
    if parts is not None and not isinstance(action, (Sequence, BodyAction)):
        return all(is_cyclic(each) or isinstance(each, NoMovement) for each in parts)
    return isinstance(action, CircularMovement) or swings_only(action)


def split(action: Split, scene: Scene) -> Take:
    """Each hand does its own; two changes of posture are one, in which hands that touch stay together."""
    both = _one_change(action)
    if both is not None and len(scene.cast) == 1:
        return scene.perform(both)
    takes: dict[Channel, Take] = {}
    states, away, body = scene.states, scene.away, []
    for side, own in own_actions(action, scene):
        if own is None:
            continue
        mine = alone(replace(scene, states=states, away=away), side)
        take = mine.perform(own)
        takes[side] = take
        states, away = take.scene.states, take.scene.away
        body.append(take.tracks["body"])
    tracks: dict[Channel, Track] = {side: take.tracks[side] for side, take in takes.items()}
    lasting = [track.duration for track in tracks.values() if not isinstance(track, Hold)]
    duration = max(lasting or [timing.STILL])
    for side, track in tracks.items():
        if isinstance(track, Hold):
            tracks[side] = Hold(track.state, duration)
        elif track.duration < duration:
            alike = duration < _ALIKE * track.duration
            tracks[side] = Timed(track, duration) if alike else longer(track, duration)
    tracks["body"] = Added([longer(each, duration) for each in body])
    return scene.taken(tracks, states=states, away=away)


def _one_change(action: Split) -> Replace | None:
    """What both hands change to, if that is all they do."""
    first, second = action.hands.dominant, action.hands.nondominant
    if not isinstance(first, Replace) or not isinstance(second, Replace):
        return None
    values = []
    for name in ("handshape", "direction", "palm"):
        one, other = getattr(first.posture, name), getattr(second.posture, name)
        if isinstance(one, Pair) or isinstance(other, Pair):
            return None
        values.append(None if one is None and other is None else Pair(one, other))
    if (first.growth, first.manner) != (second.growth, second.manner):
        return None
    return Replace(Posture(*values), first.growth, first.manner)
