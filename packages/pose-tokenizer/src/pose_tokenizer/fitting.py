"""What is fitted before anything is learned by gradients: mean, linear basis, prediction, codebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from vector_quantize_pytorch import ResidualVQ

from pose_tokenizer.features import hold_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pose_core import PoseSequence
    from pose_tokenizer.clips import TrainingBatch
    from pose_tokenizer.config import TokenizerConfig
    from pose_tokenizer.model import PoseTokenizer

RIDGE = 0.02  # holds the prediction back where the latents hardly vary; in squared weighted shoulder widths
KMEANS_ROUNDS = 8
CODE_DECAY = 0.999
DEAD = 0.01  # codes taken less often than that in a batch, on average, are replaced


def residual_vq(config: TokenizerConfig) -> ResidualVQ:
    """The quantizer as it is trained: k-means at first, then moving averages; dead codes are replaced.

    Deep codebooks see only the blocks that get so far: quantizer dropout by cost, so each prefix decodes, too.
    """
    return ResidualVQ(
        dim=config.latent_dim,
        num_quantizers=config.num_quantizers,
        codebook_size=config.codebook_size,
        kmeans_init=True,
        kmeans_iters=KMEANS_ROUNDS,
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
        left.append(model.quantizer.left_over(latents, latents)[batch.mask])
    return torch.cat(left)


def fit_codebooks(model: PoseTokenizer, vq: ResidualVQ, left: Tensor) -> None:
    """Codebooks by k-means, each on what those before it leave of (blocks, C)."""
    vq.train()
    with torch.no_grad():
        vq(left[None])
    take_codebooks(model, vq)


def take_codebooks(model: PoseTokenizer, vq: ResidualVQ) -> None:
    """The model quantizes by the codebooks as they are now."""
    model.quantizer.codebooks.copy_(vq.codebooks.detach())


def clip_blocks(model: PoseTokenizer, batch: TrainingBatch) -> Tensor:
    """A batch as blocks (B, N, block_frames * F)."""
    before = model.features.mean.expand(len(batch.keypoints), -1, -1)
    return model.blocks(hold_missing(batch.keypoints, batch.seen, before), batch.seen)
