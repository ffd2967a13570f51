"""The tokenizer: frames to latent vectors of blocks, these to codes, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_core import Skeleton
from pose_core.pretrained import SavedModel
from pose_core.transforms.temporal import hold
from pose_tokenizer.config import BUNDLED, UNHASHED, TokenizerConfig
from pose_tokenizer.nn.adjacency import partitioned_adjacency
from pose_tokenizer.nn.features import PoseFeatures
from pose_tokenizer.nn.latent_network import LatentNetwork
from pose_tokenizer.nn.quantizer import PredictiveQuantizer, num_codes
from pose_tokenizer.nn.stgcn import STGCN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTEXT = 8  # channels by which the decoder's graph network knows a block's latents and number of codes


@dataclass(frozen=True)
class EncoderState:
    """The encoder's state between one piece of a sequence and the next.

    Attributes:
        last_visible: (B, K, D) coordinates where each keypoint was last visible; before that, of the mean pose.
        blocks: (B, n, block_frames * F) features of the last blocks, which the encoder looks back at.
        visible: (B, n, block_frames, K) which of their keypoints were visible.
        mask: (B, n) True where they are real.
        prediction: (B, C) of the next block's latents.
    """

    last_visible: Tensor
    blocks: Tensor
    visible: Tensor
    mask: Tensor
    prediction: Tensor


@dataclass(frozen=True)
class Encoded:
    """Sequences as codes.

    Attributes:
        codes: (B, N, Q), `NO_CODE` after the last of each block.
        latents: (B, N, C) before quantization; quantized: (B, N, C) after it.
        state: with which encoding goes on after these blocks.
    """

    codes: Tensor
    latents: Tensor
    quantized: Tensor
    state: EncoderState


@dataclass(frozen=True)
class TokenizerOutput:
    """Sequences, encoded and decoded.

    Attributes:
        keypoints: (B, T, K, D) in shoulder widths; logits: (B, T, K), above 0 where a keypoint is visible.
        encoded: the codes between.
    """

    keypoints: Tensor
    logits: Tensor
    encoded: Encoded


class PoseTokenizer(
    SavedModel,
    config=TokenizerConfig,
    bundled=BUNDLED,
    unhashed=UNHASHED,
    library_name="pose-tokenizer",
    tags=["sign-language", "pose-tokenizer"],
):
    """A codec of poses: `encode` turns frames into codes, `decode` codes into frames, `forward` does both.

    Encoder and decoder are each a linear basis, the principal components of the training clips, plus an ST-GCN that
    adds what limbs and neighbouring blocks tell. The encoder looks back only, the decoder a few blocks ahead, too. With
    `latent_layers` the decoder begins with layers over latents.

    A subclass may have networks of its own: `latents` and `frames` are what there is to override. Layers over latents
    are called in `frames`.

    Attributes:
        block_frames: frames per block: the setting `downsampling`.
        gradient_checkpointing: recompute activations in the backward pass, which saves memory.
    """

    basis: Tensor

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.skeleton = Skeleton.from_dict(config.skeleton)
        weights = config.hand_weight, config.body_weight, config.depth_weight, config.face_weight
        self.features = PoseFeatures(self.skeleton, *weights)
        self.block_frames = config.downsampling
        (K, D), frames, dim = self.features.mean.shape, config.downsampling, config.latent_dim
        adjacency = partitioned_adjacency(self.skeleton)
        self.register_buffer("basis", torch.zeros(frames * self.features.size, dim))
        self.encoder = STGCN(frames * (D + 1), config.hidden_dim, D, adjacency, config.num_layers, before=1, after=0)
        self.pooling = nn.Linear(K * D, dim, bias=False)
        self.quantizer = PredictiveQuantizer(dim, config.num_quantizers, config.codebook_size)
        self.latent_network = None
        if config.latent_layers:
            self.latent_network = LatentNetwork(dim, config.num_quantizers, config.latent_width, config.latent_layers)
        self.context = nn.Linear(dim, CONTEXT)
        self.depth = nn.Embedding(config.num_quantizers + 1, CONTEXT)
        nn.init.zeros_(self.depth.weight)
        self.decoder = STGCN(
            frames * D + CONTEXT, config.hidden_dim, frames * D, adjacency, config.num_layers, before=1, after=1
        )

    @property
    def decoder_before(self) -> int:
        """Blocks of the past that a decoded block depends on."""
        return self.decoder.before + (self.latent_network.before if self.latent_network is not None else 0)

    @property
    def decoder_after(self) -> int:
        """Blocks of the future that a decoded block depends on."""
        return self.decoder.after + (self.latent_network.after if self.latent_network is not None else 0)

    def initial_state(self, batch_size: int = 1) -> EncoderState:
        """The state at the beginning of sequences."""
        K, (width, _) = self.skeleton.num_keypoints, self.basis.shape
        return EncoderState(
            last_visible=self.features.mean.expand(batch_size, -1, -1),
            blocks=self.basis.new_zeros(batch_size, 0, width),
            visible=self.basis.new_zeros(batch_size, 0, self.block_frames, K, dtype=torch.bool),
            mask=self.basis.new_zeros(batch_size, 0, dtype=torch.bool),
            prediction=self.quantizer.start.expand(batch_size, -1),
        )

    def encode(
        self,
        keypoints: Tensor,
        visible: Tensor,
        mask: Tensor | None = None,
        *,
        lmbda: float | Tensor | None = None,
        num_quantizers: int | None = None,
        beam: int = 1,
        squared_norms: Tensor | None = None,
        state: EncoderState | None = None,
    ) -> Encoded:
        """Frames to codes: `encode_latents`, then the quantizer.

        Args:
            keypoints: (B, T, K, D) in shoulder widths, T a multiple of `block_frames`.
            visible: (B, T, K) bool; the others' coordinates mean nothing.
            mask: (B, N), True where a block is real; all by default.
            lmbda, num_quantizers, beam, squared_norms: see `PredictiveQuantizer.quantize`; `lmbda` is by default the
                model's.
            state: of the frames before; None at the beginning of a sequence.
        """
        latents, state = self.encode_latents(keypoints, visible, mask, state)
        with torch.no_grad():
            codes, quantized = self.quantizer.quantize(
                latents.to(self.basis.dtype),  # lower precision, as of autocast, would choose other codes
                lmbda=self.config.lmbda if lmbda is None else lmbda,
                num_quantizers=num_quantizers,
                prediction=state.prediction,
                beam=beam,
                squared_norms=squared_norms,
            )
            prediction = self.quantizer.predict(quantized[:, -1])
        return Encoded(codes, latents, quantized, replace(state, prediction=prediction))

    def encode_latents(
        self, keypoints: Tensor, visible: Tensor, mask: Tensor | None = None, state: EncoderState | None = None
    ) -> tuple[Tensor, EncoderState]:
        """Frames to latents (B, N, C) before quantization: missing keypoints are held, frames become blocks.

        Args:
            keypoints, visible, mask, state: see `encode`.

        Returns:
            The latents, and the state for the next frames, with the prediction as it was.
        """
        state = self.initial_state(len(keypoints)) if state is None else state
        filled = hold(keypoints, visible, state.last_visible)
        blocks, visible = self.blocks(filled, visible), visible.unflatten(1, (-1, self.block_frames))
        latents, state = self.latents_in_context(blocks, visible, mask, state)
        return latents, replace(state, last_visible=filled[:, -1])

    def decode(self, codes: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Codes (B, N, Q) of whole sequences to frames, see `frames`; mask (B, N) is True where a block is real."""
        return self.frames(self.quantizer.dequantize(codes), num_codes(codes), mask)

    def forward(
        self, keypoints: Tensor, visible: Tensor, mask: Tensor | None = None, *, lmbda: float | Tensor | None = None
    ) -> TokenizerOutput:
        """Encodes and decodes; see `encode`.

        In training mode, gradients pass the quantizer unchanged (straight-through, Bengio et al. 2013,
        https://arxiv.org/abs/1308.3432).
        """
        encoded = self.encode(keypoints, visible, mask, lmbda=lmbda)
        latents, quantized = encoded.latents, encoded.quantized
        if self.training:
            quantized = latents + (quantized - latents).detach()
        keypoints, logits = self._run(self.frames, quantized, num_codes(encoded.codes), mask)
        return TokenizerOutput(keypoints, logits, encoded)

    def blocks(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Frames as features of blocks.

        Args:
            keypoints: (B, T, K, D) in shoulder widths, missing ones filled; T a multiple of `block_frames`.
            visible: (B, T, K).

        Returns:
            (B, N, block_frames * F).
        """
        return self.features(keypoints, visible).unflatten(1, (-1, self.block_frames)).flatten(2)

    def latents_in_context(
        self, blocks: Tensor, visible: Tensor, mask: Tensor | None, state: EncoderState
    ) -> tuple[Tensor, EncoderState]:
        """`latents` of blocks that follow on those of a state, and the state with the last blocks of all."""
        past = state.blocks.shape[1]
        mask = blocks.new_ones(blocks.shape[:2], dtype=torch.bool) if mask is None else mask
        blocks = torch.cat([state.blocks, blocks], dim=1)  # (B, n + N, block_frames * F)
        visible = torch.cat([state.visible, visible], dim=1)
        mask = torch.cat([state.mask, mask], dim=1)
        latents = self._run(self.latents, blocks, visible, mask)[:, past:]
        last = slice(max(0, blocks.shape[1] - self.encoder.before), None)
        return latents, replace(state, blocks=blocks[:, last], visible=visible[:, last], mask=mask[:, last])

    def latents(self, blocks: Tensor, visible: Tensor, mask: Tensor) -> Tensor:
        """The encoder: blocks (B, N, block_frames * F), visible (B, N, block_frames, K), mask (B, N) to (B, N, C)."""
        latents = blocks @ self.basis
        if not self.encoder.layers:
            return latents
        coordinates = self._coordinates(blocks)  # (B, N, block_frames, K, D)
        inputs = torch.cat([coordinates, visible[..., None].to(coordinates.dtype)], dim=-1)
        change = self.encoder(inputs.transpose(2, 3).flatten(3), mask)  # (B, N, K, D)
        return latents + self.pooling(change.flatten(2))

    def frames(self, latents: Tensor, depth: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The decoder: quantized latents to poses.

        Args:
            latents: (B, N, C).
            depth: (B, N) number of codes of each block; what few codes leave out is for the network to guess.
            mask: (B, N), True where a block is real; all by default.

        Returns:
            Keypoints (B, T, K, D) in shoulder widths, and logits (B, T, K), above 0 where a keypoint is visible.
        """
        mask = latents.new_ones(latents.shape[:2], dtype=torch.bool) if mask is None else mask
        if self.latent_network is not None:
            latents = self.latent_network(latents, depth, mask)
        blocks = latents @ self.basis.T
        features = blocks.unflatten(2, (self.block_frames, -1))  # (B, N, block_frames, F)
        if self.decoder.layers:
            coordinates = self._coordinates(blocks).transpose(2, 3).flatten(3)  # (B, N, K, block_frames * 2)
            context = (self.context(latents) + self.depth(depth))[:, :, None].expand(-1, -1, coordinates.shape[2], -1)
            change = self.decoder(torch.cat([coordinates, context], dim=-1), mask)
            change = change.unflatten(3, (self.block_frames, -1)).transpose(2, 3).flatten(3)
            features = features + F.pad(change, (0, features.shape[-1] - change.shape[-1]))
        return self.features.inverse(features.flatten(1, 2))

    def _coordinates(self, blocks: Tensor) -> Tensor:
        """The weighted coordinates (B, N, block_frames, K, D) of blocks (B, N, block_frames * F)."""
        features = blocks.unflatten(2, (self.block_frames, -1))
        mean = self.features.mean
        return features[..., : mean.numel()].unflatten(-1, mean.shape)

    def _run(self, network: Callable, *arguments: Tensor | None):
        if self.gradient_checkpointing and torch.is_grad_enabled():
            from torch.utils.checkpoint import checkpoint

            return checkpoint(network, *arguments, use_reentrant=False)
        return network(*arguments)


def load_model(name: str | Path = "signing", device: str = "auto") -> PoseTokenizer:
    """A model, ready to encode and decode: `PoseTokenizer.load`, of the bundled model by default."""
    return PoseTokenizer.load(name, device)
