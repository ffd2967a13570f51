"""HTML player: one self-contained file that plays clips side by side, without a network."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_core.notices import notify
from pose_core.rendering.captions import check_captions, words
from pose_core.rendering.drawing import HEIGHT, Drawing, anything_visible, check_drawable, check_frames
from pose_core.rendering.hands import hand_panels
from pose_core.rendering.head import with_head
from pose_core.rendering.view import View
from pose_core.reporting import fill_page, script_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.rendering.captions import Caption
    from pose_core.rendering.drawing import Layer
    from pose_core.sequence import PoseSequence

STEPS = 16  # positions a pixel: int16 then reaches as far outside of the picture as `Drawing` does
MISSING = -(2**15)  # in place of a coordinate where a keypoint is missing


def write_html(
    sequences: PoseSequence | Mapping[str, PoseSequence],
    path: str | Path,
    *,
    captions: Sequence[Caption] | Mapping[str, Sequence[Caption]] = (),
    hands: bool = True,
    overwrite: bool = False,
) -> None:
    """Writes an HTML player of one or several clips side by side, synchronized, drawn as by `draw`.

    The page is self-contained. Clips may differ in skeleton, fps and length; a shorter one holds its last
    frame until the longest has ended.

    Args:
        sequences: at least one frame each; the names in a mapping stand below the clips.
        path: of the file; its name stands below a clip that has no name of its own.
        captions: letters or signs, shown while they are signed; of several clips, those of each by its name.
        hands: show hands magnified beside the signer, where they are small; a switch on the page turns them off.
        overwrite: replace an existing file.

    Raises:
        UserError: there are no sequences, one has no frames, all show nobody, captions overlap or end after the last
            frame, the file exists, or its folder cannot be written.
    """
    clips = sequences if isinstance(sequences, Mapping) else {Path(path).stem: sequences}
    if not clips:
        raise UserError(f"{path}: no poses to show; give at least one")
    captioned = captions if isinstance(captions, Mapping) else dict.fromkeys(clips, captions)
    for name, sequence in clips.items():
        where = f"{path}: {name}" if len(clips) > 1 else path
        check_frames(sequence, where)
        check_captions(captioned.get(name, ()), sequence, where)
    blank = [name for name, sequence in clips.items() if not anything_visible(sequence)]
    if len(blank) == len(clips):
        check_drawable(next(iter(clips.values())), path)
    elif blank:  # beside others, an empty picture says something; alone it is a mistake
        message = f"all keypoints are missing in {', '.join(blank)}; nothing is drawn there"
        notify(path, message, kind="clips without keypoints")
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(page(clips, captioned, hands=hands), encoding="utf-8")


def page(
    clips: Mapping[str, PoseSequence],
    captions: Mapping[str, Sequence[Caption]] | None = None,
    *,
    hands: bool = True,
) -> str:
    """The HTML of a player of clips, with the captions of each by its name."""
    captions = captions or {}
    drawn = [_clip(name, sequence, captions.get(name, ()), hands) for name, sequence in clips.items()]
    template = resources.files("pose_core.rendering").joinpath("player.html").read_text("utf-8")
    return fill_page(template, {"clips": script_json(drawn)})  # a name may say "</script>" or be half a character


@dataclass(frozen=True)
class PackedDrawing:
    """A drawing in the format of `player.js`: the drawn keypoints, and layers that refer to them by position.

    Attributes:
        keypoints: how many are drawn, K'.
        coordinates: base64 of (T, K', 2) little-endian int16, in steps of 1/16 pixel; `MISSING` where not visible.
        layers: from the lowest to the highest; see `layer`.
    """

    keypoints: int
    coordinates: str
    layers: list[dict[str, Any]]
    _position: np.ndarray

    @classmethod
    def of(cls, drawing: Drawing) -> PackedDrawing:
        """Packs the (T, K, 2) pixels of a drawing."""
        drawn = np.unique(np.concatenate([p.ravel() for layer in drawing.layers for p in (layer.points, layer.limbs)]))
        position = np.zeros(drawing.coordinates.shape[1], int)
        position[drawn] = np.arange(len(drawn))
        coordinates = np.round(drawing.coordinates[:, drawn] * STEPS)
        coordinates = np.where(drawing.visible[:, drawn, None], coordinates, MISSING)
        return cls(len(drawn), _base64(coordinates), [_layer(layer, position) for layer in drawing.layers], position)

    def layer(self, layer: Layer) -> dict[str, Any]:
        """Another layer of the same keypoints."""
        return _layer(layer, self._position)


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<i2").tobytes()).decode()


def _clip(name: str, sequence: PoseSequence, captions: Sequence[Caption], hands: bool) -> dict[str, Any]:
    """The page's data of a clip: coordinates of the drawn keypoints, layers, captions, hand panels."""
    sequence = with_head(sequence)
    view = View.fit(sequence, HEIGHT)
    drawing = Drawing.of(sequence, view)
    panels = hand_panels(drawing, sequence.skeleton, sequence.fps, view.height) if hands else []
    packed = PackedDrawing.of(drawing)
    return {
        "name": name,
        "fps": float(sequence.fps),
        "frames": len(sequence),
        "width": view.width,
        "height": view.height,
        "keypoints": packed.keypoints,
        "words": [[[each.text, each.start, each.end] for each in word.captions] for word in words(captions)],
        "layers": packed.layers,
        "coordinates": packed.coordinates,
        "panels": [
            {
                "layer": packed.layer(panel.layer),
                "zoom": round(panel.zoom, 4),
                "width": panel.width,
                "height": panel.height,
                "centers": _base64(np.round(panel.centers * STEPS)),
            }
            for panel in panels
        ],
    }


def _layer(layer: Layer, position: np.ndarray) -> dict[str, Any]:
    """A layer as JSON values: [color, positions] of lines (two ends each) and of dots, in drawing order."""
    ends = layer.colors[layer.limbs[:, 1]]  # (E, 3)
    lines = [
        [_hex(color), position[layer.limbs[(ends == color).all(axis=1)]].ravel().tolist()]
        for color in np.unique(ends, axis=0)
    ]
    dots = [
        [color, position[list(points)].tolist()]
        for color, points in itertools.groupby(layer.points.tolist(), lambda point: _hex(layer.colors[point]))
    ]
    return {"line": layer.line, "dot": float(layer.dot), "halo": layer.halo, "lines": lines, "dots": dots}


def _hex(color: np.ndarray) -> str:
    """An RGB color as CSS writes it."""
    return "#" + bytes(color.tolist()).hex()
