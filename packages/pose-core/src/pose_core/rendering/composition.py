"""Complete pictures of a clip: the signer, magnified hands beside, captions below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core.rendering.captions import CURRENT, OTHER, CaptionStrip
from pose_core.rendering.drawing import Drawing, drawn_colors, paint
from pose_core.rendering.hands import BORDER, hand_panels
from pose_core.rendering.head import with_head
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
        hands: show hands magnified as well, where they are small.
    """

    def __init__(
        self, sequence: PoseSequence, size: int, captions: Sequence[Caption] = (), *, hands: bool = True
    ) -> None:
        self.sequence = with_head(sequence)
        self.view = View.fit(self.sequence, size)
        self.drawing = Drawing.of(self.sequence, self.view)
        skeleton = self.sequence.skeleton
        self.panels = hand_panels(self.drawing, skeleton, sequence.fps, self.view.height) if hands else []
        self.width = self.view.width + (self.panels[0].width if self.panels else 0)
        self.strip = CaptionStrip(captions, self.width, self.view.height) if captions else None
        self.height = self.view.height + (self.strip.height if self.strip else 0)

    def frames(self, frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
        """Yields the pictures of some frames (default: all) one at a time; a long clip's do not fit into memory."""
        for frame in range(len(self.sequence)) if frames is None else frames:
            drawing, view = self.drawing, self.view
            picture = paint(drawing.coordinates[frame], drawing.visible[frame], drawing.layers, view.width, view.height)
            if self.panels:
                column = np.concatenate([panel.at(frame) for panel in self.panels])
                for i in range(1, len(self.panels)):
                    column[i * self.panels[0].height :][: max(1, view.height // 240)] = BORDER
                picture = np.concatenate([picture, column], axis=1)
            yield picture if self.strip is None else np.concatenate([picture, self.strip.at(frame)])

    def colors(self) -> np.ndarray:
        """(N, 3) uint8 RGB: all colors besides white."""
        others = [(BORDER, BORDER, BORDER)] if self.panels else []
        others += [CURRENT, OTHER] if self.strip else []
        colors = [drawn_colors(self.sequence.skeleton), np.array(others, np.uint8).reshape(-1, 3)]
        return np.unique(np.concatenate(colors), axis=0)
