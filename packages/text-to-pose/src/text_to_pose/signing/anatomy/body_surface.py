"""The surface of head, neck and trunk: where a hand can touch them, and how deep in them a point is.

The trunk and the neck are stacks of flattened ellipses; the head is a radius in each direction, which in front is that
of the person's own face. Breadths and depths are of adults of mean size (ANSUR II, Gordon and others, 2014: breadth
and depth of chest, waist and hips, neck and head) for the mean body, and grow with the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.anatomy.body import CHIN, FOREHEAD_TOP, LEFT_CHEEK, MEAN_BODY
from text_to_pose.signing.anatomy.ellipses import FLATNESS, Stack
from text_to_pose.signing.vectors import components, joined, lengths, unit, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.vectors import Array

# Of the mean body: height, half breadth, half depth and middle (z) of the trunk, metres, from the hips to the neck.
_TRUNK = np.array(
    [
        [-0.700, 0.150, 0.090, 0.000],
        [-0.500, 0.172, 0.110, 0.000],
        [-0.400, 0.166, 0.113, 0.005],
        [-0.290, 0.148, 0.108, 0.008],
        [-0.200, 0.150, 0.112, 0.006],
        [-0.120, 0.158, 0.115, 0.000],
        [-0.060, 0.168, 0.103, -0.006],
        [-0.010, 0.172, 0.078, -0.012],
        [0.020, 0.160, 0.062, -0.016],
        [0.045, 0.115, 0.052, -0.018],
        [0.065, 0.070, 0.050, -0.016],
    ]
)
_NECK = np.array(
    [
        [0.030, 0.062, 0.055, -0.012],
        [0.060, 0.057, 0.055, -0.006],
        [0.090, 0.055, 0.056, 0.002],
        [0.150, 0.055, 0.055, 0.006],
    ]
)
_HEAD_MIDDLE = np.array([0.0, -0.02, -0.06])
"""Of the radii, from the middle of the eyes."""
_CRANIUM, _CRANIUM_RADII = np.array([0.0, 0.025, -0.078]), np.array([0.076, 0.090, 0.097])
_JAW = np.array([[x, -0.100 + 0.004 * k, -0.02 * k] for k in range(4) for x in (-0.02, 0.0, 0.02)])
"""Points below the jaw, where the face's mesh has none, from the middle of the eyes."""
_LATITUDES, _LONGITUDES = 46, 90
_AROUND: Array = np.concatenate([-np.eye(3), np.eye(3)])
_BREADTH_SHARE = 0.9
"""How far to the side of the trunk a place in front of it can be, in half breadths."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Head, neck and trunk of one body.

    Attributes:
        trunk, neck: ellipses, from below.
        head: (3,) the middle of the head.
        radii: from there, by latitude from below and longitude from straight behind over the left, (46, 90).
        head_reach: how far from the head's pivot it is at most.
    """

    trunk: Stack
    neck: Stack
    head: Array
    radii: Array
    head_reach: float


def front(body: Body, x: Array | float, y: Array | float) -> tuple[Array, Array]:
    """Points (..., 3) on the front of trunk and neck, and the unit vectors (..., 3) that point out of them there.

    Args:
        body: whose.
        x, y: where, in the frame of `signing.frame`; beyond the side it is the side.
    """
    of = surface(body)
    x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    best = np.full(x.shape, -np.inf)
    found = np.zeros((*x.shape, 3))
    for stack in (of.trunk, of.neck):
        inside = y <= stack.top if stack is of.trunk else (y >= stack.bottom)
        breadth, depth, middle = stack.sizes(y)
        across = np.clip(x, -_BREADTH_SHARE * breadth, _BREADTH_SHARE * breadth)
        z = middle + depth * (1 - np.abs(across / breadth) ** FLATNESS) ** (1 / FLATNESS)
        # A place beside the neck lies on the shoulder, if there is one at that height.
        nearer = inside & ((z > best) & (np.abs(x - across) <= np.abs(x - found[..., 0]) + 1e-9) | (best == -np.inf))
        best = np.where(nearer, z, best)
        found = np.where(nearer[..., None], np.stack([across, y, z], axis=-1), found)
    return found, _normals(trunk_depth, body, found)


def head_point(body: Body, direction: Array) -> tuple[Array, Array]:
    """Points (..., 3) on the head in directions (..., 3) from its middle, and the unit vectors out of it there."""
    of = surface(body)
    direction = np.asarray(direction, dtype=np.float64)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    points = of.head + _radius(of.radii, direction)[..., None] * direction
    return points, _normals(head_depth, body, points)


def on_head(body: Body, point: Array) -> tuple[Array, Array]:
    """The point of the head's surface (..., 3) in line with a point (..., 3) and the head's middle, and its normal."""
    return head_point(body, np.asarray(point, dtype=np.float64) - surface(body).head)


def depth(body: Body, points: Array, head: Array | None = None) -> Array:
    """How far points (..., 3) are inside head, neck or trunk, (...,) in metres; below 0: outside, to first order.

    Args:
        body: whose.
        points: in the frame of `signing.frame`.
        head: rotations of the head (..., 3, 3) about `Body.head_pivot`; None: at rest.
    """
    return np.maximum(trunk_depth(body, points), head_depth(body, points, head))


def intrusion(body: Body, points: Array, radius: Array | float, head: Array | None = None) -> Array:
    """How far balls about points (..., 3) are in head, neck or trunk, (...,) in metres; 0: not at all.

    As `depth` is where it is more than 0, but what is not near is not looked at more closely.
    """
    of, (x, y, z) = surface(body), components(points)
    deep = np.maximum(of.trunk.intrusion(x, y, z, radius), of.neck.intrusion(x, y, z, radius))
    # However it is turned, the head is within this distance.
    pivot = body.head_pivot
    near = (x - pivot[0]) ** 2 + (y - pivot[1]) ** 2 + (z - pivot[2]) ** 2 < (of.head_reach + radius) ** 2
    if near.any():
        turned = None if head is None else np.broadcast_to(head, (*near.shape, 3, 3))[near]
        size = radius[near] if isinstance(radius, np.ndarray) else radius
        deep[near] = np.maximum(deep[near], head_depth(body, points[near], turned) + size)
    return deep


