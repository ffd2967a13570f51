"""Antialiased white lines on black, for many small pictures: compiled, single-threaded."""

from __future__ import annotations

import math

import numpy as np

from pose_core.compiling import compiled

# OpenCV's antialiased line of thickness 1, measured: a stroke 1.34 pixels wide, seen through a Gaussian of 0.4 pixels.
# Its height across is measured along the axis that the line is steeper to, and a slanted line is as much brighter.
HALF_WIDTH = 0.67
BLUR = 0.559  # of the error function: the Gaussian's standard deviation times the root of 2

_BINS = 32  # of a pixel's fraction
_SLOPES = 64
_ONE = 256  # full intensity in fixed point


def profile(distance: float) -> float:
    """Intensity, 0 to 1, at a distance from the line in pixels."""
    return (math.erf((distance + HALF_WIDTH) / BLUR) - math.erf((distance - HALF_WIDTH) / BLUR)) / 2


def _profiles() -> np.ndarray:
    """(bins, 3) intensity of the pixels before, at and after a line, by the line's subpixel offset."""
    offsets = (np.arange(_BINS) + 0.5) / _BINS - 0.5
    rows = [[profile(1 + offset), profile(offset), profile(1 - offset)] for offset in offsets]
    return np.round(_ONE * np.array(rows)).astype(np.int32)


_PROFILES = _profiles()
_BRIGHTNESS = np.round(_ONE * np.sqrt(1 + np.linspace(0, 1, _SLOPES + 1) ** 2)).astype(np.int32)


def draw_lines(pictures: np.ndarray, channel: int, points: np.ndarray, seen: np.ndarray, limbs: np.ndarray) -> None:
    """Draws lines between points into one channel of pictures.

    Args:
        pictures: (N, C, size, size) uint8, drawn on.
        channel: which of C.
        points: (N, P, 2) x and y in pixels; visible ones at least 2 from every edge, which is not checked.
        visible: (N, P) bool; a line with an end that is not visible is not drawn.
        limbs: (E, 2) positions of the lines' ends.
    """
    _draw(np.ascontiguousarray(points, np.float32), seen, limbs, pictures, channel, _PROFILES, _BRIGHTNESS)


@compiled
def _draw(points, seen, limbs, pictures, channel, profiles, brightness):  # pragma: no cover - compiled
    for n in range(points.shape[0]):
        picture = pictures[n, channel]
        for e in range(limbs.shape[0]):
            start, end = limbs[e, 0], limbs[e, 1]
            if not (seen[n, start] and seen[n, end]):
                continue
            x0, y0 = points[n, start, 0], points[n, start, 1]
            x1, y1 = points[n, end, 0], points[n, end, 1]
            steep = abs(y1 - y0) > abs(x1 - x0)
            if steep:  # walk along y
                x0, y0, x1, y1 = y0, x0, y1, x1
            if x1 < x0:
                x0, y0, x1, y1 = x1, y1, x0, y0
            if x1 == x0:
                continue  # a point is no line
            slope = (y1 - y0) / (x1 - x0)
            bright = brightness[int(abs(slope) * _SLOPES)]
            first, last = int(x0 + 0.5), int(x1 + 0.5)
            y = y0 + slope * (first - x0) + 0.5
            for x in range(first, last + 1):
                covered = min(x + 0.5, x1) - max(x - 0.5, x0)  # half of a pixel at an end
                weight = int(bright * covered)
                row = int(y)
                bin_ = int((y - row) * _BINS)
                for r in range(3):
                    share = min(weight * profiles[bin_, r] >> 8, _ONE)
                    if steep:
                        value = picture[x, row - 1 + r]
                        picture[x, row - 1 + r] = value + ((255 - value) * share >> 8)
                    else:
                        value = picture[row - 1 + r, x]
                        picture[row - 1 + r, x] = value + ((255 - value) * share >> 8)
                y += slope
