"""Symbols to bytes and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_tokenizer.entropy.range_coder import MAX_TOTAL, RangeDecoder, RangeEncoder

FREQUENCIES = st.lists(st.sampled_from([1, 2, 3, 1000, 2**16, 2**24]), min_size=1, max_size=9)


def coded(frequencies, symbols):
    """The bytes of symbols by the frequencies (S,) of each."""
    coder = RangeEncoder()
    for each, symbol in zip(frequencies, symbols, strict=True):
        coder.encode(sum(each[:symbol]), each[symbol], sum(each))
    return coder.finish()


def decoded(data, frequencies):
    coder = RangeDecoder(data)
    symbols = [coder.decode(np.array(each)) for each in frequencies]
    coder.check_end()
    return symbols


@given(st.data(), st.lists(FREQUENCIES, max_size=60), st.sampled_from(["any", "first", "last"]))
def test_symbols_come_back_and_take_at_most_a_byte_more_than_they_are_worth(data, frequencies, which):
    symbols = [
        {"first": 0, "last": len(each) - 1}.get(which, data.draw(st.integers(0, len(each) - 1))) for each in frequencies
    ]
    packed = coded(frequencies, symbols)
    assert decoded(packed, frequencies) == symbols
    worth = sum(np.log2(sum(each) / each[symbol]) for each, symbol in zip(frequencies, symbols, strict=True))
    assert 8 * len(packed) < worth + 9


def test_the_largest_total_is_coded_exactly():
    frequencies = [[MAX_TOTAL - 1, 1]] * 40
    symbols = [0, 1] * 20
    assert decoded(coded(frequencies, symbols), frequencies) == symbols


def test_a_carry_runs_through_bytes_that_are_written():
    """A number just below a power of 256, and then symbols at the upper end of what is left of the range."""
    frequencies = [[2**27 - 1, 1]] + [[1, 2**20 - 1]] * 8 + [[1, 1]] * 30
    for symbols in ([0] + [1] * 38, [0] + [1] * 8 + [0] * 30):
        assert decoded(coded(frequencies, symbols), frequencies) == symbols


def test_bytes_cut_off_or_with_more_behind_them_are_refused():
    frequencies = [[1, 2, 5]] * 100
    data = coded(frequencies, [0, 1, 2, 0] * 25)
    with pytest.raises(ValueError, match="too few bytes"):
        decoded(data[:8], frequencies)
    with pytest.raises(ValueError, match="too many bytes"):
        decoded(data + bytes(9), frequencies)
