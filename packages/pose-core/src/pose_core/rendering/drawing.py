"""Drawing of poses: limbs and joints in the skeleton's colors on white."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.rendering.head import COMPONENT as HEAD
from pose_core.rendering.head import with_head
from pose_core.rendering.view import View, visible_keypoints
from pose_core.skeleton.correspondence import landmarks
from pose_core.skeleton.faces import MESH_CHAINS, NOSE_CHAINS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pose_core.sequence import PoseSequence
    from pose_core.skeleton import Skeleton

HEIGHT = 480  # pixels; a hand is then about 80 high, enough to read a letter from it
SHIFT = 4  # bits of a pixel's fraction that OpenCV draws with
BRIGHTEST = 150  # 0 to 255; a color brighter than that is hard to see on white
DENSE = 2  # limbs a point; a mesh rather than a contour
MESH_TINT = 0.6  # how far towards white the lines of a mesh are
HAND_LINE = 28  # the size of a hand by the thickness of its lines
DETAIL = 0.25  # of the longest limb's length; shorter ones (eyes to nose, wrist to thumb) are drawn thin


@dataclass(frozen=True)
class Layer:
    """Keypoints drawn together, in one style; later layers lie on earlier ones.

    Attributes:
        points: positions of the keypoints that get a dot.
        limbs: (E, 2) positions of the two ends of each line, in the color of its second end.
        colors: (K, 3) uint8 RGB of every keypoint of the skeleton.
        line, dot: thickness and radius in pixels.
        halo: pixels of white around lines, so that they stand out from what lies below.
    """

    points: np.ndarray
    limbs: np.ndarray
    colors: np.ndarray
    line: int
    dot: float
    halo: int = 0


@dataclass(frozen=True)
class Drawing:
    """Pixel coordinates and layers of a whole clip; missing keypoints, and lines with a missing end, are left out.

    Attributes:
        coordinates: (T, K, 2) float64 pixels in the picture, 0 where not visible; at most one picture size outside.
        visible: (T, K) True where a keypoint is drawn.
        layers: from the lowest to the highest.
    """

    coordinates: np.ndarray
    visible: np.ndarray
    layers: list[Layer]

    @classmethod
    def of(cls, sequence: PoseSequence, view: View) -> Drawing:
        """The drawing of a sequence in a view."""
        visible = visible_keypoints(sequence)
        keypoints = np.where(visible[..., None], sequence.keypoints[..., :2], view.origin)
        coordinates = view.pixels(keypoints.astype(np.float64))
        # A line to a point far outside would be a streak across the picture, and overflow OpenCV's coordinates.
        size = np.array([view.width, view.height])
        visible &= ((coordinates > -size) & (coordinates < 2 * size)).all(axis=-1)
        coordinates[~visible] = 0.0
        return cls(coordinates, visible, _layers(sequence, coordinates, visible, view))


def draw(sequence: PoseSequence, height: int = HEIGHT, *, frames: Iterable[int] | None = None) -> np.ndarray:
    """Draws the frames of a sequence, all in the same view.

    Args:
        sequence: T frames, in pixels or in shoulder widths.
        height: of the pictures in pixels; the width follows from the pose.
        frames: which frames to draw, by default all; the view is that of the whole sequence either way.

    Returns:
        (T, H, W, 3) uint8 RGB on white. Missing keypoints, and lines with a missing end, are not drawn; a head is
        drawn where no face is visible (`with_head`).
    """
    sequence = with_head(sequence)
    view = View.fit(sequence, height)
    pictures = list(draw_frames(sequence, view, frames))
    return np.stack(pictures) if pictures else np.zeros((0, view.height, view.width, 3), np.uint8)


def draw_frames(sequence: PoseSequence, view: View, frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """The pictures (H, W, 3) of `draw`, one at a time: a long clip's do not fit into memory together."""
    drawing = Drawing.of(sequence, view)
    for t in range(len(sequence)) if frames is None else frames:
        yield paint(drawing.coordinates[t], drawing.visible[t], drawing.layers, view.width, view.height)


def check_frames(sequence: PoseSequence, path: str | Path) -> None:
    """Refuses to draw a sequence without frames.

    Raises:
        UserError: there are none; `path` is the picture's, for the message.
    """
    if not len(sequence):
        raise UserError(f"{path}: the pose has no frames; there is nothing to draw")


def anything_visible(sequence: PoseSequence) -> bool:
    """Whether any drawn keypoint is visible in any frame."""
    visible = visible_keypoints(sequence)
    visible[:, sequence.skeleton.duplicates()] = False
    return bool(visible.any())


