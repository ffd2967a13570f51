import errno
import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer

from pose_core import UserError
from pose_core.batch_options import FileOptions
from pose_core.command_line import Debug, new_app, print_json, run
from pose_core.progress import be_quiet

app = new_app("For this test.")


@app.command()
def fail(how: str, debug: Debug = False) -> None:
    """Fails as told."""
    errors = {
        "user": UserError("a.pose: is\ncut short"),
        "ours": ZeroDivisionError("by zero"),
        "stop": KeyboardInterrupt(),
        "full": OSError(errno.ENOSPC, "No space left on device"),
    }
    raise errors[how]


@app.command()
def warn() -> None:
    """Warns."""
    warnings.warn("a.pose: skipped,\nit is damaged", stacklevel=1)


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
        (["fail", "full"], 2, "Error: output: cannot be written (No space left on device); free some space"),
        (["fail"], 2, "Missing argument 'how'; see tool fail --help"),  # typer 0.29; older ones write HOW
        (["fail", "user", "--quick"], 2, "; see tool fail --help"),  # its wording is typer's
        (["fial"], 2, "fial"),
        (["succeed"], 0, ""),
        (["--help"], 0, ""),
    ],
)
def test_exit_status_and_error_line(monkeypatch, capsys, arguments, status, message):
    monkeypatch.setattr(sys, "argv", ["tool", *arguments])
    with pytest.raises(SystemExit) as end:
        run(app, "tool")
    err = capsys.readouterr().err
    assert end.value.code == status
    assert message.lower() in err.lower()
    assert len(err.splitlines()) == (1 if status else 0)


@app.command()
def write(output: Annotated[Path | None, typer.Option("--output")] = None) -> None:
    """Prints where it would write."""
    print(output)


@app.command()
def write_all(output: Annotated[list[Path], typer.Option("--output")]) -> None:
    """Prints to how many files it would write."""
    print(len(output))


def test_no_output_is_lost(monkeypatch, capsys):
    given = ["--output", "a.pose", "--output=b.png"]
    for arguments, status, out, err in (
        (["write", *given], 2, "", "--output was given 2 times; this command accepts it once"),
        (["write", "--output", "a.pose"], 0, "a.pose\n", ""),
        (["write-all", *given], 0, "2\n", ""),
    ):
        monkeypatch.setattr(sys, "argv", ["tool", *arguments])
        with pytest.raises(SystemExit) as end:
            run(app, "tool")
        shown = capsys.readouterr()
        assert (end.value.code, shown.out) == (status, out)
        assert err in shown.err


def test_a_warning_is_one_line(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(sys, "argv", ["tool", "warn"])
    with pytest.warns(UserWarning, match="damaged") as said, pytest.raises(SystemExit):
        run(app, "tool")
    (warning,) = said
    line = warnings.formatwarning(warning.message, warning.category, warning.filename, warning.lineno)
    assert line == "Warning: a.pose: skipped, it is damaged\n"


def test_without_a_command_it_shows_its_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tool"])
    with pytest.raises(SystemExit) as end:
        run(app, "tool")
    shown = "".join(capsys.readouterr())  # stdout before click 8.2, stderr since
    assert end.value.code in (0, 2)
    assert "For this test." in shown.splitlines()[2]
    assert "Error" not in shown


@pytest.mark.parametrize(("how", "status", "line"), [("user", 2, "Error: a.pose: is cut"), ("ours", 1, "Error: unex")])
def test_debug_shows_the_traceback(monkeypatch, capsys, how, status, line):
    monkeypatch.setattr(sys, "argv", ["tool", "fail", how, "--debug"])
    with pytest.raises(SystemExit) as end:
        run(app, "tool")
    err = capsys.readouterr().err
    assert end.value.code == status
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith(line)


@app.command(renamed={"--suffix": "--format", "--fast": "--quick"})
def shape(format: str = "gif", quick: bool = False, also: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Prints its options."""
    print(format, quick, *also or [])


@pytest.mark.parametrize(
    ("arguments", "printed", "notices"),
    [
        (["--format", "png"], "png False", []),
        (["--suffix", "png"], "png False", ["--suffix is now --format"]),
        (["--suffix=png", "--fast"], "png True", ["--suffix is now --format", "--fast is now --quick"]),
        (["--", "--suffix"], "gif False --suffix", []),
    ],
)
def test_old_spellings_of_options(monkeypatch, capsys, arguments, printed, notices):
    monkeypatch.setattr(sys, "argv", ["tool", "shape", *arguments])
    with pytest.raises(SystemExit):
        run(app, "tool")
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()) == (f"{printed}\n", notices)


def test_old_spellings_are_not_in_the_help(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tool", "shape", "--help"])
    with pytest.raises(SystemExit):
        run(app, "tool")
    out = capsys.readouterr().out
    assert "--format" in out
    assert "--suffix" not in out


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_closed_pipe_is_no_error(lines):
    code = (
        "from pose_core.command_line import new_app, run\n"
        "app = new_app('')\n"
        f"app.command()(lambda: print('line\\n' * {lines}))\n"
        "input()\n"  # until the reader has gone
        "run(app, 'tool')\n"
    )
    pipe = subprocess.PIPE
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, env=buffered) as tool:
        tool.stdout.close()
        tool.stdin.write(b"\n")
        tool.stdin.close()
        err = tool.stderr.read()
    assert (tool.returncode, err) == (0, b"")


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


def test_importing_it_imports_nothing_heavy():
    code = "import sys, pose_core.command_line; print([m for m in ('torch', 'pose_format', 'cv2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_repeated_warnings_are_counted_after_the_first_few(tmp_path):
    code = (
        "import sys\n"
        "from pose_core.command_line import new_app, run\n"
        "from pose_core.notices import notify\n"
        "app = new_app('')\n"
        "@app.command()\n"
        "def go():\n"
        "    for i in range(9): notify(f'{i}.csv', 'no frame rate', kind='files without a frame rate')\n"
        "    notify('0.csv', 'no frame rate', kind='files without a frame rate')\n"  # said already
        "    notify('a.csv', 'two\\npeople', kind='people')\n"
        "run(app, 'tool')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.splitlines() == [
        *(f"Warning: {i}.csv: no frame rate" for i in range(3)),
        "Warning: a.csv: two people",
        "Warning: 6 more such warnings: files without a frame rate",
    ]


def test_options_of_a_group_are_the_commands_own(monkeypatch, capsys):
    grouped = new_app("For this test.")

    @grouped.command(renamed={"--going": "--keep-going"})
    def copy(source: str, options: FileOptions, name: Annotated[str, typer.Option("--name")] = "a") -> None:
        """Copies."""
        print(source, name, options.reading, options.jobs(None).keep_going, options.device)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tool", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(grouped, "tool")
        return ended.value.code, *capsys.readouterr()

    arguments = ("x", "--person", "2", "--fps", "50", "--going", "--quiet")
    read = (
        "ReadOptions(person=2, min_confidence=0.0, fps=50.0, layout=None, clip=None, axes=None, order=None, size=None, "
        "y_up=False)"
    )
    assert call(*arguments) == (0, f"x a {read} True auto\n", "--going is now --keep-going\n")
    assert call("x", "--person", "-1")[0] == 2
    assert call("x", "--overwrite", "--skip-existing")[0] == 2
    listed = call("--help")[1]
    assert all(option in listed for option in ("--name", "--min-confidence", "--json", "--device", "--quiet"))
    be_quiet(False)
