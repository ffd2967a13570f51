"""Models as folders: `config.json` + `model.safetensors`, loaded from a folder, a bundled name or a hub id."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    from huggingface_hub import PyTorchModelHubMixin

Model = TypeVar("Model", bound="PyTorchModelHubMixin")
FILES = ("config.json", "model.safetensors")


def load_pretrained(model: type[Model], name: str | Path, bundled: dict[str, Path], device: str = "auto") -> Model:
    """Loads a model, ready for inference.

    Args:
        model: its class.
        name: a folder, a name in `bundled`, or a hub id (`organisation/name`).
        bundled: the folders of the models that the package brings.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or a folder that does not hold a whole one.
    """
    import torch
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    from safetensors import SafetensorError

    folder = Path(bundled.get(str(name), name))
    local = folder.exists()
    if local:
        _check_folder(folder)
    elif str(name).count("/") != 1 or str(name).startswith((".", "/", "~")):
        known = f"; bundled: {', '.join(bundled)}" if bundled else ""
        raise UserError(f"{name}: no such model folder{known}")
    try:
        with redirect_stdout(io.StringIO()):  # the mixin prints where it reads from; stdout is for results
            loaded = model.from_pretrained(str(folder) if local else str(name), strict=True, map_location="cpu")
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, ConnectionError) as error:
        raise UserError(f"{name}: no such folder, and the hub did not give it ({type(error).__name__})") from error
    except (SafetensorError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, UserError) as error:
        raise UserError(f"{name}: not a model of this kind and version ({reason(error)})") from error
    try:
        cast("torch.nn.Module", loaded).to(torch.device(pick_device(device))).eval()
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {device!r} cannot be used ({reason(error)}); try --device cpu") from error
    return loaded


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; a model is a folder with {' and '.join(FILES)}")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise UserError(f"{folder}: lacks {' and '.join(missing)}; a model is a folder with {' and '.join(FILES)}")


def pick_device(name: str) -> str:
    """A device name for torch: "auto" is the accelerator of this machine if it has one, else the CPU."""
    import torch

    if name != "auto":
        return name
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return accelerator.type if accelerator is not None else "cpu"
