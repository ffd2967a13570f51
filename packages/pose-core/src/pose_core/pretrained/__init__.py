"""Models as folders: `config.json` + `model.safetensors`, loaded from a folder, a bundled name or a hub id."""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from pose_core.pretrained.finding import WEIGHTS, find_model, model_config, read_weights
    from pose_core.pretrained.saved_model import SavedModel, load_pretrained, pick_device
    from pose_core.pretrained.selection import ModelSelection, best_fit

# Finding a model takes no torch; commands check a name before they import it.
__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "finding": ("WEIGHTS", "find_model", "model_config", "read_weights"),
        "saved_model": ("SavedModel", "load_pretrained", "pick_device"),
        "selection": ("ModelSelection", "best_fit"),
    },
)
