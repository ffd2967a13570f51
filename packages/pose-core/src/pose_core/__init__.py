"""pose-core: formats, skeletons, transforms, rendering, metrics, data sets and training for sign language poses.

Names are imported on first use, so that `--help` of every command line answers without numpy.
"""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from pose_core.errors import UserError
    from pose_core.formats import read, write
    from pose_core.sequence import PoseSequence, concatenate
    from pose_core.skeleton import Skeleton

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "errors": ("UserError",),
        "formats": ("read", "write"),
        "sequence": ("PoseSequence", "concatenate"),
        "skeleton": ("Skeleton",),
    },
)
