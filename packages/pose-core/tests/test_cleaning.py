"""Cleaning of the artefacts that estimators and exporters leave behind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import PoseSequence, UserError, concatenate
from pose_core.data import collate
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton
from pose_core.transforms import clean, flip, normalize


def changed(sequence, part, **values):
    """The sequence with other values in the keypoints of `part`: x, y, z or confidence."""
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    for name, value in values.items():
        if name == "confidence":
            confidence[:, part] = value
        else:
            keypoints[:, part, "xyz".index(name)] = value
    return replace(sequence, keypoints=keypoints, confidence=confidence)


def test_keypoints_without_z_keep_x_and_y(holistic):
    cleaned = clean(changed(holistic, range(8), z=np.nan))
    assert (cleaned.confidence[:, :8] > 0).all()
    np.testing.assert_array_equal(cleaned.keypoints[:, :8, :2], holistic.keypoints[:, :8, :2])
    assert not cleaned.keypoints[:, :8, 2].any()
    np.testing.assert_array_equal(cleaned.keypoints[:, 8:], holistic.keypoints[:, 8:])


def test_hands_without_confidence_are_visible_where_they_have_coordinates(holistic):
    hand = holistic.skeleton.hand("right")
    sequence = changed(holistic, hand, confidence=np.nan)
    sequence.keypoints[3, hand] = np.nan
    cleaned = clean(sequence)
    assert cleaned.confidence[:, hand].all(axis=1).tolist() == [frame != 3 for frame in range(12)]
    one = changed(holistic, hand[:1], confidence=np.nan)  # the others have one: this point was not found
    assert not clean(one).confidence[:, hand[0]].any()


def test_a_hand_in_the_corner_of_the_picture_is_missing(holistic):
    hand = holistic.skeleton.hand("left")
    sequence = changed(holistic, hand, x=0, y=0, z=0, confidence=1)
    assert clean(sequence).hand_share("left") == 0
    assert clean(replace(sequence, size=(0, 0, 0))).hand_share("left") == 0  # a whole hand at one point
    batch = collate([sequence])
    batch = replace(batch, confidence=torch.ones_like(batch.confidence))
    assert not clean(batch).confidence[..., hand].any()
    elbow = changed(holistic, [2], x=0, y=0, z=0)
    assert not clean(elbow).confidence[:, 2].any()
    normalized = normalize(holistic)[0]
    middle = changed(normalized, [2], x=0, y=0, z=0)  # between the shoulders, as an elbow may be
    assert (clean(middle).confidence[:, 2] > 0).all()


def test_a_threshold_for_scores(holistic):
    hand = holistic.skeleton.hand("right")
    sequence = changed(holistic, range(54), confidence=6.0)
    sequence = changed(sequence, hand, confidence=0.2)
    assert clean(sequence).hand_share("right") == 1
    cleaned = clean(sequence, min_confidence=0.3)
    assert cleaned.hand_share("right") == 0
    assert (cleaned.confidence[:, :8] == 1).all()


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint16, np.float16, np.float64])
def test_normalize_gives_the_same_for_any_dtype(holistic, dtype):
    rounded = replace(holistic, keypoints=np.abs(holistic.keypoints.round()))
    sequence = replace(rounded, keypoints=rounded.keypoints.astype(dtype), confidence=(rounded.confidence > 0))
    assert sequence.keypoints.dtype == (np.float64 if dtype == np.float64 else np.float32)
    assert sequence.confidence.dtype == np.float32
    normalized = normalize(sequence)[0].keypoints
    np.testing.assert_allclose(normalized, normalize(rounded)[0].keypoints, atol=1e-5)
    assert len(np.unique(normalized)) > 50


def test_masked_array_values_are_missing(holistic):
    mask = np.zeros(holistic.keypoints.shape, bool)
    hand = holistic.skeleton.hand("right")
    mask[2:5, hand] = True
    mask[7, hand[3], 1] = True
    ones = np.ones(holistic.confidence.shape, np.float32)
    sequence = PoseSequence(np.ma.masked_array(holistic.keypoints, mask), ones, 25.0, holistic.skeleton, holistic.size)
    assert not np.ma.isMaskedArray(sequence.keypoints)
    assert sequence.confidence[2:5][:, hand].sum() == 0
    assert (sequence.confidence == 0).sum() == 3 * 21 + 1
    masked = replace(holistic, confidence=np.ma.masked_array(ones, holistic.confidence == 0))
    np.testing.assert_array_equal(masked.confidence > 0, holistic.confidence > 0)
    assert not np.ma.isMaskedArray(normalize(sequence)[0].keypoints)


def test_arrays_that_hold_no_numbers_are_refused(holistic):
    with pytest.raises(UserError, match="keypoints are object, not numbers"):
        replace(holistic, keypoints=holistic.keypoints.astype(object))
    with pytest.raises(UserError, match="confidence are complex64"):
        replace(holistic, confidence=holistic.confidence.astype(np.complex64))


def world(frames=4):
    """A person with MediaPipe's world landmarks: meters from the point between the hips."""
    skeleton = known_skeleton(576, 3)
    random = np.random.default_rng(0)
    keypoints = random.uniform(100, 500, (frames, 576, 3)).astype(np.float32)
    keypoints[:, 543:] = random.uniform(-0.8, 0.8, (frames, 33, 3))
    return PoseSequence(keypoints, np.ones((frames, 576), np.float32), 25.0, skeleton, (640, 480, 0))


