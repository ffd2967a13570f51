"""Paths of the wrist in space: straight, bowed and swinging lines, circles and crosses.

Lengths in metres. Sizes are those of one engine (Animgen; Kennaway, arXiv 1502.02961); what it leaves open is said
where it is decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.movements import CrossKind, EllipseDirection, Growth, Size, ZigzagStyle
from text_to_pose.signing.frame import vector
from text_to_pose.signing.rotations import from_vector
from text_to_pose.signing.vectors import interpolated, lengths

if TYPE_CHECKING:
    from text_to_pose.hamnosys.movements import Arc, CircularMovement, CrossMovement, StraightMovement, Zigzag
    from text_to_pose.signing.vectors import Array

STRAIGHT_LENGTHS = {Size.SMALL: 0.06, None: 0.12, Size.LARGE: 0.20}
RADII = {Size.SMALL: 0.02, None: 0.05, Size.LARGE: 0.10}
ARC_DEPTHS = {Size.SMALL: 0.12, None: 0.25, Size.LARGE: 0.5}
"""How far a path bows, in shares of its length. The engine's .05 and .15 can hardly be seen on 12 cm."""
SWINGS = {Size.SMALL: 0.012, None: 0.025, Size.LARGE: 0.05}
"""How far a wavy or zigzag path swings to each side."""
SWING_PERIOD = 0.06
"""The length of way in which it swings there and back; never fewer than two of them."""
ELLIPSE_AXES = {Size.SMALL: (1.0, 0.7), None: (1.25, 0.6), Size.LARGE: (1.7, 0.6)}
"""Long and short half axis of an ellipse, in radii of the circle of its size."""
_POINTS = 49
_UP, _OUT, _SIDE = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, eq=False)
class Path:
    """A way of the wrist from where it begins.

    Attributes:
        points: (N, 3) in metres, the first of them 0.
    """

    points: Array

    @cached_property
    def _lengths(self) -> Array:
        result = np.zeros(len(self.points))
        np.cumsum(lengths(self.points[1:] - self.points[:-1]), out=result[1:])
        return result

    @property
    def length(self) -> float:
        return float(self._lengths[-1])

    @property
    def end(self) -> Array:
        return self.points[-1]

    def at(self, share: Array) -> Array:
        """Where it is, (n, 3), after shares (n,) of its length."""
        way = np.asarray(share) * self.length
        return interpolated(way, self._lengths, self.points)

    def heading(self, share: Array) -> Array:
        """Which way it goes there, (n, 3), length 1."""
        step = 0.5 / max(len(self.points) - 1, 1)
        share = np.clip(share, step, 1 - step)
        ahead = self.at(share + step) - self.at(share - step)
        return ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)

    def scaled(self, factor: float) -> Path:
        return Path(self.points * factor)

    def reflected(self, signs: Array) -> Path:
        """Mirrored in the axes whose sign (3,) is -1."""
        return Path(self.points * signs)

    def reversed(self) -> Path:
        """The way back."""
        return Path(self.points[::-1] - self.points[-1])

    def then(self, other: Path) -> Path:
        """Both one after the other."""
        return Path(np.concatenate([self.points, other.points[1:] + self.points[-1]]))

    def ending_at(self, end: Array) -> Path:
        """The same shape, but ending there: what is missing is made up along the way."""
        if self.length == 0:
            return Path(np.stack([np.zeros(3), end]))
        return Path(self.points + (self._lengths / self.length)[:, None] * (end - self.end))


STILL = Path(np.zeros((2, 3)))
"""No way at all."""


def line(displacement: Array) -> Path:
    """Straight there."""
    return Path(np.linspace(0.0, 1.0, 2)[:, None] * np.asarray(displacement, dtype=np.float64))


