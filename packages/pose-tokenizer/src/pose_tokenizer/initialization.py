"""Initialization from the training clips, before gradients: mean pose, linear basis, prediction and codebooks."""

from __future__ import annotations

import itertools
import warnings
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.utils.data import DataLoader
from vector_quantize_pytorch import FSQ, ResidualVQ

from pose_core.command_line import say
from pose_core.transforms.temporal import hold
from pose_tokenizer.config import GRID_LEVELS, grid_dims
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, TrainingBatch, collate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pose_core import PoseSequence
    from pose_tokenizer.config import RunConfig, TokenizerConfig
    from pose_tokenizer.model import PoseTokenizer

RIDGE = 0.02  # regularizes the prediction of latents that hardly vary; in squared weighted shoulder widths
KMEANS_ROUNDS = 8
FITTING_SEED = 1
CODE_DECAY = 0.999  # of the codebooks' moving averages
GRID_EDGE = 1.51  # outermost of the four best levels for a normal distribution (Max 1960), in standard deviations
DEAD_CODE_COUNT = 0.01  # codes that are taken less often per batch, on average, are replaced


def initialize(
    model: PoseTokenizer, vq: ResidualVQ | None, sequences: Sequence[PoseSequence], config: RunConfig
) -> None:
    """Fits everything that needs no gradients.

    Args:
        model: the tokenizer to fit.
        vq: the codebooks while they learn, see `residual_vq`; None for grids.
        sequences: prepared clips.
        config: of the run.
    """
    say("fitting basis and codebooks")
    model.features.mean.copy_(mean_pose(sequences))
    residuals = fit_linear(model, partial(fitting_batches, sequences, config))
    if vq is None:
        fit_grids(model, residuals)
    else:
        fit_codebooks(model, vq, residuals)


def initialize_from(
    source: PoseTokenizer,
    model: PoseTokenizer,
    vq: ResidualVQ | None,
    sequences: Sequence[PoseSequence],
    config: RunConfig,
) -> None:
    """Gives a model the weights of `source`, for fine-tuning; otherwise as `initialize`.

    Layers over latents that the source lacks stay as they are: they change nothing yet.
    """
    model.load_state_dict(model.state_dict() | source.state_dict())
    if vq is not None:
        continue_codebooks(model, vq, fitting_batches(sequences, config))


def fitting_batches(sequences: Sequence[PoseSequence], config: RunConfig) -> Iterator[TrainingBatch]:
    """The clips and, until there are `fitting_blocks`, augmented copies of them; each time the same."""
    to_batch = partial(collate, block_frames=config.downsampling)
    blocks = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(FITTING_SEED)
        for copy in itertools.count():
            clips = ClipDataset(sequences, augmentation=Augmentation() if copy else None)
            for batch in DataLoader(clips, batch_size=config.batch_size, shuffle=True, collate_fn=to_batch):
                yield batch
                blocks += int(batch.block_mask.sum())
                if blocks >= config.fitting_blocks:
                    return


def residual_vq(config: TokenizerConfig) -> ResidualVQ:
    """The codebooks while they learn: exponential moving averages of what they quantize; dead codes are replaced.

    Deep codebooks see only the blocks that take so many codes: quantizer dropout by cost, so each prefix decodes, too.
    """
    return ResidualVQ(
        dim=config.latent_dim,
        num_quantizers=config.num_quantizers,
        codebook_size=config.codebook_size,
        decay=CODE_DECAY,
        threshold_ema_dead_code=DEAD_CODE_COUNT,
        rotation_trick=False,
    )


def mean_pose(sequences: Sequence[PoseSequence]) -> Tensor:
    """(K, D) mean of each keypoint where it is visible, 0 if it never is."""
    skeleton = sequences[0].skeleton
    K, D = skeleton.num_keypoints, skeleton.num_dims
    total, count = torch.zeros(K, D, dtype=torch.float64), torch.zeros(K, 1, dtype=torch.float64)
    for sequence in sequences:
        visible = torch.from_numpy(sequence.visible)[..., None].double()
        total += (torch.from_numpy(sequence.keypoints) * visible).sum(dim=0)
        count += visible.sum(dim=0)
    return (total / count.clamp(min=1)).float()


