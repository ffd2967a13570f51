"""Hands that hold a letter, and how far they are from each other in three dimensions, wherever the camera stood."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.transforms import clean
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS
from text_to_pose.signing.rotations import from_vector, to_vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pose_core import PoseSequence

HELD = (0.3, 0.7)  # the share of a filmed letter in which it is held
CAMERA = np.radians(40)  # that a camera stands beside straight before the signer, or a wrist is turned another way
"""By no more than this hands are turned to fit: U and H are one handshape, turned by 90 degrees."""


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand that holds a letter: (21, 3) as a right one, about the mean of its points and of mean square size 1."""

    letter: str
    points: np.ndarray


def filmed_hand(letter: str, sequence: PoseSequence) -> Hand | None:
    """The hand that holds a filmed letter; None where no frame shows one."""
    frames = held_frames(clean(sequence))
    return None if frames is None else Hand(letter.upper(), medoid(np.stack([normalized(frame) for frame in frames])))


def held_frames(sequence: PoseSequence) -> np.ndarray | None:
    """The hand seen more often in the frames in which its letter is held, (n, 21, 3) in pixels, as a right one."""
    side = "left" if sequence.hand_share("left") > sequence.hand_share("right") else "right"
    hand = sequence.skeleton.hand(side)
    points = sequence.keypoints[sequence.visible[:, hand].all(axis=1)][:, hand].astype(np.float64)
    if not len(points):
        return None
    width, _, *depth = sequence.size
    if points.shape[-1] == 3 and not (depth and depth[0] > 1):  # z is in widths of the picture
        points[..., 2] *= width if width > 1 else PICTURE_WIDTHS
    first, last = (int(len(points) * share) for share in HELD)
    return mirrored(points[first : max(last, first + 1)], side)


def medoid(frames: np.ndarray) -> np.ndarray:
    """The hand (21, 3) that is nearest to all others of (n, 21, 3)."""
    return frames[np.linalg.norm(frames[:, None] - frames, axis=-1).sum(axis=(1, 2)).argmin()]


def normalized_hand(letter: str, points: np.ndarray, side: str, depth: float) -> Hand:
    """A hand (21, D) of a sequence in shoulder widths, whose z is smaller by `depth`."""
    points = points.astype(np.float64) * np.array([1.0, 1.0, depth])[: points.shape[-1]]
    return Hand(letter.upper(), mirrored(normalized(points), side))


def normalized(points: np.ndarray) -> np.ndarray:
    points = np.pad(points, ((0, 0), (0, 3 - points.shape[-1])))
    points = points - points.mean(axis=0)
    return points / np.sqrt((points**2).sum(axis=-1).mean())


def mirrored(points: np.ndarray, side: str) -> np.ndarray:
    return points * np.array([-1.0, 1, 1]) if side == "left" else points


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean square distance of the points of two hands, one turned by at most `CAMERA` to fit the other."""
    left, _, right = np.linalg.svd(second.T @ first)
    turn = to_vector(left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right)
    angle = np.linalg.norm(turn)
    turned = first @ from_vector(turn * min(1.0, CAMERA / max(angle, 1e-9))).T
    return float(np.sqrt(((turned - second) ** 2).sum(axis=-1).mean()))


def ranks(queries: Iterable[Hand], gallery: Sequence[Hand]) -> dict[str, list[int]]:
    """Of each letter that the gallery has the ranks, from 0, of it among all letters, by their nearest hand."""
    letters = sorted({hand.letter for hand in gallery})
    found = defaultdict(list)
    for query in queries:
        if query.letter in letters:
            nearest = {
                letter: min(distance(query.points, hand.points) for hand in gallery if hand.letter == letter)
                for letter in letters
            }
            found[query.letter].append(sum(near < nearest[query.letter] for near in nearest.values()))
    return dict(found)


def rates(found: dict[str, list[int]]) -> dict[str, float | int]:
    """Rank-1 and rank-3, the mean over letters of that of each one's hands."""
    if not found:
        return {"letters": 0}
    return {
        "letters": len(found),
        **{
            f"rank{n}": round(float(np.mean([np.mean(np.array(each) < n) for each in found.values()])), 3)
            for n in (1, 3)
        },
    }
