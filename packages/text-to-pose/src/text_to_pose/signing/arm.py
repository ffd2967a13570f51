"""Arms by inverse kinematics: where the elbow is, and what of a hand's place and turn an arm cannot do.

All of it is of right arms; a left one is mirrored first. Arrays begin with arms and frames, (A, T).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.body_surface import surface, torso_depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from text_to_pose.signing.body import Body
    from text_to_pose.signing.hand_model import Array

FLEXION, DEVIATION, ROTATION = range(3)
WRIST_LIMITS: Array = np.radians(np.array([[-80.0, 85.0], [-40.0, 25.0], [-90.0, 93.0]]))
"""Least and greatest of the wrist's flexion (below 0: extension), its deviation to the thumb (below 0: to the little
finger) and the forearm's rotation from the thumb up (supination; below 0: pronation), (3, 2), radians: what others can
move them to (Wanatabe and others 1979; Greene and Wolf 1989, deviation), as signers use all that joints give."""
ELBOW_FLEXION = np.radians(156.0)
"""As far as others can bend it (Wanatabe and others 1979: 148 to 158): a hand at the ear is near its shoulder."""
_STRAIGHTEST = 0.995
"""Of the arm's length: elbows are not locked."""
_SHOULDER_MOVES: Array = np.array([[-0.03, 0.07], [-0.02, 0.07], [-0.02, 0.09]])
"""How far a shoulder goes along to reach, in metres: outward and inward, down and up, back and forward."""

# Where elbows are in pictures of signers (benchmarks/natural_elbows.py; 12,256 frames of some 40 people): outward from
# the shoulder and up, in shoulder widths, by the x and y of the wrist from there. Half are within 0.06 and 0.08 of it.
_NATURAL_OUT = np.array([0.363, 0.361, 0.119, -0.118, 0.053, 0.012])
_NATURAL_UP = np.array([-0.630, 0.149, 0.408, 0.098, 0.053, 0.233])
_KNOWN_WRISTS: Array = np.array([[-1.2, 1.2], [-2.0, 1.1]])
_NATURAL_SPREAD = 0.12
_PICTURED_WIDTH = 0.300
_PICTURED_UPPER_ARM = 0.274
"""Of the mean body, in metres."""

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
_NEXT, _LAST = np.array([1, 2, 0]), np.array([2, 0, 1])
_MOST_MOVE = 1000.0
"""What a move costs at most."""
_SMOOTHING = 0.08
"""Seconds over which elbows are smoothed."""
_SUDDEN = np.radians(50.0)
"""A turn within 1/25 s that is a jump from one limit to another."""
_CROSSING = 0.16
"""Seconds before and after it over which a hand goes from one to the other."""


@dataclass(frozen=True, eq=False)
class Arms:
    """Arms that keep to their limits.

    Attributes:
        shoulder, elbow, wrist: (A, T, 3).
        rotation: of the hands, (A, T, 3, 3).
        joints: wrist flexion, deviation and forearm rotation, (A, T, 3) radians, as in `WRIST_LIMITS`.
        moved: by how much the wrist is not where it was to be, (A, T) metres.
        turned: by how much the hand is not turned as it was to be, (A, T) radians.
    """

    shoulder: Array
    elbow: Array
    wrist: Array
    rotation: Array
    joints: Array
    moved: Array
    turned: Array


