"""Sequences as files have them through a model's latents, and back to where they stood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.model_selection import model_skeleton
from pose_core import PoseSequence, UserError
from pose_core.data import collate
from pose_core.transforms import denormalize

if TYPE_CHECKING:
    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE, Poses
    from ht_vae.nn.latent import Latents, Posterior
    from pose_core import Skeleton
    from pose_core.transforms import Placement


@dataclass(frozen=True)
class EncodedSequence:
    """What a model holds of one sequence.

    Attributes:
        original: (T, K, D) as the model saw it, in shoulder widths.
        placement: where it stood.
        posterior: of B = 1.
        condition: what the model was told, as `VAEEncoder` takes it, of B = 1.
    """

    original: PoseSequence
    placement: Placement
    posterior: Posterior
    condition: Tensor | None = None

    @property
    def numbers(self) -> int:
        """How many numbers a point of the latents has."""
        chunks = self.posterior.chunks
        return self.posterior.whole.mean.numel() + (0 if chunks is None else chunks.mean.numel())


@dataclass(frozen=True)
class DecodedSequence:
    """What a model makes of latents, (T, K, D) in shoulder widths.

    Attributes:
        placed: all keypoints, seen or not; confidence 1.
        seen: confidence 1 where the model holds a keypoint to be seen, 0 where it does not.
    """

    placed: PoseSequence
    seen: PoseSequence

    def restored(self, placement: Placement, skeleton: Skeleton | None = None) -> PoseSequence:
        """What is seen, in the coordinates of a file.

        Args:
            placement: where that sequence stands.
            skeleton: the file's; of the model's keypoints those that it has are left, in its order. None: all.
        """
        sequence = denormalize(self.seen, placement)
        if skeleton is None:
            return sequence
        known = set(sequence.skeleton.keypoints)
        kept = [i for i, name in enumerate(skeleton.keypoints) if name in known]
        return sequence.on_skeleton(skeleton.select(kept).with_dims(sequence.skeleton.num_dims))


@torch.inference_mode()
def encode(
    model: HierarchicalTransformerVAE, sequence: PoseSequence, condition: Tensor | None = None
) -> EncodedSequence:
    """Encodes a sequence of any length as a whole: time and memory grow with its frames, not with their square.

    Args:
        sequence: (T, K, D) as a file has it; the model's keypoints are taken by name.
        condition: of B = 1; see `condition_of`.

    Raises:
        UserError: the file lacks a component of the model's skeleton, or no frame shows both shoulders.
    """
    if not len(sequence):
        raise UserError("the pose has no frames; there is nothing to encode")
    original, placement = PoseDataProcessor(skeleton=model_skeleton(model)).process(sequence)
    batch = collate([original]).to(model.device)
    posterior = model.encode(batch.keypoints, batch.confidence, batch.mask, condition)
    return EncodedSequence(original, placement, posterior, condition)


@torch.inference_mode()
def decode(
    model: HierarchicalTransformerVAE,
    latents: Latents,
    frames: int,
    fps: float,
    condition: Tensor | None = None,
) -> DecodedSequence:
    """Decodes latents of B = 1 to so many frames."""
    return decoded(model, model.decode(latents, frames, condition), 0, frames, fps)


def decoded(model: HierarchicalTransformerVAE, poses: Poses, row: int, frames: int, fps: float) -> DecodedSequence:
    """One sequence of a decoded batch, without its padding."""
    keypoints = poses.keypoints[row, :frames].float().cpu().numpy()
    seen = (poses.logits[row, :frames] > 0).float().cpu().numpy()
    placed = PoseSequence(keypoints, np.ones_like(seen), fps, model_skeleton(model))
    return DecodedSequence(placed, replace(placed, confidence=seen))


def reconstruct(
    model: HierarchicalTransformerVAE, sequence: PoseSequence, condition: Tensor | None = None
) -> tuple[EncodedSequence, DecodedSequence]:
    """A sequence as the mean of its posterior tells it; arguments and errors as `encode`'s."""
    encoded = encode(model, sequence, condition)
    latents = model.latent_space.mean(encoded.posterior)
    return encoded, decode(model, latents, len(sequence), sequence.fps, condition)


def condition_of(model: HierarchicalTransformerVAE, given: str | None) -> Tensor | None:
    """What a model is conditioned on, of B = 1.

    Args:
        given: one of its labels, or, for a model conditioned on vectors, an `.npy` file of one. None: nothing.

    Raises:
        UserError: the model needs one and got none, takes none, or takes another.
    """
    labels, size = model.config.labels, model.config.condition_dim
    if not labels and not size:
        if given is not None:
            raise UserError(f"--condition {given}: the model {model.name} is unconditional; leave it out")
        return None
    if given is None:
        what = f"a label: {some(labels)}" if labels else f"an .npy file of {size} numbers"
        raise UserError(f"the model {model.name} is conditional; name with --condition {what}")
    if labels:
        if given not in labels:
            raise UserError(f"--condition {given}: the model {model.name} knows no such label; it has {some(labels)}")
        return torch.tensor([labels.index(given)], device=model.device)
    return torch.from_numpy(_vector(Path(given), size))[None].to(model.device)


def some(labels: tuple[str, ...], most: int = 12) -> str:
    """Labels in a line."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _vector(path: Path, size: int) -> np.ndarray:
    try:
        vector = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, EOFError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as an .npy file of {size} numbers") from error
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise UserError(f"{path}: holds {vector.shape} numbers; the model is conditioned on ({size},), all finite")
    return vector
