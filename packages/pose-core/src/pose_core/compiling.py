"""Loops compiled by numba, cached where the cache folder can be written."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: compiles a loop on its first call, without the GIL, and caches it on disk if possible.

    numba, slow to import, is imported by that call; so a compiled function cannot call another one. It refuses to cache
    where neither the package's folder nor the user's cache folder can be written, as in a read-only container: then
    every process compiles anew, which takes seconds. `NUMBA_CACHE_DIR` names another folder.
    """

    @functools.cache
    def dispatcher() -> Callable[..., Any]:
        import numba

        try:
            return numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # "cannot cache function ...: no locator available for file ..."
            return numba.njit(nogil=True)(function)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return dispatcher()(*arguments)

    call.dispatcher = dispatcher  # ty: ignore[missing-attribute]
    return call
