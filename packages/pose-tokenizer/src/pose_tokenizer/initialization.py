"""What is fitted before anything is learned by gradients: mean, linear basis, prediction, codebooks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from vector_quantize_pytorch import FSQ, ResidualVQ

from pose_tokenizer.config import GRID_LEVELS, grid_dims
from pose_tokenizer.nn.features import hold_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pose_core import PoseSequence
    from pose_tokenizer.config import TokenizerConfig
    from pose_tokenizer.data.dataset import TrainingBatch
    from pose_tokenizer.model import PoseTokenizer

RIDGE = 0.02  # holds the prediction back where the latents hardly vary; in squared weighted shoulder widths
KMEANS_ROUNDS = 8
FITTING_SEED = 1
CODE_DECAY = 0.999
GRID_EDGE = 1.51  # outermost of the four best levels for a normal distribution (Max 1960), in standard deviations
DEAD = 0.01  # codes taken less often than that in a batch, on average, are replaced


def residual_vq(config: TokenizerConfig) -> ResidualVQ:
    """The quantizer as it learns: moving averages, from `fit_codebooks` on; dead codes are replaced.

    Deep codebooks see only the blocks that get so far: quantizer dropout by cost, so each prefix decodes, too.
    """
    return ResidualVQ(
        dim=config.latent_dim,
        num_quantizers=config.num_quantizers,
        codebook_size=config.codebook_size,
        decay=CODE_DECAY,
        threshold_ema_dead_code=DEAD,
        rotation_trick=False,
    )


def mean_pose(sequences: Sequence[PoseSequence]) -> Tensor:
    """(K, 2) mean of the keypoints where they were seen, 0 for one that never was."""
    K = sequences[0].skeleton.num_keypoints
    total, count = torch.zeros(K, 2, dtype=torch.float64), torch.zeros(K, 1, dtype=torch.float64)
    for sequence in sequences:
        seen = torch.from_numpy(sequence.confidence > 0)[..., None].double()
        total += (torch.from_numpy(sequence.keypoints) * seen).sum(dim=0)
        count += seen.sum(dim=0)
    return (total / count.clamp(min=1)).float()


@torch.no_grad()
def fit_linear(model: PoseTokenizer, batches: Callable[[], Iterable[TrainingBatch]]) -> Tensor:
    """Sets basis and prediction by all blocks: principal components, and least squares from block to block.

    Args:
        batches: gives the clips, each time the same.

    Returns:
        What the prediction leaves of every block, (blocks, C), for the codebooks.
    """
    width = len(model.basis)
    covariance, number = torch.zeros(width, width, dtype=torch.float64), 0
    for batch in batches():
        blocks = clip_blocks(model, batch)[batch.mask].double()
        covariance += blocks.T @ blocks
        number += len(blocks)
    _, vectors = torch.linalg.eigh(covariance / number)
    C = model.basis.shape[1]
    model.basis[:, : min(C, width)] = vectors.flip(1)[:, :C].float()
    past, cross = torch.zeros(2, C, C, dtype=torch.float64)
    firsts = []
    for batch in batches():
        latents = clip_blocks(model, batch) @ model.basis
        firsts.append(latents[:, 0])
        later = batch.mask[:, 1:]
        before, now = latents[:, :-1][later].double(), latents[:, 1:][later].double()
        past += before.T @ before
        cross += before.T @ now
    transition = torch.linalg.solve(past / number + RIDGE * torch.eye(C, dtype=past.dtype), cross / number)
    model.quantizer.transition.weight.copy_(transition.T)
    model.quantizer.transition.bias.zero_()
    model.quantizer.start.copy_(torch.cat(firsts).mean(dim=0))
    left = []
    for batch in batches():
        latents = clip_blocks(model, batch) @ model.basis
        left.append(model.quantizer.residuals(latents, latents)[batch.mask])
    return torch.cat(left)


def fit_codebooks(model: PoseTokenizer, vq: ResidualVQ, left: Tensor) -> None:
    """Codebooks by k-means, each on what those before it leave of (blocks, C); the averages go on from there."""
    size, state = model.config.codebook_size, vq.state_dict()
    random = np.random.default_rng(FITTING_SEED)
    rows = left.numpy()
    if len(rows) < size:
        rows = rows[random.integers(len(rows), size=size)]
    for q in range(model.config.num_quantizers):
        means = KMeans(size, init="random", n_init=1, max_iter=KMEANS_ROUNDS, random_state=FITTING_SEED + q)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different blocks than codes
            codes = means.fit_predict(rows)
        centers = torch.from_numpy(means.cluster_centers_).float()
        rows = rows - centers.numpy()[codes]
        counts = torch.from_numpy(np.bincount(codes, minlength=size)).float()
        fitted = {"embed": centers, "embed_avg": centers * counts[:, None], "cluster_size": counts}
        state |= {f"layers.{q}._codebook.{name}": value[None] for name, value in fitted.items()}
        state[f"layers.{q}._codebook.initted"] = torch.tensor(True)
    vq.load_state_dict(state)
    take_codebooks(model, vq)


@torch.no_grad()
def continue_codebooks(model: PoseTokenizer, vq: ResidualVQ, batches: Iterable[TrainingBatch]) -> None:
    """Has the moving averages go on from a trained model's codebooks, with the counts of their codes in clips.

    A code that no clip uses counts once: training may need it yet, and replaces it if not.
    """
    Q, size, _ = model.quantizer.codebooks.shape
    counts = torch.ones(Q, size)
    for batch in batches:
        latents = model.latents(
            clip_blocks(model, batch), batch.seen.unflatten(1, (-1, model.block_frames)), batch.mask
        )
        codes, _ = model.quantizer.quantize(latents, rate=0.0)
        for q in range(Q):
            counts[q] += torch.bincount(codes[..., q][batch.mask], minlength=size)
    state = vq.state_dict()
    for q, centers in enumerate(model.quantizer.codebooks):
        fitted = {"embed": centers, "embed_avg": centers * counts[q][:, None], "cluster_size": counts[q]}
        state |= {f"layers.{q}._codebook.{name}": value[None] for name, value in fitted.items()}
        state[f"layers.{q}._codebook.initted"] = torch.tensor(True)
    vq.load_state_dict(state)


def fit_grids(model: PoseTokenizer, left: Tensor) -> None:
    """Codebooks that are grids (finite scalar quantization, Mentzer et al. 2023) along components of (blocks, C).

    Each takes the next few components. Residual ones go over half as many components twice, the second time finer.
    """
    config, C = model.config, left.shape[1]
    dims, Q = grid_dims(config.codebook_size), config.num_quantizers
    scalars = FSQ([GRID_LEVELS] * dims, preserve_symmetry=True)
    grid = scalars.get_buffer("implicit_codebook")  # (V, dims) from -1 to 1
    variances, directions = torch.linalg.eigh(left.T @ left / len(left))
    variances, directions = variances.flip(0).clamp(min=0), directions.flip(1)
    rounds = 2 if config.quantizer == "residual_fsq" else 1
    groups = -(-Q // rounds)
    for q in range(Q):
        first = q % groups * dims
        own = slice(first, min(first + dims, C))
        scales = GRID_EDGE * variances[own].sqrt() / GRID_LEVELS ** (q // groups)  # (dims,), fewer at the end
        model.quantizer.codebooks[q] = (grid[:, : len(scales)] * scales) @ directions[:, own].T


def take_codebooks(model: PoseTokenizer, vq: ResidualVQ) -> None:
    """The model quantizes by the codebooks as they are now."""
    model.quantizer.codebooks.copy_(vq.codebooks.detach())


def clip_blocks(model: PoseTokenizer, batch: TrainingBatch) -> Tensor:
    """A batch as blocks (B, N, block_frames * F)."""
    before = model.features.mean.expand(len(batch.keypoints), -1, -1)
    return model.blocks(hold_missing(batch.keypoints, batch.seen, before), batch.seen)
