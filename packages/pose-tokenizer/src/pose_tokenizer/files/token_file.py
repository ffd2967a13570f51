"""Tokens of a pose sequence, and the file they are kept in."""

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

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"STOK"
VERSION = 2
NO_CODE = -1
# version, Q, V - 1, frames a block, frames, leading frames without anybody, fps, center x, y, scale, picture, hash
_HEADER = struct.Struct("<BBHBIIdfff3I8s")
_LONGEST_NAME = 255
MOST_QUANTIZERS, LARGEST_CODEBOOK, LONGEST_BLOCK = 255, 65536, 255  # of a model


@dataclass(frozen=True)
class TokenHeader:
    """What a token file says beside its codes.

    Attributes:
        model: the name of the model that made the tokens; model_hash: see `PoseTokenizer.hash`.
        num_quantizers, codebook_size, block_frames: of the model.
        frames: of the sequence; empty_frames: those at its beginning, before anybody is seen, that have no codes.
        fps: frames a second.
        placement: where the pose stood in its picture; a file keeps it in single precision.
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
        """N, how many blocks have codes."""
        return -(-(self.frames - self.empty_frames) // self.block_frames)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


@dataclass(frozen=True)
class PoseTokens:
    """A pose sequence as tokens.

    Attributes:
        header: see `TokenHeader`.
        codes: (N, Q) int32, `NO_CODE` behind the last code of each block.
    """

    header: TokenHeader
    codes: np.ndarray

    @property
    def bits(self) -> int:
        """How many bits the codes take when packed, header not counted."""
        return packed_bits(self.codes, self.header.codebook_size)


def packed_bits(codes: np.ndarray, codebook_size: int) -> int:
    """Bits that codes (N, Q) take: each block says how many it has, and has them in a fixed number of bits each."""
    depth_bits, code_bits = _widths(codes.shape[1], codebook_size)
    return len(codes) * depth_bits + int((codes >= 0).sum()) * code_bits


def _widths(num_quantizers: int, codebook_size: int) -> tuple[int, int]:
    return num_quantizers.bit_length(), max(1, (codebook_size - 1).bit_length())


def pack(codes: np.ndarray, codebook_size: int) -> bytes:
    """Codes (N, Q) as bytes: for each block how many codes, then these, the most significant bits first."""
    N, Q = codes.shape
    depth_bits, code_bits = _widths(Q, codebook_size)
    there = codes >= 0
    bits = np.zeros((N, depth_bits + Q * code_bits), np.uint8)
    bits[:, :depth_bits] = _as_bits(there.sum(axis=1), depth_bits)
    bits[:, depth_bits:] = _as_bits(np.maximum(codes, 0), code_bits).reshape(N, Q * code_bits)
    used = np.concatenate([np.ones((N, depth_bits), bool), np.repeat(there, code_bits, axis=1)], axis=1)
    return np.packbits(bits[used]).tobytes()


def unpack(data: bytes, blocks: int, num_quantizers: int, codebook_size: int) -> np.ndarray:
    """The inverse of `pack`.

    Raises:
        ValueError: too few bits, too many, or codes that do not exist.
    """
    depth_bits, code_bits = _widths(num_quantizers, codebook_size)
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if blocks * depth_bits > len(bits):  # before memory is taken for what the header claims
        raise ValueError("too few bits")
    codes = np.full((blocks, num_quantizers), NO_CODE, np.int32)
    depth_weights, code_weights = _weights(depth_bits), _weights(code_bits)
    at = 0
    for block in range(blocks):
        depth = int(bits[at : at + depth_bits] @ depth_weights) if at + depth_bits <= len(bits) else num_quantizers + 1
        at += depth_bits
        end = at + depth * code_bits
        if depth > num_quantizers or end > len(bits):
            raise ValueError("too few bits")
        codes[block, :depth] = bits[at:end].reshape(depth, code_bits) @ code_weights
        at = end
    if len(bits) - at >= 8 or bits[at:].any():
        raise ValueError("too many bits")
    if codes.max(initial=NO_CODE) >= codebook_size:
        raise ValueError("a code that is in no codebook")
    return codes


def _as_bits(numbers: np.ndarray, width: int) -> np.ndarray:
    """Numbers (...) as bits (..., width), the most significant first."""
    return (numbers[..., None].astype(np.int64) >> np.arange(width - 1, -1, -1) & 1).astype(np.uint8)


def _weights(width: int) -> np.ndarray:
    return 1 << np.arange(width - 1, -1, -1, dtype=np.int64)


def write_tokens(tokens: PoseTokens, path: Path, *, overwrite: bool = False) -> None:
    """Writes a token file, whole or not at all.

    Raises:
        UserError: the file exists and is not to be overwritten, or cannot be written.
    """
    payload = pack(tokens.codes, tokens.header.codebook_size)
    head = _packed_header(tokens.header)
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
        header, start = _unpacked_header(body)
        codes = unpack(body[start:], header.blocks, header.num_quantizers, header.codebook_size)
    except (ValueError, struct.error, OverflowError) as error:
        raise damaged from error
    return PoseTokens(header, codes)


def _packed_header(header: TokenHeader) -> bytes:
    name = header.model.encode("utf-8")[:_LONGEST_NAME]
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


def _unpacked_header(data: bytes) -> tuple[TokenHeader, int]:
    """The header, and where the codes begin."""
    at = len(MAGIC) + _HEADER.size
    values = _HEADER.unpack(data[len(MAGIC) : at])
    _, Q, V_less_1, block_frames, frames, empty, fps, x, y, scale, width, height, depth, model_hash = values
    end = at + 1 + data[at]
    numbers = fps > 0 and scale > 0 and all(map(math.isfinite, (fps, x, y, scale)))
    if not (numbers and block_frames and Q and empty <= frames):
        raise ValueError("a header that no writer writes")
    return TokenHeader(
        model=data[at + 1 : end].decode("utf-8", errors="replace"),
        model_hash=model_hash.hex(),
        num_quantizers=Q,
        codebook_size=V_less_1 + 1,
        block_frames=block_frames,
        frames=frames,
        empty_frames=empty,
        fps=fps,
        placement=Placement(center=(x, y), scale=scale, size=(width, height, depth)),
    ), end
