"""pose-encoders: pose sequences to vectors, a vector a frame."""

from pose_encoders.attention import TransformerStack
from pose_encoders.transformer import AdditionalSequence, TransformerEncoder, TransformerEncoderConfig

__all__ = ["AdditionalSequence", "TransformerEncoder", "TransformerEncoderConfig", "TransformerStack"]
