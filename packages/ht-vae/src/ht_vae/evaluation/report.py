"""An evaluation as files: figures for machines, latents, and pictures to look at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic_core import to_json

from ht_vae.evaluation.visualizer import Visualizer, has_umap
from pose_core import UserError
from pose_core.atomic_files import atomic_write, check_output, check_output_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.evaluation.evaluate import Evaluation
    from ht_vae.model import HierarchicalTransformerVAE

FIGURES, LATENTS, PICTURES = "evaluation.json", "latents.npz", "pictures"
COLUMNS = {
    "mpjpe": "mpjpe",
    "rmse": "rmse",
    "pck_01": "PCK@0.1",
    "pck_02": "PCK@0.2",
    "velocity": "velocity",
    "bone": "bone",
    "presence": "presence",
}


def check_report(folder: Path, *, visualize: bool, latents: bool, overwrite: bool) -> None:
    """Refuses a report before any work is done for it, and creates its folder where it is missing.

    Raises:
        UserError: a file of it exists and `overwrite` is not set, or the folder cannot be created or written.
    """
    check_output_folder(folder)
    for name in (FIGURES, *((LATENTS,) if latents else ())):
        check_output(folder / name, overwrite=overwrite)
    pictures = folder / PICTURES
    if visualize and not overwrite and pictures.is_dir() and any(pictures.iterdir()):
        raise UserError(f"{pictures}: holds pictures; use --overwrite to replace them or name another output")


def write_report(
    evaluation: Evaluation,
    model: HierarchicalTransformerVAE,
    folder: Path,
    *,
    visualize: bool = False,
    latents: bool = False,
    overwrite: bool = False,
) -> list[Path]:
    """Writes `evaluation.json`; on demand `latents.npz`, and pictures in `pictures/`.

    `latents.npz` holds means and log variances of all clips, `whole_...` (M, Z) and `chunk_...` (sum of N, Zc);
    `names` (M,) of the clips' files, `chunk_clip` (sum of N,) which clip a chunk is of; `frames` and `fps` (M,).

    Args:
        model: the one that was evaluated.

    Raises:
        UserError: as `check_report`.
    """
    check_report(folder, visualize=visualize, latents=latents, overwrite=overwrite)
    written = []
    if visualize:
        written += draw(evaluation, model, Visualizer(folder / PICTURES, overwrite=overwrite))
    if latents:
        with atomic_write(folder / LATENTS, overwrite=overwrite) as temporary:
            np.savez_compressed(temporary, **evaluation.latent_arrays)  # ty: ignore[invalid-argument-type]  # no option
        written.append(folder / LATENTS)
    with atomic_write(folder / FIGURES, overwrite=overwrite) as temporary:
        temporary.write_bytes(to_json(evaluation.figures(), indent=2, inf_nan_mode="null") + b"\n")
    return [*written, folder / FIGURES]


def draw(evaluation: Evaluation, model: HierarchicalTransformerVAE, pictures: Visualizer) -> list[Path]:
    """All pictures of an evaluation: the worst clips, the attention on the longest of them, latents and samples."""
    drawn = []
    for number, clip in enumerate(evaluation.worst, start=1):
        both = {"original": clip.original, "reconstruction": clip.made.seen}
        drawn.append(pictures.strips(f"clip_{number}", both))
        named = {f"{name}, {clip.path.name}": sequence for name, sequence in both.items()}
        drawn.append(pictures.player(f"clip_{number}", named))
        error = f"clip_{number}_error"
        drawn.append(pictures.errors_over_time(error, clip.errors, clip.original.fps, model.config.chunk_size))
    longest = max(evaluation.worst, key=lambda clip: len(clip.original))
    drawn.append(pictures.attention("attention_local", model, longest.original, longest.condition))
    if model.config.global_layers:
        name = "attention_global"
        drawn.append(pictures.attention(name, model, longest.original, longest.condition, level="global"))
    arrays = evaluation.latent_arrays
    names = [name.rpartition("/")[2] for name in arrays["names"].tolist()]
    vectors = {"whole": (arrays["whole_mean"], names)}
    if arrays["chunk_mean"].shape[1]:
        vectors["chunks"] = arrays["chunk_mean"], [names[i] for i in arrays["chunk_clip"]]
    for level, (mean, groups) in vectors.items():
        drawn.append(pictures.latents(f"latents_{level}_pca", mean, groups))
        if has_umap() and len(mean) >= 4:
            drawn.append(pictures.latents(f"latents_{level}_umap", mean, groups, method="umap"))
    drawn.append(pictures.latent_use("latent_use", {name: use.kl_dims for name, use in evaluation.latents.items()}))
    samples = {f"sample {i}": each.seen for i, each in enumerate(evaluation.samples, start=1)}
    return [*drawn, pictures.strips("samples", samples), pictures.player("samples", samples)]


def lines(evaluation: Evaluation) -> list[str]:
    """The figures for people, a line each."""
    rows = [f"{'':<12}" + "".join(f"{title:>10}" for title in COLUMNS.values())]
    for part, errors in evaluation.parts.items():
        rows.append(f"{part:<12}" + "".join(f"{_text(getattr(errors, name)):>10}" for name in COLUMNS))
    seams = evaluation.seams
    rows += [
        "in shoulder widths, over keypoints that were seen",
        f"{evaluation.clips} clips, {evaluation.frames:,} frames, {evaluation.seconds:.1f} s of signing",
        f"at seams of chunks {_text(seams.at)}, elsewhere {_text(seams.elsewhere)}: {_text(seams.ratio, 3)} times; "
        f"of steps {_text(seams.step_ratio, 3)} times",
    ]
    for level, use in evaluation.latents.items():
        active = f"{use.active:.0f}" if math.isfinite(use.active) else "?"
        rows.append(
            f"latents, {level}: {active} of {use.dims} dimensions active, {use.kl:.1f} nats, "
            f"{use.kl / use.dims:.2f} a dimension"
        )
    if evaluation.realism is not None:
        real = evaluation.realism
        rows.append(
            f"Fréchet distance to the clips: samples {real.samples:.3f}, reconstructions {real.reconstructions:.3f}; "
            f"{real.windows} windows"
        )
    return rows


def _text(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"
