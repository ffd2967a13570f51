"""Pose sequences to tokens and back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.transforms import clean
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.files.header import HASH_DIGITS, TokenHeader, exact_rate
from pose_tokenizer.files.token_file import PoseTokens
from pose_tokenizer.streaming import StreamDecoder, StreamEncoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.network import Network

MIN_LMBDA, MAX_LMBDA = 1e-2, 1e3  # lambda for a number of bits is searched for between these
BISECTIONS = 9


def encode(
    model: PoseTokenizer | Network,
    sequence: PoseSequence,
    *,
    lmbda: float | None = None,
    bits_per_frame: float | None = None,
    num_quantizers: int | None = None,
) -> PoseTokens:
    """A sequence as tokens.

    Args:
        model: the tokenizer.
        sequence: (T, K, D) in pixels, on any skeleton that has the model's keypoints; points it lacks count as missing.
        lmbda: Lagrange multiplier of the rate-distortion cost D + lambda R, R in codes: squared error that a code must
            save; the model's by default.
        bits_per_frame: search for the lambda that takes at most so many bits instead, see `encode_within`.
        num_quantizers: most codes per block, for a coarser stream.

    Raises:
        UserError: both shoulders are seen in no frame, or the skeleton has none of the model's keypoints.
    """
    if bits_per_frame is None:
        return encode_pieces(model, [sequence], lmbda=lmbda, num_quantizers=num_quantizers)
    return encode_within(model, sequence, bits_per_frame, num_quantizers=num_quantizers)[0]


def encode_within(
    model: PoseTokenizer | Network, sequence: PoseSequence, bits_per_frame: float, *, num_quantizers: int | None = None
) -> tuple[PoseTokens, bool]:
    """A sequence as tokens of at most so many bits, by bisection of lambda between `MIN_LMBDA` and `MAX_LMBDA`.

    Args:
        model, sequence, num_quantizers: see `encode`.
        bits_per_frame: how many; where the largest lambda takes more, the tokens are of that one.

    Returns:
        The tokens, and whether no lambda takes more than the bits asked for.

    Raises:
        UserError: as `encode`.
    """
    low, high = math.log(MIN_LMBDA), math.log(MAX_LMBDA)
    spare = True
    best = encode_pieces(model, [sequence], lmbda=MAX_LMBDA, num_quantizers=num_quantizers)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        tokens = encode_pieces(model, [sequence], lmbda=math.exp(middle), num_quantizers=num_quantizers)
        if tokens.bits <= bits_per_frame * tokens.header.frames:
            best, high = tokens, middle
        else:
            low, spare = middle, False
    return best, spare


def encode_pieces(
    model: PoseTokenizer | Network,
    pieces: Iterable[PoseSequence],
    *,
    lmbda: float | None = None,
    num_quantizers: int | None = None,
) -> PoseTokens:
    """A sequence that comes in pieces as tokens, the same as those of the whole.

    Args:
        model: the tokenizer.
        pieces: consecutive frames.
        lmbda, num_quantizers: see `encode`.

    Raises:
        UserError: as `encode`; no piece has a frame.
    """
    lmbda = model.config.lmbda if lmbda is None else lmbda
    encoder = StreamEncoder(model, lmbda=lmbda, num_quantizers=num_quantizers)
    codes, first = [], None
    for piece in pieces:
        first = first or piece
        body = clean(piece).on_skeleton(model.skeleton)
        codes.append(encoder.push(body.keypoints, body.confidence))
    codes.append(encoder.finish())
    if first is None or not encoder.frames:
        raise UserError("there are no frames to encode")
    tokens = np.concatenate(codes)
    return PoseTokens(header(model, encoder, first.fps, first.size), tokens, encoder.network.entropy_model)


def header(
    model: PoseTokenizer | Network, encoder: StreamEncoder, fps: float, size: tuple[int, int, int]
) -> TokenHeader:
    """The header of a sequence that was encoded to its end.

    Raises:
        UserError: both shoulders were seen in no frame.
    """
    if encoder.placement is None:
        raise UserError("both shoulders are seen in no frame: the pose cannot be placed")
    return TokenHeader(
        model=model.name,
        model_hash=model.hash[:HASH_DIGITS],
        num_quantizers=model.config.num_quantizers,
        codebook_size=model.config.codebook_size,
        block_frames=model.block_frames,
        frames=encoder.frames,
        empty_frames=encoder.empty_frames,
        fps=exact_rate(fps),
        placement=replace(encoder.placement, size=size),
    )


def decode(model: PoseTokenizer | Network, tokens: PoseTokens, *, num_quantizers: int | None = None) -> PoseSequence:
    """Tokens as a sequence (T, K, D) in the pixels of the original, as many frames as it had.

    Args:
        model: the tokenizer that made the tokens.
        tokens: of one sequence.
        num_quantizers: use only the first so many codes of each block; the tokens should then have been encoded with so
            many, since each block is predicted from the one before.

    Raises:
        UserError: another model made the tokens.
    """
    check_model(model, tokens.header)
    codes = tokens.codes.copy()
    if num_quantizers is not None:
        codes[:, num_quantizers:] = NO_CODE
    header, (K, D) = tokens.header, (model.skeleton.num_keypoints, model.skeleton.num_dims)
    decoder = StreamDecoder(model, header.placement)
    # Frames without anybody come first; the last block may be longer than the sequence.
    empty = np.zeros((header.empty_frames, K, D), np.float32), np.zeros((header.empty_frames, K), np.float32)
    pieces = [empty, decoder.push(codes), decoder.finish()]
    keypoints, confidence = (np.concatenate(x)[: header.frames] for x in zip(*pieces, strict=True))
    return PoseSequence(keypoints, confidence, header.fps, model.skeleton, size=header.placement.size)


def check_model(model: PoseTokenizer | Network, header: TokenHeader) -> None:
    """Refuses tokens of another model: their codes would mean something else.

    Raises:
        UserError: with both names.
    """
    if not model.hash.startswith(header.model_hash):
        raise UserError(
            f"these tokens were made by the model {header.model} ({header.model_hash}), and this is {model.name} "
            f"({model.hash[:HASH_DIGITS]}); decode them with the one that made them (--checkpoint)"
        )
    theirs = (header.num_quantizers, header.codebook_size, header.block_frames)
    ours = (model.config.num_quantizers, model.config.codebook_size, model.block_frames)
    if theirs != ours:
        raise UserError(
            "these tokens say {} codebooks of {} codes and {} frames per block; the model that made them has "
            "{}, {} and {}".format(*theirs, *ours)
        )
    if len(header.placement.center) != model.skeleton.num_dims:
        raise UserError(
            f"these tokens say a center of {len(header.placement.center)} coordinates; the model that made them has "
            f"{model.skeleton.num_dims}"
        )
