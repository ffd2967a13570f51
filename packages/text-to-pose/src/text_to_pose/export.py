"""ONNX export: text encoder and denoiser for any batch, frames and length of text; see `onnx_model`."""

from __future__ import annotations

import copy
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pose_core import UserError
from pose_core.atomic_files import atomic_folder, check_replaceable
from pose_core.exporting import OPSET, check_opset, check_packages, quiet, to_onnx
from pose_core.pretrained import find_model
from pose_core.shared_weights import share_weights
from pose_encoders import AdditionalSequence
from text_to_pose import onnx_model
from text_to_pose.config import BUNDLED
from text_to_pose.model import load_model
from text_to_pose.nn.denoiser import Condition
from text_to_pose.onnx_model import (
    CONDITION,
    CONFIG,
    CONSTANTS,
    DENOISER,
    DENOISER_INPUTS,
    FILES,
    FORMAT,
    GRAPHS,
    START_FRAMES,
    TEXT,
)
from text_to_pose.sampling import Sampling
from text_to_pose.signing.key_postures import SIZE
from text_to_pose.text.tokenizer import NONE, NOTHING, PAD, TextBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.model import TextToPose

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
TOLERANCE = 1e-3  # largest absolute difference between onnxruntime's results and torch's


@dataclass(frozen=True)
class Exported:
    """The files of an export.

    Attributes:
        output: the folder.
        files: the size of each file in it, in bytes.
        difference: the largest absolute one between onnxruntime's results and torch's, on a small batch.
    """

    output: Path
    files: dict[str, int]
    difference: float


class _Text(nn.Module):
    def __init__(self, model: TextToPose) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        ids: Tensor,
        languages: Tensor,
        letters: Tensor,
        start_keypoints: Tensor,
        start_confidence: Tensor,
        postures: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        text = TextBatch(ids, languages, letters, postures)
        condition, _ = self.model.encode(text, start_keypoints, start_confidence)
        return (*_tensors(condition), *self.model.length_predictor(condition))


class _Denoiser(nn.Module):
    def __init__(self, model: TextToPose) -> None:
        super().__init__()
        self.denoiser = model.denoiser

    def forward(
        self,
        current: Tensor,
        mask: Tensor,
        text: Tensor,
        text_mask: Tensor,
        summary: Tensor,
        start: Tensor,
        start_visible: Tensor,
        level: Tensor,
        noisy: Tensor,
    ) -> tuple[Tensor, Tensor]:
        condition = Condition(AdditionalSequence(text, text_mask), summary, start, start_visible)
        prediction = self.denoiser(current, mask, condition, level, noisy)
        return prediction.features, prediction.presence


