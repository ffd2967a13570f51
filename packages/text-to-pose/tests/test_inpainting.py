import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import PoseSequence, UserError, read, write
from pose_core.metrics.anatomy import anatomy
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import clean, fill_gaps
from text_to_pose.inpainting import FILLED, correct
from text_to_pose.missing_keypoints import described, missing_because


def hidden(sequence, frames=slice(0, 0), keypoints=()):
    """The sequence without some frames and keypoints, and with something meaningless in their place."""
    keypoint, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    confidence[frames] = 0
    confidence[:, list(keypoints)] = 0
    keypoint[confidence == 0] = 12345.0
    return type(sequence)(keypoint, confidence, sequence.fps, sequence.skeleton, sequence.size)


@pytest.mark.parametrize("fps", [25.0, 30.0, 50.0])
def test_correct_fills_gaps_and_keeps_visible_keypoints_bit_for_bit(model, fps):
    broken = hidden(fake_sequence(frames=31, fps=fps, face_points=5), slice(10, 16), [3])
    fixed = correct(model, broken)
    visible = broken.confidence > 0
    np.testing.assert_array_equal(fixed.keypoints[visible], broken.keypoints[visible])
    np.testing.assert_array_equal(fixed.confidence[visible], broken.confidence[visible])
    assert (fixed.fps, fixed.size, len(fixed)) == (fps, broken.size, 31)
    right = fixed.skeleton.hand("right")
    assert (fixed.confidence[10:16, right] == FILLED).all()
    assert np.isfinite(fixed.keypoints).all()
    face = [i for i, (component, _) in enumerate(fixed.skeleton.keypoints) if component == "FACE_LANDMARKS"]
    assert (fixed.confidence[10:16, face] == 0).all()  # no keypoints of the model
    assert (fixed.confidence[:, fixed.skeleton.hand("left")] == 0).all()  # never seen
    assert (fixed.confidence[:, 3] == 0).all()


def test_inpainting_with_a_constant_model_interpolates(model):
    torch.nn.init.zeros_(model.denoiser.head.weight)
    torch.nn.init.zeros_(model.denoiser.head.bias)
    broken = hidden(fake_sequence(frames=40), slice(12, 19))
    fixed, straight = correct(model, broken), fill_gaps(broken)
    right = broken.skeleton.hand("right")
    np.testing.assert_allclose(fixed.keypoints[:, right], straight.keypoints[:, right], atol=0.05)


def test_short_gaps_are_interpolated_without_the_model(model):
    broken = hidden(fake_sequence(frames=60), slice(12, 24))
    right = broken.skeleton.hand("right")
    straight = fill_gaps(broken).keypoints
    signed = {"text": "A", "signed_language": "ase"}
    np.testing.assert_allclose(correct(model, broken, **signed).keypoints[:, right], straight[:, right], atol=0.05)
    longer = hidden(broken, slice(12, 40))
    line = fill_gaps(longer).keypoints
    assert np.abs(correct(model, longer, **signed).keypoints - line)[12:40, right].max() > 1
    np.testing.assert_allclose(
        correct(None, longer).keypoints[:, right], line[:, right], atol=0.05
    )  # no text, no model


@pytest.mark.parametrize("ends", ["hold", "generate"])
def test_ends_generate_fills_empty_first_frames(model, ends):
    broken = hidden(fake_sequence(frames=20), slice(0, 4))
    assert not correct(model, broken).confidence[:4].any()
    fixed = correct(model, broken, ends=ends)
    assert (fixed.confidence[:4, fixed.skeleton.hand("right")] == FILLED).all()
    assert np.isfinite(fixed.keypoints).all()


