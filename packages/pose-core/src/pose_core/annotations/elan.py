"""ELAN's `.eaf`: XML with a list of time slots, and tiers of annotations that refer to slots or to each other.

Read with expat itself rather than an element tree or pympi-ling: it alone knows the line of each element for messages,
keeps nothing of what is not needed, and refuses a document type, with which entity bombs and external files come.
Format: "EAF Annotation Format 3.0 and ELAN", Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from pose_core.annotations.elan_times import Annotation, Document, ElanTier, timed
from pose_core.annotations.segment import Annotations, Media
from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 1 << 20  # bytes; expat begins a tag that is not whole anew with each, so that small ones take long
_LONGEST = 4 << 20  # bytes of a tag
_DEEPEST = 32  # elements within each other; ELAN's have 6
_MILLISECONDS = re.compile(r"-?\d{1,12}(\.0*)?", re.ASCII)
_LOCATIONS = re.compile(r"[/\\]")


def read(path: Path) -> Annotations:
    """See `pose_core.annotations.read_annotations`."""
    parser = _Parser()
    try:
        with path.open("rb") as file:
            parser.parse(file)
    except expat.ExpatError as error:
        if not path.stat().st_size:
            raise UserError("is empty; save it again in ELAN") from error
        raise UserError(
            f"not a whole ELAN file (line {error.lineno}: {expat.ErrorString(error.code)}); save it again in ELAN"
        ) from error
    except (LookupError, ValueError) as error:  # an encoding that Python has not, or not for XML
        line = parser.expat.CurrentLineNumber
        raise UserError(f"line {line}: cannot be decoded ({reason(error)}); save it again in ELAN") from error
    media = tuple(Media(_LOCATIONS.split(url)[-1], origin) for url, origin in parser.media)
    return Annotations(timed(parser.document), media)


class _Parser:
    """Handlers of expat that gather a `Document`; its errors are `UserError` and name the line."""

    def __init__(self) -> None:
        self.document = Document()
        self.media: list[tuple[str, float]] = []
        self.expat = expat.ParserCreate()
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = self._doctype
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self.expat.CharacterDataHandler = self._characters
        self._depth = 0
        self._unparsed = 0  # bytes read since the last whole tag
        self._tier: ElanTier | None = None
        self._annotation: Annotation | None = None
        self._text: list[str] | None = None
        self._elements = {
            "HEADER": self._header,
            "MEDIA_DESCRIPTOR": self._media,
            "TIME_SLOT": self._slot,
            "TIER": self._begin_tier,
            "ALIGNABLE_ANNOTATION": self._alignable,
            "REF_ANNOTATION": self._reference,
            "LINGUISTIC_TYPE": self._type,
        }

    def parse(self, file: BinaryIO) -> None:
        """Reads a whole file."""
        while piece := file.read(_PIECE):
            begun = self.expat.CurrentByteIndex
            self.expat.Parse(piece, False)
            stuck = self.expat.CurrentByteIndex == begun
            self._unparsed = self._unparsed + len(piece) if stuck else 0
            if self._unparsed > _LONGEST:
                raise self._fail(f"one element's attributes or a comment take over {_LONGEST:,} bytes; save it in ELAN")
        self.expat.Parse(b"", True)

    def _fail(self, problem: str) -> UserError:
        return UserError(f"line {self.expat.CurrentLineNumber}: {problem}")

    def _doctype(self, name: str, *_: object) -> None:
        raise self._fail(f"declares a document type ({name[:40]}), which no ELAN file has, and which is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth and name != "ANNOTATION_DOCUMENT":
            raise self._fail(f"is no ELAN file, but one of {name[:40]!r}")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fail(f"is no ELAN file: {_DEEPEST} elements lie within each other")
        if name in self._elements:
            self._elements[name](attributes)
        elif name == "ANNOTATION_VALUE" and self._annotation is not None:
            self._text = []

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "ANNOTATION_VALUE" and self._annotation is not None and self._text is not None:
            self._annotation.text = "".join(self._text).strip()
            self._text = None
        elif name in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            self._annotation = None
        elif name == "TIER":
            self._tier = None

    def _attribute(self, attributes: dict[str, str], element: str, name: str) -> str:
        value = attributes.get(name, "")
        if not value:
            raise self._fail(f"{element} without {name}; save the file again in ELAN")
        return value

    def _milliseconds(self, text: str, what: str) -> float:
        """The number in seconds."""
        if not _MILLISECONDS.fullmatch(text):
            raise self._fail(f"{what} {text[:20]!r} is no number of milliseconds")
        return float(text) / 1000

    def _header(self, attributes: dict[str, str]) -> None:
        units = attributes.get("TIME_UNITS") or "milliseconds"
        if units != "milliseconds":
            raise self._fail(f"times are in {units[:40]!r}; save the file in ELAN, which writes milliseconds")

    def _media(self, attributes: dict[str, str]) -> None:
        url = attributes.get("RELATIVE_MEDIA_URL") or attributes.get("MEDIA_URL") or ""
        origin = attributes.get("TIME_ORIGIN", "").strip()
        self.media.append((url, self._milliseconds(origin, "TIME_ORIGIN") if origin else 0.0))

    def _slot(self, attributes: dict[str, str]) -> None:
        slot = self._attribute(attributes, "TIME_SLOT", "TIME_SLOT_ID")
        if slot in self.document.slots:
            raise self._fail(f"the time slot {slot[:40]!r} is there twice; save the file again in ELAN")
        value = attributes.get("TIME_VALUE", "").strip()
        seconds = self._milliseconds(value, "TIME_VALUE") if value else None
        self.document.slots[slot] = seconds

    def _type(self, attributes: dict[str, str]) -> None:
        name = attributes.get("LINGUISTIC_TYPE_ID", "")
        self.document.constraints[name] = attributes.get("CONSTRAINTS", "")

    def _begin_tier(self, attributes: dict[str, str]) -> None:
        name = self._attribute(attributes, "TIER", "TIER_ID")
        if name in self.document.tiers:
            raise self._fail(f"the tier {name[:40]!r} is there twice; rename one of them in ELAN")
        self._tier = ElanTier(
            name,
            attributes.get("PARTICIPANT", "").strip(),
            attributes.get("PARENT_REF", ""),
            attributes.get("LINGUISTIC_TYPE_REF", ""),
        )
        self.document.tiers[name] = self._tier

    def _alignable(self, attributes: dict[str, str]) -> None:
        slots = [self._attribute(attributes, "ALIGNABLE_ANNOTATION", f"TIME_SLOT_REF{side}") for side in (1, 2)]
        for slot in slots:
            if slot not in self.document.slots:
                raise self._fail(f"there is no time slot {slot[:40]!r}; save the file again in ELAN")
        self._add(Annotation(self.expat.CurrentLineNumber, slots=(slots[0], slots[1])), attributes)

    def _reference(self, attributes: dict[str, str]) -> None:
        parent = self._attribute(attributes, "REF_ANNOTATION", "ANNOTATION_REF")
        self._add(Annotation(self.expat.CurrentLineNumber, parent=parent), attributes)

    def _add(self, annotation: Annotation, attributes: dict[str, str]) -> None:
        if self._tier is None:
            raise self._fail("an annotation outside of any tier; save the file again in ELAN")
        name = self._attribute(attributes, "an annotation", "ANNOTATION_ID")
        if name in self.document.annotations:
            raise self._fail(f"the annotation {name[:40]!r} is there twice; save the file again in ELAN")
        self.document.annotations[name] = annotation
        self._tier.annotations.append(annotation)
        self._annotation = annotation
