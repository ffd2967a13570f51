"""Checks that documentation says what is there: `uv run python docs/check.py`, a part of `nox -s lint`.

Of every Markdown file but changelogs:

- relative links lead to files, and anchors to headings;
- paths in `code` that end in a suffix of source files (or, in docs/architecture.md, name a folder) exist, below the
  repository or below a package's sources;
- dotted names in `code` (`pose_core.jobs.planned`) are modules, and what follows is named in the module;
- in commands of the five packages, in code blocks and in `code`, every verb and `--option` is one of `--help`, and
  every `--set key=value` a setting of `train`;
- names that Python code blocks, scripts in benchmarks/ and notebooks import from the packages are in those modules;
- so are those of the site's reference (`::: pose_core.sequence`).

And of the packages' modules, as docs/architecture.md says: a package imports only those below it, and no imports, of
type checkers included, go in a circle.

Prints a line per mistake and exits with 1 where there is one.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {  # command -> package
    "pose-core": "pose_core",
    "pose-encoders": "pose_encoders",
    "text-to-pose": "text_to_pose",
    "pose-tokenizer": "pose_tokenizer",
    "ht-vae": "ht_vae",
}
BELOW = {  # package -> those it may import
    "pose_core": (),
    "pose_encoders": ("pose_core",),
    "text_to_pose": ("pose_core", "pose_encoders"),
    "pose_tokenizer": ("pose_core",),
    "ht_vae": ("pose_core",),
}
SOURCES = {package: ROOT / "packages" / command / "src" / package for command, package in COMMANDS.items()}
PATH_SUFFIXES = (".py", ".toml", ".slurm", ".md")
ARCHITECTURE = ROOT / "docs/architecture.md"
MIGRATION = ROOT / "docs/site/migration"  # whose tables name other projects' commands in the first column

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FIRST_CELL = re.compile(r"^\|(?:\\.|[^|\\\n])*\|", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
REFERENCE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
DOTTED = re.compile(rf"^({'|'.join(SOURCES)})((?:\.\w+)+)")


def main() -> int:
    """Prints the mistakes of all files; returns the exit status."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\n") if name and not name.endswith("CHANGELOG.md")]
    mistakes = [f"{path.relative_to(ROOT)}: {mistake}" for path in files if path.exists() for mistake in check(path)]
    for script in sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("docs/notebooks/*.py")]):
        found = check_imports(script.read_text(encoding="utf-8"))
        mistakes += [f"{script.relative_to(ROOT)}: {mistake}" for mistake in found]
    mistakes += check_modules()
    print(*mistakes, f"{len(files)} files, {len(mistakes)} mistakes", sep="\n")
    return bool(mistakes)


def check(path: Path) -> Iterator[str]:
    """The mistakes of one file."""
    text = path.read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    ours = FIRST_CELL.sub("|", prose) if path.parent == MIGRATION else prose
    spans = CODE.findall(ours)
    yield from check_links(path, CODE.sub("", prose))
    for span in spans:
        yield from check_path(path, span)
        yield from check_dotted(span)
    blocks = [content for language, content in FENCE.findall(text) if language in ("bash", "sh", "")]
    for name in REFERENCE.findall(text):
        yield from check_dotted(name)
    for language, content in FENCE.findall(text):
        if language == "python":
            yield from check_imports(content)
    for line in [*(line for block in blocks for line in block.replace("\\\n", " ").splitlines()), *spans]:
        yield from check_command(line)


def check_links(path: Path, prose: str) -> Iterator[str]:
    """Relative links without a file, and anchors without a heading."""
    for link in LINK.findall(prose):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield f"link to {name}, which does not exist"
        elif anchor and anchor not in anchors(target):
            yield f"link to {link}, where no heading is called so"


