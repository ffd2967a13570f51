"""An evaluation as a web page: its figures, and every clip beside what the model made of it, worst first."""

from __future__ import annotations

import base64
import math
import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pydantic_core import to_json

from pose_core import UserError, concatenate
from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.rendering.drawing import Drawing
from pose_core.rendering.view import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pose_core import PoseSequence
    from pose_core.rendering.drawing import Layer
    from text_to_pose.evaluation.evaluate import ClipScore, Evaluation, Interval, Score

PAGE, RESULTS = "index.html", "results.json"
SIZE = 480  # pixels; the pictures are square, so that all clips are equally large
STEPS = 16  # positions a pixel: int16 then reaches as far outside of the picture as `Drawing` does
MISSING = -(2**15)  # in place of a coordinate where a keypoint is missing


@dataclass(frozen=True)
class Column:
    """A figure of `Score` as tables show it: its name there, its title, and how many digits it has."""

    name: str
    title: str
    digits: int = 3

    def mean(self, score: Score) -> str:
        """The figure, a dash where there is none."""
        return self._text(getattr(score, self.name))

    def interval(self, intervals: Mapping[str, Interval]) -> str:
        """Its confidence interval, `[low, high]`."""
        low, high = intervals[self.name]
        return f"[{self._text(low)}, {self._text(high)}]"

    def _text(self, value: float) -> str:
        return f"{value:.{self.digits}f}" if math.isfinite(value) else "–"


COLUMNS = (
    Column("dtw_mje", "DTW-MJE"),
    Column("length_error", "length error"),
    Column("rank1", "rank-1"),
    Column("rank5", "rank-5"),
    Column("acceleration", "acceleration", 2),
)


def check_report_folder(folder: str | Path, *, overwrite: bool = False) -> None:
    """Refuses a report's folder before any work is done for it, and creates it where it is missing.

    Raises:
        UserError: it holds something and `overwrite` is not set, it is a file, or it cannot be created or written.
    """
    folder = Path(folder)
    check_output_folder(folder)
    if not overwrite and any(folder.iterdir()):
        raise UserError(f"{folder}: is not empty; use --overwrite to replace the report in it or name another folder")


def summary(evaluation: Evaluation, checkpoint: str) -> dict[str, Any]:
    """What was scored, each system's `Score`, and its confidence intervals; machines read it."""
    return {
        "checkpoint": checkpoint,
        "data": evaluation.data,
        "split": evaluation.split,
        "sampling": asdict(evaluation.sampling),
        "scores": dict(evaluation),
        "intervals": evaluation.intervals,
    }


def write_report(
    evaluation: Evaluation, folder: str | Path, *, checkpoint: str = "model", overwrite: bool = False
) -> Path:
    """Writes `index.html`, which opens from disk and needs no network, and `results.json`, the figures in it.

    Args:
        folder: is created; one that holds something is refused unless `overwrite` is set, and then these two files in
            it are replaced.
        checkpoint: what the report calls the model.

    Returns:
        The page.

    Raises:
        UserError: see `check_report_folder`.
    """
    check_report_folder(folder, overwrite=overwrite)
    folder = Path(folder)
    figures = summary(evaluation, checkpoint)
    results = to_json({**figures, "clips": evaluation.clip_scores}, indent=2, inf_nan_mode="null")
    page = _page(evaluation, figures)
    with (
        atomic_write(folder / RESULTS, overwrite=overwrite) as results_file,
        atomic_write(folder / PAGE, overwrite=overwrite) as page_file,
    ):
        results_file.write_bytes(results)
        page_file.write_text(page, encoding="utf-8")
    return folder / PAGE