def dictionary_clip(fps=30.0, layout=None):
    """Arms down, up, down; hands seen while they are up, but for a few frames; all in the picture."""
    clip = fake_sequence(frames=60, fps=fps, hands=("left", "right"))
    if layout is not None:
        clip = clip.on_skeleton(layout)
    hands = [k for side in ("left", "right") for k in clip.skeleton.hand(side)]
    broken = clip
    for frames in (slice(0, 14), slice(24, 31), slice(47, None)):
        confidence = broken.confidence.copy()
        confidence[frames, hands] = 0
        broken = replace(broken, confidence=confidence)
    return hidden(broken)


@pytest.mark.parametrize("text", [None, "A"])
@pytest.mark.parametrize("ends", ["missing", "hold", "generate"])
def test_filled_hands_are_attached_to_their_arms(model, ends, text):
    broken = dictionary_clip()
    fixed = correct(model, broken, ends=ends, text=text, signed_language="ase" if text else "")
    visible = broken.confidence > 0
    np.testing.assert_array_equal(fixed.keypoints[visible], broken.keypoints[visible])
    body = anatomy(clean(fixed), reference=clean(broken))
    for side in ("left", "right"):
        hand = fixed.skeleton.hand(side)
        shown = (fixed.confidence[:, hand] > 0).all(axis=1)
        assert shown[14:47].all()
        assert shown.all() == (ends != "missing")
        assert shown[:14].any() == shown[47:].any() == (ends != "missing")
        assert np.nanmax(body.wrist_gap[side]) < 0.15
        assert np.nanmax(body.palm_size[side]) < 1.5
    assert (clean(fixed).confidence > 0).sum() == (fixed.confidence > 0).sum()


@pytest.mark.parametrize("fps", [12.5, 50.0])
def test_ends_hold_keeps_the_nearest_visible_hand(fps):
    broken = dictionary_clip(fps=fps)
    fixed = correct(None, broken, ends="hold")
    hand = fixed.skeleton.hand("right")
    apart = np.linalg.norm(fixed.keypoints[:, hand, None, :2] - fixed.keypoints[:, None, hand, :2], axis=-1)
    np.testing.assert_allclose(apart[:14], np.repeat(apart[14:15], 14, axis=0), atol=0.01)
    np.testing.assert_allclose(apart[47:], np.repeat(apart[46:47], 13, axis=0), atol=0.01)
    wrist = fixed.skeleton.wrist("right")
    np.testing.assert_allclose(fixed.keypoints[:, hand[0], :2], fixed.keypoints[:, wrist, :2], atol=0.01)


def test_ends_hold_moves_arms_with_the_shoulder():
    clip = fake_sequence(frames=30, hands=("left", "right"))
    skeleton = clip.skeleton
    keypoints = clip.keypoints + np.linspace(0, 60, 30, dtype=np.float32)[:, None, None] * np.float32([1, 0, 0])
    arm = [skeleton.elbow("left"), skeleton.wrist("left"), *skeleton.hand("left")]
    confidence = clip.confidence.copy()
    confidence[20:, arm] = 0
    fixed = correct(None, replace(clip, keypoints=keypoints, confidence=confidence), ends="hold")
    displacement = keypoints[20:, skeleton.shoulders()[0]] - keypoints[19, skeleton.shoulders()[0]]
    expected = keypoints[19, arm[:3]] + displacement[:, None]
    np.testing.assert_allclose(fixed.keypoints[20:, arm[:3], :2], expected[..., :2], atol=0.01)
    assert (fixed.confidence[20:, arm] == FILLED).all()


def test_keypoints_outside_the_picture_stay_missing():
    broken = dictionary_clip()
    broken = replace(broken, size=(500, 320, 0))  # the arms hang out of it
    fixed = correct(None, broken, ends="hold")
    filled = (fixed.confidence > 0) & ~(broken.confidence > 0)
    for side in ("left", "right"):
        hand, wrist = fixed.skeleton.hand(side), fixed.skeleton.wrist(side)
        shown = filled[:, hand].any(axis=1)
        assert shown[9:14].any()
        assert (fixed.keypoints[shown, wrist, 1] < 330).all()
        assert not shown[fixed.keypoints[:, wrist, 1] > 330].any()


