"""`pose-core estimate` that is interrupted or killed leaves no half a file and no worker, and goes on where it was."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pose_core import read
from pose_core.commands.estimation import terminable
from pose_core.testing import fake_video

COMMAND = Path(__file__).parent / "fake_command.py"


def children(pid):
    """Processes whose parent this is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_else_ends_a_program_ends_it_as_ctrl_c_does(number):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), terminable():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before
    signal.signal(number, signal.SIG_IGN)  # as nohup does
    try:
        with terminable():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 130, marks=pytest.mark.slow),
        (signal.SIGKILL, -9),
    ],
)
def test_a_killed_run_leaves_no_half_a_file_and_goes_on(tmp_path, number, expected):
    folder, out = tmp_path / "clips", tmp_path / "out"
    folder.mkdir()
    for i in range(6):
        fake_video(folder / f"{i}.mp4", frames=10)
    call = ["estimate", str(folder), "--output", str(out), "--workers", "2"]
    command = [sys.executable, str(COMMAND), '{"delay": 0.04}', *call]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(out.glob("*.pose")) and time.monotonic() < deadline:
            time.sleep(0.01)
        workers = children(process.pid)
        process.send_signal(number)
        _, messages = process.communicate(timeout=120)
    assert process.returncode == expected
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.pose")}
    assert 0 < len(done) < 6
    assert all(len(read(path)) == 10 for path in done)
    if expected == 130:
        assert messages.splitlines()[-2:] == [
            f"{len(done)} of 6 files are done; the same command goes on from there",
            "Error: interrupted",
        ]
        assert not list(out.glob(".*"))
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.05)
    else:
        pytest.fail("a worker lives on")
    again = subprocess.run([*command[:2], "{}", *call], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(done)} of 6 left out" in again.stderr
    assert [path.name for path in sorted(out.glob("*.pose"))] == [f"{i}.pose" for i in range(6)]
    assert {path: path.stat().st_mtime_ns for path in done} == done
