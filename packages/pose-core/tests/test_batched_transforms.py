"""Every transform gives a batch what it gives each of its sequences, whatever the padding."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import UserError
from pose_core.data import collate
from pose_core.sequence import PoseSequence
from pose_core.testing import fake_sequence
from pose_core.transforms import (
    Statistics,
    attach_hands,
    clean,
    correct_wrists,
    denormalize,
    distinct_keypoints,
    drop_face,
    fill_arms,
    fill_gaps,
    flip,
    hands_from_wrists,
    hold_hands,
    normalize,
    normalize_hands_3d,
    reduce_holistic,
    remove_legs,
    resample,
    standardize,
    stretch,
    unstandardize,
)


@pytest.fixture(scope="module")
def sequences():
    """Three clips of different length and rate, each with its own keypoints missing, garbage in their places."""
    clips = []
    for number, frames in enumerate((9, 14, 6)):
        random = np.random.default_rng(number)
        clip = fake_sequence(frames=frames, fps=(25.0, 30.0, 50.0)[number], shape=number, hands=("left", "right"))
        keypoints = clip.keypoints + random.normal(size=clip.keypoints.shape).astype(np.float32)
        confidence = random.uniform(0.2, 1, clip.confidence.shape).astype(np.float32)
        lost = random.random(confidence.shape) < 0.2
        lost[:, list(clip.skeleton.shoulders())] = False
        lost[frames // 2 :, clip.skeleton.hand("right")] = True
        keypoints[lost], confidence[lost] = np.nan, 0
        clips.append(replace(clip, keypoints=keypoints, confidence=confidence, size=(0, 0, 0)))
    return clips


def standardized(poses):
    return standardize(poses, Statistics.fit([fake_sequence(hands=("left", "right"))]))


TRANSFORMS = {
    "attach_hands": attach_hands,
    "clean": clean,
    "correct_wrists": correct_wrists,
    "distinct_keypoints": distinct_keypoints,
    "drop_face": drop_face,
    "fill_arms": fill_arms,
    "fill_gaps": fill_gaps,
    "fill_short_gaps": lambda poses: fill_gaps(poses, max_frames=1),
    "flip": flip,
    "hands_from_wrists": hands_from_wrists,
    "hold_hands": hold_hands,
    "hold_hands_shortly": lambda poses: hold_hands(poses, max_frames=2),
    "normalize": lambda poses: normalize(poses)[0],
    "normalize_hands_3d": normalize_hands_3d,
    "reduce_holistic": reduce_holistic,
    "remove_legs": remove_legs,
    "hide_legs": lambda poses: remove_legs(poses, hide=True),
    "resample_up": lambda poses: resample(poses, 60.0),
    "resample_down": lambda poses: resample(poses, 24.0),
    "standardize": standardized,
    "stretch": lambda poses: stretch(poses, 11),
}


SELECTIONS = ("distinct_keypoints", "drop_face", "remove_legs", "reduce_holistic")  # leave what is not there as it is


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_batch_is_its_sequences(sequences, name):
    transform = TRANSFORMS[name]
    batch = transform(collate(sequences))
    assert not batch.confidence[~batch.mask].any()
    assert not batch.keypoints[batch.confidence == 0].any()
    for row, sequence in enumerate(sequences):
        alone = transform(sequence)
        assert isinstance(alone, PoseSequence)
        length = int(batch.lengths[row])
        assert (length, float(batch.fps[row])) == (len(alone), alone.fps)
        assert alone.skeleton == batch.skeleton
        assert np.isfinite(alone.keypoints).all() or name in SELECTIONS
        np.testing.assert_allclose(batch.confidence[row, :length], alone.confidence, atol=1e-5)
        seen = alone.confidence > 0
        np.testing.assert_allclose(batch.keypoints[row, :length][seen], alone.keypoints[seen], atol=2e-3, rtol=1e-4)


def test_inverse_transforms_restore_a_batch(sequences):
    batch = clean(collate(sequences))
    normalized, placement = normalize(batch)
    torch.testing.assert_close(denormalize(normalized, placement).keypoints, batch.keypoints, atol=1e-2, rtol=1e-4)
    statistics = Statistics.fit(sequences)
    back = unstandardize(standardize(batch, statistics), statistics)
    torch.testing.assert_close(back.keypoints, batch.keypoints, atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(flip(flip(batch)).keypoints, batch.keypoints)


def test_gradients_pass_through(sequences):
    batch = clean(collate(sequences))
    for transform in (
        TRANSFORMS["normalize"],
        standardized,
        fill_gaps,
        fill_arms,
        hold_hands,
        attach_hands,
        normalize_hands_3d,
        flip,
    ):
        keypoints = batch.keypoints.clone().requires_grad_()
        out = transform(replace(batch, keypoints=keypoints)).keypoints
        (gradient,) = torch.autograd.grad(out.square().sum(), keypoints)
        assert torch.isfinite(gradient).all()
        assert gradient.any()


def test_the_bad_clip_of_a_batch_is_named(sequences):
    confidence = sequences[1].confidence.copy()
    confidence[:, 0] = 0
    batch = collate([sequences[0], replace(sequences[1], confidence=confidence)])
    with pytest.raises(UserError, match="clip 1 of the batch: both shoulders"):
        normalize(batch)
