"""Columns that landmark CSVs of HT-VAE have beside the coordinates, recomputed from these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pose_core.sequence import PoseSequence

COLUMNS = ("L2_distance_from_midhip", "jd_x", "jd_y", "jo_x", "jo_y", "angle")


def derived_columns(sequence: PoseSequence) -> np.ndarray | None:
    """(T, K, 6) of a sequence (T, K, 2), in the order of `COLUMNS`; None without both hips and in 3-D.

    - `L2_distance_from_midhip`: distance from the mid-hip of the frame;
    - `jd_x`, `jd_y`: difference from the frame before, 0 in the first;
    - `jo_x`, `jo_y`: offset from the elbow of the landmark's side, 0 of landmarks of neither side;
    - `angle`: of the line from the mid-hip to the landmark, in degrees from the x axis, 0 to 360, y up.

    NaN where the landmark, or what it is measured from, is missing, and of other components than MediaPipe's body.
    """
    names = [point if component == "POSE_LANDMARKS" else "" for component, point in sequence.skeleton.keypoints]
    if sequence.skeleton.num_dims != 2 or not {"LEFT_HIP", "RIGHT_HIP"} <= set(names):
        return None
    body = np.array([name != "" for name in names])
    points = sequence.keypoints.astype(np.float64) * [1, -1]
    points[~(sequence.visible & body)] = np.nan
    from_hip = points - points[:, [names.index("LEFT_HIP"), names.index("RIGHT_HIP")]].mean(axis=1, keepdims=True)
    elbows = [names.index(elbow) if (elbow := _elbow(name)) in names else own for own, name in enumerate(names)]
    return np.concatenate(
        [
            np.linalg.norm(from_hip, axis=-1, keepdims=True),
            np.diff(points, axis=0, prepend=points[:1]),
            points - points[:, elbows],
            np.degrees(np.arctan2(from_hip[..., 1:], from_hip[..., :1])) % 360,
        ],
        axis=-1,
    )


def _elbow(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{side}_ELBOW" if rest and side in ("LEFT", "RIGHT") else ""
