"""Poses of videos, where the estimator of `pose-core estimate` is installed; a request never installs it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence, UserError
from pose_core.estimation.estimators import holistic, skeleton_of
from pose_core.estimation.video import open_video
from text_to_pose.app.files import Answer, check_frames, poses_answer, stored
from text_to_pose.app.neighbours import NotInstalledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from text_to_pose.app.requests import EstimateRequest

NAME = "video"
MISSING = (
    "poses of videos need pose-core[estimate], and its estimator, which `pose-core estimate` installs for the first "
    "video it is given on this machine"
)


def has_estimator() -> bool:
    """Whether the estimator is there."""
    return holistic().environment.installed


def estimate(request: EstimateRequest, data: bytes, on_frames: Callable[[], None] = lambda: None) -> Answer:
    """The poses of a video, as `pose-core estimate` writes them.

    Args:
        request: what.
        data: the video.
        on_frames: called after every few frames; what it raises ends the work.

    Raises:
        NotInstalledError: without the estimator.
        UserError: no video, one that is too long, or one that shows nobody.
    """
    if not has_estimator():
        raise NotInstalledError(MISSING)
    with stored(data, NAME) as path, open_video(path) as video:
        check_frames(video.length or 0, NAME)
        pieces = []
        with holistic().start(lambda _: None) as worker, closing(worker.estimate(video, video.image_size)) as poses:
            for piece in poses:
                on_frames()
                pieces.append(piece)
        keypoints, confidence = (np.concatenate(each) for each in zip(*pieces, strict=True))
        if not (confidence > 0).any():
            raise UserError(f"{NAME}: nobody is visible in its {len(keypoints):,} frames")
        sequence = PoseSequence(keypoints, confidence, video.fps, skeleton_of(worker.poses), (*video.size, 0))
        return poses_answer(sequence, request.format, NAME, [message for message, _ in video.warnings()], worker.name)
