"""Elements to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from pose_core import UserError


@dataclass
class Node:
    """An element: its name, attributes and children."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def lines(self, indent: str = "") -> list[str]:
        """The lines of its XML, two blanks deeper for each level."""
        attributes = "".join(f" {name}={_quoted(value)}" for name, value in self.attributes.items())
        if not self.children:
            return [f"{indent}<{self.tag}{attributes}/>"]
        inner = [line for child in self.children for line in child.lines(f"{indent}  ")]
        return [f"{indent}<{self.tag}{attributes}>", *inner, f"{indent}</{self.tag}>"]


def _quoted(value: str) -> str:
    if any(ord(character) < 32 and character not in "\t\n\r" for character in value) or "\x7f" in value:
        raise UserError(f"{value!r} has a control character, which XML cannot hold")
    return quoteattr(value, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def flags(marks: dict[str, bool]) -> dict[str, str]:
    """Attributes that are true; others are left out."""
    return {name: "true" for name, there in marks.items() if there}
