"""Magnified hands beside the signer: letters differ by fingers, a few pixels in a picture of a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.rendering.drawing import HAND_LINE, Drawing, Layer, paint

if TYPE_CHECKING:
    from pose_core.skeleton import Skeleton

OFTEN = 0.2  # share of the frames in which a hand is visible, or it gets no panel
LARGER, LARGEST = (
    1.4,
    8.0,
)  # times a panel shows a hand larger than the picture does; a hand that is large already gets none
ONE, TWO = 0.7, 0.5  # widths of the column, of the picture's height: one hand in it, two hands one above the other
FILL = 0.85  # of a panel, filled by a hand at most, in nearly all frames
NEARLY_ALL = 98  # percentile
FOLLOW = 0.1  # seconds; faster movements are visible as such, slower ones the panel follows
MARGIN = 0.04  # of a panel, which a hand that fits into it keeps from each edge, however fast it moves
BORDER = 200  # grey of the lines between panels


@dataclass(frozen=True)
class Panel:
    """A window that follows a hand and magnifies it.

    Attributes:
        drawing: of the whole clip.
        layer: the hand's, its lines as thick as they are in the panel.
        centers: (T, 2) center of the window in the drawing's picture, in pixels.
        zoom: magnification.
        width, height: in pixels.
    """

    drawing: Drawing
    layer: Layer
    centers: np.ndarray
    zoom: float
    width: int
    height: int

    def coordinates(self, frame: int) -> np.ndarray:
        """(K, 2) pixels in the panel; valid for the hand's keypoints only."""
        middle = np.array([self.width, self.height]) / 2
        return (self.drawing.coordinates[frame] - self.centers[frame]) * self.zoom + middle

    def at(self, frame: int) -> np.ndarray:
        """The panel (height, width, 3) of a frame."""
        picture = paint(self.coordinates(frame), self.drawing.visible[frame], [self.layer], self.width, self.height)
        picture[:, : max(1, self.height // 160)] = BORDER
        return picture


def hand_panels(drawing: Drawing, skeleton: Skeleton, fps: float, height: int) -> list[Panel]:
    """A panel for each hand that is often visible and small; together they are as high as the picture.

    Args:
        drawing: of the whole clip.
        height: of the picture in pixels.
    """
    layers = []
    for side in ("right", "left"):
        hand = skeleton.hand(side)
        layer = next((each for each in drawing.layers if hand and np.array_equal(each.points, hand)), None)
        if layer is not None and drawing.visible[:, hand].any(axis=1).mean() >= OFTEN:
            layers.append(layer)
    width = int(height * (ONE if len(layers) == 1 else TWO)) // 2 * 2
    panels = [_panel(drawing, layer, fps, width, height // len(layers)) for layer in layers]
    return [panel for panel in panels if panel is not None] if all(panels) else []


def _panel(drawing: Drawing, layer: Layer, fps: float, width: int, height: int) -> Panel | None:
    """The panel of a layer's points; None where the magnification would be below `LARGER`."""
    visible = drawing.visible[:, layer.points]  # (T, P)
    coordinates = drawing.coordinates[:, layer.points]
    visible_frames = np.flatnonzero(visible.any(axis=1))
    low = coordinates[visible_frames].min(axis=1, initial=np.inf, where=visible[visible_frames, :, None])
    high = coordinates[visible_frames].max(axis=1, initial=-np.inf, where=visible[visible_frames, :, None])
    frames = np.arange(len(coordinates))
    centers = np.stack([np.interp(frames, visible_frames, axis) for axis in ((low + high) / 2).T], axis=-1)  # (T, 2)
    centers = _smoothed(centers, FOLLOW * fps)
    size = np.percentile(high - low, NEARLY_ALL, axis=0).clip(1e-6)  # (2,)
    zoom = min(LARGEST, float(FILL * (np.array([width, height]) / size).min()))
    if zoom < LARGER:
        return None
    line = max(1, round(zoom * size.max() / HAND_LINE))
    half = np.array([width, height]) / zoom * (0.5 - MARGIN)
    fits = (high - low <= 2 * half).all(axis=1)
    within = np.clip(centers[visible_frames], high - half, low + half)
    centers[visible_frames] = np.where(fits[:, None], within, (low + high) / 2)
    magnified = replace(layer, line=line, dot=0.5 + 0.75 * line, halo=(line + 1) // 2)
    return Panel(drawing, magnified, centers, zoom, width, height)


def _smoothed(path: np.ndarray, deviation: float) -> np.ndarray:
    """A path (T, 2) smoothed by a Gaussian of `deviation` frames, its ends extended."""
    radius = min(int(3 * deviation), len(path))  # beyond the clip there are only its ends
    if radius < 1:
        return path
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
    padded = np.pad(path, ((radius, radius), (0, 0)), mode="edge")
    return np.stack([np.convolve(axis, kernel / kernel.sum(), mode="valid") for axis in padded.T], axis=-1)
