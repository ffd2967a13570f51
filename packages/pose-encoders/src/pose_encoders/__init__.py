"""pose-encoders: pose sequences to vectors, a vector a frame."""

from pose_encoders.attention import TransformerStack
from pose_encoders.base import AdditionalSequence, PoseEncoder, PoseEncoderConfig, check_skeleton
from pose_encoders.transformer import TransformerEncoder, TransformerEncoderConfig

__all__ = [
    "AdditionalSequence",
    "PoseEncoder",
    "PoseEncoderConfig",
    "TransformerEncoder",
    "TransformerEncoderConfig",
    "TransformerStack",
    "check_skeleton",
]
