"""What runs a model: onnxruntime where the model's folder has graphs, else torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.backends import Backend as Backend
from pose_core.backends import load_by
from pose_core.pretrained import find_model
from text_to_pose.config import BUNDLED
from text_to_pose.network import Network

if TYPE_CHECKING:
    from pathlib import Path

    from text_to_pose.model import TextToPose


def as_network(model: TextToPose | Network) -> Network:
    """A model as what generation calls."""
    if isinstance(model, Network):
        return model
    from text_to_pose.torch_network import TorchNetwork  # torch takes longer to import than a word to sign

    return TorchNetwork(model)


def load_network(checkpoint: str | Path, device: str = "auto", backend: Backend = "auto") -> Network:
    """A model, ready to generate.

    Args:
        checkpoint: as `load_model` takes it.
        device: as `load_model` takes it; one that is named is torch's, but for "cpu".
        backend: what runs it; auto: onnxruntime where it is installed and the model's folder has graphs, else torch.

    Raises:
        UserError: no such model, or not a whole one; or onnx was asked for, and cannot be.
    """
    folder = find_model(checkpoint, BUNDLED)

    def graphs() -> Network:
        from text_to_pose.onnx_model import OnnxTextToPose

        return OnnxTextToPose(folder)

    def weights() -> Network:
        from text_to_pose.model import load_model

        return as_network(load_model(folder, device))

    return load_by(backend, device, onnx=graphs, torch=weights)
