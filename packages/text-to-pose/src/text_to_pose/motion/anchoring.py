"""Lets a generated sequence begin exactly at its start frame. For torch and numpy alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from array_api_compat import device

from pose_core.transforms.arrays import array_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = Any  # numpy's or torch's

MAX_ANCHOR_SPEED = 0.3  # shoulder widths per frame: how fast a sequence may leave its start frame for its own path
MIN_FRAMES = 3  # in which it does


def anchored(
    features: Array,
    start: Array,
    visible: Array,
    *,
    wrists: Sequence[tuple[int, int]],
    is_root: Array,
    max_speed: float = MAX_ANCHOR_SPEED,
) -> Array:
    """Moves the first frames of a sequence onto its start frame, the first one entirely, later ones ever less.

    The offset w(t) g of frame t fades with a raised cosine, w(t) = (1 + cos(pi t / N)) / 2. Its steepest slope, half
    way, is pi g / (2 N) per frame; so N = pi g / (2 max_speed) frames keep the offset's speed within `max_speed`, where
    g is the largest gap of a keypoint that is not a finger. A hand which is down when the next letter begins does not
    jump up.

    A hand that the start frame lacks begins at the arm's wrist.

    Args:
        features: (B, T, K, D), see `HandFeatures`.
        start: (B, K, D) features of the start frames.
        visible: (B, K) bool, which of them count.
        wrists: for each hand the indices of its own wrist and of its arm's.
        is_root: (K,) bool, False for fingers.
        max_speed: shoulder widths per frame.
    """
    xp = array_namespace(features)
    start, visible = xp.asarray(start, copy=True), xp.asarray(visible, copy=True)
    for hand, arm in wrists:
        without_hand = visible[:, arm] & ~visible[:, hand]
        start[without_hand, hand] = start[without_hand, arm]
        visible[:, hand] |= without_hand
    gap = (start - features[:, 0]) * visible[..., None]  # (B, K, D)
    distance = xp.max(xp.linalg.vector_norm(gap, axis=-1)[:, is_root], axis=1)  # (B,) in shoulder widths
    frames = xp.clip(distance * math.pi / 2 / max_speed, MIN_FRAMES, None)
    t = xp.arange(features.shape[1], device=device(features))
    weight = 0.5 + 0.5 * xp.cos(math.pi * xp.clip(t / frames[:, None], None, 1))  # (B, T), 1 at the first frame
    return features + weight[:, :, None, None] * gap[:, None]
