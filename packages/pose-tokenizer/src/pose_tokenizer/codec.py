"""Pose sequences to tokens and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.transforms import Placement, clean
from pose_tokenizer.files.token_file import NO_CODE, PoseTokens, TokenHeader
from pose_tokenizer.streaming import StreamDecoder, StreamEncoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_tokenizer.model import PoseTokenizer

HIGHEST, LOWEST = 1e3, 1e-2  # rates that a number of bits is looked for between
HALVINGS = 9


def encode(
    model: PoseTokenizer,
    sequence: PoseSequence,
    *,
    rate: float | None = None,
    bits_per_frame: float | None = None,
    num_quantizers: int | None = None,
) -> PoseTokens:
    """A sequence as tokens.

    Args:
        sequence: (T, K, D) in pixels, on any skeleton that has the model's keypoints; points it lacks count as missing.
        rate: how much error a code has to save to be used; the model's own by default.
        bits_per_frame: look for the rate that takes about so many bits instead, and never more unless it has to.
        num_quantizers: most codes a block, for a coarser stream.

    Raises:
        UserError: both shoulders are seen in no frame, or the skeleton has none of the model's keypoints.
    """
    if bits_per_frame is None:
        chosen = model.config.rate if rate is None else rate
        return encode_pieces(model, [sequence], rate=chosen, num_quantizers=num_quantizers)
    low, high = math.log(LOWEST), math.log(HIGHEST)
    found = encode_pieces(model, [sequence], rate=HIGHEST, num_quantizers=num_quantizers)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tokens = encode_pieces(model, [sequence], rate=math.exp(middle), num_quantizers=num_quantizers)
        if tokens.bits <= bits_per_frame * tokens.header.frames:
            found, high = tokens, middle
        else:
            low = middle
    return found


def encode_pieces(
    model: PoseTokenizer, pieces: Iterable[PoseSequence], *, rate: float, num_quantizers: int | None = None
) -> PoseTokens:
    """A sequence that comes in pieces as tokens, the same as those of the whole.

    Raises:
        UserError: as `encode`; no piece has a frame.
    """
    encoder = StreamEncoder(model, rate=rate, num_quantizers=num_quantizers)
    codes, first = [], None
    for piece in pieces:
        first = first or piece
        body = clean(piece).on_skeleton(model.skeleton.with_dims(piece.skeleton.num_dims))
        codes.append(encoder.push(body.keypoints[..., :2], body.confidence))
    codes.append(encoder.finish())
    if first is None or not encoder.frames:
        raise UserError("there are no frames to encode")
    return PoseTokens(header(model, encoder, first.fps, first.size), np.concatenate(codes))


def header(model: PoseTokenizer, encoder: StreamEncoder, fps: float, size: tuple[int, int, int]) -> TokenHeader:
    """What a token file says of a sequence that was encoded to its end.

    Raises:
        UserError: both shoulders were seen in no frame.
    """
    if encoder.placement is None:
        raise UserError("both shoulders are seen in no frame: the pose cannot be placed")
    return TokenHeader(
        model=model.name,
        model_hash=model.hash,
        num_quantizers=model.config.num_quantizers,
        codebook_size=model.config.codebook_size,
        block_frames=model.block_frames,
        frames=encoder.frames,
        empty_frames=encoder.empty_frames,
        fps=fps,
        placement=Placement(single(encoder.placement.center), *single([encoder.placement.scale]), size=size),
    )


def single(numbers: Iterable[float]) -> tuple[float, ...]:
    """Numbers in single precision, as files keep them."""
    return tuple(float(np.float32(number)) for number in numbers)


def decode(model: PoseTokenizer, tokens: PoseTokens, *, num_quantizers: int | None = None) -> PoseSequence:
    """Tokens as a sequence (T, K, 2) in the pixels of the original, as many frames as it had.

    Args:
        num_quantizers: use only so many codes of each block, the first ones; the tokens should then have been encoded
            with so many, since each block builds on the one before.

    Raises:
        UserError: another model made the tokens.
    """
    check_model(model, tokens.header)
    codes = tokens.codes.copy()
    if num_quantizers is not None:
        codes[:, num_quantizers:] = NO_CODE
    decoder = StreamDecoder(model, tokens.header.placement)
    made = [decoder.push(codes), decoder.finish()]
    return assembled(model, tokens.header, made)


def assembled(model: PoseTokenizer, header: TokenHeader, made: list[tuple[np.ndarray, np.ndarray]]) -> PoseSequence:
    """Decoded pieces as the sequence: frames without anybody before them, and no more frames than there were."""
    K = model.skeleton.num_keypoints
    empty = np.zeros((header.empty_frames, K, 2), np.float32), np.zeros((header.empty_frames, K), np.float32)
    keypoints, confidence = (np.concatenate(x)[: header.frames] for x in zip(empty, *made, strict=True))
    skeleton = model.skeleton.with_dims(2)
    return PoseSequence(keypoints, confidence, header.fps, skeleton, size=header.placement.size)


def check_model(model: PoseTokenizer, header: TokenHeader) -> None:
    """Refuses tokens of another model: their codes would mean something else.

    Raises:
        UserError: with both names.
    """
    if header.model_hash != model.hash:
        raise UserError(
            f"these tokens were made by the model {header.model} ({header.model_hash}), and this is {model.name} "
            f"({model.hash}); decode them with the one that made them (--checkpoint)"
        )
    theirs = (header.num_quantizers, header.codebook_size, header.block_frames)
    ours = (model.config.num_quantizers, model.config.codebook_size, model.block_frames)
    if theirs != ours:
        raise UserError(
            "these tokens say {} codes a block of {} each, {} frames a block; the model that made them has "
            "{}, {} and {}".format(*theirs, *ours)
        )
