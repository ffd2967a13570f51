"""Graphs of any number of blocks in a model's folder, without weights, for `pose_tokenizer.onnx_network`."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from pose_core.exporting import OPSET, check_opset, check_packages, quiet, to_onnx
from pose_core.pretrained import find_model
from pose_core.shared_weights import share_weights
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.export.runtime import PACKAGES
from pose_tokenizer.model import PoseTokenizer
from pose_tokenizer.onnx_network import FRAMES, GRAPHS, HASH, LATENTS, OnnxNetwork
from pose_tokenizer.torch_network import TorchNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCKS = 6  # of the random poses that are compared
TOLERANCE = 1e-3  # difference of keypoints, in shoulder widths, and of latents


class _Latents(nn.Module):
    """See `Network.latents`; with a batch of one."""

    inputs, outputs = ("keypoints", "visible"), ("latents",)

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict[int, torch.export.Dim], ...]]:
        """Inputs, and their axes of any size."""
        T, (K, D) = 3 * self.model.block_frames, self.model.features.mean.shape
        frames = {1: self.model.block_frames * torch.export.Dim("blocks")}
        return (torch.zeros(1, T, K, D), torch.ones(1, T, K, dtype=torch.bool)), (frames, frames)

    def forward(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        blocks = self.model.blocks(keypoints, visible)
        mask = blocks.new_ones(blocks.shape[:2], dtype=torch.bool)
        return self.model.latents(blocks, visible.unflatten(1, (-1, self.model.block_frames)), mask)


class _Frames(nn.Module):
    """See `Network.frames`; with a batch of one."""

    inputs, outputs = ("latents", "depth"), ("frames", "logits")

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model

    def example(self) -> tuple[tuple[Tensor, ...], tuple[dict[int, torch.export.Dim], ...]]:
        """Inputs, and their axes of any size."""
        blocks = {1: torch.export.Dim("blocks")}
        inputs = torch.zeros(1, 3, self.model.config.latent_dim), torch.zeros(1, 3, dtype=torch.long)
        return inputs, (blocks, blocks)

    def forward(self, latents: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.frames(latents, depth)


def export_in_place(
    checkpoint: str | Path, *, opset: int = OPSET, say: Callable[[str], None] = lambda message: None
) -> dict[str, int]:
    """Writes graphs into a model's folder, which read their weights from `model.safetensors`; they replace others.

    Returns:
        The size of each, in bytes.

    Raises:
        UserError: no such model, packages are missing, or the operator set cannot be written.
        RuntimeError: they give something else than the model; then the folder has none.
    """
    check_opset(opset)
    check_packages("pose-tokenizer", *PACKAGES)
    folder = find_model(checkpoint, BUNDLED)
    model = copy.deepcopy(PoseTokenizer.load(folder, "cpu")).float().eval().requires_grad_(False)
    about = {
        HASH: model.hash,
        "looks_back": str(model.encoder.before),
        "decoder_back": str(model.decoder_before),
        "decoder_ahead": str(model.decoder_after),
    }
    try:
        with tempfile.TemporaryDirectory(prefix="pose-") as temporary:
            for name, network in ((LATENTS, _Latents(model)), (FRAMES, _Frames(model))):
                say(f"exporting {name}")
                with quiet():
                    _write(network.eval(), about, Path(temporary) / name, opset)
                share_weights(Path(temporary) / name, folder)
        say("comparing with the model")
        difference = _difference(TorchNetwork(model), OnnxNetwork(folder, model.name))
        if not difference <= TOLERANCE:
            raise RuntimeError(f"{folder}: has no graphs, as they differ from the model by {difference:.2g}")
    except BaseException:
        for graph in GRAPHS:
            (folder / graph).unlink(missing_ok=True)
        raise
    return {graph: (folder / graph).stat().st_size for graph in GRAPHS}


def _write(network: _Latents | _Frames, about: dict[str, str], path: Path, opset: int) -> None:
    inputs, axes = network.example()
    # Traced here, not by torch.onnx, which would fix an axis it cannot keep open and say nothing.
    traced = torch.export.export(network, inputs, dynamic_shapes=axes, strict=True)
    program = to_onnx(
        traced,
        opset=opset,
        dynamic_shapes=axes,  # for their names
        input_names=list(network.inputs),
        output_names=list(network.outputs),
    )
    program.model.metadata_props.update(about)
    program.save(str(path))


def _difference(model: TorchNetwork, exported: OnnxNetwork) -> float:
    """The largest one, of random poses and codes, of another number of blocks than was traced."""
    random, (K, D) = np.random.default_rng(0), model.mean.shape
    T = BLOCKS * model.block_frames
    keypoints = (model.mean + 0.03 * random.standard_normal((T, K, D)).cumsum(axis=0)).astype(np.float32)
    visible = random.random((T, K)) > 0.2
    latents = model.latents(keypoints, visible)
    depth = random.integers(model.config.num_quantizers + 1, size=BLOCKS)
    pairs = [(latents, exported.latents(keypoints, visible))]
    pairs += zip(model.frames(latents, depth), exported.frames(latents, depth), strict=True)
    return float(max(np.abs(one - other).max() for one, other in pairs))
