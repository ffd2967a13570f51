"""Where elbows are: on the circle that shoulder and wrist leave, where they naturally are, in nothing, and calm."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.body_surface import surface
from text_to_pose.signing.anatomy.haste import slowed
from text_to_pose.signing.anatomy.signs import smoothed_apart
from text_to_pose.signing.anatomy.wrist import shorter, within_limits
from text_to_pose.signing.timing import FASTEST
from text_to_pose.signing.vectors import components, cross, dot, lengths, unit, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.vectors import Array

# Where elbows are in pictures of signers (benchmarks/natural_elbows.py; 12,256 frames of some 40 people): outward from
# the shoulder and up, in shoulder widths, by the x and y of the wrist from there. Half are within 0.06 and 0.08 of it.
_NATURAL_OUT = np.array([0.363, 0.361, 0.119, -0.118, 0.053, 0.012])
_NATURAL_UP = np.array([-0.630, 0.149, 0.408, 0.098, 0.053, 0.233])
_KNOWN_WRISTS: Array = np.array([[-1.2, 1.2], [-2.0, 1.1]])
_NATURAL_SPREAD = 0.12
"""The distance in shoulder widths that counts 1: two thirds of all elbows are nearer."""

SWIVELS: Array = np.linspace(0.0, 2 * np.pi, 24, endpoint=False, dtype=np.float64)
"""At which elbows are tried."""
_COSINES, _SINES = np.cos(SWIVELS), np.sin(SWIVELS)
_DOWN: Array = np.array([0.0, -1.0, -0.25]) / np.hypot(1.0, 0.25)
"""Where an elbow points at swivel 0; an arm seldom points there itself."""
_EASY = np.radians([50.0, 22.0, 60.0])
"""How far wrist and forearm go before it is an effort."""
_EASY_WEIGHT = 0.25
_EXCESS, _WORST = np.radians(4.0), np.radians(60.0)
"""Which part beyond a limit counts as a natural spread, and beyond which it is all the same."""
_INSIDE, _DEEP = 0.004, 0.02
"""Metres by which an arm is in trunk or head that count as a natural spread: evenly, and by the square."""
_ELBOW_RADIUS, _FOREARM_RADIUS, _HEAD_RADIUS = 0.02, 0.035, 0.085
_FOREARM_SHARE = 0.4
"""Where the forearm is thickest, from elbow to wrist."""
_BEHIND = 0.05
"""How far behind the shoulder an elbow goes before it counts, and per which distance, in metres."""
_INWARD, _INWARD_HANGING, _INWARD_FORWARD = 0.42, 0.08, 0.7
"""How far inward of the shoulder an elbow goes, in shoulder widths: not quite to the middle, less where the arm hangs,
and by how much more the farther it is before the shoulder; behind it, it goes outward as far as it goes back."""
_RAISED, _RAISED_MORE = -0.05, 0.2
"""Elbows are seldom higher over the shoulder, in shoulder widths, nor so much higher than they have to be."""
_PAST = 0.05
"""Shoulder widths beyond these that count as a natural spread."""
_HUMERUS = np.radians(95.0)
"""How far the upper arm turns inward and outward about itself: 90 by oneself (AAOS 1965: 70 and 90)."""
_STEP = 0.5
"""Metres per second at which an elbow's move from one swivel to another counts as much as a natural spread."""
_TOO_FAST = 2.0
"""Metres per second from which an elbow's move costs far more: no cost of an elbow is worth a jump."""
_ELBOWS_FASTEST = 0.92
"""Of the speed of the fastest wrists: between frames elbows are a little faster."""
_FORBIDDEN = 1e12
"""The cost of what is out of the question."""
_SMOOTHING = 0.08
"""Seconds over which elbows are smoothed."""


