import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from pose_core import UserError
from pose_core.reporting import (
    METRICS,
    Column,
    cells,
    check_report,
    fill_page,
    number,
    script_json,
    write_metrics,
    write_table,
)


@dataclass
class Score:
    rmse: float
    path: Path = Path("a.pose")


def test_a_column_shows_a_figure_or_a_dash():
    column = Column("rmse", "RMSE", 2)
    assert [column.text(figures) for figures in (Score(0.1234), {"rmse": 2.0}, Score(math.nan))] == [
        "0.12",
        "2.00",
        "–",
    ]
    assert (number(1.5), number(math.inf), number(1.5, 1)) == ("1.500", "–", "1.5")
    assert cells("td", ["a", "b"]) == "<td>a</td><td>b</td>"


def test_a_page_is_filled_once():
    page = fill_page("{{title}}: {{data}}{{title}}", {"title": "{{data}}", "data": "1"})
    assert page == "{{data}}: 1{{data}}"
    assert "function drawLayer(" in fill_page("<script>{{player}}</script>", {})
    with pytest.raises(KeyError):
        fill_page("{{missing}}", {})


def test_text_cannot_end_its_script():
    text = script_json({"name": "</script>\udcff", "value": math.nan, "score": Score(1.0)})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script>\udcff", "value": None, "score": {"rmse": 1.0, "path": "a.pose"}}


def test_metrics_and_clips_of_a_report(tmp_path):
    folder = tmp_path / "report"
    check_report(folder, (METRICS, "clips.csv"), overwrite=False)
    assert write_metrics({"model": Score(math.nan)}, folder) == folder / "metrics.json"
    assert json.loads((folder / METRICS).read_text()) == {"model": {"rmse": None, "path": "a.pose"}}
    write_table([{"path": "ä.pose", "rmse": 0.5, "rank": None}, {"path": "b", "rmse": math.nan, "rank": 1}], folder)
    assert (folder / "clips.csv").read_text("utf-8").splitlines() == ["path,rmse,rank", "ä.pose,0.5,", "b,,1"]
    with pytest.raises(UserError, match=r"metrics.json: exists; use --overwrite"):
        check_report(folder, overwrite=False)
    check_report(folder, overwrite=True)