def outward(body: Body, points: Array, head: Array | None = None) -> Array:
    """Unit vectors (..., 3) by which points (..., 3) leave the body soonest; `head` as in `depth`."""
    return _normals(lambda whose, at: depth(whose, at, head), body, points)


def trunk_depth(body: Body, points: Array) -> Array:
    """As `depth`, of trunk and neck."""
    of, (x, y, z) = surface(body), components(points)
    return np.maximum(of.trunk.depth(x, y, z), of.neck.depth(x, y, z))


def head_depth(body: Body, points: Array, head: Array | None = None) -> Array:
    """As `depth`, of the head."""
    of = surface(body)
    if head is not None:
        points = ((points - body.head_pivot)[..., None, :] @ head)[..., 0, :] + body.head_pivot
    offset = points - of.head
    far = lengths(offset)
    radius: Array = _radius(of.radii, offset / np.maximum(far, 1e-9)[..., None]) - far
    return radius


@lru_cache(maxsize=64)
def surface(body: Body) -> Surface:
    """The surface of a body."""
    wide = body.shoulder_width / MEAN_BODY.shoulder_width
    tall = float(body.hips[0, 1] / MEAN_BODY.hips[0, 1])
    deep = (wide + tall) / 2
    eyes, rest = body.eyes, MEAN_BODY.eyes
    lifted = (body.face[CHIN, 1] - MEAN_BODY.face[CHIN, 1] * wide) * np.linspace(0, 1, len(_NECK))
    neck = _NECK * [wide, wide, wide, wide]
    neck[:, 0] += lifted
    face, mean = body.face - eyes, MEAN_BODY.face - rest
    size = np.array(
        [
            face[LEFT_CHEEK, 0] / mean[LEFT_CHEEK, 0],
            (face[FOREHEAD_TOP, 1] - face[CHIN, 1]) / (mean[FOREHEAD_TOP, 1] - mean[CHIN, 1]),
            (face[LEFT_CHEEK, 0] / mean[LEFT_CHEEK, 0] + wide) / 2,
        ]
    )
    trunk, head, radii = _TRUNK * [tall, wide, deep, deep], eyes + _HEAD_MIDDLE * size, _head_radii(face, size)
    far = float(radii.max()) + float(np.linalg.norm(head - body.head_pivot))
    return Surface(Stack(trunk), Stack(neck), head, radii, far)


def _head_radii(face: Array, size: Array) -> Array:
    """(46, 90) radii of the head, from the face (468, 3) in front and an ellipsoid behind."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, _LATITUDES)[:, None]
    longitude = np.linspace(-np.pi, np.pi, _LONGITUDES, endpoint=False)[None]
    grid = np.stack(
        [
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude) * np.ones_like(longitude),
            np.cos(latitude) * np.cos(longitude),
        ],
        axis=-1,
    )
    middle = _HEAD_MIDDLE * size
    known = np.concatenate([face, _JAW * size]) - middle
    radii = np.linalg.norm(known, axis=1)
    directions = known / radii[:, None]
    behind = _cranium_radii(grid.reshape(-1, 3), (_CRANIUM - _HEAD_MIDDLE) * size, _CRANIUM_RADII * size)
    nearness = 1 - grid.reshape(-1, 3) @ directions.T
    # Shepard's interpolation: the face's own points where there are any within some 8 degrees, the ellipsoid beyond.
    weights = 1 / (nearness + 1e-4) ** 2
    beyond = 1 / (1e-2 + 1e-4) ** 2
    mixed = (weights @ radii + beyond * behind) / (weights.sum(axis=1) + beyond)
    result: Array = mixed.reshape(_LATITUDES, _LONGITUDES)
    return result


def _cranium_radii(directions: Array, middle: Array, radii: Array) -> Array:
    """From the origin along directions (n, 3) to an ellipsoid that holds it, (n,)."""
    a = ((directions / radii) ** 2).sum(axis=1)
    b = -(directions * middle / radii**2).sum(axis=1)
    c = ((middle / radii) ** 2).sum() - 1
    far: Array = (-b + np.sqrt(b**2 - a * c)) / a
    return far


def _radius(radii: Array, directions: Array) -> Array:
    """The radii (...,) in directions (..., 3), bilinearly."""
    x, y, z = components(directions)
    latitude = (np.arcsin(within(y, -1, 1)) / np.pi + 0.5) * (_LATITUDES - 1)
    longitude = (np.arctan2(x, z) / (2 * np.pi) + 0.5) * _LONGITUDES
    low = np.minimum(latitude.astype(int), _LATITUDES - 2)
    left = np.floor(longitude).astype(int)
    up, right = latitude - low, longitude - left
    left, next_left = left % _LONGITUDES, (left + 1) % _LONGITUDES
    below = radii[low, left] * (1 - right) + radii[low, next_left] * right
    above = radii[low + 1, left] * (1 - right) + radii[low + 1, next_left] * right
    return below * (1 - up) + above * up


def _normals(depths: Callable[[Body, Array], Array], body: Body, points: Array, step: float = 0.006) -> Array:
    """Unit vectors (..., 3) out of the surface: where depth falls fastest."""
    around = points + step * _AROUND.reshape(6, *(1,) * (points.ndim - 1), 3)
    found = depths(body, around)
    return unit(joined(*(found[:3] - found[3:])))
