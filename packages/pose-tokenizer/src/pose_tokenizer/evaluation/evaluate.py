"""Scores a tokenizer on held-out clips: errors, codebook use and size of the tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import PoseSequence, UserError
from pose_core.data import PoseDataset, collate, read_clips, select_split
from pose_core.data.loading import check_skipped, with_path
from pose_core.metrics import pck, rmse
from pose_core.transforms import clean
from pose_tokenizer.codec import encode
from pose_tokenizer.data.dataset import collate as collate_blocks
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.evaluation.metrics import PCK_THRESHOLD, Errors, KeypointErrors, QuantizerUse, squared_errors
from pose_tokenizer.evaluation.results import ClipScore, Codebook, CodedClip, Evaluation, KeypointScore, Size
from pose_tokenizer.files.token_file import PoseTokens, file_content

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from pose_core import Skeleton
    from pose_tokenizer.model import PoseTokenizer

BATCH = 32  # clips that are compared at once
WORST = 20  # clips that the report plays
RAW_BYTES = 3 * 4  # x, y and confidence of a keypoint as float32


@torch.inference_mode()
def round_trip(model: PoseTokenizer, sequence: PoseSequence, *, lmbda: float | None = None) -> CodedClip:
    """Encodes a clip and decodes it again.

    Args:
        model: the tokenizer.
        sequence, lmbda: as `encode` takes them.

    Raises:
        UserError: as `encode`.
    """
    tokens = encode(model, sequence, lmbda=lmbda)
    original = prepare(clean(sequence), model.skeleton)
    keypoints, logits = model.decode(codes_tensor(model, tokens))
    T = len(original)
    confidence = (logits[0, :T] > 0).float().cpu().numpy()
    predicted = replace(original, keypoints=keypoints[0, :T].cpu().numpy(), confidence=np.ones_like(confidence))
    return CodedClip(original, predicted, replace(predicted, confidence=confidence), tokens)


def evaluate(
    model: PoseTokenizer,
    data: Sequence[Path],
    split: str = "validation",
    *,
    lmbda: float | None = None,
    dataset: type[PoseDataset] = PoseDataset,
    say: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Encodes and decodes every clip of a split and compares the results with the originals.

    Args:
        model: the tokenizer.
        data: manifests or folders, as `read_clips` takes them.
        split: of the clips.
        lmbda: see `encode`; the model's by default.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        say: takes a line for people.

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
        say(f"clip {number} of {len(clips)}: {clip.path}")
        try:
            coded = round_trip(model, loaded.load_sample(clip), lmbda=lmbda)
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
        lmbda=model.config.lmbda if lmbda is None else lmbda,
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
    """Sums over clips, from which `evaluate` computes its results."""

    def __init__(self, model: PoseTokenizer) -> None:
        skeleton = model.skeleton
        self.model = model
        self._quantizers = QuantizerUse(model.config.num_quantizers, model.config.codebook_size)
        named = {"hands": hands(skeleton)} | {name: skeleton.part(name) for name in skeleton.parts()}
        self._parts = {"all": KeypointErrors()} | {name: KeypointErrors(part) for name, part in named.items() if part}
        self._keypoints = [KeypointErrors([k]) for k in range(skeleton.num_keypoints)]
        self._pending: list[CodedClip] = []
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
        self._pending.append(coded)
        if len(self._pending) == BATCH:
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
        if not self._pending:
            return
        batches = [collate([getattr(c, name) for c in self._pending]) for name in ("predicted", "decoded", "original")]
        for errors in (*self._parts.values(), *self._keypoints):
            errors.update(*batches)
        self._pending = []


def hands(skeleton: Skeleton) -> list[int]:
    """Array positions of both hands, of those the skeleton has."""
    return skeleton.hand("left") + skeleton.hand("right")


def file_bytes(tokens: PoseTokens) -> int:
    """Size of the token file."""
    return len(file_content(tokens))


def _score(coded: CodedClip, path: Path) -> ClipScore:
    header, hand_indices = coded.tokens.header, hands(coded.original.skeleton)
    both = coded.predicted, coded.original
    return ClipScore(
        path=path,
        frames=header.frames,
        seconds=header.seconds,
        rmse=rmse(*both),
        hands_rmse=rmse(*(sequence.select(hand_indices) for sequence in both)) if hand_indices else float("nan"),
        pck=pck(coded.decoded, coded.original, (PCK_THRESHOLD,))[PCK_THRESHOLD],
        codes_per_block=float((coded.tokens.codes >= 0).sum(axis=1).mean()),
        bits_per_frame=coded.tokens.bits / header.frames,
    )


@torch.inference_mode()
def _quantized(model: PoseTokenizer, coded: CodedClip) -> tuple[Tensor, Tensor]:
    """The codes (N, Q) of a clip's blocks, and the `squared_errors` (N, Q + 1) of their latents."""
    batch = collate_blocks([(coded.original.keypoints, coded.original.visible)], model.block_frames).to(model.device)
    codes = codes_tensor(model, coded.tokens)
    latents, _ = model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)
    residuals = model.quantizer.residuals(latents, model.quantizer.dequantize(codes))
    return codes[0].cpu(), squared_errors(residuals[0], codes[0], model.quantizer.codebooks).cpu()


def codes_tensor(model: PoseTokenizer, tokens: PoseTokens) -> Tensor:
    """A clip's codes (1, N, Q) on the model's device."""
    return torch.from_numpy(tokens.codes)[None].long().to(model.device)
