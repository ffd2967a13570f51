from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from pose_core import UserError, concatenate, write
from pose_core.data import Clip, read_prepared
from pose_core.testing import fake_sequence, fake_skeleton
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.hands import dominant_hands
from text_to_pose.data.preprocessing import prepare
from text_to_pose.data.statistics import max_steps, mean_start_frame
from text_to_pose.data.texts import text_config
from text_to_pose.text.tokenizer import NONE, NOTHING, TextTokenizer
from text_to_pose.training_states import Objective


def clip(path="a.pose", text="A", language="ase"):
    return Clip(path=path, text=text, signed_language=language, split="train")


def test_prepare_gives_hands_and_body_in_shoulder_widths_at_the_models_rate():
    prepared = prepare(fake_sequence(frames=30, fps=30.0, face_points=6), 25.0)
    assert prepared.skeleton == fake_skeleton()
    assert prepared.skeleton.num_keypoints == 50
    assert (len(prepared), prepared.fps) == (25, 25.0)
    left, right = prepared.skeleton.shoulders()
    width = np.linalg.norm(prepared.keypoints[:, left] - prepared.keypoints[:, right], axis=-1)
    np.testing.assert_allclose(width.mean(), 1, atol=1e-5)


def test_prepare_drops_empty_frames_at_the_ends():
    sequence = fake_sequence(frames=10)
    empty = replace(sequence[:3], confidence=np.zeros_like(sequence.confidence[:3]))
    assert len(prepare(concatenate([empty, sequence, empty]), 25.0)) == 10


@pytest.mark.parametrize("hands", [(), ("left",), ("left", "right")])
def test_prepare_of_a_missing_hand_is_finite(hands):
    prepared = prepare(fake_sequence(hands=hands), 25.0)
    assert np.isfinite(prepared.keypoints).all()


def test_read_prepared_names_clips_that_cannot_be_used(tmp_path):
    good, flat = fake_sequence(), fake_sequence()
    keypoints = flat.keypoints.copy()
    keypoints[:, list(flat.skeleton.shoulders())] = 100.0
    for name, sequence in (("good", good), ("flat", replace(flat, keypoints=keypoints))):
        write(sequence, tmp_path / f"{name}.pose")
    nobody = replace(good, confidence=np.zeros_like(good.confidence))
    write(nobody, tmp_path / "nobody.pose")
    for name, reason in (("flat", "shoulders lie on one point"), ("nobody", "nobody is seen")):
        with pytest.raises(UserError, match=rf"{name}\.pose: .*{reason}.*remove it from the data"):
            read_prepared([clip(tmp_path / "good.pose"), clip(tmp_path / f"{name}.pose")], partial(prepare, fps=25.0))


def test_dominant_hands_are_those_visible_more_often_per_language():
    clips = [clip(language="ise"), clip(language="ase"), clip(language="ase")]
    sequences = [fake_sequence(hands=h) for h in (("left",), ("right",), ("left", "right"))]
    assert dominant_hands(clips, sequences) == {"ise": "left", "ase": "right"}


def test_mean_start_frame_averages_visible_keypoints():
    sequences = [prepare(fake_sequence(shape=s, hands=h), 25.0) for s, h in ((1, ("right",)), (2, ("right",)), (3, ()))]
    keypoints, confidence = mean_start_frame(sequences)
    skeleton = sequences[0].skeleton
    right, left = skeleton.hand("right"), skeleton.hand("left")
    assert (confidence[right] == 1).all()
    assert (confidence[left] == 0).all()
    np.testing.assert_allclose(
        keypoints[right], (sequences[0].keypoints[0] + sequences[1].keypoints[0])[right] / 2, atol=1e-6
    )


def test_max_steps_are_the_largest_displacements_of_visible_keypoints():
    still = prepare(fake_sequence(), 25.0).hold_frame(0, 4)
    keypoints, confidence = still.keypoints.copy(), still.confidence.copy()
    keypoints[2, 7, 0] += 0.6
    keypoints[2, 9] += 1e6
    confidence[2, 9] = 0
    moved = replace(still, keypoints=keypoints, confidence=confidence)
    found = max_steps([clip(language="ase"), clip(language="ase"), clip(language="ise")], [still, moved, still[:1]])
    assert found == {"ase": pytest.approx(0.6), "ise": 0.0}


def dataset(objective=None, **options):
    clips = [clip(f"{i}.pose", "AB"[i % 2]) for i in range(4)]
    sequences = [prepare(fake_sequence(frames=12 + i, shape=i), 25.0) for i in range(4)]
    tokenizer = TextTokenizer(text_config(clips, "auto"))
    return TextDataset(
        clips, sequences, tokenizer, start_clips=clips, start_sequences=sequences, objective=objective, **options
    )


def test_training_items_draw_start_frames_and_lengths_and_leave_clips_unchanged():
    torch.manual_seed(0)
    letters = dataset(Objective())
    before = [s.keypoints.copy() for s in letters.sequences]
    drawn = [letters[1] for _ in range(60)]
    own = [np.array_equal(start, letters.sequences[1].keypoints[0]) for _, _, start, *_ in drawn]
    assert 0.3 < np.mean(own) < 0.7
    assert len({len(sequence) for sequence, *_ in drawn}) > 3
    for sequence, keypoints in zip(letters.sequences, before, strict=True):
        np.testing.assert_array_equal(sequence.keypoints, keypoints)


def test_training_items_have_variants_of_texts():
    torch.manual_seed(0)
    letters = dataset(Objective(text_dropout=0.25, signwriting_dropout=0.25, signwriting_only=0.25))
    views = [letters[1][1] for _ in range(400)]
    whole = len(letters.texts[1][0].ids)
    kinds = [
        "nothing"
        if text.ids == [NOTHING]
        else ("letter" if text.letter != NONE else "") + "sign" * (len(text.ids) == whole)
        for text in views
    ]
    share = {kind: kinds.count(kind) / len(kinds) for kind in set(kinds)}
    for kind, expected in {"nothing": 0.25, "letter": 0.1875, "sign": 0.1875, "lettersign": 0.375}.items():
        assert share[kind] == pytest.approx(expected, abs=0.07), kind
    assert all(dataset(None)[i][1] == letters.texts[i][0] for i in range(4))
    assert dataset(Objective(), with_text=False)[0][1].ids == [NOTHING]


def test_validation_items_start_from_another_clip_deterministically():
    letters = dataset()
    for i in range(4):
        sequence, _, start, *_ = letters[i]
        assert sequence is letters.sequences[i]
        assert not np.array_equal(start, sequence.keypoints[0])
        np.testing.assert_array_equal(letters[i][2], start)


def test_collate_pads_sequences_and_texts():
    letters = dataset()
    batch = letters.collate([letters[i] for i in range(4)])
    assert batch.target.keypoints.shape == (4, 15, 50, 3)
    assert batch.target.lengths.tolist() == [12, 13, 14, 15]
    assert batch.text.ids.shape == (4, 4)  # language, hand, fill, rotation
    assert batch.start_keypoints.shape == (4, 50, 3)
    assert batch.labels == ["ase A", "ase B", "ase A", "ase B"]
