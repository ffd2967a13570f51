"""Hands: the body's wrists set from them, and their shape without position and rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from array_api_compat import device

from pose_core.errors import UserError
from pose_core.transforms.arrays import Array, array_namespace, copied, namespace, norm, with_values

if TYPE_CHECKING:
    from pose_core.transforms.arrays import Poses

# Of a hand's 21 points, which every estimator orders alike: wrist, and where little, index and middle finger begin.
POINTS = 21
PLANE = (0, 17, 5)
LINE = (0, 9)


def correct_wrists(poses: Poses) -> Poses:
    """Sets the body's wrists to those of the hands, with their confidence, in frames that show the hand.

    As `pose_format.utils.generic.correct_wrists`; the hand's estimate is the better one.
    """
    xp = namespace(poses)
    visible = poses.visible
    keypoints, confidence = (copied(values) for values in (poses.keypoints, poses.confidence))
    for side in ("left", "right"):
        wrist, hand = poses.skeleton.wrist(side), poses.skeleton.hand(side)
        if wrist is None or not hand:
            continue
        shown = visible[..., hand[0]]  # (..., T)
        own = keypoints[..., wrist, :]
        keypoints[..., wrist, :] = xp.where(shown[..., None], poses.keypoints[..., hand[0], :], own)
        confidence[..., wrist] = xp.where(shown, poses.confidence[..., hand[0]], confidence[..., wrist])
    return with_values(poses, keypoints, confidence)


def hands_from_wrists(poses: Poses) -> Poses:
    """The hands alone, relative to their wrists: shape and rotation without position.

    Args:
        poses: keypoints (..., T, K, D).

    Returns:
        The points of the hands but for their wrists; a hand whose wrist is missing in a frame is missing in it.

    Raises:
        UserError: the skeleton has no hands.
    """
    xp = namespace(poses)
    visible = poses.visible
    keypoints, confidence = (copied(values) for values in (poses.keypoints, poses.confidence))
    fingers = []
    for hand in (poses.skeleton.hand("left"), poses.skeleton.hand("right")):
        if not hand:
            continue
        wrist = xp.where(visible[..., hand[:1], None], poses.keypoints[..., hand[:1], :], 0.0)
        keypoints[..., hand, :] = poses.keypoints[..., hand, :] - wrist
        shown = visible[..., hand] & visible[..., hand[:1]]
        confidence[..., hand] = xp.where(shown, poses.confidence[..., hand], 0.0)
        fingers += hand[1:]
    if not fingers:
        raise UserError("the skeleton has no hands to take relative to their wrists")
    return cast("Poses", with_values(poses, keypoints, confidence).select(fingers))


def normalize_hands_3d(poses: Poses) -> Poses:
    """Rotates each hand so that its palm faces the viewer, upright; wrist at 0, unit: wrist to middle knuckle.

    The values that `pose_format.utils.normalization_3d.PoseNormalizer` gives with the plane and line of
    `pose_format.utils.generic.hands_components`, in place of the hands' own.

    Args:
        poses: keypoints (..., T, K, 3).

    Returns:
        The poses; a hand whose wrist, knuckles or plane are not there in a frame is missing in it.

    Raises:
        UserError: the poses are 2-D, or a hand has not all of its 21 points.
    """
    xp = namespace(poses)
    if poses.skeleton.num_dims != 3:
        raise UserError("hands are normalized in 3-D; these poses have x and y only")
    visible = poses.visible
    keypoints = xp.where(visible[..., None], poses.keypoints, xp.zeros_like(poses.keypoints))
    confidence = xp.where(visible, poses.confidence, xp.zeros_like(poses.confidence))
    for side in ("left", "right"):
        hand = poses.skeleton.hand(side)
        if not hand:
            continue
        if len(hand) != POINTS:
            raise UserError(f"the {side} hand has {len(hand)} points; normalizing it in 3-D needs all {POINTS}")
        turned, possible = normalize_plane_and_line(keypoints[..., hand, :], PLANE, LINE)
        for i in {*PLANE, *LINE}:
            possible = possible & visible[..., hand[i]]
        keypoints[..., hand, :] = turned
        confidence[..., hand] = xp.where(possible[..., None], confidence[..., hand], 0.0)
    return with_values(poses, keypoints, confidence)


def normalize_plane_and_line(points: Array, plane: tuple[int, int, int], line: tuple[int, int]) -> tuple[Array, Array]:
    """Rotates points so that the plane through three of them faces the viewer and the line through two is upright.

    Args:
        points: (..., K, 3).
        plane, line: positions of the points that span them.

    Returns:
        (..., K, 3) with the line's first point at 0 and its length 1; and (...) True where plane and line exist.
    """
    xp = array_namespace(points)
    base, second, third = (points[..., i, :] for i in plane)
    normal = xp.linalg.cross(second - base, third - base)
    length = norm(normal)
    z = normal / xp.where(length > 0, length, xp.ones_like(length))
    # As PoseNormalizer has them: neither of these two has length 1 where the plane is turned away from the x axis.
    y = xp.linalg.cross(xp.broadcast_to(xp.asarray([1.0, 0.0, 0.0], dtype=z.dtype, device=device(z)), z.shape), z)
    x = xp.linalg.cross(z, y)
    axes = xp.stack([x, y, z], axis=-1)  # (..., 3, 3), one a column
    turned = xp.matmul(points - base[..., None, :], axes)

    start, end = (turned[..., i, :] for i in line)
    displacement = end - start
    angle = xp.atan2(displacement[..., 1], displacement[..., 0])
    # By 90 degrees and that angle, clockwise.
    cos, sin = (values[..., None] for values in (-xp.sin(angle), -xp.cos(angle)))
    upright = xp.stack(
        [cos * turned[..., 0] - sin * turned[..., 1], sin * turned[..., 0] + cos * turned[..., 1], turned[..., 2]],
        axis=-1,
    )
    start, end = (upright[..., i, :] for i in line)
    size = norm(end - start)
    possible = (length[..., 0] > 0) & (size[..., 0] > 0)
    scaled = (upright - start[..., None, :]) / xp.where(size > 0, size, xp.ones_like(size))[..., None, :]
    return xp.where(possible[..., None, None], scaled, xp.zeros_like(scaled)), possible
