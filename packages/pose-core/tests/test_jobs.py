"""Many files: which, where their results go, and what happens when one fails."""

import io
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import pytest
import typer

from pose_core import UserError, progress, write
from pose_core import command_line as cl
from pose_core.batch_options import JsonBatchOptions
from pose_core.errors import BatchError
from pose_core.inputs import find_inputs, pose_suffix
from pose_core.jobs import JobOptions, planned
from pose_core.testing import fake_sequence

SUFFIXES = (".pose", ".npz")


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def copy(job):
    """A file's text; "bad" in it is refused, "ours" is our mistake."""
    text = job.source.read_text()
    if "bad" in text:
        raise UserError(f"{job.source}: it is bad")
    if "ours" in text:
        raise ZeroDivisionError("by zero")
    job.output.write_text(text)
    return job.name


def run(inputs, output, work=copy, *, suffix=".out", **options):
    settings = {name: options.pop(name) for name in ("infix", "writable") if name in options}
    with planned(
        inputs, output, JobOptions(**options), verb="copying", suffixes=SUFFIXES, suffix=suffix, **settings
    ) as batch:
        batch.run(work)
    return batch


@pytest.fixture
def tree(tmp_path):
    """Three files, the second bad, one of them in a folder of its own; and others that are no inputs."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name, text in (("a.pose", "A"), ("b.pose", "bad"), ("deep/c.npz", "C"), ("notes.md", ""), (".x.pose", "")):
        (folder / name).write_text(text)
    (folder / ".hidden" / "d.pose").write_text("D")
    return folder


def test_a_batch_continues_after_a_bad_file_and_resumes(tree, tmp_path):
    batch = run([tree], tmp_path / "out")
    assert files(tmp_path / "out") == ["a.out", "deep/c.out"]
    assert [failure.error for failure in batch.failed] == [f"{tree / 'b.pose'}: it is bad"]
    (tree / "b.pose").write_text("B")
    with pytest.raises(UserError, match=r"a\.out: exists \(and 1 more\); use --overwrite .* or --skip-existing"):
        run([tree], tmp_path / "out")
    (tmp_path / "out" / "a.out").write_text("mine")
    batch = run([tree], tmp_path / "out", skip_existing=True)
    assert (batch.done, batch.failed, len(batch.skipped), batch.total) == ([str(tree / "b.pose")], [], 2, 3)
    assert files(tmp_path / "out") == ["a.out", "b.out", "deep/c.out"]
    assert (tmp_path / "out" / "a.out").read_text() == "mine"
    with pytest.raises(UserError, match="exclude each other"):
        run([tree], tmp_path / "out", skip_existing=True, overwrite=True)


def test_a_batch_stops_at_a_bad_file_without_keep_going(tree, tmp_path):
    with pytest.raises(UserError, match=r"b\.pose: it is bad"):
        run([tree], tmp_path / "out", keep_going=False)
    assert files(tmp_path / "out") == ["a.out"]
    for keep_going in (None, True):
        with pytest.raises(UserError, match=r"b\.pose: it is bad"):
            run([tree / "b.pose"], tmp_path / "new", keep_going=keep_going)
        assert not (tmp_path / "new").exists()


def test_defects_are_distinguished_from_bad_files(tree, tmp_path):
    (tree / "a.pose").write_text("ours")
    batch = run([tree], tmp_path / "out")
    assert [(failure.ours, failure.error.split(": ", 1)[1]) for failure in batch.failed] == [
        (True, "unexpected ZeroDivisionError: by zero"),
        (False, "it is bad"),
    ]
    with pytest.raises(ZeroDivisionError):
        run([tree / "a.pose"], tmp_path / "one.out")


def test_an_output_folder_without_results_is_removed(tree, tmp_path):
    batch = run([tree / "b.pose", tree / "gone.pose", tree / "b.pose" / ".." / "b.pose"][:2], tmp_path / "out")
    assert [failure.error.rsplit(": ")[-1] for failure in batch.failed] == ["it is bad", "no such file"]
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    run([tree / "b.pose", tree / "gone.pose"], tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()


def test_patterns_and_links_to_folders(tree, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "e.pose").write_text("E")
    (tree / "link").symlink_to(tmp_path / "disk")
    (tree / "deep" / "round").symlink_to(tree)  # a loop
    found = find_inputs([tree], SUFFIXES)
    assert [str(each.below) for each in found] == ["a.pose", "b.pose", "deep/c.npz", "link/e.pose"]
    assert [str(each.below) for each in find_inputs([str(tree / "[ab].pose")], SUFFIXES)] == ["a.pose", "b.pose"]
    assert [str(each.below) for each in find_inputs([str(tree / "l*")], SUFFIXES)] == ["link/e.pose"]
    for given, message in (
        (str(tree / "x*"), "no file matches"),
        (tree / ".hidden" / "..", None),
        (tmp_path / "empty", "holds no file that ends in .pose, .npz"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        if message is not None:
            with pytest.raises(UserError, match=message):
                find_inputs([given], SUFFIXES)
    with pytest.raises(UserError, match="stands alone"):
        find_inputs(["-", tree], SUFFIXES)


def test_earlier_results_are_no_inputs(tree):
    (tree / "b.pose").write_text("B")
    assert len(run([tree], None, suffix=None, infix=".new").done) == 3
    assert files(tree)[3:6] == ["a.pose", "b.new.pose", "b.pose"]
    again = run([tree], None, suffix=None, infix=".new", skip_existing=True)
    assert (len(again.skipped), again.done) == (3, [])
    assert len(run([tree], tree / "out", suffix=".pose", overwrite=True).done) == 6
    assert run([tree], tree / "out", suffix=".pose", overwrite=True).total == 6


def test_where_results_go(tree, tmp_path):
    writable = (".out", ".txt")
    one = tree / "a.pose"
    assert run([one], tmp_path / "x.txt", writable=writable).jobs[0].output == tmp_path / "x.txt"
    assert run([one], tmp_path / "folder", writable=writable).jobs[0].output == tmp_path / "folder" / "a.out"
    assert run([one], None).jobs[0].output == tree / "a.out"
    for output, message in (
        (tmp_path / "x.md", "cannot write .md; use .out, .txt"),
        (tmp_path / "x.txt", "exists; use --overwrite"),
        (tmp_path / "no" / "x.txt", "there is no folder"),
    ):
        with pytest.raises(UserError, match=message):
            run([one], output, writable=writable)
    with pytest.raises(UserError, match="is one file, and there are 3 to write; name a folder"):
        run([tree], tmp_path / "y.txt", writable=writable)
    with pytest.raises(UserError, match="would both become"):
        run([one, one], tmp_path / "new")
    with pytest.raises(UserError, match="no such file"):
        run([tree / "gone.pose"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


class Pipe(io.TextIOWrapper):
    """A standard stream of bytes."""

    def __init__(self, content=b""):
        super().__init__(io.BytesIO(content))


def test_dash_means_standard_input_and_output(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", Pipe(b"PKtext"))
    monkeypatch.setattr(sys, "stdout", out := Pipe())
    batch = run(["-"], Path("-"))
    assert (batch.done, batch.to_stdout) == (["standard input"], True)
    assert out.buffer.getvalue() == b"PKtext"
    for content, message in ((b"a bad one", "^standard input: it is bad"), (b"", "standard input is empty")):
        monkeypatch.setattr(sys, "stdin", Pipe(content))
        with pytest.raises(UserError, match=message):
            run(["-"], tmp_path / "x.out")
    with pytest.raises(UserError, match="say where its result goes with --output"):
        run(["-"], None)
    assert files(tmp_path) == []


def test_the_format_of_standard_input_is_detected(tmp_path):
    for suffix in (".pose", ".npz", ".csv"):
        path = tmp_path / f"a{suffix}"
        write(fake_sequence(frames=2), path)
        assert pose_suffix(path.read_bytes()[:16]) == suffix


app = cl.new_app("Copies.")


@app.command()
def copying(
    inputs: list[str],
    output: Annotated[Path, typer.Option("--output")],
    options: JsonBatchOptions,
) -> None:
    """Copies."""

    def work(job):
        if "stop" in job.source.read_text():
            raise KeyboardInterrupt
        copy(job)
        return {"output": job.output}

    with planned(inputs, output, options.jobs(output), verb="copying", suffixes=(".pose",), suffix=".out") as batch:
        batch.run(work)
    cl.report(batch, lambda each: f"{each['output'].name}: copied", json=options.json)


@pytest.fixture
def tool(monkeypatch, capsys):
    """Runs that command; gives exit status, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tool", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cl.run(app, "tool")
        return ended.value.code, *capsys.readouterr()

    yield call
    progress.be_quiet(False)


