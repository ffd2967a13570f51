"""The metrics as torchmetrics classes, accumulated over batches and processes; padding and missing points are left out.

Each takes `update(hypothesis, reference)`, both a `PoseBatch` of B clips on one skeleton.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import Metric

from pose_core.errors import UserError
from pose_core.metrics.distances import PCK_THRESHOLDS
from pose_core.metrics.dtw import dtw_mje_pairs
from pose_core.metrics.frechet import frechet_distance
from pose_core.metrics.ndtw import ndtw_mje_pairs
from pose_core.metrics.visibility import require_one_skeleton
from pose_core.sequence import PoseSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_core.batch import PoseBatch


class PoseMetric(Metric):
    """Base of the metrics: no gradients, smaller is better, a step's value costs no second update."""

    is_differentiable = False
    higher_is_better = False
    full_state_update = False


class _Mean(PoseMetric):
    """A total over a count, NaN of nothing."""

    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")  # whole: floats stop counting at 2**24

    def compute(self) -> Tensor:
        return self.total / self.count


class _CoordinateError(_Mean):
    """A mean over the coordinates of all keypoints visible in both, of all clips."""

    def _error(self, difference: Tensor) -> Tensor:
        raise NotImplementedError

    def update(self, hypothesis: PoseBatch, reference: PoseBatch) -> None:
        x, x_visible, y, y_visible = _frame_by_frame(hypothesis, reference)
        both = x_visible & y_visible
        self.total += self._error(torch.where(both[..., None], x - y, 0.0)).sum()
        self.count += both.sum() * x.shape[-1]


class MeanSquaredPoseError(_CoordinateError):
    """`pose_core.metrics.mse` of all clips as if they were one; clips of a pair have equal length."""

    def _error(self, difference: Tensor) -> Tensor:
        return difference.square()


class MeanAbsolutePoseError(_CoordinateError):
    """`pose_core.metrics.mae` of all clips as if they were one; clips of a pair have equal length."""

    def _error(self, difference: Tensor) -> Tensor:
        return difference.abs()


class RootMeanSquaredPoseError(MeanSquaredPoseError):
    """`pose_core.metrics.rmse` of all clips as if they were one; clips of a pair have equal length."""

    def compute(self) -> Tensor:
        return super().compute().sqrt()


