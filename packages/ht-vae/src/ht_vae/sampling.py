"""New sequences: points of the prior, and what lies between two sequences."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ht_vae.codec import DecodedSequence, decode, decoded
from ht_vae.nn.latent import Latents
from pose_core import UserError
from pose_core.transforms import Placement, denormalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from ht_vae.codec import EncodedSequence
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core import PoseSequence

BATCH = 16  # sequences that are decoded at once
PICTURE = (512, 512, 0)  # pixels of the picture that samples stand in


def generate(
    model: HierarchicalTransformerVAE,
    lengths: Sequence[int],
    *,
    condition: Tensor | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    batch_size: int = BATCH,
) -> Iterator[DecodedSequence]:
    """Decodes points of the prior. Each sample is drawn by itself: how many there are changes none of them.

    Args:
        lengths: frames of each sample.
        condition: of B = 1, the same for all, or of a row a sample.
        seed: of all samples.
        temperature: see `Prior.draw`.
        batch_size: samples that are decoded at once.
    """
    for start in range(0, len(lengths), batch_size):
        part = lengths[start : start + batch_size]
        told = condition
        if condition is not None and len(condition) == 1:
            told = condition.expand(len(part), *condition.shape[1:])
        elif condition is not None:
            told = condition[start : start + batch_size]
        with torch.inference_mode():
            drawn = [_drawn(model, frames, (seed, start + i), temperature) for i, frames in enumerate(part)]
            poses = model.decode(_stacked(drawn), torch.tensor(part, device=model.device), told)
            made = [decoded(model, poses, i, frames, model.config.fps) for i, frames in enumerate(part)]
        yield from made


def stand(sequence: PoseSequence, *, in_picture: bool) -> PoseSequence:
    """A sequence in shoulder widths put where files have theirs.

    Args:
        sequence: its origin is the middle of the shoulders.
        in_picture: in the middle of a picture, in pixels. Otherwise, as in landmark CSVs, the middle of the hips is the
            origin, its mean over the frames that show both; in shoulder widths.
    """
    if in_picture:
        return denormalize(sequence, Placement.default(PICTURE, sequence.skeleton.num_dims))
    hips = sequence.skeleton.hips()
    both = (sequence.confidence[:, hips] > 0).all(axis=1) if len(hips) == 2 else np.zeros(len(sequence), bool)
    if not both.any():
        return sequence
    middle = sequence.keypoints[both][:, hips].mean(axis=(0, 1))
    seen = (sequence.confidence > 0)[..., None]
    return replace(sequence, keypoints=np.where(seen, sequence.keypoints - middle, 0).astype(np.float32))


@dataclass(frozen=True)
class Interpolation:
    """The way from one sequence to another.

    Attributes:
        steps: the sequences, the first and the last being the reconstructions of the two.
        placements: where each of them stands.
        distances: (N - 1,) from each to the next: mean distance of a keypoint, over the frames that both have, in
            shoulder widths.
    """

    steps: list[DecodedSequence]
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
    steps: int,
    *,
    spherical: bool = False,
) -> Interpolation:
    """Sequences evenly apart from one to another: latents, length, frame rate and place go over together.

    Args:
        steps: how many sequences, both ends counted; at least 2.
        spherical: see `LatentSpace.interpolate`.

    Raises:
        UserError: fewer than 2 steps.
    """
    if steps < 2:
        raise UserError(f"{steps} steps from one sequence to another: it takes at least 2, its ends")
    space = model.latent_space
    between = space.interpolate(space.mean(start.posterior), space.mean(end.posterior), steps, spherical=spherical)
    made, placements = [], []
    for i, share in enumerate(np.linspace(0, 1, steps).tolist()):
        latents = Latents(between.whole[i : i + 1], None if between.chunks is None else between.chunks[i : i + 1])
        frames = round((1 - share) * len(start.original) + share * len(end.original))
        fps = (1 - share) * start.original.fps + share * end.original.fps
        condition = _condition_between(start.condition, end.condition, share)
        made.append(decode(model, latents, frames, fps, condition))
        placements.append(_placement_between(start.placement, end.placement, share))
    distances = [distance(a.placed, b.placed) for a, b in itertools.pairwise(made)]
    return Interpolation(made, placements, np.array(distances))


def distance(a: PoseSequence, b: PoseSequence) -> float:
    """Mean distance of all keypoints of two sequences over the frames that both have."""
    T = min(len(a), len(b))
    return float(np.linalg.norm(a.keypoints[:T] - b.keypoints[:T], axis=-1).mean(dtype=np.float64))


def _drawn(model: HierarchicalTransformerVAE, frames: int, seed: tuple[int, int], temperature: float) -> Latents:
    """A point of the prior that no other one depends on."""
    number = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)
    generator = torch.Generator(model.device).manual_seed(number)
    return model.latent_space.prior(1, frames, generator, model.device, temperature)


def _stacked(points: Sequence[Latents]) -> Latents:
    """Points of B = 1 as one batch; missing chunks are the prior's mean."""
    whole = torch.cat([point.whole for point in points])
    chunks = [point.chunks[0] for point in points if point.chunks is not None]
    return Latents(whole, torch.nn.utils.rnn.pad_sequence(chunks, batch_first=True) if chunks else None)


def _condition_between(start: Tensor | None, end: Tensor | None, share: float) -> Tensor | None:
    """A label changes half way; a vector goes over evenly."""
    if start is None or end is None or not start.is_floating_point():
        return start if share < 0.5 else end
    return torch.lerp(start, end, share)


def _placement_between(start: Placement, end: Placement, share: float) -> Placement:
    """Where a step stands: on the way, or where the first stood if the two are not of one kind of file."""
    if any(start.size) != any(end.size):
        return start
    center, scale, size = (
        (1 - share) * np.array(a, np.float64) + share * np.array(b, np.float64)
        for a, b in ((start.center, end.center), (start.scale, end.scale), (start.size, end.size))
    )
    width, height, depth = size.round().astype(int).tolist()
    return Placement(tuple(center.tolist()), float(scale), (width, height, depth))
