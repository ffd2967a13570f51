"""The networks: poses to latents and back, each in two levels."""

# Annotations stay evaluated here: PyTorchModelHubMixin decodes `config` by the class that __init__ annotates it with.
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from ht_vae.config import ModelConfig
from ht_vae.nn.arms import ArmBones
from ht_vae.nn.attention import (
    ChunkPooling,
    ChunkUpsampling,
    HierarchicalAttention,
    Layer,
    SelfAttention,
    attendable,
    num_chunks,
    split,
)
from ht_vae.nn.basis import PoseBasis
from ht_vae.nn.latent import Gaussian, Latents, LatentSpace, Posterior, fitted
from pose_core import Skeleton
from pose_core.atomic_files import apply_umask
from pose_core.pretrained import WEIGHTS

CODERS = {ModelConfig: (lambda config: config.model_dump(mode="json"), ModelConfig.model_validate)}
LARGEST_LOG_VARIANCE = 10.0
FIRST_LOG_VARIANCE = -4.0  # before training: noise as large as the prior's would hide what latents say


@dataclass(frozen=True)
class Poses:
    """What the decoder makes of latents.

    Attributes:
        keypoints: (B, T, K, D) in shoulder widths, 0 where a frame is not real.
        logits: (B, T, K), above 0 where a keypoint is held to be seen.
    """

    keypoints: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Reconstruction:
    """What a pass through the whole model gives."""

    poses: Poses
    posterior: Posterior
    latents: Latents


class Condition(nn.Module):
    """Adds to vectors what they are conditioned on: a label, a vector, or nothing."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network: nn.Module | None = None
        if config.labels:
            self.network = nn.Embedding(len(config.labels), config.width)
        elif config.condition_dim:
            self.network = nn.Linear(config.condition_dim, config.width)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Vectors (B, S, C) and condition, (B,) positions in `labels` or (B, E), to (B, S, C).

        Raises:
            ValueError: a condition that the model does not take, or none where it needs one.
        """
        if self.network is None:
            if condition is not None:
                raise ValueError("the model is unconditional: it takes no condition")
            return x
        if condition is None:
            raise ValueError("the model is conditional: it needs a label's number or a vector")
        return x + self.network(condition)[:, None]


