"""Actions of the tree as motion: which module makes which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from text_to_pose.hamnosys.movements import (
    Alternating,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossMovement,
    FingerPlay,
    NoMovement,
    Parallel,
    Repeated,
    Replace,
    Sequence,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
)
from text_to_pose.signing.movement import body_actions, repetition, simultaneous, strokes, targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.hamnosys.movements import Action
    from text_to_pose.signing.movement.scene import Scene, Take

_PERFORM: dict[type, Callable[..., Take]] = {
    StraightMovement: strokes.straight,
    CircularMovement: strokes.circle,
    CrossMovement: strokes.cross,
    WristMovement: strokes.wrist_movement,
    FingerPlay: strokes.finger_plays,
    NoMovement: strokes.none,
    Replace: strokes.changed,
    Sequence: repetition.in_sequence,
    Parallel: simultaneous.parallel,
    Split: simultaneous.split,
    Targeted: targets.targeted,
    Brushing: targets.brushed,
    Repeated: repetition.repeated,
    Alternating: repetition.in_turns,
    BodyAction: body_actions.moved_body,
}


def perform(action: Action, scene: Scene) -> Take:
    """What becomes of an action that starts in a scene."""
    in_turn = scene.alternating and len(scene.cast) == 2
    if in_turn and not isinstance(action, (Repeated, Alternating)) and not simultaneous.is_cyclic(action):
        return repetition.staggered(action, scene)
    return _PERFORM[type(action)](action, scene)


def depth(action: Action) -> int:
    """How deep an action is nested: 1 for a single movement."""
    inner: list[Action] = list(getattr(action, "actions", ()))
    if isinstance(action, Split):
        inner += [each for each in (action.hands.dominant, action.hands.nondominant) if each is not None]
    elif isinstance(action, (Targeted, Brushing, Repeated, Alternating)):
        inner.append(action.action)
    return 1 + max((depth(each) for each in inner), default=0)
