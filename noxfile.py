"""Checks: `nox -s lint`, `tests`, `"tests(pose-core)"`, `slow`, `browser`, `web`, `faults`, `wheels`, `lowest`,
`docs`, `notebooks`. And `train`: the bundled models, again."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "tests", "wheels"]

ROOT = Path(__file__).parent
PACKAGES = ["pose-core", "pose-encoders", "text-to-pose", "pose-tokenizer", "ht-vae"]
# Extras that a package's own tests exercise.
EXTRAS = {
    "pose-core": ["--extra", "estimate", "--extra", "parquet", "--extra", "train", "--extra", "wandb"],
    "pose-encoders": ["--extra", "onnx", "--extra", "train"],
    "text-to-pose": ["--extra", "app", "--extra", "onnx", "--extra", "train"],
    "pose-tokenizer": ["--extra", "onnx", "--extra", "train"],
    "ht-vae": ["--extra", "train"],
}
# Libraries of others that a package works with and does not need.
BESIDE = {
    "pose-core": ["datasets>=4", "webdataset>=0.2.100"],
    "text-to-pose": ["httpx2>=2"],
    "pose-tokenizer": ["tokenizers>=0.21"],
}
# Of each package's tests, those that meet what changes between releases: arrays, formats, pictures, exports, training.
LOWEST = {
    "pose-core": (
        "not test_video or shows",
        ["formats", "array_formats", "batched_transforms", "transforms", "skeleton", "rendering", "video"],
    ),
    "pose-encoders": ("(onnx and graph) or (learned and transformer)", ["encoders"]),
    "text-to-pose": ("train_then", ["cli"]),
    "pose-tokenizer": ("train_then or codes_are or 2023 or no_device or another_device", ["cli", "export"]),
    "ht-vae": ("train_on_csvs", ["cli"]),
}


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Style, format and types of everything, and what documentation names."""
    session.run("uv", "run", "ruff", "check", external=True)
    session.run("uv", "run", "ruff", "format", "--check", external=True)
    session.run("uv", "run", "ty", "check", external=True)
    session.run("uv", "run", "python", "docs/check.py", external=True)


@nox.session
@nox.parametrize("package", PACKAGES, ids=PACKAGES)
def tests(session: nox.Session, package: str) -> None:
    """A package's quick tests, with only that package and what it declares installed."""
    run_tests(session, package, "not slow and not browser")


@nox.session
@nox.parametrize("package", ["pose-core", "text-to-pose"], ids=["pose-core", "text-to-pose"])
def slow(session: nox.Session, package: str) -> None:
    """A package's tests that take over ten seconds each."""
    run_tests(session, package, "slow")


@nox.session
@nox.parametrize("package", ["pose-core", "text-to-pose"], ids=["pose-core", "text-to-pose"])
def browser(session: nox.Session, package: str) -> None:
    """The pages that a package writes, opened in Chromium."""
    if not os.environ.get("CHROMIUM"):
        install_chromium(session)
    tools = ["playwright>=1.49", "axe-playwright-python>=0.1.4"]
    if package == "text-to-pose":
        tools.append(str(ROOT / "packages/pose-tokenizer"))  # the page's tokens are compared with its own
    run_tests(session, package, "browser", *tools)


@nox.session(venv_backend="none")
def web(session: nox.Session) -> None:
    """The page of `text-to-pose web`: checked, tested, and built into the package, where git keeps it (Node 20)."""
    session.chdir(ROOT / "web")
    session.run("npm", "ci", "--no-fund", "--no-audit", external=True)
    for script in ("check", "test", "build"):
        session.run("npm", "run", script, external=True)


def install_chromium(session: nox.Session) -> None:
    """Debian's, by apt-get, where there is none; where that cannot be, it says what to do instead."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not shutil.which("chromium") and shutil.which("apt-get") and (root or shutil.which("sudo")):
        sudo = [] if root else ["sudo"]
        session.run(*sudo, "apt-get", "update", external=True)
        session.run(*sudo, "apt-get", "install", "--yes", "--no-install-recommends", "chromium", external=True)
    if not shutil.which("chromium"):
        session.error("no chromium: install it as root (`apt-get install chromium`), or name a browser in CHROMIUM")


def run_tests(session: nox.Session, package: str, markers: str, *tools: str) -> None:
    environment = {"UV_PROJECT_ENVIRONMENT": session.virtualenv.location}
    sync = ["uv", "sync", "--package", package, "--no-editable", "--no-dev", *EXTRAS.get(package, [])]
    # Always built anew: uv takes a package of the same version for the same package.
    rebuilt = [argument for name in PACKAGES for argument in ("--reinstall-package", name)]
    session.run_install(*sync, *rebuilt, env=environment, external=True)
    session.install("pytest>=8.3", "hypothesis>=6.100", *BESIDE.get(package, []), *tools)
    session.chdir(ROOT / "packages" / package)
    session.run("pytest", "tests", "-m", markers, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/site: built without a warning, its links followed, its search asked."""
    tools = ["mkdocs-material>=9.6", "mkdocstrings[python]>=0.30", "mdx-truly-sane-lists>=1.3", "lunr>=0.8"]
    session.install(*tools, "pytest>=8.3")
    session.run("mkdocs", "build", "--strict", "--quiet", env={"NO_MKDOCS_2_WARNING": "1"})
    session.run("pytest", "docs/test_site.py", "-q", *session.posargs)


