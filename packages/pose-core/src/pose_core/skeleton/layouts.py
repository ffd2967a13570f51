"""Layouts of pose estimators: names of components and keypoints, one table row per estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pose_core.skeleton.faces import MESH_POINTS, ibug_mirror, mesh_mirror

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
    hands: dict[Side, Part]  # the first point is the wrist
    face: Part | None
    face_mirror: tuple[int, ...]  # position in `face.points` of each point's opposite
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


def _coco(name: str, suffix: str, face_point: str) -> Layout:
    """COCO-WholeBody's names; AlphaPose's are the same with the number of points appended."""
    return Layout(
        name=name,
        body=Part("BODY" + suffix),
        hands={"left": Part("LEFT_HAND" + suffix), "right": Part("RIGHT_HAND" + suffix)},
        face=Part("FACE" + suffix, tuple(f"{face_point}{i}" for i in range(68))),
        face_mirror=ibug_mirror(68),
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
        hands={"left": Part("LEFT_HAND_LANDMARKS"), "right": Part("RIGHT_HAND_LANDMARKS")},
        face=Part("FACE_LANDMARKS", tuple(str(i) for i in range(MESH_POINTS))),
        face_mirror=mesh_mirror(),
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
        hands={"left": Part("hand_left_keypoints_2d"), "right": Part("hand_right_keypoints_2d")},
        face=Part(
            "face_keypoints_2d",
            tuple(f"{word}_{i}" for i, word in enumerate(word for word, count in _IBUG_137 for _ in range(count))),
        ),
        face_mirror=ibug_mirror(70),
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
