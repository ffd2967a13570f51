"""Finding and loading models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.pretrained import load_pretrained
from pose_encoders.model import PoseEncoderModel

if TYPE_CHECKING:
    from pathlib import Path


def load_model(name: str | Path, device: str = "auto") -> PoseEncoderModel:
    """A model, ready to encode.

    Args:
        name: a model folder, or a hub id.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or not a whole one.
    """
    return load_pretrained(PoseEncoderModel, name, {}, device)
