"""Python environments of pose estimators, made once and kept in the user's cache folder.

MediaPipe's wheels pin numpy below 2, protobuf below 5 and an OpenCV of their own, and there are none for Python 3.13.
Beside pose_core they would replace what is there, or fail. So an estimator has an environment of its own, which uv
makes in seconds, of another Python if need be, and nobody's own environment changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.estimation.installed_files import damaged_file

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

VARIABLE = "POSE_CORE_ENVIRONMENTS"  # names another folder for environments
EXTRA = "pip install 'pose-core[estimate]'"
PYTHONS = ((3, 12), (3, 11))  # of estimators, best first
NO_NETWORK = ("dns error", "client error (connect)", "error sending request", "timed out", "network connectivity")
_TRIAL = 60  # seconds that importing may take
MIRROR = "UV_DEFAULT_INDEX names a mirror of PyPI"


@dataclass(frozen=True)
class Environment:
    """The environment of one estimator.

    Attributes:
        name: of its folder; title: of the estimator, in messages.
        requirements: all of them, pinned: they are installed without what they ask for themselves.
        megabytes: how much it takes on the disk, about.
        imports: modules whose import shows that it works.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    megabytes: int
    imports: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is or will be; other requirements are another folder."""
        digest = hashlib.sha256("\n".join(self.requirements).encode()).hexdigest()[:8]
        return environments_folder() / f"{self.name}-{digest}"

    @property
    def installed(self) -> bool:
        """Whether it has been made."""
        return _interpreter(self.folder).exists()

    @property
    def repair(self) -> str:
        """What to do if it is damaged."""
        return f"its environment is damaged: delete the folder {self.folder}, and the same command makes it anew"

    def damage(self, *, started: bool) -> str | None:
        """What is wrong with its files, in words; None if they are whole.

        Args:
            started: whether its interpreter has begun to work; otherwise that is tried, too.
        """
        damaged = damaged_file(self.folder, self.requirements, contents=True)
        if damaged or started:
            return damaged
        interpreter = _interpreter(self.folder)
        command = (str(interpreter), "-I", "-c", f"import {', '.join(self.imports)}; print('whole')")
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False, timeout=_TRIAL
            )
        except (OSError, subprocess.TimeoutExpired):
            return "its Python does not run"
        return None if done.stdout.strip() == "whole" else "its Python does not work"

    def python(self, say: Callable[[str], None]) -> Path:
        """The interpreter of the environment, which is made if there is none.

        Args:
            say: takes a line for people.

        Raises:
            UserError: it cannot be made.
        """
        if not self.installed:  # nor where the Python that it was made of has gone
            self._make(say)
        return _interpreter(self.folder)

    def _make(self, say: Callable[[str], None]) -> None:
        uv = find_uv(self.title)
        root = self.folder.parent
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{root}: the folder for environments cannot be made ({error.strerror}); name another in {VARIABLE}"
            ) from error
        with _locked(root / f"{self.name}.lock", self.title, say):
            if self.installed:  # by whoever had the lock
                return
            say(f"installing {self.title} into {self.folder} ({self.megabytes} MB), once")
            for left in (self.folder, *root.glob(f".{self.name}-*")):  # by one that was killed
                shutil.rmtree(left, ignore_errors=True)
            temporary = root / f".{self.name}-{uuid.uuid4().hex[:8]}"
            try:
                self._install(uv, temporary)
                temporary.replace(self.folder)
            except OSError as error:
                raise UserError(
                    f"{self.folder}: cannot be made ({error.strerror}); name another in {VARIABLE}"
                ) from error
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def _install(self, uv: str, folder: Path) -> None:
        """Makes the environment and looks whether it works."""
        python = find_python(uv)
        self._run(uv, "venv", "--quiet", "--relocatable", "--no-project", "--python", python, str(folder))
        interpreter = str(_interpreter(folder))
        # uv would link files to those in its cache: what damages them here would damage them there, for good.
        install = ("pip", "install", "--quiet", "--no-deps", "--link-mode", "copy", "--python", interpreter)
        self._run(uv, *install, *self.requirements)
        if damaged := damaged_file(folder, self.requirements):
            raise UserError(
                f"{self.title} cannot be installed: {damaged}, in uv's cache too; empty that with `uv cache clean`"
            )
        self._run(interpreter, "-I", "-c", f"import {', '.join(self.imports)}")

    def _run(self, *command: str) -> None:
        """Runs a step of the installation, far from any project, whose settings are not for it.

        Raises:
            UserError: it failed.
        """
        settings = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "UV_PROJECT")}
        done = subprocess.run(
            command,
            cwd=environments_folder(),
            env=settings,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise UserError(f"{self.title} cannot be installed: {self._cure(done.stderr)}")

    def _cure(self, said: str) -> str:
        """What is wrong, by what uv said, and what to do about it."""
        lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
        last = (lines[-1] if lines else "no reason given")[:300]
        lower = said.lower()
        if "cpython-" in lower and ("download" in lower or "interpreter" in lower):
            return (
                f"it needs Python {_versions()}, and none is found, nor can one be fetched; install one and run again"
            )
        if "no interpreter found" in lower or "no python" in lower:
            return f"it needs Python {_versions()}, and none is found; install one and run again"
        if "no space left" in lower or "os error 28" in lower:
            where = f"no space left in {environments_folder()}; it takes {self.megabytes} MB"
            return f"{where}: free some, or name another folder in {VARIABLE}"
        if any(word in lower for word in NO_NETWORK):
            return f"PyPI cannot be reached; connect this machine for the first call ({MIRROR})"
        if "network was disabled" in lower:
            return "UV_OFFLINE is set, and uv's cache lacks it; unset it for the first call"
        if "no wheels with a matching" in lower or "no wheel" in lower:
            return f"there is no wheel of it for this machine ({sys.platform}): {last}"
        return last


def environments_folder() -> Path:
    """The folder of all environments: the user's cache, or what the variable says."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "pose-core" / "environments"


def find_uv(title: str) -> str:
    """The program uv: of the package, or one on the PATH.

    Raises:
        UserError: there is none.
    """
    try:
        import uv

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise UserError(f"{title} is not installed; {EXTRA} lets this command install it, apart from other packages")
    return found


def find_python(uv: str) -> str:
    """A Python that estimators have wheels for: this one, one of this machine, or a version for uv to fetch."""
    if sys.version_info[:2] in PYTHONS:
        return sys.executable
    return next(_pythons(uv), ".".join(map(str, PYTHONS[0])))


def _pythons(uv: str) -> Iterator[str]:
    """Interpreters of this machine: those that uv finds, and pyenv's, which are on the PATH only where they are on."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for version in (".".join(map(str, numbers)) for numbers in PYTHONS):
        command = [uv, "python", "find", "--no-project", "--no-python-downloads", version]
        found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=environments_folder())
        if found.returncode == 0:
            yield found.stdout.strip()
        yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")))


def _versions() -> str:
    return " or ".join(".".join(map(str, numbers)) for numbers in PYTHONS)


def _interpreter(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


@contextmanager
def _locked(path: Path, title: str, say: Callable[[str], None]) -> Generator[None]:
    """Only one process at a time makes an environment; the others wait."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=1)
        except Timeout:
            say(f"waiting for another process that installs {title}")
            lock.acquire()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); name another folder in {VARIABLE}") from error
    try:
        yield
    finally:
        lock.release()
