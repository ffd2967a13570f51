"""A model exported to ONNX, sampled with numpy and onnxruntime and without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import Skeleton, UserError
from text_to_pose import samplers
from text_to_pose.motion.anchoring import anchored
from text_to_pose.motion.limits import limit_hands, wrist_pairs
from text_to_pose.nn.prediction import Prediction
from text_to_pose.schedules import levels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onnxruntime import InferenceSession

    from text_to_pose.config import Schedule
    from text_to_pose.text.tokenizer import TextTokenizer

FORMAT = 1  # of the folder; raised when an older reader could not use it
CONFIG, START_FRAMES, TEXT, DENOISER = "config.json", "start_frames.npz", "text.onnx", "denoiser.onnx"
FILES = (CONFIG, START_FRAMES, TEXT, DENOISER)


@dataclass(frozen=True)
class Condition:
    """Condition of a sequence, and its length: the outputs of `text.onnx`, by their names there.

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


CONDITION = tuple(field.name for field in fields(Condition))
DENOISER_INPUTS = CONDITION[:5]


class OnnxTextToPose:
    """A model exported by `text-to-pose export`.

    Args:
        folder: of `text.onnx`, `denoiser.onnx`, `config.json` and `start_frames.npz`.
        providers: execution providers of onnxruntime, the preferred first.

    Raises:
        UserError: the folder is not an export, or onnxruntime is missing.
    """

    def __init__(self, folder: str | Path, *, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise UserError(f"running ONNX needs {error.name}: pip install 'text-to-pose[onnx]'") from error
        folder = Path(folder)
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise UserError(f"{folder}: lacks {' and '.join(missing)}; write it with text-to-pose export")
        exported = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if exported.get("format") != FORMAT:
            raise UserError(f"{folder}: not an export of this version; write it again with text-to-pose export")
        self.config: dict[str, Any] = exported["model"]
        self.languages: list[str] = exported["languages"]
        self.constants: dict[str, float] = exported["constants"]
        self.roots = np.array(exported["hand_roots"])
        self.scales = np.array(exported["hand_scales"], np.float32).reshape(len(self.roots), -1)  # one for all, or each
        self.skeleton = Skeleton.from_dict(self.config["skeleton"])
        self.wrists = wrist_pairs(self.skeleton)
        self.is_root = self.roots == np.arange(len(self.roots))
        with np.load(folder / START_FRAMES) as frames:
            self.start_keypoints, self.start_confidence = frames["keypoints"], frames["confidence"]
        self.group: int = self.config["network"]["frames_per_token"]
        self._text, self._denoiser = (
            onnxruntime.InferenceSession(folder / name, providers=list(providers)) for name in (TEXT, DENOISER)
        )

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """Texts to token ids."""
        from text_to_pose.config import TextConfig
        from text_to_pose.text.tokenizer import TextTokenizer

        return TextTokenizer(TextConfig.model_validate(self.config["text"]))

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
        from text_to_pose.text.tokenizer import PAD

        tokens = [self.tokenizer.tokenize(*sign) for sign in signs]
        L = max(len(text.ids) for text in tokens)
        ids = np.array([[*text.ids, *[PAD] * (L - len(text.ids))] for text in tokens])
        languages = np.array([text.language for text in tokens])
        if start_keypoints is None:
            rows = [self.languages.index(language) for _, language in signs]
            start_keypoints, start_confidence = self.start_keypoints[rows], self.start_confidence[rows]
        elif start_confidence is None:
            start_confidence = np.ones(start_keypoints.shape[:2])
        assert start_confidence is not None
        return self.encode(
            ids, languages, np.array([text.letter for text in tokens]), start_keypoints, start_confidence
        )

    def encode(
        self,
        ids: np.ndarray,
        languages: np.ndarray,
        letters: np.ndarray,
        start_keypoints: np.ndarray,
        start_confidence: np.ndarray,
    ) -> Condition:
        """Encodes tokens (B, L), languages and letters (B,), see `TextBatch`, and start frames, see `condition`."""
        inputs = {
            "ids": ids.astype(np.int64),
            "languages": languages.astype(np.int64),
            "letters": letters.astype(np.int64),
            "start_keypoints": start_keypoints.astype(np.float32),
            "start_confidence": start_confidence.astype(np.float32),
        }
        return Condition(*_run(self._text, CONDITION, inputs))

    def lengths(self, condition: Condition, *, deviations: float = 0.0) -> np.ndarray:
        """Frames (B,) of each sequence: the median of its distribution, or so many standard deviations above it."""
        mean = condition.length_mean + deviations * np.exp(condition.length_log_std)
        longest = np.log(self.constants["max_seconds"] * self.config["fps"])
        return np.maximum(np.exp(np.minimum(mean, longest)).round().astype(int), int(self.constants["shortest"]))

    def refine(
        self,
        condition: Condition,
        mask: np.ndarray,
        num_steps: int | None = None,
        *,
        schedule: Schedule = "linear",
        guidance: float = 1.0,
    ) -> Iterator[Prediction[np.ndarray]]:
        """Iterative refinement: yields the sequence after every step.

        Args:
            condition: of B sequences.
            mask: (B, T), True for the frames to generate, see `frame_mask`.
            num_steps: the model's default when None.
            schedule: size of each step, see `text_to_pose.schedules`.
            guidance: classifier-free guidance scale; 1 is no guidance.
        """
        predict = _Guided(self, condition, mask, guidance)
        return samplers.refine(predict, predict.start, self._levels(schedule, num_steps))

    def diffuse(
        self,
        condition: Condition,
        mask: np.ndarray,
        num_steps: int | None = None,
        *,
        schedule: Schedule = "linear",
        guidance: float = 1.0,
        seed: int = 0,
        noises: Iterable[np.ndarray] | None = None,
    ) -> Iterator[Prediction[np.ndarray]]:
        """Diffusion: yields the clean sequence as predicted in every step.

        Args:
            condition, mask, num_steps, guidance: as in `refine`.
            schedule: which share of the variance is signal before which step.
            seed: of the noise, which is numpy's and so not that of torch for the same seed; each sequence's is the same
                whatever it is batched with.
            noises: (B, T, K, D) of unit variance for each step, in place of `seed`.
        """
        predict = _Guided(self, condition, mask, guidance)
        noises = noises if noises is not None else normal_noise(mask, condition.start.shape[1:], seed)
        return samplers.diffuse(
            predict, predict.start, self._levels(schedule, num_steps), noises, std=self.constants["noise"]
        )

    def keypoints(self, prediction: Prediction[np.ndarray], condition: Condition) -> tuple[np.ndarray, np.ndarray]:
        """A prediction as keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are visible.

        Each sequence begins exactly at the given part of its start frame, see `text_to_pose.motion.anchoring`. A hand
        that is visible, by its mean probability, and its arm end in one wrist.
        """
        features = anchored(
            prediction.features,
            condition.start,
            condition.start_seen,
            wrists=self.wrists,
            is_root=self.is_root,
            max_speed=self.constants["letting_go"],
        )
        points = features / self.scales
        origin = np.where(self.is_root[:, None], 0.0, points[..., self.roots, :])
        keypoints = np.stack([limit_hands(sequence, self.skeleton) for sequence in points + origin])
        presence = np.exp(-np.logaddexp(0, -prediction.presence))  # the logistic function, at any logit
        for hand, arm in self.wrists:
            visible = presence[:, :, hand].mean(axis=1) > 0.5  # (B,)
            keypoints[visible, :, arm] = keypoints[visible, :, hand]
        return keypoints.astype(np.float32), presence

    def _levels(self, schedule: Schedule, num_steps: int | None) -> np.ndarray:
        return levels(schedule, num_steps or self.config["num_steps"], steepness=self.constants["steepness"])

    def _without_text(self, condition: Condition) -> dict[str, np.ndarray]:
        """Inputs of the denoiser for the token for no text, padded to the condition's length of text."""
        none = np.array([int(self.constants["none"])])
        ids = np.array([[int(self.constants["nothing"])]])
        bare = self.encode(ids, none, none, self.start_keypoints[:1], self.start_confidence[:1])
        B, L = condition.text_mask.shape
        return {
            "text": np.pad(bare.text, ((0, 0), (0, L - 1), (0, 0))).repeat(B, axis=0),
            "text_mask": np.pad(bare.text_mask, ((0, 0), (0, L - 1))).repeat(B, axis=0),
            "summary": bare.summary.repeat(B, axis=0),
        }


class _Guided:
    """An exported model's predictions under a condition, as `text_to_pose.nn.guidance.Guided`.

    Attributes:
        start: (B, T, K, D) features, the start frame in every frame.
    """

    def __init__(self, model: OnnxTextToPose, condition: Condition, mask: np.ndarray, scale: float) -> None:
        self.model = model
        self.mask = mask
        self.scale = scale
        self.start = np.repeat(condition.start[:, None], mask.shape[1], axis=1)
        self.inputs = {name: getattr(condition, name) for name in DENOISER_INPUTS}
        if scale != 1:
            bare = model._without_text(condition)
            self.inputs = {name: np.concatenate([value, bare.get(name, value)]) for name, value in self.inputs.items()}

    def __call__(self, current: np.ndarray, level: float, *, noisy: bool) -> Prediction[np.ndarray]:
        """See `text_to_pose.samplers.Predict`; the network takes whole groups of frames."""
        T = self.mask.shape[1]
        rows = len(self.inputs["summary"])
        repeats, extra = rows // len(self.mask), -T % self.model.group
        current = np.pad(current, ((0, 0), (0, extra), (0, 0), (0, 0))).astype(np.float32)
        inputs = {
            "current": np.tile(current, (repeats, 1, 1, 1)),
            "mask": np.tile(np.pad(self.mask, ((0, 0), (0, extra))), (repeats, 1)),
            "level": np.full(rows, level, np.float32),
            "noisy": np.full(rows, noisy, np.float32),
        }
        outputs = _run(self.model._denoiser, ("features", "presence"), self.inputs | inputs)
        features, presence = (self._guided(output[:, :T]) for output in outputs)
        return Prediction(features, presence)

    def _guided(self, both: np.ndarray) -> np.ndarray:
        if self.scale == 1:
            return both
        conditional, unconditional = np.split(both, 2)
        return unconditional + self.scale * (conditional - unconditional)


def _run(session: InferenceSession, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(output) for output in session.run(list(names), inputs)]


def frame_mask(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Lengths (B,) to a mask (B, T), T the longest."""
    lengths = np.asarray(lengths)
    return np.arange(lengths.max()) < lengths[:, None]


def normal_noise(mask: np.ndarray, shape: Sequence[int], seed: int) -> Iterator[np.ndarray]:
    """Noise (B, T, K, D) of unit variance again and again, as `text_to_pose.sampling.normal_noise`."""
    lengths = mask.sum(axis=1)
    generators = [np.random.default_rng(seed) for _ in lengths]
    while True:
        noise = np.zeros((*mask.shape, *shape), np.float32)
        for row, (length, generator) in enumerate(zip(lengths, generators, strict=True)):
            noise[row, :length] = generator.standard_normal((length, *shape), dtype=np.float32)
        yield noise
