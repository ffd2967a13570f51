"""Pose sequences, as files have them, to latents and back to where they were."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ht_vae.data.completion import complete
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.latent_optimization import STEPS, optimize_latents
from pose_core import PoseSequence, UserError
from pose_core.data import collate
from pose_core.transforms import denormalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ht_vae.model import HierarchicalTransformerVAE, Poses
    from ht_vae.nn.latent import Latents, Posterior
    from pose_core import Skeleton
    from pose_core.data import PoseBatch
    from pose_core.transforms import Placement


@dataclass(frozen=True)
class EncodedSequence:
    """A sequence and its posterior.

    Attributes:
        original: (T, K, D) in shoulder widths, on the model's skeleton, before `complete` fills in what it lacks.
        placement: its position and scale in the file.
        posterior: of B = 1.
        condition: as `HierarchicalTransformerVAE.encode` takes it, of B = 1.
        optimization_steps: see `encode`.
    """

    original: PoseSequence
    placement: Placement
    posterior: Posterior
    condition: Tensor | None = None
    optimization_steps: int = 0

    @property
    def num_latents(self) -> int:
        """Numbers in a point of its latents."""
        chunks = self.posterior.chunks
        return self.posterior.whole.mean.numel() + (0 if chunks is None else chunks.mean.numel())


@dataclass(frozen=True)
class DecodedSequence:
    """Decoded poses, (T, K, D) in shoulder widths.

    Attributes:
        dense: all keypoints, predicted visible or not; confidence 1.
        sequence: confidence 1 where a keypoint is predicted visible, 0 where it is not.
    """

    dense: PoseSequence
    sequence: PoseSequence

    def restored(self, placement: Placement, skeleton: Skeleton | None = None) -> PoseSequence:
        """The keypoints predicted visible, in the coordinates of a file.

        Args:
            placement: of that file's sequence.
            skeleton: the file's; the model's keypoints that it has are selected, in its order. None: all.
        """
        sequence = denormalize(self.sequence, placement)
        if skeleton is None:
            return sequence
        known = set(sequence.skeleton.keypoints)
        selected = [i for i, name in enumerate(skeleton.keypoints) if name in known]
        return sequence.on_skeleton(skeleton.select(selected).with_dims(sequence.skeleton.num_dims))


@torch.inference_mode()
def encode(
    model: HierarchicalTransformerVAE,
    sequence: PoseSequence,
    condition: Tensor | None = None,
    *,
    optimization_steps: int = STEPS,
) -> EncodedSequence:
    """Encodes a sequence of any length as a whole: time and memory grow linearly with its frames.

    Args:
        model: see `load_model`.
        sequence: (T, K, D) as a file has it; the model's keypoints are selected by name.
        condition: of B = 1; see `read_condition`.
        optimization_steps: of `optimize_latents`; 0: the encoder's own latents, much faster.

    Raises:
        UserError: the file lacks a component of the model's skeleton other than a face, or no frame shows both
            shoulders.
    """
    if not len(sequence):
        raise UserError("the pose has no frames; there is nothing to encode")
    original, placement = PoseDataProcessor(skeleton=model.skeleton).process(sequence)
    batch, visible = encoder_batch(model, [original])
    posterior = model.encode(batch.keypoints, batch.confidence, batch.mask, condition)
    posterior = optimize_latents(
        model, posterior, batch.keypoints, visible, batch.mask, condition, steps=optimization_steps
    )
    return EncodedSequence(original, placement, posterior, condition, optimization_steps)


def encoder_batch(model: HierarchicalTransformerVAE, originals: Sequence[PoseSequence]) -> tuple[PoseBatch, Tensor]:
    """Input of the encoder: sequences completed by `complete`, in a padded batch.

    Args:
        model: whose mean pose fills in missing keypoints.
        originals: B sequences (T, K, D) on the model's skeleton, in shoulder widths.

    Returns:
        The batch, and the mask (B, T, K) of keypoints visible in `originals`, which excludes those filled in.
    """
    mean = model.basis.center.cpu().numpy()
    batch = collate([complete(original, mean) for original in originals]).to(model.device)
    return batch, collate(originals).confidence.to(model.device) > 0


@torch.inference_mode()
def decode(
    model: HierarchicalTransformerVAE,
    latents: Latents,
    frames: int,
    fps: float,
    condition: Tensor | None = None,
) -> DecodedSequence:
    """Decodes latents of B = 1 to so many frames."""
    return decoded_sequence(model, model.decode(latents, frames, condition), 0, frames, fps)


def decoded_sequence(
    model: HierarchicalTransformerVAE, poses: Poses, row: int, frames: int, fps: float
) -> DecodedSequence:
    """One sequence of a decoded batch, without its padding."""
    keypoints = poses.keypoints[row, :frames].float().cpu().numpy()
    visible = (poses.logits[row, :frames] > 0).float().cpu().numpy()
    dense = PoseSequence(keypoints, np.ones_like(visible), fps, model.skeleton)
    return DecodedSequence(dense, replace(dense, confidence=visible))


def reconstruct(
    model: HierarchicalTransformerVAE,
    sequence: PoseSequence,
    condition: Tensor | None = None,
    *,
    optimization_steps: int = STEPS,
) -> tuple[EncodedSequence, DecodedSequence]:
    """A sequence encoded, and decoded from the posterior's mean; arguments and errors as `encode`'s.

    A component that the sequence shows in no frame, as a face, is missing in the decoded one, too.
    """
    encoded = encode(model, sequence, condition, optimization_steps=optimization_steps)
    latents = model.latent_space.mean(encoded.posterior)
    decoded = decode(model, latents, len(sequence), sequence.fps, condition)
    return encoded, without_unseen(decoded, encoded.original)


def without_unseen(decoded: DecodedSequence, *originals: PoseSequence) -> DecodedSequence:
    """A decoded sequence without the components that none of the sequences it comes from shows in any frame.

    Latents do not say that: the encoder gets the model's mean face where there is none, see `complete`.
    """
    sequence = decoded.sequence
    seen = np.any([original.visible.any(axis=0) for original in originals], axis=0)  # (K,)
    slices = [sequence.skeleton.slice_of(component.name) for component in sequence.skeleton.components]
    unseen = [part for part in slices if not seen[part].any()]
    if not unseen:
        return decoded
    confidence = sequence.confidence.copy()
    for part in unseen:
        confidence[:, part] = 0
    return replace(decoded, sequence=replace(sequence, confidence=confidence))


def read_condition(model: HierarchicalTransformerVAE, condition: str | None) -> Tensor | None:
    """The condition of a model, of B = 1.

    Args:
        model: see `load_model`.
        condition: one of its labels, or, for a model conditioned on vectors, an `.npy` file of one. None: nothing.

    Raises:
        UserError: the model needs one and got none, takes none, or takes another.
    """
    labels, size = model.config.labels, model.config.condition_dim
    if not labels and not size:
        if condition is not None:
            raise UserError(f"--condition {condition}: the model {model.name} is unconditional; leave it out")
        return None
    if condition is None:
        expected = f"a label: {list_labels(labels)}" if labels else f"an .npy file of {size} numbers"
        raise UserError(f"the model {model.name} is conditional; name with --condition {expected}")
    if labels:
        if condition not in labels:
            known = list_labels(labels)
            raise UserError(f"--condition {condition}: the model {model.name} knows no such label; it has {known}")
        return torch.tensor([labels.index(condition)], device=model.device)
    return torch.from_numpy(_read_vector(Path(condition), size))[None].to(model.device)


def list_labels(labels: tuple[str, ...], most: int = 12) -> str:
    """The first labels in one line."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _read_vector(path: Path, size: int) -> np.ndarray:
    try:
        vector = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, EOFError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as an .npy file of {size} numbers") from error
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise UserError(f"{path}: holds {vector.shape} numbers; the model is conditioned on ({size},), all finite")
    return vector
