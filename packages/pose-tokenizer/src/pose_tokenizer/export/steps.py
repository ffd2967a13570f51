"""Encoder and decoder as graphs of one block with explicit state.

A graph takes a block and a state, a row of numbers per sequence, and gives the next state; the first is zeros. So the
same file runs whole sequences and streams, in constant memory, in a runtime that knows neither loops nor classes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from pose_tokenizer.model import EncoderState
from pose_tokenizer.nn.beam_search import beam_search_in_graph
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.streaming import BEAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_tokenizer.model import PoseTokenizer

Part = Literal["encode", "decode"]


class EncodeStep(nn.Module):
    """A block of frames to its codes: `PoseTokenizer.encode` of N = 1.

    `EncoderState` becomes one row of numbers: last_visible, prediction, blocks, visible, and, in place of the mask, how
    many blocks there were. A state of zeros has to be the beginning of a sequence, though an `EncoderState` begins
    with the mean pose and the prediction of the first block: these are put in where there was no block yet. The past
    always holds as many blocks as the encoder looks back at, those that do not exist yet masked, so that shapes are
    fixed.

    Attributes:
        state_size: S.
    """

    inputs, outputs = ("keypoints", "seen", "rate", "state"), ("codes", "next_state")
    squared_norms: Tensor

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("squared_norms", model.quantizer.squared_norms())
        frames, (K, D) = model.block_frames, model.features.mean.shape
        width, dim = model.basis.shape
        self.back = model.encoder.before
        self.shapes = [(K, D), (dim,), (self.back, width), (self.back, frames, K), (1,)]
        self.state_size = row_size(self.shapes)

    def example(self, B: int) -> tuple[Tensor, ...]:
        """Inputs of the shapes that B sequences have."""
        frames, (K, D) = self.model.block_frames, self.model.features.mean.shape
        visible = torch.ones(B, frames, K, dtype=torch.bool)
        lmbda = torch.tensor(self.model.config.lmbda)
        return torch.zeros(B, frames, K, D), visible, lmbda, torch.zeros(B, self.state_size)

    def forward(self, keypoints: Tensor, seen: Tensor, lmbda: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step.

        Args:
            keypoints: (B, block_frames, K, D) in shoulder widths; those not visible mean nothing.
            seen: (B, block_frames, K) bool, which are visible.
            lmbda: () Lagrange multiplier, see `PredictiveQuantizer.quantize`; the graph's input "rate".
            state: (B, S), 0 before the first block.

        Returns:
            Codes (B, Q), `NO_CODE` after the last, and the state (B, S) for the next block.
        """
        model, quantizer = self.model, self.model.quantizer
        past, count = self._unpack(state)
        filled = []
        last_visible = past.last_visible
        for t in range(model.block_frames):  # `hold` in other words: ONNX has no running maximum
            last_visible = torch.where(seen[:, t, :, None], keypoints[:, t], last_visible)
            filled.append(last_visible)
        blocks = model.blocks(torch.stack(filled, dim=1), seen)  # (B, 1, block_frames * F)
        latents, context = model.latents_in_context(blocks, seen[:, None], None, past)
        latent = latents[:, 0]  # (B, C)
        codes, residual = beam_search_in_graph(
            latent - past.prediction, quantizer.codebooks, self.squared_norms, lmbda=lmbda, beam=BEAM
        )
        prediction = quantizer.predict(latent - residual)
        count = (count + 1).clamp(max=max(self.back, 1))
        return codes, pack([last_visible, prediction, context.blocks, context.visible, count])

    def _unpack(self, state: Tensor) -> tuple[EncoderState, Tensor]:
        """A row (B, S) as a state, and how many blocks there were, (B, 1)."""
        last_visible, prediction, blocks, visible, count = unpack(state, self.shapes)
        at_start = count == 0  # (B, 1)
        return EncoderState(
            last_visible=torch.where(at_start[..., None], self.model.features.mean, last_visible),
            blocks=blocks,
            visible=visible > 0,
            mask=torch.arange(self.back, 0, -1, device=count.device) <= count,  # (B, back), the oldest block first
            prediction=torch.where(at_start, self.model.quantizer.start, prediction),
        ), count


class DecodeStep(nn.Module):
    """The codes of a block to the frames of the block `delay` steps before: the decoder looks ahead.

    Attributes:
        delay: steps whose frames mean nothing yet; as many follow a sequence's last block, with `real` False.
        state_size: S. A state holds the last quantized blocks, how many codes each had, and whether it was real.
    """

    inputs, outputs = ("codes", "real", "state"), ("keypoints", "seen", "next_state")

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model
        self.delay = model.decoder_after
        self.window = model.decoder_before + 1 + self.delay
        past = max(self.window - 1, 1)  # at least the block that the next one is predicted from
        self.shapes = [(past, model.config.latent_dim), (past,), (past,)]
        self.state_size = row_size(self.shapes)

    def example(self, B: int) -> tuple[Tensor, ...]:
        """Inputs of the shapes that B sequences have."""
        codes = torch.zeros(B, self.model.config.num_quantizers, dtype=torch.long)
        return codes, torch.ones(B, dtype=torch.bool), torch.zeros(B, self.state_size)

    def forward(self, codes: Tensor, real: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step.

        Args:
            codes: (B, Q), `NO_CODE` for none.
            real: (B,) bool, False after a sequence's last block, where codes mean nothing.
            state: (B, S), 0 before the first block.

        Returns:
            Keypoints (B, block_frames, K, D) in shoulder widths, whether they are visible (B, block_frames, K; the
            graph's output "seen"), False as long as there is no such block, and the state (B, S) for the next block.
        """
        model, quantizer = self.model, self.model.quantizer
        latents, depth, mask = unpack(state, self.shapes)
        block = codes[:, None]  # (B, 1, Q)
        at_start = mask[:, -1:] == 0  # (B, 1)
        prediction = torch.where(at_start, quantizer.start, quantizer.predict(latents[:, -1]))
        latents = torch.cat([latents, quantizer.dequantize(block, prediction)], dim=1)
        depth = torch.cat([depth, num_codes(block).to(depth.dtype)], dim=1)
        mask = torch.cat([mask, real[:, None].to(mask.dtype)], dim=1)
        window = slice(-self.window, None)
        is_real = mask[:, window] > 0
        keypoints, logits = model.frames(latents[:, window], depth[:, window].long(), is_real)
        center = model.decoder_before
        frames = slice(center * model.block_frames, (center + 1) * model.block_frames)
        visible = (logits[:, frames] > 0) & is_real[:, center, None, None]
        return keypoints[:, frames], visible, pack([latents[:, 1:], depth[:, 1:], mask[:, 1:]])


STEPS: dict[Part, type[EncodeStep | DecodeStep]] = {"encode": EncodeStep, "decode": DecodeStep}


def row_size(shapes: Sequence[tuple[int, ...]]) -> int:
    """How many numbers tensors of these shapes have together."""
    return sum(map(math.prod, shapes))


def pack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors (B, ...) as one row of numbers per sequence, (B, S)."""
    return torch.cat([tensor.flatten(1).to(torch.float32) for tensor in tensors], dim=1)


def unpack(rows: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """The inverse of `pack`: (B, *shape) for each shape, as floats."""
    parts = rows.split([math.prod(shape) for shape in shapes], dim=1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
