"""Finding a model's folder by its path, its bundled name or its hub id; imports no torch."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError, reason

if TYPE_CHECKING:
    import numpy as np

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FILES = (CONFIG, WEIGHTS)
DOWNLOADED = [CONFIG, "*.safetensors", "README.md", "*.onnx"]  # of a model of the hub
FILE_SUFFIXES = (".bin", ".ckpt", ".json", ".onnx", ".pt", ".pth", ".safetensors", ".yaml", ".zip")  # no hub id ends so
HUB_SECONDS = 5  # to wait for the hub's first answer


def find_model(name: str | Path, bundled: dict[str, Path]) -> Path:
    """The folder of a model, downloaded if need be; torch is not imported.

    Args:
        name: a folder, a name in `bundled`, or a hub id (`organisation/name`).
        bundled: the folders of the models that the package brings.

    Raises:
        UserError: no such model, a folder that lacks a file, or a hub that does not give it.
    """
    folder = Path(bundled.get(str(name), Path(name).expanduser()))
    if folder.exists():
        _check_folder(folder)
        return folder
    if _is_path(str(name)):
        near = difflib.get_close_matches(str(name), bundled, n=1)
        known = f"; bundled: {', '.join(bundled)}" if bundled else ""
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"{name}: no such model folder{meant}{known}")
    folder = _from_hub(str(name))
    _check_folder(folder)
    return folder


def model_config(name: str | Path, bundled: dict[str, Path]) -> dict[str, Any]:
    """The content of a model's `config.json`; torch is not imported.

    Raises:
        UserError: as `find_model`, or the file is damaged.
    """
    try:
        config = json.loads((find_model(name, bundled) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{name}: not a model of this kind and version ({reason(error)})") from error
    if not isinstance(config, dict):
        raise UserError(f"{name}: not a model of this kind and version ({CONFIG} has no settings)")
    return config


def read_weights(folder: Path, *names: str) -> dict[str, np.ndarray]:
    """Weights of a model folder by name, all or those named, in single precision; torch is not imported.

    Raises:
        UserError: the file is damaged, or lacks one.
    """
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="numpy") as weights:
            return {name: weights.get_tensor(name).astype(np.float32) for name in names or weights.keys()}
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder}: not a model of this kind and version ({reason(error)})") from error


def _is_path(name: str) -> bool:
    """Whether a name is a path rather than a hub id, by how it looks and what stands before its last slash."""
    if name.count("/") != 1 or "\\" in name or name.startswith((".", "/", "~")):
        return True
    return name.endswith(("/", *FILE_SUFFIXES)) or Path(name).parent.exists()


def _from_hub(name: str) -> Path:
    """The folder that a model of the hub was downloaded to, now or earlier.

    Raises:
        UserError: the hub has no such model, or cannot be reached within a few seconds and nothing was downloaded.
    """
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        if not constants.HF_HUB_OFFLINE:
            HfApi().model_info(name, timeout=HUB_SECONDS)  # a download would try again and again
            return Path(snapshot_download(name, allow_patterns=DOWNLOADED))
        missing = "HF_HUB_OFFLINE is set"
    except (HFValidationError, HfHubHTTPError) as error:
        raise UserError(f"{name}: no such folder, and the hub did not give it ({type(error).__name__})") from error
    except Exception as error:  # of whatever HTTP library this version of the hub's client has
        missing = reason(error)
    try:
        return Path(snapshot_download(name, allow_patterns=DOWNLOADED, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError) as error:
        raise UserError(f"{name}: no such folder, and the hub did not give it ({missing})") from error


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; a model is a folder with {' and '.join(FILES)}")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise UserError(f"{folder}: lacks {' and '.join(missing)}; a model is a folder with {' and '.join(FILES)}")