@dataclass(frozen=True, eq=False)
class Circles:
    """On which elbows can be: swivel 0 is down, a quarter turn outward. All (A, T, 3) but for sizes, (A, T, 1).

    Attributes:
        shoulder: where the arm begins.
        reach: from there along the arm to the middle of the circle.
        rest: from there on to the wrist.
        radius: of the circle.
        along, down, side: axes of length 1; the first points from shoulder to wrist.
    """

    shoulder: Array
    reach: Array
    rest: Array
    radius: Array
    along: Array
    down: Array
    side: Array

    @classmethod
    def of(cls, body: Body, shoulder: Array, wrist: Array) -> Circles:
        offset = wrist - shoulder
        far = lengths(offset)[..., None]
        along = offset / far
        upper, lower = body.upper_arm, body.forearm
        reach = (far**2 + upper**2 - lower**2) / (2 * far)
        radius = np.sqrt(np.maximum(upper**2 - reach**2, 1e-12))
        down = _DOWN - (along @ _DOWN)[..., None] * along
        # An arm that points there itself: any axis does, since the choice goes by where the elbows are.
        lost = lengths(down)[..., None] < 1e-4
        if lost.any():
            down = np.where(lost, cross(along, np.array([1.0, 0.0, 0.0])), down)
        down = unit(down)
        return cls(shoulder, reach, far - reach, radius, along, down, cross(down, along))

    def directions(self, swivels: Array) -> Array:
        """From the middle to elbows at swivels (...,), (..., 3)."""
        return np.cos(swivels)[..., None] * self.down + np.sin(swivels)[..., None] * self.side

    def offsets(self) -> Array:
        """From the shoulder to elbows at all `SWIVELS`, (3, A, T, K)."""
        along, down, side = (axis.transpose(2, 0, 1)[..., None] for axis in (self.along, self.down, self.side))
        return self.reach * along + self.radius * (_COSINES * down + _SINES * side)

    def nearest(self, elbows: Array) -> Array:
        """The elbows (A, T, 3) on the circles that are nearest to these."""
        aside = elbows - self.middle
        aside = aside - dot(aside, self.along)[..., None] * self.along
        length = lengths(aside)[..., None]
        return self.middle + self.radius * np.where(length > 1e-6, aside / np.maximum(length, 1e-9), self.down)

    @property
    def middle(self) -> Array:
        """(A, T, 3)."""
        return self.shoulder + self.reach * self.along


def elbows(
    body: Body, shoulder: Array, wrist: Array, rotation: Array, fps: float, parts: NDArray[np.int64] | None = None
) -> tuple[Array, Array]:
    """Elbows (A, T, 3): the swivels that cost least over time, smoothed; and the least costs, (A, T).

    Args:
        body: whose.
        shoulder, wrist, rotation: (A, T, 3), and (A, T, 3, 3) of hands.
        fps: frames per second.
        parts: (T,) which sign a frame belongs to, -1 between signs. In each sign elbows are chosen for it alone, and
            between signs they go from one choice to the next. None: all is one.
    """
    circles, costs = choices(body, shoulder, wrist, rotation)
    chosen = _chosen(costs, circles, fps, parts)
    neighbours = (chosen[..., None] + np.array([-1, 0, 1])) % len(SWIVELS)
    before, here, after = components(np.take_along_axis(costs, neighbours, axis=-1))
    bend = before - 2 * here + after
    between = within(np.where(bend > 1e-9, (before - after) / np.maximum(2 * bend, 1e-9), 0.0), -0.5, 0.5)
    best = circles.directions((chosen + between) * (2 * np.pi / len(SWIVELS)))
    smooth = smoothed_apart(best, _SMOOTHING * fps, parts)
    smooth = smooth - dot(smooth, circles.along)[..., None] * circles.along
    length = lengths(smooth)[..., None]
    direction = np.where(length > 0.1, smooth / np.maximum(length, 1e-9), best)
    return calm(circles, circles.middle + circles.radius * direction, body, fps, parts), costs.min(axis=-1)


def calm(
    circles: Circles,
    elbow: Array,
    body: Body,
    fps: float,
    parts: NDArray[np.int64] | None,
    like: Array | None = None,
) -> Array:
    """Elbows (A, T, 3) no faster than wrists, or others like them, if circles let them: by a jump they give way."""
    longest = np.full((len(elbow), elbow.shape[1] - 1), _ELBOWS_FASTEST * FASTEST * body.shoulder_width / fps)
    if like is not None:
        # What could not be calmed more is not tried again.
        longest = np.maximum(longest, lengths(like[:, 1:] - like[:, :-1]) * (1 + 1e-6))
    return slowed(elbow, longest, parts, kept=circles.nearest)


