"""A person's proportions from a clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, UserError
from pose_core.skeleton import named_skeleton
from pose_core.transforms import to_layout
from text_to_pose.signing.body import MEAN_BODY, Body
from text_to_pose.signing.figure import Figure, figure
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.motion import HandMotion, Motion
from text_to_pose.signing.person import body_of


def waving(body: Body, frames: int = 20) -> Figure:
    """Arms from hanging to stretched sideways, palms to the camera."""
    time = np.linspace(0, 1, frames)[:, None]
    wrist = np.array([-0.22, -0.5, 0.0]) * (1 - time) + np.array([-0.66, 0.0, 0.05]) * time
    sideways = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotation = np.tile(sideways, (frames, 1, 1))
    right = HandMotion(wrist, rotation, np.zeros((frames, 21)))
    left = HandMotion(wrist * [-1, 1, 1], mirrored_rotation(rotation), right.angles)
    return figure(Motion(25.0, right, left, np.zeros((frames, 2, 3)), np.zeros((frames, 3)), ()), body)


def pictured(shown: Figure) -> PoseSequence:
    """As a camera far away sees it."""
    points = np.concatenate([shown.joints, shown.face, shown.hands.reshape(len(shown), 42, 3)], axis=1)
    pixels = points * [1000.0, -1000.0, -1000.0] + [640.0, 500.0, 0.0]
    confidence = np.ones(pixels.shape[:2], np.float32)
    return PoseSequence(pixels.astype(np.float32), confidence, 25.0, named_skeleton("holistic_543", 3), (1280, 1000, 0))


@pytest.mark.parametrize("layout", ["holistic_543", "holistic_178"])
def test_proportions_of_a_person_are_found(layout):
    person = Body.drawn(np.random.default_rng(5))
    person = person.scaled(MEAN_BODY.shoulder_width / person.shoulder_width)
    found = body_of(to_layout(pictured(waving(person)), layout))
    assert abs(found.arm / person.arm - 1) < 0.06
    assert np.abs(found.hand.lengths / person.hand.lengths - 1).max() < 0.06
    assert np.allclose(found.hips, person.hips, atol=0.005)
    assert np.linalg.norm(found.face - person.face, axis=-1).max() < 0.012
    unlike = np.linalg.norm(MEAN_BODY.face - person.face, axis=-1).mean()
    assert np.linalg.norm(found.face - person.face, axis=-1).mean() < unlike / 2


def test_what_is_not_seen_is_the_mean_signers():
    clip = pictured(waving(MEAN_BODY))
    only_shoulders = np.zeros_like(clip.confidence)
    only_shoulders[:, 11:13] = 1
    found = body_of(replace(clip, confidence=only_shoulders))
    assert found.arm == MEAN_BODY.arm
    assert np.array_equal(found.face, MEAN_BODY.face)
    assert np.array_equal(found.hand.lengths, MEAN_BODY.hand.lengths)


def test_hands_alone_and_flat_pictures_are_enough():
    clip = pictured(waving(Body.drawn(np.random.default_rng(1))))
    confidence = clip.confidence.copy()
    confidence[:, : 33 + 468] = 0
    assert body_of(replace(clip, confidence=confidence)).arm == MEAN_BODY.arm
    assert body_of(to_layout(clip, named_skeleton("openpose_137", 2))).arm == pytest.approx(body_of(clip).arm, rel=0.01)


def test_a_clip_of_nobody_is_refused():
    clip = pictured(waving(MEAN_BODY))
    with pytest.raises(UserError, match="shows nobody"):
        body_of(replace(clip, confidence=np.zeros_like(clip.confidence)))


def test_one_wild_frame_does_not_make_a_giant():
    clip = pictured(waving(MEAN_BODY))
    wild = clip.keypoints.copy()
    wild[3] *= 1000
    found = body_of(replace(clip, keypoints=wild))
    assert 0.85 < found.arm / MEAN_BODY.arm < 1.3
    assert np.isfinite(found.face).all()
