"""What an evaluation counts: sums that grow with every batch, and never with the number of clips."""

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

CLOSE = 0.1  # shoulder widths; a keypoint that comes back so near is correct


@dataclass(frozen=True)
class Errors:
    """How well some keypoints come back; NaN where there was nothing to compare.

    Attributes:
        mse, mae, rmse: of a coordinate in (squared) shoulder widths, over what was seen, whether or not the decoder
            holds it to be seen: saying that a hand is missing makes no error smaller.
        pck: share of what was seen that the decoder shows at most `CLOSE` away; what it holds to be missing is a miss.
        presence: share of all keypoints of all frames that it rightly holds to be seen, or to be missing.
        seen: how many keypoints were seen, all frames together.
    """

    mse: float
    mae: float
    rmse: float
    pck: float
    presence: float
    seen: int


class KeypointErrors:
    """`Errors` of some keypoints in any number of clips.

    Args:
        indices: array positions of the keypoints; all of them by default.
    """

    def __init__(self, indices: list[int] | None = None) -> None:
        self.indices = indices
        self.mse = MeanSquaredPoseError()
        self.mae = MeanAbsolutePoseError()
        self.pck = PercentageOfCorrectKeypoints((CLOSE,))
        self.presence = BinaryAccuracy(validate_args=False)

    def update(self, placed: PoseBatch, decoded: PoseBatch, original: PoseBatch) -> None:
        """Takes B clips, as originals and as what came back; in `placed` the decoder holds nothing to be missing."""
        if self.indices is not None:
            placed, decoded, original = (batch.select(self.indices) for batch in (placed, decoded, original))
        self.mse.update(placed, original)
        self.mae.update(placed, original)
        self.pck.update(decoded, original)
        real = original.mask
        self.presence.update((decoded.confidence[real] > 0).long(), (original.confidence[real] > 0).long())

    def compute(self) -> Errors:
        mse = self.mse.compute().item()
        (pck,) = self.pck.compute().values()
        return Errors(
            mse=mse,
            mae=self.mae.compute().item(),
            rmse=math.sqrt(mse),
            pck=pck.item(),
            presence=self.presence.compute().item(),
            seen=int(self.pck.count),
        )


class QuantizerUse(Metric):
    """Which codes blocks take, and what is left of their latents after each.

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

    def update(self, codes: Tensor, left: Tensor) -> None:
        """Takes blocks: codes (N, Q), below 0 where there is none; squared error (N, Q + 1) before and after each."""
        for q, column in enumerate(codes.T):
            self.counts[q] += torch.bincount(column[column >= 0], minlength=self.counts.shape[1])
        self.errors += left.double().sum(dim=0)
        self.blocks += len(codes)

    def compute(self) -> dict[str, Tensor]:
        """Of the codebooks (Q,): uses, utilization, perplexity; and mean errors (Q + 1,)."""
        uses = self.counts.sum(dim=1)
        share = self.counts / uses[:, None]
        return {
            "uses": uses,
            "utilization": (self.counts > 0).double().mean(dim=1),
            "perplexity": torch.exp(-torch.xlogy(share, share).sum(dim=1)),
            "errors": self.errors / self.blocks,
        }


def squared_errors(left: Tensor, codes: Tensor, codebooks: Tensor) -> Tensor:
    """What is left of blocks' latents before any code, and after each.

    Args:
        left: (N, C), what was to be quantized, the prediction taken off.
        codes: (N, Q), below 0 where there is none.
        codebooks: (Q, V, C).

    Returns:
        Squared errors (N, Q + 1).
    """
    errors = [left.square().sum(dim=-1)]
    for q, column in enumerate(codes.T):
        left = left - codebooks[q][column.clamp(min=0)] * (column >= 0)[:, None]
        errors.append(left.square().sum(dim=-1))
    return torch.stack(errors, dim=1)
