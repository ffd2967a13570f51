"""Evaluation of a model: reconstruction errors, use of the latents, and realism of its samples."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ht_vae.codec import DecodedSequence, decoded_sequence, encoder_batch, list_labels, without_unseen
from ht_vae.config import RunConfig
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import PaddedBatches, labels_of
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.evaluation.errors import ClipErrors, Errors, Seams, clip_errors
from ht_vae.evaluation.frechet_features import FEATURES, window_features
from ht_vae.evaluation.latent_statistics import LatentStatistics
from ht_vae.latent_optimization import STEPS, optimize_latents
from ht_vae.nn.latent import Gaussian
from ht_vae.sampling import generate
from pose_core import PoseSequence, UserError
from pose_core.data import read_clips, select_split, split_name
from pose_core.data.held_out import split_clips
from pose_core.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core.data import Clip

BATCH_SIZE = 16  # clips at once
BATCH_FRAMES = 4000  # most frames at once, padding counted; one clip always fits
NUM_SHOWN = 4  # worst clips, and samples, that a report shows
Condition = Literal["text", "signed_language"]


@dataclass(frozen=True)
class ClipScore:
    """Reconstruction errors of one clip, as in `Errors`."""

    path: Path
    frames: int
    fps: float
    mpjpe: float
    rmse: float


@dataclass(frozen=True)
class LatentUse:
    """Use of the latents of one level, see `LatentStatistics`.

    Attributes:
        dims: numbers per vector; vectors: how many were counted.
        active: active units; NaN of a single vector.
        kl: nats per vector; kl_dims: of each dimension.
    """

    dims: int
    vectors: int
    active: float
    kl: float
    kl_dims: list[float]


@dataclass(frozen=True)
class Realism:
    """Fréchet distances to the real clips, in squared shoulder widths, of equally many and long sequences.

    Attributes:
        samples: of decoded samples of the prior.
        reconstructions: of the reconstructed clips.
        features: what is compared, in words.
        windows: how many of each.
    """

    samples: float
    reconstructions: float
    features: str
    windows: int


@dataclass(frozen=True)
class EvaluatedClip:
    """A clip and its reconstruction, for pictures; `errors` (T,) is the mean distance of each frame's keypoints."""

    path: Path
    original: PoseSequence
    decoded: DecodedSequence
    errors: np.ndarray
    condition: Tensor | None


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        model, model_hash: which model; data, split: which clips.
        optimization_steps: of the latents, see `encode`; KL divergence and active units are of these, too.
        clips, frames, seconds: how many and how long.
        parts: `Errors` of "all" keypoints, of both "hands", and of each part of the skeleton by name.
        seams: errors at the borders of chunks and elsewhere.
        latents: `LatentUse` of "whole" and of "chunk".
        realism: of samples; None where there are too few windows.
        clip_scores: worst first.
        latent_arrays: of all clips, see `report.write_report`.
        worst: the worst clips, and samples: samples of the prior, for pictures.
    """

    model: str
    model_hash: str
    data: list[Path]
    split: str
    seed: int
    optimization_steps: int
    clips: int
    frames: int
    seconds: float
    parts: dict[str, Errors]
    seams: Seams
    latents: dict[str, LatentUse]
    realism: Realism | None
    clip_scores: list[ClipScore]
    latent_arrays: dict[str, np.ndarray]
    worst: list[EvaluatedClip]
    samples: list[DecodedSequence]

    def metrics(self) -> dict[str, Any]:
        """All numbers and what they are of, as plain values for JSON."""
        numbers = replace(self, latent_arrays={}, worst=[], samples=[])
        return {
            name: value for name, value in asdict(numbers).items() if name not in ("latent_arrays", "worst", "samples")
        }


def evaluate(
    model: HierarchicalTransformerVAE,
    data: Sequence[str | Path],
    split: str = "validation",
    *,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
    optimization_steps: int = STEPS,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    say: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Reconstructs every clip of a split, whole, and compares it with the original.

    Deterministic, and up to rounding independent of the batch size.

    Args:
        model: see `load_model`.
        data: manifests or folders, as `read_clips` takes them.
        split: of data without a validation split, "validation" is what `train` would hold out, and "train" the rest;
            "all" is everything.
        seed: of the samples.
        batch_size: clips at once.
        optimization_steps: see `encode`.
        dataset: loads clips; a subclass with its own `load_sample` reads other files.
        say: takes a line for people.

    Raises:
        UserError: a clip that cannot be used, or a split without clips.
    """
    paths = [Path(path) for path in data]
    clips = split_of(paths, split, say)
    loaded = _load(model, clips, dataset)
    say(f"reading {len(clips)} clips")
    scores = _Scores(model, loaded, optimization_steps)
    batches = PaddedBatches(loaded.lengths, batch_size, BATCH_FRAMES)
    for number, batch in enumerate(batches, start=1):
        say(f"batch {number} of {len(batches)}")
        scores.update(batch)
    say("sampling")
    samples = generate(model, loaded.lengths, condition=scores.conditions(), seed=seed, batch_size=min(batch_size, 4))
    return scores.evaluation(paths, split, seed, samples)