def export_checkpoint(
    checkpoint: str,
    folder: Path,
    *,
    opset: int = OPSET,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> Exported:
    """Loads a model and exports it, see `export_onnx`; all that can be checked before the model is loaded is."""
    check_opset(opset)
    check_packages("text-to-pose", *PACKAGES)
    check_export_folder(folder, overwrite=overwrite)
    return export_onnx(load_model(checkpoint, "cpu"), folder, opset=opset, overwrite=overwrite, say=say)


def export_onnx(
    model: TextToPose,
    folder: str | Path,
    *,
    opset: int = OPSET,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> Exported:
    """Exports a model to a folder for `OnnxTextToPose`, once its results are found to be torch's.

    `text.onnx` takes `ids` (B, L), `languages` (B,), `letters` (B,), `start_keypoints` (B, K, D), `start_confidence`
    (B, K) and, of a model that is told them, `postures` (B, L, X), see `signing.key_postures`, and gives the fields of
    `onnx_model.Condition`; `denoiser.onnx` takes `current` (B, T, K, D), `mask` (B, T), the first five of those fields,
    `level` (B,) and `noisy` (B,), and gives `features` (B, T, K, D) and `presence` (B, T, K), for a T that is a
    multiple of the model's `frames_per_token`. `config.json` holds the model's config and the sampler's constants,
    `start_frames.npz` the model's start frames.

    Args:
        model: the network.
        folder: is created, or replaced if `overwrite` is set.
        opset: ONNX operator set; the default is the oldest that can be written, which the most runtimes load.
        overwrite: replace an existing export.
        say: takes a line for people.

    Raises:
        UserError: the packages are missing, the operator set cannot be written, the encoder is visual, or the folder
            cannot be written.
        RuntimeError: the results differ from torch's.
    """
    check_opset(opset)
    check_packages("text-to-pose", *PACKAGES)
    model = _exportable(model)
    check_export_folder(folder, overwrite=overwrite)
    with atomic_folder(folder) as temporary, torch.no_grad():
        _write_graphs(model, temporary, opset, say)
        np.savez_compressed(
            temporary / START_FRAMES, keypoints=model.start_keypoints.numpy(), confidence=model.start_confidence.numpy()
        )
        (temporary / CONFIG).write_text(json.dumps(_config(model), indent=2, ensure_ascii=False), encoding="utf-8")
        difference = _checked_difference(model, temporary, folder, say)
    return Exported(Path(folder), _sizes(Path(folder), FILES), difference)


def export_in_place(
    checkpoint: str, *, opset: int = OPSET, say: Callable[[str], None] = lambda message: None
) -> Exported:
    """Writes graphs into a model's folder, without weights: they read those of `model.safetensors`.

    They replace others. For `OnnxTextToPose` and `--backend onnx`.

    Raises:
        UserError, RuntimeError: as `export_onnx`; then the folder has no graphs.
    """
    check_opset(opset)
    check_packages("text-to-pose", *PACKAGES)
    folder = find_model(checkpoint, BUNDLED)
    model = _exportable(load_model(folder, "cpu"))
    with tempfile.TemporaryDirectory(prefix="pose-") as name, torch.no_grad():
        _write_graphs(model, Path(name), opset, say)
        try:
            for graph in GRAPHS:
                share_weights(Path(name) / graph, folder)
            difference = _checked_difference(model, folder, folder, say)
        except BaseException:
            for graph in GRAPHS:
                (folder / graph).unlink(missing_ok=True)
            raise
    return Exported(folder, _sizes(folder, GRAPHS), difference)


def _exportable(model: TextToPose) -> TextToPose:
    """A copy to export.

    Raises:
        UserError: its encoder is visual.
    """
    if model.config.network.encoder.kind == "visual":
        raise UserError("a model with a visual encoder draws what it sees, which ONNX cannot; export one with another")
    return copy.deepcopy(model).cpu().float().eval()


def _write_graphs(model: TextToPose, folder: Path, opset: int, say: Callable[[str], None]) -> None:
    example = _example(model, B=2, L=3, T=3 * model.denoiser.group)
    for name, export in ((TEXT, _export_text), (DENOISER, _export_denoiser)):
        say(f"exporting {name}")
        with quiet():
            export(model, example, folder / name, opset)


def _checked_difference(model: TextToPose, exported: Path, folder: str | Path, say: Callable[[str], None]) -> float:
    say("comparing with torch")
    difference = _difference(model, exported)
    if not difference <= TOLERANCE:
        raise RuntimeError(f"{folder}: not written, as its results differ from torch's by {difference:.2g}")
    return difference


def _sizes(folder: Path, names: tuple[str, ...]) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in names}


def check_export_folder(folder: str | Path, *, overwrite: bool = False) -> None:
    """Refuses an export's folder before any work is done for it.

    Raises:
        UserError: it holds something and `overwrite` is not set, it holds what is not of an export, it is a file, or
            its parent cannot be created or written.
    """
    check_replaceable(folder, FILES, "export", overwrite=overwrite)


@dataclass(frozen=True)
class _Example:
    """Inputs of both networks.

    Attributes:
        text: those of `text.onnx`, in order.
        current: (B, T, K, D).
        mask: (B, T), different for each sequence.
    """

    text: tuple[Tensor, ...]
    current: Tensor
    mask: Tensor


def _example(model: TextToPose, B: int, L: int, T: int) -> _Example:
    """Random texts, each one token shorter than the one before, and start frames with missing keypoints."""
    K, D = model.skeleton.num_keypoints, model.skeleton.num_dims
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(NOTHING, len(model.tokenizer), (B, L), generator=random)
    rows = torch.arange(B)
    ids[torch.arange(L) >= (L - rows).clamp(min=1)[:, None]] = PAD
    languages = rows % len(model.languages)
    letters = rows % (len(model.tokenizer.letters) + 1) + NONE
    # As large as people are, in whichever units z is: else rounding would be all that differs.
    keypoints = model.features.inverse(torch.randn(B, K, D, generator=random))
    confidence = (torch.rand(B, K, generator=random) > 0.2).float()
    current = torch.randn(B, T, K, D, generator=random)
    told = [torch.randn(B, L, SIZE, generator=random)] if model.config.network.key_postures else []
    text = (ids, languages, letters, keypoints, confidence, *told)
    return _Example(text, current, torch.arange(T) < T - rows[:, None])


def _export_text(model: TextToPose, example: _Example, path: Path, opset: int) -> None:
    batch, tokens = torch.export.Dim("batch"), torch.export.Dim("tokens")
    axes: list[dict[int, Any]] = [{0: batch, 1: tokens}, *[{0: batch}] * 4]
    names = ["ids", "languages", "letters", "start_keypoints", "start_confidence"]
    if len(example.text) > len(names):
        axes.append({0: batch, 1: tokens})
        names.append("postures")
    _export(_Text(model), example.text, tuple(axes), names, list(CONDITION), path, opset)


def _export_denoiser(model: TextToPose, example: _Example, path: Path, opset: int) -> None:
    batch, tokens, groups = (torch.export.Dim(name) for name in ("batch", "tokens", "groups"))
    current, mask = example.current, example.mask
    condition = _Text(model)(*example.text)[: len(DENOISER_INPUTS)]
    level = torch.linspace(0, 1, len(mask))
    frames, words, rows = {0: batch, 1: model.denoiser.group * groups}, {0: batch, 1: tokens}, {0: batch}
    axes = (frames, frames, words, words, rows, rows, rows, rows, rows)
    names = ["current", "mask", *DENOISER_INPUTS, "level", "noisy"]
    inputs = (current, mask, *condition, level, torch.zeros(len(mask)))
    _export(_Denoiser(model), inputs, axes, names, ["features", "presence"], path, opset)


def _export(
    network: nn.Module,
    inputs: tuple[Tensor, ...],
    axes: tuple[dict[int, Any], ...],
    input_names: list[str],
    output_names: list[str],
    path: Path,
    opset: int,
) -> None:
    # Traced here, not by torch.onnx, which silently fixes an axis that it cannot keep dynamic. In strict mode, because
    # the other one makes the `len` of a tensor a constant.
    traced = torch.export.export(network.eval(), inputs, dynamic_shapes=axes, strict=True)
    program = to_onnx(
        traced,
        opset=opset,
        dynamic_shapes=axes,  # for their names
        input_names=input_names,
        output_names=output_names,
        custom_translation_table={torch.ops.aten.where.self: _where()},
    )
    program.save(str(path))


def _where() -> Callable[..., Any]:
    """`where` in ONNX, also between booleans, for which onnxruntime has no kernel."""
    from onnxscript import ir
    from onnxscript import opset18 as op

    def where(condition: Any, x: Any, y: Any) -> Any:
        if x.dtype == ir.DataType.BOOL:
            return op.Or(op.And(condition, x), op.And(op.Not(condition), y))
        return op.Where(condition, x, y)

    return where


def _config(model: TextToPose) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": model.config.model_dump(mode="json", by_alias=True),
        "languages": model.languages,
        "hand_roots": model.features.root.tolist(),
        "hand_scales": model.features.scales.tolist(),
        "constants": CONSTANTS,
    }