def check_drawable(sequence: PoseSequence, path: str | Path) -> None:
    """Refuses to draw a picture that would be empty.

    Raises:
        UserError: no frames, or nobody in any of them; `path` is the picture's, for the message.
    """
    check_frames(sequence, path)
    if not anything_visible(sequence):
        raise UserError(
            f"{path}: all keypoints are missing in all {len(sequence)} frames; there is nothing to draw: see what the "
            "pose file holds with pose-core info"
        )


def drawn_colors(skeleton: Skeleton) -> np.ndarray:
    """(N, 3) uint8 RGB: the colors that pictures of this skeleton are drawn in, besides white."""
    colors, face = _colors(skeleton), skeleton.face()
    tinted = _face_colors(skeleton, colors)[face]
    rest = np.delete(colors, [*face, *skeleton.duplicates()], axis=0)
    return np.unique(np.concatenate([rest, tinted]), axis=0)


def paint(coordinates: np.ndarray, visible: np.ndarray, layers: list[Layer], width: int, height: int) -> np.ndarray:
    """One frame (height, width, 3): `coordinates` (K, 2) in pixels, `visible` (K,)."""
    import cv2

    # OpenCV's coordinates count from the middle of the first pixel.
    fixed = np.round((coordinates - 0.5) * (1 << SHIFT)).astype(np.int32)
    picture = np.full((height, width, 3), 255, np.uint8)
    for layer in layers:
        limbs = layer.limbs[visible[layer.limbs].all(axis=1)]
        if layer.halo and len(limbs):
            thickness = layer.line + 2 * layer.halo
            cv2.polylines(picture, fixed[limbs], False, (255, 255, 255), thickness, cv2.LINE_AA, SHIFT)
        ends = layer.colors[limbs[:, 1]]  # (E, 3)
        for color in np.unique(ends, axis=0):
            lines = fixed[limbs[(ends == color).all(axis=1)]]
            cv2.polylines(picture, lines, False, color.tolist(), layer.line, cv2.LINE_AA, SHIFT)
        radius = round(layer.dot * (1 << SHIFT))
        for point in layer.points[visible[layer.points]]:
            color = layer.colors[point].tolist()
            cv2.circle(picture, fixed[point].tolist(), radius, color, cv2.FILLED, cv2.LINE_AA, SHIFT)
    return picture


