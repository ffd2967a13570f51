"""Tokens of a pose sequence, and their file format."""

from __future__ import annotations

import binascii
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.files.header import VERSION, TokenHeader, pack_header, unpack_header, unpack_second_version

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"STOK"
SECOND_VERSION = 2  # of files up to pose-tokenizer 0.6


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
    content = file_content(tokens)
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)


def file_content(tokens: PoseTokens) -> bytes:
    """A token file's bytes: magic number, header, packed codes, CRC-16 (CCITT) of all that."""
    body = b"".join([MAGIC, pack_header(tokens.header), pack(tokens.codes, tokens.header.codebook_size)])
    return body + struct.pack("<H", binascii.crc_hqx(body, 0))


def read_tokens(path: Path) -> PoseTokens:
    """Reads a token file, of this version or the one before.

    Raises:
        UserError: no such file, no token file, one of a later version, or a damaged one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not data.startswith(MAGIC):
        raise UserError(f"{path}: not a token file; `pose-tokenizer encode` writes them")
    version = data[len(MAGIC)] if len(data) > len(MAGIC) else 0
    if version > VERSION:
        raise UserError(f"{path}: written by a later pose-tokenizer (format {version}); upgrade to read it")
    try:
        body = _checked_second_version(data) if version == SECOND_VERSION else _checked(data)
        unpacked = unpack_second_version if version == SECOND_VERSION else unpack_header
        header, start = unpacked(body[len(MAGIC) :])
        codes = unpack(body[len(MAGIC) + start :], header.blocks, header.num_quantizers, header.codebook_size)
    except (ValueError, IndexError, struct.error, OverflowError) as error:
        raise UserError(f"{path}: damaged or cut off; encode the poses again") from error
    return PoseTokens(header, codes)


def _checked(data: bytes) -> bytes:
    """A file without its checksum.

    Raises:
        ValueError: it is another one, or the version is none.
    """
    body, checksum = data[:-2], data[-2:]
    if data[len(MAGIC)] != VERSION or struct.pack("<H", binascii.crc_hqx(body, 0)) != checksum:
        raise ValueError("damaged")
    return body


def _checked_second_version(data: bytes) -> bytes:
    """`_checked`, for files with a checksum of four bytes."""
    body, checksum = data[:-4], data[-4:]
    if struct.pack("<I", zlib.crc32(body)) != checksum:
        raise ValueError("damaged")
    return body