def split_of(data: Sequence[Path], split: str, say: Callable[[str], None] = lambda message: None) -> list[Clip]:
    """The clips of a split, see `evaluate`.

    Raises:
        UserError: there are none.
    """
    clips, split = read_clips(*data), split_name(split)
    if split == "all":
        return clips
    splits = {clip.split for clip in clips}
    if split in ("train", "validation") and "validation" not in splits and "train" in splits:
        train, validation = split_clips(data, RunConfig.model_fields["validation_share"].default, say)
        return train if split == "train" else validation
    return select_split(clips, split)


class _Scores:
    """Scores of all clips, in the order of the clips whatever batches they come in."""

    def __init__(self, model: HierarchicalTransformerVAE, loaded: PoseSequenceDataset, optimization_steps: int) -> None:
        self.model = model
        self.loaded = loaded
        self.optimization_steps = optimization_steps
        count = len(loaded.lengths)
        self._errors: list[ClipErrors] = [ClipErrors()] * count
        self._latents: list[dict[str, np.ndarray]] = [{}] * count  # see `Posterior.arrays`, of B = 1
        self._features: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0), np.zeros(0))] * count
        self._worst: dict[int, EvaluatedClip] = {}

    @torch.inference_mode()
    def update(self, indices: list[int]) -> None:
        """Adds a batch of clips."""
        model = self.model
        windows = [self.loaded[i] for i in indices]
        poses, visible = encoder_batch(model, [window.sequence for window in windows])
        condition = labels_of(windows, model.device)
        posterior = model.encode(poses.keypoints, poses.confidence, poses.mask, condition)
        posterior = optimize_latents(
            model, posterior, poses.keypoints, visible, poses.mask, condition, steps=self.optimization_steps
        )
        reconstruction = model.decode(model.latent_space.mean(posterior), poses.lengths, condition)
        for row, (i, window) in enumerate(zip(indices, windows, strict=True)):
            original = window.sequence
            decoded = decoded_sequence(model, reconstruction, row, len(original), original.fps)
            decoded = without_unseen(decoded, original)
            self._errors[i] = clip_errors(original, decoded, model.config.chunk_size)
            self._latents[i] = posterior.row(row).arrays()
            self._features[i] = window_features(original), window_features(decoded.sequence)
            own = None if condition is None else condition[row : row + 1]
            path = self.loaded.clips[i].path
            self._worst[i] = EvaluatedClip(path, original, decoded, self._errors[i].frames, own)
        self._worst = {i: self._worst[i] for i in sorted(self._worst, key=self._rank)[:NUM_SHOWN]}

    def conditions(self) -> Tensor | None:
        """Label indices of all clips."""
        labels = [self.loaded[i].label for i in range(len(self.loaded))] if self.loaded.labels else []
        return torch.tensor(labels, device=self.model.device) if labels else None

    def evaluation(self, data: list[Path], split: str, seed: int, samples: Iterable[DecodedSequence]) -> Evaluation:
        realism, shown = self._realism(samples)
        total = ClipErrors()
        for errors in self._errors:
            total.add(errors)
        clips, lengths = self.loaded.clips, self.loaded.lengths
        rates = [self.loaded[i].sequence.fps for i in range(len(clips))]
        return Evaluation(
            model=self.model.name,
            model_hash=self.model.hash,
            data=data,
            split=split,
            seed=seed,
            optimization_steps=self.optimization_steps,
            clips=len(clips),
            frames=sum(lengths),
            seconds=sum(T / fps for T, fps in zip(lengths, rates, strict=True)),
            parts={name: total.total(name) for name in total.parts},
            seams=total.seam(),
            latents=self._latent_use(),
            realism=realism,
            clip_scores=[self._clip_score(i, rates[i]) for i in sorted(range(len(clips)), key=self._rank)],
            latent_arrays=self._latent_arrays(rates),
            worst=[self._worst[i] for i in sorted(self._worst, key=self._rank)],
            samples=shown,
        )

    def _clip_score(self, i: int, fps: float) -> ClipScore:
        errors = self._errors[i].total()
        return ClipScore(self.loaded.clips[i].path, self.loaded.lengths[i], fps, errors.mpjpe, errors.rmse)

    def _rank(self, i: int) -> tuple[float, int]:
        """Sorts clips: worst first, those in which nothing is visible last."""
        error = self._errors[i].total().mpjpe
        return -error if np.isfinite(error) else np.inf, i

    def _latent_use(self) -> dict[str, LatentUse]:
        use = {}
        for level in ("whole", "chunk"):
            mean, log_variance = (self._stacked(f"{level}_{name}") for name in ("mean", "log_variance"))
            if not mean.shape[1]:
                continue
            statistics = LatentStatistics(mean.shape[1])
            statistics.update(Gaussian(torch.from_numpy(mean), torch.from_numpy(log_variance)))
            values = statistics.compute()
            use[level] = LatentUse(
                dims=mean.shape[1],
                vectors=len(mean),
                active=float(values["active"]),
                kl=float(values["kl"].sum()),
                kl_dims=values["kl"].tolist(),
            )
        return use

    def _realism(self, samples: Iterable[DecodedSequence]) -> tuple[Realism | None, list[DecodedSequence]]:
        """Realism of the samples, None where there is a single window; and the first few samples."""
        shown, sampled = [], []
        for sample in samples:
            sampled.append(window_features(sample.sequence))
            if len(shown) < NUM_SHOWN:
                shown.append(sample)
        real, reconstructed = (np.concatenate([pair[side] for pair in self._features]) for side in (0, 1))
        if len(real) < 2:
            return None, shown
        distances = [frechet_distance(features, real) for features in (np.concatenate(sampled), reconstructed)]
        return Realism(*distances, features=FEATURES, windows=len(real)), shown

    def _latent_arrays(self, rates: list[float]) -> dict[str, np.ndarray]:
        num_chunks = [each["chunk_mean"].shape[1] for each in self._latents]
        return {name: self._stacked(name) for name in self._latents[0]} | {
            "names": np.array([str(clip.path) for clip in self.loaded.clips]),
            "chunk_clip": np.repeat(np.arange(len(num_chunks)), num_chunks),
            "frames": np.array(self.loaded.lengths),
            "fps": np.array(rates),
            "chunk_size": np.array(self.model.config.chunk_size),
            "model": np.array(self.model.name),
            "model_hash": np.array(self.model.hash),
        }

    def _stacked(self, name: str) -> np.ndarray:
        """An array of all clips, one row per sequence (M, Z) or per chunk (sum of N, Zc)."""
        return np.concatenate(
            [array[0] if array.ndim == 3 else array for array in (each[name] for each in self._latents)]
        )


def _load(
    model: HierarchicalTransformerVAE, clips: list[Clip], dataset: type[PoseSequenceDataset]
) -> PoseSequenceDataset:
    """The clips on the model's skeleton, whole, with labels that the model knows."""
    labels = model.config.labels
    if model.config.condition_dim:
        raise UserError(f"the model {model.name} is conditioned on vectors, which clips do not have; use Python")
    condition: Condition | None = None
    if labels:
        columns: tuple[Condition, ...] = ("text", "signed_language")
        condition = next((name for name in columns if {getattr(clip, name) for clip in clips} <= {*labels}), None)
        if condition is None:
            others = list_labels(labels)
            raise UserError(f"the model {model.name} is conditioned on labels, and clips have others: {others}")
    loaded = dataset(
        clips,
        processor=PoseDataProcessor(skeleton=model.skeleton),
        max_frames=sys.maxsize,
        condition=condition,
        labels=labels if labels else None,
    )
    loaded.skeleton = model.skeleton
    return loaded