@nox.session(venv_backend="none")
def notebooks(session: nox.Session) -> None:
    """The notebooks, run: build/notebooks has them as .ipynb and .html, with pictures. Names run these alone."""
    tools = ["jupytext>=1.16", "nbconvert>=7.16", "ipykernel>=6.29"]
    run = ["uv", "run", *(word for tool in tools for word in ("--with", tool))]
    output = ROOT / "build/notebooks"
    output.mkdir(parents=True, exist_ok=True)
    for script in sorted((ROOT / "docs/notebooks").glob("*.py")):
        if session.posargs and script.stem not in session.posargs:
            continue
        notebook = output / f"{script.stem}.ipynb"
        # Run in its own folder, so that a path that is not made by the notebook itself is not there.
        convert = ["jupytext", "--to", "ipynb", "--execute", "--run-path", str(output), "--output", str(notebook)]
        session.run(*run, *convert, str(script), external=True)
        session.run(*run, "jupyter", "nbconvert", "--to", "html", str(notebook), external=True)
        shown = notebook.read_text(encoding="utf-8")
        if "<iframe srcdoc=" not in shown and "image/png" not in shown:
            session.error(f"{notebook.name} shows no picture")


@nox.session(venv_backend="none")
@nox.parametrize("python", ["3.11", "3.13"], ids=["3.11", "3.13"])
def lowest(session: nox.Session, python: str) -> None:
    """The oldest releases that the packages say they work with, on the oldest and the newest Python."""
    interpreter = find_python(python)
    if interpreter is None:
        session.skip(f"no Python {python} on this machine (`uv python install {python}` fetches one)")
    environment = ROOT / ".nox" / f"lowest-{python}"
    session.run("uv", "venv", "--quiet", "--clear", "--python", interpreter, str(environment), external=True)
    into = {"VIRTUAL_ENV": str(environment)}
    packages = [
        argument
        for name in PACKAGES
        for argument in ("--editable", f"packages/{name}[{','.join(EXTRAS.get(name, [])[1::2])}]".removesuffix("[]"))
    ]
    session.run("uv", "pip", "install", "--quiet", "--resolution", "lowest-direct", *packages, env=into, external=True)
    tools = ["pytest>=8.3", "hypothesis>=6.100", *BESIDE["pose-tokenizer"]]
    session.run("uv", "pip", "install", "--quiet", *tools, env=into, external=True)
    pytest = str(environment / ("Scripts" if os.name == "nt" else "bin") / "pytest")
    session.run(pytest, "lowest", "-q", external=True)
    for package, (names, modules) in LOWEST.items():
        session.chdir(ROOT / "packages" / package)
        files = [f"tests/test_{module}.py" for module in modules]
        session.run(pytest, *files, "-q", "-m", "not slow and not browser", "-k", names, external=True)


def find_python(version: str) -> str | None:
    """An interpreter that uv or pyenv has; pyenv's own commands answer for the versions that are switched on only."""
    command = ["uv", "python", "find", "--no-project", "--no-python-downloads", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next((str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}"))), None)


@nox.session(venv_backend="none")
def train(session: nox.Session) -> None:
    """The bundled models by their cards' commands, hours each: all, or `-- --models PACKAGE/MODEL ...`."""
    session.run("uv", "run", "python", "benchmarks/bundled_models.py", *session.posargs, external=True)


@nox.session(venv_backend="none")
def faults(session: nox.Session) -> None:
    """Training runs that are killed, stopped, damaged or out of room, and videos whose estimation is killed."""
    session.run("uv", "run", "pytest", "faults", *session.posargs, external=True)


@nox.session(venv_backend="none")
def wheels(session: nox.Session) -> None:
    """The five wheels, and text-to-pose from them where no workspace is near."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session.run("uv", "build", "--all-packages", "--wheel", "--out-dir", str(folder / "wheels"), external=True)
        built = sorted((folder / "wheels").glob("*.whl"))
        if len(built) != len(PACKAGES):
            session.error(f"expected {len(PACKAGES)} wheels, found {[wheel.name for wheel in built]}")
        newest = nox.project.load_toml("pyproject.toml")["tool"]["uv"]["exclude-newer"]
        needed = [
            str(wheel) for wheel in built if wheel.name.startswith(("text_to_pose", "pose_core", "pose_encoders"))
        ]
        outside = {"VIRTUAL_ENV": str(folder / "env"), "UV_EXCLUDE_NEWER": newest}
        session.chdir(folder)
        # Named: outside the workspace uv would take the first Python on the PATH, of any version.
        session.run("uv", "venv", "--quiet", "--python", sys.executable, "env", external=True)
        session.run("uv", "pip", "install", "--quiet", *needed, env=outside, external=True)
        command = str(folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "text-to-pose")
        session.run(command, "--help", external=True)
        hello = ["generate", "hello", "--signed-language", "ase"]
        session.run(command, *hello, "--output", "hello.pose", "--output", "hello.gif", external=True)
        for output in ("hello.pose", "hello.gif"):
            if not (folder / output).stat().st_size:
                session.error(f"{output} is empty")
        session.chdir(ROOT)
