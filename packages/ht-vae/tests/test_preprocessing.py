from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ht_vae.data.preprocessing import PoseDataProcessor, common_skeleton
from pose_core import UserError, read, write
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import normalize


def test_processed_sequences_are_in_shoulder_widths_around_the_mid_shoulder_point(clip, skeleton):
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


def test_position_and_size_of_a_person_make_no_difference(clip):
    sequence = clip(20)
    elsewhere = replace(sequence, keypoints=3 * sequence.keypoints - 40, size=(1500, 1500, 0))
    first, second = (PoseDataProcessor()(each) for each in (sequence, elsewhere))
    np.testing.assert_allclose(first.keypoints, second.keypoints, atol=1e-5)


def test_csvs_and_sequences_are_processed_alike(body, tmp_path):
    sequence = body(25)
    write(sequence, tmp_path / "a.csv")
    assert "-0." in (tmp_path / "a.csv").read_text()  # y up there
    from_csv, from_memory = (PoseDataProcessor()(each) for each in (read(tmp_path / "a.csv"), sequence))
    np.testing.assert_allclose(from_csv.keypoints, from_memory.keypoints, atol=1e-6)
    hips = from_csv.keypoints[:, from_csv.skeleton.hips(), 1]
    assert (hips > 1).all()  # y down here: below the shoulders


def test_restore_inverts_process(clip, skeleton):
    sequence = clip(12)
    processor = PoseDataProcessor(skeleton=skeleton)
    back = processor.restore(*processor.process(sequence))
    visible = sequence.confidence > 0
    np.testing.assert_allclose(back.keypoints[visible], sequence.keypoints[..., :2][visible], atol=1e-3)
    assert back.size == sequence.size


def test_an_outlier_shoulder_does_not_shift_the_others(clip, skeleton):
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


def test_keypoint_choices(body):
    counts = {}
    for keypoints in ("reduced", "hands_and_body", "all"):
        processor = PoseDataProcessor(keypoints)
        sequences = fake_sequence(face_points=6), body()
        counts[keypoints] = [processor(sequence).skeleton.num_keypoints for sequence in sequences]
    assert counts == {"reduced": [51, 8], "hands_and_body": [50, 8], "all": [56, 8]}


def test_common_skeleton_is_the_largest(skeleton):
    short = skeleton.select([i for i in range(50) if i != 9])
    assert common_skeleton([(Path("a"), short), (Path("b"), skeleton)]) == skeleton
    prepared = PoseDataProcessor(skeleton=skeleton)(fake_sequence().select([i for i in range(50) if i != 9]))
    assert prepared.skeleton == skeleton
    assert not prepared.confidence[:, 9].any()


def test_mixed_skeletons_are_refused_naming_both_files(skeleton, body):
    files = [(Path("a.pose"), skeleton), (Path("b.csv"), body().skeleton)]
    with pytest.raises(UserError, match=r"^b.csv: has 8 keypoints \(POSE_LANDMARKS 8\), while a.pose has 50 keypoints"):
        common_skeleton(files)


def test_the_models_keypoints_are_selected_by_name(clip, skeleton, body):
    output = PoseDataProcessor(skeleton=skeleton)(clip(face_points=4))
    np.testing.assert_array_equal(output.keypoints, PoseDataProcessor("hands_and_body")(clip(face_points=4)).keypoints)
    with pytest.raises(UserError, match="lacks LEFT_HAND_LANDMARKS, RIGHT_HAND_LANDMARKS; the model is for 50 keypo"):
        PoseDataProcessor(skeleton=skeleton)(body())


def test_sequences_without_shoulders_are_refused(clip):
    sequence = clip(5)
    nobody = replace(sequence, confidence=np.zeros_like(sequence.confidence))
    with pytest.raises(UserError, match="both shoulders are seen in no frame"):
        PoseDataProcessor()(nobody)
    hands = sequence.select(fake_skeleton().hand("right"))
    with pytest.raises(UserError, match="no shoulders"):
        PoseDataProcessor()(hands)