def _layers(sequence: PoseSequence, coordinates: np.ndarray, visible: np.ndarray, view: View) -> list[Layer]:
    """A drawn head, then body, face, hands: a hand in front of the face carries the meaning, so it is drawn last."""
    skeleton = sequence.skeleton
    unit = view.height / HEIGHT
    colors = _colors(skeleton)
    face = np.array(skeleton.face(), int)
    hands = [np.array(hand) for side in ("left", "right") if (hand := skeleton.hand(side))]
    head = np.array([i for i, (component, _) in enumerate(skeleton.keypoints) if component == HEAD], int)
    apart = np.concatenate([face, head, skeleton.duplicates(), *hands])
    wrists = [
        wrist for side in ("left", "right") if (wrist := skeleton.wrist(side)) is not None
    ]  # some are hands', too
    others = np.union1d(np.setdiff1d(np.arange(skeleton.num_keypoints), apart), wrists).astype(int)

    body = np.concatenate([_limbs_of(skeleton, others), _across(skeleton, visible)])
    lengths = _lengths(coordinates, visible, body)
    short = lengths < DETAIL * lengths.max(initial=0.0)
    ends = np.unique(body[~short])
    line, thin = max(1, round(4 * unit)), max(1, round(2 * unit))
    layers = [
        Layer(head, _limbs_of(skeleton, head), colors, line, dot=line / 2),
        Layer(np.setdiff1d(others, ends), body[short], colors, thin, dot=thin),
        Layer(ends, body[~short], colors, line, dot=1.1 * line),
    ]
    face_limbs = _limbs_of(skeleton, face)
    dots = np.setdiff1d(face, face_limbs)  # a face without lines is drawn as points
    if not len(face_limbs):
        face_limbs = _contour_lines(skeleton, visible)
        dots = np.setdiff1d(dots, [*skeleton.face_details(), *face_limbs.ravel()])
    layers.append(Layer(dots, face_limbs, _face_colors(skeleton, colors), max(1, round(unit)), dot=1.2 * unit))
    for hand in hands:
        # Lines as thick as the hand is large, or fingers of a small one run together and a large one is wire.
        size = _diagonal(coordinates[:, hand], visible[:, hand])
        line = int(np.clip(round(size / HAND_LINE), 1, max(2, round(7 * unit))))
        layers.append(Layer(hand, _limbs_of(skeleton, hand), colors, line, dot=0.5 + 0.75 * line, halo=(line + 1) // 2))
    return layers


def _limbs_of(skeleton: Skeleton, points: np.ndarray) -> np.ndarray:
    """(E, 2) unique limbs between these points; a face mesh lists most of its lines twice."""
    limbs = skeleton.limbs[np.isin(skeleton.limbs, points).all(axis=1)]
    _, first = np.unique(np.sort(limbs, axis=1), axis=0, return_index=True)
    return limbs[np.sort(first)]


def _contour_lines(skeleton: Skeleton, visible: np.ndarray) -> np.ndarray:
    """(E, 2) lines along contours and nose of a mesh whose skeleton has none, between the points that are ever visible.

    Arrays of MediaPipe's have no limbs, and of another estimator's face the mesh has every second point or so.
    """
    mesh = {name: i for i, (where, name) in enumerate(landmarks(skeleton)) if where == "face"}
    chains = (
        [mesh[point] for point in chain if point in mesh and visible[:, mesh[point]].any()]
        for chain in (*MESH_CHAINS, *NOSE_CHAINS)
    )
    return np.array([pair for chain in chains for pair in itertools.pairwise(chain)], np.int64).reshape(-1, 2)


def _across(skeleton: Skeleton, visible: np.ndarray) -> np.ndarray:
    """(E, 2) lines across shoulders and hips that are joined by a point between them which is never visible.

    OpenPose's and Halpe's neck and middle of the hips, where other estimators' poses are on their layout.
    """
    joints = {name: i for i, (where, name) in enumerate(landmarks(skeleton)) if where == "body"}
    lines = []
    for pair, middle in (("shoulder", "neck"), ("hip", "pelvis")):
        left, right, between = (joints.get(name) for name in (f"left_{pair}", f"right_{pair}", middle))
        if left is not None and right is not None and between is not None and not visible[:, between].any():
            lines.append((left, right))
    return np.array(lines, np.int64).reshape(-1, 2)


def _lengths(coordinates: np.ndarray, visible: np.ndarray, limbs: np.ndarray) -> np.ndarray:
    """(E,) median length in pixels of each limb over the frames that show it; 0 where none does."""
    lengths = np.linalg.norm(coordinates[:, limbs[:, 0]] - coordinates[:, limbs[:, 1]], axis=-1)  # (T, E)
    frames_shown = visible[:, limbs[:, 0]] & visible[:, limbs[:, 1]]
    return np.array(
        [np.median(length[t]) if t.any() else 0.0 for length, t in zip(lengths.T, frames_shown.T, strict=True)]
    )


def _diagonal(coordinates: np.ndarray, visible: np.ndarray) -> float:
    """Diagonal in pixels of the box around the visible points, its median over the frames; 0 where none are visible."""
    frames_shown = visible.any(axis=1)
    if not frames_shown.any():
        return 0.0
    mask = visible[frames_shown, :, None]
    high = coordinates[frames_shown].max(axis=1, initial=-np.inf, where=mask)
    low = coordinates[frames_shown].min(axis=1, initial=np.inf, where=mask)
    return float(np.median(np.linalg.norm(high - low, axis=-1)))


def _colors(skeleton: Skeleton) -> np.ndarray:
    """(K, 3) uint8 RGB: the components' colors, darkened where they are too bright for a white ground."""
    colors = np.zeros((skeleton.num_keypoints, 3))
    start = 0
    for component in skeleton.components:
        for i in range(len(component.points)):
            if component.colors:
                colors[start + i] = component.colors[i % len(component.colors)]
        start += len(component.points)
    colors = colors.clip(0, 255)  # headers name channels up to 297
    brightness = colors @ (0.299, 0.587, 0.114)
    return (colors * (BRIGHTEST / np.maximum(brightness, BRIGHTEST))[:, None]).round().astype(np.uint8)


def _face_colors(skeleton: Skeleton, colors: np.ndarray) -> np.ndarray:
    """The colors (K, 3), those of the face paler where it is a mesh: its lines fill the face."""
    face = np.array(skeleton.face(), int)
    if len(_limbs_of(skeleton, face)) < DENSE * len(face) or not len(face):
        return colors
    paler = colors.copy()
    paler[face] = (255 - (255.0 - colors[face]) * (1 - MESH_TINT)).round().astype(np.uint8)
    return paler
