"""Motion over time that can be evaluated at any time: single strokes, and what is put together of them.

A channel is one hand, or shoulders and head. Its state is a row of numbers: of a hand wrist (3), rotation (9) and
angles (21), `HAND`; of the body the displacement of both shoulders (6) and the rotation vector of the head (3), `BODY`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import numpy as np

from text_to_pose.signing.hands.hand_model import LIMITS
from text_to_pose.signing.movement.turning import shortest_turn
from text_to_pose.signing.rotations import from_vector, shortest, to_vector
from text_to_pose.signing.timing import SMOOTH, Profile
from text_to_pose.signing.vectors import interpolated, within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from text_to_pose.signing.motion import HandPose
    from text_to_pose.signing.movement.paths import Path
    from text_to_pose.signing.movement.turning import Turn
    from text_to_pose.signing.vectors import Array

HAND, BODY = 33, 9
WRIST, ROTATION, ANGLES = slice(0, 3), slice(3, 12), slice(12, 33)


def row(pose: HandPose) -> Array:
    """The state (33,) of a hand."""
    return np.concatenate([pose.wrist, pose.rotation.ravel(), pose.angles])


def rotation(state: Array) -> Array:
    """The rotation (..., 3, 3) of hands (..., 33)."""
    return state[..., ROTATION].reshape(*state.shape[:-1], 3, 3)


class Track(Protocol):
    """One channel over a time."""

    @property
    def duration(self) -> float:
        """Seconds."""

    @property
    def start(self) -> Array:
        """The state (W,) with which it begins."""

    @property
    def end(self) -> Array:
        """The state (W,) with which it ends."""

    def at(self, time: Array) -> Array:
        """States (n, W) at times (n,) in seconds from its start; before it its first, after it its last."""


class _Ended(ABC):
    """A track that is asked for its ends more than once."""

    @abstractmethod
    def at(self, time: Array) -> Array: ...

    @property
    def start(self) -> Array:
        return self._start

    @property
    def end(self) -> Array:
        return self._end

    @cached_property
    def _start(self) -> Array:
        return self.at(np.zeros(1))[0]

    @cached_property
    def _end(self) -> Array:
        return self.at(np.array([np.inf]))[0]


@dataclass(frozen=True, eq=False)
class Hold:
    """Nothing changes."""

    state: Array
    duration: float

    def at(self, time: Array) -> Array:
        return np.broadcast_to(self.state, (len(time), len(self.state)))

    @property
    def start(self) -> Array:
        return self.state

    @property
    def end(self) -> Array:
        return self.state


@dataclass(frozen=True, eq=False)
class Stroke(_Ended):
    """A hand from one state to another, the wrist along a path.

    Attributes:
        first, last: (33,) the states; the wrist ends where the path does.
        path: of the wrist.
        duration: in seconds.
        profile: how its speed runs.
        turns: the share by which the hand turns as the path does (`hamorirelative`): 1, or 0.
        lead: by how much earlier than the wrist handshape and orientation are there: 1.25 at four fifths of the time.
        digits: (5,) of the time when each digit begins to change, thumb to pinky; all have the same time for it.
        turn: how the hand gets from one orientation to the other; None: the shortest way.
    """

    first: Array
    last: Array
    path: Path
    duration: float
    profile: Profile = SMOOTH
    turns: float = 0.0
    lead: float = 1.0
    digits: Array | None = None
    turn: Turn | None = None

    def at(self, time: Array) -> Array:
        share = within(np.asarray(time) / max(self.duration, 1e-9), 0.0, 1.0)
        way, changed = self.profile.at(share), self.profile.at(share * self.lead)
        states = np.empty((len(share), HAND))
        states[:, WRIST] = self.first[WRIST] + self.path.at(way)
        turned = self._turn.at(changed)
        if self.turns and self.path.length > 0:
            heading = shortest(self.path.heading(np.zeros(1)), self.path.heading(way))
            turned = from_vector(self.turns * to_vector(heading)) @ turned
        states[:, ROTATION] = turned.reshape(-1, 9)
        states[:, ANGLES] = self._angles(share, changed)
        return states

    @property
    def start(self) -> Array:
        return self.first

    @property
    def end(self) -> Array:
        return self._end if self.turns else self._last

    @cached_property
    def _last(self) -> Array:
        state = self.last.copy()
        state[WRIST] = self.first[WRIST] + self.path.end
        return state

    @cached_property
    def _turn(self) -> Turn:
        return self.turn or shortest_turn(rotation(self.first), rotation(self.last))

    def _angles(self, share: Array, changed: Array) -> Array:
        first, last = self.first[ANGLES], self.last[ANGLES]
        if self.digits is None:
            return first + changed[:, None] * (last - first)
        each = 1 - self.digits.max()
        one_by_one = SMOOTH.at((share[:, None] - self.digits) / each)
        return first + np.concatenate([one_by_one[:, [0] * 5], np.repeat(one_by_one[:, 1:], 4, axis=1)], 1) * (
            last - first
        )


@dataclass(frozen=True, eq=False)
class Oscillation(_Ended):
    """A hand whose wrist turns or whose fingers play, and that ends as it began.

    Attributes:
        state: (33,).
        turned: from shares (n,) of the time to rotations (n, 3, 3) in the frame of the hand; None: it does not turn.
        bent: from shares of the time to what is added to its angles (n, 21); None: nothing.
        duration: in seconds.
    """

    state: Array
    duration: float
    turned: Callable[[Array], Array] | None = None
    bent: Callable[[Array], Array] | None = None

    def at(self, time: Array) -> Array:
        share = np.clip(np.asarray(time) / max(self.duration, 1e-9), 0.0, 1.0)
        states = np.repeat(self.state[None], len(share), axis=0)
        if self.turned is not None:
            states[:, ROTATION] = (rotation(self.state) @ self.turned(share)).reshape(-1, 9)
        if self.bent is not None:
            states[:, ANGLES] += self.bent(share)
        return states


@dataclass(frozen=True, eq=False)
class BodyStroke(_Ended):
    """Shoulders and head along a path of their own, (N, 9) from the state (9,) they begin with."""

    first: Array
    points: Array
    duration: float
    profile: Profile = SMOOTH

    def at(self, time: Array) -> Array:
        share = self.profile.at(np.asarray(time) / max(self.duration, 1e-9))
        if not self.points.any():
            return np.broadcast_to(self.first, (len(share), len(self.first)))
        return self.first + interpolated(share, np.linspace(0.0, 1.0, len(self.points)), self.points)


@dataclass(frozen=True, eq=False)
class Chain(_Ended):
    """Tracks one after the other."""

    tracks: Sequence[Track]

    @cached_property
    def _ends(self) -> Array:
        return np.array(list(accumulate(track.duration for track in self.tracks)))

    @property
    def start(self) -> Array:
        return self.tracks[0].start

    @property
    def end(self) -> Array:
        return self.tracks[-1].end

    @property
    def duration(self) -> float:
        return float(self._ends[-1])

    def at(self, time: Array) -> Array:
        time = np.asarray(time)
        which = np.minimum(np.searchsorted(self._ends, time, side="right"), len(self.tracks) - 1)
        parts = []
        for number in sorted(set(which.tolist())):
            track, here = self.tracks[number], which == number
            parts.append((here, track.at(time[here] - (self._ends[number] - track.duration))))
        states = np.empty((len(time), parts[0][1].shape[1] if parts else 0))
        for here, values in parts:
            states[here] = values
        return states


@dataclass(frozen=True, eq=False)
class Together(_Ended):
    """Tracks of one hand at the same time: what each changes since its start is added to the start of the first.

    Their order counts for the rotation: paths and changes of posture first, what swings about them last.
    """

    tracks: Sequence[Track]

    @property
    def duration(self) -> float:
        return max(track.duration for track in self.tracks)

    def at(self, time: Array) -> Array:
        first, *others = self.tracks
        states = np.array(first.at(time))
        turned = rotation(states)
        for track in others:
            begin, now = track.start, track.at(time)
            states[:, WRIST] += now[:, WRIST] - begin[WRIST]
            turned = turned @ (rotation(begin).T @ rotation(now))
            states[:, ANGLES] += now[:, ANGLES] - begin[ANGLES]
        states[:, ROTATION] = turned.reshape(-1, 9)
        states[:, ANGLES] = np.clip(states[:, ANGLES], *LIMITS.T)
        return states


@dataclass(frozen=True, eq=False)
class Added(_Ended):
    """Tracks of shoulders and head at the same time."""

    tracks: Sequence[Track]

    @property
    def duration(self) -> float:
        return max(track.duration for track in self.tracks)

    def at(self, time: Array) -> Array:
        first, *others = self.tracks
        states = np.array(first.at(time))
        for track in others:
            states += track.at(time) - track.start
        return states


@dataclass(frozen=True, eq=False)
class Timed(_Ended):
    """A track faster or slower, by a profile over all of it, or back from its end."""

    track: Track
    duration: float
    profile: Profile | None = None
    backwards: bool = False

    @property
    def start(self) -> Array:
        return self.track.end if self.backwards else self.track.start

    @property
    def end(self) -> Array:
        return self.track.start if self.backwards else self.track.end

    def at(self, time: Array) -> Array:
        share = np.clip(np.asarray(time) / max(self.duration, 1e-9), 0.0, 1.0)
        if self.profile is not None:
            share = self.profile.at(share)
        return self.track.at((1 - share if self.backwards else share) * self.track.duration)


@dataclass(frozen=True, eq=False)
class Moved(_Ended):
    """A track elsewhere: all of a hand's wrist by `by` (3,)."""

    track: Track
    by: Array

    @property
    def duration(self) -> float:
        return self.track.duration

    def at(self, time: Array) -> Array:
        states = np.array(self.track.at(time))
        states[:, WRIST] += self.by
        return states


def chained(tracks: Sequence[Track]) -> Track:
    """Tracks one after the other; those that take no time are left out."""
    kept = [track for track in tracks if track.duration > 0]
    if not kept:
        return tracks[-1]
    return kept[0] if len(kept) == 1 else Chain(kept)


def longer(track: Track, duration: float) -> Track:
    """A track that is held at its end until `duration`."""
    missing = duration - track.duration
    return track if missing < 1e-9 else chained([track, Hold(track.end, missing)])


def evenly(track: Track) -> Track:
    """A track whose strokes neither gain speed nor lose it, for a profile over all of it."""
    if isinstance(track, Stroke):
        return replace(track, profile=Profile(linear=True))
    if isinstance(track, (Chain, Together, Added)):
        return type(track)([evenly(each) for each in track.tracks])
    if isinstance(track, Moved):
        return Moved(evenly(track.track), track.by)
    if isinstance(track, Timed) and track.profile is None:
        return replace(track, track=evenly(track.track))
    return track
