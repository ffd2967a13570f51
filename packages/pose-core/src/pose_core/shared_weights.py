"""ONNX graphs without weights, which read those of the `model.safetensors` beside them.

ONNX lets a tensor lie in another file, at an offset; safetensors keeps tensors as they are in memory, at offsets that
its header tells. So a model folder with graphs is little larger than one without, and there is one copy of the weights.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core.atomic_files import atomic_write
from pose_core.errors import UserError
from pose_core.pretrained.finding import CONFIG, WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    import onnx

KEY = "model"  # of a graph's metadata: `model_layout` of the model that it is a part of
DTYPES = {"F16": "<f2", "F32": "<f4"}  # safetensors' name of a type, and numpy's
PREFIX = "stored."  # of the names of tensors as the file keeps them, before they are cast or transposed


def model_layout(folder: Path) -> str:
    """16 hexadecimal digits that say which graphs a model folder can have: of its settings and the places of weights.

    A model of the same settings that was trained anew has the same: its graphs need not be written again.
    """
    settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    with (folder / WEIGHTS).open("rb") as file:
        digest.update(file.read(struct.unpack("<Q", file.read(8))[0]))
    return digest.hexdigest()[:16]


def check_layout(folder: Path, metadata: dict[str, str], *, command: str) -> None:
    """Refuses graphs that belong to another model than the folder holds.

    Args:
        folder: of the model.
        metadata: of a graph in it.
        command: that writes them.

    Raises:
        UserError: naming the command.
    """
    if metadata.get(KEY) != model_layout(folder):
        raise UserError(f"{folder}: its ONNX graphs are those of another model; `{command}` writes them again")


def share_weights(graph: Path, folder: Path) -> None:
    """Moves a graph into a model folder, where it takes its weights from the model's.

    Args:
        graph: an ONNX file with weights, whose names are those of the model's `state_dict`, with a prefix or none; one
            that the exporter transposed and renamed is found by its values.
        folder: of the model; the file is called as before, and replaces another of that name.

    Raises:
        RuntimeError: a weight is not the one of its name in the folder.
    """
    import onnx

    network = onnx.load(graph)
    stored = StoredTensors(folder / WEIGHTS)
    nodes, initializers = [], {}
    for initializer in network.graph.initializer:
        value = onnx.numpy_helper.to_array(initializer)
        tensor, transposed = stored.find(initializer.name, value)
        if tensor is None:
            initializers[initializer.name] = initializer
            continue
        made = _made_from(tensor, initializer.name, transposed=transposed)
        raw = made[0].input[0] if made else initializer.name
        initializers[raw] = _reference(tensor, raw, tensor.shape if transposed else value.shape)
        nodes += made
    del network.graph.initializer[:]
    network.graph.initializer.extend(initializers.values())
    order = [*nodes, *network.graph.node]
    del network.graph.node[:]
    network.graph.node.extend(order)
    network.metadata_props.add(key=KEY, value=model_layout(folder))
    with atomic_write(folder / graph.name, overwrite=True) as path:
        path.write_bytes(network.SerializeToString())


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a `.safetensors` file: its name, type, shape, and place in the file."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int

    @cached_property
    def value(self) -> np.ndarray:
        """As float32."""
        size = np.prod(self.shape, dtype=int)
        kept = np.fromfile(self.file, DTYPES[self.dtype], size, offset=self.offset)
        return kept.reshape(self.shape).astype(np.float32)


class StoredTensors:
    """The float tensors of a `.safetensors` file.

    Args:
        file: the file.
    """

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            (size,) = struct.unpack("<Q", opened.read(8))
            header: dict[str, Any] = json.loads(opened.read(size))
        header.pop("__metadata__", None)
        self.tensors: dict[str, StoredTensor] = {}
        self._by_value: dict[bytes, list[tuple[StoredTensor, bool]]] = defaultdict(list)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            if entry["dtype"] not in DTYPES:
                continue
            tensor = StoredTensor(file, name, entry["dtype"], tuple(entry["shape"]), 8 + size + begin, end - begin)
            self.tensors[name] = tensor
            self._by_value[tensor.value.tobytes()].append((tensor, False))
            if tensor.value.ndim == 2 and min(tensor.shape) > 1:
                self._by_value[tensor.value.T.tobytes()].append((tensor, True))

    def find(self, name: str, value: np.ndarray) -> tuple[StoredTensor | None, bool]:
        """The tensor that a graph's weight is, and whether transposed; None where it is a constant of the graph's.

        Raises:
            RuntimeError: a weight is not the one of its name.
        """
        if value.dtype != np.float32:
            return None, False
        # Of several names that this one ends in, the longest: "x.norm.weight" ends in "norm.weight", too.
        keys = [key for key in self.tensors if name == key or name.endswith(f".{key}")]
        if keys:
            named = self.tensors[max(keys, key=len)]
            if not np.array_equal(named.value.ravel(), value.ravel()):
                raise RuntimeError(f"{named.file}: {named.name} is not the weight {name} that was exported")
            return named, False
        found = [
            (tensor, transposed)
            for tensor, transposed in (self._by_value.get(value.tobytes(), []) if value.size > 1 else [])
            if value.shape == (tensor.shape[::-1] if transposed else tensor.shape)
        ]
        if len(found) > 1:
            names = " and ".join(tensor.name for tensor, _ in found)
            raise RuntimeError(f"{found[0][0].file}: {names} have equal values: it is not clear which is {name}")
        return found[0] if found else (None, False)


def _made_from(tensor: StoredTensor, name: str, *, transposed: bool) -> list[onnx.NodeProto]:
    """The nodes that make a weight of what the file keeps; onnxruntime computes them once, when it loads the graph."""
    import onnx

    steps: list[tuple[str, dict[str, Any]]] = []
    if tensor.dtype == "F16":
        steps.append(("Cast", {"to": onnx.TensorProto.FLOAT}))
    if transposed:
        steps.append(("Transpose", {"perm": [1, 0]}))
    names = [f"{PREFIX}{tensor.name}", *(f"{name}.{number}" for number in range(1, len(steps))), name]
    return [
        onnx.helper.make_node(kind, [before], [after], name=f"{after}.{kind}", **attributes)
        for (kind, attributes), before, after in zip(steps, names[:-1], names[1:], strict=False)
    ]


def _reference(tensor: StoredTensor, name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    """A tensor that lies in another file."""
    import onnx

    kind = {"F16": onnx.TensorProto.FLOAT16, "F32": onnx.TensorProto.FLOAT}[tensor.dtype]
    reference = onnx.TensorProto(name=name, data_type=kind, dims=shape, data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", WEIGHTS), ("offset", tensor.offset), ("length", tensor.length)):
        reference.external_data.add(key=key, value=str(value))
    return reference
