"""Names of keypoints that a file states, compared with those that its number of keypoints stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pose_core.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.skeleton import Skeleton

_SAME = {"head": "head_top", "hip": "pelvis", "top_head": "head_top"}  # MMPose's names of Halpe's points
_FINGERS = (("thumb",), ("fore", "index"), ("middle",), ("ring",), ("pinky", "little"))
_OPENPOSE_134 = (  # the body as MMPose names it in OpenPose's order
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist"),
    *("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
    *("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"),
)


def stated_names(values: dict[str, Any]) -> tuple[str, ...] | None:
    """The names of keypoints in what MMPose says of its data set, in order; None if they are not all there."""
    by_number = values.get("keypoint_id2name")
    if not isinstance(by_number, dict) or not by_number:
        return None
    names = [by_number.get(str(i)) for i in range(len(by_number))]
    return tuple(map(str, names)) if all(isinstance(name, str) for name in names) else None


def check_names(names: tuple[str, ...], skeleton: Skeleton, path: Path) -> None:
    """Compares names with a skeleton of COCO's or Halpe's points; other skeletons are not compared.

    Raises:
        UserError: a keypoint is another than stands in its place.
    """
    if len(names) == 134:
        pairs = [(_body_name(name), expected) for name, expected in zip(names, _OPENPOSE_134, strict=False)]
    elif any(component.name.startswith("BODY") for component in skeleton.components):
        if len(names) != skeleton.num_keypoints:
            raise UserError(
                f"{path}: names {len(names)} keypoints, and its people have {skeleton.num_keypoints}; export it again"
            )
        pairs = [_compared(name, *point) for name, point in zip(names, _numbered(skeleton), strict=True)]
    else:
        return
    for i, (found, expected) in enumerate(pairs):
        if found != expected:
            raise UserError(
                f"{path}: keypoint {i} is {names[i]!r} where {expected!r} is expected of {len(names)} keypoints; "
                "poses in this order are not read: estimate whole bodies (133 keypoints)"
            )


def _numbered(skeleton: Skeleton) -> list[tuple[str, str, int]]:
    """(component, point, position in the component) of each keypoint."""
    return [(c.name, point, i) for c in skeleton.components for i, point in enumerate(c.points)]


def _compared(name: str, component: str, point: str, position: int) -> tuple[str, str]:
    """What a name says, and what it should; equal if the name fits the point."""
    name = _body_name(name)
    if component.startswith("BODY"):
        return name, point
    if component.startswith("FACE"):
        return name if not name.startswith("face") else point, point
    side = "left" if component.startswith("LEFT") else "right"
    finger = next((f for f, words in enumerate(_FINGERS) if any(word in name for word in words)), None)
    fits = finger is None or finger == (position - 1) // 4
    is_hand = finger is not None or "hand" in name or "wrist" in name
    other = "right" if side == "left" else "left"
    expected = f"{side} hand, point {position}"
    return (expected if fits and is_hand and not name.startswith(other) else name), expected


def _body_name(name: str) -> str:
    name = name.lower().replace("-", "_").replace(" ", "_")
    return _SAME.get(name, name)
