"""A figure as a pose estimator would see it: keypoints in pixels with confidences, on any layout.

What is where in MediaPipe's output, and how sure it is, is measured on real clips (`formats/`, `signs/` of the
development data, see `benchmarks/signer_view.py`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, get_args

import numpy as np

from pose_core.sequence import PoseSequence
from pose_core.skeleton import Side, named_skeleton
from pose_core.transforms import to_layout
from text_to_pose.signing.view import Camera

if TYPE_CHECKING:
    from pose_core.skeleton import Skeleton
    from text_to_pose.signing.anatomy.figure import Figure
    from text_to_pose.signing.vectors import Array

LAYOUT = "holistic_50"
"""Layout of the bundled model: 8 points of the body and 21 of each hand."""
BODY_DEPTH = 3.5
"""How much deeper MediaPipe's body is than it is wide: it has the nose 1.8 shoulder widths before the shoulders and
signing wrists 3.1, where they are 0.44 and some 1. Hands and faces are as deep as they are."""
_FADE = 0.4  # shoulder widths outside the picture at which a body point's visibility is a half
_BODY = slice(0, 33)
_SHOULDERS, _HIPS = [11, 12], [23, 24]


def seen(figure: Figure, camera: Camera | None = None, layout: str = LAYOUT, *, mirrored: bool = False) -> PoseSequence:
    """The keypoints of a figure in a camera's picture.

    x and y are pixels, y down. z is MediaPipe's, in picture widths, smaller nearer the camera: of the body from the
    middle of the hips, of a hand from its wrist, of the face from its middle. A hand is missing (confidence 0) where
    more than half of it is outside the picture, as one that hangs below it; points of the body are found there, too,
    but with less confidence the farther outside.

    Args:
        figure: T frames.
        camera: straight before the signer by default.
        layout: see `pose_core.skeleton.named_skeleton`; what MediaPipe's 543 points lack there is missing.
        mirrored: the signer is the mirror image, left-handed.
    """
    camera = camera or Camera()
    parts = [figure.joints, figure.hands[:, 0], figure.hands[:, 1]]
    name = "holistic_75"
    if _skeleton(layout).face():
        parts.insert(1, figure.face)
        name = "holistic_543"
    skeleton, points = _skeleton(name), np.concatenate(parts, axis=1)
    if mirrored:
        points = points[:, skeleton.mirror()] * np.array([-1.0, 1.0, 1.0])
    keypoints = camera.project(points)
    face, hands = skeleton.face(), [skeleton.hand(side) for side in get_args(Side)]
    confidence = _confidence(keypoints, camera, [face, *hands] if face else hands)
    keypoints[..., 2] = _depth(keypoints[..., 2], face, hands) * camera.scale / camera.size[0]
    keypoints[confidence == 0] = 0
    sequence = PoseSequence(
        keypoints.astype(np.float32), confidence.astype(np.float32), figure.fps, skeleton, (*camera.size, 0)
    )
    return to_layout(sequence, layout)


@cache
def _skeleton(layout: str) -> Skeleton:
    return named_skeleton(layout, 3)


def _depth(depth: Array, face: list[int], hands: list[list[int]]) -> Array:
    """(T, K) metres of each point from the origin of its part, of the distance from the camera (T, K)."""
    z = np.empty_like(depth)
    z[:, _BODY] = BODY_DEPTH * (depth[:, _BODY] - depth[:, _HIPS].mean(axis=1, keepdims=True))
    if face:
        z[:, face] = depth[:, face] - depth[:, face].mean(axis=1, keepdims=True)
    for hand in hands:
        z[:, hand] = depth[:, hand] - depth[:, hand[:1]]
    return z


def _confidence(pixels: Array, camera: Camera, found: list[list[int]]) -> Array:
    """(T, K) confidence of points (T, K, 3): visibility of the body; 1 or 0 of parts that are found as a whole."""
    x, y = pixels[..., 0], pixels[..., 1]
    width, height = camera.size
    outside = np.maximum(np.maximum(-x, x - width), np.maximum(-y, y - height))
    left, right = (pixels[:, i, :2] for i in _SHOULDERS)
    unit = max(float(np.median(np.linalg.norm(left - right, axis=-1))), 0.1 * camera.scale)  # seen from the side: 0
    confidence = np.empty(outside.shape)
    confidence[:, _BODY] = 1 / (1 + (np.maximum(outside[:, _BODY], 0) / (_FADE * unit)) ** 4)
    for part in found:
        confidence[:, part] = (outside[:, part] <= 0).mean(axis=1, keepdims=True) >= 0.5
    return confidence
