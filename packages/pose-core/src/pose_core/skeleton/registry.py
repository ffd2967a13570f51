"""Skeletons of files without a header: by their number of keypoints, or by the landmarks they list."""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING

from pose_core.errors import UserError
from pose_core.skeleton.faces import MESH_CONTOURS, MESH_POINTS
from pose_core.skeleton.layouts import HAND_POINTS
from pose_core.skeleton.skeleton import Component, Skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SIDES = ("LEFT", "RIGHT")
BODY_LANDMARKS = _names(  # MediaPipe's 33 body points
    """
    NOSE LEFT_EYE_INNER LEFT_EYE LEFT_EYE_OUTER RIGHT_EYE_INNER RIGHT_EYE RIGHT_EYE_OUTER LEFT_EAR RIGHT_EAR
    MOUTH_LEFT MOUTH_RIGHT LEFT_SHOULDER RIGHT_SHOULDER LEFT_ELBOW RIGHT_ELBOW LEFT_WRIST RIGHT_WRIST
    LEFT_PINKY RIGHT_PINKY LEFT_INDEX RIGHT_INDEX LEFT_THUMB RIGHT_THUMB
    LEFT_HIP RIGHT_HIP LEFT_KNEE RIGHT_KNEE LEFT_ANKLE RIGHT_ANKLE LEFT_HEEL RIGHT_HEEL
    LEFT_FOOT_INDEX RIGHT_FOOT_INDEX
    """
)
# Limbs of the body: along these chains on either side, and across the body.
_CHAINS = [
    _names("SHOULDER ELBOW WRIST THUMB"),
    _names("WRIST PINKY INDEX WRIST"),
    _names("SHOULDER HIP KNEE ANKLE HEEL FOOT_INDEX ANKLE"),
    _names("EYE_INNER EYE EYE_OUTER EAR"),
]
_ACROSS = [
    ("LEFT_SHOULDER", "RIGHT_SHOULDER"),
    ("LEFT_HIP", "RIGHT_HIP"),
    ("MOUTH_LEFT", "MOUTH_RIGHT"),
    ("NOSE", "LEFT_EYE_INNER"),
    ("NOSE", "RIGHT_EYE_INNER"),
]
_PALM_AND_THUMB = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 9), (9, 13), (13, 17), (0, 17)]
_HAND_LIMBS = _PALM_AND_THUMB + [(knuckle + i, knuckle + i + 1) for knuckle in (5, 9, 13, 17) for i in range(3)]
_COLORS = {
    **dict.fromkeys(("POSE_LANDMARKS", "POSE_WORLD_LANDMARKS"), ((255, 0, 0),)),
    "FACE_LANDMARKS": ((128, 0, 0),),
}
# The palm says which hand it is; fingers are told apart as in MediaPipe files of pose-format.
_PALMS = {"LEFT_HAND_LANDMARKS": (0, 120, 0), "RIGHT_HAND_LANDMARKS": (0, 0, 200)}
_FINGERS = ((192, 0, 0), (192, 192, 0), (0, 192, 0), (0, 192, 192), (255, 128, 0))  # from the thumb
_UPPER_BODY = tuple(name for name in BODY_LANDMARKS if name.endswith(("SHOULDER", "ELBOW", "WRIST", "HIP")))
_CONTOURS = tuple(str(i) for i in range(MESH_POINTS) if str(i) in MESH_CONTOURS)


@cache
def known_skeleton(keypoints: int, dims: int) -> Skeleton:
    """The skeleton of arrays with that many keypoints, `dims` coordinates each, in the estimator's order.

    17 is COCO's body, 133 COCO-WholeBody; 26 and 136 are Halpe's body and whole body, as AlphaPose orders them; 135 and
    137 are OpenPose; MediaPipe holistic has 543, 553, 576 and 586 points, 178 and 50 reduced (without the face), 75
    without the face, 42 both hands, 33 the body, 468 and 478 the face, 21 the right hand. Any other number is a
    skeleton of its own, "KEYPOINTS", with numbered points and no limbs.

    A face mesh of MediaPipe's has no limbs here: only the headers of `.pose` files have them.
    """
    if keypoints in (17, 26, 133, 135, 136, 137):
        return _from_pose_format(keypoints, dims)
    hands: dict[str, tuple[str, ...]] = {"LEFT_HAND_LANDMARKS": HAND_POINTS, "RIGHT_HAND_LANDMARKS": HAND_POINTS}
    mesh = tuple(str(i) for i in range(MESH_POINTS))
    known: dict[int, dict[str, tuple[str, ...]]] = {
        21: {"RIGHT_HAND_LANDMARKS": HAND_POINTS},
        33: {"POSE_LANDMARKS": BODY_LANDMARKS},
        42: hands,
        50: {"POSE_LANDMARKS": _UPPER_BODY, **hands},
        75: {"POSE_LANDMARKS": BODY_LANDMARKS, **hands},
        468: {"FACE_LANDMARKS": mesh[:468]},
        478: {"FACE_LANDMARKS": mesh},
        178: {"POSE_LANDMARKS": _UPPER_BODY, "FACE_LANDMARKS": _CONTOURS, **hands},
        543: {"POSE_LANDMARKS": BODY_LANDMARKS, "FACE_LANDMARKS": mesh[:468], **hands},
        553: {"POSE_LANDMARKS": BODY_LANDMARKS, "FACE_LANDMARKS": mesh, **hands},
        576: {
            "POSE_LANDMARKS": BODY_LANDMARKS,
            "FACE_LANDMARKS": mesh[:468],
            **hands,
            "POSE_WORLD_LANDMARKS": BODY_LANDMARKS,
        },
        586: {
            "POSE_LANDMARKS": BODY_LANDMARKS,
            "FACE_LANDMARKS": mesh,
            **hands,
            "POSE_WORLD_LANDMARKS": BODY_LANDMARKS,
        },
    }
    numbered = {"KEYPOINTS": tuple(str(i) for i in range(keypoints))}
    return _skeleton(known.get(keypoints, numbered), dims)