class VAEEncoder(nn.Module):
    """Poses to distributions of latents: layers over frames, a summary a chunk, layers over these."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        skeleton = Skeleton.from_dict(config.skeleton)
        self.config = config
        self.shape = (skeleton.num_keypoints, skeleton.num_dims)
        self.embedding = nn.Linear(skeleton.num_keypoints * (skeleton.num_dims + 1), config.width)
        self.condition = Condition(config)
        self.frame_layers = frame_layers(config)
        self.pooling = ChunkPooling(config.width, config.chunk_size)
        self.chunk_layers = chunk_layers(config)
        self.norm = nn.LayerNorm(config.width)
        self.score = nn.Linear(config.width, 1)
        self.whole = nn.Linear(config.width, 2 * config.latent_dim)
        self.chunks = nn.Linear(config.width, 2 * config.chunk_latent_dim) if config.chunk_latent_dim else None

    def forward(
        self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> Posterior:
        """Poses to distributions.

        Args:
            keypoints: (B, T, K, D) in shoulder widths; what stands where a keypoint is missing changes nothing.
            confidence: (B, T, K), above 0 where a keypoint is seen.
            mask: (B, T), True where a frame is real.
            condition: (B,) positions in the configuration's `labels`, or (B, E) vectors; None: unconditional.

        Raises:
            ValueError: other keypoints than the model's skeleton has, or a condition that it does not take.
        """
        if keypoints.shape[2:] != self.shape:
            raise ValueError(f"keypoints of shape {tuple(keypoints.shape[2:])}; the model's skeleton has {self.shape}")
        seen = ((confidence > 0) & mask[..., None])[..., None]  # (B, T, K, 1)
        shown = torch.cat([torch.where(seen, keypoints, 0), seen.to(keypoints.dtype)], dim=-1)
        x = self.condition(self.embedding(shown.flatten(2)), condition)
        for layer in self.frame_layers:
            x = layer(x, mask)
        chunk_mask = split(mask, self.config.chunk_size).any(dim=2)  # (B, N)
        summaries = self.pooling(x, mask)  # (B, N, C)
        for layer in self.chunk_layers:
            summaries = layer(summaries, chunk_mask)
        summaries = self.norm(summaries)
        scores = self.score(summaries).masked_fill(~attendable(chunk_mask)[..., None], -torch.inf)
        whole = (scores.softmax(dim=1) * summaries).sum(dim=1)  # (B, C)
        chunks = None if self.chunks is None else gaussian(self.chunks(summaries))
        return Posterior(gaussian(self.whole(whole)), chunks, chunk_mask)


class VAEDecoder(nn.Module):
    """Latents to poses: layers over chunks, which are then spread over their frames, and layers over these.

    It is shown a sketch, what the linear basis makes of the latents, and adds to it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        skeleton = Skeleton.from_dict(config.skeleton)
        self.config = config
        self.shape = (skeleton.num_keypoints, skeleton.num_dims + 1)
        self.whole = nn.Linear(config.latent_dim, config.width)
        self.chunks = nn.Linear(config.chunk_latent_dim, config.width) if config.chunk_latent_dim else None
        self.position = nn.Linear(config.width, config.width)
        self.condition = Condition(config)
        self.chunk_layers = chunk_layers(config)
        self.spreading = ChunkUpsampling(config.width, config.chunk_size)
        self.sketch = nn.Linear(skeleton.num_keypoints * skeleton.num_dims, config.width)
        self.frame_layers = frame_layers(config)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, skeleton.num_keypoints * (skeleton.num_dims + 1))

    def forward(self, latents: Latents, sketch: Tensor, mask: Tensor, condition: Tensor | None = None) -> Poses:
        """Latents to poses.

        Args:
            latents: of B sequences, of as many chunks as T frames have.
            sketch: (B, T, K, D) in shoulder widths.
            mask: (B, T), True where a frame is wanted.
            condition: as the encoder's.

        Raises:
            ValueError: a condition that the model does not take.
        """
        N = num_chunks(mask.shape[1], self.config.chunk_size)
        chunk_mask = split(mask, self.config.chunk_size).any(dim=2)
        places = sinusoids(torch.arange(N, device=mask.device), self.config.width).to(latents.whole.dtype)
        x = self.whole(latents.whole)[:, None] + self.position(places)  # (B, N, C)
        if self.chunks is not None and latents.chunks is not None:
            x = x + self.chunks(latents.chunks)
        x = self.condition(x, condition)
        for layer in self.chunk_layers:
            x = layer(x, chunk_mask)
        x = self.spreading(x, chunk_mask, mask.shape[1]) + self.sketch(sketch.flatten(2))  # (B, T, C)
        for layer in self.frame_layers:
            x = layer(x, mask)
        made = self.head(self.norm(x)).unflatten(-1, self.shape)
        real = mask[..., None]
        return Poses((sketch + made[..., :-1]) * real[..., None], made[..., -1] * real)


