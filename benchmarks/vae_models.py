"""Models of ht-vae beside each other and beside their linear bases, on people and cameras that none was trained on.

uv run python benchmarks/vae_models.py --models signing runs/mine [--data FOLDER]

Groups of clips are those of `codec_models.py`. Prints JSON: of each part of the body, the mean distance of a visible
keypoint from its reconstruction (mpjpe) in shoulder widths, by each model as `encode` and `decode` have it, with latent
optimization; by its encoder's latents as they are; and, where it has layers over its linear basis, by that basis alone:
latents by projection, and the same optimized. Ratios are to the projection. Each with its 95 % bootstrap interval over
clips, the same clips drawn for both sides of a ratio.
"""

import argparse
import json
from copy import copy
from pathlib import Path

import numpy as np
import torch
from codec import rounded
from codec_data import FOLDER, TEST_PERSONS, real_clips
from codec_models import draws, groups, interval, read

from ht_vae import load_model
from ht_vae.codec import reconstruct
from ht_vae.evaluation.errors import clip_errors
from ht_vae.latent_optimization import STEPS
from ht_vae.model import HierarchicalTransformerVAE
from pose_core import PoseSequence, UserError

PARTS = ("all", "hands", "body", "face")
BASIS = "linear basis"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["signing"], help="bundled names or model folders")
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--optimization-steps", type=int, default=STEPS)
    parser.add_argument("--every", type=int, default=1, help="take every so many clips of a group")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    variants: dict[str, tuple[HierarchicalTransformerVAE, int]] = {}
    for name in arguments.models:
        model = load_model(name, "cpu")
        variants |= {name: (model, arguments.optimization_steps), f"{name}, not optimized": (model, 0)}
        if model.basis_transformer is not None:
            plain = without_layers(model)
            variants[f"{name}, {BASIS}"] = plain, 0
            variants[f"{name}, {BASIS}, optimized"] = plain, arguments.optimization_steps
    names = ("models", "optimization_steps", "every")
    result: dict = {"settings": {name: getattr(arguments, name) for name in names}}
    for group, clips in groups(real_clips(arguments.data, TEST_PERSONS)).items():
        measured = (errors([*variants.values()], read(clip)) for clip in clips[:: arguments.every])
        sums = np.array([each for each in measured if each is not None])
        result[group] = {"clips": len(sums)} | table([*variants], sums)
    print(json.dumps(rounded(result), indent=2))


def without_layers(model: HierarchicalTransformerVAE) -> HierarchicalTransformerVAE:
    """The same model as far as its basis is linear."""
    plain = copy(model)
    plain._modules = {**model._modules, "basis_transformer": None}
    return plain


def errors(variants: list[tuple[HierarchicalTransformerVAE, int]], sequence: PoseSequence) -> np.ndarray | None:
    """(variants, parts, 2): sums of distances, and how many; None of a clip that a model cannot be given."""
    found = np.zeros((len(variants), len(PARTS), 2))
    for i, (model, steps) in enumerate(variants):
        try:
            encoded, decoded = reconstruct(model, sequence, optimization_steps=steps)
        except UserError:
            return None
        parts = clip_errors(encoded.original, decoded).parts
        found[i] = [parts[name][0] if name in parts else (0, 0) for name in PARTS]
    return found


def table(names: list[str], sums: np.ndarray) -> dict:
    """Errors and ratios by part, with intervals, of sums (clips, variants, parts, 2)."""
    drawn = np.einsum("rn,nmpk->mprk", draws(len(sums)), sums)
    values = drawn[..., 0] / np.maximum(drawn[..., 1], 1e-9)  # (variants, parts, draws)
    bases = {name: names.index(f"{name}, {BASIS}") for name in names if f"{name}, {BASIS}" in names}
    rows: dict = {part: {} for part in PARTS}
    for p, part in enumerate(PARTS):
        for m, name in enumerate(names):
            rows[part][name] = interval(values[m, p])
            basis = bases.get(name.split(", ")[0])
            if basis is not None and m != basis:
                rows[part][f"{name} / {names[basis]}"] = interval(values[m, p] / np.maximum(values[basis, p], 1e-9))
            if m and ", " not in name:
                rows[part][f"{name} / {names[0]}"] = interval(values[m, p] / np.maximum(values[0, p], 1e-9))
    return rows


if __name__ == "__main__":
    main()
