"""What runs a tokenizer: onnxruntime where the model's folder has graphs, else torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.backends import Backend as Backend
from pose_core.backends import load_by
from pose_core.pretrained import find_model
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.network import Network

if TYPE_CHECKING:
    from pose_tokenizer.model import PoseTokenizer


def as_network(model: PoseTokenizer | Network) -> Network:
    """A model as what encoding and decoding call."""
    if isinstance(model, Network):
        return model
    from pose_tokenizer.torch_network import TorchNetwork  # torch takes longer to import than a clip to encode

    return TorchNetwork(model)


def load_network(checkpoint: str | Path, device: str = "auto", backend: Backend = "auto") -> Network:
    """A model, ready to encode and decode.

    Args:
        checkpoint: as `load_model` takes it.
        device: as `load_model` takes it; one that is named is torch's, but for "cpu".
        backend: what runs it; auto: onnxruntime where it is installed and the model's folder has graphs, else torch.

    Raises:
        UserError: no such model, or not a whole one; or onnx was asked for, and cannot be.
    """
    folder = find_model(checkpoint, BUNDLED)

    def graphs() -> Network:
        from pose_tokenizer.onnx_network import OnnxNetwork

        return OnnxNetwork(folder, Path(checkpoint).resolve().name if Path(checkpoint).exists() else str(checkpoint))

    def weights() -> Network:
        from pose_tokenizer.model import PoseTokenizer

        return as_network(PoseTokenizer.load(checkpoint, device))

    return load_by(backend, device, onnx=graphs, torch=weights)
