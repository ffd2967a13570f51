"""Handshapes of HamNoSys as hands in three dimensions, for the signer of HamNoSys."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.hands.hand_goals import Goal, base_goal, relaxed_goal, with_details
from text_to_pose.signing.hands.hand_model import MEAN_HAND, forward, mirrored
from text_to_pose.signing.hands.hand_solver import solve

if TYPE_CHECKING:
    from text_to_pose.hamnosys.handshapes import Handshape
    from text_to_pose.signing.hands.hand_contacts import Contact
    from text_to_pose.signing.hands.hand_model import Proportions
    from text_to_pose.signing.vectors import Array


def handshape_points(shape: Handshape, proportions: Proportions = MEAN_HAND, *, left: bool = False) -> Array:
    """The 21 points of a handshape in MediaPipe's order, (21, 3), metres from the wrist.

    y is the extended finger direction, z the palm's; x points to the thumb of a right hand, away from a left one's.
    """
    points = forward(handshape_angles(shape, proportions), proportions).points
    return mirrored(points) if left else points


def handshape_angles(shape: Handshape, proportions: Proportions = MEAN_HAND) -> Array:
    """The 21 angles (`hand_model.ANGLES`) of a handshape, in radians.

    They are within the limits of the joints; what is to meet meets, and no part of the hand goes through another.
    """
    return _solved(shape, proportions)[0].copy()


def handshape_contacts(shape: Handshape, proportions: Proportions = MEAN_HAND) -> tuple[Contact, ...]:
    """Which places of the hand meet in a handshape."""
    return _solved(shape, proportions)[1]


@lru_cache(maxsize=4096)
def _solved(shape: Handshape, proportions: Proportions) -> tuple[Array, tuple[Contact, ...]]:
    goal = _goal(shape, proportions)
    return _angles(goal, proportions), goal.contacts


def _goal(shape: Handshape, proportions: Proportions) -> Goal:
    if shape.base is None:
        return relaxed_goal()
    goal = base_goal(shape.base, shape)
    if shape.between is not None:
        other = base_goal(shape.between, shape)
        halfway = (_angles(goal, proportions) + _angles(other, proportions)) / 2
        kept = tuple(contact for contact in goal.contacts if contact in other.contacts)
        goal = Goal(np.degrees(halfway), (goal.weights + other.weights) / 2, kept)
    return with_details(goal, shape)


def _angles(goal: Goal, proportions: Proportions) -> Array:
    start = None if goal.start is None else np.radians(goal.start)
    return solve(np.radians(goal.angles), goal.weights, goal.contacts, start=start, proportions=proportions)
