"""How much of held-out clips their tokens keep, and at what size."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pose_core import PoseSequence, UserError
from pose_core.data import PoseDataset, collate, read_clips, select_split
from pose_core.data.loading import check_skipped, with_path
from pose_core.metrics import pck, rmse
from pose_core.transforms import clean
from pose_tokenizer.codec import encode
from pose_tokenizer.data.dataset import collate as whole_blocks
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.evaluation.metrics import CLOSE, Errors, KeypointErrors, QuantizerUse, squared_errors
from pose_tokenizer.files.token_file import PoseTokens, write_tokens
from pose_tokenizer.nn.features import hold_missing
from pose_tokenizer.nn.quantizer import used

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from pose_core import Skeleton
    from pose_tokenizer.model import PoseTokenizer

BATCH = 32  # clips that are compared at once
WORST = 20  # clips that are kept to be looked at
RAW_BYTES = 3 * 4  # x, y and confidence of a keypoint as float32


@dataclass(frozen=True)
class CodedClip:
    """A clip and what its tokens keep of it, (T, K, 2) in shoulder widths from the first frame with both shoulders.

    Attributes:
        original: what the encoder saw.
        placed: where the decoder puts all keypoints, its confidence 1.
        decoded: of these, what it holds to be seen.
        tokens: what lies between.
    """

    original: PoseSequence
    placed: PoseSequence
    decoded: PoseSequence
    tokens: PoseTokens


@torch.inference_mode()
def round_trip(model: PoseTokenizer, sequence: PoseSequence, *, rate: float | None = None) -> CodedClip:
    """Encodes a clip and decodes it again.

    Args:
        sequence, rate: as `encode` takes them.

    Raises:
        UserError: as `encode`.
    """
    tokens = encode(model, sequence, rate=rate)
    original = prepare(clean(sequence), model.skeleton)
    codes = _on_device(model, tokens)
    latents = model.quantizer.dequantize(codes)
    keypoints, logits = model.frames(latents, used(codes), latents.new_ones(latents.shape[:2], dtype=torch.bool))
    T = len(original)
    places = keypoints[0, :T].cpu().numpy()
    there = (logits[0, :T] > 0).float().cpu().numpy()
    placed = replace(original, keypoints=places, confidence=np.ones_like(there))
    return CodedClip(original, placed, replace(placed, confidence=there), tokens)


@dataclass(frozen=True)
class KeypointScore:
    """`Errors` of one keypoint, by the names of its component and its point."""

    component: str
    point: str
    errors: Errors


@dataclass(frozen=True)
class ClipScore:
    """How well one clip comes back.

    Attributes:
        path: the clip's file.
        frames, seconds: of the file.
        rmse, hands_rmse: of a coordinate in shoulder widths, of all keypoints and of the hands alone; NaN where none
            was seen.
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
        """What clips are ordered by: the hands' error, or, where none was seen, that of everything."""
        return self.rmse if np.isnan(self.hands_rmse) else self.hands_rmse


@dataclass(frozen=True)
class Codebook:
    """How one quantizer's codes are used.

    Attributes:
        quantizer: which one, from 1.
        uses: how often a block took one of its codes.
        utilization: share of its codes that were taken at all.
        perplexity: how many codes, all equally frequent, would say as much; NaN where none was taken.
        error: mean squared error of a block's latents after it, blocks that needed no code of it counted, too.
    """

    quantizer: int
    uses: int
    utilization: float
    perplexity: float
    error: float


