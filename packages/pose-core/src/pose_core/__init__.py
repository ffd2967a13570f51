"""pose-core: what pose models need around them: formats, skeletons, transforms, pictures, metrics, data, training."""

from pose_core.errors import UserError
from pose_core.formats import read, write
from pose_core.sequence import PoseSequence, concatenate
from pose_core.skeleton import Skeleton

__all__ = ["PoseSequence", "Skeleton", "UserError", "concatenate", "read", "write"]
