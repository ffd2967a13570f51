"""Plots of an evaluation, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton
    from pose_tokenizer.evaluation.evaluate import Evaluation

HEIGHT = 420  # pixels of a picture, without its title
TITLE = 34  # pixels above it
MAX_ASPECT = 1.2  # width to height
MARGIN = 16
DOT, MANY = 5.0, 60  # radius of a dot; half of it for so many dots or more
BAR, GAP = 22, 8
LOW, HIGH = np.array([254, 226, 150]), np.array([150, 10, 50])  # RGB of the smallest and of the largest error
LIMB, INK, BLUE = "#cbd5e1", "#1f2937", "#1d4ed8"


def keypoint_errors(evaluation: Evaluation, skeleton: Skeleton, positions: np.ndarray) -> str:
    """RMSE of every keypoint as the color of its dot: the whole skeleton, then an enlarged view of each hand.

    Args:
        evaluation: has the errors.
        skeleton: the model's.
        positions: (K, 2) of its keypoints, in shoulder widths.
    """
    errors = np.array([score.errors.rmse for score in evaluation.keypoints])
    compared = np.isfinite(errors)
    largest = float(errors.max(initial=0.0, where=compared))
    views = {
        "all keypoints": range(skeleton.num_keypoints),
        "left hand": skeleton.hand("left"),
        "right hand": skeleton.hand("right"),
    }
    elements, x = [], 0
    for title, indices in views.items():
        shown = sorted(i for i in indices if compared[i])
        if not shown:
            continue
        dots_at, width = _fit(positions[shown])
        names = [" ".join(skeleton.keypoints[i]) for i in shown]
        colors = [_color(errors[i] / largest if largest else 0.0) for i in shown]
        lines = "".join(_line(*dots_at[limb].ravel()) for limb in skeleton.select(shown).limbs)
        dots = "".join(
            _dot(*center, DOT if len(shown) < MANY else DOT / 2, color, f"{name}: {error:.4f}")
            for center, color, name, error in zip(dots_at.tolist(), colors, names, errors[shown], strict=True)
        )
        elements.append(f'{_text(x + 8, 22, title)}<g transform="translate({x} {TITLE})">{lines}{dots}</g>')
        x += width + 16
    return _svg(x + 110, HEIGHT + TITLE, [*elements, _color_bar(x, largest)])


def code_usage(evaluation: Evaluation) -> str:
    """Use of each quantizer's codes, and the quantization error after it: four rows of bars."""
    books = evaluation.codebooks
    size = max((book.perplexity for book in books if math.isfinite(book.perplexity)), default=1.0)
    before = evaluation.prediction_error or math.nan
    rows = [
        _bars("share of blocks that take a code of this quantizer", [b.uses / evaluation.blocks for b in books]),
        _bars("share of its codes that are taken at all", [b.utilization for b in books]),
        _bars("perplexity: how many equally frequent codes would say as much", [b.perplexity for b in books], size),
        _bars("share of the latents' squared error that remains after it", [b.error / before for b in books]),
    ]
    width = max(560, (BAR + GAP) * len(books) + 60)
    groups = [f'<g transform="translate(0 {160 * row})">{bars}</g>' for row, bars in enumerate(rows)]
    return _svg(width, 160 * len(rows), groups)


def _fit(points: np.ndarray) -> tuple[np.ndarray, int]:
    """Points (N, 2) scaled to a picture `HEIGHT` high, and its width."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (HEIGHT - 2 * MARGIN) / max(high[1] - low[1], (high[0] - low[0]) / MAX_ASPECT, 1e-6)
    return (points - low) * scale + MARGIN, round((high[0] - low[0]) * scale + 2 * MARGIN)


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{LIMB}" stroke-width="2"/>'


def _dot(x: float, y: float, radius: float, color: str, tooltip: str) -> str:
    attributes = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}"'
    return f"<circle {attributes}><title>{escape(tooltip)}</title></circle>"


def _color_bar(x: int, largest: float) -> str:
    """The color scale, 0 to the largest error."""
    steps = 40
    height = 200 / steps
    bars = "".join(
        f'<rect x="{x}" y="{TITLE + 20 + i * height:.1f}" width="18" height="{height + 0.5:.1f}" '
        f'fill="{_color(1 - i / (steps - 1))}"/>'
        for i in range(steps)
    )
    labels = _text(x + 26, TITLE + 32, f"{largest:.3f}") + _text(x + 26, TITLE + 220, "0")
    return f"{_text(x, 22, 'RMSE')}{bars}{labels}"


def _bars(title: str, values: Sequence[float], top: float | None = None) -> str:
    """A row of bars 90 pixels high, one per quantizer, its value above it and its number below.

    Values are shares, or numbers up to `top`.
    """
    elements = [_text(8, 20, title)]
    for number, value in enumerate(values):
        x = 30 + number * (BAR + GAP)
        elements.append(_text(x + BAR / 2, 148, str(number + 1), small=True))
        if math.isfinite(value):
            height = 90 * min(1.0, value / (top or 1.0))
            elements.append(f'<rect x="{x}" y="{135 - height:.1f}" width="{BAR}" height="{height:.1f}" fill="{BLUE}"/>')
            elements.append(_text(x + BAR / 2, 131 - height, f"{value:.0f}" if top else f"{value:.0%}", small=True))
    return "".join(elements)


def _color(share: float) -> str:
    """The color of an error, given as its share of the largest one."""
    return "#" + bytes((LOW + share * (HIGH - LOW)).round().astype(np.uint8).tolist()).hex()


def _text(x: float, y: float, text: str, *, small: bool = False) -> str:
    style = 'font-size="10" text-anchor="middle"' if small else 'font-size="14"'
    return f'<text x="{x:g}" y="{y:g}" {style} fill="{INK}">{escape(text)}</text>'


def _svg(width: int, height: int, elements: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif"><rect width="100%" height="100%" fill="#fff"/>{"".join(elements)}</svg>\n'
    )