# The layouts that have names, with their numbers of keypoints.
LAYOUT_NAMES = {
    "holistic_543": 543,
    "holistic_553": 553,
    "holistic_576": 576,
    "holistic_586": 586,
    "holistic_178": 178,
    "holistic_75": 75,
    "holistic_50": 50,
    "openpose_137": 137,
    "openpose_135": 135,
    "coco_wholebody_133": 133,
    "coco_17": 17,
    "alphapose_136": 136,
    "halpe_26": 26,
}


def named_skeleton(name: str, dims: int) -> Skeleton:
    """The skeleton of a layout by its name, `dims` coordinates each keypoint; see `LAYOUT_NAMES`.

    Raises:
        UserError: there is no layout of that name; the message lists them.
    """
    if name not in LAYOUT_NAMES:
        raise UserError(f"unknown layout {name!r}; known: {', '.join(LAYOUT_NAMES)}")
    return known_skeleton(LAYOUT_NAMES[name], dims)


def layout_name(skeleton: Skeleton) -> str | None:
    """The name of the smallest layout that has all the skeleton's keypoints by name, or None."""
    wanted = set(skeleton.keypoints)
    for name in sorted(LAYOUT_NAMES, key=lambda name: LAYOUT_NAMES[name]):
        if wanted <= set(named_skeleton(name, 2).keypoints):
            return name
    return None


def landmark_skeleton(landmarks: Sequence[str], dims: int) -> Skeleton:
    """The skeleton of listed landmarks: "COMPONENT/POINT", or a bare name, which is MediaPipe's body's.

    Limbs are those that MediaPipe's body and hands have between the named points.

    Raises:
        UserError: a landmark is named twice, or a component's landmarks do not stand together.
    """
    components: dict[str, list[str]] = {}
    order = []
    for landmark in landmarks:
        component, _, point = landmark.rpartition("/")
        component = component or "POSE_LANDMARKS"
        order.append((component, point))
        components.setdefault(component, []).append(point)
    skeleton = _skeleton({name: tuple(points) for name, points in components.items()}, dims)
    if list(skeleton.keypoints) != order or len(set(order)) < len(order):
        raise UserError("landmarks are named twice, or a component's do not stand together")
    return skeleton


def _skeleton(components: dict[str, tuple[str, ...]], dims: int) -> Skeleton:
    point_format = {2: "XYC", 3: "XYZC"}[dims]
    return Skeleton(
        tuple(
            Component(name, points, tuple(_limbs(name, points)), _colors(name, points), point_format)
            for name, points in components.items()
        )
    )


def _colors(component: str, points: tuple[str, ...]) -> tuple[tuple[int, int, int], ...]:
    """RGB of the points, of a hand one for each, else one for all."""
    if component not in _PALMS:
        return _COLORS.get(component, ((90, 90, 90),))
    # A limb has the color of its second end: the first joint of a finger belongs to the palm.
    palm = dict.fromkeys(HAND_POINTS, _PALMS[component])
    fingers = {point: _FINGERS[i // 4] for i, point in enumerate(HAND_POINTS[1:]) if i % 4}
    return tuple((palm | fingers).get(point, _PALMS[component]) for point in points)


def _limbs(component: str, points: tuple[str, ...]) -> Iterable[tuple[int, int]]:
    """Positions of connected points among the given ones."""
    if component.endswith("HAND_LANDMARKS"):
        pairs = [(HAND_POINTS[a], HAND_POINTS[b]) for a, b in _HAND_LIMBS]
    elif component.startswith("POSE"):
        chains = [[f"{side}_{word}" for word in chain] for chain in _CHAINS for side in _SIDES]
        pairs = [*_ACROSS, *(pair for chain in chains for pair in itertools.pairwise(chain))]
    else:
        pairs = []
    position = {point: i for i, point in enumerate(points)}
    return ((position[a], position[b]) for a, b in pairs if a in position and b in position)


def _from_pose_format(keypoints: int, dims: int) -> Skeleton:
    from pose_format.pose_header import PoseHeader, PoseHeaderDimensions

    if keypoints in (17, 133):
        from pose_format.utils.cocowholebody133_header import cocowholebody_components

        components = cocowholebody_components()
    elif keypoints in (26, 136):
        from pose_format.utils.alphapose import AlphaPose_Components as components
    elif keypoints == 135:
        from pose_format.utils.openpose_135 import OpenPose_Components as components
    else:
        from pose_format.utils.openpose import OpenPose_Components as components
    flat = Skeleton.from_header(PoseHeader(0.2, PoseHeaderDimensions(0, 0, 0), components))
    # A body comes first, and with the points that all have: COCO's 17, or Halpe's 26.
    return flat.select(list(range(keypoints))).with_dims(dims)
