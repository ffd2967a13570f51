"""What generation asks of a model, whatever runs it: torch (`torch_network`) or onnxruntime (`onnx_model`)."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pose_core import Skeleton
from text_to_pose.motion.hand_layout import HandLayout
from text_to_pose.text.tokenizer import TextTokenizer, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from text_to_pose.config import TextToPoseConfig
    from text_to_pose.nn.prediction import ArrayT, Prediction
    from text_to_pose.sampling import Sampling


@dataclass(frozen=True)
class Condition:
    """Condition of B sequences, and the distribution of their lengths; an exported `text.onnx` has outputs so called.

    Attributes:
        text: (B, L, C) encoded text; text_mask: (B, L) bool.
        summary: (B, C), the text in one vector.
        start: (B, K, D) features of the start frame, complete.
        start_seen: (B, K) bool, which keypoints of it were given rather than predicted.
        length_mean, length_log_std: (B,) of the logarithm of the number of frames.
    """

    text: np.ndarray
    text_mask: np.ndarray
    summary: np.ndarray
    start: np.ndarray
    start_seen: np.ndarray
    length_mean: np.ndarray
    length_log_std: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Condition:
        """The condition of some sequences of the batch."""
        return Condition(*(getattr(self, field.name)[rows] for field in fields(self)))


class Network(ABC):
    """A text-to-pose model; arrays in and out are numpy's.

    Args:
        config: the model's.
        start_keypoints, start_confidence: (languages, K, D) and (languages, K), the model's own start frames.

    Attributes:
        backend: what runs it, "torch" or "onnx".
    """

    backend: str
    _on_step: Callable[[], None] | None = None

    def __init__(self, config: TextToPoseConfig, start_keypoints: np.ndarray, start_confidence: np.ndarray) -> None:
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.layout = HandLayout.of(self.skeleton, config.network)
        self.start_keypoints, self.start_confidence = start_keypoints, start_confidence

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """Texts to token ids."""
        return TextTokenizer(self.config.text, key_postures=self.config.network.key_postures)

    def watched(self, on_step: Callable[[], None]) -> Self:
        """The same network, which calls `on_step` after every step of a sampler; what that raises ends the sampling."""
        other = copy.copy(self)
        other._on_step = on_step
        return other

    @property
    def signs_in_depth(self) -> bool:
        """See `TextToPoseConfig.signs_in_depth`."""
        return self.config.signs_in_depth

    def own_start(self, signed_languages: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The model's own start frames for languages, keypoints (B, K, D) and confidence (B, K).

        Raises:
            UserError: a language the model does not know.
        """
        for language in set(signed_languages):
            self.tokenizer.check_language(language)
        rows = [self.tokenizer.languages.index(language) for language in signed_languages]
        return self.start_keypoints[rows], self.start_confidence[rows]

    def condition(
        self,
        signs: Sequence[tuple[str, str]],
        start_keypoints: np.ndarray | None = None,
        start_confidence: np.ndarray | None = None,
    ) -> Condition:
        """Encodes signs.

        Args:
            signs: B pairs of text (a letter, or what else the model takes) and signed language.
            start_keypoints: (B, K, D) in shoulder widths; the model's own start frames when None.
            start_confidence: (B, K), 0 = missing; the model predicts those. All are visible when None.

        Raises:
            UserError: a language or a text the model does not know.
        """
        tokens = [self.tokenizer.tokenize(*sign) for sign in signs]
        ids, languages, letters, postures = padded(tokens)
        if start_keypoints is None:
            start_keypoints, start_confidence = self.own_start([language for _, language in signs])
        elif start_confidence is None:
            start_confidence = np.ones(start_keypoints.shape[:2], np.float32)
        assert start_confidence is not None
        return self.encode(ids, languages, letters, start_keypoints, start_confidence, postures)

    @abstractmethod
    def encode(
        self,
        ids: np.ndarray,
        languages: np.ndarray,
        letters: np.ndarray,
        start_keypoints: np.ndarray,
        start_confidence: np.ndarray,
        postures: np.ndarray | None = None,
    ) -> Condition:
        """Encodes tokens (B, L), languages, letters (B,), postures (B, L, X), see `TextBatch`, and start frames."""

    @abstractmethod
    def sample(self, condition: Condition, mask: np.ndarray, sampling: Sampling) -> Prediction[np.ndarray]:
        """The sequence after the last step of a sampler.

        Args:
            condition: of B sequences.
            mask: (B, T), True for the frames to generate, see `frame_mask`.
            sampling: which sampler, how many steps, and guidance.
        """

    def _last(self, steps: Iterator[Prediction[ArrayT]]) -> Prediction[ArrayT]:
        """The last of a sampler's steps."""
        last = None
        for step in steps:
            last = step
            if self._on_step is not None:
                self._on_step()
        assert last is not None  # there is at least one
        return last


def frame_mask(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Lengths (B,) to a mask (B, T), T the longest."""
    lengths = np.asarray(lengths)
    return np.arange(lengths.max()) < lengths[:, None]


def probability(logits: np.ndarray) -> np.ndarray:
    """The logistic function, at any logit."""
    return np.exp(-np.logaddexp(0, -logits))