class HierarchicalTransformerVAE(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="ht-vae",
    tags=["sign-language", "ht-vae"],
    coders=CODERS,
):
    """Pose sequences of thousands of frames to latents and back.

    A variational autoencoder (Kingma & Welling 2013, https://arxiv.org/abs/1312.6114) whose cost grows linearly with
    the number of frames. `save_pretrained(folder)` and `from_pretrained(folder)` keep all of it.

    Attributes:
        name: what it is called where its work is reported.
    """

    name = "untitled"

    def __init_subclass__(cls, **options: Any) -> None:
        """Subclasses are saved with their configuration, too: the mixin forgets the coders of their parent."""
        options.setdefault("coders", CODERS)
        super().__init_subclass__(**options)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = VAEEncoder(config)
        skeleton = Skeleton.from_dict(config.skeleton)
        sizes = config.latent_dim, config.chunk_latent_dim, config.chunk_size
        self.arms = ArmBones(skeleton) if config.relative_arms else None
        num_flags = len(self.arms.roots) if self.arms is not None else 0
        self.basis = PoseBasis(skeleton, config.pose_dim, *sizes, num_flags)
        self.latent_space = LatentSpace(*sizes)
        self.decoder = VAEDecoder(config)

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        apply_umask(save_directory / WEIGHTS)

    @property
    def device(self) -> torch.device:
        return self.decoder.head.weight.device

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of configuration and weights: latents mean something to one model."""
        digest = hashlib.sha256(json.dumps(self.config.model_dump(mode="json"), sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @torch.no_grad()
    def begin_with(self, mean: Tensor, seen: Tensor, sequences: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Fits the linear basis of an untrained model, and has its networks add nothing to it at first.

        Otherwise they first learn the mean pose, and to make little of what random layers give, which differs more from
        frame to frame than poses do; the decoder becomes deaf, and within a hundred steps the latents have collapsed,
        whatever the KL term weighs.

        Args:
            mean: (K, D), mean of each keypoint where it is seen, in shoulder widths.
            seen: (K,), share of the frames in which it is, in [0, 1].
            sequences: keypoints (T, K, D) and which are seen (T, K), of many sequences.
        """
        often = seen.clamp(0.01, 0.99).logit()
        if self.arms is None:
            self.basis.fit(mean, sequences)
        else:
            arms = self.arms
            arms.fit(sequences)
            flags = [each[:, arms.roots].float() for _, each in sequences]
            sequences = [
                (arms.complete(keypoints[None], each[None])[0], torch.ones_like(each)) for keypoints, each in sequences
            ]
            mean = arms.centered(mean)
            self.basis.fit(mean, sequences, flags)
            mean = arms.relative(mean)
            often[[point for hand in arms.hands for point in hand]] = 0  # which the basis tells
        shown = torch.cat([mean * seen[:, None], seen[:, None]], dim=-1).flatten()  # the mean of what the encoder sees
        made = torch.cat([torch.zeros_like(mean), often[:, None]], dim=-1).flatten()
        self.encoder.embedding.bias.copy_(-self.encoder.embedding.weight @ shown)
        self.decoder.sketch.bias.copy_(-self.decoder.sketch.weight @ mean.flatten())
        self.decoder.head.bias.copy_(made)
        self.decoder.head.weight.zero_()
        for level in (self.encoder.whole, self.encoder.chunks):
            if level is not None:
                level.weight.zero_()  # what random ones add takes hundreds of steps to unlearn
                level.bias.zero_()

    def forward(
        self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> Reconstruction:
        """Poses through the latents and back; arguments as `VAEEncoder`'s.

        Latents are drawn from the posterior while training, and are its mean otherwise.
        """
        posterior = self.encode(keypoints, confidence, mask, condition)
        point = self.latent_space.reparameterize if self.training else self.latent_space.mean
        latents = point(posterior)
        return Reconstruction(self._decode(latents, mask, condition), posterior, latents)

    def encode(self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None) -> Posterior:
        """Poses to distributions of latents; arguments as `VAEEncoder`'s."""
        seen = (confidence > 0) & mask[..., None]
        flags = None
        if self.arms is None:
            posterior = self.encoder(keypoints, confidence, mask, condition)
        else:
            flags = self.arms.shown(seen, mask)
            keypoints = self.arms.complete(keypoints, seen)
            posterior = self.encoder(self.arms.relative(keypoints), confidence, mask, condition)
            seen = torch.ones_like(seen)
        whole, chunks = self.basis.project(keypoints, seen, mask, flags)
        if posterior.chunks is None:
            return replace(posterior, whole=moved(posterior.whole, whole))
        return replace(posterior, whole=moved(posterior.whole, whole), chunks=moved(posterior.chunks, chunks))

    def decode(self, latents: Latents, frames: int | Tensor, condition: Tensor | None = None) -> Poses:
        """Latents to poses of any length.

        Args:
            latents: of B sequences; chunks beyond the length are left out, missing ones are the prior's mean.
            frames: how many, of all or (B,) of each.
            condition: as the encoder's.

        Raises:
            ValueError: fewer frames than 1, or a condition that the model does not take.
        """
        lengths = torch.as_tensor(frames, device=self.device).expand(len(latents.whole))
        if len(lengths) and lengths.min() < 1:
            raise ValueError(f"a sequence of {int(lengths.min())} frames: it takes at least 1")
        mask = torch.arange(int(lengths.max()), device=self.device) < lengths[:, None]
        return self._decode(latents, mask, condition)

    def reconstruct(
        self, keypoints: Tensor, confidence: Tensor, mask: Tensor, condition: Tensor | None = None
    ) -> Poses:
        """Poses as the posterior's mean tells them; arguments as `VAEEncoder`'s."""
        return self._decode(
            self.latent_space.mean(self.encode(keypoints, confidence, mask, condition)), mask, condition
        )

    def _decode(self, latents: Latents, mask: Tensor, condition: Tensor | None) -> Poses:
        chunk_mask = split(mask, self.config.chunk_size).any(dim=2)
        if latents.chunks is not None:
            latents = replace(latents, chunks=fitted(latents.chunks, chunk_mask.shape[1]))
        sketch, flags = self.basis.restore_all(latents.whole, latents.chunks, chunk_mask, mask.shape[1])
        if self.arms is None:
            return self.decoder(latents, sketch, mask, condition)
        made = self.decoder(latents, self.arms.relative(sketch), mask, condition)
        keypoints = self.arms.absolute(made.keypoints)  # 0 in padding, too
        logits = (made.logits + self.arms.logits(flags, made.logits.shape[-1])) * mask[..., None]
        return Poses(self.arms.limit_palms(keypoints, (logits > 0) & mask[..., None]), logits)

    def sample(
        self,
        num_samples: int,
        frames: int,
        condition: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Poses:
        """New sequences: points of the prior, decoded.

        Args:
            num_samples: B.
            frames: T.
            condition: of B rows, as the encoder's.
            generator: of the model's device; None: torch's own.
        """
        return self.decode(self.latent_space.prior(num_samples, frames, generator, self.device), frames, condition)


def frame_layers(config: ModelConfig) -> nn.ModuleList:
    """Layers over frames (B, T, C), which see the whole sequence where there are layers over chunks, too."""
    return nn.ModuleList(
        Layer(
            HierarchicalAttention(
                config.width,
                config.num_heads,
                config.chunk_size,
                config.overlap,
                with_global=config.global_layers > 0,
            ),
            config.width,
            config.feed_forward,
            config.dropout,
        )
        for _ in range(config.local_layers)
    )


def chunk_layers(config: ModelConfig) -> nn.ModuleList:
    """Layers over chunks (B, N, C)."""
    return nn.ModuleList(
        Layer(SelfAttention(config.width, config.num_heads), config.width, config.feed_forward, config.dropout)
        for _ in range(config.global_layers)
    )


def gaussian(values: Tensor) -> Gaussian:
    """The two halves of (..., 2 * Z)."""
    mean, log_variance = values.chunk(2, dim=-1)
    return Gaussian(mean, (log_variance + FIRST_LOG_VARIANCE).clamp(-LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE))


def moved(gaussian: Gaussian, by: Tensor) -> Gaussian:
    """Distributions (..., Z) whose means are so much farther on."""
    return replace(gaussian, mean=gaussian.mean + by)


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """Positions (S,) as sines and cosines (S, width) (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762)."""
    half = width // 2
    speeds = 10_000.0 ** -(torch.arange(half, device=positions.device, dtype=torch.float32) / half)
    angles = positions.float()[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
