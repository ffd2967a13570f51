"""Layouts of pose estimators: names of components and keypoints, one table row per estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pose_core.skeleton.faces import IBUG_TO_MESH, MESH_POINTS, ibug_mirror, mesh_mirror

Side = Literal["left", "right"]
Role = Literal["body", "face", "left_hand", "right_hand"]


@dataclass(frozen=True)
class Part:
    """A component, or a selection of its points where a layout has one component for the whole body."""

    component: str
    points: tuple[str, ...] = ()  # () = all of them


@dataclass(frozen=True)
class Layout:
    """Names of one estimator's components and keypoints; all differences between estimators are in `LAYOUTS`."""

    name: str
    body: Part  # holds shoulders, wrists and legs
    hands: dict[Side, Part]  # 21 points in the order of `HAND_POINTS`, which all estimators share; first the wrist
    face: Part | None
    face_mirror: tuple[int, ...]  # position in `face.points` of each point's opposite
    face_mesh: tuple[int, ...]  # number of the mesh point of MediaPipe's that each of `face.points` is
    shoulders: dict[Side, str]  # points of the body component
    wrists: dict[Side, str]
    hips: tuple[str, ...]  # whole point names, and
    legs: tuple[str, ...]  # parts of point names: a body point is a leg when its name contains one
    left_right: tuple[str, str]  # what distinguishes the names of two opposite body points
    details: tuple[str, ...] = ()  # parts of names of body points that other components show better
    duplicates: tuple[str, ...] = ()  # components that say the same again in other units

    def elbow(self, side: Side) -> str:
        """The elbow's name, by the pattern of the shoulder's."""
        name = self.shoulders[side]
        for shoulder, elbow in (("SHOULDER", "ELBOW"), ("Shoulder", "Elbow"), ("shoulder", "elbow")):
            name = name.replace(shoulder, elbow)
        return name

    @property
    def one_wrist(self) -> bool:
        """Whether a hand's wrist is the body's own, and not a second estimate of it."""
        return self.hands["left"].component == self.body.component


HAND_POINTS = tuple(
    """
    WRIST THUMB_CMC THUMB_MCP THUMB_IP THUMB_TIP
    INDEX_FINGER_MCP INDEX_FINGER_PIP INDEX_FINGER_DIP INDEX_FINGER_TIP
    MIDDLE_FINGER_MCP MIDDLE_FINGER_PIP MIDDLE_FINGER_DIP MIDDLE_FINGER_TIP
    RING_FINGER_MCP RING_FINGER_PIP RING_FINGER_DIP RING_FINGER_TIP
    PINKY_MCP PINKY_PIP PINKY_DIP PINKY_TIP
    """.split()  # noqa: SIM905 - one line a finger
)
# pose_format's names for OpenPose's hand, of thumb, index, middle, ring finger and little finger, each to its tip; they
# say CMC of a knuckle and DIP of a tip, but the points are the ones above.
_HAND_137 = (
    *("BASE", "T_STT", "T_BCMC", "T_MCP", "T_IP"),
    *(f"{finger}_{joint}" for finger in "IMRP" for joint in ("CMC", "MCP", "PIP", "DIP")),
)
_NUMBERED_HAND = tuple(f"hand_{i}" for i in range(21))


def _coco(name: str, suffix: str, face_point: str) -> Layout:
    """COCO-WholeBody's names; AlphaPose's are the same with the number of points appended."""
    return Layout(
        name=name,
        body=Part("BODY" + suffix),
        hands={side: Part(f"{side.upper()}_HAND{suffix}", _NUMBERED_HAND) for side in get_args(Side)},
        face=Part("FACE" + suffix, tuple(f"{face_point}{i}" for i in range(68))),
        face_mirror=ibug_mirror(68),
        face_mesh=IBUG_TO_MESH[:68],
        shoulders={"left": "left_shoulder", "right": "right_shoulder"},
        wrists={"left": "left_wrist", "right": "right_wrist"},
        hips=("left_hip", "right_hip", "pelvis"),
        legs=("knee", "ankle", "big_toe", "small_toe", "heel"),
        left_right=("left", "right"),
        details=("eye", "ear", "nose"),
    )


