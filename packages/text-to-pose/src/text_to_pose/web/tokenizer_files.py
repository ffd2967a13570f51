"""A tokenizer as the page loads it, where pose-tokenizer is installed beside this package, which does not need it.

Its weights are stored in halves: codes and poses are those of `pose-tokenizer` but for rounding.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import UserError
from pose_core.pretrained import WEIGHTS, find_model
from text_to_pose.app.neighbours import is_installed
from text_to_pose.web.model_files import PACKED_WEIGHTS, packed

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1  # of `tokenizer.json`; raised when an older page could not use it
DESCRIPTION, GRAPHS = "tokenizer.json", ("latents.onnx", "frames.onnx")
NAMES = (DESCRIPTION, PACKED_WEIGHTS, *GRAPHS)
TOKENIZER = "pose_tokenizer"  # looked for by name, as a package that may be absent
MODEL = "signing"  # of the layout that the page's own signing has
TENSORS = {  # names of the page, and of the weights
    "mean": "features.mean",
    "codebooks": "quantizer.codebooks",
    "weight": "quantizer.transition.weight",
    "bias": "quantizer.transition.bias",
    "start": "quantizer.start",
}


def write_tokenizer(folder: Path, checkpoint: str = MODEL) -> None:
    """Writes the files `NAMES`.

    Args:
        folder: exists.
        checkpoint: as `pose_tokenizer.load_model` takes it; its folder has graphs.

    Raises:
        UserError: pose-tokenizer is not installed, there is no such model, or the page has no code for it.
    """
    if not is_installed(TOKENIZER):
        raise UserError("--tokens puts a tokenizer on the page: pip install pose-tokenizer")
    model = find_model(checkpoint, import_module(f"{TOKENIZER}.config").BUNDLED)
    network = import_module(f"{TOKENIZER}.backends").load_network(checkpoint, backend="onnx")
    header, start = _header(model / WEIGHTS)
    if any(entry["dtype"] != "F32" for entry in header.values()) or network.config.quantizer != "rvq":
        raise UserError(f"{checkpoint}: the page encodes with codebooks, whose weights are float32; give another model")
    weights = np.fromfile(model / WEIGHTS, "<f4", offset=start)
    if np.abs(weights).max() > np.finfo(np.float16).max:
        raise UserError(f"{checkpoint}: has weights that are too large for the page, which keeps halves")
    for graph in GRAPHS:
        shutil.copyfile(model / graph, folder / graph)
    (folder / PACKED_WEIGHTS).write_bytes(packed(weights.astype("<f2").tobytes()))
    text = json.dumps(_description(network, header, start), separators=(",", ":"))
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def _header(file: Path) -> tuple[dict[str, Any], int]:
    """Of a `.safetensors` file: its tensors, and where the first begins."""
    with file.open("rb") as opened:
        (size,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(size))
    header.pop("__metadata__", None)
    return header, 8 + size


def _description(network: Any, header: dict[str, Any], start: int) -> dict[str, Any]:
    """`StoredTokenizer` in `web/src/tokens/tokenizer.ts` names the same."""
    config, files = network.config, import_module(f"{TOKENIZER}.files.header")
    identity = (network.name, config.num_quantizers, config.codebook_size, network.block_frames)
    numbers = (number for number, known in files.KNOWN_MODELS.items() if known == identity)
    return {
        "format": FORMAT,
        "name": network.name,
        "number": next(numbers, 0),
        "hash": network.hash[: files.HASH_DIGITS],
        "numQuantizers": config.num_quantizers,
        "codebookSize": config.codebook_size,
        "blockFrames": network.block_frames,
        "lmbda": config.lmbda,
        "looksBack": network.looks_back,
        "decoderBack": network.decoder_back,
        "decoderAhead": network.decoder_ahead,
        "skeleton": network.skeleton.to_dict(),
        "shoulders": network.skeleton.shoulders(),
        "weightsStart": start,
        "tensors": {
            name: [header[tensor]["data_offsets"][0] // 4, math.prod(header[tensor]["shape"])]
            for name, tensor in TENSORS.items()
        },
    }
