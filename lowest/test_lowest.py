"""The declared lower bounds are those of the environment, and the first commands work there; see `nox -s lowest`."""

import ast
import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PACKAGES = ["pose-core", "pose-encoders", "text-to-pose", "pose-tokenizer", "ht-vae"]
# Imported where another package's extra, or the user, has installed it; or a part of what is declared.
UNDECLARED = {"onnx", "pydantic-core", "umap", "umap-learn", "wandb"}
# Declared for what torch exports with, and starlette reads forms with.
UNIMPORTED = {"onnx", "onnxruntime", "onnxscript", "python-multipart", "tensorboard"}
ROOT = Path(__file__).parents[1]


def requirements(package):
    """What a package and its extras need here of others."""
    project = tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
    needed = [Requirement(line) for lines in declared for line in lines]
    return [each for each in needed if each.name not in PACKAGES and (each.marker is None or each.marker.evaluate())]


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_installed_is_the_lower_bound(package):
    # Where something else asks for more, the bound is not what is tested here: raise it.
    installed, declared = {}, {}
    for requirement in requirements(package):
        (bound,) = (each.version for each in requirement.specifier if each.operator == ">=")
        declared[requirement.name] = Version(bound)
        installed[requirement.name] = Version(Version(metadata.version(requirement.name)).public)
    assert declared
    assert installed == declared


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_declares_what_it_imports_and_nothing_else(package):
    names = set()
    for path in (ROOT / "packages" / package / "src").rglob("*.py"):
        if path.parent.name == "workers":  # scripts for environments of their own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).partition(".")[0])
    names -= {*sys.stdlib_module_names, *(each.replace("-", "_") for each in PACKAGES)}
    installed = metadata.packages_distributions()
    imported = {each.lower().replace("_", "-") for name in names for each in installed.get(name, [name])}
    declared = {requirement.name for requirement in requirements(package)}
    assert imported - declared <= UNDECLARED
    assert declared - imported <= UNIMPORTED


def run(*command, cwd):
    """The output of a command of this environment."""
    script = Path(sys.executable).with_name(command[0])
    done = subprocess.run([script, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_commands(tmp_path):
    hello = ["generate", "hello", "--signed-language", "ase", "--output", "hello.pose", "--output", "hello.gif"]
    run("text-to-pose", *hello, cwd=tmp_path)
    assert (tmp_path / "hello.gif").read_bytes().startswith(b"GIF8")
    assert "frames" in run("pose-core", "info", "hello.pose", cwd=tmp_path)
    run("pose-core", "render", "hello.pose", "hello.html", cwd=tmp_path)
    run("pose-core", "convert", "hello.pose", "hello.npz", cwd=tmp_path)
    run("pose-tokenizer", "encode", "hello.npz", "--output", "hello.tokens", cwd=tmp_path)
    run("pose-tokenizer", "decode", "hello.tokens", "--output", "again.pose", cwd=tmp_path)
    run("ht-vae", "reconstruct", "hello.pose", "--output", "same.pose", cwd=tmp_path)
    run("pose-core", "compare", "hello.pose", "again.pose", cwd=tmp_path)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_command_has_help(package, tmp_path):
    assert "Commands" in run(package, "--help", cwd=tmp_path)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_can_be_imported(package):
    module = import_module(package.replace("-", "_"))
    assert module.__all__
    for name in module.__all__:
        assert getattr(module, name)