_IBUG_137 = ("FB", 17), ("FEB", 10), ("FN", 9), ("FE", 12), ("FLO", 12), ("FLI", 8), ("FP", 2)
_FINGERS_135 = {
    "Thumb": ("1CMC", "2Knuckles", "3IP", "4FingerTip"),
    **dict.fromkeys(("Index", "Middle", "Ring", "Pinky"), ("1Knuckles", "2PIP", "3DIP", "4FingerTip")),
}


def _hand_135(side: str) -> Part:
    joints = tuple(f"{side}{finger}{joint}" for finger, joints in _FINGERS_135.items() for joint in joints)
    return Part("BODY_135", (f"{side}Wrist", *joints))


def _face_135() -> Part:
    names = [f"FaceContour{i}" for i in range(17)]
    names += [f"REyeBrow{i}" for i in range(5)] + [f"LEyeBrow{i}" for i in (4, 3, 2, 1, 0)]
    for word, count in (("NoseUpper", 4), ("NoseLower", 5), ("REye", 6), ("LEye", 6), ("OMouth", 12), ("IMouth", 8)):
        names += [f"{word}{i}" for i in range(count)]
    return Part("BODY_135", (*names, "RPupil", "LPupil"))


LAYOUTS = (
    Layout(
        name="holistic",
        body=Part("POSE_LANDMARKS"),
        hands={side: Part(f"{side.upper()}_HAND_LANDMARKS", HAND_POINTS) for side in get_args(Side)},
        face=Part("FACE_LANDMARKS", tuple(str(i) for i in range(MESH_POINTS))),
        face_mirror=mesh_mirror(),
        face_mesh=tuple(range(MESH_POINTS)),
        shoulders={"left": "LEFT_SHOULDER", "right": "RIGHT_SHOULDER"},
        wrists={"left": "LEFT_WRIST", "right": "RIGHT_WRIST"},
        hips=("LEFT_HIP", "RIGHT_HIP"),
        legs=("KNEE", "ANKLE", "HEEL", "FOOT_INDEX"),
        left_right=("LEFT", "RIGHT"),
        details=("EAR", "NOSE", "MOUTH", "EYE", "THUMB", "PINKY", "INDEX"),
        duplicates=("POSE_WORLD_LANDMARKS",),
    ),
    Layout(
        name="openpose",
        body=Part("pose_keypoints_2d"),
        hands={side: Part(f"hand_{side}_keypoints_2d", _HAND_137) for side in get_args(Side)},
        face=Part(
            "face_keypoints_2d",
            tuple(f"{word}_{i}" for i, word in enumerate(word for word, count in _IBUG_137 for _ in range(count))),
        ),
        face_mirror=ibug_mirror(70),
        face_mesh=IBUG_TO_MESH,
        shoulders={"left": "LShoulder", "right": "RShoulder"},
        wrists={"left": "LWrist", "right": "RWrist"},
        hips=("MidHip", "LHip", "RHip"),
        legs=("Knee", "Ankle", "BigToe", "SmallToe", "Heel"),
        left_right=("L", "R"),
        details=("Eye", "Ear", "Nose"),
    ),
    Layout(
        name="openpose_135",
        body=Part(
            "BODY_135",
            (
                *("Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist"),
                *("RWrist", "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "UpperNeck", "HeadTop", "LBigToe"),
                *("LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel"),
            ),
        ),
        hands={"left": _hand_135("L"), "right": _hand_135("R")},
        face=_face_135(),
        face_mirror=ibug_mirror(70),
        face_mesh=IBUG_TO_MESH,
        shoulders={"left": "LShoulder", "right": "RShoulder"},
        wrists={"left": "LWrist", "right": "RWrist"},
        hips=("LHip", "RHip"),
        legs=("Knee", "Ankle", "BigToe", "SmallToe", "Heel"),
        left_right=("L", "R"),
        details=("Nose", "LEye", "REye", "LEar", "REar"),
    ),
    _coco("coco_wholebody", "", "face-"),
    _coco("alphapose_133", "_133", "face-"),
    _coco("alphapose_136", "_136", "face_"),
)
