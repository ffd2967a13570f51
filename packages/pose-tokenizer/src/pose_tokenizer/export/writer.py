"""Models as graphs of one block, ONNX or TorchScript, that stream in any runtime.

A graph takes a block and a state, a row of numbers for each sequence, and gives the next state; it begins as zeros.
"""

from __future__ import annotations

import copy
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from pose_core import UserError
from pose_core.atomic_files import atomic_write, check_output, check_output_folder
from pose_core.exporting import OPSET, check_opset, check_packages, quiet, to_onnx
from pose_tokenizer.export.torchscript import METADATA, write_torchscript
from pose_tokenizer.files.token_file import NO_CODE
from pose_tokenizer.nn.beam_search import search_in_graph
from pose_tokenizer.nn.features import DIMS, hold_missing
from pose_tokenizer.nn.quantizer import used
from pose_tokenizer.streaming import BEAM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pose_tokenizer.model import PoseTokenizer

Format = Literal["onnx", "torchscript"]
Part = Literal["encode", "decode"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "torchscript": ".pt"}
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
BLOCKS = 10  # of the poses that an export is tried on
TOLERANCE = 1e-3  # how far keypoints may lie from the model's, in shoulder widths


class EncodeStep(nn.Module):
    """A block of frames to its codes.

    Attributes:
        state_size: S. A state holds where each keypoint was seen last, the quantized block before, the blocks that the
            encoder looks back at with what was seen in them, and how many blocks there were.
    """

    inputs, outputs = ("keypoints", "seen", "rate", "state"), ("codes", "next_state")
    norms: Tensor

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("norms", model.quantizer.norms())
        frames, K = model.block_frames, model.skeleton.num_keypoints
        width, dim = model.basis.shape
        self.back = model.encoder.before
        self.shapes = [(K, DIMS), (dim,), (self.back, width), (self.back, frames, K), (1,)]
        self.state_size = _size(self.shapes)

    def example(self, B: int) -> tuple[Tensor, ...]:
        """Inputs of the shapes that B sequences have."""
        frames, K = self.model.block_frames, self.model.skeleton.num_keypoints
        seen = torch.ones(B, frames, K, dtype=torch.bool)
        rate = torch.tensor(self.model.config.rate)
        return torch.zeros(B, frames, K, DIMS), seen, rate, torch.zeros(B, self.state_size)

    def forward(self, keypoints: Tensor, seen: Tensor, rate: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step.

        Args:
            keypoints: (B, block_frames, K, 2) in shoulder widths; whatever stands where nothing is seen.
            seen: (B, block_frames, K) bool.
            rate: () squared error that a code has to save to be used; 0: all codes are.
            state: (B, S), 0 before the first block.

        Returns:
            Codes (B, Q), `NO_CODE` behind the last, and the state (B, S) for the next block.
        """
        model, quantizer = self.model, self.model.quantizer
        held, before, blocks, shown, past = _unpacked(state, self.shapes)
        first = past == 0  # (B, 1)
        held = torch.where(first[..., None], model.features.mean, held)
        filled = []
        for t in range(model.block_frames):  # what `hold_missing` does by a running maximum, which ONNX lacks
            held = torch.where(seen[:, t, :, None], keypoints[:, t], held)
            filled.append(held)
        blocks = torch.cat([blocks, model.blocks(torch.stack(filled, dim=1), seen)], dim=1)  # (B, back + 1, F)
        shown = torch.cat([shown > 0, seen[:, None]], dim=1)
        mask = torch.arange(self.back, -1, -1, device=past.device) <= past  # (B, back + 1)
        latent = model.latents(blocks, shown, mask)[:, -1]
        predict = torch.where(first, quantizer.predict(None), quantizer.predict(before))
        codes, left = search_in_graph(latent - predict, quantizer.codebooks, self.norms, rate=rate, beam=BEAM)
        past = (past + 1).clamp(max=max(self.back, 1))
        return codes, _packed([held, latent - left, blocks[:, 1:], shown[:, 1:], past])


class DecodeStep(nn.Module):
    """The codes of a block to the frames of the block `delay` steps before: the decoder looks ahead.

    Attributes:
        delay: so many steps give nothing yet, and so many follow a sequence's last block, with `real` False.
        state_size: S. A state holds the last quantized blocks, how many codes each had, and whether it was real.
    """

    inputs, outputs = ("codes", "real", "state"), ("keypoints", "seen", "next_state")

    def __init__(self, model: PoseTokenizer) -> None:
        super().__init__()
        self.model = model
        self.delay = model.decoder.after
        self.window = model.decoder.before + 1 + self.delay
        kept = max(self.window - 1, 1)  # the block before is what the next one is predict from
        self.shapes = [(kept, model.config.latent_dim), (kept,), (kept,)]
        self.state_size = _size(self.shapes)

    def example(self, B: int) -> tuple[Tensor, ...]:
        """Inputs of the shapes that B sequences have."""
        codes = torch.zeros(B, self.model.config.num_quantizers, dtype=torch.long)
        return codes, torch.ones(B, dtype=torch.bool), torch.zeros(B, self.state_size)

    def forward(self, codes: Tensor, real: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step.

        Args:
            codes: (B, Q), `NO_CODE` for none.
            real: (B,) bool, False behind a sequence's last block, where codes mean nothing.
            state: (B, S), 0 before the first block.

        Returns:
            Keypoints (B, block_frames, K, 2) in shoulder widths, whether they are seen (B, block_frames, K), False as
            long as there is no such block, and the state (B, S) for the next block.
        """
        model, quantizer = self.model, self.model.quantizer
        latents, depth, there = _unpacked(state, self.shapes)
        block = codes[:, None]  # (B, 1, Q)
        first = there[:, -1:, None] == 0
        latent = torch.where(first, quantizer.dequantize(block), quantizer.dequantize(block, latents[:, -1]))
        latents = torch.cat([latents, latent], dim=1)
        depth = torch.cat([depth, used(block).to(depth.dtype)], dim=1)
        there = torch.cat([there, real[:, None].to(there.dtype)], dim=1)
        latest = slice(-self.window, None)
        mask = there[:, latest] > 0
        keypoints, logits = model.frames(latents[:, latest], depth[:, latest].long(), mask)
        place = model.decoder.before
        own = slice(place * model.block_frames, (place + 1) * model.block_frames)
        seen = (logits[:, own] > 0) & mask[:, place, None, None]
        return keypoints[:, own], seen, _packed([latents[:, 1:], depth[:, 1:], there[:, 1:]])


STEPS: dict[Part, type[EncodeStep | DecodeStep]] = {"encode": EncodeStep, "decode": DecodeStep}


def _size(shapes: Sequence[tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes)


def _packed(parts: Sequence[Tensor]) -> Tensor:
    """Tensors (B, ...) as one row of numbers for each sequence, (B, S)."""
    return torch.cat([part.flatten(1).to(torch.float32) for part in parts], dim=1)


def _unpacked(state: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """The inverse of `_packed`: (B, *shape) for each shape, of float."""
    parts = state.split([_size([shape]) for shape in shapes], dim=1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]


@dataclass(frozen=True)
class ExportedFile:
    """A graph that was written.

    Attributes:
        bytes: its size.
        inputs, outputs: type and shape of each, by name, in order; B is any number of sequences.
    """

    output: Path
    bytes: int
    inputs: dict[str, str]
    outputs: dict[str, str]


def export(
    model: PoseTokenizer,
    output: str | Path,
    *,
    format: Format = "onnx",
    opset: int = OPSET,
    part: Part | Literal["both"] = "both",
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> list[ExportedFile]:
    """Writes a model as graphs of one block, once they are found to give what it gives.

    `EncodeStep` and `DecodeStep` tell what the graphs take and give. What the model is stands in each file: in the
    metadata of ONNX, in `metadata.json` of TorchScript.

    Args:
        output: a folder for `encode` and `decode`, which is made where it is missing; a file for one of them.
        opset: of ONNX, its operator set; the default is the oldest that can be written, which the most runtimes load.
        progress: told what is being done.

    Raises:
        UserError: as `check_export`, or a graph gives something else than the model.
    """
    files = check_export(output, format=format, opset=opset, part=part, overwrite=overwrite)
    model = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    written = []
    with ExitStack() as stack:  # neither file is there before both are right
        for name, path in files.items():
            progress(f"exporting {path}")
            temporary = stack.enter_context(atomic_write(path, overwrite=overwrite))
            step = STEPS[name](model).eval()
            with quiet():
                if format == "onnx":
                    _write_onnx(step, _metadata(model, step), temporary, opset)
                else:
                    write_torchscript(step, step.example(2), _metadata(model, step), temporary)
            progress("comparing with the model")
            exported = ExportedStep(temporary)
            if not (_same_codes if name == "encode" else _same_poses)(model, exported):
                raise UserError(f"{path}: not written, as it gives something else than the model; report it")
            examples = step.example(1)
            inputs = dict(zip(step.inputs, map(_described, examples), strict=True))
            outputs = dict(zip(step.outputs, map(_described, step(*examples)), strict=True))
            written.append(ExportedFile(path, temporary.stat().st_size, inputs, outputs))
    return written


def check_export(
    output: str | Path,
    *,
    format: Format = "onnx",
    opset: int = OPSET,
    part: Part | Literal["both"] = "both",
    overwrite: bool = False,
) -> dict[Part, Path]:
    """The files that an export writes, by what they do; refuses them before any work is done.

    Raises:
        UserError: packages are missing, the operator set cannot be written, or the output's name says something else,
            exists or cannot be written.
    """
    output, suffix = Path(output), SUFFIXES[format]
    if format == "onnx":
        check_opset(opset)
        check_packages("pose-tokenizer", *PACKAGES)
    if part != "both":
        if output.suffix != suffix:
            raise UserError(f"{output}: --format {format} is written; name a file that ends in {suffix}")
        check_output(output, overwrite=overwrite)
        return {part: output}
    if output.suffix in SUFFIXES.values():
        raise UserError(f"{output}: two files are written; name a folder, or choose one of them with --part")
    check_output_folder(output)
    files: dict[Part, Path] = {name: output / f"{name}{suffix}" for name in STEPS}
    for file in files.values():
        check_output(file, overwrite=overwrite)
    return files


def _metadata(model: PoseTokenizer, step: EncodeStep | DecodeStep) -> dict[str, str]:
    """What a file says of its model: what tokens are kept with, and what stands at which place of `keypoints`."""
    values = {
        "model": model.name,
        "model_hash": model.hash,
        "num_quantizers": model.config.num_quantizers,
        "codebook_size": model.config.codebook_size,
        "block_frames": model.block_frames,
        "rate": model.config.rate,
        "delay": model.decoder.after,
        "state_size": step.state_size,
        "skeleton": json.dumps(model.config.skeleton),
    }
    return {name: str(value) for name, value in values.items()}


def _write_onnx(step: EncodeStep | DecodeStep, metadata: dict[str, str], path: Path, opset: int) -> None:
    example = step.example(2)  # the exporter takes a batch of one for a constant
    batch = torch.export.Dim("batch")
    axes = tuple({0: batch} if tensor.ndim else {} for tensor in example)
    # Traced here, not by torch.onnx, which would fix an axis it cannot keep open and say nothing.
    traced = torch.export.export(step, example, dynamic_shapes=axes)
    program = to_onnx(
        traced,
        opset=opset,
        dynamic_shapes=axes,  # for their names
        input_names=list(step.inputs),
        output_names=list(step.outputs),
    )
    program.model.metadata_props.update(metadata)
    program.save(str(path))


def _described(tensor: Tensor) -> str:
    shape = ("B", *tensor.shape[1:]) if tensor.ndim else ()
    return f"{str(tensor.dtype).removeprefix('torch.')} {shape}".replace("'", "")


class ExportedStep:
    """A graph from its file, with onnxruntime or torch.

    Attributes:
        metadata: what the file says of its model.
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
                np.asarray(made) for made in session.run(None, dict(zip(names, inputs, strict=True)))
            ]
        else:
            extra = {METADATA: ""}
            with quiet():
                network = torch.jit.load(path, _extra_files=extra)
            self.metadata = json.loads(extra[METADATA])
            self._run = lambda *inputs: [made.numpy() for made in network(*map(torch.from_numpy, inputs))]

    def start(self, B: int) -> np.ndarray:
        """The state (B, S) of sequences that begin."""
        return np.zeros((B, int(self.metadata["state_size"])), np.float32)

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Outputs in their order from inputs in theirs, see the `forward` of `EncodeStep` and `DecodeStep`."""
        return self._run(*inputs)


def encode_blocks(encode: ExportedStep, keypoints: np.ndarray, seen: np.ndarray, rate: float) -> np.ndarray:
    """Whole sequences with a graph that encodes.

    Args:
        keypoints: (B, N, block_frames, K, 2) in shoulder widths; seen: (B, N, block_frames, K) bool.
        rate: see `EncodeStep`.

    Returns:
        Codes (B, N, Q).
    """
    state, codes = encode.start(len(keypoints)), []
    for n in range(keypoints.shape[1]):
        made, state = encode(keypoints[:, n], seen[:, n], np.array(rate, np.float32), state)
        codes.append(made)
    return np.stack(codes, axis=1)


def decode_blocks(decode: ExportedStep, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole sequences with a graph that decodes.

    Args:
        codes: (B, N, Q).

    Returns:
        Keypoints (B, N * block_frames, K, 2) in shoulder widths, and whether they are seen (B, N * block_frames, K).
    """
    B, N, _ = codes.shape
    delay, state, made = int(decode.metadata["delay"]), decode.start(B), []
    for n in range(N + delay):
        keypoints, seen, state = decode(codes[:, min(n, N - 1)], np.full(B, n < N), state)
        made.append((keypoints, seen))
    keypoints, seen = (np.concatenate(x, axis=1) for x in zip(*made[delay:], strict=True))
    return keypoints, seen


def _same_codes(model: PoseTokenizer, exported: ExportedStep) -> bool:
    """Whether poses get the model's own codes: two at once, with keypoints missing, all codes and those that pay."""
    random = torch.Generator().manual_seed(0)
    shape = (2, BLOCKS * model.block_frames, model.skeleton.num_keypoints)
    keypoints = model.features.mean + 0.03 * torch.randn(*shape, DIMS, generator=random).cumsum(dim=1)
    seen = torch.rand(shape, generator=random) > 0.2
    filled = hold_missing(keypoints, seen, model.features.mean.expand(len(keypoints), -1, -1))
    shown = seen.unflatten(1, (BLOCKS, -1))
    latents = model.latents(model.blocks(filled, seen), shown, torch.ones(2, BLOCKS, dtype=torch.bool))
    given = keypoints.unflatten(1, (BLOCKS, -1)).numpy(), shown.numpy()
    for rate in (0.0, model.config.rate):
        wanted, quantized = model.quantizer.quantize(latents, rate=rate, beam=BEAM)
        found = torch.from_numpy(encode_blocks(exported, *given, rate))
        # A grid at the end of its directions holds some vectors several times, whose codes mean the same.
        near = (model.quantizer.dequantize(found) - quantized).abs().max() <= TOLERANCE
        if not (near and torch.equal(used(found), used(wanted))):
            return False
    return True


def _same_poses(model: PoseTokenizer, exported: ExportedStep) -> bool:
    """Whether codes, of all numbers a block, become the model's own poses."""
    random = torch.Generator().manual_seed(0)
    Q, V, _ = model.quantizer.codebooks.shape
    codes = torch.randint(V, (2, BLOCKS, Q), generator=random)
    codes[torch.arange(Q) >= torch.randint(Q + 1, (2, BLOCKS, 1), generator=random)] = NO_CODE
    mask = torch.ones(2, BLOCKS, dtype=torch.bool)
    wanted, logits = model.frames(model.quantizer.dequantize(codes), used(codes), mask)
    found, seen = decode_blocks(exported, codes.numpy())
    sure = (logits.abs() > TOLERANCE).numpy()
    near = np.abs(found - wanted.numpy()).max() <= TOLERANCE
    return bool(near and np.array_equal(seen[sure], (logits > 0).numpy()[sure]))