def choices(body: Body, shoulder: Array, wrist: Array, rotation: Array) -> tuple[Circles, Array]:
    """The circles, and what elbows at `SWIVELS` on them cost, (A, T, K)."""
    circles = Circles.of(body, shoulder, wrist)
    return circles, _costs(body, circles, wrist) + _wrist_costs(body, circles, rotation)


# In what follows coordinates are apart, (A, T, K) each: so many elbows are ten times as many as there are of all else.


def _costs(body: Body, circles: Circles, wrist: Array) -> Array:
    """What elbows cost that are not where elbows are, or in the body, (A, T, K)."""
    width = body.shoulder_width
    to_wrist = wrist - circles.shoulder
    natural_out, natural_up = _natural(body, to_wrist / width)
    x, y, z = circles.offsets()
    out, height, forward = x / -width, y / width, z / width
    # Far from natural it grows evenly, so that no elbow is out of the question where the hand asks for it.
    away = (out - natural_out) ** 2 + (height - natural_up) ** 2
    cost = 2 * (np.sqrt(1 + away / _NATURAL_SPREAD**2) - 1)
    cost += (np.maximum(-z - _BEHIND, 0) / _BEHIND) ** 2
    inward = np.minimum(_INWARD, _INWARD_HANGING + np.where(forward > 0, _INWARD_FORWARD, 1.0) * forward)
    cost += np.maximum(-out - inward, 0) / _PAST
    lowest = height.min(axis=-1, keepdims=True)
    cost += np.maximum(height - np.maximum(_RAISED, lowest + _RAISED_MORE), 0) / _PAST
    to_x, to_y, to_z = (axis[..., None] for axis in components(to_wrist))
    forearm = to_x - x, to_y - y, to_z - z
    cost += _humeral_excess(body, (x, y, z), forearm) / _EXCESS
    x, y, z = (start[..., None] + axis for start, axis in zip(components(circles.shoulder), (x, y, z), strict=True))
    middle = [start + _FOREARM_SHARE * axis for start, axis in zip((x, y, z), forearm, strict=True)]
    of = surface(body)
    from_head = np.sqrt(sum((axis - place) ** 2 for axis, place in zip(middle, of.head, strict=True)))
    for deep in (
        of.trunk.intrusion(x, y, z, _ELBOW_RADIUS),
        of.trunk.intrusion(*middle, _FOREARM_RADIUS),
        np.maximum(_HEAD_RADIUS + _FOREARM_RADIUS - from_head, 0),
    ):
        cost += deep * (1 / _INSIDE + deep / _DEEP**2)
    return cost


def _natural(body: Body, place: Array) -> tuple[Array, Array]:
    """How far outward and up elbows (A, T, 1) naturally are, of wrists (A, T, 3) from the shoulder; shoulder widths."""
    x, y = within(-place[..., :1], *_KNOWN_WRISTS[0]), within(place[..., 1:2], *_KNOWN_WRISTS[1])
    arms = body.upper_arm / body.shoulder_width * MEAN_BODY.shoulder_width / MEAN_BODY.upper_arm
    out, up = (
        arms * (c[0] + x * (c[1] + c[3] * x + c[4] * y) + y * (c[2] + c[5] * y)) for c in (_NATURAL_OUT, _NATURAL_UP)
    )
    return out, up


def _humeral_excess(body: Body, upper: Sequence[Array], lower: Sequence[Array]) -> Array:
    """By how much upper arms with forearms are turned beyond their limits, (A, T, K) radians.

    The turn about its axis, 0 where a hanging arm's forearm is before it, after the shortest way from there.
    """
    x, y, z = (axis / body.upper_arm for axis in upper)
    # The rotation from straight down takes "out", (0, 0, 1), to this; straight up has no shortest way.
    back = z / np.maximum(1 - y, 1e-3)
    out = -x * back, z, 1 - z * back
    aside = out[1] * z - out[2] * y, out[2] * x - out[0] * z, out[0] * y - out[1] * x
    turn = np.arctan2(*(lower[0] * to[0] + lower[1] * to[1] + lower[2] * to[2] for to in (aside, out)))
    return within(np.abs(turn) - _HUMERUS, 0.0, _WORST)


