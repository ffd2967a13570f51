"""XML that strangers wrote: elements with their lines, no entities, nothing loaded from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from pose_core import UserError
from pose_core.errors import reason
from pose_core.notices import notify

LARGEST = 64 * 2**20
"""The most bytes of a file; a thousand signs have two million."""
MOST = 500_000
"""The most elements of a file; a thousand signs have 13,000."""
LONGEST = 300
"""The most characters of a message, whatever the names in the file."""
DEEPEST = 100
"""The most elements inside each other; signs have ten."""


@dataclass
class Element:
    """An element of a file, with the line it begins at."""

    path: str
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def error(self, message: str) -> UserError:
        """The error of something wrong with it, in one line with file and line."""
        message = message if len(message) <= LONGEST else f"{message[:LONGEST]}..."
        return UserError(f"{self.path}, line {self.line}: {message}")

    def notify(self, message: str) -> None:
        """Warns of something that is taken for something else, or left out."""
        notify(f"{self.path}, line {self.line}", message, kind="SiGML read with a guess")

    def has_children(self, *numbers: int) -> None:
        """Refuses another number of children than these.

        Raises:
            UserError: it has another.
        """
        if len(self.children) not in numbers:
            expected = " or ".join(map(str, numbers))
            raise self.error(f"<{self.tag}> holds {len(self.children)} elements; expected {expected}")


def read_xml(data: bytes, path: str) -> Element:
    """The root element of an XML file.

    Raises:
        UserError: it is too large or too deep, is no XML, or declares entities.
    """
    if len(data) > LARGEST:
        raise UserError(f"{path}: {len(data) / 2**20:.0f} MiB are more than SiGML has; split the file")
    if not data.strip():
        raise UserError(f"{path}: the file is empty")
    builder = _Builder(path)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        message = expat.ErrorString(error.code)
        raise UserError(f"{path}, line {error.lineno}: not well-formed XML: {message}") from error
    except (ValueError, LookupError) as error:
        raise UserError(f"{path}: not well-formed XML: {reason(error)}") from error
    assert builder.root is not None  # expat has found one
    return builder.root


class _Builder:
    def __init__(self, path: str) -> None:
        self.path = path
        self.root: Element | None = None
        self.open: list[Element] = []
        self.count = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(self.path, tag, attributes, self.parser.CurrentLineNumber)
        self.count += 1
        if self.count > MOST:
            raise element.error(f"more than {MOST:,} elements; split the file")
        if len(self.open) >= DEEPEST:
            raise element.error(f"more than {DEEPEST} elements inside each other")
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, tag: str) -> None:
        del tag
        self.open.pop()

    def _text(self, text: str) -> None:
        if text.strip() and self.open:
            shown = " ".join(text.split())[:40]
            self.open[-1].notify(f"the text {shown!r} in <{self.open[-1].tag}> is ignored")

    def _entity(self, name: str, *rest: object) -> None:
        del rest
        line = self.parser.CurrentLineNumber
        raise UserError(f"{self.path}, line {line}: the file declares the entity {name[:40]!r}; entities are not read")
