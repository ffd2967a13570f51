"""Tokens of a pose sequence, and their file format."""

from __future__ import annotations

import binascii
import math
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.entropy.finding import entropy_model_for
from pose_tokenizer.files.header import (
    ENTROPY_CODED,
    PACKED,
    VERSIONS,
    TokenHeader,
    pack_header,
    unpack_header,
    unpack_second_version,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pose_tokenizer.entropy.entropy_model import EntropyModel

MAGIC = b"STOK"
SECOND_VERSION = 2  # of files up to pose-tokenizer 0.6


@dataclass(frozen=True, eq=False)
class PoseTokens:
    """A pose sequence as tokens; equal to another of the same header and codes.

    Attributes:
        header: see `TokenHeader`.
        codes: (N, Q) int32, `NO_CODE` after the last code of each block.
        entropy_model: of the model that made them, by which files are entropy-coded; None: codes are packed.
    """

    header: TokenHeader
    codes: np.ndarray
    entropy_model: EntropyModel | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PoseTokens):
            return NotImplemented
        return self.header == other.header and np.array_equal(self.codes, other.codes)

    @property
    def bits(self) -> int:
        """Size of the codes in a file in bits, header not counted, before it is filled up to whole bytes."""
        if self.entropy_model is None:
            return packed_bits(self.codes, self.header.codebook_size)
        return math.ceil(self.entropy_model.bits(self.codes))


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
    """A token file's bytes: magic number, header, codes, CRC-16 (CCITT) of all that.

    Without an entropy model, codes are packed; with one they are coded by it, and the CRC starts from its checksum, so
    that another one's files count as damaged.
    """
    entropy_model = tokens.entropy_model
    if entropy_model is None:
        version, codes = PACKED, pack(tokens.codes, tokens.header.codebook_size)
    else:
        version, codes = ENTROPY_CODED, entropy_model.encode(tokens.codes)
    body = b"".join([MAGIC, pack_header(tokens.header, version), codes])
    return body + _crc(body, entropy_model)


def read_tokens(path: Path, entropy_model: EntropyModel | None = None) -> PoseTokens:
    """Reads a token file, of this version or an earlier one.

    Args:
        path: the file.
        entropy_model: of the model that made the tokens; those of bundled models are found without it.

    Raises:
        UserError: no such file, no token file, one of a later version, or a damaged one; or codes that an entropy model
            has coded which is not at hand.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not data.startswith(MAGIC):
        raise UserError(f"{path}: not a token file; `pose-tokenizer encode` writes them")
    version = data[len(MAGIC)] if len(data) > len(MAGIC) else 0
    if version > max(VERSIONS):
        raise UserError(f"{path}: written by a later pose-tokenizer (format {version}); upgrade to read it")
    try:
        return _unpacked(data, version, entropy_model)
    except (ValueError, IndexError, struct.error, OverflowError) as error:
        raise UserError(f"{path}: damaged or cut off; encode the poses again") from error
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _unpacked(data: bytes, version: int, entropy_model: EntropyModel | None) -> PoseTokens:
    """The tokens of a file's bytes.

    Raises:
        ValueError, IndexError, struct.error, OverflowError: damaged.
        UserError: the entropy model is missing.
    """
    if version == SECOND_VERSION:
        body = _checked_second_version(data)
        header, start = unpack_second_version(body[len(MAGIC) :])
    elif version in VERSIONS:
        body = data[:-2]
        header, start = unpack_header(body[len(MAGIC) :])
    else:
        raise ValueError("a version that no writer writes")
    codes = body[len(MAGIC) + start :]
    sizes = header.blocks, header.num_quantizers, header.codebook_size
    if version == ENTROPY_CODED:
        entropy_model = entropy_model_for(header.model, header.model_hash, entropy_model)
        _check_crc(data, entropy_model)
        return PoseTokens(header, entropy_model.decode(codes, header.blocks), entropy_model)
    if version == PACKED:
        _check_crc(data, None)
    return PoseTokens(header, unpack(codes, *sizes))


def _crc(body: bytes, entropy_model: EntropyModel | None) -> bytes:
    start = 0 if entropy_model is None else entropy_model.checksum
    return struct.pack("<H", binascii.crc_hqx(body, start))


def _check_crc(data: bytes, entropy_model: EntropyModel | None) -> None:
    """Refuses a file that was damaged.

    Raises:
        ValueError: it was.
    """
    if data[-2:] != _crc(data[:-2], entropy_model):
        raise ValueError("damaged")


def _checked_second_version(data: bytes) -> bytes:
    """A file of the second version without its checksum of four bytes.

    Raises:
        ValueError: it is another one.
    """
    body, checksum = data[:-4], data[-4:]
    if struct.pack("<I", zlib.crc32(body)) != checksum:
        raise ValueError("damaged")
    return body
