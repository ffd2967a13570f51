"""Frechet distance between two sets of features, such as real and generated poses."""

from __future__ import annotations

import numpy as np

from pose_core.errors import UserError


def frechet_distance(features: np.ndarray, reference_features: np.ndarray) -> float:
    """Squared Frechet distance of Gaussians fitted to two sets of features.

    |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)), as the FID of Heusel et al. 2017 (https://arxiv.org/abs/1706.08500).
    Fewer samples than channels are computed with, but estimate the covariances badly: compare only what was computed
    with about as many.

    Args:
        features, reference_features: (N, C) and (M, C) of one extractor, one row per clip.

    Returns:
        At least 0, in squared units of the features.

    Raises:
        UserError: fewer than two samples, other than two axes, NaN or infinite features, or C differs.
    """
    features, reference_features = (_checked(f) for f in (features, reference_features))
    if features.shape[1] != reference_features.shape[1]:
        raise UserError(
            f"features of {features.shape[1]} and {reference_features.shape[1]} channels cannot be compared; "
            "take both from one extractor"
        )
    mean, reference_mean = features.mean(axis=0), reference_features.mean(axis=0)
    covariance, reference_covariance = (np.atleast_2d(np.cov(f, rowvar=False)) for f in (features, reference_features))
    # tr (S S')^(1/2) is the sum of singular values of S^(1/2) S'^(1/2): no root of a matrix that is not symmetric
    overlap = np.linalg.svd(_root(covariance) @ _root(reference_covariance), compute_uv=False).sum()
    spread = np.trace(covariance) + np.trace(reference_covariance) - 2 * overlap
    return max(0.0, float(((mean - reference_mean) ** 2).sum() + spread))  # rounding may leave it just below 0


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 2:
        raise UserError(f"features are {features.shape}; the Frechet distance wants (samples, channels)")
    if len(features) < 2:
        raise UserError(f"the Frechet distance needs at least 2 samples of each source, found {len(features)}")
    if not np.isfinite(features).all():
        rows = int((~np.isfinite(features)).any(axis=1).sum())
        raise UserError(f"features of {rows} of {len(features)} samples are NaN or infinite; mend their extractor")
    return features


def _root(covariance: np.ndarray) -> np.ndarray:
    """(C, C) symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T  # rounding may leave values just below 0
