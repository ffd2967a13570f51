"""Lazy package faces: a name is imported from its module when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def attach(
    package: str, modules: Mapping[str, tuple[str, ...]], also: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package whose `import` must cost nothing (PEP 562).

    In the package's `__init__.py`:

        if TYPE_CHECKING:  # for type checkers and editors
            from my_package.model import Model

        __getattr__, __dir__, __all__ = attach(__name__, {"model": ("Model",)})

    Args:
        package: its `__name__`.
        modules: module -> the public names it defines; modules are named relative to the package ("model",
            "nn.attention"; ".batch" is a module beside the package).
        also: names that can be imported from the package, too, but are not in `__all__`.
    """
    public = sorted(name for names in modules.values() for name in names)
    homes = {name: module for module, names in [*modules.items(), *(also or {}).items()] for name in names}

    def getattribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{homes[name]}", package), name)

    return getattribute, lambda: public, public
