"""Writes a model as graphs of one block, ONNX or TorchScript, that stream in any runtime."""

from __future__ import annotations

import copy
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from pose_core import UserError
from pose_core.atomic_files import atomic_write, check_output, check_output_folder
from pose_core.exporting import OPSET, check_opset, check_packages, quiet, to_onnx
from pose_tokenizer.export.checks import same_codes, same_poses
from pose_tokenizer.export.runtime import PACKAGES, SUFFIXES, ExportedStep, Format
from pose_tokenizer.export.steps import STEPS, DecodeStep, EncodeStep, Part
from pose_tokenizer.export.torchscript import write_torchscript

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from pose_tokenizer.model import PoseTokenizer


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
    say: Callable[[str], None] = lambda message: None,
) -> list[ExportedFile]:
    """Writes a model as graphs of one block, once they give what the model gives.

    `EncodeStep` and `DecodeStep` document inputs and outputs. Each file describes its model: ONNX in its metadata,
    TorchScript in `metadata.json`.

    Args:
        model: the tokenizer.
        output: a folder for `encode` and `decode`, created where it is missing; a file for one of them.
        format: "onnx" or "torchscript".
        opset: ONNX operator set; the default is the oldest that can be written, which the most runtimes load.
        part: which of the two graphs.
        overwrite: replace existing files.
        say: takes a line for people.

    Raises:
        UserError: as `check_export`.
        RuntimeError: a graph gives something else than the model.
    """
    files = check_export(output, format=format, opset=opset, part=part, overwrite=overwrite)
    model = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    written = []
    with ExitStack() as stack:  # neither file appears before both are right
        for name, path in files.items():
            say(f"exporting {path}")
            temporary = stack.enter_context(atomic_write(path, overwrite=overwrite))
            step = STEPS[name](model).eval()
            with quiet():
                if format == "onnx":
                    _write_onnx(step, _metadata(model, step), temporary, opset)
                else:
                    write_torchscript(step, step.example(2), _metadata(model, step), temporary)
            say("comparing with the model")
            exported = ExportedStep(temporary)
            if not (same_codes if name == "encode" else same_poses)(model, exported):
                raise RuntimeError(f"{path}: not written, as it gives something else than the model")
            examples = step.example(1)
            inputs = dict(zip(step.inputs, map(_describe, examples), strict=True))
            outputs = dict(zip(step.outputs, map(_describe, step(*examples)), strict=True))
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
    """The files that an export writes, by part; refuses them before any work is done.

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
    """A file's metadata: all that token files say of a model, and the skeleton, which orders `keypoints`."""
    values = {
        "model": model.name,
        "model_hash": model.hash,
        "num_quantizers": model.config.num_quantizers,
        "codebook_size": model.config.codebook_size,
        "block_frames": model.block_frames,
        "rate": model.config.lmbda,
        "delay": model.decoder_after,
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


def _describe(tensor: Tensor) -> str:
    shape = ("B", *tensor.shape[1:]) if tensor.ndim else ()
    return f"{str(tensor.dtype).removeprefix('torch.')} {shape}".replace("'", "")
