"""Environments of estimators: made once, whole or not at all, by one process at a time; what goes wrong is one line."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pose_core.errors import UserError
from pose_core.estimation import environments
from pose_core.estimation.environments import Environment, find_python

# What stands in for uv: it makes an environment of this very Python, and fails in a step that is named in a file.
UV = """#!{python}
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
step = "venv" if sys.argv[1] == "venv" else "pip" if sys.argv[1] == "pip" else "find"
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if (here / step).exists():
    sys.exit((here / step).read_text())
if step == "venv":
    time.sleep(0.2)
    folder = Path(sys.argv[-1])
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
if step == "pip":
    packages = Path(sys.argv[-1 - sum("==" in word for word in sys.argv)]).parents[1] / "lib/python3/site-packages"
    for requirement in (word for word in sys.argv if "==" in word):
        name, version = requirement.split("==")
        (packages / name).mkdir(parents=True)
        (packages / name / "code.so").write_text("machine code")
        record = packages / (name + "-" + version + ".dist-info") / "RECORD"
        record.parent.mkdir()
        digest = "sha256=Ws4qKMb0CHXvK6rAJ9i5Gi9lcBJxx7Q-y9RnZk3KnvA"
        size = 99 if (here / "damaged").exists() else 12
        record.write_text(name + "/code.so," + digest + "," + str(size) + "\\n../../../bin/x,,5\\nRECORD,,\\n")
