"""A person's proportions from a clip."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, UserError, read
from pose_core.skeleton import named_skeleton
from pose_core.transforms import to_layout
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.body import MEAN_BODY, Body
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.anatomy.person import body_of, measured
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.layouts import seen
from text_to_pose.signing.motion import HandMotion, Motion
from text_to_pose.signing.signer import sign
from text_to_pose.signing.view import Camera

SIGNS = [
    parse("hamfist hamextfingeru hampalml hamshoulders hammovei hamsmallmod"),
    parse("hamsymmlr hamflathand hamextfingeruo hampalmd hamchest hammover"),
]


def waving(body: Body, frames: int = 20) -> Figure:
    """Arms from hanging to stretched sideways, palms to the camera."""
    time = np.linspace(0, 1, frames)[:, None]
    wrist = np.array([-0.22, -0.5, 0.0]) * (1 - time) + np.array([-0.66, 0.0, 0.05]) * time
    sideways = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotation = np.tile(sideways, (frames, 1, 1))
    right = HandMotion(wrist, rotation, np.zeros((frames, 21)))
    left = HandMotion(wrist * [-1, 1, 1], mirrored_rotation(rotation), right.angles)
    return figure(Motion(25.0, right, left, np.zeros((frames, 2, 3)), np.zeros((frames, 3)), ()), body)


FLAT = named_skeleton("holistic_543", 2)


def pictured(person: Body, camera: Camera | None = None, layout: str = "holistic_543") -> PoseSequence:
    return seen(waving(person), camera, layout)


def somebody(seed: int) -> Body:
    person = Body.drawn(np.random.default_rng(seed))
    return person.scaled(MEAN_BODY.shoulder_width / person.shoulder_width)


CAMERAS = {
    "before": Camera(),
    "near": Camera(distance=1.0),
    "aside": Camera(turn=20),
    "above": Camera(height=0.4),
    "beside": Camera(turn=-10, height=-0.3, tilt=3, distance=1.3),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS.keys())
@pytest.mark.parametrize("layout", ["holistic_50", "holistic_178", "holistic_543", "openpose_137"])
def test_a_signer_is_given_back_on_every_layout_by_every_camera(layout, camera):
    person = somebody(5)
    clip = sign(SIGNS, body=person, layout=layout, camera=camera).sequence
    found = body_of(clip)
    assert abs(found.upper_arm / person.upper_arm - 1) < 0.03
    assert abs(found.forearm / person.forearm - 1) < 0.03
    assert np.abs(found.hand.lengths / person.hand.lengths - 1).max() < 0.03
    assert np.allclose(found.hips, person.hips, rtol=0.03)
    if layout == "holistic_543":
        unlike = np.linalg.norm(MEAN_BODY.face - person.face, axis=-1).mean()
        assert np.linalg.norm(found.face - person.face, axis=-1).mean() < max(unlike / 2, 0.004)


def test_left_and_right_handers_have_the_same_body():
    left, right = (body_of(sign(SIGNS, body=somebody(2), left_handed=hand).sequence) for hand in (True, False))
    assert left.arm == pytest.approx(right.arm, rel=0.005)
    assert np.allclose(left.hand.lengths, right.hand.lengths, rtol=0.005)


def test_what_is_not_seen_is_the_mean_signers():
    clip = pictured(MEAN_BODY)
    only_shoulders = np.zeros_like(clip.confidence)
    only_shoulders[:, 11:13] = 1
    found = body_of(replace(clip, confidence=only_shoulders))
    assert found.arm == MEAN_BODY.arm
    assert np.array_equal(found.face, MEAN_BODY.face)
    assert np.array_equal(found.hand.lengths, MEAN_BODY.hand.lengths)


def test_hands_alone_are_enough_and_it_says_that_arms_are_not_seen():
    clip = pictured(somebody(1))
    confidence = clip.confidence.copy()
    confidence[:, : 33 + 468] = 0
    found = measured(replace(clip, confidence=confidence))
    assert found.body.arm == MEAN_BODY.arm
    assert not np.array_equal(found.body.hand.lengths, MEAN_BODY.hand.lengths)
    assert found.notice == "no shoulders or arms in it; the mean adult signs, with these hands"
    assert measured(clip).notice is None


def test_flat_pictures_say_which_way_a_person_differs():
    person = replace(MEAN_BODY, upper_arm=0.255, forearm=0.240)
    found = body_of(to_layout(pictured(person), FLAT))
    assert person.arm < found.arm < body_of(to_layout(pictured(MEAN_BODY), FLAT)).arm


@pytest.mark.parametrize("dims", [2, 3])
def test_points_that_are_all_in_one_place_are_nobody(dims):
    clip = to_layout(pictured(MEAN_BODY), named_skeleton("holistic_543", dims))
    one = np.full_like(clip.keypoints, 100.0)
    with pytest.raises(UserError, match="shows nobody"):
        body_of(replace(clip, keypoints=one, confidence=np.ones_like(clip.confidence)))


def test_random_points_are_said_to_be_nobodys():
    clip = pictured(MEAN_BODY)
    noise = np.random.default_rng(0).uniform(0, 500, clip.keypoints.shape).astype(np.float32)
    found = measured(replace(clip, keypoints=noise, confidence=np.ones_like(clip.confidence)))
    assert found.notice == "its points do not move as a person's do; the mean adult signs"
    assert found.body is MEAN_BODY


def test_two_clips_of_a_real_person_agree(data_file):
    index = data_file("signs/index.csv")
    with index.open(encoding="utf-8") as file:
        clips = [row for row in csv.DictReader(file) if row["person"] in ("p05", "p12", "p20")]
    for person in ("p05", "p12", "p20"):
        paths = [index.parent / row["path"] for row in clips if row["person"] == person][:8]
        bodies = [body_of(read(path)) for path in paths]
        sizes = np.log([[b.upper_arm, b.forearm, b.hand.lengths[8], b.eyes[1], -b.hips[0, 1]] for b in bodies])
        apart = np.abs(sizes[:, None] - sizes[None])
        assert np.percentile(apart, 90, axis=(0, 1)).max() < np.log(1.05)


def test_a_clip_of_nobody_is_refused():
    clip = pictured(MEAN_BODY)
    with pytest.raises(UserError, match="shows nobody"):
        body_of(replace(clip, confidence=np.zeros_like(clip.confidence)))


def test_one_wild_frame_does_not_make_a_giant():
    clip = pictured(MEAN_BODY)
    wild = clip.keypoints.copy()
    wild[3] *= 1000
    found = body_of(replace(clip, keypoints=wild))
    assert 0.85 < found.arm / MEAN_BODY.arm < 1.3
    assert np.isfinite(found.face).all()
