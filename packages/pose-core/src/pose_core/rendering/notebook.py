"""A sequence in a notebook: the player in an iframe."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import anything_visible
from pose_core.rendering.player import page

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

HEIGHT = 320  # pixels of the picture
CONTROLS, NARROWEST = 190, 440  # pixels that the page needs besides the picture, and in width
BUDGET = 150_000  # points in all frames, about 0.8 MB: notebooks store what they show


def player_html(sequence: PoseSequence) -> str:
    """A sequence as an HTML player; a line of text if there is nothing to draw.

    To keep notebooks small, legs and the inner points of a face mesh are left out, and long clips show every nth frame.
    """
    line = escape(repr(sequence))
    if not len(sequence) or not anything_visible(sequence):
        return f"<pre>{line}: nothing to draw</pre>"
    shown, name = _thinned(sequence)
    width = max(NARROWEST, round(Composition(shown, HEIGHT).width * 1.2))
    source = escape(page({name: shown}), quote=True)
    return (
        f'<iframe srcdoc="{source}" width="{width}" height="{HEIGHT + CONTROLS}" title="{line}" '
        f'style="border: 0; max-width: 100%"></iframe><div><code>{line}</code></div>'
    )


def _thinned(sequence: PoseSequence) -> tuple[PoseSequence, str]:
    """The sequence with fewer points and frames, and a title that says so."""
    skeleton = sequence.skeleton
    dropped = {*skeleton.face_details(), *skeleton.duplicates(), *skeleton.legs()}
    shown = [i for i in range(skeleton.num_keypoints) if i not in dropped]
    thinned = sequence.select(shown) if dropped and shown else sequence
    if not anything_visible(thinned):
        thinned = sequence
    step = max(1, math.ceil(len(sequence) * thinned.skeleton.num_keypoints / BUDGET))
    if step == 1:
        return thinned, "pose"
    return replace(thinned[::step], fps=sequence.fps / step), f"pose, one frame in {step}"
