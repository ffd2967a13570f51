"""Files of latents (`.npz`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.atomic_files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.codec import EncodedSequence
    from ht_vae.model import HierarchicalTransformerVAE

SUFFIX = ".npz"


def write_latents(
    model: HierarchicalTransformerVAE, encoded: EncodedSequence, path: Path, *, overwrite: bool = False
) -> None:
    """Writes the posterior of a sequence as `.npz`.

    Arrays: `whole_mean` and `whole_log_variance` (Z,), `chunk_mean` and `chunk_log_variance` (N, Zc), or (N, 0) where
    the model has no chunk latents; `frames`, `fps` and `chunk_size`; `center` (D,), `scale` and `size` (3,) of its
    placement in the file; `model`, `model_hash`; `optimization_steps`, see `encode`.

    Raises:
        UserError: as `atomic_write`.
    """
    with atomic_write(path, overwrite=overwrite) as temporary:
        np.savez_compressed(
            temporary,
            **{name: values[0] for name, values in encoded.posterior.arrays().items()},
            frames=np.int64(len(encoded.original)),
            fps=np.float64(encoded.original.fps),
            chunk_size=np.int64(model.config.chunk_size),
            center=np.array(encoded.placement.center, np.float64),
            scale=np.float64(encoded.placement.scale),
            size=np.array(encoded.placement.size, np.int64),
            model=np.array(model.name),
            model_hash=np.array(model.hash),
            optimization_steps=np.int64(encoded.optimization_steps),
        )
