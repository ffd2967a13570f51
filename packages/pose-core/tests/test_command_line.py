import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pose_core import UserError
from pose_core.command_line import Debug, new_app, print_json, run

app = new_app("For this test.")


@app.command()
def fail(how: str, debug: Debug = False) -> None:
    """Fails as told."""
    errors = {
        "user": UserError("a.pose: is\ncut short"),
        "ours": ZeroDivisionError("by zero"),
        "stop": KeyboardInterrupt(),
    }
    raise errors[how]


@app.command()
def succeed() -> None:
    """Succeeds."""
    print("done")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["fail", "user"], 2, "Error: a.pose: is cut short"),
        (["fail", "ours"], 1, "Error: unexpected ZeroDivisionError: by zero; run again with --debug and report it"),
        (["fail", "stop"], 130, "Error: interrupted"),
        (["fail"], 2, "Missing argument 'how'; see tool fail --help"),  # typer 0.29; older ones write HOW
        (["fail", "user", "--quick"], 2, "No such option: --quick; see tool fail --help"),
        (["fial"], 2, "fial"),
        (["succeed"], 0, ""),
        (["--help"], 0, ""),
    ],
)
def test_how_it_ends(monkeypatch, capsys, arguments, status, message):
    monkeypatch.setattr(sys, "argv", ["tool", *arguments])
    with pytest.raises(SystemExit) as end:
        run(app, "tool")
    err = capsys.readouterr().err
    assert end.value.code == status
    assert message.lower() in err.lower()
    assert len(err.splitlines()) == (1 if status else 0)


def test_debug_shows_the_traceback(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tool", "fail", "ours", "--debug"])
    with pytest.raises(SystemExit):
        run(app, "tool")
    assert "Traceback" in capsys.readouterr().err


@dataclass
class Result:
    path: Path
    value: float
    letters: list


def test_json_is_json(capsys):
    print_json({"result": Result(Path("a.pose"), float("nan"), ["Ä", 1.5])})
    out = capsys.readouterr().out
    assert json.loads(out) == {"result": {"path": "a.pose", "value": None, "letters": ["Ä", 1.5]}}
    assert "Ä" in out


def test_importing_it_waits_for_nothing_heavy():
    code = "import sys, pose_core.command_line; print([m for m in ('torch', 'pose_format', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
