"""Whole pictures of a clip, as files hold them: the signer, and below the captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.rendering.captions import CURRENT, OTHER, CaptionStrip
from pose_core.rendering.drawing import draw_frames, drawn_colors
from pose_core.rendering.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pose_core.rendering.captions import Caption
    from pose_core.sequence import PoseSequence


class Composition:
    """Pictures (H, W, 3) of a sequence; `width` and `height` are even.

    Args:
        sequence: T frames, in pixels or in shoulder widths.
        size: height in pixels of what shows the signer; captions come on top of that.
        captions: of the sequence's frames.
    """

    def __init__(self, sequence: PoseSequence, size: int, captions: Sequence[Caption] = ()) -> None:
        self.sequence = sequence
        self.view = View.fit(sequence, size)
        self.strip = CaptionStrip(captions, self.view.width, self.view.height) if captions else None
        self.width = self.view.width
        self.height = self.view.height + (self.strip.height if self.strip else 0)

    def frames(self, frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
        """The pictures of some frames, of all by default, one at a time."""
        chosen = list(range(len(self.sequence)) if frames is None else frames)
        for frame, picture in zip(chosen, draw_frames(self.sequence, self.view, chosen), strict=True):
            yield picture if self.strip is None else np.concatenate([picture, self.strip.at(frame)])

    def colors(self) -> np.ndarray:
        """(N, 3) uint8 RGB: all colors besides white."""
        colors = drawn_colors(self.sequence.skeleton)
        if self.strip is not None:
            colors = np.unique(np.concatenate([colors, np.array([CURRENT, OTHER], np.uint8)]), axis=0)
        return colors
