"""text-to-pose: text to a sequence of poses, all frames at once, refined step by step."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from text_to_pose.config import TextToPoseConfig
    from text_to_pose.generation import generate_signs, generate_texts
    from text_to_pose.inpainting import correct
    from text_to_pose.model import TextToPose, load_model
    from text_to_pose.sampling import Sampling
    from text_to_pose.start_frames import StartFrames

__all__ = [
    "Sampling",
    "StartFrames",
    "TextToPose",
    "TextToPoseConfig",
    "correct",
    "generate_signs",
    "generate_texts",
    "load_model",
]

_HOMES = {
    "TextToPose": "model",
    "TextToPoseConfig": "config",
    "Sampling": "generation",
    "StartFrames": "generation",
    "correct": "inpainting",
    "generate_signs": "generation",
    "generate_texts": "generation",
    "load_model": "checkpoint",
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: `text-to-pose --help` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
