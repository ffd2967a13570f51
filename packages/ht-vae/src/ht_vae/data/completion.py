"""Completion of keypoints that a file's layout lacks, so that a model sees poses like those it was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from pose_core.skeleton import Side

if TYPE_CHECKING:
    from pose_core import PoseSequence

MIN_POINTS = 6  # visible ones that place a mean face; fewer are no face


def complete(sequence: PoseSequence, mean: np.ndarray) -> PoseSequence:
    """Fills in keypoints of body and face that are visible in no frame.

    Files of other layouts lack them: of MediaPipe's 128 contour points OpenPose has 59, and hips are often out of the
    picture. The encoder gets a keypoint that is never visible as (0, 0), between the shoulders, and a pose with such
    points is unlike any that it was trained on: the face would shrink towards them. Hands and arms are left alone; the
    model completes these itself.

    Args:
        sequence: (T, K, D) in shoulder widths.
        mean: (K, D), the model's mean pose in shoulder widths. The face's is placed on the visible points of each frame
            by the affine transform with the least squared error; where there are none, and of the body, it stays.

    Returns:
        (T, K, D), filled in where shoulders are visible, or the rest of the face is.
    """
    skeleton, visible = sequence.skeleton, sequence.visible
    never: np.ndarray = np.all(~visible, axis=0)  # (K,)
    face = np.array(skeleton.face(), int)
    seen = visible[:, list(skeleton.shoulders())].any(axis=1)  # (T,)
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()

    arms = {joint(side) for joint in (skeleton.elbow, skeleton.wrist) for side in get_args(Side)}
    body = np.array([i for i in skeleton.part("body") if i not in arms], int)
    absent = body[never[body]]
    keypoints[np.ix_(seen, absent)] = mean[absent]
    confidence[np.ix_(seen, absent)] = 1

    absent = face[never[face]]
    if 0 < len(absent) < len(face):
        seen = visible[:, face].sum(axis=1) >= MIN_POINTS
        filled = _placed(keypoints[:, face], visible[:, face], mean[face], mean[absent])
    else:
        filled = np.broadcast_to(mean[absent], (len(sequence), len(absent), mean.shape[1]))
    keypoints[np.ix_(seen, absent)] = filled[seen]
    confidence[np.ix_(seen, absent)] = 1
    return replace(sequence, keypoints=keypoints, confidence=confidence)


def _placed(points: np.ndarray, visible: np.ndarray, mean: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Points `wanted` (M, D) of a mean shape (K, D) that is placed on its visible points (T, K, D); (T, M, D)."""
    shape, wanted = (np.pad(each, ((0, 0), (0, 1)), constant_values=1.0) for each in (mean, wanted))
    weights = visible.astype(np.float64)
    gram = np.einsum("tk,ki,kj->tij", weights, shape, shape) + 1e-6 * np.eye(shape.shape[1])
    moments = np.einsum("tk,ki,tkd->tid", weights, shape, np.where(visible[..., None], points, 0))
    return wanted @ np.linalg.solve(gram, moments)
