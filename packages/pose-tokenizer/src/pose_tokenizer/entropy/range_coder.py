"""Range coding (Martin 1979) of symbols by integer frequencies, exactly: any machine decodes what another wrote.

A symbol takes -log2(size / total) bits, and a whole stream at most a byte more. Libraries' coders write words of four
bytes and end with up to two of them; the codes of a second of signing are 30 bytes.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Interval: TypeAlias = tuple[int, int, int]  # sum of the frequencies before a symbol, its own, and the sum of all

TOP, BOTTOM = 1 << 48, 1 << 40  # the range is kept between these
MAX_TOTAL = 1 << 28  # of frequencies: it leaves the range precise to 2^-12
WORD_BYTES = 6  # of `TOP`


class RangeEncoder:
    """Symbols to bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._low, self._range = 0, TOP

    def encode(self, start: int, size: int, total: int) -> None:
        """Appends a symbol.

        Args:
            start: sum of the frequencies of the symbols before it.
            size: its frequency, at least 1; total: the sum of all, at most `MAX_TOTAL`.
        """
        step = self._range // total
        self._low += start * step
        self._range = size * step
        self._carry()
        while self._range <= BOTTOM:
            self._bytes.append(self._low >> 40)
            self._low = (self._low & (BOTTOM - 1)) << 8
            self._range <<= 8

    def finish(self) -> bytes:
        """All bytes: as few as tell the symbols, if zeros are read behind them."""
        for kept in range(WORD_BYTES + 1):
            unit = TOP >> 8 * kept
            number = -(-self._low // unit) * unit
            if number < self._low + self._range:
                break
        self._low = number
        self._carry()
        return bytes(self._bytes + self._low.to_bytes(WORD_BYTES, "big")[:kept])

    def _carry(self) -> None:
        """Adds what went over the top to the bytes that are written."""
        if self._low < TOP:
            return
        self._low -= TOP
        last = len(self._bytes) - 1
        while self._bytes[last] == 255:
            self._bytes[last] = 0
            last -= 1
        self._bytes[last] += 1


class RangeDecoder:
    """Bytes to symbols.

    Args:
        data: of `RangeEncoder.finish`.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, WORD_BYTES
        self._range = TOP
        self._offset = int.from_bytes(data[:WORD_BYTES].ljust(WORD_BYTES, b"\0"), "big")  # from the lower end

    def decode(self, frequencies: np.ndarray) -> int:
        """The next symbol, by the frequencies (S,) of all.

        Raises:
            ValueError: the bytes ended before.
        """
        if self._position > len(self._data) + WORD_BYTES:
            raise ValueError("too few bytes")
        ends = frequencies.cumsum()
        step = self._range // int(ends[-1])
        symbol = int(np.searchsorted(ends, min(self._offset // step, int(ends[-1]) - 1), side="right"))
        size = int(frequencies[symbol])
        self._offset -= (int(ends[symbol]) - size) * step
        self._range = size * step
        while self._range <= BOTTOM:
            byte = self._data[self._position] if self._position < len(self._data) else 0
            self._offset = self._offset << 8 | byte
            self._range <<= 8
            self._position += 1
        return symbol

    def check_end(self) -> None:
        """Refuses bytes that end too early, or that no symbol has used.

        Raises:
            ValueError: saying which.
        """
        if self._position > len(self._data) + WORD_BYTES:
            raise ValueError("too few bytes")
        if self._position < len(self._data):
            raise ValueError("too many bytes")
