"""The signer that knows the rules: signs, as trees, to poses. No model, no training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core import UserError
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.departures import departures
from text_to_pose.signing.layouts import LAYOUT, seen
from text_to_pose.signing.movement.choreography import choreograph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import PoseSequence
    from text_to_pose.hamnosys.tree import Sign
    from text_to_pose.signing.anatomy.body import Body
    from text_to_pose.signing.view import Camera


MOST_FRAMES = 30_000
"""Of one clip: 20 minutes at 25 frames per second, which take 1 GB."""


@dataclass(frozen=True)
class Signed:
    """What was signed.

    Attributes:
        sequence: (T, K, 3), x and y in pixels of the camera's picture; see `layouts.seen`.
        spans: first frame of each sign's stroke, and the frame to stop before.
        departures: of each sign, what is not as it is written, in words: arms are only so long, wrists turn only so
            far, and bodies are in the way.
    """

    sequence: PoseSequence
    spans: tuple[tuple[int, int], ...]
    departures: tuple[tuple[str, ...], ...]


def sign(
    signs: Sequence[Sign],
    *,
    body: Body = MEAN_BODY,
    fps: float = 25.0,
    speed: float = 1.0,
    layout: str = LAYOUT,
    camera: Camera | None = None,
    left_handed: bool = False,
) -> Signed:
    """Signs one sign, or several in a row with transitions between them, from rest to rest.

    Args:
        signs: of `hamnosys.parser.parse` or of SiGML; at least one.
        body: the proportions of who signs; `person.body_of` has somebody's.
        fps: frames per second.
        speed: 2 is twice as fast.
        layout: of the keypoints, see `pose_core.skeleton.named_skeleton`.
        camera: straight before the signer by default.
        left_handed: the dominant hand is the left one; all is mirrored.

    Raises:
        UserError: there is no sign, or so many that they last more than `MOST_FRAMES`.
    """
    if not signs:
        raise UserError("there is no sign to be signed")
    motion = choreograph(signs, body, fps=fps, speed=speed)
    if len(motion) > MOST_FRAMES:
        raise UserError(
            f"{len(signs):,} signs in a row are {len(motion):,} frames, and a clip has at most {MOST_FRAMES:,}; "
            "sign fewer, or a clip per sign with --file"
        )
    embodied = figure(motion, body)
    sequence = seen(embodied, camera, layout, mirrored=left_handed)
    off = tuple(tuple(departures(each, span, motion, embodied)) for each, span in zip(signs, motion.spans, strict=True))
    return Signed(sequence, motion.spans, off)
