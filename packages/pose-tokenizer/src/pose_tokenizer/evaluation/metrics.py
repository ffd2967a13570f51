"""Metrics of an evaluation, as sums over batches: their memory does not grow with the number of clips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import BinaryAccuracy

from pose_core.metrics.stateful import MeanAbsolutePoseError, MeanSquaredPoseError, PercentageOfCorrectKeypoints

if TYPE_CHECKING:
    from pose_core.data import PoseBatch

PCK_THRESHOLD = 0.1  # shoulder widths


@dataclass(frozen=True)
class Errors:
    """How well some keypoints are reconstructed; NaN where there was nothing to compare.

    Attributes:
        mse, mae, rmse: of a coordinate in (squared) shoulder widths, over visible keypoints, whether or not the decoder
            predicts them to be visible: predicting that a hand is missing makes no error smaller.
        pck: share of visible keypoints decoded within `PCK_THRESHOLD`; predicted to be missing is a miss.
        presence: accuracy of visible or missing, over all keypoints of all frames.
        num_visible: visible keypoints of all frames.
    """

    mse: float
    mae: float
    rmse: float
    pck: float
    presence: float
    num_visible: int


class KeypointErrors:
    """`Errors` of some keypoints in any number of clips.

    Args:
        indices: array positions of the keypoints; all of them by default.
    """

    def __init__(self, indices: list[int] | None = None) -> None:
        self.indices = indices
        self.mse = MeanSquaredPoseError()
        self.mae = MeanAbsolutePoseError()
        self.pck = PercentageOfCorrectKeypoints((PCK_THRESHOLD,))
        self.presence = BinaryAccuracy(validate_args=False)

    def update(self, predicted: PoseBatch, decoded: PoseBatch, original: PoseBatch) -> None:
        """Takes B clips: predicted with all keypoints, decoded with those predicted to be visible, and originals."""
        if self.indices is not None:
            predicted, decoded, original = (batch.select(self.indices) for batch in (predicted, decoded, original))
        self.mse.update(predicted, original)
        self.mae.update(predicted, original)
        self.pck.update(decoded, original)
        real = original.mask
        self.presence.update(decoded.visible[real].long(), original.visible[real].long())

    def compute(self) -> Errors:
        mse = self.mse.compute().item()
        (pck,) = self.pck.compute().values()
        return Errors(
            mse=mse,
            mae=self.mae.compute().item(),
            rmse=math.sqrt(mse),
            pck=pck.item(),
            presence=self.presence.compute().item(),
            num_visible=int(self.pck.count),
        )


class QuantizerUse(Metric):
    """Which codes blocks take, and the quantization error after each.

    Args:
        num_quantizers, codebook_size: of the model.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False
    counts: Tensor  # (Q, V)
    errors: Tensor  # (Q + 1,), before any code first
    blocks: Tensor

    def __init__(self, num_quantizers: int, codebook_size: int) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(num_quantizers, codebook_size, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("errors", torch.zeros(num_quantizers + 1, dtype=torch.double), dist_reduce_fx="sum")
        self.add_state("blocks", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, codes: Tensor, errors: Tensor) -> None:
        """Takes blocks: codes (N, Q), below 0 for none; their `squared_errors` (N, Q + 1)."""
        for q, column in enumerate(codes.T):
            self.counts[q] += torch.bincount(column[column >= 0], minlength=self.counts.shape[1])
        self.errors += errors.double().sum(dim=0)
        self.blocks += len(codes)

    def compute(self) -> dict[str, Tensor]:
        """Uses, utilization and perplexity of the codebooks (Q,), and mean errors (Q + 1,)."""
        uses = self.counts.sum(dim=1)
        share = self.counts / uses[:, None]
        return {
            "uses": uses,
            "utilization": (self.counts > 0).double().mean(dim=1),
            "perplexity": torch.exp(-torch.xlogy(share, share).sum(dim=1)),
            "errors": self.errors / self.blocks,
        }


def squared_errors(residuals: Tensor, codes: Tensor, codebooks: Tensor) -> Tensor:
    """Squared errors (N, Q + 1) of blocks' latents before any code and after each.

    Args:
        residuals: (N, C) latents less their predictions.
        codes: (N, Q), below 0 for none.
        codebooks: (Q, V, C).
    """
    errors = [residuals.square().sum(dim=-1)]
    for q, column in enumerate(codes.T):
        residuals = residuals - codebooks[q][column.clamp(min=0)] * (column >= 0)[:, None]
        errors.append(residuals.square().sum(dim=-1))
    return torch.stack(errors, dim=1)
