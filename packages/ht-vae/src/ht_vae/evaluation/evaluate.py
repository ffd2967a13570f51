"""How well a model keeps real sequences, what it uses its latents for, and how real its own sequences are."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ht_vae.codec import DecodedSequence, decoded, some
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import PaddedBatches, TrainingBatch
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.data.splits import split_clips
from ht_vae.evaluation.errors import ClipErrors, Errors, Seams, errors_of
from ht_vae.evaluation.frechet_features import FEATURES, window_features
from ht_vae.evaluation.latent_statistics import LatentStatistics
from ht_vae.model_selection import model_skeleton
from ht_vae.nn.latent import Gaussian, Posterior
from ht_vae.outputs import latent_arrays
from ht_vae.sampling import generate
from pose_core import PoseSequence, UserError
from pose_core.data import read_clips, select_split, split_name
from pose_core.metrics import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core.data import Clip

BATCH = 16  # clips at once
BATCH_FRAMES = 4000  # most frames at once, padding counted; one clip fits always
VALIDATION_SHARE = 0.1  # of files, as in training, where the data has no validation split
KEPT = 4  # clips that are kept to be looked at


@dataclass(frozen=True)
class ClipScore:
    """How well one clip comes back; errors as `Errors`'."""

    path: Path
    frames: int
    fps: float
    mpjpe: float
    rmse: float


@dataclass(frozen=True)
class LatentUse:
    """What the latents of one level are used for, see `LatentStatistics`.

    Attributes:
        dims: numbers of a vector; vectors: how many were looked at.
        active: dimensions whose posterior's mean varies over the data; NaN of a single vector.
        kl: nats of a vector; kl_dims: of each dimension.
    """

    dims: int
    vectors: int
    active: float
    kl: float
    kl_dims: list[float]


@dataclass(frozen=True)
class Realism:
    """Fréchet distances to the real clips, in squared shoulder widths, of as many and as long sequences.

    Attributes:
        samples: of points of the prior, decoded.
        reconstructions: of the clips as they come back.
        features: what is compared.
        windows: how many of each.
    """

    samples: float
    reconstructions: float
    features: str
    windows: int


@dataclass(frozen=True)
class EvaluatedClip:
    """A clip and what came of it, to be looked at."""

    path: Path
    original: PoseSequence
    made: DecodedSequence
    errors: np.ndarray
    condition: Tensor | None


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        model, model_hash: which one; data, split: which clips.
        clips, frames, seconds: how many and how long.
        parts: `Errors` of "all" keypoints, of both "hands", and of each part of the skeleton by name.
        seams: errors at the borders of chunks beside those elsewhere.
        latents: `LatentUse` of "whole" and of "chunk".
        realism: of samples; None where there are too few windows.
        clip_scores: worst first.
        latent_arrays: of all clips, see `report.write_report`.
        worst: the first of them, to be looked at; samples: of the prior, a few.
    """

    model: str
    model_hash: str
    data: list[Path]
    split: str
    seed: int
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

    def figures(self) -> dict[str, Any]:
        """All that is a number, or says what of; machines read it."""
        left_out = {"latent_arrays": {}, "worst": [], "samples": []}
        figures = asdict(replace(self, **left_out))
        return {name: value for name, value in figures.items() if name not in left_out}


def evaluate(
    model: HierarchicalTransformerVAE,
    data: Sequence[str | Path],
    split: str = "validation",
    *,
    seed: int = 0,
    batch_size: int = BATCH,
    dataset: type[PoseSequenceDataset] = PoseSequenceDataset,
    progress: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Sends every clip of a split through a model and compares what comes back with what went in.

    Clips are taken as a whole, however long. Everything is the same in every run, and, rounding aside, whatever the
    batch size is.

    Args:
        data: manifests or folders, as `read_clips` takes them.
        split: of data without a validation split, "validation" is what `train` would hold out, and "train" the rest;
            "all" is everything.
        seed: of the samples.
        batch_size: clips at once.
        dataset: loads clips; a subclass with a `load_sample` of its own reads files of its own.
        progress: told what is being done.

    Raises:
        UserError: a clip that cannot be used, or a split without clips.
    """
    clips = clips_of([Path(path) for path in data], split, progress)
    loaded = _loaded(model, clips, dataset)
    progress(f"reading {len(clips)} clips")
    counts = _Counts(model, loaded)
    batches = PaddedBatches(loaded.lengths, batch_size, BATCH_FRAMES)
    for number, batch in enumerate(batches, start=1):
        progress(f"batch {number} of {len(batches)}")
        counts.update(batch)
    progress("sampling")
    made = generate(model, loaded.lengths, condition=counts.conditions(), seed=seed, batch_size=min(batch_size, 4))
    return counts.evaluation([Path(path) for path in data], split, seed, made)