def anchors(path: Path) -> set[str]:
    """The anchors of a file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_path(path: Path, span: str) -> Iterator[str]:
    """A file that is named and does not exist; in the page on architecture a folder, too."""
    if not re.fullmatch(r"[\w./-]+", span) or span.startswith(("/", "~", "--")):
        return
    is_folder = path == ARCHITECTURE and span.endswith("/")
    if not (span.endswith(PATH_SUFFIXES) and span not in PATH_SUFFIXES) and not is_folder:
        return
    bases = [
        ROOT,
        path.parent,
        *(ROOT / "packages" / name for name in COMMANDS),
        *SOURCES.values(),
        *(source.parent for source in SOURCES.values()),
    ]
    if not any((base / span).exists() for base in bases):
        yield f"`{span}` does not exist"


def check_imports(source: str) -> Iterator[str]:
    """Names that are imported from the packages, and are not there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield from check_dotted(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from check_dotted(alias.name)


def check_dotted(span: str) -> Iterator[str]:
    """A dotted name whose module does not exist, or does not name what follows."""
    match = DOTTED.match(span)
    if match is None or span.endswith(PATH_SUFFIXES):
        return
    location, names = SOURCES[match[1]], match[2].strip(".").split(".")
    while names and ((location / names[0]).is_dir() or (location / f"{names[0]}.py").exists()):
        location /= names.pop(0)
    module = location / "__init__.py" if location.is_dir() else location.with_suffix(".py")
    if names and not re.search(rf"\b{names[0]}\b", module.read_text(encoding="utf-8")):
        yield f"`{span}`: nothing is called {names[0]} in {module.relative_to(ROOT)}"


def check_modules() -> Iterator[str]:
    """Imports of a package from one that is not below it, and imports in a circle."""
    paths = {}
    for package, folder in SOURCES.items():
        for path in folder.rglob("*.py"):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            paths[".".join(parts).removesuffix(".__init__")] = path
    graph = {module: imported_modules(module, path, paths) for module, path in paths.items()}
    for module, imported in graph.items():
        package = module.partition(".")[0]
        for other in sorted(imported):
            if other.partition(".")[0] not in (package, *BELOW[package]):
                yield f"{module} imports {other}, which is not below it"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"imports in a circle: {' <- '.join(error.args[1])}"


def imported_modules(module: str, path: Path, known: Container[str]) -> set[str]:
    """The packages' modules that a module imports, wherever in its code."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            imported |= {name if name in known else str(node.module) for name in names}
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    return {name for name in imported if name in known and name != module}


def check_command(line: str) -> Iterator[str]:
    """Verbs, options and settings of the five commands that do not exist."""
    for part in re.split(r"&&|\|\||;|\||\$\(|\)", line.partition(" #")[0]):
        try:
            words = shlex.split(part)
        except ValueError:
            words = part.split()
        if words and words[0].startswith("--") and len(words) <= 2:  # `--lambda 2`: of any command
            name = words[0].partition("=")[0]
            if name not in ANY_OPTION and name not in OTHERS:
                yield f"`{line}`: no command has {name}"
        for position, word in enumerate(words):
            command = word.rpartition("/")[2] if word.rpartition("/")[2] in COMMANDS else word
            if command in COMMANDS.values() and words[position - 1] == "-m":
                command = next(name for name, package in COMMANDS.items() if package == command)
            if command in COMMANDS:
                yield from check_call(command, words[position + 1 :])
                break


def check_call(command: str, words: list[str]) -> Iterator[str]:
    """What is wrong with the words that follow a command."""
    verbs = options(command)
    verb = words[0] if words else ""
    if not re.fullmatch(r"[a-z]+", verb):
        return
    if verb not in verbs:
        yield f"`{command} {verb}`: there is no such command"
        return
    for position, word in enumerate(words[1:], start=1):
        name, _, value = word.partition("=")
        if name.startswith("--") and len(name) > 2 and name not in verbs[verb]:
            yield f"`{command} {verb}` has no {name}"
        if name == "--set":
            key = (value or words[position + 1]).partition("=")[0]
            if key.partition(".")[0] not in settings(command):
                yield f"`{command} {verb} --set {key}`: there is no such setting"


@cache
def options(command: str) -> dict[str, set[str]]:
    """The options of each verb of a command, as `--help` lists them."""
    group = get_command(import_module(f"{COMMANDS[command]}.cli").app)
    return {
        verb: {"--help", *(name for option in each.params for name in (*option.opts, *option.secondary_opts))}
        for verb, each in group.commands.items()  # ty: ignore[missing-attribute]
    }


@cache
def settings(command: str) -> set[str]:
    """The settings of a command's `train`."""
    return set(import_module(f"{COMMANDS[command]}.config").RunConfig.model_fields)


ANY_OPTION = {"--version", "--install-completion", "--show-completion"} | {
    name for command in COMMANDS for names in options(command).values() for name in names
}
OTHERS = {"--no-editable"}  # options of other programs that documentation names by themselves

if __name__ == "__main__":
    sys.exit(main())