def _page(evaluation: Evaluation, figures: dict[str, Any]) -> str:
    refinements = f"{evaluation.sampling.num_steps} refinement{'s' * (evaluation.sampling.num_steps != 1)}"
    slots = {
        "title": escape(f"{figures['checkpoint']}: letters of the {evaluation.split} split"),
        "facts": escape(f"{len(evaluation.rows)} clips of {evaluation.data}; {refinements} a letter"),
        "head": _cells("th", ["", "clips", *(column.title for column in COLUMNS)]),
        "scores": "".join(
            _score_row(system, score, figures["intervals"][system]) for system, score in evaluation.items()
        ),
        # A letter may be "</script>"; the page puts them in as text, so this is the only place they could break out.
        "data": to_json(_data(evaluation), inf_nan_mode="null").decode().replace("<", "\\u003c"),
    }
    template = resources.files("text_to_pose.evaluation").joinpath("report.html").read_text("utf-8")
    return re.sub(r"{{(\w+)}}", lambda slot: slots[slot[1]], template)


def _score_row(system: str, score: Score, intervals: Mapping[str, Interval]) -> str:
    cells = [f"{column.mean(score)} <span>{column.interval(intervals)}</span>" for column in COLUMNS]
    return f'<tr><th scope="row">{system}</th>{_cells("td", [str(score.clips), *cells])}</tr>'


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)


def _data(evaluation: Evaluation) -> dict[str, Any]:
    """What the page's script reads: the model's clips, worst first, and the styles that they are drawn in."""
    references = [evaluation.everything.sequences[i] for i in evaluation.rows]
    scored = zip(evaluation.clip_scores["model"], references, evaluation.sequences["model"], strict=True)
    styles, clips = [], []
    for score, reference, made in sorted(scored, key=lambda row: _badness(row[0]), reverse=True):
        style, places = _drawn(reference, cast("PoseSequence", made))
        if style not in styles:
            styles.append(style)
        clips.append(
            {
                **asdict(score),
                "path": _inside(score.path, evaluation.data.parent),
                "fps": reference.fps,
                "style": styles.index(style),
                "keypoints": places.shape[1],
                "places": base64.b64encode(places.tobytes()).decode(),
            }
        )
    return {"size": SIZE, "steps": STEPS, "missing": MISSING, "styles": styles, "clips": clips}


def _badness(score: ClipScore) -> float:
    """What could not be compared is the worst of all."""
    return score.dtw_mje if math.isfinite(score.dtw_mje) else math.inf


def _inside(path: Path, folder: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _drawn(reference: PoseSequence, made: PoseSequence) -> tuple[list[dict[str, Any]], np.ndarray]:
    """How to draw both in one picture, and where.

    Returns:
        The layers, from the lowest to the highest; and places (T + T', K, 2) of the keypoints that these name, first
        all frames of the reference, in steps.
    """
    both = concatenate([reference, made])
    view = _square(View.fit(both, SIZE))
    drawing = Drawing.of(both, view)
    drawn = np.unique(np.concatenate([p.ravel() for layer in drawing.layers for p in (layer.points, layer.limbs)]))
    position = np.zeros(both.skeleton.num_keypoints, int)
    position[drawn] = np.arange(len(drawn))
    places = np.round(drawing.places[:, drawn] * STEPS)
    places = np.where(drawing.seen[:, drawn, None], places, MISSING).astype("<i2")
    return [_layer(layer, position) for layer in drawing.layers], places


def _square(view: View) -> View:
    """The view with room added on two sides, `SIZE` large."""
    size = np.array([view.width, view.height])
    scale = view.scale * SIZE / size.max()
    return View(view.origin + size / (2 * view.scale) - SIZE / (2 * scale), scale, SIZE, SIZE)


def _layer(layer: Layer, position: np.ndarray) -> dict[str, Any]:
    """A layer in plain values: by color, the positions of the lines' ends, two each, and of the dots."""
    lines, dots = defaultdict(list), defaultdict(list)
    for start, end in layer.limbs.tolist():
        lines[_hex(layer.colors[end])] += [int(position[start]), int(position[end])]
    for point in layer.points.tolist():
        dots[_hex(layer.colors[point])].append(int(position[point]))
    return {
        "line": layer.line,
        "dot": float(layer.dot),
        "halo": layer.halo,
        "lines": list(lines.items()),
        "dots": list(dots.items()),
    }


def _hex(color: np.ndarray) -> str:
    """An RGB color as CSS writes it."""
    return "#" + bytes(color.tolist()).hex()
