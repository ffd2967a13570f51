"""ONNX export of encoders, with open batch and length (`pip install 'pose-encoders[onnx]'`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.atomic_files import atomic_write
from pose_core.batch import PoseBatch
from pose_core.exporting import OPSET, check_opset, check_packages, to_onnx
from pose_encoders.visual import VisualEncoder

if TYPE_CHECKING:
    from pathlib import Path

    from pose_encoders.base import PoseEncoder

B, T = 2, 16  # of the example input that is traced


class _KeypointGraph(nn.Module):
    """An encoder whose inputs are tensors rather than a `PoseBatch`."""

    def __init__(self, encoder: PoseEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, keypoints: Tensor, confidence: Tensor, mask: Tensor) -> Tensor:
        fps = torch.ones_like(keypoints[:, 0, 0, 0])
        return self.encoder(PoseBatch(keypoints, confidence, mask, self.encoder.skeleton, fps))


class _PictureGraph(nn.Module):
    """A visual encoder from its rasters on: drawing is not part of the network."""

    def __init__(self, encoder: VisualEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pictures: Tensor, present: Tensor, mask: Tensor) -> Tensor:
        return self.encoder.contextualize(self.encoder.embed_pictures(pictures, present, mask), mask)


def export_onnx(encoder: PoseEncoder, path: str | Path, *, opset: int = OPSET, overwrite: bool = False) -> None:
    """Writes an encoder as an ONNX file.

    Inputs: `keypoints` (B, T, K, D), `confidence` (B, T, K) and `mask` (B, T); of a visual encoder `pictures` and
    `present`, as its `draw` returns them, and `mask`. Output: `vectors` (B, T, C).

    Args:
        opset: ONNX operator set; the default is the oldest that can be written, which the most runtimes load.

    Raises:
        UserError: the packages are missing, the operator set cannot be written, or the file cannot be written.
    """
    check_opset(opset)
    check_packages("pose-encoders", "onnx", "onnxscript")
    skeleton = encoder.skeleton
    K, D = skeleton.num_keypoints, skeleton.num_dims
    mask = torch.ones(B, T, dtype=torch.bool)
    if isinstance(encoder, VisualEncoder):
        network: nn.Module = _PictureGraph(encoder)
        shape = (B, T, len(encoder.parts))
        inputs = (torch.zeros(*shape, encoder.size, encoder.size, dtype=torch.uint8), torch.ones(shape).bool(), mask)
        names = ["pictures", "present", "mask"]
    else:
        network = _KeypointGraph(encoder)
        inputs, names = (torch.randn(B, T, K, D), torch.ones(B, T, K), mask), ["keypoints", "confidence", "mask"]
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("frames", min=2)}
    program = to_onnx(
        network.eval(),
        inputs,
        opset=opset,
        dynamic_shapes=(axes, axes, axes),
        input_names=names,
        output_names=["vectors"],
    )
    with atomic_write(path, overwrite=overwrite) as temporary:
        program.save(str(temporary))