def clips_of(data: Sequence[Path], split: str, say: Callable[[str], None] = lambda message: None) -> list[Clip]:
    """The clips of a split, see `evaluate`.

    Raises:
        UserError: there are none.
    """
    clips, split = read_clips(*data), split_name(split)
    if split == "all":
        return clips
    splits = {clip.split for clip in clips}
    if split in ("train", "validation") and "validation" not in splits and "train" in splits:
        taught, held = split_clips(data, VALIDATION_SHARE, say)
        return taught if split == "train" else held
    return select_split(clips, split)


class _Counts:
    """What `evaluate` adds up, clip by clip, in the order of the clips whatever batches they were in."""

    def __init__(self, model: HierarchicalTransformerVAE, loaded: PoseSequenceDataset) -> None:
        self.model = model
        self.loaded = loaded
        count = len(loaded.lengths)
        self._errors: list[ClipErrors] = [ClipErrors()] * count
        self._posteriors: list[dict[str, np.ndarray]] = [{}] * count
        self._features: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0), np.zeros(0))] * count
        self._kept: dict[int, EvaluatedClip] = {}

    @torch.inference_mode()
    def update(self, indices: list[int]) -> None:
        """Takes a batch of clips."""
        model = self.model
        windows = [self.loaded[i] for i in indices]
        batch = TrainingBatch.of(windows).to(model.device)
        poses = batch.poses
        posterior = model.encode(poses.keypoints, poses.confidence, poses.mask, batch.condition)
        made = model.decode(model.latent_space.mean(posterior), poses.lengths, batch.condition)
        for row, (i, window) in enumerate(zip(indices, windows, strict=True)):
            original = window.sequence
            back = decoded(model, made, row, len(original), original.fps)
            self._errors[i] = errors_of(original, back, model.config.chunk_size)
            self._posteriors[i] = _latents_of(posterior, row)
            self._features[i] = window_features(original), window_features(back.seen)
            told = None if batch.condition is None else batch.condition[row : row + 1]
            clip = self.loaded.clips[i]
            self._kept[i] = EvaluatedClip(clip.path, original, back, self._errors[i].frames, told)
        worst = sorted(self._kept, key=self._badness)[:KEPT]
        self._kept = {i: self._kept[i] for i in worst}

    def conditions(self) -> Tensor | None:
        """Of all clips."""
        labels = [self.loaded[i].label for i in range(len(self.loaded))] if self.loaded.labels else []
        return torch.tensor(labels, device=self.model.device) if labels else None

    def evaluation(self, data: list[Path], split: str, seed: int, samples: Iterable[DecodedSequence]) -> Evaluation:
        realism, kept = self._realism(samples)
        total = ClipErrors()
        for errors in self._errors:
            total.add(errors)
        clips, lengths = self.loaded.clips, self.loaded.lengths
        rates = [self.loaded[i].sequence.fps for i in range(len(clips))]
        scores = []
        for i, clip in enumerate(clips):
            errors = self._errors[i].total()
            scores.append((i, ClipScore(clip.path, lengths[i], rates[i], errors.mpjpe, errors.rmse)))
        scores.sort(key=lambda score: self._badness(score[0]))
        return Evaluation(
            model=self.model.name,
            model_hash=self.model.hash,
            data=data,
            split=split,
            seed=seed,
            clips=len(clips),
            frames=sum(lengths),
            seconds=sum(T / fps for T, fps in zip(lengths, rates, strict=True)),
            parts={name: total.total(name) for name in total.parts},
            seams=total.seam(),
            latents=self._use(),
            realism=realism,
            clip_scores=[score for _, score in scores],
            latent_arrays=self._arrays(rates),
            worst=[self._kept[i] for i in sorted(self._kept, key=self._badness)],
            samples=kept,
        )

    def _badness(self, i: int) -> tuple[float, int]:
        """Sorts the clips: worst first, those in which nothing was seen last."""
        error = self._errors[i].total().mpjpe
        return -error if np.isfinite(error) else np.inf, i

    def _use(self) -> dict[str, LatentUse]:
        used = {}
        for level in ("whole", "chunk"):
            mean, log_variance = (self._stacked(f"{level}_{name}") for name in ("mean", "log_variance"))
            if not mean.shape[1]:
                continue
            statistics = LatentStatistics(mean.shape[1])
            statistics.update(Gaussian(torch.from_numpy(mean), torch.from_numpy(log_variance)))
            values = statistics.compute()
            used[level] = LatentUse(
                dims=mean.shape[1],
                vectors=len(mean),
                active=float(values["active"]),
                kl=float(values["kl"].sum()),
                kl_dims=values["kl"].tolist(),
            )
        return used

    def _realism(self, samples: Iterable[DecodedSequence]) -> tuple[Realism | None, list[DecodedSequence]]:
        """How real samples are, None where there is one window only; and the first few samples."""
        kept, sampled = [], []
        for sample in samples:
            sampled.append(window_features(sample.seen))
            if len(kept) < KEPT:
                kept.append(sample)
        real, back = (np.concatenate([pair[side] for pair in self._features]) for side in (0, 1))
        if len(real) < 2:
            return None, kept
        distances = [frechet_distance(features, real) for features in (np.concatenate(sampled), back)]
        return Realism(*distances, features=FEATURES, windows=len(real)), kept

    def _arrays(self, rates: list[float]) -> dict[str, np.ndarray]:
        chunks = [len(each["chunk_mean"]) for each in self._posteriors]
        names = ("whole_mean", "whole_log_variance", "chunk_mean", "chunk_log_variance")
        return {name: self._stacked(name) for name in names} | {
            "names": np.array([str(clip.path) for clip in self.loaded.clips]),
            "chunk_clip": np.repeat(np.arange(len(chunks)), chunks),
            "frames": np.array(self.loaded.lengths),
            "fps": np.array(rates),
            "chunk_size": np.array(self.model.config.chunk_size),
            "model": np.array(self.model.name),
            "model_hash": np.array(self.model.hash),
        }

    def _stacked(self, name: str) -> np.ndarray:
        return np.concatenate([each[name] for each in self._posteriors])


