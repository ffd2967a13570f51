"""Where a person stands in the picture, on a grid: two to six bytes of a token file in place of twelve.

Sequences are normalized by the placement on the grid, so the rounding costs no precision: what it moves a pose by is in
the codes. Scales are powers of two in steps of a sixty-fourth octave, centers multiples of a share of the scale.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pose_core.transforms import Placement

SCALE_STEPS = 64  # per factor of two: 1.1 % each
CENTER_STEPS = (128, 128, 32)  # per shoulder width, in x, y and z
_MAX_STEP = 2**40  # that a file has room for


def rounded(placement: Placement) -> Placement:
    """The nearest placement on the grid; one too far off, or of no finite numbers, only in single precision."""
    steps = _nearest(placement)
    if steps is None:
        return replace(placement, center=tuple(map(single, placement.center)), scale=single(placement.scale))
    return _at(steps, placement.size)


def to_steps(placement: Placement) -> list[int] | None:
    """A placement on the grid as whole numbers, scale first; None if it is not on it.

    They are small where the shoulders are in the middle of the picture and a third of it wide.
    """
    steps = _nearest(placement)
    if steps is None or _at(steps, placement.size) != placement:
        return None
    relative = [step - usual for step, usual in zip(steps, _usual(steps, placement.size), strict=True)]
    return relative if all(abs(step) < _MAX_STEP for step in relative) else None


def from_steps(steps: list[int], size: tuple[int, int, int]) -> Placement:
    """The inverse of `to_steps` for a picture of `size`."""
    scale_step = steps[0] + _usual_scale(size)
    _check(scale_step)
    usual = _usual([scale_step, *steps[1:]], size)
    return _at([step + each for step, each in zip(steps, usual, strict=True)], size)


def single(number: float) -> float:
    """A number in single precision, as files hold it."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def _nearest(placement: Placement) -> list[int] | None:
    scale = float(placement.scale)
    if not (math.isfinite(scale) and scale > 0 and all(map(math.isfinite, placement.center))):
        return None
    scale_step = round(SCALE_STEPS * math.log2(scale))
    if abs(scale_step) > 100 * SCALE_STEPS:  # single precision has no more
        return None
    scale = _scale(scale_step)
    steps = [round(float(x) / scale * per_width) for x, per_width in zip(placement.center, CENTER_STEPS, strict=False)]
    return [scale_step, *steps] if all(abs(step) < _MAX_STEP for step in steps) else None


def _at(steps: list[int], size: tuple[int, int, int]) -> Placement:
    scale = _scale(steps[0])
    center = tuple(single(step * scale / per_width) for step, per_width in zip(steps[1:], CENTER_STEPS, strict=False))
    return Placement(center, scale, size)


def _scale(step: int) -> float:
    return single(2.0 ** (step / SCALE_STEPS))


def _check(scale_step: int) -> None:
    if abs(scale_step) > 100 * SCALE_STEPS:
        raise ValueError("a scale that no writer writes")


def _usual(steps: list[int], size: tuple[int, int, int]) -> list[int]:
    """The steps of shoulders in the middle of the picture, of the scale that `steps` have; depth is about 0."""
    scale = _scale(steps[0])
    middle = [round(side / 2 / scale * per_width) for side, per_width in zip(size[:2], CENTER_STEPS, strict=False)]
    return [_usual_scale(size), *middle, 0][: len(steps)]


def _usual_scale(size: tuple[int, int, int]) -> int:
    """Of shoulders about a third of the picture's width: the middle of that octave, in whole numbers alone."""
    third = size[0] // 3
    return SCALE_STEPS * (third.bit_length() - 1) + SCALE_STEPS // 2 if third else 0
