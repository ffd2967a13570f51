"""An evaluation as a report: metrics for machines, tables of clips and keypoints, and pages to look at."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from pose_core import reporting
from pose_core.atomic_files import atomic_write, check_output_folder
from pose_core.rendering import write_html
from pose_core.reporting import CLIPS, METRICS, PAGE, Column, cells, fill_page, write_metrics, write_table
from pose_tokenizer.evaluation.plots import code_usage, keypoint_errors

if TYPE_CHECKING:
    from pathlib import Path

    from pose_tokenizer.evaluation.results import Evaluation
    from pose_tokenizer.model import PoseTokenizer

KEYPOINTS, ERRORS, CODES, PLAYERS = "keypoints.csv", "keypoints.svg", "codes.svg", "clips"
COLUMNS = (
    Column("mse", "MSE", 5),
    Column("mae", "MAE", 4),
    Column("rmse", "RMSE", 4),
    Column("pck", "PCK@0.1", 4),
    Column("presence", "presence", 4),
)


def summary_lines(evaluation: Evaluation) -> list[str]:
    """The evaluation as lines of text: a table of the parts' errors, then `facts`."""
    return [
        f"{'':<12} " + " ".join(f"{column.title:>9}" for column in COLUMNS),
        *(
            f"{name:<12} " + " ".join(f"{column.text(errors):>9}" for column in COLUMNS)
            for name, errors in evaluation.parts.items()
        ),
        "in shoulder widths, over visible keypoints",
        *facts(evaluation),
    ]


def facts(evaluation: Evaluation) -> list[str]:
    """Number of clips, size of the tokens and use of the codebooks, one line each."""
    size, codebooks = evaluation.size, evaluation.codebooks
    used = [book for book in codebooks if book.uses]
    lines = [
        f"{evaluation.clips} clips, {evaluation.frames} frames, {evaluation.seconds:.1f} s of signing",
        f"{size.bits_per_frame:.1f} bits per frame, {size.bits_per_second:.0f} per second; "
        f"{size.file_bits_per_frame:.1f} per frame with the files' headers",
        f"token files are {size.float32_ratio:.0f} times smaller than float32, "
        f"{size.original_ratio:.0f} times smaller than the clips' files",
        f"{evaluation.codes_per_block:.2f} codes per block; {len(used)} of {len(codebooks)} quantizers are used",
    ]
    if used:
        utilization = sum(book.utilization for book in used) / len(used)
        perplexity = sum(book.perplexity for book in used) / len(used)
        lines.append(f"of these, on average, {utilization:.0%} of the codes; perplexity {perplexity:.0f}")
    return lines


def check_report(folder: Path, *, visualize: bool, overwrite: bool) -> None:
    """Refuses a report before any work is done for it, and creates its folder where it is missing.

    Raises:
        UserError: a file of it exists and `overwrite` is not set, or the folder cannot be created or written.
    """
    pages = (PAGE, ERRORS, CODES) if visualize else ()
    reporting.check_report(folder, (METRICS, CLIPS, KEYPOINTS, *pages), overwrite=overwrite)


def write_report(
    evaluation: Evaluation, model: PoseTokenizer, folder: Path, *, visualize: bool = False, overwrite: bool = False
) -> Path:
    """Writes `metrics.json`, `clips.csv` and `keypoints.csv`; with `visualize`, pictures and `index.html`, which plays.

    The pages open from disk and need no network.

    Args:
        evaluation: the results.
        model: the one that was evaluated.
        folder: created where it is missing.
        visualize: add the pages.
        overwrite: replace existing files.

    Returns:
        The page, or the metrics where there is no page.

    Raises:
        UserError: see `check_report`.
    """
    check_report(folder, visualize=visualize, overwrite=overwrite)
    if visualize:
        _write_pages(evaluation, model, folder, overwrite=overwrite)
    write_table([asdict(score) for score in evaluation.clip_scores], folder, CLIPS, overwrite=overwrite)
    keypoints = [
        {"component": score.component, "point": score.point, **asdict(score.errors)} for score in evaluation.keypoints
    ]
    write_table(keypoints, folder, KEYPOINTS, overwrite=overwrite)
    metrics = write_metrics(evaluation.figures(), folder, overwrite=overwrite)
    return folder / PAGE if visualize else metrics


def _write_pages(evaluation: Evaluation, model: PoseTokenizer, folder: Path, *, overwrite: bool) -> None:
    mean_pose = model.features.mean.cpu().double().numpy()
    plots = {ERRORS: keypoint_errors(evaluation, model.skeleton, mean_pose), CODES: code_usage(evaluation)}
    for name, plot in plots.items():
        with atomic_write(folder / name, overwrite=overwrite) as temporary:
            temporary.write_text(plot, encoding="utf-8")
    check_output_folder(folder / PLAYERS)
    links = []
    for number, (score, coded) in enumerate(evaluation.worst, start=1):
        page = f"{PLAYERS}/{number:02}.html"
        both = {f"original, {score.path.name}": coded.original, f"decoded, {score.path.name}": coded.decoded}
        write_html(both, folder / page, overwrite=True)
        links.append(
            f'<li><a href="{page}" target="player" title="{escape(str(score.path))}">{escape(score.path.name)}</a> '
            f"<span>{score.badness:.3f}, {score.bits_per_frame:.1f} bits per frame</span></li>"
        )
    slots = {
        "title": escape(f"{evaluation.model}: clips of the {evaluation.split} split"),
        "facts": "".join(f"<li>{escape(line)}</li>" for line in facts(evaluation)),
        "head": cells("th", ["", *(column.title for column in COLUMNS)]),
        "errors": "".join(
            f'<tr><th scope="row">{escape(name)}</th>{cells("td", [column.text(errors) for column in COLUMNS])}</tr>'
            for name, errors in evaluation.parts.items()
        ),
        "keypoints": plots[ERRORS],
        "codes": plots[CODES],
        "clips": "".join(links),
        "first": f"{PLAYERS}/01.html",
    }
    template = resources.files("pose_tokenizer.evaluation").joinpath("report.html").read_text("utf-8")
    with atomic_write(folder / PAGE, overwrite=overwrite) as temporary:
        temporary.write_text(fill_page(template, slots), encoding="utf-8")