@dataclass(frozen=True)
class Size:
    """How large the tokens of all clips are.

    Attributes:
        bits_per_frame, bits_per_second: of the codes, and of how many there are in each block.
        file_bits_per_frame: of whole token files, each with its header.
        float32_ratio: how many times a token file is smaller than the model's keypoints as float32: x, y, confidence.
        original_ratio: how many times it is smaller than the file the clip was read from.
    """

    bits_per_frame: float
    bits_per_second: float
    file_bits_per_frame: float
    float32_ratio: float
    original_ratio: float


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        model: its name.
        data, split: which clips; rate: what a code had to save, see `encode`.
        clips, frames, blocks, seconds: how many and how long.
        parts: `Errors` of "all" keypoints, of both "hands", and of each part of the skeleton by name.
        keypoints: in the order of the skeleton.
        size: of the tokens.
        codes_per_block: how many codes a block takes.
        prediction_error: mean squared error of a block's latents before it takes any code.
        codebooks: in the order of the quantizers.
        clip_scores: worst first.
        worst: the first of them, as they were and as they come back.
    """

    model: str
    data: list[Path]
    split: str
    rate: float
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
        """All that is a number, or says what of; machines read it."""
        figures = asdict(replace(self, worst=[]))
        del figures["worst"]
        return figures


def evaluate(
    model: PoseTokenizer,
    data: Sequence[Path],
    split: str = "validation",
    *,
    rate: float | None = None,
    dataset: type[PoseDataset] = PoseDataset,
    progress: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Encodes and decodes every clip of a split and compares what comes back with what went in.

    Args:
        data: manifests or folders, as `read_clips` takes them.
        rate: how much error a code has to save to be used; the model's own by default.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        progress: told what is being done.

    Raises:
        UserError: a manifest that cannot be used, a split without clips, or clips that cannot be, all at once.
    """
    clips = select_split(read_clips(*data), split)
    loaded = dataset(clips, cache_bytes=0)
    counts = _Counts(model)
    scores: list[ClipScore] = []
    problems: list[str] = []
    worst: list[tuple[ClipScore, CodedClip]] = []
    for number, clip in enumerate(clips, start=1):
        progress(f"clip {number} of {len(clips)}: {clip.path}")
        try:
            coded = round_trip(model, loaded.load_sample(clip), rate=rate)
        except UserError as error:
            problems.append(with_path(error, clip))
            continue
        counts.update(coded, clip.path)
        scores.append(_score(coded, clip.path))
        worst = sorted([*worst, (scores[-1], coded)], key=lambda pair: -pair[0].badness)[:WORST]
    check_skipped(problems, len(clips), 0.0)
    prediction_error, codebooks = counts.codebooks()
    return Evaluation(
        model=model.name,
        data=list(data),
        split=split,
        rate=model.config.rate if rate is None else rate,
        clips=len(clips),
        frames=counts.frames,
        blocks=counts.blocks,
        seconds=counts.seconds,
        parts=counts.parts(),
        keypoints=counts.keypoints(),
        size=counts.size(),
        codes_per_block=sum(book.uses for book in codebooks) / counts.blocks,
        prediction_error=prediction_error,
        codebooks=codebooks,
        clip_scores=sorted(scores, key=lambda score: -score.badness),
        worst=worst,
    )


