"""Key postures of a sign: where both hands are at its start, and at the end of each of its movements.

Those of the signer that knows the rules, on a mean body, in space and without frames: what a string of HamNoSys says,
symbol by symbol, in numbers. A network that is told them need not learn by heart what the symbols mean together; how
hands get from one to the next, by whose arms and before which camera, is left for it to learn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from text_to_pose.hamnosys import movements
from text_to_pose.hamnosys.parser import parse_parts
from text_to_pose.signing import timing
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.movement.choreography import (
    AT_REST,
    at_rest,
    limited,
    segment_take,
    waiting_hands,
    way_between,
)
from text_to_pose.signing.movement.performing import perform
from text_to_pose.signing.movement.scene import SIDES
from text_to_pose.signing.movement.sequences import ends, starts
from text_to_pose.signing.movement.tracks import ANGLES, ROTATION, WRIST
from text_to_pose.text.hamnosys import hamnosys_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.signing.movement.scene import Channel, Scene, Take
    from text_to_pose.signing.vectors import Array

_ON_THE_WAY = (0.25, 0.5, 0.75)
"""Of the time of a movement: where the wrists are then tells arcs and circles."""
_TURNS = 2 * np.pi * np.array([0.5, 1.0, 2.0, 4.0])
"""Of relative time, which frames have as well (`nn.denoiser.frame_positions`): they find what is done when by it."""
_TIME = 2 + 2 * 2 * len(_TURNS)
_HAND = 3 + 6 + 21 + 3 * len(_ON_THE_WAY)
SIZE = 1 + _TIME + 2 * _HAND
"""Numbers of a symbol: whether there is a key posture; the seconds from the start of the clip until what leads to it
begins and ends, and both in shares of the whole sign as sines and cosines; and of the right and the left hand the wrist
in shoulder widths, the first two columns of its rotation, its angles (`hand_model.ANGLES`) in radians, and the wrist on
the way, at a quarter, half and three quarters of the time."""

_known: dict[str, Array] = {}  # those that were given to `remember`
_MOST = 512  # of others that are kept, of 5 kB each and at most 1 MB: a server is asked for any


def key_postures(hamnosys: str) -> Array:
    """The key postures of a sign.

    Args:
        hamnosys: in Unicode, or as symbol names.

    Returns:
        (symbols + 1, `SIZE`), float16. The first row has the times of the whole sign, from rest to rest; then one row
        per symbol: of the first one of a segment the posture at its start, with the times of the way to it; of the one
        that `parse_parts` says of an action the posture at its end, when it is first done; of others zeros.

    Raises:
        UserError: it is no HamNoSys, or no sign that the signer can sign.
    """
    found = _known.get(hamnosys)
    return _worked_out(hamnosys) if found is None else found


def remember(hamnosys: str, postures: Array) -> None:
    """Keeps what `key_postures` is of a sign of a training set, from where it was worked out before."""
    _known[hamnosys] = postures


@dataclass(eq=False)
class _Performer:
    """Performs actions, and keeps what each became when it was first done, by the action's identity."""

    takes: dict[int, Take] = field(default_factory=dict)

    def __call__(self, action: Action, scene: Scene) -> Take:
        take = perform(action, scene)
        self.takes.setdefault(id(action), take)
        return take


class _Posture(NamedTuple):
    """What is known of a symbol: the times when it begins and ends, and the hands at the end and on the way."""

    begin: float
    end: float
    state: Mapping[Channel, Array]
    on_the_way: list[Mapping[Channel, Array]]


@lru_cache(maxsize=_MOST)
def _worked_out(hamnosys: str) -> Array:
    sign, parts = parse_parts(hamnosys)
    rest = at_rest(MEAN_BODY)
    postures: dict[int, _Posture] = {}  # by the identity of the part
    now: Mapping[Channel, Array] = rest
    performer, time = _Performer(), AT_REST
    for number, segment in enumerate(sign.segments):
        take = segment_take(segment, MEAN_BODY, now, waiting_hands(sign.segments, number), performer)
        begin, state = time, starts(take)
        time += _seconds(now, state)
        postures[id(segment)] = _Posture(begin, time, state, [state] * len(_ON_THE_WAY))
        seconds = limited(take, MEAN_BODY, 1.0).duration
        slower = seconds / take.duration if take.duration else 1.0
        _add(postures, segment.actions, performer, time, slower)
        time, now = time + seconds, ends(take)
    whole = time + timing.HOLD + _seconds(now, rest) + AT_REST
    rows = np.zeros((len(hamnosys_tokens(hamnosys)) + 1, SIZE))
    rows[0, : 1 + _TIME] = [1.0, *_times(0.0, whole, whole)]
    for number, part in parts:
        if id(part) in postures:
            rows[number] = _numbers(postures[id(part)], whole)
    return rows.astype(np.float16)


def _add(
    postures: dict[int, _Posture], actions: Sequence[Action], performer: _Performer, begin: float, slower: float
) -> float:
    """Adds those of actions that are done one after the other, and of what they are made of; the time at the end."""
    for action in actions:
        match action:
            case movements.Parallel():
                parts = [(each,) for each in action.actions]
            case movements.Split():
                parts = [(each,) for each in (action.hands.dominant, action.hands.nondominant) if each is not None]
            case movements.Sequence() | movements.BodyAction():
                parts = [action.actions]
            case movements.Targeted() | movements.Brushing() | movements.Repeated() | movements.Alternating():
                parts = [(action.action,)]
            case _:
                parts = []
        inner = [_add(postures, each, performer, begin, slower) for each in parts]
        done = performer.takes.get(id(action))
        if done is None:
            begin = max([begin, *inner])
            continue
        times = np.array(_ON_THE_WAY) * done.duration
        between = {side: done.tracks[side].at(times) for side in SIDES}
        on_the_way: list[Mapping[Channel, Array]] = [
            {side: between[side][i] for side in SIDES} for i in range(len(times))
        ]
        end = begin + slower * done.duration
        postures[id(action)] = _Posture(begin, end, ends(done), on_the_way)
        begin = end
    return begin


def _seconds(first: Mapping[Channel, Array], last: Mapping[Channel, Array]) -> float:
    """Of preparation, transition or retraction."""
    return sum(part["body"].duration for part in way_between(first, last, MEAN_BODY, 1.0))


def _times(begin: float, end: float, whole: float) -> list[float]:
    turns = np.outer([begin / whole, end / whole], _TURNS)
    return [begin, end, *np.concatenate([np.sin(turns), np.cos(turns)], axis=1).ravel()]


def _numbers(posture: _Posture, whole: float) -> Array:
    """The `SIZE` numbers of a posture."""
    width = MEAN_BODY.shoulder_width
    hands = []
    for side in SIDES:
        hand = posture.state[side]
        columns = hand[ROTATION].reshape(3, 3)[:, :2]
        wrists = [each[side][WRIST] / width for each in posture.on_the_way]
        hands += [hand[WRIST] / width, columns.T.ravel(), hand[ANGLES], *wrists]
    return np.concatenate([[1.0], _times(posture.begin, posture.end, whole), *hands])
