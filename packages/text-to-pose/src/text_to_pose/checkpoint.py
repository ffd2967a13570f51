"""Finding and loading models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core.pretrained import load_pretrained
from text_to_pose.config import BUNDLED
from text_to_pose.model import TextToPose

if TYPE_CHECKING:
    from pathlib import Path


def load_model(name: str | Path = "fingerspelling", device: str = "auto") -> TextToPose:
    """A model, ready to generate.

    Args:
        name: a model folder, "fingerspelling" (the model this package brings), or a hub id.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or not a whole one.
    """
    return load_pretrained(TextToPose, name, BUNDLED, device)
