"""Statistics of the finite values of an array; NaN if there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def finite_mean(values: ArrayLike) -> float:
    """Mean of the finite values; NaN if there are none."""
    finite = _finite(values)
    return float(finite.mean()) if len(finite) else np.nan


def finite_median(values: ArrayLike) -> float:
    """Median of the finite values; NaN if there are none."""
    finite = _finite(values)
    return float(np.median(finite)) if len(finite) else np.nan


def finite_percentile(values: ArrayLike, percentile: float) -> float:
    """Percentile of the finite values; NaN if there are none."""
    finite = _finite(values)
    return float(np.percentile(finite, percentile)) if len(finite) else np.nan


def _finite(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values)
    return array[np.isfinite(array)]
