"""Single movements as strokes of hands: lines, circles, crosses, swings, finger play, changes of posture."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.movements import CircularMovement, Growth, StraightMovement, WristMovementKind
from text_to_pose.signing import timing
from text_to_pose.signing.anatomy.body_surface import front
from text_to_pose.signing.anatomy.comfort import attainable, held
from text_to_pose.signing.anatomy.wrist import wrist_angles
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand import handshape_angles
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.movement import finger_play, paths, wrist_movements
from text_to_pose.signing.movement.postures import turned_hands, with_posture
from text_to_pose.signing.movement.scene import SIDES
from text_to_pose.signing.movement.sequences import change_time, hand_turns
from text_to_pose.signing.movement.tracks import ANGLES, WRIST, Hold, Oscillation, Stroke, chained, rotation
from text_to_pose.signing.placement.orientation import hand_rotation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from text_to_pose.hamnosys.movements import (
        CrossMovement,
        FingerPlay,
        Manner,
        NoMovement,
        Replace,
        WristMovement,
    )
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.paths import Path
    from text_to_pose.signing.movement.scene import Channel, Scene, Take
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.placement.states import HandState
    from text_to_pose.signing.vectors import Array

_INWARD = 0.04
"""Metres: a movement that leads farther in may come to the trunk."""
_PALM, _THICK = 0.09, 0.015
"""From the wrist to the knuckles, and half a hand's thickness, in metres."""
_LEAST = 0.25
"""A movement is never cut to less of it."""
_NEAR = 0.01
"""Metres: a path that is shorter leaves a hand where it is."""
_TURN_WITH_SWINGS = 0.4
"""The share of a zigzag's turns that a hand follows which turns with its path: wrists do not turn so far so quickly."""
ONE_BY_ONE = 0.9
"""Seconds in which five fingers change one after the other."""


def straight(action: StraightMovement, scene: Scene) -> Take:
    """A line, an arc or a zigzag, to its goal or as far as its size says."""
    found, begins = {}, dict(scene.now)
    for side, signs in scene.cast.items():
        own = paths.straight(action).scaled(scene.scale).reflected(signs)
        if scene.goal is not None:
            to = scene.goal[side][WRIST]
            if scene.unplaced:
                begins[side] = _at(scene.now[side], to - own.end)
            missing = (to - begins[side][WRIST]) * signs
            own = paths.straight(action, missing).reflected(signs)
        found[side] = own if scene.goal is not None else _to_the_body(own, scene.now[side], scene.body)
    longest = max((float(np.linalg.norm(path.end)) for path in found.values()), default=0.0)
    swings = paths.swing_count(longest) if action.zigzag is not None else 1
    turns = 1.0 if action.zigzag is None else _TURN_WITH_SWINGS
    return along(scene, found, action.manner, begins, swings, turns)


def _to_the_body(path: Path, state: Array, body: Body) -> Path:
    """A path that ends where the hand comes to the trunk: it leads no farther in."""
    if path.end[2] > -_INWARD:
        return path
    palm = rotation(state) @ np.array([0.0, _PALM, 0.0])
    points = np.stack([state[WRIST] + path.points, state[WRIST] + palm + path.points])
    skin, _ = front(body, points[..., 0], points[..., 1])
    inside = np.where(np.abs(skin[..., 0] - points[..., 0]) < 1e-6, skin[..., 2] - points[..., 2], -np.inf).max(axis=0)
    beyond = inside > max(float(inside[0]), -_THICK)
    if not beyond.any():
        return path
    # Lines have few points: where between two of them it comes to the skin.
    at = int(beyond.argmax())
    before, after = inside[at - 1], inside[at]
    share = 0.0 if not np.isfinite(before) else (-_THICK - before) / max(after - before, 1e-9)
    return path.scaled(max(float(at - 1 + np.clip(share, 0.0, 1.0)) / (len(path.points) - 1), _LEAST))


def circle(action: CircularMovement, scene: Scene) -> Take:
    """A circle as often as it says; a hand that is half a cycle behind begins across."""
    found, begins = {}, dict(scene.now)
    turns = _turns(action)
    for side, signs in scene.cast.items():
        one = action
        if scene.is_behind(side):
            one = _half_a_turn_on(action)
            offset = paths.opposite_start(action) * signs * scene.scale
            begins[side] = _at(scene.now[side], scene.now[side][WRIST] + offset)
        own = paths.circle(one).scaled(scene.scale).reflected(signs)
        if scene.goal is not None:
            own = own.ending_at(scene.goal[side][WRIST] - begins[side][WRIST])
        found[side] = own
    return along(scene, found, action.manner, begins, turns)


