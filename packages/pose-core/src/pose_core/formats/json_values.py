"""Values of estimators' JSON: numbers, names and frame numbers, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from pathlib import Path

_LATEST = 2**40  # number of a frame
_IN_NAME = re.compile(r"(\d+)\D*$")  # the last number


def new_parser() -> Any:
    """A parser of simdjson: its arrays of numbers become numpy's without a Python object for each number.

    No part of what it parsed may be kept when it parses again.
    """
    from simdjson import Parser

    return Parser()


def numbers_in(values: Any, location: str, *, deepest: int = 2) -> np.ndarray:
    """A float32 array of nested lists; null and "NaN" are NaN.

    Raises:
        UserError: other values, lists of different lengths, or lists in lists in lists.
    """
    try:
        array = np.array(values, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{location}: not lists of numbers ({reason(error)}); export or copy it again") from error
    if array.ndim == 0 or array.ndim > deepest:
        raise UserError(f"{location}: not a list of numbers; export or copy it again")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def frame_number(value: Any, location: str | Path) -> int:
    """The number of a frame.

    Raises:
        UserError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > _LATEST:
        raise UserError(f"{location}: frame_id {str(value)[:40]!r} is no number of a frame")
    if int(value) != value:
        raise UserError(f"{location}: frame_id {value} is no whole number")
    return int(value)


def number_in_name(name: str, location: str) -> tuple[str, str, int]:
    """What stands before the last number of a picture's name, that number as written, and as a number.

    Raises:
        UserError: the name has none, or one too high.
    """
    stem = name.rpartition(".")[0] or name
    match = _IN_NAME.search(stem)
    if match is None:
        raise UserError(f"{location}: image_id {name[:60]!r} has no frame number; name pictures by their frames")
    return stem[: match.start()], match[1], frame_number(int(match[1][:20]), location)


def person_name(value: Any) -> int | None:
    """The number that a tracker gave a person, alone or in a list; OpenPose's without one is -1."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST else None
