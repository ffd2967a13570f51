import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.transforms import Placement
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.files.header import (
    KNOWN_MODELS,
    LARGEST,
    PACKED,
    VERSIONS,
    TokenHeader,
    exact_rate,
    pack_header,
    unpack_header,
)
from pose_tokenizer.files.token_file import MAGIC, PoseTokens, pack, packed_bits, read_tokens, unpack, write_tokens
from pose_tokenizer.placement import rounded

HEADER = TokenHeader(
    model="tiny",
    model_hash="01234567",
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
NUMBERS = st.floats(min_value=-LARGEST, max_value=LARGEST, width=32)
SIZES = st.integers(0, 2**32 - 1)
# As the second version had it: twelve frames of `fake_sequence`, by the bundled model.
SECOND_VERSION = bytes.fromhex(
    "53544f4b0218ff03040c00000000000000000000000000394000007a43000048430000f042f4010000f401000000000000cc9f7d94c8eea2"
    "94077369676e696e673a1391937b91e34f01862793584c4da5df12ff2e893a50ffc0f390bbde"
)
SECOND_VERSION_CODES = [[265, 803, 155, 882, 241, 670, 12], [158, 309, 531, 77, 663, 497], [1017, 465, 157, 161, 1022]]
PLACEMENTS = st.builds(
    Placement,
    center=st.tuples(NUMBERS, NUMBERS) | st.tuples(NUMBERS, NUMBERS, NUMBERS),
    scale=st.floats(min_value=2**-30, max_value=2**30, width=32),
    size=st.tuples(SIZES, SIZES, SIZES),
)


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
    model_hash=st.binary(min_size=4, max_size=4).map(bytes.hex),
    num_quantizers=st.integers(1, 255),
    codebook_size=st.integers(2, 65536),
    block_frames=st.integers(1, 9),
    frames=st.integers(0, 40),
    empty_frames=st.integers(0, 9),
    fps=st.floats(min_value=1e-3, max_value=1e6) | st.integers(1, 1000).map(lambda fps: 1000 * fps / 1001),
    placement=PLACEMENTS | PLACEMENTS.map(rounded),
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


def header_bytes(header):
    """What a file has beside codes."""
    return len(MAGIC) + len(pack_header(header)) + 2


@pytest.mark.parametrize("size", [(500, 500, 0), (480, 640, 480), (1920, 1080, 1920)])
@pytest.mark.parametrize(("model", "dims"), [("signing", 2), ("signing_wholebody", 2), ("signing_3d", 3)])
@pytest.mark.parametrize("fps", [25.0, 30.0, 30000 / 1001, 60.0])
def test_a_second_of_a_person_in_the_picture_has_a_header_of_24_bytes(model, dims, fps, size):
    for share, middle in ((0.2, 0.3), (0.35, 0.5), (0.5, 0.6)):
        center = (size[0] * middle, size[1] * middle, -0.2 * size[0])[:dims]
        place = rounded(Placement(center, scale=share * size[0], size=size))
        header = TokenHeader(model, "01234567", 24, 1024, 4, round(fps), 0, fps, place)
        assert header_bytes(header) <= 24
        assert header_bytes(replace(header, model="mine")) <= 24 + 9


def test_known_models_keep_their_numbers():
    assert KNOWN_MODELS[1] == ("signing", 24, 1024, 4)
    known = [replace(HEADER, model=model, **sizes(*values)) for model, *values in KNOWN_MODELS.values()]
    assert {pack_header(header)[1] & 7 for header in known} == {*KNOWN_MODELS}
    assert max(KNOWN_MODELS) < 8
    assert pack_header(replace(HEADER, model="signing"))[1] & 7 == 0  # of other sizes


def sizes(num_quantizers, codebook_size, block_frames):
    return {"num_quantizers": num_quantizers, "codebook_size": codebook_size, "block_frames": block_frames}


def test_headers_cut_short_or_of_no_number_are_refused():
    content = pack_header(HEADER)
    assert unpack_header(content + b"codes") == (HEADER, len(content))
    for length in range(len(content)):
        with pytest.raises(ValueError, match="too few bytes"):
            unpack_header(content[:length])
    with pytest.raises(ValueError, match="later version"):
        unpack_header(bytes([PACKED, 7]) + content[2:])
    with pytest.raises(ValueError, match="a number that no writer writes"):
        unpack_header(bytes([PACKED, 1]) + content[2:6] + b"\xff" * 40)


def test_rates_of_pose_files_are_held_as_what_they_stand_for():
    for rate in (25, 29.97, 30000 / 1001, 23.976, 24000 / 1001, 14.985, 50):
        assert exact_rate(float(np.float32(rate))) == rate == exact_rate(rate)
    assert exact_rate(1 / 3) == 1 / 3


@given(PLACEMENTS)
def test_a_rounded_placement_is_near_and_stays_where_it_is(placement):
    near = rounded(placement)
    assert rounded(near) == near
    assert near.scale == pytest.approx(placement.scale, rel=0.006)
    assert np.allclose(near.center, placement.center, rtol=1e-6, atol=placement.scale / 60)


def test_files_of_the_second_version_are_read(tmp_path):
    path = tmp_path / "old.tokens"
    path.write_bytes(SECOND_VERSION)
    header, codes = read_tokens(path).header, read_tokens(path).codes
    place = Placement(center=(250.0, 200.0), scale=120.0, size=(500, 500, 0))
    assert header == TokenHeader("signing", "cc9f7d94c8eea294", 24, 1024, 4, 12, 0, 25.0, place)
    assert [[code for code in block if code != NO_CODE] for block in codes.tolist()] == SECOND_VERSION_CODES
    write_tokens(read_tokens(path), tmp_path / "new.tokens")
    again = read_tokens(tmp_path / "new.tokens")
    assert again.header == replace(header, model_hash="cc9f7d94")
    np.testing.assert_array_equal(again.codes, codes)


def test_damaged_files_of_the_second_version_are_refused(tmp_path):
    path = tmp_path / "old.tokens"
    for length in range(len(MAGIC), len(SECOND_VERSION)):
        path.write_bytes(SECOND_VERSION[:length])
        assert "damaged or cut off" in refused(path)
    for place in range(len(MAGIC) + 1, len(SECOND_VERSION)):
        damaged = bytearray(SECOND_VERSION)
        damaged[place] ^= 0x40
        path.write_bytes(damaged)
        assert "damaged or cut off" in refused(path)


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
    content[len(MAGIC)] = max(VERSIONS) + 1
    written.write_bytes(content)
    assert f"written by a later pose-tokenizer (format {max(VERSIONS) + 1}); upgrade" in refused(written)


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
        {"frames": 10**12, "empty_frames": 10**12 - 24},  # which leaves as many as there are codes of
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
