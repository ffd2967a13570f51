"""The tokenizer's network: blocks of frames to latent vectors, these to codes, and back."""

# Annotations stay evaluated here: PyTorchModelHubMixin decodes `config` by the class that __init__ annotates it with.
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pose_core import Skeleton
from pose_core.atomic_files import apply_umask
from pose_core.pretrained import WEIGHTS
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.nn.adjacency import partitioned_adjacency
from pose_tokenizer.nn.features import DIMS, PoseFeatures
from pose_tokenizer.nn.quantizer import PredictiveQuantizer
from pose_tokenizer.nn.stgcn import STGCN

CODERS = {TokenizerConfig: (lambda config: config.model_dump(mode="json"), TokenizerConfig.model_validate)}
CONTEXT = 8  # numbers that the decoder's graph network is told of a block as a whole


class PoseTokenizer(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="pose-tokenizer",
    tags=["sign-language", "pose-tokenizer"],
    coders=CODERS,
):
    """Poses to codes and back. `save_pretrained(folder)` and `from_pretrained(folder)` keep all of it.

    Encoder and decoder are a linear basis, fitted to the training clips, and a graph network that adds to it what limbs
    and time tell; the encoder's looks into the past alone, the decoder's a few blocks ahead, too.

    Attributes:
        name: what it is called in the tokens it makes.
    """

    name = "untitled"
    basis: Tensor

    def __init_subclass__(cls, **options: Any) -> None:
        """Subclasses are saved with their configuration, too: the mixin forgets the coders of their parent."""
        options.setdefault("coders", CODERS)
        super().__init_subclass__(**options)

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self._hashed: tuple[list, str] = ([], "")  # configuration and versions of the weights, and their hash
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.features = PoseFeatures(self.skeleton, config.hand_weight, config.body_weight)
        self.block_frames = config.downsampling
        K, frames, dim = self.skeleton.num_keypoints, config.downsampling, config.latent_dim
        adjacency = partitioned_adjacency(self.skeleton)
        self.register_buffer("basis", torch.zeros(frames * self.features.size, dim))
        self.encoder = STGCN(
            frames * (DIMS + 1), config.hidden_dim, DIMS, adjacency, config.num_layers, before=1, after=0
        )
        self.pooling = nn.Linear(K * DIMS, dim, bias=False)
        self.quantizer = PredictiveQuantizer(dim, config.num_quantizers, config.codebook_size)
        self.context = nn.Linear(dim, CONTEXT)
        self.depth = nn.Embedding(config.num_quantizers + 1, CONTEXT)
        nn.init.zeros_(self.depth.weight)
        self.decoder = STGCN(
            frames * DIMS + CONTEXT, config.hidden_dim, frames * DIMS, adjacency, config.num_layers, before=1, after=1
        )

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        apply_umask(save_directory / WEIGHTS)

    @property
    def device(self) -> torch.device:
        return self.basis.device

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of what decoding needs: tokens mean something to their model alone."""
        values = self.config.model_dump(mode="json", exclude={"rate"})
        config = json.dumps(values, sort_keys=True)  # as a saved one's are
        state = sorted(self.state_dict().items())
        # Reading all weights takes longer than encoding a short clip: it is done anew where one of them was written to.
        versions = [None if value.is_inference() else (value.data_ptr(), value._version) for _, value in state]
        if None in versions or self._hashed[0] != [config, *versions]:
            digest = hashlib.sha256(config.encode())
            for name, value in state:
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
            self._hashed = [config, *versions], digest.hexdigest()[:16]
        return self._hashed[1]

    def blocks(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """Frames as features of blocks.

        Args:
            keypoints: (B, T, K, 2) in shoulder widths, missing ones filled; T a multiple of `block_frames`.
            seen: (B, T, K).

        Returns:
            (B, N, block_frames * F).
        """
        return self.features(keypoints, seen).unflatten(1, (-1, self.block_frames)).flatten(2)

    def latents(self, blocks: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
        """Blocks (B, N, block_frames * F), seen (B, N, block_frames, K), mask (B, N) to latents (B, N, C)."""
        latents = blocks @ self.basis
        if not self.encoder.layers:
            return latents
        places = self._places(blocks)  # (B, N, block_frames, K, 2)
        shown = torch.cat([places, seen[..., None].to(places.dtype)], dim=-1)
        told = self.encoder(shown.transpose(2, 3).flatten(3), mask)  # (B, N, K, 2)
        return latents + self.pooling(told.flatten(2))

    def frames(self, latents: Tensor, depth: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Quantized latents to poses.

        Args:
            latents: (B, N, C).
            depth: (B, N), how many codes a block has: what they leave out is for the network to guess.
            mask: (B, N), True where a block is real.

        Returns:
            Keypoints (B, T, K, 2) in shoulder widths, and logits (B, T, K), above 0 where a keypoint is seen.
        """
        blocks = latents @ self.basis.T
        features = blocks.unflatten(2, (self.block_frames, -1))
        if self.decoder.layers:
            places = self._places(blocks).transpose(2, 3).flatten(3)  # (B, N, K, block_frames * 2)
            context = (self.context(latents) + self.depth(depth))[:, :, None].expand(-1, -1, places.shape[2], -1)
            change = self.decoder(torch.cat([places, context], dim=-1), mask)
            change = change.unflatten(3, (self.block_frames, DIMS)).transpose(2, 3).flatten(3)
            features = features + F.pad(change, (0, features.shape[-1] - change.shape[-1]))
        return self.features.inverse(features.flatten(1, 2))

    def _places(self, blocks: Tensor) -> Tensor:
        """The weighted coordinates of blocks (B, N, block_frames * F) alone, (B, N, block_frames, K, 2)."""
        features = blocks.unflatten(2, (self.block_frames, -1))
        K = self.skeleton.num_keypoints
        return features[..., : K * DIMS].unflatten(-1, (K, DIMS))
