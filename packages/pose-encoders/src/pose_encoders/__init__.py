"""pose-encoders: pose sequences to vectors, a vector a frame: transformer, graph, visual."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_encoders.attention import TransformerStack
    from pose_encoders.base import AdditionalSequence, PoseEncoder
    from pose_encoders.checkpoint import load_model
    from pose_encoders.config import GraphEncoderConfig, ModelConfig, TransformerEncoderConfig, VisualEncoderConfig
    from pose_encoders.encoding import encode
    from pose_encoders.export import export_onnx
    from pose_encoders.graph import GraphEncoder
    from pose_encoders.model import PoseEncoderModel, build_encoder
    from pose_encoders.transformer import TransformerEncoder
    from pose_encoders.visual import VisualEncoder

__all__ = [
    "AdditionalSequence",
    "GraphEncoder",
    "GraphEncoderConfig",
    "ModelConfig",
    "PoseEncoder",
    "PoseEncoderModel",
    "TransformerEncoder",
    "TransformerEncoderConfig",
    "TransformerStack",
    "VisualEncoder",
    "VisualEncoderConfig",
    "build_encoder",
    "encode",
    "export_onnx",
    "load_model",
]

_HOMES = {
    "AdditionalSequence": "base",
    "GraphEncoder": "graph",
    "GraphEncoderConfig": "config",
    "ModelConfig": "config",
    "PoseEncoder": "base",
    "PoseEncoderModel": "model",
    "TransformerEncoder": "transformer",
    "TransformerEncoderConfig": "config",
    "TransformerStack": "attention",
    "VisualEncoder": "visual",
    "VisualEncoderConfig": "config",
    "build_encoder": "model",
    "encode": "encoding",
    "export_onnx": "export",
    "load_model": "checkpoint",
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: `--help` need not wait for torch, nor a transformer for PyG."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
