"""Tokens as JSON, and as a line of integers for language models."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, PositiveInt, ValidationError

from pose_core import UserError
from pose_core.rates import DEFAULT_FPS
from pose_core.transforms.normalization import DEFAULT_SIZE, Placement
from pose_tokenizer.codes import MAX_CODEBOOK_SIZE, MAX_QUANTIZERS, NO_CODE
from pose_tokenizer.files.header import HASH_DIGITS, TokenHeader, check_header
from pose_tokenizer.files.token_file import PoseTokens
from pose_tokenizer.placement import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.network import Network


def to_integers(codes: np.ndarray, codebook_size: int) -> list[int]:
    """Codes (N, Q) as one list of integers.

    Code c of quantizer q is `q * codebook_size + c`, so that a block begins where an integer is below `codebook_size`;
    `Q * codebook_size` is a block without codes.
    """
    empty = codes.shape[1] * codebook_size
    integers: list[int] = []
    for block in codes:
        block_integers = (block + np.arange(len(block)) * codebook_size)[block >= 0].tolist()
        integers += block_integers or [empty]
    return integers


def from_integers(
    integers: Sequence[int], num_quantizers: int, codebook_size: int, *, spell: Callable[[int], str] = str
) -> np.ndarray:
    """The inverse of `to_integers`: (N, Q).

    Args:
        integers: of one sequence.
        num_quantizers, codebook_size: of the model.
        spell: an integer as error messages show it.

    Raises:
        UserError: an integer that is no token, or that cannot follow the one before it.
    """
    blocks: list[list[int]] = []
    empty = num_quantizers * codebook_size
    for position, integer in enumerate(integers, start=1):
        quantizer, code = divmod(integer, codebook_size)
        if not 0 <= integer <= empty:
            valid = f"{spell(0)} to {spell(empty)}"
            raise UserError(f"token {position} is {spell(integer)}; tokens of this model are {valid}")
        if integer == empty:
            blocks.append([])
        elif quantizer == 0:
            blocks.append([code])
        elif blocks and len(blocks[-1]) == quantizer:
            blocks[-1].append(code)
        else:
            first = (quantizer - 1) * codebook_size
            needed = f"{spell(first)} to {spell(first + codebook_size - 1)}"
            raise UserError(f"token {position} is {spell(integer)}; the one before it has to be one of {needed}")
    codes = np.full((len(blocks), num_quantizers), NO_CODE, np.int32)
    for n, block in enumerate(blocks):
        codes[n, : len(block)] = block
    return codes


def to_text(tokens: PoseTokens) -> str:
    """Tokens as one line of integers."""
    return " ".join(map(str, to_integers(tokens.codes, tokens.header.codebook_size))) + "\n"


def from_text(
    line: str, model: PoseTokenizer | Network, *, fps: float = DEFAULT_FPS, frames: int | None = None
) -> PoseTokens:
    """A line of integers as tokens of `model`, in the middle of a picture.

    Args:
        line: the integers.
        model: whose tokens they are.
        fps: frames per second.
        frames: how many there are, the last block's rest left out; None: those of whole blocks.

    Raises:
        UserError: something is no token of that model, there are no tokens, or other blocks have so many frames.
    """
    try:
        integers = [int(word) for word in line.split()]
    except ValueError as error:
        raise UserError(f"tokens are integers with spaces between them ({error})") from error
    codes = from_integers(integers, model.config.num_quantizers, model.config.codebook_size)
    if not len(codes):
        raise UserError("there are no tokens")
    tokens = whole_blocks(
        codes,
        model.name,
        model.hash,
        codebook_size=model.config.codebook_size,
        block_frames=model.block_frames,
        fps=fps,
        dims=model.skeleton.num_dims,
    )
    if frames is None:
        return tokens
    most = tokens.header.frames
    if not most - model.block_frames < frames <= most:
        raise UserError(
            f"its {len(codes)} blocks are of {most - model.block_frames + 1} to {most} frames; --frames is {frames}"
        )
    return PoseTokens(replace(tokens.header, frames=frames), codes)


def whole_blocks(
    codes: np.ndarray,
    model: str,
    model_hash: str,
    *,
    codebook_size: int,
    block_frames: int,
    fps: float = DEFAULT_FPS,
    dims: int = 2,
) -> PoseTokens:
    """Codes (N, Q) that came alone as tokens: no frames but those of the blocks, in the middle of a picture."""
    header = TokenHeader(
        model=model,
        model_hash=model_hash[:HASH_DIGITS],
        num_quantizers=codes.shape[1],
        codebook_size=codebook_size,
        block_frames=block_frames,
        frames=len(codes) * block_frames,
        empty_frames=0,
        fps=fps,
        placement=rounded(Placement.default(DEFAULT_SIZE, dims)),
    )
    return PoseTokens(header, codes)


def to_json(tokens: PoseTokens) -> str:
    """Everything that a token file holds, as JSON; the codes are a list per block."""
    header, placement = tokens.header, tokens.header.placement
    values = {
        "model": header.model,
        "model_hash": header.model_hash,
        "num_quantizers": header.num_quantizers,
        "codebook_size": header.codebook_size,
        "block_frames": header.block_frames,
        "frames": header.frames,
        "empty_frames": header.empty_frames,
        "fps": header.fps,
        "placement": {"center": [*placement.center], "scale": placement.scale, "size": [*placement.size]},
        "codes": [block[block >= 0].tolist() for block in tokens.codes],
    }
    return json.dumps(values) + "\n"


class _Placement(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    center: tuple[FiniteFloat, FiniteFloat] | tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    scale: FiniteFloat = Field(gt=0)
    size: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt]


class _Tokens(BaseModel):
    """The content of a JSON file, see `to_json`."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())

    model: str
    model_hash: str = Field(pattern="^([0-9a-f]{8}){1,2}$")
    num_quantizers: int = Field(ge=1, le=MAX_QUANTIZERS)
    codebook_size: int = Field(ge=2, le=MAX_CODEBOOK_SIZE)
    block_frames: PositiveInt
    frames: NonNegativeInt
    empty_frames: NonNegativeInt
    fps: FiniteFloat = Field(gt=0)
    placement: _Placement
    codes: list[list[NonNegativeInt]]


def from_json(text: str) -> PoseTokens:
    """The inverse of `to_json`.

    Raises:
        UserError: not JSON, or not tokens.
    """
    try:
        values = _Tokens.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        location = ".".join(map(str, problem["loc"]))
        raise UserError(f"not tokens as JSON ({location}{': ' if location else ''}{problem['msg']})") from error
    header = TokenHeader(
        **values.model_dump(exclude={"codes", "placement"}), placement=Placement(**values.placement.model_dump())
    )
    most_codes = max(map(len, values.codes), default=0)
    largest_code = max((code for block in values.codes for code in block), default=0)
    try:
        check_header(header)
    except ValueError as error:
        raise UserError(f"not tokens as JSON ({error})") from error
    if not (
        header.blocks == len(values.codes)
        and most_codes <= header.num_quantizers
        and largest_code < header.codebook_size
    ):
        raise UserError("not tokens as JSON (its numbers do not fit together)")
    codes = np.full((len(values.codes), header.num_quantizers), NO_CODE, np.int32)
    for row, block in enumerate(values.codes):
        codes[row, : len(block)] = block
    return PoseTokens(header, codes)
