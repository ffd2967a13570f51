import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.transforms import Placement
from pose_tokenizer.files.token_file import (
    MAGIC,
    NO_CODE,
    VERSION,
    PoseTokens,
    TokenHeader,
    pack,
    packed_bits,
    read_tokens,
    unpack,
    write_tokens,
)

HEADER = TokenHeader(
    model="tiny",
    model_hash="0123456789abcdef",
    num_quantizers=5,
    codebook_size=700,
    block_frames=4,
    frames=27,
    empty_frames=3,
    fps=29.97,
    placement=Placement(center=(250.25, 200.5), scale=120.125, size=(500, 400, 0)),
)
CODES = np.array(
    [[1, 2, 3, 4, 699], [0, -1, -1, -1, -1], [-1] * 5, [511, 512, -1, -1, -1], [-1] * 5, [0, 0, 0, 0, 0]], np.int32
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
SIZES = st.integers(0, 2**32 - 1)


def codes_of(seed, blocks, num_quantizers, codebook_size):
    random = np.random.default_rng(seed)
    codes = random.integers(0, codebook_size, (blocks, num_quantizers))
    codes[:, 0] = random.choice([0, codebook_size - 1], blocks)  # the ends, too
    depth = random.integers(0, num_quantizers + 1, (blocks, 1))
    return np.where(np.arange(num_quantizers) < depth, codes, NO_CODE).astype(np.int32)


def refused(path):
    """The one line that a file is refused with."""
    with pytest.raises(UserError) as error:
        read_tokens(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@given(st.integers(0, 2**32), st.integers(0, 12), st.sampled_from([1, 2, 3, 7, 8, 16, 255]), st.integers(2, 65536))
def test_unpack_inverts_pack_and_packed_bits_is_the_size(seed, blocks, num_quantizers, codebook_size):
    codes = codes_of(seed, blocks, num_quantizers, codebook_size)
    packed = pack(codes, codebook_size)
    unpacked = unpack(packed, blocks, num_quantizers, codebook_size)
    assert unpacked.dtype == np.int32
    np.testing.assert_array_equal(unpacked, codes)
    assert 0 <= 8 * len(packed) - packed_bits(codes, codebook_size) < 8


@pytest.mark.parametrize("codebook_size", [2, 3, 4, 5, 1023, 1024, 1025, 65535, 65536])
def test_sizes_beside_powers_of_two_keep_their_last_code(codebook_size):
    codes = np.array([[codebook_size - 1, 0, codebook_size - 1]], np.int32)
    np.testing.assert_array_equal(unpack(pack(codes, codebook_size), 1, 3, codebook_size), codes)


def test_bits_of_a_small_example():
    codes = np.array([[5, 0], [-1, -1], [2, -1]])
    assert packed_bits(codes, 6) == 3 * 2 + 3 * 3  # how many of each block in 2 bits, codes in 3 bits
    assert pack(codes, 6) == bytes([0b10101000, 0b00010100])
    assert PoseTokens(replace(HEADER, codebook_size=6), codes).bits == 15


@pytest.mark.parametrize(
    ("data", "blocks", "message"),
    [
        (b"", 1, "too few bits"),
        (b"\x80", 2, "too few bits"),  # two codes of 3 bits, and then nothing
        (b"\xc0\x00", 1, "too few bits"),  # three codes, of quantizers that are two
        (b"\xa8\x00\x00", 1, "too many bits"),
        (b"\x41", 1, "too many bits"),  # within the last byte
        (b"\xa8", 0, "too many bits"),
        (b"\x78", 1, "a code of no codebook"),  # 7 of 6
    ],
)
def test_invalid_bits_are_refused(data, blocks, message):
    with pytest.raises(ValueError, match=message):
        unpack(data, blocks, 2, 6)


def test_blocks_and_seconds():
    assert HEADER.blocks == 6
    assert replace(HEADER, frames=28).blocks == 7
    assert replace(HEADER, frames=3).blocks == 0
    assert HEADER.seconds == pytest.approx(27 / 29.97)


@given(
    model=st.text(max_size=60),
    model_hash=st.binary(min_size=8, max_size=8).map(bytes.hex),
    num_quantizers=st.integers(1, 255),
    codebook_size=st.integers(2, 65536),
    block_frames=st.integers(1, 9),
    frames=st.integers(0, 40),
    empty_frames=st.integers(0, 9),
    fps=st.floats(min_value=1e-3, max_value=1e6),
    placement=st.builds(
        Placement,
        center=st.tuples(NUMBERS, NUMBERS),
        scale=st.floats(min_value=2**-30, max_value=2**30, width=32),
        size=st.tuples(SIZES, SIZES, SIZES),
    ),
    seed=st.integers(0, 2**32),
)
def test_a_file_keeps_header_and_codes_bit_for_bit(tmp_path_factory, seed, **values):
    values["frames"] += values["empty_frames"]
    header = TokenHeader(**values)
    codes = codes_of(seed, header.blocks, header.num_quantizers, header.codebook_size)
    path = tmp_path_factory.getbasetemp() / "any.tokens"
    write_tokens(PoseTokens(header, codes), path, overwrite=True)
    tokens = read_tokens(path)
    assert tokens.header == header
    np.testing.assert_array_equal(tokens.codes, codes)


def test_a_name_too_long_for_the_file_is_cut(tmp_path):
    write_tokens(PoseTokens(replace(HEADER, model="m" * 300), CODES), tmp_path / "a.tokens")
    tokens = read_tokens(tmp_path / "a.tokens")
    assert tokens.header.model == "m" * 255
    np.testing.assert_array_equal(tokens.codes, CODES)


@pytest.fixture
def written(tmp_path):
    write_tokens(PoseTokens(HEADER, CODES), tmp_path / "a.tokens")
    return tmp_path / "a.tokens"


def test_every_truncation_is_refused(written):
    content = written.read_bytes()
    for length in range(len(content)):
        written.write_bytes(content[:length])
        assert "not a token file" in refused(written) if length < len(MAGIC) else "cut off" in refused(written)


def test_every_flipped_byte_is_refused(written):
    content = written.read_bytes()
    for place in range(len(content)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= flip
            written.write_bytes(damaged)
            message = refused(written)
            if place != len(MAGIC):  # the version: it may say later, too
                assert "not a token file" in message if place < len(MAGIC) else "damaged or cut off" in message
    written.write_bytes(content)
    assert read_tokens(written).header == HEADER


def test_trailing_bytes_are_refused(written):
    written.write_bytes(written.read_bytes() + b"\0")
    assert "damaged" in refused(written)


def test_a_later_version_is_named(written):
    content = bytearray(written.read_bytes())
    content[len(MAGIC)] = VERSION + 1
    written.write_bytes(content)
    assert f"written by a later pose-tokenizer (format {VERSION + 1}); upgrade" in refused(written)


def test_other_files_are_refused(tmp_path):
    for name, content in (("empty", b""), ("a.pose", b"\0\0\0\0 whatever"), ("zeros", bytes(500))):
        (tmp_path / name).write_bytes(content)
        assert "not a token file; `pose-tokenizer encode` writes them" in refused(tmp_path / name)
    assert "cannot be read (No such file" in refused(tmp_path / "nowhere.tokens")
    assert "cannot be read" in refused(tmp_path)


@pytest.mark.parametrize(
    "claims",
    [
        {"frames": 2**32 - 1},
        {"frames": 2**32 - 1, "num_quantizers": 255, "block_frames": 1},
        {"frames": 2**31, "empty_frames": 2**30},
        {"empty_frames": 28},
        {"num_quantizers": 255},
        {"frames": 23},  # a block fewer than there are
        {"fps": float("nan")},
        {"fps": float("inf")},
        {"fps": 0.0},
        {"num_quantizers": 0},
        {"placement": Placement((float("nan"), 0.0), 1.0, (1, 1, 0))},
        {"placement": Placement((0.0, 0.0), float("inf"), (1, 1, 0))},
        {"placement": Placement((0.0, 0.0), 0.0, (1, 1, 0))},
    ],
)
def test_oversized_headers_are_refused_before_allocation(tmp_path, claims):
    # Written with a checksum that is right: by a program that goes wrong, or by somebody who means it.
    path = tmp_path / "a.tokens"
    write_tokens(PoseTokens(replace(HEADER, **claims), CODES), path)
    tracemalloc.start()
    assert "damaged" in refused(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_an_existing_file_is_refused_without_overwrite(written):
    content = written.read_bytes()
    other = PoseTokens(HEADER, np.zeros_like(CODES))
    with pytest.raises(UserError, match=r"a\.tokens: exists; use --overwrite"):
        write_tokens(other, written)
    assert written.read_bytes() == content
    write_tokens(other, written, overwrite=True)
    np.testing.assert_array_equal(read_tokens(written).codes, other.codes)
    with pytest.raises(UserError, match="there is no folder"):
        write_tokens(other, written.parent / "no" / "a.tokens")
    assert [path.name for path in written.parent.iterdir()] == ["a.tokens"]
