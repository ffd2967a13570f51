"""TorchScript files that run on any device, whichever they were traced on."""

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
        metadata: content of `metadata.json` in the file.
    """
    traced = torch.jit.trace(network, example, check_trace=False)
    for module in traced.modules():
        # A module whose other methods were called has no traced forward.
        if module._c._has_method("forward"):
            _follow_input(module.graph)
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer, _extra_files={METADATA: json.dumps(metadata)})
    with zipfile.ZipFile(buffer) as traced_file, zipfile.ZipFile(path, "w") as output:
        for entry in traced_file.infolist():
            if not entry.filename.endswith(".debug_pkl"):  # it holds paths of this machine
                output.writestr(entry, traced_file.read(entry))


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
