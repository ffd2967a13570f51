"""Parts of evaluation reports: `metrics.json`, a table of clips, and pages that open without a network."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json, to_jsonable_python

from pose_core.atomic_files import atomic_write, check_output, check_output_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

METRICS, CLIPS, PAGE = "metrics.json", "clips.csv", "index.html"  # the files of a report's folder


@dataclass(frozen=True)
class Column:
    """A figure as tables show it.

    Attributes:
        name: of the attribute that holds it.
        title: above the column.
        digits: after the point.
    """

    name: str
    title: str
    digits: int = 3

    def text(self, figures: Any) -> str:
        """The figure of `figures`, an object that has it as an attribute or a mapping that has it as a key."""
        return number(figures[self.name] if hasattr(figures, "keys") else getattr(figures, self.name), self.digits)


def number(value: float, digits: int = 3) -> str:
    """A number with so many digits after the point, a dash where it is not finite."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def cells(tag: str, contents: Iterable[str]) -> str:
    """Cells of one row of an HTML table; `tag` is "td" or "th", contents are HTML."""
    return "".join(f"<{tag}>{content}</{tag}>" for content in contents)


def script_json(data: Any) -> str:
    """Data as JSON for a `<script type="application/json">`; NaN is null, and no text in it can end the script."""
    plain = to_jsonable_python(data, inf_nan_mode="null")
    return json.dumps(plain, separators=(",", ":")).replace("<", "\\u003c")


def fill_page(template: str, slots: Mapping[str, str]) -> str:
    """An HTML template with each `{{name}}` replaced by `slots[name]`, HTML; `{{player}}` is `player.js` by itself.

    Args:
        template: the page's text, `resources.files(package).joinpath("report.html").read_text("utf-8")`.
        slots: what the page is filled with; what they hold is not searched for slots again.
    """
    if "{{player}}" in template:
        slots = {"player": player_script(), **slots}
    return re.sub(r"{{(\w+)}}", lambda slot: slots[slot[1]], template)


def player_script() -> str:
    """`player.js`: what pages draw clips with, of the data of `rendering.player.PackedDrawing`."""
    return resources.files("pose_core").joinpath("player.js").read_text("utf-8")


def check_report(folder: str | Path, files: Iterable[str] = (METRICS,), *, overwrite: bool) -> None:
    """Refuses a report before any work is done for it, and creates its folder where it is missing.

    Args:
        folder: of the report.
        files: the names of what will be written into it.
        overwrite: replace existing files.

    Raises:
        UserError: a file exists and `overwrite` is not set, or the folder cannot be created or written.
    """
    check_output_folder(folder)
    for name in files:
        check_output(Path(folder) / name, overwrite=overwrite)


def write_metrics(metrics: Any, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Writes `metrics.json` into a report's folder: dataclasses as objects, paths as strings, NaN as null."""
    path = Path(folder) / METRICS
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(to_json(metrics, indent=2, inf_nan_mode="null") + b"\n")
    return path


def write_table(
    rows: Sequence[Mapping[str, Any]], folder: str | Path, name: str = CLIPS, *, overwrite: bool = False
) -> Path:
    """Writes a CSV, a line per row with the keys of the first as titles; what is NaN or None is left empty."""
    path = Path(folder) / name
    with (
        atomic_write(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(rows[0] if rows else ())
        for row in rows:
            table.writerow(["" if value is None or value != value else value for value in row.values()])
    return path
