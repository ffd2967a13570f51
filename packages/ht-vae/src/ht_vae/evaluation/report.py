"""The report of an evaluation: metrics for machines, latents, and pictures."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from ht_vae.evaluation.visualizer import Visualizer, has_umap
from pose_core import UserError, reporting
from pose_core.atomic_files import atomic_write
from pose_core.reporting import CLIPS, METRICS, Column, number, write_metrics, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.evaluation.evaluate import Evaluation
    from ht_vae.model import HierarchicalTransformerVAE

LATENTS, PICTURES = "latents.npz", "pictures"
COLUMNS = [
    Column("mpjpe", "mpjpe", 4),
    Column("rmse", "rmse", 4),
    Column("pck_01", "PCK@0.1", 4),
    Column("pck_02", "PCK@0.2", 4),
    Column("velocity", "velocity", 4),
    Column("bone", "bone", 4),
    Column("presence", "presence", 4),
]


def check_report(folder: Path, *, visualize: bool, latents: bool, overwrite: bool) -> None:
    """Refuses a report before any work is done for it, and creates its folder where it is missing.

    Raises:
        UserError: a file of it exists and `overwrite` is not set, or the folder cannot be created or written.
    """
    reporting.check_report(folder, (METRICS, CLIPS, *((LATENTS,) if latents else ())), overwrite=overwrite)
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
    """Writes `metrics.json` and `clips.csv`; on demand `latents.npz`, and pictures in `pictures/`.

    `latents.npz` holds means and log variances of all clips, `whole_...` (M, Z) and `chunk_...` (sum of N, Zc);
    `names` (M,) of the clips' files, `chunk_clip` (sum of N,) the clip of each chunk; `frames` and `fps` (M,).

    Args:
        evaluation: what to report.
        model: the one that was evaluated.
        folder: of the report.
        visualize: draw pictures.
        latents: write the latents.
        overwrite: replace existing files.

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
    written.append(write_table([asdict(score) for score in evaluation.clip_scores], folder, overwrite=overwrite))
    return [*written, write_metrics(evaluation.metrics(), folder, overwrite=overwrite)]


def draw(evaluation: Evaluation, model: HierarchicalTransformerVAE, pictures: Visualizer) -> list[Path]:
    """All pictures of an evaluation: the worst clips, attention on the longest of them, latents and samples."""
    drawn = []
    for rank, clip in enumerate(evaluation.worst, start=1):
        both = {"original": clip.original, "reconstruction": clip.decoded.sequence}
        drawn.append(pictures.strips(f"clip_{rank}", both))
        titled = {f"{name}, {clip.path.name}": sequence for name, sequence in both.items()}
        drawn.append(pictures.player(f"clip_{rank}", titled))
        chunk_size = model.config.chunk_size
        drawn.append(pictures.errors_over_time(f"clip_{rank}_error", clip.errors, clip.original.fps, chunk_size))
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
    samples = {f"sample {i}": each.sequence for i, each in enumerate(evaluation.samples, start=1)}
    return [*drawn, pictures.strips("samples", samples), pictures.player("samples", samples)]


def summary_lines(evaluation: Evaluation) -> list[str]:
    """The metrics for people, one line each."""
    rows = [f"{'':<12}" + "".join(f"{column.title:>10}" for column in COLUMNS)]
    for part, errors in evaluation.parts.items():
        rows.append(f"{part:<12}" + "".join(f"{column.text(errors):>10}" for column in COLUMNS))
    seams = evaluation.seams
    rows += [
        "in shoulder widths, over visible keypoints",
        f"{evaluation.clips} clips, {evaluation.frames:,} frames, {evaluation.seconds:.1f} s of signing",
        f"at seams of chunks {number(seams.at, 4)}, elsewhere {number(seams.elsewhere, 4)}: "
        f"{number(seams.ratio)} times; of steps {number(seams.step_ratio)} times",
    ]
    for level, use in evaluation.latents.items():
        active = f"{use.active:.0f}" if math.isfinite(use.active) else "?"
        rows.append(
            f"latents, {level}: {active} of {use.dims} dimensions active, {use.kl:.1f} nats, "
            f"{use.kl / use.dims:.2f} per dimension"
        )
    if evaluation.realism is not None:
        real = evaluation.realism
        rows.append(
            f"Fréchet distance to the clips: samples {real.samples:.3f}, reconstructions {real.reconstructions:.3f}; "
            f"{real.windows} windows"
        )
    return rows
