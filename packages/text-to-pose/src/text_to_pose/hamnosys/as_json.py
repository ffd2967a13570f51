"""A tree as plain values, for JSON."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from text_to_pose.hamnosys.directions import Direction


def as_json(node: Any) -> Any:
    """Dictionaries with the class under `type`, and what is said; what is not said (None, False, empty) is left out.

    A direction is its letters (`uol`), another choice its name in lower case (`finger2345`, `touch`).
    """
    if isinstance(node, Direction):
        return node.value
    if isinstance(node, enum.Enum):
        return node.name.lower()
    if isinstance(node, tuple):
        return [as_json(each) for each in node]
    if not dataclasses.is_dataclass(node):
        return node
    fields = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
    said = {name: as_json(value) for name, value in fields.items() if value is not None and value not in (False, ())}
    if said.get("manner") == {"type": "Manner"}:
        del said["manner"]
    return {"type": type(node).__name__, **said}
