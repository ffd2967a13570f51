"""Movements that end at a place, and movements that brush one on their way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import Split
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.places import Constellation, Contact, ContactKind, HandPlace, Location
from text_to_pose.signing.movement.paths import line
from text_to_pose.signing.movement.postures import replacements, with_posture
from text_to_pose.signing.movement.scene import SIDES
from text_to_pose.signing.movement.tracks import ROTATION, WRIST, Chain, Moved, Stroke, Together
from text_to_pose.signing.placement.states import located

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.movements import Action, Brushing, Target, Targeted
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Scene, Take
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.placement.states import States
    from text_to_pose.signing.vectors import Array

_TOWARDS = 0.5
"""A bare contact is what a movement ends in if that is at least such a share of its way ahead."""
_TOUCHES = 0.02
"""Metres from where it would touch a place at which a hand does."""
_MISSED = 0.003
"""Metres by which the end of a movement may miss its goal before that is made up on the way."""


def targeted(action: Targeted, scene: Scene) -> Take:
    """A movement with its own shape that ends as its target says."""
    states = _located(_after(action.action, scene), action.target, scene)

    def led(side: HandSide) -> Array:
        return replace(scene, goal=None, wrist_only=True).perform(action.action).tracks[side].end

    goal = _where_hands_are(scene.configured(states), states, action.target, scene, led)
    if _is_bare(action.target) and not scene.unplaced:
        free = replace(scene, goal=None).perform(action.action)
        if not _is_on_the_way(goal, free, scene):
            if len(scene.cast) == 1:
                return free
            states = _facing_each_other(states, action.target)
            goal = _where_hands_are(scene.configured(states), states, action.target, scene, led)
    if scene.wrist_only:
        goal = {side: _turned_as(goal[side], scene.now[side]) for side in SIDES}
    take = replace(scene, goal=goal).perform(action.action)
    tracks = dict(take.tracks)
    for side in SIDES:
        if side in scene.cast or (scene.hand(side) is None and getattr(states, side) is not None):
            tracks[side] = _made_up(tracks[side], goal[side])
    return scene.taken(tracks, states=states, away=scene.away - set(scene.cast))


def _is_bare(target: Target) -> bool:
    """Whether a target only says how near: to the place where the hand was, or of the hands to each other."""
    return isinstance(target, Constellation) and target.hands is None and target.location is None


def _is_on_the_way(goal: dict[HandSide, Array], free: Take, scene: Scene) -> bool:
    """Whether a movement leads towards a goal, so that it may end there."""
    for side in scene.cast:
        begin = scene.now[side][WRIST]
        way, wanted = free.tracks[side].end[WRIST] - begin, goal[side][WRIST] - begin
        if way @ wanted < _TOWARDS * way @ way:
            return False
    return True


def _facing_each_other(states: States, target: Target) -> States:
    """The hands as near to each other as a bare contact says, wherever they are."""
    hands = {side: replace(state, location=None) for side in SIDES if (state := getattr(states, side)) is not None}
    return replace(states, constellation=target, **hands)


def _after(action: Action, scene: Scene) -> States:
    """The postures of the hands when an action is over."""
    if isinstance(action, Split):
        for side, own in own_actions(action, scene):
            if own is not None:
                scene = replace(scene, states=_after(own, alone(scene, side)))
        return scene.states
    for posture in replacements(action):
        scene = replace(scene, states=with_posture(scene, posture))
    return scene.states


def own_actions(action: Split, scene: Scene) -> list[tuple[HandSide, Action | None]]:
    """Which hand does which of two actions."""
    nondominant: HandSide = SIDES[1 - SIDES.index(scene.dominant)]
    return [(scene.dominant, action.hands.dominant), (nondominant, action.hands.nondominant)]


def alone(scene: Scene, side: HandSide) -> Scene:
    """The scene of one hand: directions are what they say for it."""
    return replace(scene, cast={side: np.ones(3)}, alternating=False)


def _located(states: States, target: Target, scene: Scene) -> States:
    """The hands of a scene at a target; only those that act."""
    if scene.dominant not in scene.cast and not isinstance(target, (Pair, Constellation)):
        target = Pair(None, target)
    new = located(states, target)
    # A hand that does not act stays where it is; one that has not signed may come to be touched.
    kept = {side: getattr(states, side) for side in SIDES if side not in scene.cast and scene.hand(side) is not None}
    return replace(new, **kept)


def _where_hands_are(
    goal: dict[HandSide, Array], states: States, target: Target, scene: Scene, led: Callable[[HandSide], Array]
) -> dict[HandSide, Array]:
    """Goals that say only how the hands are to each other, moved to where the hands are.

    One that acts alone comes to the other; two meet halfway between where their movements have `led` them.
    """
    if scene.unplaced or states.right is None or states.left is None or not _is_at_hands(target, states):
        return goal
    other = [side for side in SIDES if side not in scene.cast]
    if other and scene.hand(other[0]) is None:
        return goal
    if other:
        by = scene.now[other[0]][WRIST] - goal[other[0]][WRIST]
    else:
        by = np.mean([led(side)[WRIST] - goal[side][WRIST] for side in SIDES], axis=0)
    moved = {side: state.copy() for side, state in goal.items()}
    for state in moved.values():
        state[WRIST] += by
    return moved


def _is_at_hands(target: Target, states: States) -> bool:
    """Whether a target is the other hand, or both hands are to come to each other, wherever that is."""
    if isinstance(target, Constellation):
        return target.location is None and states.constellation is not None
    return isinstance(target, Location) and isinstance(target.place, HandPlace)


def _turned_as(goal: Array, now: Array) -> Array:
    kept = now.copy()
    kept[WRIST] = goal[WRIST]
    return kept


def _made_up(track: Track, goal: Array) -> Track:
    """A track that ends at a goal: what it misses is made up over all of it."""
    last = track.end
    if np.abs(goal[WRIST] - last[WRIST]).max() < _MISSED and np.abs(goal[ROTATION] - last[ROTATION]).max() < 0.05:
        return track
    duration = max(track.duration, 0.25)
    return Together([track, Stroke(last, goal, line(goal[WRIST] - last[WRIST]), duration)])


def brushed(action: Brushing, scene: Scene) -> Take:
    """A movement in whose middle the hand touches a place; one on a hand that is alone is met by its own fingers."""
    take = scene.perform(action.action)
    if isinstance(action.at.place, HandPlace) and (scene.states.right is None or scene.states.left is None):
        return take
    states = _located(take.scene.states, _touched(action.at), scene)

    def middle(side: HandSide) -> Array:
        track = take.tracks[side]
        return track.at(np.array([track.duration / 2]))[0]

    touching = _where_hands_are(scene.configured(states), states, action.at, scene, middle)
    tracks = dict(take.tracks)
    for side in scene.cast:
        missing = touching[side][WRIST] - middle(side)[WRIST]
        if not scene.unplaced and np.linalg.norm(touching[side][WRIST] - tracks[side].start[WRIST]) < _TOUCHES:
            continue  # it brushes the place from its start on
        before = _before(tracks[side], missing, scene)
        tracks[side] = _by_way_of(Moved(tracks[side], before), missing - before)
    return scene.taken(tracks, states=take.scene.states, away=take.scene.away)


def _before(track: Track, missing: Array, scene: Scene) -> Array:
    """By how much a movement begins elsewhere, (3,), so that its middle is at a place that it brushes.

    One without a place begins where it likes, the first one of a sign so much before the place.
    """
    if scene.unplaced:
        return missing
    way = track.end[WRIST] - track.start[WRIST]
    length = float(np.linalg.norm(way))
    if not scene.beginning or length < _TOUCHES:
        return np.zeros(3)
    along: Array = way / length * (missing @ way) / length
    return along


def _touched(at: Location) -> Location:
    return at if at.contact is not None else replace(at, contact=Contact(ContactKind.TOUCH))


def _by_way_of(track: Track, missing: Array) -> Track:
    """A track that is elsewhere in its middle."""
    if np.abs(missing).max() < _MISSED or track.duration == 0:
        return track
    first = track.start
    there = first.copy()
    there[WRIST] += missing
    half = track.duration / 2
    return Together(
        [track, Chain([Stroke(first, first, line(missing), half), Stroke(there, there, line(-missing), half)])]
    )
