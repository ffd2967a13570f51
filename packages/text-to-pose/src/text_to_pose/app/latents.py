"""Poses to latents, where ht-vae is installed beside this package."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from text_to_pose.app.files import JSON, POSES, Answer
from text_to_pose.app.neighbours import is_installed, model_and_poses, neighbours

if TYPE_CHECKING:
    from text_to_pose.app.requests import LatentsRequest

NEIGHBOUR = "ht_vae"


def has_vae() -> bool:
    """Whether ht-vae is installed."""
    return is_installed(NEIGHBOUR)


@cache
def _vae() -> SimpleNamespace:
    """What is used of ht-vae."""
    modules = ("codec", "latent_file", "model_selection")
    codec, latent_file, selection = neighbours(NEIGHBOUR, modules, "latents need ht-vae")
    return SimpleNamespace(encode=codec.encode, write_latents=latent_file.write_latents, models=selection.Models(None))


def encode(request: LatentsRequest, data: bytes) -> Answer:
    """The latents of a `.pose` file, as `ht-vae encode` writes them; `about` has sizes.

    Raises:
        NotInstalledError: without ht-vae.
        UserError: poses that cannot be encoded, or no bundled model of that name.
    """
    vae = _vae()
    model, sequence = model_and_poses(vae.models, request, data)
    encoded = vae.encode(model, sequence)
    with TemporaryDirectory(prefix="pose-") as folder:
        path = Path(folder) / "poses.npz"
        vae.write_latents(model, encoded, path)
        packed = path.read_bytes()
    sizes = {
        "frames": len(sequence),
        "seconds": round(sequence.duration, 3),
        "numbers": encoded.num_latents,
        "bytes_before": len(data),
        "bytes_after": len(packed),
    }
    about = {"Model": model.name, "Sizes": json.dumps(sizes)}
    if request.format == "npz":
        return Answer(packed, POSES, "poses.npz", about)
    with np.load(io.BytesIO(packed)) as arrays:
        values = {name: arrays[name].tolist() for name in arrays.files}
    return Answer(json.dumps(values, allow_nan=False).encode(), JSON, "poses.json", about)
