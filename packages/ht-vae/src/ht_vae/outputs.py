"""Where results go: poses in any format or as pictures, and latents, each file whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError, write
from pose_core.atomic_files import atomic_write, check_output
from pose_core.formats import FORMATS
from pose_core.rendering import PICTURES, write_html, write_picture

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from ht_vae.codec import EncodedSequence
    from ht_vae.model import HierarchicalTransformerVAE
    from ht_vae.nn.latent import Posterior

PLAYER = ".html"
POSES = (*FORMATS, *PICTURES)  # suffixes that poses are written with
LATENTS = ".npz"


def check_suffix(path: Path, suffixes: Collection[str]) -> None:
    """Refuses a file that nothing writes.

    Raises:
        UserError: naming the suffixes there are.
    """
    if path.suffix.lower() not in suffixes:
        raise UserError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(suffixes)}")


def write_poses(poses: PoseSequence | Mapping[str, PoseSequence], path: Path, *, overwrite: bool = False) -> None:
    """Writes poses, the format chosen by the suffix.

    Args:
        poses: of several, by name, the last is written; the HTML player shows all of them side by side.

    Raises:
        UserError: as `pose_core.write` and `pose_core.rendering.write_picture`.
    """
    if path.suffix.lower() == PLAYER:
        write_html(poses, path, overwrite=overwrite)
        return
    sequence = poses if isinstance(poses, PoseSequence) else list(poses.values())[-1]
    (write_picture if path.suffix.lower() in PICTURES else write)(sequence, path, overwrite=overwrite)


def write_latents(
    model: HierarchicalTransformerVAE, encoded: EncodedSequence, path: Path, *, overwrite: bool = False
) -> None:
    """Writes what the encoder says of a sequence as `.npz`.

    Arrays: `whole_mean` and `whole_log_variance` (Z,), `chunk_mean` and `chunk_log_variance` (N, Zc), of (N, 0) where
    the model has no latents a chunk; `frames`, `fps` and `chunk_size`; `center` (D,), `scale` and `size` (3,) of where
    it stood; `model`, `model_hash`.

    Raises:
        UserError: as `atomic_write`.
    """
    with atomic_write(path, overwrite=overwrite) as temporary:
        np.savez_compressed(
            temporary,
            **{name: values[0] for name, values in latent_arrays(encoded.posterior).items()},
            frames=np.int64(len(encoded.original)),
            fps=np.float64(encoded.original.fps),
            chunk_size=np.int64(model.config.chunk_size),
            center=np.array(encoded.placement.center, np.float64),
            scale=np.float64(encoded.placement.scale),
            size=np.array(encoded.placement.size, np.int64),
            model=np.array(model.name),
            model_hash=np.array(model.hash),
        )


def latent_arrays(posterior: Posterior) -> dict[str, np.ndarray]:
    """Mean and log variance of both kinds of latents, as float32, by name."""
    empty = np.zeros((1, posterior.chunk_mask.shape[1], 0), np.float32)
    arrays = {}
    for level, gaussian in (("whole", posterior.whole), ("chunk", posterior.chunks)):
        for name in ("mean", "log_variance"):
            arrays[f"{level}_{name}"] = empty if gaussian is None else getattr(gaussian, name).float().cpu().numpy()
    return arrays


def check_outputs(paths: Sequence[Path], *, overwrite: bool) -> None:
    """`check_output` of each."""
    for path in paths:
        check_output(path, overwrite=overwrite)
