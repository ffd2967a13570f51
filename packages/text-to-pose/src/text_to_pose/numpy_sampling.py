"""A model exported to ONNX, run with numpy and onnxruntime: sampling as in `TextToPose`, without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import Skeleton, UserError
from text_to_pose.motion.limits import limit_hands, wrist_pairs

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
    """What a sequence is generated from, and how long it is: the outputs of `text.onnx`.

    Attributes:
        text: (B, L, C) encoded text; text_mask: (B, L) bool.
        summary: (B, C), the text in one vector.
        start: (B, K, D) features of the start frame, complete.
        start_seen: (B, K) bool, which keypoints of it were given rather than filled in.
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
SHOWN = CONDITION[:5]  # what of it the denoiser takes


@dataclass(frozen=True)
class Prediction:
    """A sequence as a sampler has made it so far.

    Attributes:
        features: (B, T, K, D), see `text_to_pose.nn.features.HandFeatures`.
        presence: (B, T, K) logits that the keypoint is seen.
    """

    features: np.ndarray
    presence: np.ndarray


class OnnxTextToPose:
    """A folder that `text-to-pose export` wrote.

    Args:
        folder: of `text.onnx`, `denoiser.onnx`, `config.json` and `start_frames.npz`.
        providers: what onnxruntime runs on, the preferred first.

    Raises:
        UserError: the folder is not such a one, or onnxruntime is missing.
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
        self.scales = np.array(exported["hand_scales"], np.float32)
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
            start_confidence: (B, K), 0 = missing; the model fills it in. All are there when None.

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
        given = {
            "ids": ids.astype(np.int64),
            "languages": languages.astype(np.int64),
            "letters": letters.astype(np.int64),
            "start_keypoints": start_keypoints.astype(np.float32),
            "start_confidence": start_confidence.astype(np.float32),
        }
        return Condition(*_run(self._text, CONDITION, given))

    def lengths(self, condition: Condition, *, deviations: float = 0.0) -> np.ndarray:
        """Frames (B,) of each sequence: the middle of its distribution, or so many standard deviations above it."""
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
    ) -> Iterator[Prediction]:
        """Refinement, as `TextToPose.refine`: yields the sequence after every step.

        Args:
            mask: (B, T), True for the frames to make, see `frame_mask`.
            num_steps: the model's own number when None.
            schedule: which share of the way is gone in which step.
            guidance: 1 is the text's prediction; above 1 it is taken farther from the one without text.
        """
        guided = self._guided(condition, guidance)
        level = self._levels(schedule, num_steps)
        sizes = step_sizes(level)
        current = np.repeat(condition.start[:, None], mask.shape[1], axis=1)
        for step, size in enumerate(sizes):
            clean = self._predict(current, mask, guided, guidance, level[step], noisy=False)
            current = current + size * (clean.features - current)
            yield Prediction(current, clean.presence)

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
    ) -> Iterator[Prediction]:
        """Diffusion, as `TextToPose.diffuse`: yields the clean sequence as predicted in every step.

        Args:
            mask, num_steps, guidance: as in `refine`.
            schedule: which share of the variance is signal before which step.
            seed: of the noise, which is numpy's and so not that of torch for the same seed; each sequence's is the same
                whatever it is batched with.
            noises: (B, T, K, D) of unit variance for each step, in place of `seed`.
        """
        guided = self._guided(condition, guidance)
        level = self._levels(schedule, num_steps)
        drawn = iter(noises if noises is not None else normal_noise(mask, condition.start.shape[1:], seed))
        start = condition.start[:, None]
        clean = np.repeat(start, mask.shape[1], axis=1)
        for signal in level[:-1]:
            noise = self.constants["noise"] * next(drawn)
            current = start + np.sqrt(signal) * (clean - start) + np.sqrt(1 - signal) * noise
            made = self._predict(current, mask, guided, guidance, signal, noisy=True)
            clean = made.features
            yield made

    def keypoints(self, made: Prediction, condition: Condition) -> tuple[np.ndarray, np.ndarray]:
        """A prediction as keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are there.

        Each sequence begins exactly at what was given of its start frame, and lets go of it within a few frames. A hand
        that is there, by its mean probability, and its arm end in one wrist.
        """
        start, visible = condition.start.copy(), condition.start_seen.copy()
        for hand, arm in self.wrists:
            hangs = visible[:, arm] & ~visible[:, hand]  # a hand that the start frame lacks begins at the arm's wrist
            start[hangs, hand] = start[hangs, arm]
            visible[:, hand] |= hangs
        gap = (start - made.features[:, 0]) * visible[..., None]  # (B, K, D)
        distance = np.linalg.norm(gap, axis=-1)[:, self.is_root].max(axis=1)  # (B,) in shoulder widths
        frames = np.maximum(distance * np.pi / 2 / self.constants["letting_go"], 3)
        t = np.arange(made.features.shape[1])
        weight = 0.5 + 0.5 * np.cos(np.pi * np.minimum(t / frames[:, None], 1))  # (B, T), 1 at the first frame
        features = made.features + weight[:, :, None, None] * gap[:, None]
        points = features / self.scales[:, None]
        origin = np.where(self.is_root[:, None], 0.0, points[..., self.roots, :])
        keypoints = np.stack([limit_hands(sequence, self.skeleton) for sequence in points + origin])
        presence = np.exp(-np.logaddexp(0, -made.presence))  # the logistic function, at any logit
        for hand, arm in self.wrists:
            there = presence[:, :, hand].mean(axis=1) > 0.5  # (B,)
            keypoints[there, :, arm] = keypoints[there, :, hand]
        return keypoints.astype(np.float32), presence

    def _levels(self, schedule: Schedule, num_steps: int | None) -> np.ndarray:
        return levels(schedule, num_steps or self.config["num_steps"], self.constants["steepness"])

    def _guided(self, condition: Condition, guidance: float) -> dict[str, np.ndarray]:
        """What the denoiser takes of a condition; with guidance, the same without text behind it."""
        given = {name: getattr(condition, name) for name in SHOWN}
        if guidance == 1:
            return given
        none = np.array([int(self.constants["none"])])
        ids = np.array([[int(self.constants["nothing"])]])
        bare = self.encode(ids, none, none, self.start_keypoints[:1], self.start_confidence[:1])
        B, L = condition.text_mask.shape
        without = {
            "text": np.pad(bare.text, ((0, 0), (0, L - 1), (0, 0))).repeat(B, axis=0),
            "text_mask": np.pad(bare.text_mask, ((0, 0), (0, L - 1))).repeat(B, axis=0),
            "summary": bare.summary.repeat(B, axis=0),
        }
        return {name: np.concatenate([value, without.get(name, value)]) for name, value in given.items()}

    def _predict(
        self,
        current: np.ndarray,
        mask: np.ndarray,
        guided: dict[str, np.ndarray],
        guidance: float,
        level: float,
        *,
        noisy: bool,
    ) -> Prediction:
        """The clean sequence (B, T, K, D); the network takes frames in whole groups, with and without text at once."""
        T = mask.shape[1]
        rows = len(guided["summary"])
        both, extra = rows // len(mask), -T % self.group
        given = {
            "current": np.tile(np.pad(current, ((0, 0), (0, extra), (0, 0), (0, 0))), (both, 1, 1, 1)).astype(
                np.float32
            ),
            "mask": np.tile(np.pad(mask, ((0, 0), (0, extra))), (both, 1)),
            "level": np.full(rows, level, np.float32),
            "noisy": np.full(rows, noisy, np.float32),
        }
        features, presence = (made[:, :T] for made in _run(self._denoiser, ("features", "presence"), guided | given))
        if both == 1:
            return Prediction(features, presence)
        (features, bare), (presence, bare_presence) = np.split(features, 2), np.split(presence, 2)
        return Prediction(bare + guidance * (features - bare), bare_presence + guidance * (presence - bare_presence))


def _run(session: InferenceSession, outputs: Sequence[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(made) for made in session.run(list(outputs), given)]


def frame_mask(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Lengths (B,) as (B, T) bool, T the longest."""
    lengths = np.asarray(lengths)
    return np.arange(lengths.max()) < lengths[:, None]