def _difference(model: TextToPose, folder: Path) -> float:
    """Largest absolute difference between results of ONNX and of torch, on a batch of another shape than was traced."""
    example = _example(model, B=3, L=4, T=2 * model.denoiser.group + 1)
    ids, languages, letters, keypoints, confidence, *told = example.text
    condition, _ = model.encode(TextBatch(ids, languages, letters, *told), keypoints, confidence)
    expected = [*_tensors(condition), *model.length_predictor(condition)]
    exported = onnx_model.OnnxTextToPose(folder)
    exported_condition = exported.encode(*(tensor.numpy() for tensor in example.text))
    actual = [getattr(exported_condition, name) for name in CONDITION]
    sampling = Sampling(num_steps=2, guidance=2.0)
    for ours, theirs in zip(
        exported.refine(exported_condition, example.mask.numpy(), 2, guidance=2.0),
        sampling.steps(model, condition, example.mask),
        strict=True,
    ):
        expected += [theirs.features[example.mask], theirs.presence[example.mask]]
        actual += [ours.features[example.mask.numpy()], ours.presence[example.mask.numpy()]]
    differences = [
        np.abs(ours.astype(np.float64) - theirs.numpy().astype(np.float64)).max()
        for ours, theirs in zip(actual, expected, strict=True)
    ]
    return float(np.max(differences))  # NaN, if there is one


def _tensors(condition: Condition) -> tuple[Tensor, ...]:
    text = condition.text
    return text.values, text.mask, condition.summary, condition.start, condition.start_visible
