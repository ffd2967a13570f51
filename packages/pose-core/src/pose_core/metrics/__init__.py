"""How close one pose sequence is to another."""

from pose_core.metrics.dtw import dtw, dtw_mje, frame_distances
from pose_core.metrics.motion import acceleration

__all__ = ["acceleration", "dtw", "dtw_mje", "frame_distances"]
