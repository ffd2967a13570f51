"""How long movements take, how their speed runs, and what fast, slow, tense and halt do to it.

What is called measured comes from benchmarks/hand_speeds.py: 24 signed sentences, 552 finger-spelled letters and 401
isolated signs, 1,259 movements of wrists in shoulder widths as the camera sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.movements import Size
from text_to_pose.signing.vectors import within

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Manner
    from text_to_pose.signing.vectors import Array

FASTEST = 7.3
"""The fastest wrist in shoulder widths per second (measured: the 99.5th percentile; the 99.9th is 9.2)."""
FASTEST_BEND = 15.0
"""The fastest finger joint in radians per second (measured: the 95th percentile is 8, the 99th 18, with noise)."""
FASTEST_TURN = 16.0
"""The fastest turn of a hand in radians per second: a forearm goes to and fro by 60 degrees five times in one."""

# Measured: the time above a tenth of the peak speed is .181 + .198 sqrt(shoulder widths) seconds; in a minimum-jerk
# movement that is 0.826 of it.
_AT_LEAST = 0.22
_BY_ROOT = 0.24
POSTURE = 0.3
"""Seconds for a change of handshape or orientation (Animgen; Kennaway, arXiv 1502.02961)."""
HOLD = 0.12
"""Seconds that a hand stays at the end of a sign's stroke."""
STILL = 0.4
"""Seconds of no movement, and of a sign that has none; the engine's are .5."""
PAUSE = 0.25
"""Seconds of `rest`, and of what follows a sharp stop."""

_FAST, _SLOW, _TENSE = 1.5, 0.5, 0.8
"""Factors of speed: fast and slow are the engine's; tension slows, as against a resistance."""
_DEGREES = {None: 1.0, Size.SMALL: 0.5, Size.LARGE: 1.6}


@dataclass(frozen=True)
class Profile:
    """How far a movement is at a time: smooth, with the least jerk (T. Flash and N. Hogan, 1985).

    Attributes:
        late: 0, or how sharply it stops: by then it gains speed to the end.
        steady: 0, or how evenly it goes: 1 has the same speed but at its ends.
        linear: the same speed at its ends, too: of a part of a movement.
    """

    late: float = 0.0
    steady: float = 0.0
    linear: bool = False

    def at(self, share: Array) -> Array:
        """Shares of the way (n,) after shares of the time (n,); 0 before 0, 1 after 1."""
        time = within(share, 0.0, 1.0)
        if self.linear:
            return time
        if self.late > 0:
            time = time ** (1 + self.late)
        jerk = time * time * time * (10 + time * (6 * time - 15))
        if self.steady == 0:
            return jerk
        # A trapezoid of speed whose ramps last a fifth of the time.
        ramp = 0.2
        early, end = time**2 / (2 * ramp), 1 - ramp - (1 - time) ** 2 / (2 * ramp)
        even = np.where(time < ramp, early, np.where(time > 1 - ramp, end, time - ramp / 2)) / (1 - ramp)
        return (1 - self.steady) * jerk + self.steady * even


SMOOTH = Profile()
PEAK = 1.875
"""Its greatest speed, in what it is on average."""
CONTINUOUS = Profile(steady=0.8)
"""Of what goes round more than once."""


def travel(length: float, shoulder_width: float) -> float:
    """Seconds that a wrist takes for a way of so many metres (measured)."""
    return _AT_LEAST + _BY_ROOT * float(np.sqrt(max(length, 0.0) / shoulder_width))


def pace(manner: Manner) -> float:
    """By how much faster than usual a movement is."""
    factor = manner.speed if manner.speed is not None and manner.speed > 0 else 1.0
    degree = _DEGREES[manner.degree]
    for said, by in ((manner.fast, _FAST), (manner.slow, _SLOW), (manner.tense, _TENSE)):
        if said:
            factor *= by**degree
    return float(np.clip(factor, 0.2, 5.0))


def profile(manner: Manner, usual: Profile = SMOOTH) -> Profile:
    """How the speed of a movement runs."""
    late = 0.8 * _DEGREES[manner.degree] if manner.halt else usual.late
    return Profile(late, 0.6 if manner.tense and usual.steady == 0 else usual.steady)


def pause(manner: Manner) -> float:
    """Seconds that a hand stays when the movement is over."""
    return PAUSE * _DEGREES[manner.degree] if manner.rest or manner.halt else 0.0
