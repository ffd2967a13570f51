"""Pictures of a model: poses beside their reconstructions, errors, latents, attention, samples."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from ht_vae.codec import encoder_batch
from ht_vae.evaluation.attention_maps import record_attention
from ht_vae.nn.attention import LocalAttention
from pose_core import PoseSequence, UserError
from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.rendering import write_html
from pose_core.rendering.drawing import draw_frames
from pose_core.rendering.head import with_head
from pose_core.rendering.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from torch import Tensor

    from ht_vae.evaluation.attention_maps import AttentionInput
    from ht_vae.model import HierarchicalTransformerVAE

HEIGHT = 200  # pixels of a pose in a strip
COLUMNS = 8  # poses per row
MAX_FRAMES = 256  # of a sequence whose local attention is drawn
DPI = 110
BLUE, GREY = "#1d4ed8", "#cbd5e1"


class Visualizer:
    """Draws into a folder. Every method writes one file, whole or not at all, and returns where it is.

    Args:
        folder: is created where it is missing.
        overwrite: replace existing files.

    Raises:
        UserError: the folder cannot be created or written; of a method, its file exists and `overwrite` is not set.
    """

    def __init__(self, folder: str | Path, *, overwrite: bool = False) -> None:
        check_output_folder(folder)
        self.folder = Path(folder)
        self.overwrite = overwrite

    def strips(self, name: str, rows: Mapping[str, PoseSequence], *, frames: int = COLUMNS) -> Path:
        """Film strips, one row per sequence, of frames evenly spaced over each: `NAME.png`.

        All sequences are drawn in the first one's view, so they have to share a skeleton and a unit.
        """
        rows = {title: with_head(sequence) for title, sequence in rows.items()}
        sequences = list(rows.values())
        if not sequences or not all(len(each) for each in sequences):
            raise UserError(f"{name}: no frames to draw")
        view = View.fit(sequences[0], HEIGHT)
        figure = _figure(0.3 + 1.7 * frames * view.width / view.height, 1.9 * len(rows))
        axes = figure.subplots(len(rows), frames, squeeze=False)
        for row, (title, sequence) in enumerate(rows.items()):
            chosen = np.linspace(0, len(sequence) - 1, frames).round().astype(int).tolist()
            for cell, frame, picture in zip(axes[row], chosen, draw_frames(sequence, view, chosen), strict=True):
                cell.imshow(picture)
                cell.set_title(f"{frame / sequence.fps:.1f} s", fontsize=6, pad=2)
                cell.set_axis_off()
            axes[row, 0].text(
                -0.05, 0.5, title, fontsize=7, rotation=90, ha="right", va="center", transform=axes[row, 0].transAxes
            )
        return self._save(figure, name)

    def player(self, name: str, sequences: Mapping[str, PoseSequence]) -> Path:
        """An HTML player of sequences side by side: `NAME.html`."""
        path = self.folder / f"{name}.html"
        write_html(sequences, path, overwrite=self.overwrite)
        return path

    def errors_over_time(self, name: str, errors: np.ndarray, fps: float, chunk_size: int = 0) -> Path:
        """Mean error of each frame over time, with the borders of chunks: `NAME.png`.

        Args:
            errors: (T,) in shoulder widths, NaN where nothing is visible.
            fps: frames per second.
            chunk_size: frames per chunk; 0: no borders are drawn.
        """
        figure = _figure(9, 3)
        axes = figure.subplots()
        for border in range(chunk_size, len(errors), chunk_size) if chunk_size else ():
            axes.axvline((border - 0.5) / fps, color=GREY, linewidth=0.6)
        axes.plot(
            np.arange(len(errors)) / fps, errors, color=BLUE, linewidth=0.9, marker="." if len(errors) < 3 else ""
        )
        axes.set(
            xlabel="seconds; lines: borders of chunks" if chunk_size else "seconds", ylabel="error, shoulder widths"
        )
        axes.set_ylim(bottom=0)
        return self._save(figure, name)

    def latents(
        self,
        name: str,
        vectors: np.ndarray,
        groups: Sequence[str] | None = None,
        *,
        method: Literal["pca", "umap"] = "pca",
    ) -> Path:
        """Latent vectors projected to two dimensions: `NAME.png`.

        Args:
            vectors: (M, Z).
            groups: of each vector, shown by color, if there are at most ten.
            method: principal components, or UMAP where `umap` is installed.

        Raises:
            UserError: UMAP is asked for and not installed, or there are too few vectors for it.
        """
        if method == "umap":
            coordinates, labels = _umap(vectors), ("UMAP 1", "UMAP 2")
        else:
            coordinates, shares = principal_components(vectors)
            labels = tuple(f"component {i + 1}, {share:.0%} of the variance" for i, share in enumerate(shares))
        figure = _figure(6, 5)
        axes = figure.subplots()
        names = list(dict.fromkeys(groups)) if groups is not None else []
        if 1 < len(names) <= 10:
            member = np.array(groups)
            for number, group in enumerate(names):
                axes.scatter(*coordinates[member == group].T, s=10, color=f"C{number}", label=group)
            axes.legend(fontsize=6, markerscale=1.5)
        else:
            axes.scatter(*coordinates.T, s=10, color=BLUE, alpha=0.7)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        return self._save(figure, name)

    def latent_use(self, name: str, nats: Mapping[str, Sequence[float]]) -> Path:
        """KL divergence of every dimension in nats, sorted, one plot per level: `NAME.png`."""
        figure = _figure(9, 2.6 * len(nats))
        axes = figure.subplots(len(nats), 1, squeeze=False)
        for cell, (level, values) in zip(axes[:, 0], nats.items(), strict=True):
            cell.bar(np.arange(1, len(values) + 1), sorted(values, reverse=True), color=BLUE)
            cell.set(title=level, xlabel="dimension, most used first", ylabel="nats")
        return self._save(figure, name)

    @torch.inference_mode()
    def attention(
        self,
        name: str,
        model: HierarchicalTransformerVAE,
        sequence: PoseSequence,
        condition: Tensor | None = None,
        *,
        level: Literal["local", "global"] = "local",
    ) -> Path:
        """Attention weights of every layer of encoder and decoder, mean over heads: `NAME.png`.

        Args:
            sequence: (T, K, D) as the model sees it; see `PoseDataProcessor`.
            condition: of B = 1, as `HierarchicalTransformerVAE.encode` takes it.
            level: between frames, the first 256 of them, or between chunks.

        Raises:
            UserError: the model has no such level.
        """
        batch, _ = encoder_batch(model, [sequence])
        with record_attention(model) as inputs:
            posterior = model.encode(batch.keypoints, batch.confidence, batch.mask, condition)
            model.decode(model.latent_space.mean(posterior), len(sequence), condition)
        layers = [layer for layer in inputs if layer.local == (level == "local")]
        if not layers:
            raise UserError(f"the model {model.name} has no {level} attention to draw")
        columns = min(4, len(layers))
        rows = -(-len(layers) // columns)
        figure = _figure(2.9 * columns, 3.1 * rows)
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for cell in cells[len(layers) :]:
            cell.set_axis_off()
        unit = "frame" if level == "local" else "chunk"
        for cell, layer in zip(cells, layers, strict=False):
            cell.imshow(attention_map(layer), cmap="viridis", vmin=0, interpolation="nearest")
            cell.set_title(layer.name.removesuffix(".attention"), fontsize=6)
            cell.set_xlabel(f"{unit} attended to", fontsize=6)
            cell.set_ylabel(unit, fontsize=6)
            cell.tick_params(labelsize=6)
        return self._save(figure, name)

    def _save(self, figure: Figure, name: str) -> Path:
        path = self.folder / f"{name}.png"
        with atomic_write(path, overwrite=self.overwrite) as temporary:
            figure.savefig(temporary, dpi=DPI)
        return path


def attention_map(layer: AttentionInput) -> np.ndarray:
    """A layer's attention weights, mean over heads: (N, N) between chunks, (T, T) between frames, the first 256."""
    module = layer.module
    if not isinstance(module, LocalAttention):
        return layer.weights()[0].mean(dim=0).float().cpu().numpy()
    size, overlap = module.chunk_size, module.overlap
    T = min(MAX_FRAMES, layer.x.shape[1])
    chunks = -(-T // size)
    weights = layer.weights()[0, :chunks].mean(dim=1).float().cpu().numpy()  # (N, size, window)
    square = np.zeros((chunks * size, 2 * overlap + chunks * size + 2 * overlap), np.float32)
    for n, chunk in enumerate(weights):
        square[n * size : (n + 1) * size, n * size : n * size + chunk.shape[1]] = chunk
    return square[:T, overlap : overlap + T]


def principal_components(vectors: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Vectors (M, Z) on their first two principal components (M, 2), and the share of variance of each."""
    centered = vectors.astype(np.float64) - vectors.mean(axis=0)
    U, S, _ = np.linalg.svd(centered, full_matrices=False)
    coordinates = np.zeros((len(vectors), 2))
    rank = min(2, len(S))
    coordinates[:, :rank] = U[:, :rank] * S[:rank]
    total = float((S**2).sum())
    shares = [float(S[i] ** 2) / total if i < rank and total else 0.0 for i in range(2)]
    return coordinates, shares


def has_umap() -> bool:
    """Whether UMAP is installed."""
    return find_spec("umap") is not None


def _umap(vectors: np.ndarray) -> np.ndarray:
    if not has_umap():
        raise UserError("UMAP needs the package umap-learn; install it, or draw principal components")
    if len(vectors) < 4:
        raise UserError(f"UMAP of {len(vectors)} vectors; it needs at least 4")
    import umap  # ty: ignore[import-not-found]

    reducer: Any = umap.UMAP(n_neighbors=min(15, len(vectors) - 1), random_state=0)
    return np.asarray(reducer.fit_transform(vectors))


def _figure(width: float, height: float) -> Figure:
    """A figure of so many inches, without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