def test_max_gap_leaves_longer_gaps_missing():
    broken = dictionary_clip(fps=30.0)  # seven frames, .23 s
    right = broken.skeleton.hand("right")
    assert correct(None, broken, max_gap=0.25).confidence[24:31, right].all()
    assert not correct(None, broken, max_gap=0.2).confidence[24:31, right].any()
    held_frames = correct(None, broken, max_gap=0.2, ends="hold").confidence[:, right].all(axis=1)
    assert held_frames.tolist() == [True] * 24 + [False] * 7 + [True] * 29


def test_nan_with_confidence_1_is_missing():
    clip = fake_sequence(frames=20, hands=("left", "right"), face_points=4)
    keypoints = clip.keypoints.copy()
    right, face = clip.skeleton.hand("right"), clip.skeleton.face()
    keypoints[:3, right] = keypoints[8:11, right] = np.nan
    keypoints[5, face] = np.nan
    confidence = clip.confidence.copy()
    confidence[6, face] = np.nan
    fixed = correct(None, replace(clip, keypoints=keypoints, confidence=confidence))
    assert np.isfinite(fixed.keypoints).all()
    assert np.isfinite(fixed.confidence).all()
    assert (fixed.confidence[8:11, right] == FILLED).all()
    assert (fixed.confidence[:3, right] == 0).all()
    assert (fixed.confidence[5:7, face] == 0).all()
    visible = np.isfinite(keypoints).all(axis=-1) & (confidence > 0)
    np.testing.assert_array_equal(fixed.keypoints[visible], keypoints[visible])


def test_other_skeletons_need_no_model_to_be_corrected(model):
    full = known_skeleton(576, 3)
    broken = dictionary_clip(layout=full)
    fixed = correct(None, broken)
    for side in ("left", "right"):
        assert (fixed.confidence[24:31, full.hand(side)] == FILLED).all()
    signed = correct(model, broken, text="A", signed_language="ase", ends="generate")
    assert (signed.confidence[:14, full.hand("right")] == FILLED).all()
    random = np.random.default_rng(0)
    openpose = known_skeleton(137, 2)
    hands = [k for side in ("left", "right") for k in openpose.hand(side)]
    keypoints = random.uniform(100, 400, (137, 2)) + random.normal(size=(20, 137, 2))
    confidence = np.ones((20, 137), np.float32)
    confidence[5:9, openpose.wrist("left")] = confidence[:, hands] = 0
    fixed = correct(
        None, PoseSequence(keypoints.astype(np.float32), confidence, 24.0, openpose, (500, 500, 0)), ends="hold"
    )
    assert (fixed.confidence[5:9, openpose.wrist("left")] == FILLED).all()
    assert not fixed.confidence[:, hands].any()


def test_text_generates_a_dominant_hand_that_is_never_visible(model):
    sequence = fake_sequence(frames=12, hands=())
    assert (correct(model, sequence).confidence[:, sequence.skeleton.hand("right")] == 0).all()
    fixed = correct(model, sequence, text="A", signed_language="ase")
    assert (fixed.confidence[:, sequence.skeleton.hand("right")] == FILLED).all()
    assert (fixed.confidence[:, sequence.skeleton.hand("left")] == 0).all()


def test_complete_sequence_is_unchanged(model):
    sequence = fake_sequence(frames=9, hands=("left", "right"))
    fixed = correct(model, sequence)
    np.testing.assert_array_equal(fixed.keypoints, sequence.keypoints)
    np.testing.assert_array_equal(fixed.confidence, sequence.confidence)


def test_correct_refuses_empty_sequences_and_unknown_texts(model):
    with pytest.raises(UserError, match="nobody is seen"):
        correct(model, hidden(fake_sequence(frames=5), slice(0, 5)))
    with pytest.raises(UserError, match="unknown signed language 'xyz'"):
        correct(model, fake_sequence(frames=5), text="A", signed_language="xyz")