def cross(action: CrossMovement, scene: Scene) -> Take:
    """A cross, drawn."""
    found = {}
    for side, signs in scene.cast.items():
        own = paths.cross(action).scaled(scene.scale).reflected(signs)
        if scene.goal is not None:
            own = own.ending_at(scene.goal[side][WRIST] - scene.now[side][WRIST])
        found[side] = own
    return along(scene, found, action.manner, scene.now, 2)


def along(
    scene: Scene,
    found: Mapping[HandSide, Path],
    manner: Manner,
    begins: Mapping[Channel, Array],
    parts: float = 1,
    turns: float = 1.0,
) -> Take:
    """The hands along paths, in the time that the longest one takes.

    Args:
        scene: where they are.
        found: a path for each that acts.
        manner: how.
        begins: the states they begin with.
        parts: how many turns or strokes it has: the time is that of one, as often.
        turns: the share of a path's turns that a hand follows which turns as its path does.
    """
    longest = max((path.length for path in found.values()), default=0.0)
    parts = max(parts, 0.25)
    duration = parts * timing.travel(longest / parts, scene.body.shoulder_width) / timing.pace(manner)
    usual = timing.CONTINUOUS if parts > 1 else timing.SMOOTH
    profile = timing.profile(manner, usual)
    tracks: dict[Channel, Track] = {}
    for side, path in found.items():
        last = begins[side]
        if scene.goal is not None and not scene.wrist_only:
            last = scene.goal[side]
        tracks[side] = Stroke(begins[side], last, path, duration, profile, turns * scene.turns_with_path(side))
    if len(found) == 1 and scene.interlocked():
        (side, path) = next(iter(found.items()))
        other: HandSide = SIDES[1 - SIDES.index(side)]
        tracks[other] = Stroke(begins[other], begins[other], path, duration, profile)
    left = {side for side, path in found.items() if path.length > _NEAR}
    return scene.taken(_rested(tracks, manner), away=scene.away | left)


def wrist_movement(action: WristMovement, scene: Scene) -> Take:
    """A swing of the wrist or a turn of the forearm, there and back twice, or as often as the time allows."""
    usual = wrist_movements.CYCLES * wrist_movements.PERIOD / timing.pace(action.manner)
    duration = scene.fitting or usual
    cycles = max(1, round(duration / usual * wrist_movements.CYCLES))
    tracks: dict[Channel, Track] = {}
    hands = {side: HandPose(each[WRIST], rotation(each), each[ANGLES]) for side in SIDES for each in [scene.now[side]]}
    arms = held(hands, scene.body)
    for side in scene.cast:
        mirrored, scale = _sense(action.kind, scene, side)
        left, arm = side == "left", SIDES.index(side)
        shown = mirrored_rotation(hands[side].rotation) if left else hands[side].rotation
        joints = wrist_angles(arms.shoulder[arm, 0], arms.elbow[arm, 0], arms.wrist[arm, 0], shown)
        turned = partial(
            wrist_movements.turns, action, cycles, joints=joints, left=left, other_way=mirrored != left, scale=scale
        )
        tracks[side] = Oscillation(scene.now[side], duration, turned=turned)
    return scene.taken(_rested(tracks, action.manner))


def finger_plays(action: FingerPlay, scene: Scene) -> Take:
    """Fingers that wiggle, as long as they usually do, or as what they accompany lasts."""
    duration = scene.fitting or finger_play.DURATION / timing.pace(action.manner) ** 0.5
    cycles = duration / finger_play.PERIOD * timing.pace(action.manner)
    tracks: dict[Channel, Track] = {}
    for side in scene.cast:
        angles = scene.now[side][12:]

        def bent(share: Array, angles: Array = angles) -> Array:
            return finger_play.bends(action, angles, cycles, share)

        tracks[side] = Oscillation(scene.now[side], duration, bent=bent)
    return scene.taken(_rested(tracks, action.manner))


def none(action: NoMovement, scene: Scene) -> Take:
    """No movement, for a while."""
    return scene.held(timing.STILL / timing.pace(action.manner) + timing.pause(action.manner))


