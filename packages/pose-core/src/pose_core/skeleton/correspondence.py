"""Which keypoints of two skeletons are the same point of the body, whatever the estimators call it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.skeleton.registry import layout_name

if TYPE_CHECKING:
    from pose_core.skeleton.layouts import Layout
    from pose_core.skeleton.skeleton import Skeleton

Landmark = tuple[str, str | int]  # where, and which: ("body", "left_wrist"), ("left_hand", 0), ("face", mesh point)

# Joints of the body that two estimators call by different words. MediaPipe's foot index is the tip of the foot.
_SYNONYMS = {"mid_hip": "pelvis", "left_foot_index": "left_big_toe", "right_foot_index": "right_big_toe"}


@lru_cache(maxsize=64)
def matches(source: Skeleton, target: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Array positions of the same points: in `target` (ascending), and in `source`.

    Points are matched by anatomy: joints of the body by name, hands point by point, faces by `IBUG_TO_MESH`. Nothing is
    computed from other points: a neck is no middle of two shoulders here. A point of `source` has one counterpart,
    with one exception: a wrist of OpenPose's 135 points, which has one for arm and hand, is both.

    Raises:
        UserError: no point of `source` is in `target`.
    """
    position: dict[Landmark, int] = {}
    for i, landmark in enumerate(landmarks(source)):
        position.setdefault(landmark, i)
    if source.layout is not None and source.layout.one_wrist:
        for side in source.layout.hands:
            if ("body", f"{side}_wrist") in position:
                position[f"{side}_hand", 0] = position["body", f"{side}_wrist"]
    pairs = [(new, position[landmark]) for new, landmark in enumerate(landmarks(target)) if landmark in position]
    if not pairs:
        theirs, ours = (", ".join(component.name for component in each.components) for each in (source, target))
        theirs += ", whose layout is not known," if source.layout is None else ""
        raise UserError(f"no keypoint of {theirs} is one of {ours}")
    new, old = np.array(pairs).T
    return new, old


def mapping_layout(source: Skeleton, target: Skeleton) -> str | None:
    """The name of the layout by which `to_layout` maps poses on `source` to `target`; None where it cannot."""
    name = layout_name(target)
    if name is None or source.num_dims < target.num_dims or not set(landmarks(source)) & set(landmarks(target)):
        return None
    return name


def layout_hint(source: Skeleton, target: Skeleton) -> str:
    """What to add to an error about `source` not being `target`: the layout that maps it there, if one does, or ""."""
    name = mapping_layout(source, target)
    return "" if name is None else f"; --layout {name}, here or of pose-core convert, maps them by anatomy"


def landmarks(skeleton: Skeleton) -> list[Landmark]:
    """(K,) the anatomical name of each keypoint, the same in all known layouts; elsewhere component and point."""
    layout = skeleton.layout
    if layout is None:
        return [*skeleton.keypoints]
    named = _hands_and_face(layout)
    body = {(layout.body.component, point): ("body", _joint(point, layout)) for point in layout.body.points}
    named |= body  # the hands of a layout with one wrist name it, too
    return [
        named.get((component, point))
        or (("body", _joint(point, layout)) if component == layout.body.component else (component, point))
        for component, point in skeleton.keypoints
    ]


def _hands_and_face(layout: Layout) -> dict[tuple[str, str], Landmark]:
    named: dict[tuple[str, str], Landmark] = {}
    for side, hand in layout.hands.items():
        named |= {(hand.component, point): (f"{side}_hand", i) for i, point in enumerate(hand.points)}
    if layout.face is not None:
        points = zip(layout.face.points, layout.face_mesh, strict=True)
        named |= {(layout.face.component, point): ("face", number) for point, number in points}
    return named


def _joint(point: str, layout: Layout) -> str:
    """A joint's name in COCO's words: "left_wrist" of LEFT_WRIST, left_wrist and LWrist."""
    left, right = layout.left_right
    if len(left) == 1:  # OpenPose: a letter before a capital
        sides = {left: "left_", right: "right_"}
        point = re.sub(f"^[{left}{right}](?=[A-Z])", lambda match: sides[match.group()], point)
        point = re.sub("(?<=[a-z])(?=[A-Z])", "_", point)
    joint = point.lower()
    return _SYNONYMS.get(joint, joint)