def levels(schedule: Schedule, num_steps: int, steepness: float) -> np.ndarray:
    """How far a sequence has come before each step and after the last, as `text_to_pose.sampling.levels`."""
    u = np.linspace(0, 1, num_steps + 1)
    if schedule == "cosine":
        u = np.sin(np.pi / 2 * u) ** 2
    elif schedule == "quadratic":
        u = u**2
    elif schedule == "sigmoid":
        ends = 1 / (1 + np.exp(-steepness * np.array([-1.0, 1.0])))
        u = (1 / (1 + np.exp(-steepness * (2 * u - 1))) - ends[0]) / (ends[1] - ends[0])
    return u.astype(np.float32)


def step_sizes(level: np.ndarray) -> np.ndarray:
    """(num_steps,) share of the remaining way that each step goes; the last one goes all of it."""
    return (level[1:] - level[:-1]) / (1 - level[:-1])


def normal_noise(mask: np.ndarray, shape: Sequence[int], seed: int) -> Iterator[np.ndarray]:
    """Noise (B, T, K, D) of unit variance again and again, each sequence's drawn by itself; 0 at padded frames."""
    lengths = mask.sum(axis=1)
    generators = [np.random.default_rng(seed) for _ in lengths]
    while True:
        noise = np.zeros((*mask.shape, *shape), np.float32)
        for row, (length, generator) in enumerate(zip(lengths, generators, strict=True)):
            noise[row, :length] = generator.standard_normal((length, *shape), dtype=np.float32)
        yield noise
