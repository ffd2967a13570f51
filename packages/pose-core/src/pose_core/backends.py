"""What runs a model: onnxruntime where the model's folder has graphs, else torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Backend = Literal["auto", "torch", "onnx"]


def load_by(backend: Backend, device: str, *, onnx: Callable[[], T], torch: Callable[[], T]) -> T:
    """A model, run by what was asked for, or for `auto` by onnxruntime where that can be.

    Args:
        backend: what runs it.
        device: one that is named is torch's, but for "cpu".
        onnx: loads the model's graphs, or raises a `UserError`.
        torch: loads the model; imports torch no sooner.

    Raises:
        UserError: onnx was asked for, and cannot be.
    """
    if backend != "torch":
        try:
            if device not in ("auto", "cpu"):
                raise UserError(f"its graphs run on the CPU, and --device {device} is torch's")
            return onnx()
        except UserError as error:
            if backend == "onnx":
                raise UserError(f"--backend onnx: {error}") from error
    return torch()
