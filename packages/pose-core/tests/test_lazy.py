import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import pose_core

FACES = ["pose_core", "pose_core.data", "pose_core.pretrained"]


@pytest.mark.parametrize("package", FACES)
def test_every_name_of_a_face_is_importable(package):
    module = importlib.import_module(package)
    assert dir(module) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", FACES)
def test_type_checkers_see_the_names_that_are_exported(package):
    module = importlib.import_module(package)
    tree = ast.parse(Path(module.__file__).read_text())
    typed = [n for n in tree.body if isinstance(n, ast.If)]
    imported = {
        (statement.module, name.name) for block in typed for statement in block.body for name in statement.names
    }
    assert {name for _, name in imported} >= {*module.__all__}
    for home, name in imported:
        assert getattr(importlib.import_module(home), name) is getattr(module, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'pose_core' has no attribute 'wave'"):
        _ = pose_core.wave
    with pytest.raises(ImportError):
        from pose_core import wave  # noqa: F401


def test_a_face_imports_nothing_until_asked():
    code = f"import sys, {', '.join(FACES)}; print([m for m in ('numpy', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
