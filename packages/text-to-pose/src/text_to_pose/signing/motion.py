"""What a signer does, frame by frame, before a body does it: where hands are, how they are turned, their angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from text_to_pose.signing.placement.touch import Touch
    from text_to_pose.signing.vectors import Array

    HandSide = Literal["left", "right"]


@dataclass(frozen=True, eq=False)
class HandPose:
    """One hand at one moment.

    Attributes:
        wrist: (3,) in metres, in the frame of `signing.frame`.
        rotation: (3, 3), the axes of the hand as columns.
        angles: (21,) of `hand_model.ANGLES`, in radians.
    """

    wrist: Array
    rotation: Array
    angles: Array


@dataclass(frozen=True, eq=False)
class HandMotion:
    """One hand over T frames: `HandPose` with a leading axis.

    Attributes:
        wrist: (T, 3).
        rotation: (T, 3, 3).
        angles: (T, 21).
    """

    wrist: Array
    rotation: Array
    angles: Array

    def __len__(self) -> int:
        return len(self.wrist)


@dataclass(frozen=True, eq=False)
class Contact:
    """Places that touch each other for a time.

    Attributes:
        touch: which.
        share: (T,) 0 to 1, how surely they do, frame by frame.
    """

    touch: Touch
    share: Array


@dataclass(frozen=True, eq=False)
class Motion:
    """Both hands, shoulders and head over T frames.

    Attributes:
        fps: frames per second.
        right, left: the hands; one that does not sign hangs at the signer's side.
        shoulders: (T, 2, 3) displacement of the left and the right shoulder from where they rest, in metres.
        head: (T, 3) rotation vector of the head about the top of the neck, in radians.
        spans: of each sign, the first frame of its stroke and the one after its last: what is before, between and after
            are preparation, transitions and retraction.
        contacts: what is to touch, even if arms cannot turn hands so.
        steady: the same motion at the rate at which arms are found, so that they do the same at any rate; None: they
            are found frame by frame of this one.
    """

    fps: float
    right: HandMotion
    left: HandMotion
    shoulders: Array
    head: Array
    spans: tuple[tuple[int, int], ...]
    contacts: tuple[Contact, ...] = ()
    steady: Motion | None = None

    def __len__(self) -> int:
        return len(self.right)
