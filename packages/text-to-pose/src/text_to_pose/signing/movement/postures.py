"""Changes of posture: what is said for which hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from text_to_pose.hamnosys.movements import Brushing, Parallel, Repeated, Replace, Sequence, Targeted
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.signing.movement.scene import SIDES
from text_to_pose.signing.placement.states import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.signing.motion import HandSide
    from text_to_pose.signing.movement.scene import Scene
    from text_to_pose.signing.placement.states import States

T = TypeVar("T")


def with_posture(scene: Scene, posture: Posture) -> States:
    """The hands of a scene with another posture; what is said without a symmetry holds for the hand that acts."""
    if len(scene.cast) == 1:
        dominant = scene.dominant in scene.cast
        posture = Posture(
            _only(posture.handshape, dominant), _only(posture.direction, dominant), _only(posture.palm, dominant)
        )
    return replaced(scene.states, posture)


def turned_hands(scene: Scene, posture: Posture) -> set[HandSide]:
    """The hands that a change of posture is for: those that act, and the other one if a part of it is a pair."""
    hands = set(scene.cast)
    values = (posture.handshape, posture.direction, posture.palm)
    if scene.dominant in hands and any(isinstance(each, Pair) and each.nondominant is not None for each in values):
        hands |= {side for side in SIDES if scene.hand(side) is not None}
    return hands


def _only(value: T | Pair[T] | None, dominant: bool) -> Pair[T] | None:
    if value is None or isinstance(value, Pair):
        return value
    return Pair(value, None) if dominant else Pair(None, value)


def replacements(action: Action) -> Iterator[Posture]:
    """The postures that an action changes to, in order, but for those of a hand of its own (`Split`)."""
    if isinstance(action, Replace):
        yield action.posture
    elif isinstance(action, (Parallel, Sequence)):
        for each in action.actions:
            yield from replacements(each)
    elif isinstance(action, (Targeted, Brushing, Repeated)):
        yield from replacements(action.action)
