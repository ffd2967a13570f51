"""Modules as TorchScript that runs on any device, whichever it was traced on."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "metadata.json"  # in the file


def write_torchscript(
    network: torch.nn.Module, example: tuple[torch.Tensor, ...], metadata: dict[str, str], path: Path
) -> None:
    """Traces a module and writes it.

    Args:
        network: its tensors are written with the device they are on, to be moved by `map_location` or `to`.
        example: inputs; the first one is on the device that the module runs on.
        metadata: what `metadata.json` in the file says.
    """
    traced = torch.jit.trace(network, example, check_trace=False)
    for module in traced.modules():
        # No forward is traced of what was called by other names.
        if module._c._has_method("forward"):
            _follow_input(module.graph)
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer, _extra_files={METADATA: json.dumps(metadata)})
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(path, "w") as kept:
        for entry in made.infolist():
            if not entry.filename.endswith(".debug_pkl"):  # with paths of this machine
                kept.writestr(entry, made.read(entry))


def _follow_input(graph: Any) -> None:
    """Makes new tensors on the device of a graph's first input, where tracing wrote down the one it ran on."""
    constants = [
        node for node in graph.findAllNodes("prim::Constant", recurse=True) if str(node.output().type()) == "Device"
    ]
    if not constants:
        return
    tensor = next(value for value in graph.inputs() if value.type().isSubtypeOf(torch._C.TensorType.get()))
    device = graph.create("prim::device", [tensor], 1)
    device.output().setType(constants[0].output().type())
    graph.prependNode(device)
    for constant in constants:
        constant.output().replaceAllUsesWith(device.output())
        constant.destroy()
