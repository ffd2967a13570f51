"""The graph encoder's graph as a picture, so that a person can see that limbs and joints are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_encoders.graph import FROM_FUTURE, FROM_PAST, LIMB, PoseGraph

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.sequence import PoseSequence

FRAMES = 3
COLORS = {"limb": "#1d4ed8", "time": "#f59e0b"}
ASIDE, UP = 2.2, 0.25  # shoulder widths from one frame to the next, in the picture


def draw_graph(pose: PoseSequence, path: str | Path, *, window: int = 1, overwrite: bool = False) -> None:
    """Draws the graph of three frames side by side: the edges that `GraphEncoder` makes, none left out.

    Args:
        pose: normalized; its first frame says where joints are drawn. Missing ones are left out with their edges.
        path: of a PNG.
        window: see `GraphEncoderConfig`.
        overwrite: replace an existing file.

    Raises:
        UserError: nobody is seen in the first frame, or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seen = np.tile(pose.confidence[0] > 0, FRAMES)
    if not seen.any():
        raise UserError("nobody is seen in the first frame; there is nothing to draw the graph on")
    shift = np.arange(FRAMES)[:, None, None] * np.array([ASIDE, -UP])
    places = (pose.keypoints[0, :, :2] + shift).reshape(-1, 2)  # (frames * K, 2)
    graph = [edges.numpy() for edges in PoseGraph(pose.skeleton, window).build(FRAMES, torch.device("cpu"))]

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    through_time = np.concatenate([graph[FROM_PAST], graph[FROM_FUTURE]], axis=1)
    for name, edges, width in (("time", through_time, 0.5), ("limb", graph[LIMB], 1.6)):
        drawn = edges[:, seen[edges].all(axis=0)]
        pairs = np.unique(np.sort(drawn, axis=0), axis=1)  # both directions are one line
        label = f"limb ({len(pairs.T) // FRAMES} a frame)" if name == "limb" else "the same joint in frames near by"
        x, y = (places[pairs, axis] for axis in (0, 1))
        axes.plot(x, y, color=COLORS[name], linewidth=width, zorder=1, label=None)
        axes.plot([], [], color=COLORS[name], linewidth=2, label=label)
    axes.scatter(*places[seen].T, s=9, color="#111827", zorder=2, label="keypoint")
    low, high = places[seen, 1].min(), places[seen, 1].max()
    axes.set_ylim(high + 0.5, low - 0.2)  # y points down
    for frame in range(FRAMES):
        axes.text(frame * ASIDE, high + 0.4, f"frame t + {frame}" if frame else "frame t", ha="center")
    axes.set_aspect("equal")
    axes.axis("off")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    with atomic_write(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=110)
