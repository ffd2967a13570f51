"""Export of models by torch's exporters, shared by the `export` commands of all packages."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Generator

    import torch

EXPORTER_LOGGER = "torch.onnx._internal.exporter._registration"
OPSET, NEWEST_OPSET = 18, 23  # onnxruntime 1.14 of February 2023 runs 18; torch's exporter writes none below
OPSET_HELP = f"ONNX operator set, {OPSET} to {NEWEST_OPSET}; runtimes since 2023 load {OPSET}."


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


def check_opset(opset: int) -> None:
    """Refuses an ONNX operator set that cannot be exported.

    Raises:
        UserError: naming those that can.
    """
    if not OPSET <= opset <= NEWEST_OPSET:
        raise UserError(f"--opset {opset}: cannot be written; choose from {OPSET} to {NEWEST_OPSET}")


def to_onnx(*arguments: Any, opset: int = OPSET, **options: Any) -> torch.onnx.ONNXProgram:
    """ONNX program by `torch.onnx.export(dynamo=True)` for older runtimes: one operator set, and its IR version.

    Raises:
        UserError: the installed exporter cannot convert the network to this operator set.
    """
    import torch
    from onnx.helper import find_min_ir_version_for, make_opsetid

    with quiet():
        program = torch.onnx.export(*arguments, dynamo=True, opset_version=opset, verbose=False, **options)
    assert program is not None
    model = program.model
    if model.opset_imports.get("") != opset:  # the converter warns and leaves the network as it is
        raise UserError(
            f"--opset {opset}: torch {torch.__version__} cannot write this model so; leave --opset at {OPSET}"
        )
    # The exporter states its own IR version, which runtimes of the operator set's years refuse.
    model.ir_version = find_min_ir_version_for([make_opsetid("", opset)])
    without_traces(program)
    return program


@contextmanager
def quiet() -> Generator[None]:
    """Without the exporters' remarks: packages that are not installed, axes that they merged, successors."""
    logger = logging.getLogger(EXPORTER_LOGGER)
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