def changed(action: Replace, scene: Scene) -> Take:
    """Another handshape or orientation; a hand that no path has taken away keeps its contact."""
    states = with_posture(scene, action.posture)
    acting = turned_hands(scene, action.posture)
    placed = scene.configured(states) if acting - scene.away and scene.goal is None else {}
    tracks: dict[Channel, Track] = {}
    ends = {}
    for side in sorted(acting):
        if scene.goal is not None:
            ends[side] = scene.goal[side]
        elif side in scene.away:
            ends[side] = _in_place(scene, side, getattr(states, side))
        else:
            ends[side] = placed[side]
    turns = hand_turns(scene.now, ends, scene.body)
    times = [change_time(scene.now[side], last, scene.body, turns[side]) for side, last in ends.items()]
    usual = max(timing.POSTURE, *times)
    duration = (ONE_BY_ONE if action.growth is not None else usual) / timing.pace(action.manner)
    profile = timing.profile(action.manner)
    digits = _digits(action.growth)
    for side, last in ends.items():
        path = paths.line(last[WRIST] - scene.now[side][WRIST])
        tracks[side] = Stroke(scene.now[side], last, path, duration, profile, digits=digits, turn=turns[side])
    return scene.taken(_rested(tracks, action.manner), states=states)


def _in_place(scene: Scene, side: HandSide, state: HandState | None) -> Array:
    """A hand (33,) in its new posture whose wrist stays where it is."""
    now = scene.now[side]
    if state is None:
        return now
    turned, angles = hand_rotation(state.direction, state.palm), handshape_angles(state.handshape, scene.body.hand)
    turned = attainable(side, HandPose(now[WRIST], turned, angles), scene.body)
    return np.concatenate([now[WRIST], turned.ravel(), angles])


def _digits(growth: Growth | None) -> Array | None:
    """When each digit begins to change, one after the other."""
    if growth is None:
        return None
    begins = np.linspace(0.0, 0.65, 5)
    return begins if growth is Growth.INCREASING else begins[::-1].copy()


def _at(state: Array, wrist: Array) -> Array:
    """A hand (33,) elsewhere."""
    moved = state.copy()
    moved[WRIST] = wrist
    return moved


def _rested(tracks: dict[Channel, Track], manner: Manner) -> dict[Channel, Track]:
    """With the pause that is said."""
    pause = timing.pause(manner)
    if pause == 0:
        return tracks
    return {channel: chained([track, Hold(track.end, pause)]) for channel, track in tracks.items()}


def _turns(action: CircularMovement) -> float:
    if action.end is None:
        return float(max(action.turns, 1))
    plain = paths.circle(replace(action, turns=0, growth=None, zigzag=None, ellipse=None))
    once = paths.circle(replace(action, turns=1, end=None, growth=None, zigzag=None, ellipse=None))
    return action.turns + plain.length / once.length


def _half_a_turn_on(action: CircularMovement) -> CircularMovement:
    def across(point: Direction) -> Direction:
        right, up, out = point.axes
        return Direction.of(-right, -up, -out) or point

    start = across(action.start or Direction.U)
    return replace(action, start=start, end=None if action.end is None else across(action.end))


def _sense(kind: WristMovementKind, scene: Scene, side: HandSide) -> tuple[bool, float]:
    """Whether a hand mirrors the right one's turn, and 1, or -1 where it goes the other way or is half a cycle behind.

    A non-dominant hand that follows a dominant one does the same with its own wrist, the way round that is nearer to
    the dominant hand's turn as the symmetry mirrors it in space.
    """
    mirrored, scale = side == "left", -1.0 if scene.is_behind(side) else 1.0
    if side == scene.dominant or scene.dominant not in scene.cast:
        return mirrored, scale
    axis = {WristMovementKind.NODDING: 0, WristMovementKind.SWINGING: 2}.get(kind, 1)
    signs = scene.cast[side]
    sense = -1.0 if axis > 0 and scene.dominant == "left" else 1.0
    wanted = sense * np.prod(signs) * signs * rotation(scene.now[scene.dominant])[:, axis]
    own = rotation(scene.now[side])[:, axis] * (-1.0 if axis > 0 and mirrored else 1.0)
    agreement = float(wanted @ own)
    if agreement > -0.3:
        return mirrored, scale
    round_about = kind in {WristMovementKind.STIR_CLOCKWISE, WristMovementKind.STIR_COUNTERCLOCKWISE}
    return (not mirrored, scale) if round_about else (mirrored, -scale)
