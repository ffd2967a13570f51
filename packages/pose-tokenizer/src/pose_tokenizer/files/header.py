"""The header of a token file, some 21 bytes since the third version; the second had 70.

Numbers are varints, seven bits per byte, lowest first (LEB128); those that may be negative are zigzag-coded (0, -1, 1,
-2, ...). After magic number and version:

    flags           bits 0-2: number of a known model, 0: it is spelled out; bits 3-4: how the rate is written; bits
                    5-6: depth of the picture: 0, its width, or spelled out; bit 7: the center has three coordinates
    hash            4 bytes, the first of the model's
    [model          Q, V - 1, frames per block; bytes of the name, name]
    frames          2 * frames + 1 if there are empty frames at the beginning; then their number
    rate            a whole number; whole in thousandths; whole times 1000 / 1001 (NTSC); or 8 bytes of a double
    picture         width, height, [depth]
    placement       steps of `pose_tokenizer.placement`, scale first, plus 1; or 0, then single precision
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from pose_core.transforms import Placement
from pose_tokenizer.placement import from_steps, to_steps

PACKED, ENTROPY_CODED = VERSIONS = (3, 4)  # by how codes follow the header
HASH_DIGITS = 8  # hexadecimal ones of a model's hash that files hold
MAX_NAME_BYTES = 255
MAX_EMPTY_FRAMES = 1_000_000  # 11 hours at 25 frames per second; a few bytes could ask for any number
LARGEST = 2.0**100  # of scale and center: single precision holds what is decoded
# Name, Q, V and frames per block of models that a number stands for. Numbers in files stay what they are: append only.
KNOWN_MODELS = {
    1: ("signing", 24, 1024, 4),
    2: ("signing_3d", 24, 1024, 4),
    3: ("signing_wholebody", 24, 1024, 4),
    4: ("signing_studio", 24, 1024, 4),
}
_WHOLE, _THOUSANDTHS, _NTSC, _DOUBLE = range(4)
_NO_DEPTH, _AS_WIDTH, _SPELLED = range(3)
_MAX_VARINT_BYTES = 6
# version, Q, V - 1, frames per block, frames, leading empty frames, fps, center x, y, scale, picture size, hash
_SECOND_VERSION = struct.Struct("<BBHBIIdfff3I8s")


@dataclass(frozen=True)
class TokenHeader:
    """The header of a token file.

    Attributes:
        model: the name of the model that made the tokens; model_hash: the first `HASH_DIGITS` of `PoseTokenizer.hash`,
            of older files all.
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


def pack_header(header: TokenHeader, version: int = PACKED) -> bytes:
    """A header as bytes, from the version on."""
    place, size = header.placement, header.placement.size
    identity = (header.model, header.num_quantizers, header.codebook_size, header.block_frames)
    number = next((number for number, known in KNOWN_MODELS.items() if known == identity), 0)
    rate_kind, rate = _pack_rate(header.fps)
    depth_kind = {0: _NO_DEPTH, size[0]: _AS_WIDTH}.get(size[2], _SPELLED)
    flags = number | rate_kind << 3 | depth_kind << 5 | (len(place.center) == 3) << 7
    return b"".join(
        [
            bytes([version, flags]),
            bytes.fromhex(header.model_hash[:HASH_DIGITS]),
            b"" if number else _pack_model(header),
            _varint(2 * header.frames + (header.empty_frames > 0)),
            _varint(header.empty_frames) if header.empty_frames else b"",
            rate,
            *map(_varint, size[: 3 if depth_kind == _SPELLED else 2]),
            _pack_placement(place),
        ]
    )