def solve(body: Body, shoulder: Array, wrist: Array, rotation: Array, fps: float, like: Arms | None = None) -> Arms:
    """The right arms that hold hands so, or as nearly as they can.

    Args:
        body: whose.
        shoulder: (A, T, 3) the right shoulders.
        wrist, rotation: (A, T, 3) and (A, T, 3, 3) of the right hands.
        fps: frames per second.
        like: arms that hold hands nearby: elbows stay on the side on which theirs are, and are not looked for again.
    """
    shoulder = shoulder + _reaching(body, shoulder, wrist)
    held = _within_reach(body, shoulder, wrist)
    if like is None:
        elbow = _elbows(body, shoulder, held, rotation, fps)
    else:
        elbow = _Circles.of(body, shoulder, held).nearest(like.elbow)
    joints = wrist_angles(shoulder, elbow, held, rotation)
    kept = _within_limits(joints)
    beyond = (kept != joints).any(axis=-1)
    if beyond.any():
        kept = _calm(kept, beyond, fps)
    allowed, turned = rotation, np.zeros(joints.shape[:-1])
    beyond = (kept != joints).any(axis=-1)
    if beyond.any():
        # Only there: angles and back again would leave rounding everywhere.
        limited = hand_rotation(shoulder, elbow, held, kept)
        allowed = np.where(beyond[..., None, None], limited, rotation)
        turned = np.where(beyond, _angle_between(rotation, limited), 0.0)
    return Arms(shoulder, elbow, held, allowed, kept, np.linalg.norm(held - wrist, axis=-1), turned)


def ease(body: Body, shoulder: Array, wrist: Array, rotation: Array) -> tuple[Array, Array]:
    """How hard right arms find it to hold hands so, each at the elbow that suits it best.

    Args:
        body: whose.
        shoulder: the right shoulder (..., 3).
        wrist, rotation: (N, 3) and (N, 3, 3) of right hands.

    Returns:
        What it costs, (N,): 1 is as far from natural as elbows differ between people, or `_EXCESS` beyond a limit; and
        by how much wrist and forearm are beyond their limits, (N,) radians.
    """
    shoulder = shoulder + _reaching(body, shoulder, wrist)
    held = _within_reach(body, shoulder, wrist)
    _, elbows, costs = _choices(body, shoulder[:, None], held[:, None], rotation[:, None])
    best = costs.argmin(axis=-1)
    chosen = np.take_along_axis(elbows, best[..., None, None], axis=2)[:, 0, 0]
    joints = wrist_angles(shoulder, chosen, held, rotation)
    beyond = np.abs(joints - _within_limits(joints)).sum(axis=-1)
    cost = costs.min(axis=-1)[:, 0] + np.linalg.norm(held - wrist, axis=-1) / _INSIDE
    return cost, beyond


def _calm(joints: Array, limited: Array, fps: float) -> Array:
    """Angles (A, T, 3) that go from one limit to another gradually, where limits hold them, (A, T)."""
    reach = max(int(np.ceil(_CROSSING * fps)), 1)
    calm = joints.copy()
    for arm, frame in np.argwhere(np.abs(np.diff(joints, axis=1)).max(axis=-1) > _SUDDEN * 25 / fps):
        first, last = max(frame + 1 - reach, 0), min(frame + reach, joints.shape[1] - 1)
        share = np.linspace(0, 1, last - first + 1)[:, None]
        calm[arm, first : last + 1] = joints[arm, first] + share * (joints[arm, last] - joints[arm, first])
    share = np.minimum(3 * smoothed(limited[..., None].astype(np.float64), _SMOOTHING * fps), 1.0)
    return calm + share * (smoothed(calm, _SMOOTHING * fps) - calm)


def wrist_angles(shoulder: Array, elbow: Array, wrist: Array, rotation: Array) -> Array:
    """Flexion and deviation of the wrist and rotation of the forearm, (..., 3) radians, of right arms.

    The hand's rotation is that of the forearm, turned by the rotation about y, the flexion about x and the deviation
    about -z, in this order.
    """
    thumb, along, palm = np.moveaxis(_forearm(shoulder, elbow, wrist), -1, 0)
    x, y, z = np.moveaxis(rotation, -1, 0)
    flexion = np.arcsin(np.clip(-(along * z).sum(-1), -1, 1))
    deviation = -np.arctan2((along * x).sum(-1), (along * y).sum(-1))
    turn = np.arctan2((thumb * z).sum(-1), (palm * z).sum(-1))
    return _shorter(flexion, deviation, turn)


