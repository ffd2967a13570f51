"""What encoding and decoding ask of a tokenizer, whatever runs it: `torch_network` or `onnx_network`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from pose_core import Skeleton
from pose_tokenizer.entropy.finding import load_entropy_model

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from pose_tokenizer.config import TokenizerConfig
    from pose_tokenizer.entropy.entropy_model import EntropyModel


class Network(ABC):
    """A tokenizer for one sequence at a time; arrays in and out are numpy's.

    Attributes:
        backend: what runs it, "torch" or "onnx".
        config, name: of the model; folder: that it was loaded from, None if from none.
        mean: (K, D) mean pose of the training clips in shoulder widths.
        looks_back: blocks that the encoder looks back at.
        decoder_back, decoder_ahead: blocks that the decoder looks back at, and ahead.
    """

    backend: str
    name: str
    folder: Path | None
    mean: np.ndarray
    looks_back: int
    decoder_back: int
    decoder_ahead: int

    def __init__(self, config: TokenizerConfig) -> None:
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.block_frames = config.downsampling

    @property
    @abstractmethod
    def hash(self) -> str:
        """See `SavedModel.hash`."""

    @cached_property
    def entropy_model(self) -> EntropyModel | None:
        """That of the model's folder; None: it has none, or one of other weights."""
        found = None if self.folder is None else load_entropy_model(self.folder)
        return found if found is not None and found.model_hash == self.hash else None

    @abstractmethod
    def latents(self, keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """The encoder: frames (T, K, D) in shoulder widths, missing keypoints filled, and visible (T, K), to (N, C)."""

    @abstractmethod
    def quantize(
        self,
        latents: np.ndarray,
        previous: np.ndarray | None,
        *,
        lmbda: float,
        num_quantizers: int | None,
        beam: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Latents (N, C) to codes (N, Q) and quantized ones (N, C); `previous` (C,) are those of the block before."""

    @abstractmethod
    def dequantize(self, codes: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        """Codes (N, Q) to quantized latents (N, C); `previous` (C,) are those of the block before."""

    @abstractmethod
    def frames(self, latents: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The decoder: quantized latents (N, C) and numbers of codes (N,) to keypoints (T, K, D) and logits (T, K)."""
