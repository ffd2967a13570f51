"""pose-core: what pose models need around them: formats, skeletons, transforms, pictures, metrics, data, training.

What it exports is imported when it is first used: every command line imports `pose_core`, and answers `--help` without
numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pose_core.errors import UserError
    from pose_core.formats import read, write
    from pose_core.sequence import PoseSequence, concatenate
    from pose_core.skeleton import Skeleton

__all__ = ["PoseSequence", "Skeleton", "UserError", "concatenate", "read", "write"]

_HOMES = {
    "PoseSequence": "pose_core.sequence",
    "Skeleton": "pose_core.skeleton",
    "UserError": "pose_core.errors",
    "concatenate": "pose_core.sequence",
    "read": "pose_core.formats",
    "write": "pose_core.formats",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