@torch.no_grad()
def fit_linear(model: PoseTokenizer, batches: Callable[[], Iterable[TrainingBatch]]) -> Tensor:
    """Fits the basis, by principal components, and the prediction, by least squares from block to block.

    Args:
        model: its basis and its quantizer's prediction are set.
        batches: gives the clips, each time the same.

    Returns:
        (blocks, C) residuals of the prediction, for the codebooks.
    """
    width, C = model.basis.shape
    covariance, number = torch.zeros(width, width, dtype=torch.float64), 0
    for batch in batches():
        blocks = clip_blocks(model, batch)[batch.block_mask].double()
        covariance += blocks.T @ blocks
        number += len(blocks)
    _, vectors = torch.linalg.eigh(covariance / number)
    model.basis[:, : min(C, width)] = vectors.flip(1)[:, :C].float()
    past, cross = torch.zeros(2, C, C, dtype=torch.float64)
    firsts = []
    for batch in batches():
        latents = clip_blocks(model, batch) @ model.basis
        firsts.append(latents[:, 0])
        has_previous = batch.block_mask[:, 1:]
        previous, current = latents[:, :-1][has_previous].double(), latents[:, 1:][has_previous].double()
        past += previous.T @ previous
        cross += previous.T @ current
    transition = torch.linalg.solve(past / number + RIDGE * torch.eye(C, dtype=past.dtype), cross / number)
    model.quantizer.transition.weight.copy_(transition.T)
    model.quantizer.transition.bias.zero_()
    model.quantizer.start.copy_(torch.cat(firsts).mean(dim=0))
    residuals = []
    for batch in batches():
        latents = clip_blocks(model, batch) @ model.basis
        residuals.append(model.quantizer.residuals(latents, latents)[batch.block_mask])
    return torch.cat(residuals)


def fit_codebooks(model: PoseTokenizer, vq: ResidualVQ, residuals: Tensor) -> None:
    """Fits the codebooks by k-means to (blocks, C), each to what those before it leave, and starts the averages."""
    size = model.config.codebook_size
    random = np.random.default_rng(FITTING_SEED)
    rows = residuals.numpy()
    if len(rows) < size:
        rows = rows[random.integers(len(rows), size=size)]
    books, counts = [], []
    for q in range(model.config.num_quantizers):
        means = KMeans(size, init="random", n_init=1, max_iter=KMEANS_ROUNDS, random_state=FITTING_SEED + q)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different blocks than codes
            codes = means.fit_predict(rows)
        books.append(torch.from_numpy(means.cluster_centers_).float())
        counts.append(torch.from_numpy(np.bincount(codes, minlength=size)).float())
        rows = rows - books[-1].numpy()[codes]
    set_averages(vq, books, counts)
    copy_codebooks(model, vq)


@torch.no_grad()
def continue_codebooks(model: PoseTokenizer, vq: ResidualVQ, batches: Iterable[TrainingBatch]) -> None:
    """Starts the averages at a trained model's codebooks, with the counts of their codes in the clips.

    A code that no clip uses counts once: training may need it yet, and replaces it if not.
    """
    Q, size, _ = model.quantizer.codebooks.shape
    counts = torch.ones(Q, size)
    for batch in batches:
        codes = model.encode(batch.keypoints, batch.visible, batch.block_mask, lmbda=0.0).codes
        for q in range(Q):
            counts[q] += torch.bincount(codes[..., q][batch.block_mask], minlength=size)
    set_averages(vq, model.quantizer.codebooks, counts)


def set_averages(vq: ResidualVQ, books: Iterable[Tensor], counts: Iterable[Tensor]) -> None:
    """Sets the moving averages: codebooks (V, C) and how often each of their codes was taken (V,)."""
    state = vq.state_dict()
    for q, (centers, count) in enumerate(zip(books, counts, strict=True)):
        averages = {"embed": centers, "embed_avg": centers * count[:, None], "cluster_size": count}
        state |= {f"layers.{q}._codebook.{name}": value[None] for name, value in averages.items()}
        state[f"layers.{q}._codebook.initted"] = torch.tensor(True)
    vq.load_state_dict(state)


def fit_grids(model: PoseTokenizer, residuals: Tensor) -> None:
    """Sets codebooks that are grids (finite scalar quantization, Mentzer et al. 2023, https://arxiv.org/abs/2309.15505).

    Each grid lies along the next few principal components of (blocks, C). With `residual_fsq`, half as many components
    are quantized twice, the second time finer.
    """
    config, C = model.config, residuals.shape[1]
    dims, Q = grid_dims(config.codebook_size), config.num_quantizers
    scalars = FSQ([GRID_LEVELS] * dims, preserve_symmetry=True)
    grid = scalars.get_buffer("implicit_codebook")  # (V, dims) from -1 to 1
    variances, directions = torch.linalg.eigh(residuals.T @ residuals / len(residuals))
    variances, directions = variances.flip(0).clamp(min=0), directions.flip(1)
    rounds = 2 if config.quantizer == "residual_fsq" else 1
    groups = -(-Q // rounds)
    for q in range(Q):
        first = q % groups * dims
        components = slice(first, min(first + dims, C))
        scales = GRID_EDGE * variances[components].sqrt() / GRID_LEVELS ** (q // groups)  # (dims,), fewer at the end
        model.quantizer.codebooks[q] = (grid[:, : len(scales)] * scales) @ directions[:, components].T


def copy_codebooks(model: PoseTokenizer, vq: ResidualVQ) -> None:
    """Has the model quantize by the codebooks as they are now."""
    model.quantizer.codebooks.copy_(vq.codebooks.detach())


def clip_blocks(model: PoseTokenizer, batch: TrainingBatch) -> Tensor:
    """A batch of whole clips as blocks (B, N, block_frames * F)."""
    return model.blocks(hold(batch.keypoints, batch.visible, model.features.mean), batch.visible)
