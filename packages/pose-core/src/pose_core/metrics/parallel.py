"""One metric over many pairs in parallel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def in_threads(metric: Callable[..., float], pairs: Sequence[tuple[Any, Any]]) -> np.ndarray:
    """(N,) float64 `metric(*pair)` of N pairs, in `NUMBA_NUM_THREADS` threads.

    Threads gain where the metric's time goes into functions compiled with `nogil`. numba's own `prange` is not used:
    its pools end a forked process that calls it after its parent did, or, without OpenMP, two threads that call it at
    once. Each value is one thread's work, so the result does not depend on their number.
    """
    import numba  # slow to import

    results = np.empty(len(pairs))
    workers = min(numba.config.NUMBA_NUM_THREADS, len(pairs))  # ty: ignore[missing-attribute]

    def work(worker: int) -> None:
        results[worker::workers] = [metric(*pair) for pair in pairs[worker::workers]]

    if workers == 1:
        work(0)
    elif workers:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))  # a list, so that errors surface
    return results