def test_the_command_line_of_a_batch(tool, tree, tmp_path):
    out = tmp_path / "out"
    (tree / "deep" / "c.pose").write_text("C")
    status, said, err = tool(tree, "--output", out)
    assert (status, said) == (3, "a.out: copied\nc.out: copied\n")
    assert err.splitlines() == [
        f"copying {tree / 'a.pose'} (1 of 3)",
        f"copying {tree / 'b.pose'} (2 of 3)",
        f"copying {tree / 'deep' / 'c.pose'} (3 of 3)",
        f"{tree / 'b.pose'}: it is bad",
        "Error: 1 of 3 files failed; all others are done: --skip-existing leaves those out",
    ]
    status, said, err = tool(tree, "--output", out, "--skip-existing", "--json", "--quiet")
    assert (status, err.count("\n"), '"error": "' in said) == (3, 2, True)
    assert tool(tree, "--output", out, "--skip-existing", "--no-keep-going")[0] == 2
    (tree / "b.pose").write_text("B")
    assert tool(tree, "--output", out, "--skip-existing", "--quiet") == (0, "b.out: copied\n", "")
    (tree / "b.pose").write_text("stop")
    status, said, err = tool(tree, "--output", out, "--overwrite")
    assert (status, said) == (130, "")
    assert err.splitlines()[-2].startswith("1 of 3 files are done; the same command with --skip-existing goes on")
    assert tool(tree, "--output", "-", "--json")[0] == 2