def _wrist_costs(body: Body, circles: Circles, rotation: Array) -> Array:
    """What elbows cost in efforts of wrist and forearm, and beyond their limits, (A, T, K).

    As `wrist_angles`, in the frame of the circle, in which thumb, forearm and palm are sums of few terms.
    """
    (along_x, along_y, along_z), (down_x, down_y, down_z), (side_x, side_y, side_z) = (
        components(axis[..., None, :] @ rotation) for axis in (circles.along, circles.down, circles.side)
    )
    straight, aside = circles.rest / body.forearm, circles.radius / body.forearm
    to_elbow = _COSINES * down_z + _SINES * side_z  # how far the hand's z points to the elbow
    flexion = np.arcsin(within(aside * to_elbow - straight * along_z, -1, 1))
    deviation = -np.arctan2(
        straight * along_x - aside * (_COSINES * down_x + _SINES * side_x),
        straight * along_y - aside * (_COSINES * down_y + _SINES * side_y),
    )
    turn = np.arctan2(-straight * to_elbow - aside * along_z, _SINES * down_z - _COSINES * side_z)
    costs = np.zeros(turn.shape)
    for joint, angle in enumerate(shorter(flexion, deviation, turn)):
        costs += (angle * (np.sqrt(_EASY_WEIGHT) / _EASY[joint])) ** 2
        beyond = np.abs(angle - within_limits(angle, joint))
        costs += np.minimum(beyond, _WORST) / _EXCESS
    return costs


def _chosen(costs: Array, circles: Circles, fps: float, parts: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Which candidates (A, T, K) are chosen, (A, T): those of each part alone first, then what is between."""
    if costs.shape[1] == 1:
        return costs.argmin(axis=-1)
    moves = _moves(circles, fps)
    if parts is None or not (parts >= 0).any():
        return _cheapest_path(costs, moves)
    chosen = np.zeros(costs.shape[:2], dtype=np.int64)
    edges = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(parts)]
    stretches = list(pairwise(edges))
    for first, stop in stretches:
        if parts[first] >= 0:
            chosen[:, first:stop] = _cheapest_path(costs[:, first:stop], moves[:, first : stop - 1])
    for first, stop in stretches:
        if parts[first] < 0:
            # From where the sign before ends to where the one after begins.
            begin, end = max(first - 1, 0), min(stop + 1, len(parts))
            near = costs[:, begin:end].copy()
            for frame in {begin, end - 1} - set(range(first, stop)):
                near[:, frame - begin] = np.where(np.arange(near.shape[-1]) == chosen[:, frame, None], 0.0, _FORBIDDEN)
            chosen[:, begin:end] = _cheapest_path(near, moves[:, begin : end - 1])
    return chosen


def _moves(circles: Circles, fps: float) -> Array:
    """What it costs to go from one candidate to another, (A, T - 1, new, old)."""
    scale = (fps / _STEP) ** 2
    axes = np.stack([circles.down, circles.side], axis=-2) * circles.radius[..., None]
    near = np.stack([_COSINES, _SINES], axis=-1) @ axes  # (A, T, K, 3) from the middle
    drift = np.diff(circles.middle, axis=1)[..., None, :]
    new, old = near[:, 1:] + drift, near[:, :-1]
    squares = ((new * new) @ np.ones(3))[..., None] + ((old * old) @ np.ones(3))[..., None, :]
    squares -= 2 * new @ np.swapaxes(old, -1, -2)
    moves = np.maximum(scale * squares, 0.0)
    excess = moves * (_STEP / _TOO_FAST) ** 2
    excess *= excess
    excess *= excess
    excess += moves
    return excess


def _cheapest_path(costs: Array, moves: Array) -> NDArray[np.int64]:
    """Which candidates (A, T, K) cost least when moves cost as well, (A, T - 1, new, old) (Viterbi), (A, T)."""
    arms, frames, count = costs.shape
    best = costs[:, 0]
    origin = np.zeros((arms, frames, count), dtype=np.int64)
    for t in range(1, frames):
        total = best[:, None, :] + moves[:, t - 1]
        origin[:, t] = total.argmin(axis=-1)
        best = costs[:, t] + total.min(axis=-1)
    path = np.zeros((arms, frames), dtype=np.int64)
    path[:, -1] = best.argmin(axis=-1)
    rows = np.arange(arms)
    for t in range(frames - 1, 0, -1):
        path[:, t - 1] = origin[rows, t, path[:, t]]
    return path
