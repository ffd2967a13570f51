"""The entropy model beside a tokenizer's weights, or that of a bundled tokenizer."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.errors import reason
from pose_tokenizer.config import BUNDLED

if TYPE_CHECKING:
    from pathlib import Path

    from pose_tokenizer.entropy.entropy_model import EntropyModel

FILE = "entropy_model.safetensors"
MODEL_HASH = "model_hash"  # in its metadata: that of the tokenizer


def load_entropy_model(folder: Path) -> EntropyModel | None:
    """The entropy model of a model folder; None: it has none.

    Raises:
        UserError: it has one that cannot be read.
    """
    path = folder / FILE
    return _load(folder, path.stat().st_mtime_ns) if path.is_file() else None


def entropy_model_for(name: str, model_hash: str, given: EntropyModel | None) -> EntropyModel:
    """The entropy model of the tokenizer with a hash that begins so: the given one, or a bundled tokenizer's.

    Raises:
        UserError: neither is; the message has the tokenizer's name.
    """
    if given is not None and given.model_hash.startswith(model_hash):
        return given
    for folder in BUNDLED.values():
        if (folder / FILE).is_file() and _model_hash(folder).startswith(model_hash):
            found = load_entropy_model(folder)
            assert found is not None
            return found
    raise UserError(
        f"its codes are entropy-coded by the model {name} ({model_hash}), which is not bundled, or the file is "
        "damaged; name the model's folder with --checkpoint"
    )


@lru_cache(maxsize=8)
def _load(folder: Path, changed: int) -> EntropyModel:
    """The entropy model of a folder whose file was changed at that time."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from pose_core.pretrained import read_weights
    from pose_tokenizer.entropy.entropy_model import TOKENIZER_WEIGHTS, EntropyModel

    try:
        weights = load_file(folder / FILE)
        return EntropyModel(weights, read_weights(folder, *TOKENIZER_WEIGHTS), _model_hash(folder))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(f"{folder / FILE}: not an entropy model of this version ({reason(error)})") from error


def _model_hash(folder: Path) -> str:
    """The hash of the tokenizer that a folder's entropy model is of; weights are not read."""
    from safetensors import safe_open

    with safe_open(folder / FILE, framework="numpy") as file:
        return file.metadata()[MODEL_HASH]
