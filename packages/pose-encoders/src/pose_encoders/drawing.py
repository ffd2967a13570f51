"""A picture of the graph encoder's graph, to check limbs and temporal edges by eye."""

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
FRAME_OFFSET = np.array([2.2, -0.25])  # (x, y) from one frame to the next, in shoulder widths


def draw_graph(pose: PoseSequence, path: str | Path, *, window: int = 1, overwrite: bool = False) -> None:
    """Draws all edges of `GraphEncoder`'s graph over three frames, side by side.

    Args:
        pose: (T, K, D), normalized; the first frame is drawn three times, without keypoints that are not visible.
        path: of the PNG.
        window: see `GraphEncoderConfig`.
        overwrite: replace an existing file.

    Raises:
        UserError: no keypoint of the first frame is visible, or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    visible = np.tile(pose.visible[0], FRAMES)
    if not visible.any():
        raise UserError("nobody is seen in the first frame; there is nothing to draw the graph on")
    offsets = np.arange(FRAMES)[:, None, None] * FRAME_OFFSET
    points = (pose.keypoints[0, :, :2] + offsets).reshape(-1, 2)  # (FRAMES * K, 2)
    graph = [edges.numpy() for edges in PoseGraph(pose.skeleton, window).build(FRAMES, torch.device("cpu"))]

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    through_time = np.concatenate([graph[FROM_PAST], graph[FROM_FUTURE]], axis=1)
    for name, edges, width in (("time", through_time, 0.5), ("limb", graph[LIMB], 1.6)):
        drawn = edges[:, visible[edges].all(axis=0)]
        pairs = np.unique(np.sort(drawn, axis=0), axis=1)  # both directions are one line
        label = (
            f"limb ({len(pairs.T) // FRAMES} per frame)" if name == "limb" else "the same joint in neighbouring frames"
        )
        x, y = (points[pairs, axis] for axis in (0, 1))
        axes.plot(x, y, color=COLORS[name], linewidth=width, zorder=1, label=None)
        axes.plot([], [], color=COLORS[name], linewidth=2, label=label)
    axes.scatter(*points[visible].T, s=9, color="#111827", zorder=2, label="keypoint")
    low, high = points[visible, 1].min(), points[visible, 1].max()
    axes.set_ylim(high + 0.5, low - 0.2)  # y points down
    for frame in range(FRAMES):
        axes.text(frame * FRAME_OFFSET[0], high + 0.4, f"frame t + {frame}" if frame else "frame t", ha="center")
    axes.set_aspect("equal")
    axes.axis("off")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    with atomic_write(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, dpi=110)
