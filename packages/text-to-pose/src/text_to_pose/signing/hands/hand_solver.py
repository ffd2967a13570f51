"""Angles of a hand that keep to what is asked, touch where they have to, and run into nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.hands.hand_contacts import Contact, depths, pressed_together
from text_to_pose.signing.hands.hand_model import LIMITS, MEAN_HAND, forward

if TYPE_CHECKING:
    from text_to_pose.signing.hands.hand_model import Proportions
    from text_to_pose.signing.vectors import Array

_OVERLAP_TOLERANCE = 0.0004
"""The overlap in metres that weighs as much as a radian by which an angle of weight 1 is off."""
_SOFTNESS = 0.0003
"""Over how many metres resistance begins: without it, a step does not see what it is about to run into."""
_STEP = 1e-6


def solve(
    goal: Array,
    weights: Array,
    contacts: tuple[Contact, ...] = (),
    *,
    start: Array | None = None,
    proportions: Proportions = MEAN_HAND,
    iterations: int = 60,
) -> Array:
    """Angles within `LIMITS` near a goal, by damped least squares (Levenberg-Marquardt) with the limits as bounds.

    Args:
        goal: (21,) angles in radians.
        weights: (21,) how much a deviation from each counts.
        contacts: what has to meet.
        start: (21,) where to begin, the goal if None: the search keeps to the side on which it begins.
        proportions: the hand.
        iterations: at most so many steps.
    """
    low, high = LIMITS.T
    meeting = pressed_together(contacts)

    def residuals(angles: Array) -> Array:
        hands = forward(angles, proportions)
        resistance = _SOFTNESS * np.logaddexp(0.0, depths(hands, proportions, meeting) / _SOFTNESS)
        parts = [weights * (angles - goal), resistance / _OVERLAP_TOLERANCE]
        parts += [contact.offset(hands, proportions) / contact.tolerance for contact in contacts]
        return np.concatenate(parts, axis=-1)

    angles = np.clip(goal if start is None else start, low, high)
    current = residuals(angles)
    damping = 0.1
    for _ in range(iterations):
        moved = residuals(angles + _STEP * np.eye(len(angles)))
        jacobian = (moved - current).T / _STEP
        gradient = jacobian.T @ current
        # An angle at its limit that would go beyond it stays there.
        free = ~(((angles <= low) & (gradient > 0)) | ((angles >= high) & (gradient < 0)))
        normal = (jacobian.T @ jacobian)[np.ix_(free, free)]
        while True:
            step = np.zeros_like(angles)
            step[free] = np.linalg.solve(normal + damping * np.eye(int(free.sum())), -gradient[free])
            trial = np.clip(angles + np.clip(step, -0.3, 0.3), low, high)
            new = residuals(trial)
            if new @ new < current @ current or damping > 1e9:
                break
            damping *= 4
        gained = current @ current - new @ new
        if gained > 0:
            angles, current = trial, new
        damping = max(damping / 8, 1e-4)
        if gained <= 1e-3 * (0.01 + current @ current):
            break
    return angles
