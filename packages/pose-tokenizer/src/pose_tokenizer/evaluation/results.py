"""The results of an evaluation."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core import PoseSequence
    from pose_tokenizer.evaluation.metrics import Errors
    from pose_tokenizer.files.token_file import PoseTokens


@dataclass(frozen=True)
class CodedClip:
    """A clip before and after its tokens, (T, K, 2) in shoulder widths from the first frame with both shoulders.

    Attributes:
        original: the encoder's input.
        predicted: where the decoder puts all keypoints, its confidence 1.
        decoded: the same, with the keypoints missing that the decoder predicts to be so.
        tokens: the clip as tokens.
    """

    original: PoseSequence
    predicted: PoseSequence
    decoded: PoseSequence
    tokens: PoseTokens


@dataclass(frozen=True)
class KeypointScore:
    """`Errors` of one keypoint, by the names of its component and its point."""

    component: str
    point: str
    errors: Errors


@dataclass(frozen=True)
class ClipScore:
    """How well one clip is reconstructed.

    Attributes:
        path: the clip's file.
        frames, seconds: of the file.
        rmse, hands_rmse: of a coordinate in shoulder widths, of all keypoints and of the hands alone; NaN where none
            was visible.
        pck: see `Errors`.
        codes_per_block, bits_per_frame: of its tokens, header not counted.
    """

    path: Path
    frames: int
    seconds: float
    rmse: float
    hands_rmse: float
    pck: float
    codes_per_block: float
    bits_per_frame: float

    @property
    def badness(self) -> float:
        """The key that clips are ordered by: RMSE of the hands, or of all keypoints where no hand was visible."""
        return self.rmse if math.isnan(self.hands_rmse) else self.hands_rmse


@dataclass(frozen=True)
class Codebook:
    """How one quantizer's codes are used.

    Attributes:
        quantizer: which one, from 1.
        uses: how many blocks took one of its codes.
        utilization: share of its codes that were taken at all.
        perplexity: exponential of the entropy of its codes: as many equally frequent codes; NaN if none was taken.
        error: mean squared error of a block's latents after it, also counting blocks that took no code of it.
    """

    quantizer: int
    uses: int
    utilization: float
    perplexity: float
    error: float


@dataclass(frozen=True)
class Size:
    """Size of all clips' tokens.

    Attributes:
        bits_per_frame, bits_per_second: of the codes and their number per block.
        file_bits_per_frame: of whole token files, each with its header.
        float32_ratio: of the model's keypoints as float32 (x, y, confidence) to the token files: compression ratio.
        original_ratio: of the files that the clips were read from to the token files.
    """

    bits_per_frame: float
    bits_per_second: float
    file_bits_per_frame: float
    float32_ratio: float
    original_ratio: float


@dataclass(frozen=True)
class Evaluation:
    """The results of `evaluate`.

    Attributes:
        model: its name.
        data, split: which clips; lmbda: see `encode`.
        clips, frames, blocks, seconds: how many and how long.
        parts: `Errors` of "all" keypoints, of both "hands", and of each part of the skeleton by name.
        keypoints: in the order of the skeleton.
        size: of the tokens.
        codes_per_block: mean number of codes.
        prediction_error: mean squared error of a block's latents before its first code.
        codebooks: in the order of the quantizers.
        clip_scores: worst first.
        worst: the first of them, with the clips.
    """

    model: str
    data: list[Path]
    split: str
    lmbda: float
    clips: int
    frames: int
    blocks: int
    seconds: float
    parts: dict[str, Errors]
    keypoints: list[KeypointScore]
    size: Size
    codes_per_block: float
    prediction_error: float
    codebooks: list[Codebook]
    clip_scores: list[ClipScore]
    worst: list[tuple[ClipScore, CodedClip]]

    def figures(self) -> dict[str, Any]:
        """Everything but the clips themselves, for `metrics.json`."""
        figures = asdict(replace(self, worst=[]))
        del figures["worst"]
        return figures