def straight(movement: StraightMovement, displacement: Array | None = None) -> Path:
    """A straight movement with its arc, its zigzag and its size.

    Args:
        movement: the movement.
        displacement: (3,) where it ends, if that is known; else its direction and size say it.
    """
    full = straight_displacement(movement) if displacement is None else np.asarray(displacement, dtype=np.float64)
    length = float(np.linalg.norm(full))
    if length < 1e-6:
        return STILL
    if movement.arc is None and movement.zigzag is None:
        return line(full)
    along = np.linspace(0.0, 1.0, 4 * _POINTS if movement.zigzag else _POINTS)
    points = along[:, None] * full
    ahead = full / length
    if movement.arc is not None:
        points += _bow(along, movement.arc, full)
    if movement.zigzag is not None:
        sideways = _swing_direction(ahead, movement.ellipse.direction if movement.ellipse else None)
        points += _swings(along, movement.zigzag, length, movement.growth)[:, None] * sideways
    return Path(points)


def straight_displacement(movement: StraightMovement) -> Array:
    """Where a straight movement ends, (3,), from where it begins."""
    length = STRAIGHT_LENGTHS[movement.size]
    way = vector(movement.direction) * length
    if movement.between is not None:
        other = vector(movement.between) * STRAIGHT_LENGTHS[movement.between_size or movement.size]
        length = (length + float(np.linalg.norm(other))) / 2
        middle = (way + other) / 2
        # Opposite directions have no middle: the first one counts.
        way = way if np.linalg.norm(middle) < 1e-6 else middle / np.linalg.norm(middle) * length
    return way


def _bow(along: Array, arc: Arc, full: Array) -> Array:
    """What an arc of a circle adds to a line, (N, 3)."""
    length = float(np.linalg.norm(full))
    depth = ARC_DEPTHS[arc.size]
    # The circle through both ends whose arc is so deep: from the chord, in shares of it.
    radius = (0.25 + depth**2) / (2 * depth)
    half = np.arcsin(min(0.5 / radius, 1.0))
    angle = (2 * along - 1) * half
    chord = 0.5 + radius * np.sin(angle)
    height = radius * (np.cos(angle) - np.cos(half))
    return (chord - along)[:, None] * full + (height * length)[:, None] * _bow_direction(arc.direction, full / length)


def _bow_direction(direction: Direction, ahead: Array) -> Array:
    """Where an arc bows to: its direction as far as that is square to the movement.

    Along a movement there is no such side: an arc up of a movement up or down bows out, and an arc down in; to the
    sides likewise, the arc to the signer's right or left bows out or in.
    """
    wanted = vector(direction)
    square = wanted - (wanted @ ahead) * ahead
    if np.linalg.norm(square) < 0.3:
        square = _OUT if direction in {Direction.U, Direction.R} else -_OUT
        square = square - (square @ ahead) * ahead
    unit: Array = square / np.linalg.norm(square)
    return unit


def _swing_direction(ahead: Array, ellipse: EllipseDirection | None) -> Array:
    """To which side a zigzag swings: as an ellipse says; else up and down on a way sideways, else sideways."""
    slant = {EllipseDirection.UP_RIGHT: _UP - _SIDE, EllipseDirection.UP_LEFT: _UP + _SIDE}
    by_ellipse = {EllipseDirection.HORIZONTAL: _SIDE, EllipseDirection.VERTICAL: _UP, **slant}
    sideways = abs(ahead[0]) > max(abs(ahead[1]), abs(ahead[2]))
    wanted = by_ellipse[ellipse] if ellipse is not None else (_UP if sideways else _SIDE)
    for axis in (wanted, _OUT, _UP):
        square = axis - (axis @ ahead) * ahead
        if np.linalg.norm(square) > 0.3:
            break
    unit: Array = square / np.linalg.norm(square)
    return unit


def _swings(along: Array, zigzag: Zigzag, length: float, growth: Growth | None) -> Array:
    """How far to the side, (N,): 0 at both ends."""
    phase = along * swing_count(length)
    wavy = zigzag.style is ZigzagStyle.WAVY
    swing = np.sin(2 * np.pi * phase) if wavy else 4 * np.abs((phase + 0.75) % 1 - 0.5) - 1
    return swing * SWINGS[zigzag.size] * _grown(along, growth)


def swing_count(length: float) -> int:
    """How often a wavy or zigzag path of that length swings there and back."""
    return max(2, round(length / SWING_PERIOD))