def _latents_of(posterior: Posterior, row: int) -> dict[str, np.ndarray]:
    """Whole (1, Z) and chunks (N, Zc) of one sequence of a batch."""
    real = posterior.chunk_mask[row]
    whole = Gaussian(posterior.whole.mean[row : row + 1], posterior.whole.log_variance[row : row + 1])
    chunks = posterior.chunks
    if chunks is not None:
        chunks = Gaussian(chunks.mean[row : row + 1, real], chunks.log_variance[row : row + 1, real])
    arrays = latent_arrays(Posterior(whole, chunks, posterior.chunk_mask[row : row + 1, real]))
    return {name: values[0] if name.startswith("chunk") else values for name, values in arrays.items()}


def _loaded(
    model: HierarchicalTransformerVAE, clips: list[Clip], dataset: type[PoseSequenceDataset]
) -> PoseSequenceDataset:
    """The clips on the model's skeleton, each a window, with the labels that the model knows."""
    skeleton = model_skeleton(model)
    labels = model.config.labels
    if model.config.condition_dim:
        raise UserError(f"the model {model.name} is conditioned on vectors, which clips do not have; use Python")
    condition: Literal["text", "signed_language"] | None = None
    if labels:
        columns: tuple[Literal["text", "signed_language"], ...] = ("text", "signed_language")
        condition = next((name for name in columns if {getattr(clip, name) for clip in clips} <= {*labels}), None)
        if condition is None:
            raise UserError(f"the model {model.name} is conditioned on labels, and clips have others: {some(labels)}")
    loaded = dataset(
        clips,
        processor=PoseDataProcessor(skeleton=skeleton),
        max_frames=sys.maxsize,
        condition=condition,
        labels=labels if labels else None,
    )
    loaded.skeleton = skeleton
    return loaded
