"""Packages that may be installed beside this one, which needs none of them: looked for by name, when asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from text_to_pose.app.files import read_poses

if TYPE_CHECKING:
    from types import ModuleType

    from pose_core import PoseSequence
    from pose_core.pretrained.selection import ModelSelection
    from text_to_pose.app.requests import PosesRequest

Model = TypeVar("Model")


class NotInstalledError(Exception):
    """What was asked for needs a package that is not here; one line."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def neighbours(package: str, modules: tuple[str, ...], needed: str) -> list[ModuleType]:
    """Modules of a package that may be absent.

    Args:
        package: its name in Python.
        modules: their names in it.
        needed: what to say where it is absent: "tokens need pose-tokenizer".

    Raises:
        NotInstalledError: it is absent.
    """
    if not is_installed(package):
        raise NotInstalledError(f"{needed}, which is not installed beside this server")
    return [import_module(f"{package}.{name}") for name in modules]


def model_and_poses(models: ModelSelection[Model], request: PosesRequest, data: bytes) -> tuple[Model, PoseSequence]:
    """The bundled model that a request names, or that fits its poses, and the poses of a `.pose` file that was sent.

    Raises:
        UserError: no such poses, no bundled model of that name, or none that fits.
    """
    sequence = read_poses(data, "poses", request.layout)
    name = request.checkpoint
    return models.of(sequence.skeleton) if name is None else models.by_name(name), sequence