"""
SMALL = Environment("small-1", "Small 1", ("small==1",), 5, ("json",))


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """The folder of uv, where it notes its calls and reads what it has to say."""
    folder = tmp_path / "uv"
    folder.mkdir()
    script = folder / "uv"
    script.write_text(UV.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv(environments.VARIABLE, str(tmp_path / "environments"))
    monkeypatch.setattr(environments, "find_uv", lambda title: str(script))
    return folder


def left(tmp_path):
    folder = tmp_path / "environments"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_an_environment_is_made_once(uv, tmp_path):
    said = []
    python = SMALL.python(said.append)
    assert said == [f"installing Small 1 into {SMALL.folder} (5 MB), once"]
    assert python == SMALL.folder / "bin" / "python"
    assert left(tmp_path) == [SMALL.folder.name, "small-1.lock"]
    calls = (uv / "calls").read_text()
    assert '"--no-deps"' in calls
    assert '"--link-mode", "copy"' in calls
    assert '"small==1"' in calls
    assert SMALL.python(said.append) == python
    assert len(said) == 1
    other = Environment("small-1", "Small 1", ("small==1", "more==2"), 5, ("json",))
    assert other.folder != SMALL.folder


def test_an_environment_whose_python_has_gone_is_made_anew(uv, tmp_path):
    python = SMALL.python(print)
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    (SMALL.folder / "old").touch()
    (SMALL.folder.parent / ".small-1-killed").mkdir()  # left by one that was killed meanwhile
    SMALL.python(print)
    assert python.exists()
    assert not (SMALL.folder / "old").exists()
    assert left(tmp_path) == [SMALL.folder.name, "small-1.lock"]


def test_two_at_once_make_one(uv, tmp_path):
    said = []
    threads = [threading.Thread(target=SMALL.python, args=(said.append,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.split()[0] for line in said].count("installing") == 1
    assert (uv / "calls").read_text().count('"venv"') == 1


def test_who_waits_says_so(uv, tmp_path):
    (tmp_path / "environments").mkdir()
    script = (
        "import sys, time, filelock\n"
        "with filelock.FileLock(sys.argv[1]):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(2.5)\n"
    )
    lock = str(tmp_path / "environments" / "small-1.lock")
    said = []
    with subprocess.Popen([sys.executable, "-c", script, lock], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        started = time.monotonic()
        SMALL.python(said.append)
        assert time.monotonic() - started > 1
    assert said[0] == "waiting for another process that installs Small 1"


@pytest.mark.parametrize(
    ("step", "uv_says", "message"),
    [
        ("pip", "error: Failed to fetch\n  Caused by: dns error\n", "PyPI cannot be reached; connect this machine"),
        ("pip", "error: Request failed\n cause: client error (Connect)\n", "PyPI cannot be reached"),
        ("pip", "Because the network was disabled and small was not found", "UV_OFFLINE is set"),
        (
            "pip",
            "error: failed to write: No space left on device (os error 28)",
            "no space left in .* takes 5 MB: free",
        ),
        ("pip", "small==1 has no wheels with a matching Python ABI tag", "there is no wheel of it for this machine"),
        (
            "venv",
            "error: Failed to download https://x/cpython-3.12.tar.gz\n dns error",
            "it needs Python 3.12 or 3.11, and",
        ),
        ("venv", "error: No interpreter found for Python 3.12", "none is found; install one and run again"),
        ("venv", "line one\nwhat nobody has foreseen\n", "Small 1 cannot be installed: what nobody has foreseen"),
    ],
)
def test_what_uv_cannot_do_is_said_in_one_line_and_nothing_is_left(uv, tmp_path, step, uv_says, message):
    (uv / step).write_text(uv_says)
    with pytest.raises(
        UserError, match=f"Small 1 cannot be installed: .*{message}" if step == "pip" else message
    ) as error:
        SMALL.python(print)
    assert "\n" not in str(error.value)
    assert left(tmp_path) == ["small-1.lock"]


def test_what_does_not_work_is_not_kept(uv, tmp_path):
    broken = Environment("small-1", "Small 1", ("small==1",), 5, ("nothing_of_that_name",))
    with pytest.raises(UserError, match="cannot be installed: ModuleNotFoundError: No module named 'nothing_of_that"):
        broken.python(print)
    assert left(tmp_path) == ["small-1.lock"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda packages: (packages / "small" / "code.so").write_text("machine"), "code.so has 7 bytes instead of 12"),
        (lambda packages: (packages / "small" / "code.so").write_text("machine cope"), "code.so is damaged"),
        (lambda packages: (packages / "small" / "code.so").unlink(), "code.so is missing"),
        (lambda packages: (packages / "small-1.dist-info" / "RECORD").write_text("small/co"), "RECORD is missing or"),
        (lambda packages: (packages / "small-1.dist-info" / "RECORD").unlink(), "RECORD is missing or damaged"),
        (lambda packages: shutil.rmtree(packages.parents[1]), "lib is missing"),
    ],
)
def test_what_is_damaged_in_an_environment(uv, damage, said):
    SMALL.python(print)
    assert SMALL.damage(started=False) is None
    damage(SMALL.folder / "lib" / "python3" / "site-packages")
    assert said in str(SMALL.damage(started=True))


def test_an_interpreter_that_does_nothing(uv):
    python = SMALL.python(print)
    python.unlink()
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    assert SMALL.damage(started=True) is None
    assert SMALL.damage(started=False) == "its Python does not work"
    python.chmod(0)
    python.write_text("") if os.geteuid() else python.unlink()
    assert SMALL.damage(started=False) == "its Python does not run"


def test_a_damaged_cache_of_uv_is_not_installed(uv, tmp_path):
    (uv / "damaged").touch()
    with pytest.raises(UserError, match=r"code\.so has 12 bytes instead of 99, in uv's cache too; empty that with `uv"):
        SMALL.python(print)
    assert left(tmp_path) == ["small-1.lock"]


def test_a_folder_that_cannot_be_made(uv, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(environments.VARIABLE, str(tmp_path / "file" / "environments"))
    with pytest.raises(UserError, match=r"cannot be made \(Not a directory\); name another in POSE_CORE_ENVIRONMENTS"):
        SMALL.python(print)


def test_where_environments_are(monkeypatch, tmp_path):
    monkeypatch.delenv(environments.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environments.environments_folder() == tmp_path / "pose-core" / "environments"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert environments.environments_folder() == Path.home() / ".cache" / "pose-core" / "environments"


def test_without_uv_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"^Small 1 is not installed; pip install 'pose-core\[estimate\]' lets"):
        environments.find_uv("Small 1")


def test_the_python_of_an_environment(uv, tmp_path, monkeypatch):
    script = str(uv / "uv")
    (tmp_path / "environments").mkdir()
    (uv / "find").write_text("none")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(environments, "PYTHONS", (sys.version_info[:2], (3, 11)))
    assert find_python(script) == sys.executable
    monkeypatch.setattr(environments, "PYTHONS", ((3, 2), (3, 1)))
    assert find_python(script) == "3.2"  # for uv to fetch
    pyenv = tmp_path / "pyenv" / "versions" / "3.1.9" / "bin" / "python3.1"
    pyenv.parent.mkdir(parents=True)
    pyenv.touch()
    assert find_python(script) == str(pyenv)
