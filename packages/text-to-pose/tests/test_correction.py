import numpy as np
import pytest
import torch

from pose_core import UserError, read, write
from pose_core.testing import fake_sequence
from pose_core.transforms import fill_gaps
from text_to_pose.correction import FILLED, correct


def hidden(sequence, frames=slice(0, 0), keypoints=()):
    """The sequence without some frames and keypoints, and with something meaningless in their place."""
    keypoint, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    confidence[frames] = 0
    confidence[:, list(keypoints)] = 0
    keypoint[confidence == 0] = 12345.0
    return type(sequence)(keypoint, confidence, sequence.fps, sequence.skeleton, sequence.size)


@pytest.mark.parametrize("fps", [25.0, 30.0, 50.0])
def test_what_was_seen_stays_bit_for_bit_and_the_gap_is_filled(model, fps):
    broken = hidden(fake_sequence(frames=31, fps=fps, face_points=5), slice(10, 16), [3])
    fixed = correct(model, broken)
    seen = broken.confidence > 0
    np.testing.assert_array_equal(fixed.keypoints[seen], broken.keypoints[seen])
    np.testing.assert_array_equal(fixed.confidence[seen], broken.confidence[seen])
    assert (fixed.fps, fixed.size, len(fixed)) == (fps, broken.size, 31)
    right = fixed.skeleton.hand("right")
    assert (fixed.confidence[10:16, right] == FILLED).all()
    assert np.isfinite(fixed.keypoints).all()
    face = [i for i, (component, _) in enumerate(fixed.skeleton.keypoints) if component == "FACE_LANDMARKS"]
    assert (fixed.confidence[10:16, face] == 0).all()  # no keypoints of the model
    assert (fixed.confidence[:, fixed.skeleton.hand("left")] == 0).all()  # never seen
    assert (fixed.confidence[:, 3] == 0).all()


def test_a_model_that_says_nothing_leaves_the_line_between_what_was_seen(model):
    torch.nn.init.zeros_(model.denoiser.head.weight)
    torch.nn.init.zeros_(model.denoiser.head.bias)
    broken = hidden(fake_sequence(frames=40), slice(12, 19))
    fixed, straight = correct(model, broken), fill_gaps(broken)
    right = broken.skeleton.hand("right")
    np.testing.assert_allclose(fixed.keypoints[:, right], straight.keypoints[:, right], atol=0.05)


def test_short_gaps_are_lines_whatever_the_model_says(model):
    broken = hidden(fake_sequence(frames=60), slice(12, 24))
    right = broken.skeleton.hand("right")
    straight = fill_gaps(broken).keypoints
    np.testing.assert_allclose(correct(model, broken).keypoints[:, right], straight[:, right], atol=0.05)
    longer = hidden(broken, slice(12, 40))
    assert np.abs(correct(model, longer).keypoints - fill_gaps(longer).keypoints)[12:40, right].max() > 1


def test_empty_first_frames_are_filled(model):
    broken = hidden(fake_sequence(frames=20), slice(0, 4))
    fixed = correct(model, broken)
    assert (fixed.confidence[:4, fixed.skeleton.hand("right")] == FILLED).all()
    assert np.isfinite(fixed.keypoints).all()


def test_a_text_brings_its_signing_hand(model):
    sequence = fake_sequence(frames=12, hands=())
    assert (correct(model, sequence).confidence[:, sequence.skeleton.hand("right")] == 0).all()
    fixed = correct(model, sequence, text="A", signed_language="ase")
    assert (fixed.confidence[:, sequence.skeleton.hand("right")] == FILLED).all()
    assert (fixed.confidence[:, sequence.skeleton.hand("left")] == 0).all()


def test_nothing_missing_changes_nothing(model):
    sequence = fake_sequence(frames=9, hands=("left", "right"))
    fixed = correct(model, sequence)
    np.testing.assert_array_equal(fixed.keypoints, sequence.keypoints)
    np.testing.assert_array_equal(fixed.confidence, sequence.confidence)


def test_what_cannot_be_mended_is_refused(model):
    with pytest.raises(UserError, match="nobody is seen"):
        correct(model, hidden(fake_sequence(frames=5), slice(0, 5)))
    with pytest.raises(UserError, match="unknown signed language 'xyz'"):
        correct(model, fake_sequence(frames=5), text="A", signed_language="xyz")


def test_correct_writes_the_file(cli, folder, tmp_path):
    torch.manual_seed(0)
    broken = hidden(fake_sequence(frames=20), slice(5, 9))
    write(broken, tmp_path / "broken.pose")
    status, out, err = cli(
        "correct", tmp_path / "broken.pose", "--output", tmp_path / "fixed.pose", "--checkpoint", folder
    )
    assert status == 0, err
    assert "in 4 of 20 frames" in out
    before, after = read(tmp_path / "broken.pose"), read(tmp_path / "fixed.pose")
    seen = before.confidence > 0
    np.testing.assert_array_equal(after.keypoints[seen], before.keypoints[seen])
    status, _, err = cli("correct", tmp_path / "gone.pose", "--output", tmp_path / "a.pose", "--checkpoint", folder)
    assert status == 2
    assert "gone.pose" in err
    status, _, err = cli("correct", tmp_path / "broken.pose", "--output", tmp_path / "a.pose", "--text", "A")
    assert (status, "belong together" in err) == (2, True)
    assert not (tmp_path / "a.pose").exists()
