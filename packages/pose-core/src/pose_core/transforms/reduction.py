"""Reduction to the keypoints that a signing model needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from pose_core.transforms.arrays import copied, with_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_core.transforms.arrays import Poses


KeypointChoice = Literal["reduced", "hands_and_body", "all"]
FaceChoice = Literal["full", "contour", "none"]


def remove_legs(poses: Poses, *, keep_hips: bool = False, hide: bool = False) -> Poses:
    """Leaves out knees, ankles, feet, and the hips unless `keep_hips`, as `pose_format.utils.generic.pose_hide_legs`.

    Args:
        poses: keypoints (..., T, K, D).
        keep_hips: leave the hips in.
        hide: keep the points in the skeleton, missing in every frame; by default they are dropped from it.
    """
    drop = set(poses.skeleton.legs())
    if not keep_hips:
        drop |= set(poses.skeleton.hips(duplicates=True))
    return _hidden(poses, drop) if hide else _without(poses, drop)


def drop_face(poses: Poses) -> Poses:
    """Drops the face."""
    return _without(poses, poses.skeleton.face())


def reduce_face(poses: Poses) -> Poses:
    """Drops MediaPipe's face mesh but for its contours (lips, eyes, eyebrows, oval: 128 points); needs no mediapipe."""
    return _without(poses, poses.skeleton.face_details())


def drop_duplicates(poses: Poses) -> Poses:
    """Drops components that repeat the body in other units, such as MediaPipe's world landmarks in metres."""
    return _without(poses, poses.skeleton.duplicates())


def reduce_holistic(poses: Poses) -> Poses:
    """MediaPipe's holistic points to the 178 that sign language research uses: as `pose_format.utils.generic` has it.

    Leaves the face's contours, both hands, and of the body shoulders, elbows, wrists and hips. Of another layout it
    drops likewise what legs, face details and duplicates it has.
    """
    skeleton = poses.skeleton
    details = [*skeleton.body_details(), *skeleton.face_details()]
    return _without(poses, {*skeleton.legs(), *details, *skeleton.duplicates()})


def distinct_keypoints(poses: Poses, *, face: FaceChoice = "contour") -> Poses:
    """Drops duplicate keypoints, so that no part of the body counts twice in a mean over keypoints.

    Drops components that repeat the body in other units, and the body's points that a face or a hand shows better.

    Args:
        poses: keypoints (..., T, K, D).
        face: "full" leaves the face as it is, "contour" reduces MediaPipe's mesh, as `reduce_face`, "none" drops it.
    """
    skeleton = poses.skeleton
    faces = {"full": [], "contour": skeleton.face_details(), "none": skeleton.face()}
    return _without(poses, {*skeleton.repeated(), *faces[face]})


def choose_keypoints(poses: Poses, choice: KeypointChoice) -> Poses:
    """Selects the keypoints that a model is trained on.

    Args:
        poses: keypoints (..., T, K, D).
        choice: "reduced" leaves the face's contours, both hands and the upper body; "hands_and_body" that without the
            face; "all" everything. Poses with neither hands nor face keep everything.
    """
    skeleton = poses.skeleton
    if choice == "all" or not (skeleton.face() or skeleton.hand("left") or skeleton.hand("right")):
        return poses
    reduced = reduce_holistic(poses)
    return drop_face(reduced) if choice == "hands_and_body" else reduced


def _without(poses: Poses, drop: Iterable[int]) -> Poses:
    drop = set(drop)
    if not drop:
        return poses
    return cast("Poses", poses.select([i for i in range(poses.skeleton.num_keypoints) if i not in drop]))


def _hidden(poses: Poses, hide: set[int]) -> Poses:
    confidence = copied(poses.confidence)
    confidence[..., sorted(hide)] = 0.0
    return with_values(poses, poses.keypoints, confidence)
