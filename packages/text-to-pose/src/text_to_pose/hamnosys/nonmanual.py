"""Non-manual tiers: what face, mouth, head and trunk do. They are read and kept; nothing here signs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Nonmanual:
    """A tier, or a movement in it, as SiGML has it: `mouth_picture` with `picture="nimA"`.

    `attributes` are sorted by name, `children` in order.
    """

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Nonmanual, ...] = ()
