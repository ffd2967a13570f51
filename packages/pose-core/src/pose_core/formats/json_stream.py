"""Streaming JSON parser: the values of large arrays and objects one at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

CHUNK = 1 << 20  # characters read at once
LONGEST = 1 << 24  # characters of one value: a frame with a hundred people has less than a million
_NEAR_END = 4096  # characters before the end of what was read within which an error may mean that there is more


class JsonStream:
    """Reads a JSON text from left to right; errors are `UserError`s that name the file and the position."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file, self._path = file, path
        self._text, self._at, self._passed = "", 0, 0
        self._decoder = json.JSONDecoder()

    def error(self, what: str) -> UserError:
        """An error at the current position."""
        return UserError(f"{self._path}, character {self._passed + self._at}: {what}; export or copy it again")

    def peek(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read():
                return ""

    def elements(self) -> Iterator[Any]:
        """The elements of the array that begins here."""
        for _ in self._members("[", "]"):
            yield self.value()

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller reads the value of each before the next."""
        for _ in self._members("{", "}"):
            key = self.value()
            if not isinstance(key, str):
                raise self.error("an object's key is no string")
            self._expect(":")
            yield key

    def value(self) -> Any:
        """The value that begins here, whole."""
        self.peek()
        size = CHUNK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                open_string = error.msg.startswith("Unterminated string")
                if not open_string and error.pos < len(self._text) - _NEAR_END:
                    self._at = error.pos
                    raise self.error(f"not JSON ({error.msg})") from error
                if len(self._text) - self._at > LONGEST:
                    raise self.error(f"a value longer than {LONGEST:,} characters") from error
                if not self._read(size):
                    self._at = min(error.pos, len(self._text))
                    raise self.error(f"not whole JSON ({error.msg})") from error
                size *= 2
                continue
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets
                raise self.error(f"not JSON that can be read ({reason(error)})") from error
            if end < len(self._text) or not self._read():  # a number may go on
                self._at = end
                return value

    def end(self) -> None:
        """Refuses whatever follows."""
        if self.peek():
            raise self.error("goes on after its end")

    def _members(self, opening: str, closing: str) -> Iterator[None]:
        self._expect(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield
            if self.peek() == closing:
                self._at += 1
                return
            self._expect(",")

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise self.error(f"{character!r} expected" if self.peek() else "ends too early")
        self._at += 1

    def _read(self, size: int = CHUNK) -> bool:
        chunk = self._file.read(size)
        if not chunk:
            return False
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + chunk, 0
        return True
