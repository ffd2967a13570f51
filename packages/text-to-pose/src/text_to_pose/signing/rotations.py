"""Rotations as matrices and as rotation vectors, many at once, and what is between two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.signing.vectors import components, cross, dot, joined, lengths

if TYPE_CHECKING:
    from text_to_pose.signing.vectors import Array

_EYE = np.eye(3)


def from_vector(vector: Array) -> Array:
    """The rotation (..., 3, 3) about a vector (..., 3), by its length in radians (O. Rodrigues, 1840)."""
    vector = np.asarray(vector, dtype=np.float64)
    angle = lengths(vector)[..., None, None]
    x, y, z = components(vector)
    about = np.zeros((*vector.shape, 3))
    about[..., 0, 1], about[..., 0, 2], about[..., 1, 2] = -z, y, -x
    about[..., 1, 0], about[..., 2, 0], about[..., 2, 1] = z, -y, x
    # np.sinc is sin(pi x) / (pi x).
    first, second = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi)) ** 2 / 2
    return _EYE + first * about + second * (about @ about)


def to_vector(rotation: Array) -> Array:
    """The rotation vector (..., 3) of a rotation (..., 3, 3), at most half a turn long."""
    rotation = np.asarray(rotation, dtype=np.float64)
    twice = joined(
        rotation[..., 2, 1] - rotation[..., 1, 2],
        rotation[..., 0, 2] - rotation[..., 2, 0],
        rotation[..., 1, 0] - rotation[..., 0, 1],
    )
    sine = lengths(twice) / 2
    cosine = (rotation[..., 0, 0] + rotation[..., 1, 1] + rotation[..., 2, 2] - 1) / 2
    angle = np.arctan2(sine, cosine)
    vector = twice * (angle / np.maximum(2 * sine, 1e-12))[..., None]
    # Near half a turn the axis is that of the symmetric part; which way it turns is what little sine there is.
    half = (sine < 1e-4) & (cosine < 0)
    small = (sine < 1e-9) & ~half
    if half.any():
        outer = (rotation + np.swapaxes(rotation, -1, -2)) / 2 + np.eye(3)
        column = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)
        axis = np.take_along_axis(outer, column[..., None, None], axis=-1)[..., 0]
        axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
        sign = np.where((axis * twice).sum(-1) < 0, -1.0, 1.0)
        vector = np.where(half[..., None], axis * (sign * angle)[..., None], vector)
    return np.where(small[..., None], twice / 2, vector) if small.any() else vector


def between(first: Array, second: Array, share: Array) -> Array:
    """Rotations (N, 3, 3) on the shortest way from one (3, 3) to another, by the share (N,) of it."""
    return turned_by(first, to_vector(first.T @ second), share)


def turned_by(first: Array, turn: Array, share: Array) -> Array:
    """A rotation (3, 3) turned by shares (N,) of a rotation vector (3,) in its own frame, (N, 3, 3)."""
    angle = math.hypot(*turn)
    if angle < 1e-9:
        return np.broadcast_to(first, (len(share), 3, 3))
    x, y, z = (turn / angle).tolist()
    about = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    once = first @ about
    angles = (np.asarray(share) * angle)[:, None, None]
    return first + np.sin(angles) * once + (1 - np.cos(angles)) * (once @ about)


def shortest(first: Array, second: Array) -> Array:
    """The least rotation (..., 3, 3) that turns one direction (..., 3) into another; both of length 1."""
    axis = cross(first, second)
    sine, cosine = lengths(axis), dot(first, second)
    angle = np.arctan2(sine, cosine)
    return from_vector(axis * (angle / np.maximum(sine, 1e-9))[..., None])