def unpack_header(data: bytes) -> tuple[TokenHeader, int]:
    """The header, from the version on, and how many bytes it has.

    Raises:
        ValueError: it ends early, or no writer writes it.
    """
    reader = _Reader(data)
    _, flags = reader.take(2)
    model_hash = reader.take(HASH_DIGITS // 2).hex()
    number, rate_kind, depth_kind, has_depth = flags & 7, flags >> 3 & 3, flags >> 5 & 3, flags >> 7
    name, Q, V, block_frames = KNOWN_MODELS[number] if number in KNOWN_MODELS else reader.model(number)
    frames, has_empty = divmod(reader.varint(), 2)
    empty = reader.varint() if has_empty else 0
    fps = reader.rate(rate_kind)
    width, height = reader.varint(), reader.varint()
    depth = {_NO_DEPTH: 0, _AS_WIDTH: width}.get(depth_kind)
    size = (width, height, reader.varint() if depth is None else depth)
    place = reader.placement(size, 2 + has_depth)
    header = TokenHeader(name, model_hash, Q, V, block_frames, frames, empty, fps, place)
    check_header(header)
    return header, reader.position


def unpack_second_version(data: bytes) -> tuple[TokenHeader, int]:
    """`unpack_header` of files as they were written up to pose-tokenizer 0.6.

    Raises:
        ValueError, struct.error: as `unpack_header`.
    """
    name_start = _SECOND_VERSION.size + 1
    values = _SECOND_VERSION.unpack(data[: name_start - 1])
    _, Q, V_less_1, block_frames, frames, empty, fps, x, y, scale, width, height, depth, model_hash = values
    end = name_start + data[name_start - 1]
    header = TokenHeader(
        model=data[name_start:end].decode("utf-8", errors="replace"),
        model_hash=model_hash.hex(),
        num_quantizers=Q,
        codebook_size=V_less_1 + 1,
        block_frames=block_frames,
        frames=frames,
        empty_frames=empty,
        fps=fps,
        placement=Placement(center=(x, y), scale=scale, size=(width, height, depth)),
    )
    check_header(header)
    return header, end


def exact_rate(fps: float) -> float:
    """The number that a rate in single precision, as `.pose` files have it, stands for: 29.97 for 29.969999."""
    near = (round(fps), round(1000 * fps) / 1000, _ntsc(round(fps * 1.001)))
    return next((float(rate) for rate in near if _float32(rate) == _float32(fps)), fps)


def _ntsc(whole: int) -> float:
    return 1000 * whole / 1001


def _float32(number: float) -> bytes:
    return struct.pack("<f", number)


def check_header(header: TokenHeader) -> None:
    """Validates a header that was read.

    Raises:
        ValueError: a value is out of range, would need unbounded memory, or would decode to infinity.
    """
    place = header.placement
    positive = header.fps > 0 and place.scale > 0 and header.block_frames and header.num_quantizers
    finite = math.isfinite(header.fps) and all(abs(number) <= LARGEST for number in (place.scale, *place.center))
    if not (positive and finite and header.empty_frames <= min(header.frames, MAX_EMPTY_FRAMES)):
        raise ValueError("a header that no writer writes")


def _pack_model(header: TokenHeader) -> bytes:
    name = header.model.encode("utf-8")[:MAX_NAME_BYTES]
    sizes = struct.pack("<BHB", header.num_quantizers, header.codebook_size - 1, header.block_frames)
    return sizes + bytes([len(name)]) + name


def _pack_rate(fps: float) -> tuple[int, bytes]:
    if math.isfinite(fps) and 0 < fps < 1e6:
        whole, ntsc, thousandths = round(fps), round(fps * 1.001), round(1000 * fps)
        if whole == fps:
            return _WHOLE, _varint(whole)
        if _ntsc(ntsc) == fps:
            return _NTSC, _varint(ntsc)
        if thousandths / 1000 == fps:
            return _THOUSANDTHS, _varint(thousandths)
    return _DOUBLE, struct.pack("<d", fps)


def _pack_placement(placement: Placement) -> bytes:
    steps = to_steps(placement)
    if steps is None:
        numbers = [placement.scale, *placement.center]
        return _varint(0) + struct.pack(f"<{len(numbers)}f", *map(float, numbers))
    return b"".join([_varint(_zigzag(steps[0]) + 1), *(_varint(_zigzag(step)) for step in steps[1:])])


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def _zigzag(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


def _unzigzag(number: int) -> int:
    return -(number + 1) // 2 if number % 2 else number // 2


class _Reader:
    """Takes values from bytes, one after the other; a `ValueError` says that there are no more."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError("too few bytes")
        self.position += count
        return taken

    def varint(self) -> int:
        number = 0
        for i in range(_MAX_VARINT_BYTES):
            (digit,) = self.take(1)
            number |= (digit & 0x7F) << 7 * i
            if digit < 0x80:
                return number
        raise ValueError("a number that no writer writes")

    def model(self, number: int) -> tuple[str, int, int, int]:
        if number:
            raise ValueError("a model of a later version")
        Q, V_less_1, block_frames, length = struct.unpack("<BHBB", self.take(5))
        return self.take(length).decode("utf-8", errors="replace"), Q, V_less_1 + 1, block_frames

    def rate(self, kind: int) -> float:
        if kind == _DOUBLE:
            return struct.unpack("<d", self.take(8))[0]
        number = self.varint()
        return {_WHOLE: float(number), _THOUSANDTHS: number / 1000, _NTSC: _ntsc(number)}[kind]

    def placement(self, size: tuple[int, int, int], dims: int) -> Placement:
        scale_step = self.varint()
        if not scale_step:
            scale, *center = struct.unpack(f"<{1 + dims}f", self.take(4 * (1 + dims)))
            return Placement(tuple(center), scale, size)
        steps = [scale_step - 1, *(self.varint() for _ in range(dims))]
        return from_steps([*map(_unzigzag, steps)], size)
