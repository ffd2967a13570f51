"""Exported graphs, run with onnxruntime or torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from pose_core.exporting import check_packages, quiet
from pose_tokenizer.export.torchscript import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

Format = Literal["onnx", "torchscript"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "torchscript": ".pt"}
PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class ExportedStep:
    """A graph from its file.

    Attributes:
        metadata: of its model, from the file.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.metadata: dict[str, str]
        self._run: Callable[..., list[np.ndarray]]
        if path.suffix == SUFFIXES["onnx"]:
            check_packages("pose-tokenizer", *PACKAGES)
            from onnxruntime import InferenceSession

            session = InferenceSession(path, providers=["CPUExecutionProvider"])
            names = [value.name for value in session.get_inputs()]
            self.metadata = session.get_modelmeta().custom_metadata_map
            self._run = lambda *inputs: [
                np.asarray(output) for output in session.run(None, dict(zip(names, inputs, strict=True)))
            ]
        else:
            extra = {METADATA: ""}
            with quiet():
                network = torch.jit.load(path, _extra_files=extra)
            self.metadata = json.loads(extra[METADATA])
            self._run = lambda *inputs: [output.numpy() for output in network(*map(torch.from_numpy, inputs))]

    def start(self, B: int) -> np.ndarray:
        """The state (B, S) of sequences that begin."""
        return np.zeros((B, int(self.metadata["state_size"])), np.float32)

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Outputs in their order from inputs in theirs, see the `forward` of `EncodeStep` and `DecodeStep`."""
        return self._run(*inputs)


def encode_blocks(encode: ExportedStep, keypoints: np.ndarray, visible: np.ndarray, lmbda: float) -> np.ndarray:
    """Whole sequences with a graph that encodes.

    Args:
        encode: the graph.
        keypoints: (B, N, block_frames, K, 2) in shoulder widths; visible: (B, N, block_frames, K) bool.
        lmbda: see `EncodeStep`.

    Returns:
        Codes (B, N, Q).
    """
    state, codes = encode.start(len(keypoints)), []
    for n in range(keypoints.shape[1]):
        block_codes, state = encode(keypoints[:, n], visible[:, n], np.array(lmbda, np.float32), state)
        codes.append(block_codes)
    return np.stack(codes, axis=1)


def decode_blocks(decode: ExportedStep, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole sequences with a graph that decodes.

    Args:
        decode: the graph.
        codes: (B, N, Q).

    Returns:
        Keypoints (B, N * block_frames, K, 2) in shoulder widths, and whether they are visible (B, N * block_frames, K).
    """
    B, N, _ = codes.shape
    delay, state, blocks = int(decode.metadata["delay"]), decode.start(B), []
    for n in range(N + delay):
        keypoints, visible, state = decode(codes[:, min(n, N - 1)], np.full(B, n < N), state)
        blocks.append((keypoints, visible))
    keypoints, visible = (np.concatenate(x, axis=1) for x in zip(*blocks[delay:], strict=True))
    return keypoints, visible
