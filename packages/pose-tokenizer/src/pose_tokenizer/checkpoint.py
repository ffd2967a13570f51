"""Finding and loading models."""

from __future__ import annotations

from pathlib import Path

from pose_core.pretrained import load_pretrained
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.model import PoseTokenizer


def load_model(name: str | Path = "signing", device: str = "auto") -> PoseTokenizer:
    """A model, ready to encode and decode.

    Args:
        name: a model folder, "signing" (the model this package brings), or a hub id.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or not a whole one.
    """
    model = load_pretrained(PoseTokenizer, name, BUNDLED, device)
    model.name = Path(name).resolve().name if Path(name).exists() else str(name)
    return model
