from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import UserError, concatenate
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize
from pose_tokenizer.codec import encode
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, collate, prepare
from pose_tokenizer.placement import CENTER_STEPS, SCALE_STEPS, rounded


def test_prepared_is_in_shoulder_widths_from_the_first_frame_with_shoulders(clip, hidden, skeleton):
    sequence = clip(30)
    late = concatenate([hidden(sequence[:4], keypoints=[0, 1]), sequence])
    prepared = prepare(late, skeleton)
    assert (len(prepared), prepared.skeleton, prepared.size, prepared.fps) == (30, skeleton, (0, 0, 0), sequence.fps)
    assert prepared.keypoints.dtype == np.float32
    np.testing.assert_array_equal(prepared.confidence, sequence.confidence)
    left, right = (prepared.keypoints[:16, i] for i in skeleton.shoulders())
    # To the nearest point of the grid of placements.
    assert np.linalg.norm(left - right, axis=-1).mean() == pytest.approx(1, rel=2 ** (0.5 / SCALE_STEPS) - 1 + 1e-5)
    np.testing.assert_allclose((left + right).mean(axis=0) / 2, 0, atol=0.51 / CENTER_STEPS[0])
    missing = prepared.confidence == 0
    assert missing.any()
    assert not prepared.keypoints[missing].any()


def test_placement_of_a_still_person_is_pose_cores_normalization(skeleton):
    sequence = fake_sequence(frames=9)
    _, placement = normalize(sequence)
    place = rounded(placement)
    expected = (sequence.keypoints[..., :2] - place.center[:2]) / place.scale * (sequence.confidence > 0)[..., None]
    np.testing.assert_allclose(prepare(sequence, skeleton).keypoints, expected, atol=1e-5)


def test_prepare_and_stream_encoder_have_the_same_placement(clip, hidden, skeleton, lively):
    for step in (1, 15):  # the shoulders are seen so seldom that the encoder does not wait for all it would like
        sequence = clip(300)
        sequence = replace(sequence, keypoints=sequence.keypoints + np.arange(300, dtype=np.float32)[:, None, None] / 9)
        sequence = hidden(sequence, [t for t in range(300) if t % step], [0])
        place = encode(lively, sequence).header.placement
        expected = (sequence.keypoints[..., :2] - place.center) / place.scale
        prepared = prepare(sequence, skeleton)
        there = prepared.confidence > 0
        np.testing.assert_allclose(prepared.keypoints[there], expected[there], atol=1e-5)


def test_keypoints_beyond_max_distance_are_missing(clip, skeleton):
    sequence = clip(10)
    keypoints = sequence.keypoints.copy()
    keypoints[3, skeleton.hand("right")[4], 0] = 1e6
    keypoints[5, skeleton.hand("right")[5], 1] = np.nan
    kept = keypoints.copy()
    prepared = prepare(replace(sequence, keypoints=keypoints), skeleton)
    changed = np.argwhere(prepared.confidence != sequence.confidence)
    assert changed.tolist() == [[3, skeleton.hand("right")[4]], [5, skeleton.hand("right")[5]]]
    assert np.isfinite(prepared.keypoints).all()
    np.testing.assert_array_equal(keypoints, kept)


def test_clips_without_placement_are_refused(clip, hidden, skeleton):
    sequence = clip(5)
    for bad, message in (
        (hidden(sequence, keypoints=[0]), "both shoulders are seen in no frame"),
        (replace(sequence, keypoints=np.full_like(sequence.keypoints, 7)), "the shoulders lie on one point"),
    ):
        with pytest.raises(UserError, match=message):
            prepare(bad, skeleton)


@pytest.fixture
def sequences(clip, skeleton):
    return [prepare(clip(frames, seed=frames), skeleton) for frames in (9, 30, 12)]


def test_an_item_is_the_clip_or_a_piece_of_it(sequences):
    whole = ClipDataset(sequences)
    assert len(whole) == 3
    keypoints, seen = whole[1]
    np.testing.assert_array_equal(keypoints, sequences[1].keypoints)
    np.testing.assert_array_equal(seen, sequences[1].confidence > 0)
    cut = ClipDataset(sequences, sequence_length=10)
    assert [len(cut[i][0]) for i in range(3)] == [9, 10, 10]
    starts = set()
    for _ in range(60):
        piece, there = cut[2]
        (start,) = [s for s in range(3) if np.array_equal(sequences[2].keypoints[s : s + 10], piece)]
        np.testing.assert_array_equal(there, sequences[2].confidence[start : start + 10] > 0)
        starts.add(start)
    assert starts == {0, 1, 2}


def test_augmentation_of_items_depends_on_torchs_seed_alone(sequences):
    varied = ClipDataset(sequences, sequence_length=20, augmentation=Augmentation())
    torch.manual_seed(3)
    first = [varied[1] for _ in range(2)]
    torch.manual_seed(3)
    again = [varied[1] for _ in range(2)]
    for (a, a_seen), (b, b_seen) in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a_seen, b_seen)
    assert first[0][0].shape != first[1][0].shape or not np.allclose(first[0][0], first[1][0])
    assert all(len(keypoints) <= 20 for keypoints, _ in first)


def test_a_batch_is_filled_up_to_blocks_and_padded(sequences):
    items = [ClipDataset(sequences)[i] for i in (0, 2)]
    batch = collate(items, block_frames=4)
    assert batch.keypoints.shape == (2, 12, 50, 2)
    assert batch.block_mask.tolist() == [[True, True, True], [True, True, True]]
    assert batch.frame_mask.sum(dim=1).tolist() == [9, 12]
    np.testing.assert_array_equal(batch.keypoints[0, :9], items[0][0])
    for frame in (9, 10, 11):  # the last block is filled up by the last frame
        np.testing.assert_array_equal(batch.keypoints[0, frame], items[0][0][-1])
        np.testing.assert_array_equal(batch.visible[0, frame], items[0][1][-1])

    longer = collate([items[0], ClipDataset(sequences)[1]], block_frames=4)
    assert longer.block_mask.sum(dim=1).tolist() == [3, 8]
    assert longer.block_mask[0].tolist() == [True] * 3 + [False] * 5
    assert not longer.keypoints[0, 12:].any()
    assert not longer.visible[0, 12:].any()
    np.testing.assert_array_equal(longer.keypoints[0, :12], batch.keypoints[0])
    moved = longer.to("cpu")
    assert torch.equal(moved.block_mask, longer.block_mask)
    assert torch.equal(moved.frame_mask, longer.frame_mask)