def test_correct_command_writes_and_summarizes(cli, folder, tmp_path):
    torch.manual_seed(0)
    broken = hidden(fake_sequence(frames=20), slice(5, 9))
    write(broken, tmp_path / "broken.pose")
    status, out, err = cli(
        "correct", tmp_path / "broken.pose", "--output", tmp_path / "fixed.pose", "--checkpoint", folder
    )
    assert status == 0, err
    assert "in 4 of 20 frames" in out
    assert "clean" not in out  # would reject none of what was filled in
    assert "of hands that are never visible" in out
    assert "anatomy" not in err
    assert "--checkpoint" in err  # no model was needed
    before, after = read(tmp_path / "broken.pose"), read(tmp_path / "fixed.pose")
    visible = before.confidence > 0
    np.testing.assert_array_equal(after.keypoints[visible], before.keypoints[visible])
    status, _, err = cli("correct", tmp_path / "gone.pose", "--output", tmp_path / "a.pose", "--checkpoint", folder)
    assert status == 2
    assert "gone.pose" in err
    status, _, err = cli("correct", tmp_path / "broken.pose", "--output", tmp_path / "a.pose", "--text", "A")
    assert (status, "belong together" in err) == (2, True)
    status, out, err = cli(
        *("correct", tmp_path / "broken.pose", "--output", tmp_path / "g.pose", "--checkpoint", folder),
        *("--ends", "generate", "--max-gap", "0.1", "--json"),
    )
    assert status == 0, err
    result = json.loads(out)
    assert (result["filled"], result["rejected"], result["missing_at_ends"]) == (0, 0, 0)
    assert "--checkpoint" not in err
    assert not (tmp_path / "a.pose").exists()


def test_missing_because_counts_by_reason():
    clip = fake_sequence(frames=30, hands=("right",))
    right, left = clip.skeleton.hand("right"), clip.skeleton.hand("left")
    broken = hidden(hidden(hidden(clip, slice(0, 2)), slice(10, 12)), slice(15, 25))
    fixed = correct(None, broken, max_gap=0.2)  # 5 frames
    reasons = missing_because(broken, fixed, max_gap=0.2)
    others = clip.skeleton.num_keypoints - len(left)
    assert reasons == {"hand never visible": 30 * len(left), "ends": 2 * others, "max gap": 10 * others}
    assert sum(reasons.values()) == (fixed.confidence == 0).sum()
    assert described(reasons).startswith(
        f"{sum(reasons.values()):,} still missing: 630 of hands that are never visible"
    )
    outside = replace(fixed, confidence=fixed.confidence.copy())
    outside.confidence[10:12, right] = 0
    assert missing_because(broken, outside, max_gap=0.2) == {**reasons, "outside": 2 * len(right)}
    assert described(missing_because(clip, clip)) == "630 still missing: 630 of hands that are never visible"
    assert described({}) == "none still missing"


def test_correct_reports_new_anatomical_problems_once(cli, tmp_path, monkeypatch):
    clip = fake_sequence(frames=20, hands=("left", "right"))
    right = clip.skeleton.hand("right")
    write(hidden(clip, slice(5, 9)), tmp_path / "broken.pose")

    def floating(model, sequence, **options):
        keypoints = clip.keypoints.copy()
        keypoints[5:9, right] += np.float32([0, 100, 0])
        return replace(clip, keypoints=keypoints)

    monkeypatch.setattr("text_to_pose.correction_commands.correct", floating)
    status, out, err = cli("correct", tmp_path / "broken.pose", "--output", tmp_path / "fixed.pose")
    assert (status, out.count("\n")) == (0, 1)
    assert "the right hand" in err
    assert "off its wrist" in err
    # What the file had before is no news.
    status, _, err = cli("correct", tmp_path / "fixed.pose", "--output", tmp_path / "again.pose")
    assert (status, "wrist" in err) == (0, False)
