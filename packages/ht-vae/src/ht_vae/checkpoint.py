"""Finding and loading models."""

from __future__ import annotations

from pathlib import Path

from ht_vae.config import BUNDLED
from ht_vae.model import HierarchicalTransformerVAE
from pose_core.pretrained import load_pretrained


def load_model(name: str | Path, device: str = "auto") -> HierarchicalTransformerVAE:
    """A model, ready for inference.

    Args:
        name: a model folder, the name of one that this package brings, or a hub id.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or not a whole one.
    """
    model = load_pretrained(HierarchicalTransformerVAE, name, BUNDLED, device)
    model.name = Path(name).resolve().name if Path(name).exists() else str(name)
    return model
