"""Repetition, and hands that take turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import Growth, Parallel, RepetitionKind, Split, Targeted
from text_to_pose.hamnosys.movements import Sequence as Actions
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.signing import timing
from text_to_pose.signing.movement import paths
from text_to_pose.signing.movement.scene import SIDES, Take
from text_to_pose.signing.movement.sequences import bridged, ends, in_order, starts
from text_to_pose.signing.movement.simultaneous import is_cyclic
from text_to_pose.signing.movement.tracks import Hold, Moved, chained

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Action, Alternating, Repeated, Repetition, StraightMovement
    from text_to_pose.signing.movement.scene import Channel, Scene
    from text_to_pose.signing.movement.tracks import Track

TIMES = {
    RepetitionKind.FROM_START: 2,
    RepetitionKind.FROM_START_SEVERAL: 3,
    RepetitionKind.CONTINUE: 2,
    RepetitionKind.CONTINUE_SEVERAL: 3,
    RepetitionKind.REVERSE: 1,
    RepetitionKind.TO_AND_FRO: 2,
}
"""How often a movement is made; several is twice more."""
_BACK = (RepetitionKind.REVERSE, RepetitionKind.TO_AND_FRO)
_ON = (RepetitionKind.CONTINUE, RepetitionKind.CONTINUE_SEVERAL)
_QUICKER = 0.85
"""What the second time takes, and each after it, in what the first took."""
_RETURN = 1.25
"""How much quicker the way back is than another way of that length."""
_GROWTH = 0.35
"""By what each repetition is larger than the first."""
_CLOSED = 0.01


def in_sequence(action: Actions, scene: Scene) -> Take:
    """Actions one after the other; `fused` into one path, with one speed over all of it. A goal is that of the last."""
    takes = []
    for number, each in enumerate(action.actions):
        last = number == len(action.actions) - 1
        take = replace(scene, goal=scene.goal if last else None).perform(each)
        takes.append(take.even() if action.fused else take)
        scene = replace(take.scene, goal=scene.goal)
    whole = in_order(takes)
    return whole.timed(whole.duration, timing.CONTINUOUS) if action.fused else whole


def repeated(action: Repeated, scene: Scene) -> Take:
    """A movement as often as its repetition says.

    Of hands in turn, the non-dominant one waits until the dominant one returns.
    """
    in_turn = scene.alternating and len(scene.cast) == 2 and not is_cyclic(action)
    within = replace(scene, alternating=scene.alternating and not in_turn)
    first = replace(within, goal=None).perform(action.action)
    whole = _repeated(action, within, first)
    if in_turn:
        whole = _staggered(whole, scene, first.duration)
    return Take(whole.tracks, replace(whole.scene, alternating=scene.alternating))


def _repeated(action: Repeated, scene: Scene, first: Take) -> Take:
    repetition = action.repetition
    times = TIMES[repetition.kind] + (repetition.second is not None and repetition.second not in _BACK)
    if repetition.kind in _BACK:
        whole = in_order([first, first.timed(first.duration, backwards=True)] * times)
        return Take(whole.tracks, replace(scene, now=ends(whole), beginning=False, unplaced=False))
    continued = repetition.kind in _ON and not isinstance(action.action, Targeted)
    if _is_closed(first) and repetition.growth is None and repetition.shift is None:
        whole = in_order([first.even()] * times)
        whole = whole.timed(whole.duration * _QUICKER, timing.CONTINUOUS)
    elif continued:
        whole = _continued(action, scene, first, times)
    else:
        whole = _from_start(action, scene, first, times)
    if repetition.second in _BACK:
        back = first.timed(first.duration, backwards=True)
        whole = in_order([whole, back])
        return Take(whole.tracks, replace(scene, now=ends(whole), beginning=False, unplaced=False))
    return whole


def _continued(action: Repeated, scene: Scene, first: Take, times: int) -> Take:
    takes = [first]
    for number in range(1, times):
        size = _size(action.repetition, number)
        here = replace(takes[-1].scene, scale=scene.scale * size, alternating=scene.alternating, goal=None)
        takes.append(here.perform(action.action))
    return in_order(takes)


def _from_start(action: Repeated, scene: Scene, first: Take, times: int) -> Take:
    """Again from the start, or with a shift from that much further: hands return quickly."""
    repetition = action.repetition
    takes = [first]
    for number in range(1, times):
        if repetition.growth is not None:
            begin = replace(scene, scale=scene.scale * _size(repetition, number), goal=None)
            again = begin.perform(action.action)
        else:
            again = first.timed(first.duration * _QUICKER)
        if repetition.shift is not None:
            again = _shifted(again, scene, repetition.shift, number)
        returned = bridged(ends(takes[-1]), starts(again), scene.body, _RETURN)
        if returned:
            takes.append(Take(returned, scene))
        takes.append(again)
    return in_order(takes)


def _shifted(take: Take, scene: Scene, shift: StraightMovement, number: int) -> Take:
    """A take that is elsewhere: `number` times further."""
    tracks = dict(take.tracks)
    for side, signs in scene.cast.items():
        by = paths.straight(shift).end * signs * number
        tracks[side] = Moved(tracks[side], by)
    return Take(tracks, replace(take.scene, now={channel: track.end for channel, track in tracks.items()}))


def _size(repetition: Repetition, number: int) -> float:
    if repetition.growth is None:
        return 1.0
    return (1 + _GROWTH) ** (number if repetition.growth is Growth.INCREASING else -number)


def _is_closed(take: Take) -> bool:
    """Whether it ends as it began, so that it can go on without a return."""
    return all(np.abs(take.tracks[c].start - take.tracks[c].end).max() < _CLOSED for c in take.tracks)


def in_turns(action: Alternating, scene: Scene) -> Take:
    """An action that the hands do in turn.

    The non-dominant one does it half a cycle later, or when the dominant one has done it.
    """
    inner, count = action.action, sum(getattr(scene.states, side) is not None for side in SIDES)
    if isinstance(inner, Split):
        swapped = Split(Pair(inner.hands.nondominant, inner.hands.dominant))
        return in_sequence(Actions((inner, swapped)), scene)
    if count == 2 and len(scene.cast) == 1:
        scene = replace(scene, cast=dict.fromkeys(SIDES, np.ones(3)))
    return replace(scene, alternating=True).perform(inner)


def staggered(action: Action, scene: Scene) -> Take:
    """An action that does not go to and fro, of the non-dominant hand later than of the dominant one."""
    take = replace(scene, alternating=False).perform(action)
    share = 0.5 if isinstance(action, (Actions, Parallel)) else 1.0
    after = _staggered(take, scene, share * take.duration)
    return Take(after.tracks, replace(after.scene, alternating=scene.alternating))


def _staggered(take: Take, scene: Scene, delay: float) -> Take:
    """The non-dominant hand later than the dominant one, which waits for it at the end."""
    tracks: dict[Channel, Track] = {}
    for channel, track in take.tracks.items():
        if channel in SIDES and channel != scene.dominant:
            tracks[channel] = chained([Hold(track.start, delay), track])
        else:
            tracks[channel] = chained([track, Hold(track.end, delay)])
    return Take(tracks, take.scene)
