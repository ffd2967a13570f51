"""Takes one after the other, and the ways between them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.movement.paths import Path, line
from text_to_pose.signing.movement.scene import CHANNELS, SIDES, Take
from text_to_pose.signing.movement.tracks import ANGLES, WRIST, BodyStroke, Stroke, chained, rotation
from text_to_pose.signing.movement.turning import Move, feasible_turns
from text_to_pose.signing.timing import FASTEST_BEND, FASTEST_TURN, PEAK, travel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Channel
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.movement.turning import Turn
    from text_to_pose.signing.vectors import Array

_SAME = 2e-3
"""Metres, or radians: what differs by less is not bridged."""
_SWAY, _MOST_SWAY = 0.12, 0.06
"""Ways between signs bow out to the viewer by a share of their length, and by so many metres at most."""
_LEAD = 1.2
"""Handshape and orientation are there before the wrist is."""


def in_order(takes: Sequence[Take]) -> Take:
    """Takes one after the other; where one begins elsewhere than the last one ended, the hands go there first."""
    tracks: dict[Channel, list[Track]] = {channel: [takes[0].tracks[channel]] for channel in CHANNELS}
    for before, after in pairwise(takes):
        bridges = bridged(ends(before), starts(after), before.scene.body)
        for channel, bridge in bridges.items():
            tracks[channel].append(bridge)
        for channel in CHANNELS:
            tracks[channel].append(after.tracks[channel])
    return Take({channel: chained(parts) for channel, parts in tracks.items()}, takes[-1].scene)


def starts(take: Take) -> dict[Channel, Array]:
    """The states with which it begins."""
    return {channel: take.tracks[channel].start for channel in CHANNELS}


def ends(take: Take) -> dict[Channel, Array]:
    """The states with which it ends."""
    return {channel: take.tracks[channel].end for channel in CHANNELS}


def bridged(
    first: Mapping[Channel, Array], last: Mapping[Channel, Array], body: Body, pace: float = 1.0
) -> dict[Channel, Track]:
    """The ways from some states to others, all of one duration; none where they are the same."""
    if all(np.abs(first[channel] - last[channel]).max() < _SAME for channel in CHANNELS):
        return {}
    turns = hand_turns(first, {side: last[side] for side in SIDES}, body)
    duration = max(change_time(first[side], last[side], body, turns[side]) for side in SIDES) / pace
    tracks: dict[Channel, Track] = {side: way(first[side], last[side], duration, turns[side]) for side in SIDES}
    change = np.stack([np.zeros_like(first["body"]), last["body"] - first["body"]])
    tracks["body"] = BodyStroke(first["body"], change, duration)
    return tracks


def hand_turns(first: Mapping[Channel, Array], last: Mapping[HandSide, Array], body: Body) -> dict[HandSide, Turn]:
    """How hands turn on their way from some states (33,) to others."""
    moves = [
        Move(side, rotation(first[side]), rotation(state), np.stack([first[side][WRIST], state[WRIST]]))
        for side, state in last.items()
    ]
    return dict(zip(last, feasible_turns(moves, body), strict=True))


def change_time(first: Array, last: Array, body: Body, turn: Turn) -> float:
    """Seconds in which a hand gets from one state (33,) to another."""
    length = float(np.linalg.norm(last[WRIST] - first[WRIST]))
    bend = float(np.abs(last[ANGLES] - first[ANGLES]).max())
    at_most = max(turn.length / FASTEST_TURN, bend / FASTEST_BEND)
    return max(travel(length, body.shoulder_width), PEAK * _LEAD * at_most)


def way(first: Array, last: Array, duration: float, turn: Turn) -> Stroke:
    """From one state (33,) to another, as hands go between signs: on a way that bows out to the viewer."""
    away = last[WRIST] - first[WRIST]
    length = float(np.linalg.norm(away))
    if length < 1e-9:
        return Stroke(first, last, line(away), duration, lead=_LEAD, turn=turn)
    along = np.linspace(0.0, 1.0, 25)
    bow = np.outer(np.sin(np.pi * along), [0.0, 0.0, min(_SWAY * length, _MOST_SWAY)])
    return Stroke(first, last, Path(along[:, None] * away + bow), duration, lead=_LEAD, turn=turn)
