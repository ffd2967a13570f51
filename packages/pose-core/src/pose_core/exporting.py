"""What every package's `export` needs around torch's exporters."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

TALKATIVE = "torch.onnx._internal.exporter._registration"


def check_packages(package: str, *modules: str) -> None:
    """Refuses to export where modules cannot be imported.

    Args:
        package: whose extra `onnx` installs them.

    Raises:
        UserError: naming the first that is missing.
    """
    try:
        for module in modules:
            import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(f"exporting needs {error.name}: pip install '{package}[onnx]'") from error


@contextmanager
def quiet() -> Generator[None]:
    """Without the exporters' remarks: packages that are not installed, axes that they merged, successors."""
    logger = logging.getLogger(TALKATIVE)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def without_traces(program: torch.onnx.ONNXProgram) -> None:
    """Drops the stack traces that torch leaves in an exported network: this machine's paths are in them."""
    graph = program.model.graph
    nodes = list(graph.all_nodes())
    values = [value for node in nodes for value in node.outputs]
    for part in (program.model, graph, *graph.inputs, *graph.initializers.values(), *nodes, *values):
        part.metadata_props.clear()
