"""Movements of head, shoulders, trunk and elbows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import (
    CircularMovement,
    CrossMovement,
    Parallel,
    Repeated,
    Sequence,
    StraightMovement,
    Targeted,
    WristMovement,
    WristMovementKind,
)
from text_to_pose.hamnosys.places import BodySite, Side
from text_to_pose.signing import timing
from text_to_pose.signing.movement import paths, wrist_movements
from text_to_pose.signing.movement.paths import STILL, Path
from text_to_pose.signing.movement.repetition import TIMES
from text_to_pose.signing.movement.tracks import BODY, BodyStroke, Stroke
from text_to_pose.signing.rotations import to_vector

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Action, BodyAction
    from text_to_pose.hamnosys.places import BodyPlace
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Channel, Scene, Take
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.vectors import Array

_HEAD_TURN = np.radians(20.0) / 0.12
"""Radians by which the head turns for a metre of movement: 20 degrees for one of the usual size."""
_HEAD_SWINGS = 0.5
"""A head nods and shakes by half of what a wrist does."""
_SHOULDER_SHARE, _TRUNK_SHARE = 0.35, 0.4
"""Shoulders, and both of them with the trunk, move by these shares of what a hand would."""
_ELBOW_SHARE = 0.5
"""An elbow takes the wrist along by half its way: it swings about the shoulder."""
_HEAD = {site for site in BodySite if site.value in {"head", "headtop", "forehead", "nose", "chin", "lips", "neck"}}
_SHOULDERS = {BodySite.SHOULDERS, BodySite.SHOULDER_TOP}
_ARM = {BodySite.ELBOW, BodySite.ELBOW_INSIDE, BodySite.UPPER_ARM, BodySite.LOWER_ARM}


def moved_body(action: BodyAction, scene: Scene) -> Take:
    """Head, shoulders, trunk or elbow along the paths that are said; hands go with an elbow."""
    path, turned = STILL, np.zeros((1, 3))
    for each in action.actions:
        own, swings = _path(each)
        path = path.then(own) if path.length > 0 else own
        turned = np.concatenate([turned, turned[-1] + swings])
    path = path.scaled(scene.scale)
    duration = max(timing.travel(path.length, scene.body.shoulder_width), len(turned) / 40 * wrist_movements.PERIOD)
    site = action.part.site
    tracks: dict[Channel, Track] = {}
    if site in _ARM:
        for side in _sides(action.part, scene):
            tracks[side] = Stroke(scene.now[side], scene.now[side], path.scaled(_ELBOW_SHARE), duration)
    else:
        tracks["body"] = BodyStroke(scene.now["body"], _body_points(action.part, path, turned, scene), duration)
    return scene.taken(tracks)


def _sides(part: BodyPlace, scene: Scene) -> list[HandSide]:
    if part.side in {Side.LEFT, Side.LEFT_BESIDE}:
        return ["left"]
    if part.side in {Side.RIGHT, Side.RIGHT_BESIDE}:
        return ["right"]
    return list(scene.cast)


def _body_points(part: BodyPlace, path: Path, turned: Array, scene: Scene) -> Array:
    """What shoulders and head do, (N, 9)."""
    way = path.at(np.linspace(0.0, 1.0, max(len(path.points), len(turned))))
    points = np.zeros((len(way), BODY))
    if part.site in _HEAD:
        # The top of the head goes where the movement does; up and down it nods.
        points[:, 6:] = _HEAD_TURN * np.stack([way[:, 2] - way[:, 1], np.zeros(len(way)), -way[:, 0]], axis=1)
        share = np.linspace(0.0, 1.0, len(way))
        places = np.linspace(0.0, 1.0, len(turned))
        points[:, 6:] += np.stack([np.interp(share, places, column) for column in turned.T], axis=1)
    elif part.site in _SHOULDERS:
        for side in _sides(part, scene):
            first = 0 if side == "left" else 3
            points[:, first : first + 3] = _SHOULDER_SHARE * way
    else:
        points[:, :6] = _TRUNK_SHARE * np.tile(way, 2)
    return points


def _path(action: Action) -> tuple[Path, Array]:
    """Where an action leads, and how it turns what it moves: rotation vectors (N, 3)."""
    nothing = np.zeros((1, 3))
    if isinstance(action, StraightMovement):
        return paths.straight(action), nothing
    if isinstance(action, CircularMovement):
        return paths.circle(action), nothing
    if isinstance(action, CrossMovement):
        return paths.cross(action), nothing
    if isinstance(action, WristMovement):
        share = np.linspace(0.0, 1.0, 40 * wrist_movements.CYCLES)
        swings = to_vector(wrist_movements.turns(action, wrist_movements.CYCLES, share)) * _HEAD_SWINGS
        # Of a head, a swing from side to side and a twist about the neck are what they are of a hand that points up.
        return STILL, swings * (-1.0 if action.kind is WristMovementKind.SWINGING else 1.0)
    if isinstance(action, (Sequence, Parallel)):
        path, turned = STILL, nothing
        for each in action.actions:
            own, swings = _path(each)
            path = path.then(own) if path.length > 0 else own
            turned = np.concatenate([turned, turned[-1] + swings])
        return path, turned
    if isinstance(action, Targeted):
        return _path(action.action)
    if isinstance(action, Repeated):
        path, turned = _path(action.action)
        there_and_back = path.then(path.reversed()) if path.length > 0 else path
        whole, times = there_and_back, max(TIMES[action.repetition.kind], 1)
        for _ in range(times - 1):
            whole = whole.then(there_and_back) if path.length > 0 else whole
        return whole, np.tile(turned, (times, 1))
    return STILL, nothing
