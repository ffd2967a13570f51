"""pose-core: what pose models need around them: formats, skeletons, transforms, pictures, metrics, data, training.

What it exports is imported when it is first used: every command line imports `pose_core`, and answers `--help` without
numpy.
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
