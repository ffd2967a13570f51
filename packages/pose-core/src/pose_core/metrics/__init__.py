"""Metrics of a pose sequence against a reference, as plain functions.

`pose_core.metrics.stateful` has the same as torchmetrics classes, which gather over batches and processes; it is not
imported here, since torch takes seconds to import.
"""

from pose_core.metrics.anatomy import Anatomy, anatomy
from pose_core.metrics.distances import mae, mse, pck, rmse
from pose_core.metrics.dtw import dtw, dtw_mje, dtw_mje_pairs, frame_distances, pairwise_dtw_mje
from pose_core.metrics.frechet import frechet_distance
from pose_core.metrics.motion import AccelerationSum, acceleration, acceleration_ratio, pooled_acceleration_ratio
from pose_core.metrics.ndtw import ndtw_mje, ndtw_mje_pairs
from pose_core.metrics.plausibility import Problem

__all__ = [
    "AccelerationSum",
    "Anatomy",
    "Problem",
    "acceleration",
    "acceleration_ratio",
    "anatomy",
    "dtw",
    "dtw_mje",
    "dtw_mje_pairs",
    "frame_distances",
    "frechet_distance",
    "mae",
    "mse",
    "ndtw_mje",
    "ndtw_mje_pairs",
    "pairwise_dtw_mje",
    "pck",
    "pooled_acceleration_ratio",
    "rmse",
]
