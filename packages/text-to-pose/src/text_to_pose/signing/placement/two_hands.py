"""Both hands at their places: one after the other, or together as they are to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.places import BodyPlace, ContactKind, HandPlace, Location
from text_to_pose.signing.anatomy.body_surface import front, on_head
from text_to_pose.signing.hands.contact_parts import lays_thumb_aside
from text_to_pose.signing.hands.solid_hand import SolidHand, solid_hand
from text_to_pose.signing.motion import HandPose
from text_to_pose.signing.placement.body_places import Arm, is_on_arm, is_on_head
from text_to_pose.signing.placement.clearing import in_hand, pushed_out, samples, tilted
from text_to_pose.signing.placement.meeting import meet
from text_to_pose.signing.placement.placing import OUT, Held, at, before_body, before_trunk
from text_to_pose.signing.placement.touch import Touch

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.places import Constellation
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.placement.placing import Aim
    from text_to_pose.signing.vectors import Array

OTHER: dict[HandSide, HandSide] = {"right": "left", "left": "right"}
_LEFTWARDS, _FLIP = np.array([1.0, 0.0, 0.0]), np.array([-1.0, 1.0, 1.0])
_ALIKE = 0.005
"""By how much hands that mirror each other differ at most, in metres."""
_SIGN: dict[HandSide, float] = {"right": -1.0, "left": 1.0}
_APART = 0.010
"""Half the least distance between hands that do not touch each other, in metres."""
_THUMB_ASIDE: Array = np.radians([90.0, -12.0, 90.0, 5.0, 5.0])
"""The most that the angles of a thumb are that lies beside fingers on a place."""
_PALM = (0, 5, 9, 17)
_BEHIND = 0.02
"""Hands whose palm is so little before the middle of the trunk, in metres, come before it if they are at each other."""
_MOST_STEPS = 12
_YIELD = 0.004
"""By how much each of two hands that touch yields, in metres."""


@dataclass(eq=False)
class TwoHands:
    """Hands while they are placed.

    Attributes:
        body: the signer.
        hands: where both are, in the signer's frame; those that do not sign rest.
        solid: of those that sign, their flesh.
        places: where those that sign are to be.
        dominant: the hand that the notation describes.
        elbow: where the elbow is of the arm that holds a hand.
        offsets: how far from its place a hand is, whose place is a region of space.
        parts: what of a hand is at its place, in its own frame: what is not known yet is found, and kept.
        contacts: what touches.
    """

    body: Body
    hands: dict[HandSide, HandPose]
    solid: dict[HandSide, SolidHand]
    places: dict[HandSide, Location | None]
    dominant: HandSide
    elbow: Callable[[HandSide, HandPose], Array]
    offsets: dict[HandSide, Array]
    parts: dict[HandSide, Array]
    contacts: list[Touch] = field(default_factory=list)

    def alone(self) -> None:
        """Each hand at its place; first that which the other is at."""
        order = [side for side in (OTHER[self.dominant], self.dominant) if side in self.solid]
        if len(order) == 2 and is_at_other(self.places[order[0]]) and not is_at_other(self.places[order[1]]):
            order.reverse()
        for side in order:
            aim = self._aim(side)
            self._put(side, aim._replace(part=self._part(side, aim.part)))
        if len(order) == 2:
            at_other = [place for place in self.places.values() if place is not None and is_at_other(place)]
            if at_other and all(isinstance(place.place, HandPlace) for place in at_other):
                self._forward()
            self._apart()

    def together(self, constellation: Constellation) -> None:
        """Both hands as they are to each other."""
        right, left = self.solid["right"], self.solid["left"]
        mirrored = self._mirrored()
        lie = mirrored and not _crosses(constellation) and lays_thumb_aside(right, _LEFTWARDS)
        if lie:
            for side in OTHER:
                self._lay_thumb_aside(side)
            right, left = self.solid["right"], self.solid["left"]
        meeting = meet(right, left, constellation, dominant_left=self.dominant == "left", mirrored=mirrored)
        meeting = meeting._replace(right=self._part("right", meeting.right), left=self._part("left", meeting.left))
        # From the middle of what meets.
        wrists: dict[HandSide, Array] = {
            "right": -meeting.right - meeting.gap / 2,
            "left": meeting.gap / 2 - meeting.left,
        }
        if mirrored and constellation.hands is None and not _crosses(constellation):
            beyond = right.reach(_LEFTWARDS, thumb=not lie) + float(wrists["right"][0] + meeting.gap[0] / 2)
            shift = min(max(beyond, 0.0), _YIELD) * _LEFTWARDS
            wrists = {"right": wrists["right"] - shift, "left": wrists["left"] + shift}
        middle, away = self._middle(constellation, wrists)
        middle = middle + self.offsets[self.dominant]
        for side in OTHER:
            self._move(side, middle + wrists[side])
        self._both_out_of_body(away)
        if not meeting.gap.any() and constellation.contact is not None:
            self._touch("right", meeting.right, self.hands["left"].wrist + meeting.left, "left")

    def _part(self, side: HandSide, found: Array) -> Array:
        """What of a hand is at its place, from its wrist: the same, however the hand is turned meanwhile."""
        rotation = self.hands[side].rotation
        known: Array = rotation @ self.parts.setdefault(side, rotation.T @ found)
        return known

    def _aim(self, side: HandSide) -> Aim:
        place, hand, other = self.places[side], self.solid[side], OTHER[side]
        if place is None:
            at_this = self.places.get(other)
            arm = at_this is not None and isinstance(at_this.place, BodyPlace) and is_on_arm(at_this.place)
            return before_body(hand, side, self.body, base=is_at_other(at_this), arm_is_base=arm)
        both = _is_same(place, self.places.get(other))
        return at(place, hand, side, self.body, both=both, other=self._held(other) if is_at_other(place) else None)

    def _held(self, side: HandSide) -> Held:
        pose = self.hands[side]
        hand = self.solid.get(side) or solid_hand(pose.angles, pose.rotation, self.body.hand, left=side == "left")
        shoulder = self.body.shoulders[0 if side == "left" else 1]
        return Held(hand, pose.wrist, lambda: Arm(shoulder, self.elbow(side, pose), pose.wrist, hand.axes[:, 2]))

    def _put(self, side: HandSide, aim: Aim) -> None:
        """A hand where it is to be, but not in the body, nor in the other hand that it touches."""
        hand, pose = self.solid[side], self.hands[side]
        if not aim.touches:
            offset = 0.0 if is_at_other(self.places[side]) else self.offsets[side]
            self._move(side, pushed_out(self.body, hand, aim.wrist + offset, aim.away))
            return
        if not aim.named and lays_thumb_aside(hand, -aim.away):
            self._lay_thumb_aside(side)
            hand, pose = self.solid[side], self.hands[side]
        other = OTHER[side]
        held = (self.solid[other], self.hands[other].wrist) if aim.on_hand else None
        turn, shift = tilted(self.body, hand, aim.part, aim.target, aim.away, other=held)
        part, rotation = turn @ aim.part, turn @ pose.rotation
        self.hands[side] = HandPose(aim.target + shift - part, rotation, pose.angles)
        self.solid[side] = hand.turned(turn)
        self._touch(side, part, aim.target, other if aim.on_hand else None)

    def _lay_thumb_aside(self, side: HandSide) -> None:
        """A thumb that stands out is no farther out of the palm than the fingers."""
        pose = self.hands[side]
        if self.solid[side].out[0]:
            angles = pose.angles.copy()
            angles[: len(_THUMB_ASIDE)] = np.minimum(angles[: len(_THUMB_ASIDE)], _THUMB_ASIDE)
            self.hands[side] = HandPose(pose.wrist, pose.rotation, angles)
            self.solid[side] = solid_hand(angles, pose.rotation, self.body.hand, left=side == "left")

    def _move(self, side: HandSide, wrist: Array) -> None:
        pose = self.hands[side]
        self.hands[side] = HandPose(wrist, pose.rotation, pose.angles)

    def _touch(self, side: HandSide, part: Array, target: Array, on: HandSide | None) -> None:
        """Remembers that a part of a hand, from its wrist, touches a place in the signer's frame."""
        if on is not None:
            target = self.hands[on].rotation.T @ (target - self.hands[on].wrist)
        self.contacts.append(Touch(side, self.hands[side].rotation.T @ part, target, on))

    def _mirrored(self) -> bool:
        right, left = self.solid["right"], self.solid["left"]
        return bool(np.abs(right.points * _FLIP - left.points).max() < _ALIKE)

    def _middle(self, constellation: Constellation, wrists: dict[HandSide, Array]) -> tuple[Array, Array]:
        """Where what meets is, and out of the body there."""
        where = constellation.location
        place = where if where is None or isinstance(where, Location) else where.dominant
        if place is None or not isinstance(place.place, BodyPlace) or is_on_arm(place.place):
            return before_trunk(None, self.body), OUT
        if place.contact is None and not is_on_head(place.place):
            return before_trunk(place, self.body), OUT
        aim = at(place, self.solid[self.dominant], self.dominant, self.body)
        middle: Array = aim.wrist - wrists[self.dominant]
        target = aim.target
        if place.place.side is None and self._mirrored():
            # In the middle are both hands together; each touches at its own side.
            target = target - middle * _LEFTWARDS
            target = (on_head(self.body, target) if is_on_head(place.place) else front(self.body, *target[:2]))[0]
            middle = (middle + target - aim.target) * (1 - _LEFTWARDS)
        if place.contact is not None and place.contact.kind is ContactKind.TOUCH:
            self._touch(self.dominant, aim.part, target, None)
        return middle, aim.away

    def _both_out_of_body(self, away: Array) -> None:
        far = 0.0
        for side, hand in self.solid.items():
            wrist = self.hands[side].wrist
            far = max(far, float((pushed_out(self.body, hand, wrist, away) - wrist) @ away))
        for side in self.solid:
            self._move(side, self.hands[side].wrist + far * away)

    def _forward(self) -> None:
        """Hands at each other that would be in or behind the trunk come before it: both, if they touch each other."""
        far = {side: self._behind(side) for side in OTHER}
        if max(far.values()) == 0:
            return
        if any(touch.on is not None for touch in self.contacts):
            far = dict.fromkeys(OTHER, max(far.values()))
            self.contacts = [touch for touch in self.contacts if touch.on is not None]
        for side in OTHER:
            if all(touch.hand != side or touch.on is not None for touch in self.contacts):
                self._move(side, self.hands[side].wrist + far[side] * OUT)
        if not self.contacts or all(touch.on is None for touch in self.contacts):
            self._before_each_other(max(OTHER, key=far.__getitem__))

    def _behind(self, side: HandSide) -> float:
        """How far out a hand has to come to be before the trunk, or beside its front half, in metres."""
        points = self.hands[side].wrist + self.solid[side].points[list(_PALM)]
        skin, _ = front(self.body, points[:, 0], points[:, 1])
        before = np.abs(skin[:, 0] - points[:, 0]) < 1e-6
        missing = np.where(before, skin[:, 2] + _APART, 0.0) - points[:, 2]
        middle = float(points[:, 2].mean())
        return float(missing.max()) if middle < _BEHIND else 0.0

    def _before_each_other(self, side: HandSide) -> None:
        """A hand that has come forward goes on until it is before the other one, which is in its way."""
        middles, radii = samples(self.solid[side])
        other = OTHER[side]
        for _ in range(_MOST_STEPS):
            wrist = self.hands[side].wrist
            if float(in_hand(self.solid[other], self.hands[other].wrist, wrist + middles, radii).max()) <= -_APART:
                break
            self._move(side, wrist + _APART * OUT)

    def _apart(self) -> None:
        """Hands that do not touch each other are not in each other."""
        if any(touch.on is not None for touch in self.contacts):
            return
        free = [side for side in OTHER if all(touch.hand != side for touch in self.contacts)]
        for _ in range(4 if free else 0):
            middles, radii = samples(self.solid["right"])
            wrist = self.hands["right"].wrist
            excess = float(in_hand(self.solid["left"], self.hands["left"].wrist, wrist + middles, radii).max())
            excess += 2 * _APART
            if excess <= 0:
                break
            for side in free:
                self._move(side, self.hands[side].wrist + _SIGN[side] * (excess / len(free) + 0.002) * _LEFTWARDS)


def _crosses(constellation: Constellation) -> bool:
    contact = constellation.contact
    return contact is not None and contact.kind in {ContactKind.CROSS, ContactKind.INTERLOCK}


def is_at_other(location: Location | None) -> bool:
    """Whether a place is on the other hand or its arm."""
    if location is None:
        return False
    return isinstance(location.place, HandPlace) or is_on_arm(location.place)


def _is_same(first: Location | None, second: Location | None) -> bool:
    """Whether both are at one place of the body, whichever side of it."""
    if first is None or second is None:
        return False
    if not isinstance(first.place, BodyPlace) or not isinstance(second.place, BodyPlace):
        return False
    return first.place.site is second.place.site
