from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ht_vae.data.preprocessing import PoseDataProcessor, common_skeleton
from pose_core import UserError, read, write
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import normalize


def test_prepared_is_in_shoulder_widths_about_the_middle_of_the_shoulders(clip, skeleton):
    sequence = clip(30)
    prepared = PoseDataProcessor()(sequence)
    assert (len(prepared), prepared.skeleton, prepared.size) == (30, skeleton, (0, 0, 0))
    left, right = (prepared.keypoints[:, i] for i in skeleton.shoulders())
    assert np.linalg.norm(left - right, axis=-1).mean() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(((left + right) / 2).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(prepared.confidence, sequence.confidence)
    assert not prepared.keypoints[prepared.confidence == 0].any()
    expected, _ = normalize(sequence.on_skeleton(skeleton))
    np.testing.assert_allclose(prepared.keypoints, expected.keypoints, atol=1e-6)


def test_where_and_how_large_a_person_is_makes_no_difference(clip):
    sequence = clip(20)
    elsewhere = replace(sequence, keypoints=3 * sequence.keypoints - 40, size=(1500, 1500, 0))
    first, second = (PoseDataProcessor()(each) for each in (sequence, elsewhere))
    np.testing.assert_allclose(first.keypoints, second.keypoints, atol=1e-5)


def test_a_csv_is_what_the_pose_file_of_it_is(body, tmp_path):
    sequence = body(25)
    write(sequence, tmp_path / "a.csv")
    assert "-0." in (tmp_path / "a.csv").read_text()  # y up there
    from_csv, from_memory = (PoseDataProcessor()(each) for each in (read(tmp_path / "a.csv"), sequence))
    np.testing.assert_allclose(from_csv.keypoints, from_memory.keypoints, atol=1e-6)
    hips = from_csv.keypoints[:, from_csv.skeleton.hips(), 1]
    assert (hips > 1).all()  # y down here: below the shoulders


def test_it_is_undone(clip, skeleton):
    sequence = clip(12)
    processor = PoseDataProcessor(skeleton=skeleton)
    back = processor.restore(*processor.process(sequence))
    seen = sequence.confidence > 0
    np.testing.assert_allclose(back.keypoints[seen], sequence.keypoints[..., :2][seen], atol=1e-3)
    assert back.size == sequence.size


def test_a_wild_shoulder_moves_nothing_else(clip, skeleton):
    sequence = clip(12)
    keypoints = sequence.keypoints.copy()
    keypoints[4, skeleton.shoulders()[0], 0] = 1400  # inside what `clean` allows: two picture sizes
    keypoints[6, 3, 1] = np.nan
    prepared = PoseDataProcessor()(replace(sequence, keypoints=keypoints))
    changed = np.argwhere(prepared.confidence != sequence.confidence)
    assert changed.tolist() == [[4, skeleton.shoulders()[0]], [6, 3]]
    hidden = sequence.confidence.copy()
    hidden[4, skeleton.shoulders()[0]] = hidden[6, 3] = 0
    expected = PoseDataProcessor()(replace(sequence, confidence=hidden))
    np.testing.assert_array_equal(prepared.keypoints, expected.keypoints)


def test_which_keypoints_are_left(body):
    counts = {}
    for keypoints in ("reduced", "hands_and_body", "all"):
        processor = PoseDataProcessor(keypoints)
        sequences = fake_sequence(face_points=6), body()
        counts[keypoints] = [processor(sequence).skeleton.num_keypoints for sequence in sequences]
    assert counts == {"reduced": [51, 8], "hands_and_body": [50, 8], "all": [56, 8]}


def test_files_of_one_kind_share_the_skeleton_of_the_most_keypoints(skeleton):
    short = skeleton.select([i for i in range(50) if i != 9])
    assert common_skeleton([(Path("a"), short), (Path("b"), skeleton)]) == skeleton
    prepared = PoseDataProcessor(skeleton=skeleton)(fake_sequence().select([i for i in range(50) if i != 9]))
    assert prepared.skeleton == skeleton
    assert not prepared.confidence[:, 9].any()


def test_a_mixture_is_refused_by_both_names(skeleton, body):
    files = [(Path("a.pose"), skeleton), (Path("b.csv"), body().skeleton)]
    with pytest.raises(UserError, match=r"^b.csv: has 8 keypoints \(POSE_LANDMARKS 8\), while a.pose has 50 keypoints"):
        common_skeleton(files)


def test_a_model_takes_its_keypoints_of_a_file_that_has_more(clip, skeleton, body):
    made = PoseDataProcessor(skeleton=skeleton)(clip(face_points=4))
    np.testing.assert_array_equal(made.keypoints, PoseDataProcessor("hands_and_body")(clip(face_points=4)).keypoints)
    with pytest.raises(UserError, match="lacks LEFT_HAND_LANDMARKS, RIGHT_HAND_LANDMARKS; the model is for 50 keypo"):
        PoseDataProcessor(skeleton=skeleton)(body())


def test_what_cannot_be_placed_is_refused(clip):
    sequence = clip(5)
    nobody = replace(sequence, confidence=np.zeros_like(sequence.confidence))
    with pytest.raises(UserError, match="both shoulders are seen in no frame"):
        PoseDataProcessor()(nobody)
    hands = sequence.select(fake_skeleton().hand("right"))
    with pytest.raises(UserError, match="no shoulders"):
        PoseDataProcessor()(hands)