def _shorter(flexion: Array, deviation: Array, turn: Array) -> Array:
    """Of the two ways to the same rotation that with less deviation: a hand bent too far rather than turned over."""
    over = np.abs(deviation) > np.pi / 2
    flexion = np.where(over, np.copysign(np.pi, flexion) - flexion, flexion)
    half = np.where(over, np.pi, 0.0)
    return np.stack([flexion, deviation - np.copysign(half, deviation), turn - np.copysign(half, turn)], axis=-1)


def hand_rotation(shoulder: Array, elbow: Array, wrist: Array, joints: Array) -> Array:
    """The rotation (..., 3, 3) of right hands whose wrists and forearms have these angles (..., 3)."""
    flexion, deviation, turn = np.moveaxis(joints, -1, 0)
    product = _turn(turn, 2, 0) @ _turn(flexion, 1, 2) @ _turn(-deviation, 0, 1)
    result: Array = _forearm(shoulder, elbow, wrist) @ product
    return result


def _turn(angle: Array, first: int, second: int) -> Array:
    """Rotations (..., 3, 3) by an angle from one axis to another."""
    result = np.broadcast_to(np.eye(3), (*angle.shape, 3, 3)).copy()
    result[..., first, first] = result[..., second, second] = np.cos(angle)
    result[..., second, first] = np.sin(angle)
    result[..., first, second] = -result[..., second, first]
    return result


def _forearm(shoulder: Array, elbow: Array, wrist: Array) -> Array:
    """Frames (..., 3, 3) of forearms with the thumb up: x to the thumb, y along, z out of the palm."""
    along = _unit(wrist - elbow)
    outward = elbow - shoulder
    straight = _unit(wrist - shoulder)
    palm = _unit(_cross(straight, outward))
    palm = _unit(palm - (palm * along).sum(-1, keepdims=True) * along)
    return np.stack([_cross(along, palm), along, palm], axis=-1)


def _reaching(body: Body, shoulder: Array, wrist: Array) -> Array:
    """How far shoulders go along with wrists that are hard to reach, or give way to those that are near, (..., 3)."""
    arm, offset = body.arm, wrist - shoulder
    far = np.linalg.norm(offset, axis=-1, keepdims=True)
    softness = 0.03 * arm
    need = np.logaddexp(0.0, (far - 0.95 * arm) / softness) - np.logaddexp(0.0, (_nearest(body) - far) / softness)
    size = body.shoulder_width / _PICTURED_WIDTH
    return np.clip(softness * need * offset / np.maximum(far, 1e-9), *(size * _SHOULDER_MOVES.T))


def _within_reach(body: Body, shoulder: Array, wrist: Array) -> Array:
    """Wrists (..., 3) neither farther away than the arm is long nor nearer than the elbow bends.

    The nearer one is, the more it goes out to before the shoulder: a hand that passes through it goes round in front.
    """
    nearest, farthest = _nearest(body), _STRAIGHTEST * body.arm
    offset = wrist - shoulder
    far = np.linalg.norm(offset, axis=-1, keepdims=True)
    stretched = offset * (farthest / np.maximum(far, 1e-9))
    before = nearest * _unit(offset + (nearest - far) * np.array([0.0, 0.0, 1.0]))
    return np.where(far > farthest, shoulder + stretched, np.where(far < nearest, shoulder + before, wrist))


def _nearest(body: Body) -> float:
    """From shoulder to wrist when the elbow bends as far as it does."""
    upper, lower = body.upper_arm, body.forearm
    return float(np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(ELBOW_FLEXION)))


