"""What the commands do: check everything, work, then write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ht_vae.checkpoint import load_model
from ht_vae.config import Sizes
from pose_core import Skeleton

if TYPE_CHECKING:
    from pathlib import Path


def describe(name: str | Path) -> dict[str, Any]:
    """What a model is, by name of the fact.

    Raises:
        UserError: no such model, or not a whole one.
    """
    model = load_model(name, "cpu")
    config = model.config
    skeleton = Skeleton.from_dict(config.skeleton)
    return {
        "model": model.name,
        "model_hash": model.hash,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_on": config.trained_on or "unknown",
        "keypoints": skeleton.num_keypoints,
        "coordinates": skeleton.num_dims,
        "components": {component.name: len(component.points) for component in skeleton.components},
        "fps": config.fps,
        "condition": list(config.labels) or config.condition_dim or "none",
        "latents": f"{config.latent_dim} a sequence, {config.chunk_latent_dim} a chunk of {config.chunk_size} frames",
        **{name: getattr(config, name) for name in Sizes.model_fields},
    }