def _grown(along: Array, growth: Growth | None) -> Array:
    if growth is None:
        return np.ones_like(along)
    return 0.3 + 1.2 * (along if growth is Growth.INCREASING else 1 - along)


def circle(movement: CircularMovement) -> Path:
    """A circle or ellipse, clockwise when seen along its axis, as often as it says.

    It begins at the top of the dial if nothing else is said. The dial's top is up; of a circle that lies, what is up
    for one who looks along its axis: out for one who looks down, in for one who looks up.
    """
    axis, top = _dial(movement)
    begin = _dial_angle(movement.start) if movement.start is not None else 0.0
    total = 2 * np.pi * movement.turns
    if movement.end is not None:
        total += (_dial_angle(movement.end) - begin) % (2 * np.pi)
    if total == 0:
        total = 2 * np.pi
    count = max(12, round(_POINTS * total / (2 * np.pi)))
    along = np.linspace(0.0, 1.0, count)
    angle = begin + along * total
    radius = RADII[movement.size or movement.between_size] * _grown(along, movement.growth)
    right = np.cross(axis, top)
    across, up = radius * np.sin(angle), radius * np.cos(angle)
    if movement.ellipse is not None:
        across, up = _elliptic(across, up, movement.ellipse.direction, movement.ellipse.size)
    points = across[:, None] * right + up[:, None] * top
    if movement.zigzag is not None:
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        points = points + _swings(along, movement.zigzag, length, None)[:, None] * axis
    return Path(points - points[0])


def opposite_start(movement: CircularMovement) -> Array:
    """From where a circle begins to the point across, (3,): there begins a hand that is half a turn behind."""
    half = circle(replace(movement, turns=1, end=None, growth=None, zigzag=None))
    middle: Array = half.points[len(half.points) // 2]
    return middle


def _dial(movement: CircularMovement) -> tuple[Array, Array]:
    """Axis and top of the dial on which a circle runs."""
    axis = vector(movement.axis)
    if movement.between is not None:
        middle = axis + vector(movement.between)
        axis = middle / np.linalg.norm(middle) if np.linalg.norm(middle) > 1e-6 else axis
    top = _UP - (_UP @ axis) * axis
    if np.linalg.norm(top) < 0.1:
        top = -np.sign(axis[1]) * _OUT
    return axis, top / np.linalg.norm(top)


def _dial_angle(point: Direction) -> float:
    """Radians clockwise from the top of the dial."""
    right, up, _ = point.axes
    return float(np.arctan2(right, up))


def _elliptic(across: Array, up: Array, direction: EllipseDirection, size: Size | None) -> tuple[Array, Array]:
    long, short = ELLIPSE_AXES[size]
    # Degrees from the dial's 3 o'clock up to the line along which it is long.
    slant = {"HORIZONTAL": 0.0, "UP_RIGHT": 45.0, "VERTICAL": 90.0, "UP_LEFT": 135.0}[direction.name]
    turned = from_vector(np.array([0.0, 0.0, np.radians(slant)]))[:2, :2]
    stretched = turned @ np.diag([long, short]) @ turned.T
    both = stretched @ np.stack([across, up])
    return both[0], both[1]


def cross(movement: CrossMovement) -> Path:
    """A cross in the plane of the body: one stroke down, then, with the hand lifted a little, one across.

    Drawn from its top; a slanting one from the top left and then from the top right.
    """
    arm = STRAIGHT_LENGTHS[movement.size] / 2
    if movement.kind is CrossKind.PLUS:
        strokes = [(_UP, -_UP), (_SIDE, -_SIDE)]
    else:
        diagonal, other = (_UP + _SIDE) / np.sqrt(2), (_UP - _SIDE) / np.sqrt(2)
        strokes = [(diagonal, -diagonal), (other, -other)]
    (first, last), (again, end) = strokes
    lift = (last + again) / 2 - 0.4 * _OUT
    corners = arm * np.stack([first, last, lift, again, end])
    return Path(corners - corners[0])