class PercentageOfCorrectKeypoints(PoseMetric):
    """`pose_core.metrics.pck` of all clips as if they were one; clips of a pair have equal length.

    Computes {"pck@0.1": share, ...}, names that loggers and metric collections take.

    Args:
        thresholds: largest distances that count as correct, in shoulder widths.
    """

    higher_is_better = True
    correct: Tensor
    count: Tensor

    def __init__(self, thresholds: Sequence[float] = PCK_THRESHOLDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.thresholds = tuple(thresholds)
        self.add_state("correct", torch.zeros(len(self.thresholds), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, hypothesis: PoseBatch, reference: PoseBatch) -> None:
        x, x_visible, y, y_visible = _frame_by_frame(hypothesis, reference)
        distance = (x - y).norm(dim=-1)  # (B, T, K)
        both = x_visible & y_visible
        self.correct += torch.stack([(both & (distance <= t)).sum() for t in self.thresholds])
        self.count += y_visible.sum()

    def compute(self) -> dict[str, Tensor]:
        shares = self.correct / self.count
        return {f"pck@{t:g}": share for t, share in zip(self.thresholds, shares, strict=True)}


class _MeanOverClips(_Mean):
    """A mean over the clips that can be scored."""

    def _scores(self, pairs: list[tuple[PoseSequence, PoseSequence]]) -> Any:
        raise NotImplementedError

    def update(self, hypothesis: PoseBatch, reference: PoseBatch) -> None:
        _require_pairs(hypothesis, reference)
        scores = torch.from_numpy(self._scores(list(zip(_clips(hypothesis), _clips(reference), strict=True))))
        finite = scores[scores.isfinite()]
        self.total += float(finite.sum())
        self.count += len(finite)


class DTWMeanJointError(_MeanOverClips):
    """Mean `pose_core.metrics.dtw_mje` of the clips that share a visible keypoint with their reference; on the CPU."""

    def _scores(self, pairs: list[tuple[PoseSequence, PoseSequence]]) -> Any:
        return dtw_mje_pairs(pairs)


class NormalizedDTWMeanJointError(_MeanOverClips):
    """Mean `pose_core.metrics.ndtw_mje` of the clips; on the CPU."""

    def _scores(self, pairs: list[tuple[PoseSequence, PoseSequence]]) -> Any:
        return ndtw_mje_pairs(pairs)


class AccelerationRatio(PoseMetric):
    """Mean acceleration of all hypotheses over that of all references: `metrics.pooled_acceleration_ratio`."""

    higher_is_better = None  # 1 is best
    totals: Tensor  # (2,) of hypotheses, of references
    counts: Tensor  # (2,)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("totals", torch.zeros(2), dist_reduce_fx="sum")
        self.add_state("counts", torch.zeros(2, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, hypothesis: PoseBatch, reference: PoseBatch) -> None:
        _require_pairs(hypothesis, reference)
        totals, counts = [], []
        for batch in (hypothesis, reference):
            x, visible = _visible_points(batch)
            length = (x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]).norm(dim=-1)  # (B, T - 2, K)
            steady = visible[:, 2:] & visible[:, 1:-1] & visible[:, :-2]
            totals.append(torch.where(steady, length, 0.0).sum(dim=(1, 2)))
            counts.append(steady.sum(dim=(1, 2)))
        total, count = torch.stack(totals), torch.stack(counts)  # (2, B)
        both = (count > 0).all(dim=0)
        self.totals += torch.where(both, total, 0.0).sum(dim=1)
        self.counts += torch.where(both, count, 0).sum(dim=1)

    def compute(self) -> Tensor:
        hypotheses, references = self.totals / self.counts
        return torch.where(references > 0, hypotheses / references, torch.nan)


class FrechetPoseDistance(PoseMetric):
    """`pose_core.metrics.frechet_distance` of the features of all hypotheses and all references.

    The two batches of an update need not be of one size, nor their clips of one length.

    Args:
        extractor: B clips -> (B, C) features, an encoder in evaluation mode, for one.
    """

    features: list[Tensor]
    reference_features: list[Tensor]

    def __init__(self, extractor: Callable[[PoseBatch], Tensor], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extractor = extractor
        self.add_state("features", [], dist_reduce_fx="cat")
        self.add_state("reference_features", [], dist_reduce_fx="cat")

    def update(self, hypothesis: PoseBatch, reference: PoseBatch) -> None:
        require_one_skeleton(hypothesis, reference)
        with torch.no_grad():  # `forward` lets gradients through
            self.features.append(self.extractor(hypothesis).float())
            self.reference_features.append(self.extractor(reference).float())

    def compute(self) -> Tensor:
        sides = self.features, self.reference_features
        features, reference_features = (  # a list, or one tensor once gathered from all processes
            torch.cat(side) if isinstance(side, list) and side else torch.as_tensor(side) for side in sides
        )
        if not len(features) or not len(reference_features):
            raise UserError("no features to compare; update the Frechet distance before it is computed")
        distance = frechet_distance(features.cpu().numpy(), reference_features.cpu().numpy())
        return torch.tensor(distance, dtype=torch.float32, device=features.device)


def _require_pairs(hypothesis: PoseBatch, reference: PoseBatch) -> None:
    require_one_skeleton(hypothesis, reference)
    if len(hypothesis) != len(reference):
        raise UserError(f"{len(hypothesis)} clips are compared with {len(reference)}; give each its reference")


def _visible_points(batch: PoseBatch) -> tuple[Tensor, Tensor]:
    """(B, T, K, D) with missing and padded points at 0, and (B, T, K) which are neither."""
    visible = batch.visible
    return torch.where(visible[..., None], batch.keypoints.detach().float(), 0.0), visible


def _frame_by_frame(hypothesis: PoseBatch, reference: PoseBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points and visible of the hypothesis, then of the reference, whose frames stand side by side."""
    require_one_skeleton(hypothesis, reference)
    if not torch.equal(hypothesis.mask, reference.mask):
        raise UserError(
            "the clips of a pair differ in length and are compared frame by frame: `transforms.stretch` one to the "
            "other's, or use DTWMeanJointError, which aligns them"
        )
    return (*_visible_points(hypothesis), *_visible_points(reference))


def _clips(batch: PoseBatch) -> list[PoseSequence]:
    """The B sequences (T_b, K, D) of a batch, on the CPU."""
    keypoints, confidence = (x.detach().float().cpu().numpy() for x in (batch.keypoints, batch.confidence))
    mask, fps = batch.mask.cpu().numpy(), batch.fps.tolist()
    return [
        PoseSequence(keypoints[b][mask[b]], confidence[b][mask[b]], fps[b], batch.skeleton) for b in range(len(mask))
    ]
