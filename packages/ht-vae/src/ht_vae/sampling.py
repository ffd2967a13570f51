"""New sequences: samples of the prior, and interpolations between two sequences."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ht_vae.codec import DecodedSequence, decode, decoded_sequence, without_unseen
from ht_vae.nn.flow_prior import STOCHASTICITY
from ht_vae.nn.latent import Latents
from pose_core import UserError
from pose_core.transforms import Placement, denormalize
from pose_core.transforms.normalization import DEFAULT_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from ht_vae.codec import EncodedSequence
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core import PoseSequence

BATCH_SIZE = 16  # sequences decoded at once


def generate(
    model: HierarchicalTransformerVAE,
    lengths: Sequence[int],
    *,
    condition: Tensor | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    stochasticity: float = STOCHASTICITY,
    batch_size: int = BATCH_SIZE,
) -> Iterator[DecodedSequence]:
    """Decodes samples of the prior. Each sample has its own random generator, so none depends on how many there are.

    Args:
        model: see `load_model`.
        lengths: frames of each sample.
        condition: of B = 1, the same for all, or one row per sample.
        seed: of all samples.
        temperature: see `Prior.sample`, `FlowPrior.sample`.
        stochasticity: of a learned prior, see `FlowPrior.sample`.
        batch_size: samples decoded at once.
    """
    for start in range(0, len(lengths), batch_size):
        part = lengths[start : start + batch_size]
        rows = condition
        if condition is not None and len(condition) == 1:
            rows = condition.expand(len(part), *condition.shape[1:])
        elif condition is not None:
            rows = condition[start : start + batch_size]
        with torch.inference_mode():
            points = [
                _sample(model, frames, (seed, start + i), temperature, stochasticity) for i, frames in enumerate(part)
            ]
            poses = model.decode(_stacked(points), torch.tensor(part, device=model.device), rows)
            decoded = [decoded_sequence(model, poses, i, frames, model.config.fps) for i, frames in enumerate(part)]
        yield from decoded


def place_sample(sequence: PoseSequence, *, in_picture: bool) -> PoseSequence:
    """A sequence in shoulder widths, origin at the mid-shoulder point, in the coordinates of a file.

    Args:
        sequence: (T, K, D).
        in_picture: in pixels, in the middle of a picture. Otherwise, as in landmark CSVs, in shoulder widths with the
            mid-hip point as origin, its mean over the frames that show both hips.
    """
    if in_picture:
        return denormalize(sequence, Placement.default(DEFAULT_SIZE, sequence.skeleton.num_dims))
    hips = sequence.skeleton.hips()
    both = sequence.visible[:, hips].all(axis=1) if len(hips) == 2 else np.zeros(len(sequence), bool)
    if not both.any():
        return sequence
    middle = sequence.keypoints[both][:, hips].mean(axis=(0, 1))
    visible = sequence.visible[..., None]
    return replace(sequence, keypoints=np.where(visible, sequence.keypoints - middle, 0).astype(np.float32))


@dataclass(frozen=True)
class Interpolation:
    """Sequences from one to another.

    Attributes:
        samples: the sequences; the first and the last are the reconstructions of the two. All show the components that
            either shows.
        placements: position and scale of each of them.
        distances: (N - 1,) from each to the next: mean distance of a keypoint over the frames that both have, in
            shoulder widths.
    """

    samples: list[DecodedSequence]
    placements: list[Placement]
    distances: np.ndarray

    @property
    def mean_step(self) -> float:
        return float(self.distances.mean())

    @property
    def largest_step(self) -> float:
        return float(self.distances.max())


def interpolate(
    model: HierarchicalTransformerVAE,
    start: EncodedSequence,
    end: EncodedSequence,
    num_samples: int,
    *,
    spherical: bool = False,
) -> Interpolation:
    """Interpolates latents, length, frame rate and placement in even steps.

    Args:
        model: of both sequences.
        start, end: the sequences to interpolate between.
        num_samples: sequences, both ends included; at least 2.
        spherical: see `LatentSpace.interpolate`.

    Raises:
        UserError: fewer than 2 sequences.
    """
    if num_samples < 2:
        raise UserError(f"{num_samples} samples from one sequence to another: it takes at least 2, its ends")
    space = model.latent_space
    ends = space.mean(start.posterior), space.mean(end.posterior)
    latents = space.interpolate(*ends, num_samples, spherical=spherical)
    samples, placements = [], []
    for i, share in enumerate(np.linspace(0, 1, num_samples).tolist()):
        frames = round((1 - share) * len(start.original) + share * len(end.original))
        fps = (1 - share) * start.original.fps + share * end.original.fps
        condition = _condition_between(start.condition, end.condition, share)
        sample = decode(model, latents[i : i + 1], frames, fps, condition)
        samples.append(without_unseen(sample, start.original, end.original))
        placements.append(_placement_between(start.placement, end.placement, share))
    distances = [mean_distance(a.dense, b.dense) for a, b in itertools.pairwise(samples)]
    return Interpolation(samples, placements, np.array(distances))


def mean_distance(a: PoseSequence, b: PoseSequence) -> float:
    """Mean distance of all keypoints of two sequences over the frames that both have."""
    T = min(len(a), len(b))
    return float(np.linalg.norm(a.keypoints[:T] - b.keypoints[:T], axis=-1).mean(dtype=np.float64))


def _sample(
    model: HierarchicalTransformerVAE, frames: int, seed: tuple[int, int], temperature: float, stochasticity: float
) -> Latents:
    """A sample of the prior, B = 1, that depends on no other one."""
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator(model.device).manual_seed(number)
    return model.latent_space.prior(1, frames, generator, model.device, temperature, stochasticity)


def _stacked(points: Sequence[Latents]) -> Latents:
    """Points of B = 1 as one batch; missing chunks are the prior's mean."""
    whole = torch.cat([point.whole for point in points])
    chunks = [point.chunks[0] for point in points if point.chunks is not None]
    return Latents(whole, torch.nn.utils.rnn.pad_sequence(chunks, batch_first=True) if chunks else None)


def _condition_between(start: Tensor | None, end: Tensor | None, share: float) -> Tensor | None:
    """A label switches half way; a vector is interpolated linearly."""
    if start is None or end is None or not start.is_floating_point():
        return start if share < 0.5 else end
    return torch.lerp(start, end, share)


def _placement_between(start: Placement, end: Placement, share: float) -> Placement:
    """The interpolated placement, or that of the first file if only one of them has a picture size."""
    if any(start.size) != any(end.size):
        return start
    center, scale, size = (
        (1 - share) * np.array(a, np.float64) + share * np.array(b, np.float64)
        for a, b in ((start.center, end.center), (start.scale, end.scale), (start.size, end.size))
    )
    width, height, depth = size.round().astype(int).tolist()
    return Placement(tuple(center.tolist()), float(scale), (width, height, depth))
