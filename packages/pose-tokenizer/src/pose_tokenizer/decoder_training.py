"""Training of the decoder once codes are final: of its layers over latents, then of all of it.

Layers over latents learn without a pose being decoded, which makes steps cheap; all of it learns from decoded poses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from pose_core.command_line import say
from pose_core.training.stage import Stage
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.data.augmentation import WIDE, Augmentation
from pose_tokenizer.data.coded_examples import random_coded_examples
from pose_tokenizer.data.dataset import TrainingBatch
from pose_tokenizer.losses import Reconstruction
from pose_tokenizer.nn.quantizer import num_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pose_core import PoseSequence
    from pose_tokenizer.config import RunConfig
    from pose_tokenizer.data.coded_examples import CodedExample
    from pose_tokenizer.losses import TokenizerLoss
    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.nn.latent_network import LatentNetwork

LMBDA_RANGE = (0.12, 5.0)  # from 10 to 40 bits per frame, packed
BATCH = 20  # clips
LEARNING_RATE = 1.5e-3
WARMUP = 0.05  # of the steps
EMA_DECAY = 0.998
WEIGHT_DECAY = 0.05
DECODER_BATCH = 16  # clips
DECODER_LEARNING_RATE = 1e-3
DECODER_EMA_DECAY = 0.99
LMBDA_OFFSET = 0.05  # added to lambda, whose inverse root is a clip's weight: errors are small where it is
MEASURED = 512  # coded clips by which inputs and outputs are scaled
REPORTS = 10


def train_latent_network(model: PoseTokenizer, clips: Sequence[PoseSequence], config: RunConfig) -> float:
    """Trains a model's layers over latents for `latent_steps` on `latent_blocks`; the averaged weights are kept.

    The loss is the squared error in the coordinates of the linear basis, in which errors weigh as in the basis itself.

    Args:
        model: whose other parts are trained; they stay as they are.
        clips: prepared, see `prepare`.
        config: of the run.

    Returns:
        The root mean squared error over that of quantized latents, over the last tenth of the steps.
    """
    network = model.latent_network
    if network is None:
        raise TypeError("the model has no layers over latents")
    coded = _code(model, clips, config.latent_blocks, WIDE, config, seed=config.seed)
    if not network.head.weight.any():  # else it goes on from what it was trained for
        measured = np.random.default_rng(config.seed).integers(len(coded), size=MEASURED)
        _scale(network, model, [coded[i] for i in measured])
    steps = config.latent_steps
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        stage = Stage(
            network,
            steps,
            learning_rate=LEARNING_RATE,
            warmup=WARMUP,
            ema_decay=EMA_DECAY,
            weight_decay=WEIGHT_DECAY,
        )
        totals, ratio = torch.zeros(2), 1.0
        for step in range(1, steps + 1):
            drawn = [coded[int(i)] for i in torch.randint(len(coded), (BATCH,))]
            squared, quantized, mask = _squared_errors(network, model, drawn)
            weight = _importance(drawn, model.device)[:, None]
            stage.step((squared * weight).sum() / (mask * weight).sum())
            totals += torch.stack([squared.detach().sum(), quantized.sum()]).cpu()
            if step % max(1, steps // REPORTS) == 0:
                ratio = float((totals[0] / totals[1]).sqrt())
                say(f"step {step:,} of {steps:,}: {ratio:.3f} times the error of quantized latents")
                totals.zero_()
        stage.finish()
    return ratio


def train_decoder(model: PoseTokenizer, clips: Sequence[PoseSequence], config: RunConfig, loss: TokenizerLoss) -> float:
    """Trains all of a model's decoder for `decoder_steps` on `decoder_blocks`; the averaged weights are kept.

    Args:
        model: whose codes are final.
        clips: prepared, see `prepare`.
        config: of the run.
        loss: its components of decoded poses count.

    Returns:
        The mean loss of the last tenth of the steps.
    """
    coded = _code(model, clips, config.decoder_blocks, Augmentation(), config, seed=config.seed + 1)
    parts = nn.ModuleList([model.decoder, model.context, model.depth])
    if model.latent_network is not None:
        parts.append(model.latent_network)
    steps, losses = config.decoder_steps, []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        stage = Stage(
            parts,
            steps,
            learning_rate=DECODER_LEARNING_RATE,
            warmup=WARMUP,
            ema_decay=DECODER_EMA_DECAY,
            weight_decay=WEIGHT_DECAY,
        )
        for step in range(1, steps + 1):
            drawn = [coded[int(i)] for i in torch.randint(len(coded), (DECODER_BATCH,))]
            components = loss.components(*_decoded(model, drawn))
            total = torch.stack([weight * value for weight, value in components.values()]).sum()
            stage.step(total)
            losses.append(float(total.detach()))
            if step % max(1, steps // REPORTS) == 0:
                say(f"step {step:,} of {steps:,}: loss {np.mean(losses[-max(1, steps // REPORTS) :]):.5f}")
        stage.finish()
    return float(np.mean(losses[-max(1, steps // REPORTS) :]))


def _code(
    model: PoseTokenizer,
    clips: Sequence[PoseSequence],
    blocks: int,
    augmentation: Augmentation,
    config: RunConfig,
    *,
    seed: int,
) -> list[CodedExample]:
    """So many coded blocks of augmented clips."""
    return [
        *random_coded_examples(
            model,
            clips,
            blocks,
            lmbda_range=LMBDA_RANGE,
            augmentation=augmentation,
            seed=seed,
            sequence_length=config.sequence_length,
        )
    ]


def _importance(coded: Sequence[CodedExample], device: torch.device) -> Tensor:
    """(B,) weights of clips in the loss."""
    return torch.tensor([(each.lmbda + LMBDA_OFFSET) ** -0.5 for each in coded], device=device)


def _decoded(model: PoseTokenizer, coded: Sequence[CodedExample]) -> tuple[TrainingBatch, Reconstruction]:
    """Clips as a batch, and as they are decoded."""
    quantized, counts, mask = _dequantized(model, coded)
    decoded, logits = model.frames(quantized, counts, mask)
    keypoints, visible, frame_mask = (
        pad_sequence([getattr(each.example, name) for each in coded], batch_first=True).to(model.device)
        for name in ("keypoints", "visible", "frame_mask")
    )
    batch = TrainingBatch(keypoints.float(), visible, mask, frame_mask)
    importance = _importance(coded, model.device)
    return batch, Reconstruction(decoded, logits, commitment=decoded.new_zeros(()), importance=importance)


@torch.no_grad()
def _dequantized(model: PoseTokenizer, coded: Sequence[CodedExample]) -> tuple[Tensor, Tensor, Tensor]:
    """Quantized latents (B, N, C), numbers of codes (B, N), and the mask (B, N) of clips."""
    codes = padded_codes(coded).to(model.device)
    lengths = torch.tensor([len(each.codes) for each in coded], device=model.device)
    mask = torch.arange(codes.shape[1], device=model.device) < lengths[:, None]
    return model.quantizer.dequantize(codes), num_codes(codes), mask


def padded_codes(coded: Sequence[CodedExample]) -> Tensor:
    """Codes (B, N, Q) of clips, `NO_CODE` in padding."""
    return pad_sequence(
        [torch.from_numpy(each.codes).long() for each in coded], batch_first=True, padding_value=NO_CODE
    )


def _squared_errors(
    network: LatentNetwork, model: PoseTokenizer, clips: Sequence[CodedExample]
) -> tuple[Tensor, Tensor, Tensor]:
    """Squared errors (B, N) of corrected and of quantized latents, 0 in padding, and the mask (B, N)."""
    quantized, counts, mask = _dequantized(model, clips)
    aim = pad_sequence([each.example.target.float() for each in clips], batch_first=True).to(model.device)
    corrected = network(quantized, counts, mask)
    of_corrected, of_quantized = ((each - aim).square().sum(dim=-1) * mask for each in (corrected, quantized))
    return of_corrected, of_quantized, mask


@torch.no_grad()
def _scale(network: LatentNetwork, model: PoseTokenizer, clips: Sequence[CodedExample]) -> None:
    """Sets the units of inputs and outputs."""
    aims = torch.cat([each.example.target.float() for each in clips]).to(model.device)
    quantized = [
        model.quantizer.dequantize(torch.from_numpy(each.codes).long()[None].to(model.device))[0] for each in clips
    ]
    network.deviations.copy_(aims.std(dim=0).clamp(min=1e-4))
    network.errors.copy_((aims - torch.cat(quantized)).std(dim=0).clamp(min=1e-6))