@dataclass(frozen=True, eq=False)
class _Circles:
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
    def of(cls, body: Body, shoulder: Array, wrist: Array) -> _Circles:
        offset = wrist - shoulder
        far = np.linalg.norm(offset, axis=-1, keepdims=True)
        along = offset / far
        upper, lower = body.upper_arm, body.forearm
        reach = (far**2 + upper**2 - lower**2) / (2 * far)
        radius = np.sqrt(np.maximum(upper**2 - reach**2, 1e-12))
        down = _DOWN - (along @ _DOWN)[..., None] * along
        # An arm that points there itself: any axis does, since the choice goes by where the elbows are.
        lost = np.linalg.norm(down, axis=-1, keepdims=True) < 1e-4
        down = _unit(np.where(lost, _cross(along, np.array([1.0, 0.0, 0.0])), down))
        return cls(shoulder, reach, far - reach, radius, along, down, _cross(down, along))

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


def _elbows(body: Body, shoulder: Array, wrist: Array, rotation: Array, fps: float) -> Array:
    """Elbows (A, T, 3): the swivels that cost least over time, smoothed."""
    circles, elbows, costs = _choices(body, shoulder, wrist, rotation)
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


def _choices(body: Body, shoulder: Array, wrist: Array, rotation: Array) -> tuple[_Circles, Array, Array]:
    """The circles, elbows (A, T, K, 3) at K swivels, and what these cost, (A, T, K)."""
    circles = _Circles.of(body, shoulder, wrist)
    swivels: Array = np.linspace(0.0, 2 * np.pi, _SWIVELS, endpoint=False, dtype=np.float64)
    elbows = circles.middle[..., None, :] + circles.radius[..., None] * circles.directions(swivels)
    costs = _costs(body, circles, elbows, wrist) + _wrist_costs(body, circles, swivels, rotation)
    return circles, elbows, costs


def _costs(body: Body, circles: _Circles, elbows: Array, wrist: Array) -> Array:
    """What elbows (A, T, K, 3) cost that are not where elbows are, or in the body, (A, T, K)."""
    width = body.shoulder_width
    place = (wrist - circles.shoulder) / width
    x, y = np.clip(-place[..., 0], *_KNOWN_WRISTS[0]), np.clip(place[..., 1], *_KNOWN_WRISTS[1])
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    arms = body.upper_arm / width * _PICTURED_WIDTH / _PICTURED_UPPER_ARM
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
    aside = _cross(out, upper / body.upper_arm)
    turn = np.arctan2((lower * aside).sum(axis=-1), (lower * out).sum(axis=-1))
    return np.minimum(np.maximum(np.abs(turn) - _HUMERUS, 0.0), _WORST)


def _wrist_costs(body: Body, circles: _Circles, swivels: Array, rotation: Array) -> Array:
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
    joints = _shorter(flexion, deviation, np.arctan2(thumb[..., 0], palm[..., 0]))
    excess = np.minimum(np.abs(joints - _within_limits(joints)), _WORST)
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


def smoothed(values: Array, frames: float) -> Array:
    """Values (A, T, D) averaged over time by a Gaussian of a standard deviation in frames; ends are repeated."""
    reach = int(np.ceil(3 * frames))
    if reach < 1 or values.shape[1] < 2:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / frames) ** 2)
    padded = np.pad(values, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=1)
    result: Array = windows @ (weights / weights.sum())
    return result


def _within_limits(joints: Array) -> Array:
    """Angles (..., 3) moved to the nearest limit if they are beyond: on a circle, past either end."""
    low, high = WRIST_LIMITS.T
    middle = (low + high) / 2
    wrapped = (joints - middle + np.pi) % (2 * np.pi) - np.pi + middle
    inside = (wrapped >= low) & (wrapped <= high)
    return np.where(inside, joints, np.clip(wrapped, low, high))


def _angle_between(first: Array, second: Array) -> Array:
    trace = np.einsum("...ij,...ij->...", first, second)
    angle: Array = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    return angle


def _cross(first: Array, second: Array) -> Array:
    """As `np.cross`, three times as fast for few vectors."""
    return first[..., _NEXT] * second[..., _LAST] - first[..., _LAST] * second[..., _NEXT]


def _unit(vectors: Array) -> Array:
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return result
