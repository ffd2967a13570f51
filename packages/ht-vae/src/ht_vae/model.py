"""The hierarchical VAE: encoder, decoder, and the model that joins them over a linear basis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ht_vae.config import BUNDLED, ModelConfig
from ht_vae.nn.arms import ArmBones
from ht_vae.nn.attention import (
    ChunkPooling,
    ChunkUpsampling,
    HierarchicalAttention,
    Layer,
    SelfAttention,
    attendable,
    num_chunks,
    sinusoids,
    to_chunks,
)
from ht_vae.nn.basis import PoseBasis
from ht_vae.nn.basis_transformer import BasisTransformer
from ht_vae.nn.condition import Condition
from ht_vae.nn.latent import Gaussian, Latents, LatentSpace, Posterior, resize
from pose_core import Skeleton
from pose_core.pretrained import SavedModel

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Poses:
    """Decoded poses.

    Attributes:
        keypoints: (B, T, K, D) in shoulder widths, 0 where a frame is not real.
        logits: (B, T, K), above 0 where a keypoint is predicted visible.
    """

    keypoints: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Reconstruction:
    """The result of a forward pass."""

    poses: Poses
    posterior: Posterior
    latents: Latents


def frame_layers(config: ModelConfig) -> nn.ModuleList:
    """Layers over frames (B, T, C), with global attention if the model has layers over chunks."""
    attention = (
        HierarchicalAttention(
            config.width, config.num_heads, config.chunk_size, config.overlap, with_global=config.global_layers > 0
        )
        for _ in range(config.local_layers)
    )
    return nn.ModuleList(Layer(each, config.width, config.feed_forward, config.dropout) for each in attention)


def chunk_layers(config: ModelConfig) -> nn.ModuleList:
    """Layers over chunks (B, N, C)."""
    attention = (SelfAttention(config.width, config.num_heads) for _ in range(config.global_layers))
    return nn.ModuleList(Layer(each, config.width, config.feed_forward, config.dropout) for each in attention)


class VAEEncoder(nn.Module):
    """Poses to posteriors: layers over frames, attention pooling of chunks, layers over chunks."""

    def __init__(self, config: ModelConfig, skeleton: Skeleton) -> None:
        super().__init__()
        self.config = config
        self.shape = (skeleton.num_keypoints, skeleton.num_dims)
        self.embedding = nn.Linear(skeleton.num_keypoints * (skeleton.num_dims + 1), config.width)
        self.condition = Condition(config.width, len(config.labels), config.condition_dim)
        self.frame_layers = frame_layers(config)
        self.pooling = ChunkPooling(config.width, config.chunk_size)
        self.chunk_layers = chunk_layers(config)
        self.norm = nn.LayerNorm(config.width)
        self.score = nn.Linear(config.width, 1)
        self.whole = nn.Linear(config.width, 2 * config.latent_dim)
        self.chunks = nn.Linear(config.width, 2 * config.chunk_latent_dim) if config.chunk_latent_dim else None

    def forward(self, keypoints: Tensor, visible: Tensor, mask: Tensor, condition: Tensor | None = None) -> Posterior:
        """Poses to posteriors.

        Args:
            keypoints: (B, T, K, D) in shoulder widths; values of missing ones change nothing.
            visible: (B, T, K) bool, False in padding.
            mask: (B, T), True where a frame is real.
            condition: (B,) indices into the configuration's `labels`, or (B, E) vectors; None: unconditional.

        Raises:
            ValueError: keypoints of another shape than the model's skeleton, or a condition it does not take.
        """
        if keypoints.shape[2:] != self.shape:
            raise ValueError(f"keypoints of shape {tuple(keypoints.shape[2:])}; the model's skeleton has {self.shape}")
        flags = visible[..., None]  # (B, T, K, 1)
        inputs = torch.cat([torch.where(flags, keypoints, 0), flags.to(keypoints.dtype)], dim=-1)
        x = self.condition(self.embedding(inputs.flatten(2)), condition)
        for layer in self.frame_layers:
            x = layer(x, mask)
        chunk_mask = to_chunks(mask, self.config.chunk_size).any(dim=2)  # (B, N)
        summaries = self.pooling(x, mask)  # (B, N, C)
        for layer in self.chunk_layers:
            summaries = layer(summaries, chunk_mask)
        summaries = self.norm(summaries)
        scores = self.score(summaries).masked_fill(~attendable(chunk_mask)[..., None], -torch.inf)
        pooled = (scores.softmax(dim=1) * summaries).sum(dim=1)  # (B, C)
        chunks = None if self.chunks is None else Gaussian.from_parameters(self.chunks(summaries))
        return Posterior(Gaussian.from_parameters(self.whole(pooled)), chunks, chunk_mask)


class VAEDecoder(nn.Module):
    """Latents to poses: layers over chunks, upsampling to frames, layers over frames.

    Its input and the baseline of its output is the sketch, the linear basis' reconstruction of the latents.
    """

    def __init__(self, config: ModelConfig, skeleton: Skeleton) -> None:
        super().__init__()
        self.config = config
        self.shape = (skeleton.num_keypoints, skeleton.num_dims + 1)
        self.whole = nn.Linear(config.latent_dim, config.width)
        self.chunks = nn.Linear(config.chunk_latent_dim, config.width) if config.chunk_latent_dim else None
        self.position = nn.Linear(config.width, config.width)
        self.condition = Condition(config.width, len(config.labels), config.condition_dim)
        self.chunk_layers = chunk_layers(config)
        self.spreading = ChunkUpsampling(config.width, config.chunk_size)
        self.sketch = nn.Linear(skeleton.num_keypoints * skeleton.num_dims, config.width)
        self.frame_layers = frame_layers(config)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, skeleton.num_keypoints * (skeleton.num_dims + 1))

    def forward(self, latents: Latents, sketch: Tensor, mask: Tensor, condition: Tensor | None = None) -> Poses:
        """Latents to poses.

        Args:
            latents: of B sequences, with as many chunks as T frames have.
            sketch: (B, T, K, D) in shoulder widths.
            mask: (B, T), True for the frames to decode.
            condition: as the encoder's.

        Raises:
            ValueError: a condition that the model does not take.
        """
        N = num_chunks(mask.shape[1], self.config.chunk_size)
        chunk_mask = to_chunks(mask, self.config.chunk_size).any(dim=2)
        positions = sinusoids(torch.arange(N, device=mask.device), self.config.width).to(latents.whole.dtype)
        x = self.whole(latents.whole)[:, None] + self.position(positions)  # (B, N, C)
        if self.chunks is not None and latents.chunks is not None:
            x = x + self.chunks(latents.chunks)
        x = self.condition(x, condition)
        for layer in self.chunk_layers:
            x = layer(x, chunk_mask)
        x = self.spreading(x, chunk_mask, mask.shape[1]) + self.sketch(sketch.flatten(2))  # (B, T, C)
        for layer in self.frame_layers:
            x = layer(x, mask)
        outputs = self.head(self.norm(x)).unflatten(-1, self.shape)  # (B, T, K, D + 1)
        real = mask[..., None]
        return Poses((sketch + outputs[..., :-1]) * real[..., None], outputs[..., -1] * real)


class HierarchicalTransformerVAE(
    SavedModel, config=ModelConfig, bundled=BUNDLED, library_name="ht-vae", tags=["sign-language", "ht-vae"]
):
    """Pose sequences of thousands of frames to latents and back.

    A variational autoencoder (Kingma & Welling 2013, https://arxiv.org/abs/1312.6114) whose cost grows linearly with
    the number of frames. `save_pretrained(folder)` and `from_pretrained(folder)` keep all of it.

    Attributes:
        skeleton: K keypoints of D coordinates.
        name: what results call it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.encoder = VAEEncoder(config, self.skeleton)
        sizes = config.latent_dim, config.chunk_latent_dim, config.chunk_size
        self.arms = ArmBones(self.skeleton) if config.relative_arms else None
        num_flags = len(self.arms.hand_roots) if self.arms is not None else 0
        self.basis = PoseBasis(self.skeleton, config.pose_dim, *sizes, num_flags)
        self.basis_transformer = None
        if config.basis_layers:
            num_coordinates = self.basis.chunks.shape[0]
            self.basis_transformer = BasisTransformer(
                config.latent_dim, config.chunk_latent_dim, num_coordinates, config.basis_width, config.basis_layers
            )
        self.latent_space = LatentSpace(*sizes, config.prior_layers, config.prior_width)
        self.decoder = VAEDecoder(config, self.skeleton)

    def encode(self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None) -> Posterior:
        """Poses to posteriors.

        Args:
            keypoints: (B, T, K, D) in shoulder widths; values of missing ones change nothing.
            confidence: (B, T, K), above 0 where a keypoint is visible.
            mask: (B, T), True where a frame is real.
            condition: (B,) indices into the configuration's `labels`, or (B, E) vectors; None: unconditional.

        Raises:
            ValueError: as `VAEEncoder`.
        """
        visible = (confidence > 0) & mask[..., None]
        if self.arms is not None:
            filled = self.arms.relative(self.arms.fill_missing(keypoints, visible))
            posterior = self.encoder(filled, visible, mask, condition)
        else:
            posterior = self.encoder(keypoints, visible, mask, condition)
        # The encoder's means are residuals of the basis' coordinates.
        rows, chunk_mask = self.rows(keypoints, visible, mask), posterior.chunk_mask
        whole, chunks = self.basis.project(rows, chunk_mask)
        if self.basis_transformer is not None:
            remainder = rows - self.basis.combine(whole, chunks, rows.shape[1])
            chunks = chunks + self.basis_transformer.encode(chunks, remainder, chunk_mask)
        shifted = None if posterior.chunks is None else posterior.chunks.shift_mean(chunks)
        return replace(posterior, whole=posterior.whole.shift_mean(whole), chunks=shifted)

    def rows(self, keypoints: Tensor, visible: Tensor, mask: Tensor) -> Tensor:
        """Coordinates (B, N, R) of all chunks in all directions of the basis; arguments as `encode`'s.

        Args:
            keypoints, mask: as `encode`'s.
            visible: (B, T, K), False in padding.
        """
        if self.arms is None:
            return self.basis.rows(keypoints, visible, mask)
        flags = self.arms.hand_visibility(visible, mask)
        return self.basis.rows(self.arms.fill_missing(keypoints, visible), torch.ones_like(visible), mask, flags)

    def decode(self, latents: Latents, frames: int | Tensor, condition: Tensor | None = None) -> Poses:
        """Latents to poses of any length.

        Args:
            latents: of B sequences; chunks beyond the length are dropped, missing ones are the prior's mean.
            frames: of all sequences, or (B,) of each.
            condition: as the encoder's.

        Raises:
            ValueError: fewer frames than 1, or a condition that the model does not take.
        """
        lengths = torch.as_tensor(frames, device=self.device).expand(len(latents.whole))
        if len(lengths) and lengths.min() < 1:
            raise ValueError(f"a sequence of {int(lengths.min())} frames: it takes at least 1")
        mask = torch.arange(int(lengths.max()), device=self.device) < lengths[:, None]
        return self._decode(latents, mask, condition)

    def forward(
        self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> Reconstruction:
        """Poses through the latents and back; arguments as `encode`'s.

        Latents are sampled from the posterior while training, and are its mean otherwise.
        """
        posterior = self.encode(keypoints, confidence, mask, condition)
        point = self.latent_space.reparameterize if self.training else self.latent_space.mean
        latents = point(posterior)
        return Reconstruction(self._decode(latents, mask, condition), posterior, latents)

    def reconstruct(
        self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> Poses:
        """Poses decoded from the posterior's mean; arguments as `encode`'s."""
        posterior = self.encode(keypoints, confidence, mask, condition)
        return self._decode(self.latent_space.mean(posterior), mask, condition)

    def sample(
        self,
        num_samples: int,
        frames: int,
        condition: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Poses:
        """Decoded samples of the prior.

        Args:
            num_samples: B.
            frames: T.
            condition: of B rows, as the encoder's.
            generator: of the model's device; None: torch's own.
        """
        return self.decode(self.latent_space.prior(num_samples, frames, generator, self.device), frames, condition)

    @torch.no_grad()
    def initialize(self, mean: Tensor, visible_share: Tensor, sequences: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Fits the linear basis of an untrained model, and initializes its networks to add nothing to it.

        Otherwise they first have to learn the mean pose and to suppress the output of random layers, which varies more
        from frame to frame than poses do; the decoder learns to ignore it, and within a hundred steps the posterior
        collapses, whatever the KL weight.

        Args:
            mean: (K, D), mean of each keypoint where it is visible, in shoulder widths.
            visible_share: (K,), share of the frames in which it is visible, in [0, 1].
            sequences: keypoints (T, K, D) and which are visible (T, K), of many sequences.
        """
        logits = visible_share.clamp(0.01, 0.99).logit()
        if self.arms is None:
            self.basis.fit(mean, sequences)
        else:
            arms = self.arms
            arms.fit(sequences)
            flags = [visible[:, arms.hand_roots].float() for _, visible in sequences]
            filled = [arms.fill_missing(points[None], visible[None])[0] for points, visible in sequences]
            mean = arms.with_mean_bones(mean)
            self.basis.fit(
                mean, [(points, torch.ones_like(points[..., 0], dtype=torch.bool)) for points in filled], flags
            )
            mean = arms.relative(mean)
            logits[[point for hand in arms.hands for point in hand]] = 0  # the basis predicts these
        inputs = torch.cat([mean * visible_share[:, None], visible_share[:, None]], dim=-1)  # the encoder's mean input
        outputs = torch.cat([torch.zeros_like(mean), logits[:, None]], dim=-1)
        self.encoder.embedding.bias.copy_(-self.encoder.embedding.weight @ inputs.flatten())
        self.decoder.sketch.bias.copy_(-self.decoder.sketch.weight @ mean.flatten())
        self.decoder.head.bias.copy_(outputs.flatten())
        self.decoder.head.weight.zero_()
        for level in (self.encoder.whole, self.encoder.chunks):
            if level is not None:
                level.weight.zero_()  # random ones take hundreds of steps to unlearn
                level.bias.zero_()

    def _decode(self, latents: Latents, mask: Tensor, condition: Tensor | None) -> Poses:
        chunk_mask = to_chunks(mask, self.config.chunk_size).any(dim=2)
        if latents.chunks is not None:
            latents = replace(latents, chunks=resize(latents.chunks, chunk_mask.shape[1]))
        rows = self.basis.combine(latents.whole, latents.chunks, chunk_mask.shape[1])
        if self.basis_transformer is not None and latents.chunks is not None:
            rows = rows + self.basis_transformer.decode(latents.whole, latents.chunks, chunk_mask)
        sketch, flags = self.basis.restore(rows, chunk_mask, mask.shape[1])
        if self.arms is None:
            return self.decoder(latents, sketch, mask, condition)
        poses = self.decoder(latents, self.arms.relative(sketch), mask, condition)
        keypoints = self.arms.absolute(poses.keypoints)  # 0 in padding, too
        logits = (poses.logits + self.arms.hand_logits(flags, poses.logits.shape[-1])) * mask[..., None]
        return Poses(self.arms.limit_palms(keypoints, (logits > 0) & mask[..., None]), logits)


load_model = HierarchicalTransformerVAE.load
