"""Where a signer is in a sign, who acts, and what an action is made into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from text_to_pose.hamnosys.places import ContactKind
from text_to_pose.signing.movement.tracks import Hold, Timed, evenly, longer, row
from text_to_pose.signing.placement.configuration import configure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.tracks import Track
    from text_to_pose.signing.placement.states import HandState, States
    from text_to_pose.signing.placement.touch import Touch
    from text_to_pose.signing.timing import Profile
    from text_to_pose.signing.vectors import Array

    Channel: TypeAlias = "HandSide | Literal['body']"

SIDES: tuple[HandSide, HandSide] = ("right", "left")
CHANNELS: tuple[Channel, ...] = ("right", "left", "body")


@dataclass(frozen=True, eq=False)
class Scene:
    """What an action starts from.

    Attributes:
        body: the signer.
        states: handshape, orientation and place of both hands, as the notation has said so far.
        now: the state of each channel (`tracks`).
        cast: the hands that act, each with the signs (3,) that mirror the described directions for it.
        dominant: the hand that is described.
        performer: makes an action into a `Take`.
        symmetric: what is said of the dominant hand holds for the nondominant one, too.
        away: hands that a path has taken away from where `states` has them.
        alternating: the non-dominant hand is half a cycle behind.
        beginning: nothing has happened yet: a movement may begin a little beside the place that is said.
        unplaced: and no place is said: a movement to a target may begin where it likes.
        scale: sizes of movements, in what they usually are.
        goal: where the action has to end, if that is known: states (33,).
        wrist_only: a goal is that of the wrist: something else turns the hand.
        fitting: how many seconds swings and finger play last, beside another movement.
        touches: every contact that the hands have anywhere in the sign, as far as it has been performed.
    """

    body: Body
    states: States
    now: Mapping[Channel, Array]
    cast: Mapping[HandSide, Array]
    dominant: HandSide
    performer: Callable[[Action, Scene], Take]
    symmetric: bool = False
    away: frozenset[HandSide] = frozenset()
    alternating: bool = False
    beginning: bool = False
    unplaced: bool = False
    scale: float = 1.0
    goal: Mapping[HandSide, Array] | None = None
    wrist_only: bool = False
    fitting: float | None = None
    touches: list[Touch] = field(default_factory=list)

    def perform(self, action: Action) -> Take:
        """What becomes of an action that starts here."""
        return self.performer(action, self)

    def hand(self, side: HandSide) -> HandState | None:
        state: HandState | None = getattr(self.states, side)
        return state

    def is_behind(self, side: HandSide) -> bool:
        """Whether a hand is half a cycle behind."""
        return self.alternating and side != self.dominant and len(self.cast) == 2

    def turns_with_path(self, side: HandSide) -> bool:
        """Whether the hand turns as its path does."""
        state = self.hand(side)
        return state is not None and any(each is not None and each.relative for each in (state.direction, state.palm))

    def interlocked(self) -> bool:
        """Whether the hands hold each other, so that one takes the other along."""
        contact = self.states.constellation.contact if self.states.constellation is not None else None
        return contact is not None and contact.kind is ContactKind.INTERLOCK

    def configured(self, states: States) -> dict[HandSide, Array]:
        """The states (33,) of both hands, placed anew."""
        configured = configure(states, self.body)
        self.touches.extend(configured.contacts)
        return {side: row(configured.hands[side]) for side in SIDES}

    def taken(self, tracks: Mapping[Channel, Track], **changes: object) -> Take:
        """A take of some channels: all others are held; the scene after it has the `changes`."""
        duration = max((track.duration for track in tracks.values()), default=0.0)
        every: dict[Channel, Track] = {
            channel: longer(tracks[channel], duration) if channel in tracks else Hold(self.now[channel], duration)
            for channel in CHANNELS
        }
        after = replace(
            self, beginning=False, unplaced=False, **changes, now={c: track.end for c, track in every.items()}
        )
        return Take(every, after)

    def held(self, duration: float) -> Take:
        """Nothing moves."""
        return self.taken({channel: Hold(self.now[channel], duration) for channel in CHANNELS})


@dataclass(frozen=True, eq=False)
class Take:
    """What an action was made into: tracks of one duration, and the scene after it."""

    tracks: Mapping[Channel, Track]
    scene: Scene

    @property
    def duration(self) -> float:
        return self.tracks["body"].duration

    def timed(self, duration: float, profile: Profile | None = None, *, backwards: bool = False) -> Take:
        """Faster or slower, or back."""
        tracks: dict[Channel, Track] = {
            channel: Timed(track, duration, profile, backwards) for channel, track in self.tracks.items()
        }
        return Take(tracks, replace(self.scene, now={channel: track.end for channel, track in tracks.items()}))

    def even(self) -> Take:
        """Without gaining or losing speed, as a part of a movement."""
        return Take({channel: evenly(track) for channel, track in self.tracks.items()}, self.scene)
