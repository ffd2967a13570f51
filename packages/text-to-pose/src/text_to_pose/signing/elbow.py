"""Where elbows are: on the circle that shoulder and wrist leave, where they naturally are, in nothing, and calm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.body import MEAN_BODY
from text_to_pose.signing.body_surface import surface, torso_depth
from text_to_pose.signing.vectors import cross, smoothed, unit
from text_to_pose.signing.wrist import shorter, within_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array

# Where elbows are in pictures of signers (benchmarks/natural_elbows.py; 12,256 frames of some 40 people): outward from
# the shoulder and up, in shoulder widths, by the x and y of the wrist from there. Half are within 0.06 and 0.08 of it.
_NATURAL_OUT = np.array([0.363, 0.361, 0.119, -0.118, 0.053, 0.012])
_NATURAL_UP = np.array([-0.630, 0.149, 0.408, 0.098, 0.053, 0.233])
_KNOWN_WRISTS: Array = np.array([[-1.2, 1.2], [-2.0, 1.1]])
_NATURAL_SPREAD = 0.12
"""The distance in shoulder widths that counts 1: two thirds of all elbows are nearer."""

_SWIVELS = 24
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
_MOST_MOVE = 1000.0
"""What a move costs at most."""
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
        far = np.linalg.norm(offset, axis=-1, keepdims=True)
        along = offset / far
        upper, lower = body.upper_arm, body.forearm
        reach = (far**2 + upper**2 - lower**2) / (2 * far)
        radius = np.sqrt(np.maximum(upper**2 - reach**2, 1e-12))
        down = _DOWN - (along @ _DOWN)[..., None] * along
        # An arm that points there itself: any axis does, since the choice goes by where the elbows are.
        lost = np.linalg.norm(down, axis=-1, keepdims=True) < 1e-4
        down = unit(np.where(lost, cross(along, np.array([1.0, 0.0, 0.0])), down))
        return cls(shoulder, reach, far - reach, radius, along, down, cross(down, along))

    def directions(self, swivels: Array) -> Array:
        """From the middle to elbows at swivels (..., K), (..., K, 3)."""
        cosine, sine = np.cos(swivels)[..., None], np.sin(swivels)[..., None]
        return cosine * self.down[..., None, :] + sine * self.side[..., None, :]

    def nearest(self, elbows: Array) -> Array:
        """The elbows (A, T, 3) on the circles that are nearest to these."""
        aside = elbows - self.middle
        aside = aside - (aside * self.along).sum(-1, keepdims=True) * self.along
        length = np.linalg.norm(aside, axis=-1, keepdims=True)
        return self.middle + self.radius * np.where(length > 1e-6, aside / np.maximum(length, 1e-9), self.down)

    @property
    def middle(self) -> Array:
        """(A, T, 3)."""
        return self.shoulder + self.reach * self.along


def elbows(body: Body, shoulder: Array, wrist: Array, rotation: Array, fps: float) -> Array:
    """Elbows (A, T, 3): the swivels that cost least over time, smoothed."""
    circles, elbows, costs = choices(body, shoulder, wrist, rotation)
    chosen = _cheapest_path(costs, elbows, fps)
    before, here, after = (
        np.take_along_axis(costs, (chosen[..., None] + k) % _SWIVELS, axis=-1)[..., 0] for k in (-1, 0, 1)
    )
    bend = before - 2 * here + after
    between = np.clip(np.where(bend > 1e-9, (before - after) / np.maximum(2 * bend, 1e-9), 0.0), -0.5, 0.5)
    best = circles.directions(((chosen + between) * (2 * np.pi / _SWIVELS))[..., None])[..., 0, :]
    smooth = smoothed(best, _SMOOTHING * fps)
    smooth = smooth - (smooth * circles.along).sum(-1, keepdims=True) * circles.along
    length = np.linalg.norm(smooth, axis=-1, keepdims=True)
    direction = np.where(length > 0.1, smooth / np.maximum(length, 1e-9), best)
    result: Array = circles.middle + circles.radius * direction
    return result


def choices(body: Body, shoulder: Array, wrist: Array, rotation: Array) -> tuple[Circles, Array, Array]:
    """The circles, elbows (A, T, K, 3) at K swivels, and what these cost, (A, T, K)."""
    circles = Circles.of(body, shoulder, wrist)
    swivels: Array = np.linspace(0.0, 2 * np.pi, _SWIVELS, endpoint=False, dtype=np.float64)
    elbows = circles.middle[..., None, :] + circles.radius[..., None] * circles.directions(swivels)
    costs = _costs(body, circles, elbows, wrist) + _wrist_costs(body, circles, swivels, rotation)
    return circles, elbows, costs


def _costs(body: Body, circles: Circles, elbows: Array, wrist: Array) -> Array:
    """What elbows (A, T, K, 3) cost that are not where elbows are, or in the body, (A, T, K)."""
    width = body.shoulder_width
    place = (wrist - circles.shoulder) / width
    x, y = np.clip(-place[..., 0], *_KNOWN_WRISTS[0]), np.clip(place[..., 1], *_KNOWN_WRISTS[1])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    arms = body.upper_arm / width * MEAN_BODY.shoulder_width / MEAN_BODY.upper_arm
    natural_out, natural_up = arms * (terms @ _NATURAL_OUT), arms * (terms @ _NATURAL_UP)
    offset = elbows - circles.shoulder[..., None, :]
    out, up = -offset[..., 0] / width - natural_out[..., None], offset[..., 1] / width - natural_up[..., None]
    # Far from natural it grows evenly, so that no elbow is out of the question where the hand asks for it.
    cost = 2 * (np.sqrt(1 + (out**2 + up**2) / _NATURAL_SPREAD**2) - 1)
    cost += (np.maximum(-offset[..., 2] - _BEHIND, 0) / _BEHIND) ** 2
    forward = offset[..., 2] / width
    inward = np.minimum(_INWARD, _INWARD_HANGING + np.where(forward > 0, _INWARD_FORWARD, 1.0) * forward)
    cost += np.maximum(offset[..., 0] / width - inward, 0) / _PAST
    height = offset[..., 1] / width
    lowest = height.min(axis=-1, keepdims=True)
    cost += np.maximum(height - np.maximum(_RAISED, lowest + _RAISED_MORE), 0) / _PAST
    cost += np.abs(_humeral_excess(body, offset, wrist[..., None, :] - elbows)) / _EXCESS
    middle = elbows + _FOREARM_SHARE * (wrist[..., None, :] - elbows)
    from_head = np.linalg.norm(middle - surface(body).head, axis=-1)
    for inside in (
        torso_depth(body, elbows) + _ELBOW_RADIUS,
        torso_depth(body, middle) + _FOREARM_RADIUS,
        _HEAD_RADIUS + _FOREARM_RADIUS - from_head,
    ):
        deep = np.maximum(inside, 0)
        cost += deep / _INSIDE + (deep / _DEEP) ** 2
    return cost


def _humeral_excess(body: Body, upper: Array, lower: Array) -> Array:
    """By how much upper arms (..., 3) with forearms (..., 3) are turned beyond their limits, (...,) radians.

    The turn about its axis, 0 where a hanging arm's forearm is before it, after the shortest way from there.
    """
    x, y, z = np.moveaxis(upper / body.upper_arm, -1, 0)
    # The rotation from straight down takes "out", (0, 0, 1), to this; straight up has no shortest way.
    down = np.maximum(1 - y, 1e-3)
    out = np.stack([-x * z / down, z, 1 - z * z / down], axis=-1)
    aside = cross(out, upper / body.upper_arm)
    turn = np.arctan2((lower * aside).sum(axis=-1), (lower * out).sum(axis=-1))
    return np.minimum(np.maximum(np.abs(turn) - _HUMERUS, 0.0), _WORST)


def _wrist_costs(body: Body, circles: Circles, swivels: Array, rotation: Array) -> Array:
    """What elbows at K swivels cost in efforts of wrist and forearm, and beyond their limits, (A, T, K).

    As `wrist_angles`, in the frame of the circle, in which thumb, forearm and palm are sums of few terms.
    """
    axes = np.stack([circles.along, circles.down, circles.side], axis=-2) @ rotation  # (A, T, 3, hand's x y z)
    along, down, side = (axes[..., k, None, :] for k in range(3))
    cosine, sine = np.cos(swivels)[:, None], np.sin(swivels)[:, None]
    elbow = cosine * down + sine * side  # (A, T, K, 3): how far x, y and z of the hand point to the elbow
    straight, aside = circles.rest[..., None] / body.forearm, circles.radius[..., None] / body.forearm
    forearm = straight * along - aside * elbow
    thumb = -straight * elbow[..., 2:] - aside * along[..., 2:]
    palm = sine * down[..., 2:] - cosine * side[..., 2:]
    flexion = np.arcsin(np.clip(-forearm[..., 2], -1, 1))
    deviation = -np.arctan2(forearm[..., 0], forearm[..., 1])
    joints = shorter(flexion, deviation, np.arctan2(thumb[..., 0], palm[..., 0]))
    excess = np.minimum(np.abs(joints - within_limits(joints)), _WORST)
    return (_EASY_WEIGHT * (joints / _EASY) ** 2 + excess / _EXCESS) @ np.ones(3)


def _cheapest_path(costs: Array, elbows: Array, fps: float) -> NDArray[np.int64]:
    """Which candidates (A, T, K) cost least when moving costs as well (Viterbi), (A, T)."""
    arms, frames, count = costs.shape
    if frames == 1:
        return costs.argmin(axis=-1)
    scale = (fps / _STEP) ** 2
    near = elbows - elbows.mean(axis=2, keepdims=True)
    drift = (elbows - near)[:, 1:, :1] - (elbows - near)[:, :-1, :1]
    new, old = near[:, 1:] + drift, near[:, :-1]
    squares = (new**2).sum(axis=-1)[..., None] + (old**2).sum(axis=-1)[..., None, :]
    squares -= 2 * new @ np.swapaxes(old, -1, -2)
    moves = np.clip(scale * squares, 0.0, _MOST_MOVE)  # (A, T - 1, new, old)
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
