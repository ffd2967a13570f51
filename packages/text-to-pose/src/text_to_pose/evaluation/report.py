"""An evaluation as a report: figures, a table of clips, and a page that plays every clip beside its prediction."""

from __future__ import annotations

import math
from dataclasses import asdict
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pose_core import concatenate, reporting
from pose_core.atomic_files import atomic_write
from pose_core.rendering.drawing import Drawing
from pose_core.rendering.player import PackedDrawing
from pose_core.rendering.view import View
from pose_core.reporting import CLIPS, METRICS, PAGE, Column, cells, fill_page, script_json, write_metrics, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pose_core import PoseSequence
    from text_to_pose.evaluation.evaluate import Evaluation
    from text_to_pose.evaluation.scores import ClipScore, Interval, Score

SIZE = 480  # pixels; the pictures are square, so that all clips are equally large
COLUMNS = (
    Column("dtw_mje", "DTW-MJE"),
    Column("length_error", "length error"),
    Column("rank1", "rank-1"),
    Column("rank5", "rank-5"),
    Column("acceleration", "acceleration", 2),
)


def check_report(folder: str | Path, *, overwrite: bool = False) -> None:
    """Refuses a report before any work is done for it; see `pose_core.reporting.check_report`."""
    reporting.check_report(folder, (METRICS, CLIPS, PAGE), overwrite=overwrite)


def summarize(evaluation: Evaluation, checkpoint: str) -> dict[str, Any]:
    """Content of `metrics.json`: what was scored, each system's `Score`, and its confidence intervals."""
    return {
        "checkpoint": checkpoint,
        "data": evaluation.data,
        "split": evaluation.split,
        "sampling": asdict(evaluation.sampling),
        "scores": evaluation.scores,
        "intervals": evaluation.intervals,
    }


def table_lines(evaluation: Evaluation) -> list[str]:
    """The scores as a table for people, with confidence intervals below."""
    head = f"{'':<8} {'clips':>6} " + " ".join(f"{column.title:>15}" for column in COLUMNS)
    scores = [
        f"{system:<8} {score.clips:>6} " + " ".join(f"{column.text(score):>15}" for column in COLUMNS)
        for system, score in evaluation.scores.items()
    ]
    intervals = [
        f"{system:<8} {'':>6} " + " ".join(f"{_interval(column, of):>15}" for column in COLUMNS)
        for system, of in evaluation.intervals.items()
    ]
    note = "DTW-MJE in shoulder widths; length error and acceleration relative to the clip."
    return [head, *scores, "95 % confidence intervals over clips:", *intervals, note]


def write_report(
    evaluation: Evaluation, folder: str | Path, *, checkpoint: str = "model", overwrite: bool = False
) -> Path:
    """Writes `metrics.json`, `clips.csv` and `index.html`, which opens from disk and needs no network.

    Args:
        evaluation: what is reported.
        folder: is created; a file of the report in it is refused unless `overwrite` is set.
        checkpoint: what the report calls the model.
        overwrite: replace an existing report.

    Returns:
        The page.

    Raises:
        UserError: see `check_report`.
    """
    check_report(folder, overwrite=overwrite)
    page = _page(evaluation, checkpoint)
    write_metrics(summarize(evaluation, checkpoint), folder, overwrite=overwrite)
    rows = [
        {"system": system, **asdict(score)} for system, scores in evaluation.clip_scores.items() for score in scores
    ]
    write_table(rows, folder, overwrite=overwrite)
    path = Path(folder) / PAGE
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _page(evaluation: Evaluation, checkpoint: str) -> str:
    sampling, data = evaluation.sampling, evaluation.data
    name = str(data) if isinstance(data, str | Path) else ", ".join(map(str, data))
    rows = [_score_row(system, score, evaluation.intervals[system]) for system, score in evaluation.scores.items()]
    slots = {
        "title": escape(f"{checkpoint}: letters of the {evaluation.split} split"),
        "facts": escape(
            f"{len(evaluation.rows)} clips of {name}; "
            f"{sampling.num_steps} {sampling.sampler} step{'s' * (sampling.num_steps != 1)} per letter, "
            f"guidance {sampling.guidance:g}"
        ),
        "head": cells("th", ["", "clips", *(column.title for column in COLUMNS)]),
        "scores": "".join(rows),
        "data": script_json(_page_data(evaluation)),
    }
    template = resources.files("text_to_pose.evaluation").joinpath("report.html").read_text("utf-8")
    return fill_page(template, slots)


def _score_row(system: str, score: Score, intervals: Mapping[str, Interval]) -> str:
    figures = [f"{column.text(score)} <span>{_interval(column, intervals)}</span>" for column in COLUMNS]
    return f'<tr><th scope="row">{system}</th>{cells("td", [str(score.clips), *figures])}</tr>'


def _interval(column: Column, intervals: Mapping[str, Interval]) -> str:
    """The confidence interval of a figure, `[low, high]`."""
    low, high = (reporting.number(end, column.digits) for end in intervals[column.name])
    return f"[{low}, {high}]"


def _page_data(evaluation: Evaluation) -> dict[str, Any]:
    """Data of the page's script: the model's clips, worst first, and the styles that they are drawn in."""
    references = [evaluation.references.sequences[i] for i in evaluation.rows]
    scored = zip(evaluation.clip_scores["model"], references, evaluation.predictions["model"], strict=True)
    styles, clips = [], []
    for score, reference, prediction in sorted(scored, key=lambda row: _badness(row[0]), reverse=True):
        drawing = _drawing(reference, cast("PoseSequence", prediction))
        if drawing.layers not in styles:
            styles.append(drawing.layers)
        clips.append(
            {
                **asdict(score),
                "path": _relative(score.path, evaluation),
                "fps": reference.fps,
                "style": styles.index(drawing.layers),
                "keypoints": drawing.keypoints,
                "coordinates": drawing.coordinates,
            }
        )
    return {"size": SIZE, "styles": styles, "clips": clips}


def _badness(score: ClipScore) -> float:
    """Sort key, worst first; a clip that could not be compared comes before all others."""
    return score.dtw_mje if math.isfinite(score.dtw_mje) else math.inf


def _relative(path: Path, evaluation: Evaluation) -> str:
    """The path below the folder of its manifest."""
    data = [evaluation.data] if isinstance(evaluation.data, str | Path) else evaluation.data
    for folder in (Path(each).parent for each in data):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.as_posix()


def _drawing(reference: PoseSequence, prediction: PoseSequence) -> PackedDrawing:
    """All frames of the reference, then all of the prediction, in one square picture of `SIZE`."""
    both = concatenate([reference, prediction])
    view = View.fit(both, SIZE)
    size = np.array([view.width, view.height])
    scale = view.scale * SIZE / size.max()
    square = View(view.origin + size / (2 * view.scale) - SIZE / (2 * scale), scale, SIZE, SIZE)
    return PackedDrawing.of(Drawing.of(both, square))
