"""A `TextToPose` as a `Network`, which gives and takes numpy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pose_encoders import AdditionalSequence
from text_to_pose.network import Condition, Network
from text_to_pose.nn.denoiser import Condition as TensorCondition
from text_to_pose.nn.prediction import Prediction
from text_to_pose.text.tokenizer import TextBatch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from text_to_pose.model import TextToPose
    from text_to_pose.sampling import Sampling


class TorchNetwork(Network):
    """A model, on the device that it is on.

    Args:
        model: the module.
    """

    backend = "torch"

    def __init__(self, model: TextToPose) -> None:
        super().__init__(model.config, _numpy(model.start_keypoints), _numpy(model.start_confidence))
        self.model = model

    @torch.inference_mode()
    def encode(
        self,
        ids: np.ndarray,
        languages: np.ndarray,
        letters: np.ndarray,
        start_keypoints: np.ndarray,
        start_confidence: np.ndarray,
        postures: np.ndarray | None = None,
    ) -> Condition:
        """See `Network.encode`."""
        told = None if postures is None else self._tensor(postures)
        text = TextBatch(*map(self._tensor, (ids, languages, letters)), told)
        condition, _ = self.model.encode(text, self._tensor(start_keypoints), self._tensor(start_confidence))
        parts = (
            condition.text.values,
            condition.text.mask,
            condition.summary,
            condition.start,
            condition.start_visible,
            *self.model.length_predictor(condition),
        )
        return Condition(*map(_numpy, parts))

    @torch.inference_mode()
    def sample(self, condition: Condition, mask: np.ndarray, sampling: Sampling) -> Prediction[np.ndarray]:
        """See `Network.sample`."""
        last = self._last(sampling.steps(self.model, self.tensors(condition), self._tensor(mask)))
        return Prediction(_numpy(last.features), _numpy(last.presence))

    def tensors(self, condition: Condition) -> TensorCondition:
        """A condition as the model takes it."""
        text = AdditionalSequence(self._tensor(condition.text), self._tensor(condition.text_mask))
        return TensorCondition(text, *map(self._tensor, (condition.summary, condition.start, condition.start_seen)))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.model.device)


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