def test_a_batch_with_our_mistake_ends_with_1(capsys, monkeypatch):
    failing = cl.new_app("Fails.")

    @failing.command()
    def fail(ours: bool = False) -> None:
        raise BatchError("1 of 2 files failed; none is done", ["a: is\nbad"], ours=ours)

    for option, status in ((["--ours"], 1), ([], 3)):
        monkeypatch.setattr(sys, "argv", ["tool", *option])
        with pytest.raises(SystemExit) as ended:
            cl.run(failing, "tool")
        assert ended.value.code == status
        assert capsys.readouterr().err == "a: is bad\nError: 1 of 2 files failed; none is done\n"


def test_version_quiet_and_completion_of_the_command(capsys):
    command = [sys.executable, "-m", "pose_core"]
    ended = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"pose-core {version('pose-core')}\n"
    env = os.environ | {"_POSE_CORE_COMPLETE": "complete_bash", "COMP_WORDS": "pose-core con", "COMP_CWORD": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert "convert" in ended.stdout.split()


def test_a_bar_is_shown_on_a_terminal_only(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with progress.progress(2, "copying") as step:
            step("a.pose")
            step("[b].pose")
        assert ("2/2" in stream.getvalue(), "(2 of 2)" in stream.getvalue()) == (shown, not shown)
        assert "[b].pose" in stream.getvalue()