def test_world_landmarks_are_mirrored_about_their_own_middle():
    sequence = world()
    flipped = flip(sequence)
    left, right = (sequence.skeleton.index("POSE_WORLD_LANDMARKS", f"{side}_WRIST") for side in ("LEFT", "RIGHT"))
    np.testing.assert_array_equal(flipped.keypoints[:, left, 0], -sequence.keypoints[:, right, 0])
    np.testing.assert_array_equal(flipped.keypoints[:, left, 1:], sequence.keypoints[:, right, 1:])
    wrist = sequence.skeleton.wrist("left"), sequence.skeleton.wrist("right")
    np.testing.assert_array_equal(flipped.keypoints[:, wrist[0], 0], 640 - sequence.keypoints[:, wrist[1], 0])
    np.testing.assert_allclose(flip(flipped).keypoints, sequence.keypoints, atol=1e-3)
    batch = flip(collate([sequence]))
    np.testing.assert_array_equal(batch.keypoints[0, :, left, 0], -sequence.keypoints[:, right, 0])


def test_concatenation_scales_to_the_first_picture(holistic):
    twice = replace(holistic, keypoints=holistic.keypoints * 2, size=(1280, 960, 0))
    with pytest.warns(InputWarning, match="pictures are 640 x 480, 1280 x 960; all are scaled to the first"):
        whole = concatenate([holistic, twice])
    np.testing.assert_allclose(whole.keypoints[12:], holistic.keypoints, atol=1e-4)
    assert whole.size == holistic.size
    # A portrait fits into the middle of a landscape: its left edge lies at (640 - 270) / 2.
    portrait = replace(holistic, size=(1080, 1920, 0))
    with pytest.warns(InputWarning, match="1080 x 1920"):
        whole = concatenate([holistic, portrait])
    seen = holistic.confidence > 0
    np.testing.assert_allclose(whole.keypoints[12:][seen][:, 0], holistic.keypoints[seen][:, 0] / 4 + 185, atol=1e-3)
    np.testing.assert_allclose(whole.keypoints[12:][seen][:, 1], holistic.keypoints[seen][:, 1] / 4, atol=1e-3)
    assert not whole.keypoints[12:][~seen].any()
    with pytest.raises(UserError, match="different units; normalize or denormalize"):
        concatenate([holistic, normalize(holistic)[0]])


def test_world_landmarks_stay_in_meters_when_sequences_are_joined():
    small = world()
    large = replace(small, size=(1280, 960, 0))
    with pytest.warns(InputWarning):
        whole = concatenate([small, large])
    np.testing.assert_array_equal(whole.keypoints[4:, 543:], small.keypoints[:, 543:])
    np.testing.assert_allclose(whole.keypoints[4:, :543], small.keypoints[:, :543] / 2, atol=1e-3)
