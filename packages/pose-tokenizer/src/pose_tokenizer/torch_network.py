"""A `PoseTokenizer` as a `Network`, which gives and takes numpy's arrays."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_tokenizer.network import Network

if TYPE_CHECKING:
    from torch import Tensor

    from pose_tokenizer.model import PoseTokenizer


class TorchNetwork(Network):
    """A model, on the device that it is on.

    Args:
        model: the module.
    """

    backend = "torch"

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__(model.config)
        self.model = model
        self.name, self.folder = model.name, model.folder
        self.mean = _numpy(model.features.mean)
        self.looks_back = model.encoder.before
        self.decoder_back, self.decoder_ahead = model.decoder_before, model.decoder_after

    @property
    def hash(self) -> str:
        """See `Network.hash`."""
        return self.model.hash

    @cached_property
    def _squared_norms(self) -> Tensor:
        return self.model.quantizer.squared_norms()

    @torch.inference_mode()
    def latents(self, keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """See `Network.latents`."""
        model, seen = self.model, self._tensor(visible)
        blocks = model.blocks(self._tensor(keypoints), seen)
        mask = blocks.new_ones(blocks.shape[:2], dtype=torch.bool)
        return _numpy(model.latents(blocks, seen.unflatten(1, (-1, self.block_frames)), mask)[0].to(model.basis.dtype))

    @torch.inference_mode()
    def quantize(
        self,
        latents: np.ndarray,
        previous: np.ndarray | None,
        *,
        lmbda: float,
        num_quantizers: int | None,
        beam: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Network.quantize`."""
        codes, quantized = self.model.quantizer.quantize(
            self._tensor(latents),
            lmbda=lmbda,
            num_quantizers=num_quantizers,
            prediction=self._prediction(previous),
            beam=beam,
            squared_norms=self._squared_norms,
        )
        return _numpy(codes[0]).astype(np.int32), _numpy(quantized[0])

    @torch.inference_mode()
    def dequantize(self, codes: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        """See `Network.dequantize`."""
        tensor = self._tensor(np.asarray(codes, np.int64))
        return _numpy(self.model.quantizer.dequantize(tensor, self._prediction(previous))[0])

    @torch.inference_mode()
    def frames(self, latents: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Network.frames`."""
        keypoints, logits = self.model.frames(self._tensor(latents), self._tensor(depth))
        return _numpy(keypoints[0]), _numpy(logits[0])

    def _prediction(self, previous: np.ndarray | None) -> Tensor | None:
        return None if previous is None else self.model.quantizer.predict(self._tensor(previous))

    def _tensor(self, array: np.ndarray) -> Tensor:
        """With a batch of one."""
        return torch.from_numpy(np.ascontiguousarray(array))[None].to(self.model.device)


def module_of(network: Network) -> PoseTokenizer:
    """The module that a network loaded with the backend "torch" runs."""
    assert isinstance(network, TorchNetwork)
    return network.model


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
