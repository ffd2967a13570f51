"""Tokens of a pose sequence, and their file format."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_core.transforms import Placement
from pose_tokenizer.codes import NO_CODE

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"STOK"
VERSION = 2
# version, Q, V - 1, frames per block, frames, leading empty frames, fps, center x, y, scale, picture size, hash
_HEADER = struct.Struct("<BBHBIIdfff3I8s")
_MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class TokenHeader:
    """The header of a token file.

    Attributes:
        model: the name of the model that made the tokens; model_hash: see `PoseTokenizer.hash`.
        num_quantizers, codebook_size, block_frames: of the model.
        frames: of the sequence; empty_frames: those at its beginning, before both shoulders are visible, without codes.
        fps: frames per second.
        placement: position and scale of the pose in its picture; single precision in files.
    """

    model: str
    model_hash: str
    num_quantizers: int
    codebook_size: int
    block_frames: int
    frames: int
    empty_frames: int
    fps: float
    placement: Placement

    @property
    def blocks(self) -> int:
        """N, the number of blocks with codes."""
        return -(-(self.frames - self.empty_frames) // self.block_frames)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


@dataclass(frozen=True)
class PoseTokens:
    """A pose sequence as tokens.

    Attributes:
        header: see `TokenHeader`.
        codes: (N, Q) int32, `NO_CODE` after the last code of each block.
    """

    header: TokenHeader
    codes: np.ndarray

    @property
    def bits(self) -> int:
        """Size of the packed codes in bits, header not counted."""
        return packed_bits(self.codes, self.header.codebook_size)


def packed_bits(codes: np.ndarray, codebook_size: int) -> int:
    """Size in bits of codes (N, Q): per block their number, then each in a fixed number of bits."""
    count_bits, code_bits = _widths(codes.shape[1], codebook_size)
    return len(codes) * count_bits + int((codes >= 0).sum()) * code_bits


def _widths(num_quantizers: int, codebook_size: int) -> tuple[int, int]:
    """Bits of a block's number of codes, and of a code."""
    return num_quantizers.bit_length(), max(1, (codebook_size - 1).bit_length())


def pack(codes: np.ndarray, codebook_size: int) -> bytes:
    """Codes (N, Q) as bytes: per block their number, then the codes, most significant bits first."""
    N, Q = codes.shape
    count_bits, code_bits = _widths(Q, codebook_size)
    is_code = codes >= 0
    bits = np.zeros((N, count_bits + Q * code_bits), np.uint8)
    bits[:, :count_bits] = _to_bits(is_code.sum(axis=1), count_bits)
    bits[:, count_bits:] = _to_bits(np.maximum(codes, 0), code_bits).reshape(N, Q * code_bits)
    used = np.concatenate([np.ones((N, count_bits), bool), np.repeat(is_code, code_bits, axis=1)], axis=1)
    return np.packbits(bits[used]).tobytes()


def unpack(data: bytes, blocks: int, num_quantizers: int, codebook_size: int) -> np.ndarray:
    """The inverse of `pack`.

    Raises:
        ValueError: too few bits, too many, or a code of no codebook.
    """
    count_bits, code_bits = _widths(num_quantizers, codebook_size)
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if blocks * count_bits > len(bits):  # before memory is allocated for what the header claims
        raise ValueError("too few bits")
    codes = np.full((blocks, num_quantizers), NO_CODE, np.int32)
    count_powers, code_powers = _powers(count_bits), _powers(code_bits)
    start = 0
    for block in range(blocks):
        count_end = start + count_bits
        count = int(bits[start:count_end] @ count_powers) if count_end <= len(bits) else num_quantizers + 1
        end = count_end + count * code_bits
        if count > num_quantizers or end > len(bits):
            raise ValueError("too few bits")
        codes[block, :count] = bits[count_end:end].reshape(count, code_bits) @ code_powers
        start = end
    if len(bits) - start >= 8 or bits[start:].any():
        raise ValueError("too many bits")
    if codes.max(initial=NO_CODE) >= codebook_size:
        raise ValueError("a code of no codebook")
    return codes


def _to_bits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Numbers (...) as bits (..., width), most significant first."""
    return (numbers[..., None].astype(np.int64) >> np.arange(width - 1, -1, -1) & 1).astype(np.uint8)


def _powers(width: int) -> np.ndarray:
    """(width,) powers of 2, largest first."""
    return 1 << np.arange(width - 1, -1, -1, dtype=np.int64)


def write_tokens(tokens: PoseTokens, path: Path, *, overwrite: bool = False) -> None:
    """Writes a token file atomically.

    Raises:
        UserError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    payload = pack(tokens.codes, tokens.header.codebook_size)
    head = _pack_header(tokens.header)
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(b"".join([head, payload, struct.pack("<I", zlib.crc32(head + payload))]))


def read_tokens(path: Path) -> PoseTokens:
    """Reads a token file.

    Raises:
        UserError: no such file, no token file, one of a later version, or a damaged one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not data.startswith(MAGIC):
        raise UserError(f"{path}: not a token file; `pose-tokenizer encode` writes them")
    damaged = UserError(f"{path}: damaged or cut off; encode the poses again")
    if len(data) < len(MAGIC) + _HEADER.size + 1 + 4:
        raise damaged
    if data[len(MAGIC)] > VERSION:
        raise UserError(f"{path}: written by a later pose-tokenizer (format {data[len(MAGIC)]}); upgrade to read it")
    if data[len(MAGIC)] < VERSION:
        raise damaged
    body, (crc,) = data[:-4], struct.unpack("<I", data[-4:])
    if zlib.crc32(body) != crc:
        raise damaged
    try:
        header, start = _unpack_header(body)
        codes = unpack(body[start:], header.blocks, header.num_quantizers, header.codebook_size)
    except (ValueError, struct.error, OverflowError) as error:
        raise damaged from error
    return PoseTokens(header, codes)


def _pack_header(header: TokenHeader) -> bytes:
    name = header.model.encode("utf-8")[:_MAX_NAME_BYTES]
    place = header.placement
    values = _HEADER.pack(
        VERSION,
        header.num_quantizers,
        header.codebook_size - 1,
        header.block_frames,
        header.frames,
        header.empty_frames,
        header.fps,
        *(float(x) for x in place.center[:2]),
        float(place.scale),
        *place.size,
        bytes.fromhex(header.model_hash),
    )
    return MAGIC + values + bytes([len(name)]) + name


def _unpack_header(data: bytes) -> tuple[TokenHeader, int]:
    """The header, and the offset of the codes."""
    name_start = len(MAGIC) + _HEADER.size + 1
    values = _HEADER.unpack(data[len(MAGIC) : name_start - 1])
    _, Q, V_less_1, block_frames, frames, empty, fps, x, y, scale, width, height, depth, model_hash = values
    end = name_start + data[name_start - 1]
    valid_numbers = fps > 0 and scale > 0 and all(map(math.isfinite, (fps, x, y, scale)))
    if not (valid_numbers and block_frames and Q and empty <= frames):
        raise ValueError("a header that no writer writes")
    return TokenHeader(
        model=data[name_start:end].decode("utf-8", errors="replace"),
        model_hash=model_hash.hex(),
        num_quantizers=Q,
        codebook_size=V_less_1 + 1,
        block_frames=block_frames,
        frames=frames,
        empty_frames=empty,
        fps=fps,
        placement=Placement(center=(x, y), scale=scale, size=(width, height, depth)),
    ), end
