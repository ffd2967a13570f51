"""A tokenizer by onnxruntime and numpy: a model folder with graphs, by `pose-tokenizer export --in-place`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.errors import reason
from pose_core.pretrained import read_weights
from pose_core.pretrained.hashing import model_hash
from pose_core.shared_weights import check_layout
from pose_tokenizer.config import UNHASHED, TokenizerConfig
from pose_tokenizer.network import Network
from pose_tokenizer.numpy_quantizer import NumpyQuantizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LATENTS, FRAMES = "latents.onnx", "frames.onnx"
GRAPHS = (LATENTS, FRAMES)
HASH = "model_hash"  # in a graph's metadata: a graph holds what was computed of the weights, too
COMMAND = "pose-tokenizer export --in-place --checkpoint FOLDER"


class OnnxNetwork(Network):
    """A model folder with graphs.

    Args:
        folder: of `config.json`, `model.safetensors`, `latents.onnx` and `frames.onnx`.
        name: what results call the model.

    Raises:
        UserError: there are no graphs, or those of another model; or onnxruntime is missing, or cannot load them.
    """

    backend = "onnx"

    def __init__(self, folder: str | Path, name: str) -> None:
        try:
            import onnxruntime  # noqa: F401 - whether it is there
        except ModuleNotFoundError as error:
            raise UserError(f"running ONNX needs {error.name}: pip install 'pose-tokenizer[onnx]'") from error
        self.folder, self.name = Path(folder), name
        if any(not (self.folder / graph).is_file() for graph in GRAPHS):
            raise UserError(f"{folder}: has no ONNX graphs; `{COMMAND}` writes them")
        try:
            super().__init__(TokenizerConfig.model_validate_json((self.folder / "config.json").read_bytes()))
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}: not a model of this kind and version ({reason(error)})") from error
        state = read_weights(self.folder)
        self._hash = model_hash(
            self.config.model_dump(mode="json", by_alias=True, exclude=set(UNHASHED)), state.items()
        )
        self.mean = state["features.mean"]
        self._quantizer = NumpyQuantizer(
            state["quantizer.codebooks"],
            state["quantizer.transition.weight"],
            state["quantizer.transition.bias"],
            state["quantizer.start"],
        )
        about = self._latents.get_modelmeta().custom_metadata_map
        check_layout(self.folder, about, command=COMMAND)
        if about.get(HASH) != self._hash:
            raise UserError(f"{folder}: its ONNX graphs are those of another model; `{COMMAND}` writes them again")
        self.looks_back, self.decoder_back, self.decoder_ahead = (
            int(about[key]) for key in ("looks_back", "decoder_back", "decoder_ahead")
        )

    @property
    def hash(self) -> str:
        """See `Network.hash`."""
        return self._hash

    def latents(self, keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """See `Network.latents`."""
        return np.asarray(self._latents.run(None, {"keypoints": keypoints[None], "visible": visible[None]})[0])[0]

    def quantize(
        self,
        latents: np.ndarray,
        previous: np.ndarray | None,
        *,
        lmbda: float,
        num_quantizers: int | None,
        beam: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Network.quantize`."""
        return self._quantizer.quantize(latents, previous, lmbda=lmbda, num_quantizers=num_quantizers, beam=beam)

    def dequantize(self, codes: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        """See `Network.dequantize`."""
        return self._quantizer.dequantize(codes, previous)

    def frames(self, latents: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Network.frames`."""
        outputs = self._frames.run(None, {"latents": latents[None], "depth": depth[None].astype(np.int64)})
        keypoints, logits = (np.asarray(output)[0] for output in outputs)
        return keypoints, logits

    @cached_property
    def _latents(self) -> InferenceSession:
        return self._session(LATENTS)

    @cached_property
    def _frames(self) -> InferenceSession:
        return self._session(FRAMES)

    def _session(self, graph: str) -> InferenceSession:
        from onnxruntime import InferenceSession

        assert self.folder is not None
        try:
            return InferenceSession(self.folder / graph, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own, of no common class
            raise UserError(f"{self.folder}: onnxruntime cannot load {graph} ({reason(error)})") from error
