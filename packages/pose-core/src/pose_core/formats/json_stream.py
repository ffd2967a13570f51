"""Streaming JSON parser: the values of large arrays and objects one at a time."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeVar

    T = TypeVar("T")

CHUNK = 1 << 20  # bytes read at once
LONGEST = 1 << 24  # bytes of one value: a frame with a hundred people has less than a million
_NEAR_END = 4096  # characters before the end of what was read within which an error may mean that there is more
_SMALLEST = 1 << 13  # bytes that are tried first for a value
_MISSES = 8  # elements whose end is not where the next seems to begin, after which none is looked for
_BLANKS = b" \t\r\n"
_NO_BLANK = re.compile(rb"[^ \t\r\n]")
_OBJECT_START = re.compile(rb'\{[ \t\r\n]{0,64}"[^"\\]{1,64}"[ \t\r\n]{0,8}:')
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


class JsonStream:
    """Reads a JSON text from left to right; errors are `UserError`s that name the file and the position."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self._data, self._at, self._passed = b"", 0, 0
        self._decoder = json.JSONDecoder()
        self._size = _SMALLEST  # bytes that hold the next value, likely
        self._read()
        if self._data.startswith(codecs.BOM_UTF8):
            self._at = len(codecs.BOM_UTF8)
        elif self._data.startswith(_OTHER_ENCODINGS):
            raise UserError(f"{path}: not UTF-8 but UTF-16 or UTF-32; export or copy it again")

    def error(self, what: str) -> UserError:
        """An error at the current position."""
        return UserError(f"{self._path}, byte {self._passed + self._at}: {what}; export or copy it again")

    def peek(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            found = _NO_BLANK.search(self._data, self._at)
            self._at = found.start() if found else len(self._data)
            if found:
                return chr(self._data[self._at])
            if not self._read():
                return ""

    def elements(self, slow: Callable[[Any, bytes], T], fast: Callable[[bytes], T | None] | None = None) -> Iterator[T]:
        """The elements of the array that begins here.

        Args:
            slow: what an element becomes, of its value and its bytes.
            fast: the same of its bytes alone, None if they are not one value, or `slow` is to decide. Elements that
                begin alike, as objects of the same first key do, are cut where the next one begins: what is whole
                then is the element, as no JSON object begins with another.
        """
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        start, misses = None, 0
        while True:
            self.peek()
            if fast is not None and start is not None and misses < _MISSES:
                element = self._cut(start, fast)
                if element is not None:
                    misses = 0
                    yield element
                    continue
                misses += 1
            value, raw = self._value()
            yield slow(value, raw)
            begun = _OBJECT_START.match(raw)
            start = begun[0] if begun else None
            if self.peek() == "]":
                self._at += 1
                return
            self._expect(",")

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller reads the value of each before the next."""
        self._expect("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self.error("an object's key is no string")
            self._expect(":")
            yield key
            if self.peek() == "}":
                self._at += 1
                return
            self._expect(",")

    def value(self) -> Any:
        """The value that begins here, whole."""
        return self._value()[0]

    def end(self) -> None:
        """Refuses whatever follows."""
        if self.peek():
            raise self.error("goes on after its end")

    def _cut(self, start: bytes, fast: Callable[[bytes], T | None]) -> T | None:
        """The element between here and where the next one begins, and the comma before that; None if it is none."""
        if not self._data.startswith(start, self._at):
            return None
        window = 4 * self._size
        while (end := self._data.find(start, self._at + len(start), self._at + window)) < 0:
            if self._at + window <= len(self._data) or not self._read():
                return None
        raw = self._data[self._at : end].rstrip(_BLANKS)
        if not raw.endswith(b","):
            return None
        element = fast(raw[:-1])
        if element is not None:
            self._at, self._size = end, max(_SMALLEST, 2 * len(raw))
        return element

    def _value(self) -> tuple[Any, bytes]:
        """The value that begins here, and its bytes."""
        self.peek()
        size = self._size
        while True:
            while len(self._data) - self._at < size and self._read(size):
                pass
            piece = self._data[self._at : self._at + size]
            whole = len(piece) < size  # all there is
            text, damage = _decoded(piece, whole)
            try:
                value, end = self._decoder.raw_decode(text)
            except json.JSONDecodeError as error:
                unterminated = error.msg.startswith("Unterminated string")
                if not unterminated and error.pos < len(text) - _NEAR_END:
                    raise self._error_at(text, error.pos, f"not JSON ({error.msg})") from error
                if damage:
                    raise UserError(f"{self._path}: not UTF-8 ({damage}); export or copy it again") from error
                if whole:
                    raise self._error_at(text, error.pos, f"not whole JSON ({error.msg})") from error
                if size > LONGEST:
                    raise self.error(f"a value longer than {LONGEST:,} bytes") from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets
                raise self.error(f"not JSON that can be read ({reason(error)})") from error
            else:
                if end < len(text) or whole or damage:  # a number may go on
                    length = end if text.isascii() else len(text[:end].encode())
                    self._at += length
                    self._size = max(_SMALLEST, 2 * length)
                    return value, piece[:length]
            size *= 2

    def _error_at(self, text: str, position: int, what: str) -> UserError:
        self._at += len(text[:position].encode())
        return self.error(what)

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise self.error(f"{character!r} expected" if self.peek() else "ends too early")
        self._at += 1

    def _read(self, size: int = 0) -> bool:
        chunk = self._file.read(max(size, CHUNK))
        if not chunk:
            return False
        self._passed += self._at
        self._data, self._at = self._data[self._at :] + chunk, 0
        return True


def _decoded(piece: bytes, whole: bool) -> tuple[str, str]:
    """The text of bytes up to what is no UTF-8, and what that is; a character that is cut off is nothing."""
    try:
        return piece.decode(), ""
    except UnicodeDecodeError as error:
        cut_off = not whole and error.end == len(piece) and len(piece) - error.start < 4
        return piece[: error.start].decode(), "" if cut_off else reason(error)