class _Counts:
    """What `evaluate` adds up, clip by clip."""

    def __init__(self, model: PoseTokenizer) -> None:
        skeleton = model.skeleton
        self.model = model
        self._quantizers = QuantizerUse(model.config.num_quantizers, model.config.codebook_size)
        named = {"hands": hands(skeleton)} | {name: skeleton.part(name) for name in skeleton.parts()}
        self._parts = {"all": KeypointErrors()} | {name: KeypointErrors(part) for name, part in named.items() if part}
        self._keypoints = [KeypointErrors([k]) for k in range(skeleton.num_keypoints)]
        self._waiting: list[CodedClip] = []
        self.frames = self.blocks = 0
        self.seconds = 0.0
        self._bits = self._token_bytes = self._original_bytes = 0

    def update(self, coded: CodedClip, path: Path) -> None:
        """Takes a clip."""
        header = coded.tokens.header
        self.frames += header.frames
        self.blocks += header.blocks
        self.seconds += header.seconds
        self._bits += coded.tokens.bits
        self._token_bytes += file_bytes(coded.tokens)
        self._original_bytes += path.stat().st_size
        self._quantizers.update(*_quantized(self.model, coded))
        self._waiting.append(coded)
        if len(self._waiting) == BATCH:
            self._compare()

    def parts(self) -> dict[str, Errors]:
        self._compare()
        return {name: errors.compute() for name, errors in self._parts.items()}

    def keypoints(self) -> list[KeypointScore]:
        self._compare()
        names = self.model.skeleton.keypoints
        return [KeypointScore(*name, errors.compute()) for name, errors in zip(names, self._keypoints, strict=True)]

    def codebooks(self) -> tuple[float, list[Codebook]]:
        """The mean error before any code, and the codebooks."""
        counted = {name: values.tolist() for name, values in self._quantizers.compute().items()}
        first, *errors = counted["errors"]
        rows = zip(counted["uses"], counted["utilization"], counted["perplexity"], errors, strict=True)
        return first, [Codebook(number, *values) for number, values in enumerate(rows, start=1)]

    def size(self) -> Size:
        token_bytes = self._token_bytes
        return Size(
            bits_per_frame=self._bits / self.frames,
            bits_per_second=self._bits / self.seconds,
            file_bits_per_frame=8 * token_bytes / self.frames,
            float32_ratio=RAW_BYTES * self.model.skeleton.num_keypoints * self.frames / token_bytes,
            original_ratio=self._original_bytes / token_bytes,
        )

    def _compare(self) -> None:
        if not self._waiting:
            return
        batches = [collate([getattr(c, name) for c in self._waiting]) for name in ("placed", "decoded", "original")]
        for errors in (*self._parts.values(), *self._keypoints):
            errors.update(*batches)
        self._waiting = []


def hands(skeleton: Skeleton) -> list[int]:
    """Array positions of both hands, of those the skeleton has."""
    return skeleton.hand("left") + skeleton.hand("right")


def file_bytes(tokens: PoseTokens) -> int:
    """How large the token file is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.tokens"
        write_tokens(tokens, path)
        return path.stat().st_size


def _score(coded: CodedClip, path: Path) -> ClipScore:
    header, fingers = coded.tokens.header, hands(coded.original.skeleton)
    both = coded.placed, coded.original
    return ClipScore(
        path=path,
        frames=header.frames,
        seconds=header.seconds,
        rmse=rmse(*both),
        hands_rmse=rmse(*(sequence.select(fingers) for sequence in both)) if fingers else float("nan"),
        pck=pck(coded.decoded, coded.original, (CLOSE,))[CLOSE],
        codes_per_block=float((coded.tokens.codes >= 0).sum(axis=1).mean()),
        bits_per_frame=coded.tokens.bits / header.frames,
    )


@torch.inference_mode()
def _quantized(model: PoseTokenizer, coded: CodedClip) -> tuple[Tensor, Tensor]:
    """The codes (N, Q) of a clip's blocks, and the `squared_errors` (N, Q + 1) of their latents."""
    batch = whole_blocks([(coded.original.keypoints, coded.original.confidence > 0)], model.block_frames)
    batch = batch.to(model.device)
    blocks = model.blocks(hold_missing(batch.keypoints, batch.seen, model.features.mean[None]), batch.seen)
    latents = model.latents(blocks, batch.seen.unflatten(1, (-1, model.block_frames)), batch.mask)
    codes = _on_device(model, coded.tokens)
    quantized = model.quantizer.dequantize(codes)
    left = model.quantizer.residuals(latents, quantized)
    left = squared_errors(left[0], codes[0], model.quantizer.codebooks)
    return codes[0].cpu(), left.cpu()


def _on_device(model: PoseTokenizer, tokens: PoseTokens) -> Tensor:
    """A clip's codes (1, N, Q)."""
    return torch.from_numpy(tokens.codes)[None].long().to(model.device)
