from dataclasses import replace

import numpy as np
import pytest

from ht_vae.data.augmentation import BLEND_FRAMES, WIDE, Augmentation, blend_frames, mirrored, stitch
from ht_vae.data.preprocessing import PoseDataProcessor

STILL = Augmentation(mirror=0, min_speed=1, max_speed=1, rotation=0, scale=0, noise=0)


@pytest.fixture
def prepared(clip):
    """Makes a prepared clip."""

    def make(frames=20, seed=0, **options):
        return PoseDataProcessor()(clip(frames, seed, **options))

    return make


def random(seed=0):
    return np.random.default_rng(seed)


def test_zero_augmentation_is_the_identity(prepared):
    sequence = prepared()
    assert STILL.speed(random()) == 1
    varied = STILL(sequence, random())
    np.testing.assert_array_equal(varied.keypoints, sequence.keypoints)
    np.testing.assert_array_equal(varied.confidence, sequence.confidence)


def test_missing_keypoints_stay_missing_and_the_input_is_unchanged(prepared):
    sequence = prepared()
    kept = sequence.keypoints.copy()
    for seed in range(5):
        varied = Augmentation(mirror=0)(sequence, random(seed))
        np.testing.assert_array_equal(varied.confidence, sequence.confidence)
        assert not varied.keypoints[varied.confidence == 0].any()
        assert not np.array_equal(varied.keypoints, kept)
    np.testing.assert_array_equal(sequence.keypoints, kept)


def test_mirroring_swaps_hands_and_is_its_own_inverse(prepared, skeleton):
    sequence = prepared(hands=("left", "right"))
    varied = replace(STILL, mirror=1.0)(sequence, random())
    left, right = skeleton.hand("left"), skeleton.hand("right")
    np.testing.assert_allclose(varied.keypoints[:, left], sequence.keypoints[:, right] * [-1, 1], atol=1e-6)
    np.testing.assert_allclose(mirrored(varied).keypoints, sequence.keypoints, atol=1e-6)


def test_skeletons_without_mirror_pairs_are_not_mirrored(prepared, skeleton):
    sequence = prepared().select([i for i in range(50) if i not in skeleton.hand("left")])
    assert mirrored(sequence) is sequence


def test_rotation_and_scale_keep_the_shape(prepared, skeleton):
    sequence = prepared()
    varied = Augmentation(mirror=0, rotation=1.0, scale=0.5, noise=0)(sequence, random())
    limbs = skeleton.limbs[(sequence.confidence[0][skeleton.limbs] > 0).all(axis=1)]

    def lengths(keypoints):
        return np.linalg.norm(keypoints[:, limbs[:, 0]] - keypoints[:, limbs[:, 1]], axis=-1)

    share = lengths(varied.keypoints) / lengths(sequence.keypoints)
    assert share.std() < 1e-4
    assert abs(share.mean() - 1) > 1e-3


def test_stitching_changes_clips_only_in_their_overlaps(prepared):
    clips = [prepared(frames, seed) for seed, frames in enumerate((30, 20, 40))]
    output = stitch(clips)
    assert len(output) == 90 - 2 * BLEND_FRAMES
    np.testing.assert_array_equal(output.keypoints[: 30 - BLEND_FRAMES], clips[0].keypoints[:-BLEND_FRAMES])
    np.testing.assert_array_equal(
        output.keypoints[30 : 50 - 2 * BLEND_FRAMES], clips[1].keypoints[BLEND_FRAMES:-BLEND_FRAMES]
    )
    np.testing.assert_array_equal(output.keypoints[-(40 - BLEND_FRAMES) :], clips[2].keypoints[BLEND_FRAMES:])
    np.testing.assert_array_equal(output.confidence[0], clips[0].confidence[0])
    assert stitch(clips[:1]) is clips[0]


def test_cross_fades_are_linear(prepared):
    a, b = prepared(20), prepared(20, 1)
    still = [replace(each, keypoints=np.repeat(each.keypoints[:1], 20, axis=0)) for each in (a, b)]
    output = stitch(still)
    joint = output.keypoints[20 - BLEND_FRAMES - 1 : 20 + 1]
    steps = np.diff(joint, axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], steps.shape), atol=1e-5)


def test_keypoints_visible_in_one_clip_are_not_blended(prepared, skeleton):
    a, b = prepared(20, hands=("left",)), prepared(20, 1, hands=("right",))
    output = stitch([a, b])
    joint = slice(20 - BLEND_FRAMES, 20)
    for side, sequence, frames in (("left", a, slice(20 - BLEND_FRAMES, 20)), ("right", b, slice(0, BLEND_FRAMES))):
        hand = skeleton.hand(side)
        np.testing.assert_array_equal(output.keypoints[joint, hand], sequence.keypoints[frames, hand])
        assert (output.confidence[joint, hand] == 1).all()
    assert not output.confidence[20:, skeleton.hand("left")].any()
    assert not output.keypoints[output.confidence == 0].any()


@pytest.mark.parametrize(("before", "after", "expected"), [(20, 20, BLEND_FRAMES), (1, 20, 0), (20, 1, 0), (5, 20, 2)])
def test_short_clips_have_shorter_cross_fades(before, after, expected, prepared):
    assert blend_frames(before, after) == expected
    assert len(stitch([prepared(before), prepared(after, 1)])) == before + after - expected


def test_wide_augmentation_gives_other_arms_and_faces_and_keeps_hands_on_their_wrists(clip):
    sequence = PoseDataProcessor()(clip(20, hands=("left", "right"), face_points=128))
    skeleton = sequence.skeleton
    lengths, gaps = [], []
    for seed in range(20):
        varied = replace(WIDE, mirror=0, noise=0)(sequence, random(seed))
        elbow, wrist, hand = skeleton.elbow("left"), skeleton.wrist("left"), skeleton.hand("left")
        lengths.append(np.linalg.norm(varied.keypoints[:, wrist] - varied.keypoints[:, elbow], axis=-1).mean())
        gaps.append(np.linalg.norm(varied.keypoints[:, wrist] - varied.keypoints[:, hand[0]], axis=-1).mean())
    gap = np.linalg.norm(sequence.keypoints[:, wrist] - sequence.keypoints[:, hand[0]], axis=-1).mean()
    assert np.std(lengths) > 0.05 * np.mean(lengths)
    assert max(gaps) < 1.3 * gap
