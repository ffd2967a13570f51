"""Models of ht-vae beside each other and beside their linear bases, on people and cameras that none was trained on.

uv run python benchmarks/vae_models.py --models signing runs/mine [--data FOLDER]

Groups of clips are those of `codec_models.py`. Prints JSON: of each part of the body, the mean distance of a visible
keypoint from its reconstruction (mpjpe) in shoulder widths, by each model; by its linear basis alone, where it has
layers over it; and the ratios of these to it. Each with its 95 % bootstrap interval over clips, the same clips drawn
for both sides of a ratio.
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
from pose_core import PoseSequence, UserError

PARTS = ("all", "hands", "body", "face")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["signing"], help="bundled names or model folders")
    parser.add_argument("--data", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    models = {}
    for name in arguments.models:
        models[name] = load_model(name, "cpu")
        if models[name].basis_transformer is not None:
            models[f"{name}, linear basis"] = without_layers(models[name])
    result = {}
    for group, clips in groups(real_clips(arguments.data, TEST_PERSONS)).items():
        sums = np.array([each for each in (errors(models, read(clip)) for clip in clips) if each is not None])
        result[group] = {"clips": len(sums)} | table(list(models), sums)
    print(json.dumps(rounded(result), indent=2))


def without_layers(model):
    """The same model as far as its basis is linear."""
    plain = copy(model)
    plain._modules = {**model._modules, "basis_transformer": None}
    return plain


def errors(models: dict, sequence: PoseSequence) -> np.ndarray | None:
    """(models, parts, 2): sums of distances, and how many; None of a clip that a model cannot be given."""
    found = np.zeros((len(models), len(PARTS), 2))
    for i, model in enumerate(models.values()):
        try:
            encoded, decoded = reconstruct(model, sequence)
        except UserError:
            return None
        parts = clip_errors(encoded.original, decoded).parts
        found[i] = [parts[name][0] if name in parts else (0, 0) for name in PARTS]
    return found


def table(names: list[str], sums: np.ndarray) -> dict:
    """Errors and ratios by part, with intervals, of sums (clips, models, parts, 2)."""
    drawn = np.einsum("rn,nmpk->mprk", draws(len(sums)), sums)
    values = drawn[..., 0] / np.maximum(drawn[..., 1], 1e-9)  # (models, parts, draws)
    rows: dict = {part: {} for part in PARTS}
    for p, part in enumerate(PARTS):
        for m, name in enumerate(names):
            rows[part][name] = interval(values[m, p])
            if f"{name}, linear basis" in names:
                basis = values[names.index(f"{name}, linear basis"), p]
                rows[part][f"{name} / its basis"] = interval(values[m, p] / np.maximum(basis, 1e-9))
            if m and "linear basis" not in name:
                rows[part][f"{name} / {names[0]}"] = interval(values[m, p] / np.maximum(values[0, p], 1e-9))
    return rows


if __name__ == "__main__":
    main()
