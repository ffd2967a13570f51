"""Prediction of the network, and what a sampler yields, in torch or numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

ArrayT = TypeVar("ArrayT", "Tensor", "np.ndarray")


@dataclass(frozen=True)
class Prediction(Generic[ArrayT]):
    """A sequence as the network predicts it, or as a sampler has refined it so far.

    Attributes:
        features: (B, T, K, D), see `text_to_pose.nn.features.HandFeatures`.
        presence: (B, T, K) logits that the keypoint is visible.
    """

    features: ArrayT
    presence: ArrayT
