"""An evaluation as files: figures for machines, a table of keypoints, and pages to look at."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import asdict, dataclass
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from pydantic_core import to_json

from pose_core.atomic_files import atomic_write, check_output, check_output_folder
from pose_core.rendering import write_html
from pose_tokenizer.evaluation.plots import code_usage, keypoint_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pose_tokenizer.evaluation.evaluate import Evaluation
    from pose_tokenizer.evaluation.metrics import Errors
    from pose_tokenizer.model import PoseTokenizer

FIGURES, KEYPOINTS = "evaluation.json", "keypoints.csv"
PAGE, ERRORS, CODES, CLIPS = "index.html", "keypoints.svg", "codes.svg", "clips"


@dataclass(frozen=True)
class Column:
    """A figure of `Errors` as tables show it: its name there, its title, and how many digits it has."""

    name: str
    title: str
    digits: int = 4

    def text(self, errors: Errors) -> str:
        """The figure, a dash where there is none."""
        value = getattr(errors, self.name)
        return f"{value:.{self.digits}f}" if math.isfinite(value) else "–"


COLUMNS = (
    Column("mse", "MSE", 5),
    Column("mae", "MAE"),
    Column("rmse", "RMSE"),
    Column("pck", "PCK@0.1"),
    Column("presence", "presence"),
)


def facts(evaluation: Evaluation) -> list[str]:
    """What there is to say beside the errors, a line each."""
    size, codebooks = evaluation.size, evaluation.codebooks
    used = [book for book in codebooks if book.uses]
    lines = [
        f"{evaluation.clips} clips, {evaluation.frames} frames, {evaluation.seconds:.1f} s of signing",
        f"{size.bits_per_frame:.1f} bits a frame, {size.bits_per_second:.0f} a second; "
        f"{size.file_bits_per_frame:.1f} a frame with the files' headers",
        f"token files are {size.float32_ratio:.0f} times smaller than float32, "
        f"{size.original_ratio:.0f} times smaller than the clips' files",
        f"{evaluation.codes_per_block:.2f} codes a block; {len(used)} of {len(codebooks)} quantizers are used",
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
    check_output_folder(folder)
    for name in (FIGURES, KEYPOINTS, *((PAGE, ERRORS, CODES) if visualize else ())):
        check_output(folder / name, overwrite=overwrite)


def write_report(
    evaluation: Evaluation, model: PoseTokenizer, folder: Path, *, visualize: bool = False, overwrite: bool = False
) -> Path:
    """Writes `evaluation.json` and `keypoints.csv`; to look at, pictures, `index.html` and a page for each bad clip.

    The pages open from disk and need no network.

    Args:
        model: the one that was evaluated.
        folder: is created where it is missing.

    Returns:
        The page, or the figures where there is no page.

    Raises:
        UserError: see `check_report`.
    """
    check_report(folder, visualize=visualize, overwrite=overwrite)
    if visualize:
        _write_pages(evaluation, model, folder, overwrite=overwrite)
    with atomic_write(folder / KEYPOINTS, overwrite=overwrite) as temporary:
        _write_keypoints(evaluation, temporary)
    figures = to_json(evaluation.figures(), indent=2, inf_nan_mode="null")
    with atomic_write(folder / FIGURES, overwrite=overwrite) as temporary:
        temporary.write_bytes(figures + b"\n")
    return folder / (PAGE if visualize else FIGURES)


def _write_keypoints(evaluation: Evaluation, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["component", "point", *asdict(evaluation.keypoints[0].errors)])
        for score in evaluation.keypoints:
            values = ["" if math.isnan(value) else value for value in asdict(score.errors).values()]
            rows.writerow([score.component, score.point, *values])


def _write_pages(evaluation: Evaluation, model: PoseTokenizer, folder: Path, *, overwrite: bool) -> None:
    places = model.features.mean.cpu().double().numpy()
    plots = {ERRORS: keypoint_errors(evaluation, model.skeleton, places), CODES: code_usage(evaluation)}
    for name, plot in plots.items():
        with atomic_write(folder / name, overwrite=overwrite) as temporary:
            temporary.write_text(plot, encoding="utf-8")
    check_output_folder(folder / CLIPS)
    links = []
    for number, (score, coded) in enumerate(evaluation.worst, start=1):
        page = f"{CLIPS}/{number:02}.html"
        both = {f"original, {score.path.name}": coded.original, f"decoded, {score.path.name}": coded.decoded}
        write_html(both, folder / page, overwrite=True)
        links.append((page, score.path, score.badness, score.bits_per_frame))
    slots = {
        "title": escape(f"{evaluation.model}: clips of the {evaluation.split} split"),
        "facts": "".join(f"<li>{escape(line)}</li>" for line in facts(evaluation)),
        "head": _cells("th", ["", *(column.title for column in COLUMNS)]),
        "errors": "".join(
            f'<tr><th scope="row">{escape(name)}</th>{_cells("td", [column.text(errors) for column in COLUMNS])}</tr>'
            for name, errors in evaluation.parts.items()
        ),
        "keypoints": plots[ERRORS],
        "codes": plots[CODES],
        "clips": "".join(
            f'<li><a href="{page}" target="player" title="{escape(str(path))}">{escape(path.name)}</a> '
            f"<span>{error:.3f}, {bits:.1f} bits a frame</span></li>"
            for page, path, error, bits in links
        ),
        "first": links[0][0],
    }
    template = resources.files("pose_tokenizer").joinpath("evaluation/report.html").read_text("utf-8")
    with atomic_write(folder / PAGE, overwrite=overwrite) as temporary:
        temporary.write_text(re.sub(r"{{(\w+)}}", lambda slot: slots[slot[1]], template), encoding="utf-8")


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)
