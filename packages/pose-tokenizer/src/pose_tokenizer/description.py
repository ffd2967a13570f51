"""What `pose-tokenizer info` says of a token file or a model; what is neither is refused before torch is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pose_core.bundled import bundled_models
from pose_core.errors import naming
from pose_core.pretrained import find_model
from pose_tokenizer.files.suffixes import check_token_files


def describe(path: str, device: str = "cpu", *, checkpoint: str | None = None) -> dict[str, Any]:
    """A token file or a model, described by name and value.

    Args:
        path: of a token file; or of a model, as `load_model` takes it.
        device: as `load_model` takes it.
        checkpoint: the model that made a file's tokens, if its codes are entropy-coded and it is not bundled.

    Raises:
        UserError: there is neither, or it is damaged.
    """
    file = Path(path)
    if file.is_file():
        return _describe_tokens(file, checkpoint)
    check_token_files([path])
    find_model(path, {model.name: model.folder for model in bundled_models(__file__)})
    from pose_tokenizer.backends import as_network
    from pose_tokenizer.model import PoseTokenizer

    model = PoseTokenizer.load(path, device)
    return {
        "model": model.name,
        "model_hash": model.hash,
        "entropy_model": as_network(model).entropy_model is not None,
        "parameters": sum(p.numel() for p in model.parameters()),
        "keypoints": model.skeleton.num_keypoints,
        "components": {component.name: len(component.points) for component in model.skeleton.components},
        **{name: value for name, value in model.config.model_dump().items() if name != "skeleton"},
    }


def _describe_tokens(file: Path, checkpoint: str | None) -> dict[str, Any]:
    from pose_tokenizer.config import BUNDLED
    from pose_tokenizer.entropy.finding import load_entropy_model
    from pose_tokenizer.files.formats import read_format

    entropy_model = None if checkpoint is None else load_entropy_model(find_model(checkpoint, BUNDLED))
    with naming(file):
        tokens = read_format(file, entropy_model=entropy_model)
    header = tokens.header
    return {
        "file": file,
        "model": header.model,
        "model_hash": header.model_hash,
        "frames": header.frames,
        "fps": header.fps,
        "seconds": header.seconds,
        "blocks": header.blocks,
        "codes": int((tokens.codes >= 0).sum()),
        "bits_per_frame": tokens.bits / max(1, header.frames),
        "bytes": file.stat().st_size,
    }
