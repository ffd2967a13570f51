"""pose-encoders: pose sequences to vectors, one per frame, by a transformer, a graph or pictures.

To read it: `config`, `base`, an encoder (`transformer`, `graph`, `visual`), `model`, `losses`, `lightning_module`,
`training`, `encoding`, `commands`, `cli`.
"""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from pose_encoders.base import AdditionalSequence, PoseEncoder
    from pose_encoders.encoding import encode
    from pose_encoders.graph import GraphEncoder
    from pose_encoders.model import PoseEncoderModel, load_model
    from pose_encoders.transformer import TransformerEncoder
    from pose_encoders.visual import VisualEncoder

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "base": ("AdditionalSequence", "PoseEncoder"),
        "encoding": ("encode",),
        "graph": ("GraphEncoder",),
        "model": ("PoseEncoderModel", "load_model"),
        "transformer": ("TransformerEncoder",),
        "visual": ("VisualEncoder",),
    },
)
