from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import UserError, read, write
from pose_core.testing import fake_sequence
from text_to_pose.clips import prepare
from text_to_pose.generation import Sampling, StartFrames, generate_signs, generate_texts, limit_motion, placed
from text_to_pose.lengths import shared_lengths

LETTERS = [("A", "ase"), ("SCH", "ise"), ("B", "ase"), ("C", "ase")]


@pytest.fixture
def uneven(model):
    """The tiny model, made to predict a different length for each letter."""
    with torch.no_grad():
        model.length_predictor.network[-1].weight.normal_(std=0.5)
    return model


def starts(model, letters=LETTERS):
    return StartFrames.bundled(model, [language for _, language in letters])


def test_a_clip_alone_equals_the_same_clip_in_a_padded_batch_of_four(uneven):
    start = starts(uneven)
    together = generate_signs(uneven, LETTERS, start)
    assert len({len(sequence) for sequence in together}) > 1, "nothing was padded"
    for i, letter in enumerate(LETTERS):
        one = StartFrames(start.keypoints[i : i + 1], start.confidence[i : i + 1])
        (alone,) = generate_signs(uneven, [letter], one)
        np.testing.assert_allclose(alone.keypoints, together[i].keypoints, atol=1e-4)
        np.testing.assert_array_equal(alone.confidence, together[i].confidence)


def test_batch_size_changes_nothing(uneven):
    for small, large in zip(
        generate_signs(uneven, LETTERS, starts(uneven), sampling=Sampling(batch_size=1)),
        generate_signs(uneven, LETTERS, starts(uneven), sampling=Sampling(batch_size=4)),
        strict=True,
    ):
        np.testing.assert_allclose(small.keypoints, large.keypoints, atol=1e-4)


def test_a_letter_begins_with_its_start_frame(model):
    start = starts(model)
    for sequence, frame in zip(generate_signs(model, LETTERS, start), start.keypoints, strict=True):
        seen = sequence.confidence[0] > 0
        np.testing.assert_allclose(sequence.keypoints[0][seen], frame.numpy()[seen], atol=1e-4)


def test_the_signing_hand_is_always_there_and_a_hand_is_never_there_in_part(model):
    for sequence, (_, language) in zip(generate_signs(model, LETTERS, starts(model)), LETTERS, strict=True):
        assert sequence.hand_share(model.config.signing_hands[language]) == 1
        for side in ("left", "right"):
            hand = sequence.confidence[:, sequence.skeleton.hand(side)]
            assert (hand == hand[0, 0]).all()
        assert (sequence.keypoints[sequence.confidence == 0] == 0).all()
        assert np.isfinite(sequence.keypoints).all()


def test_a_start_frame_without_anybody_is_filled_in(model):
    start = starts(model)
    nobody = StartFrames(torch.full_like(start.keypoints, float("nan")).nan_to_num(0.0), start.confidence * 0)
    for sequence in generate_signs(model, LETTERS, nobody):
        assert np.isfinite(sequence.keypoints).all()


def test_each_letter_of_a_word_starts_from_the_last_frame_of_the_one_before(uneven):
    (word,) = generate_texts(uneven, [["A", "B"]], "ase")
    (first,) = generate_texts(uneven, [["A"]], "ase")
    n = len(first)
    np.testing.assert_allclose(word.keypoints[:n], first.keypoints, atol=1e-2)
    start = StartFrames.bundled(uneven, ["ase"])
    (a,) = generate_signs(uneven, [("A", "ase")], start)
    (b,) = generate_signs(uneven, [("B", "ase")], StartFrames.last_of([a]))
    assert len(word) == len(a) + len(b) - 1  # the frame they share is there once


def test_words_are_made_together_as_alone(uneven):
    words = [["A", "B", "C"], ["C"], ["B", "A"]]
    for word, together in zip(words, generate_texts(uneven, words, "ase"), strict=True):
        (alone,) = generate_texts(uneven, [word], "ase")
        np.testing.assert_allclose(alone.keypoints, together.keypoints, atol=0.05)  # pixels; 1e-4 shoulder widths each


def test_the_same_call_makes_the_same_poses(model, tmp_path):
    one, two = (generate_texts(model, [["A", "B"]], "ase")[0] for _ in range(2))
    np.testing.assert_array_equal(one.keypoints, two.keypoints)
    write(one, tmp_path / "a.pose")
    again = read(tmp_path / "a.pose")
    np.testing.assert_array_equal(again.keypoints, one.keypoints)
    assert (again.fps, again.size, again.skeleton) == (25.0, one.size, one.skeleton)


def test_unknown_letters_and_languages_are_refused(model):
    with pytest.raises(UserError, match="unknown signed language"):
        generate_signs(model, [("A", "gsg")], starts(model, [("A", "ase")]))
    with pytest.raises(UserError, match="unknown signed language"):
        generate_texts(model, [["A"]], "gsg")
    with pytest.raises(UserError, match="letter 'X'"):
        generate_signs(model, [("X", "ase")], starts(model, [("A", "ase")]))


@pytest.mark.parametrize("sampler", ["refinement", "diffusion"])
@pytest.mark.parametrize("num_steps", [1, 7])
def test_both_samplers_take_any_number_of_steps(model, sampler, num_steps):
    sampling = Sampling(sampler=sampler, num_steps=num_steps, schedule="cosine", guidance=2.0)
    for sequence in generate_signs(model, LETTERS, starts(model), sampling=sampling):
        assert np.isfinite(sequence.keypoints).all()


def test_diffusion_is_the_same_for_a_seed_and_whatever_the_batch(uneven):
    start = starts(uneven)
    together = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=3))
    again = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=3, batch_size=1))
    other = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=4))
    for one, two, three in zip(together, again, other, strict=True):
        np.testing.assert_allclose(one.keypoints, two.keypoints, atol=1e-4)
        assert not np.allclose(one.keypoints, three.keypoints, atol=1e-3)


def test_a_text_is_as_long_as_asked_and_its_signs_share_it(uneven):
    for frames in (5, 40, 333):
        one, three = generate_texts(uneven, [["A"], ["A", "B", "C"]], "ase", frames=frames)
        assert len(one) == len(three) == frames
    with pytest.raises(UserError, match=r"3 signs need at least 4 frames \(0\.16 s\)"):
        generate_texts(uneven, [["A", "B", "C"]], "ase", frames=3)


def test_lengths_are_drawn_by_seed(uneven):
    def lengths(seed, sample=True):
        sampling = Sampling(sample_length=sample, seed=seed)
        return [len(s) for s in generate_signs(uneven, LETTERS, starts(uneven), sampling=sampling)]

    assert lengths(1) == lengths(1)
    assert len({tuple(lengths(seed)) for seed in range(5)}) > 1
    assert lengths(1, sample=False) == lengths(2, sample=False)


def test_signs_whose_length_varies_more_give_more():
    class Model:
        config = type("Config", (), {"fps": 25.0})

        def length_predictor(self, condition):
            return torch.tensor([20.0, 20.0]).log(), torch.tensor([0.4, 0.1]).log()

    varied, steady = shared_lengths(Model(), None, 60)
    assert varied + steady == 60
    assert np.log(varied / 20) / np.log(steady / 20) == pytest.approx(4, rel=0.3)
    assert shared_lengths(Model(), None, 40) == [20, 20]


def test_a_text_begins_with_the_start_frame_of_a_file(uneven, tmp_path):
    sequence = fake_sequence(frames=9)
    empty = np.zeros((2, *sequence.confidence.shape[1:]), np.float32)
    late = replace(
        sequence,
        keypoints=np.concatenate([np.zeros((2, *sequence.keypoints.shape[1:]), np.float32), sequence.keypoints]),
        confidence=np.concatenate([empty, sequence.confidence]),
    )
    write(late, tmp_path / "late.pose")
    start = StartFrames.read(uneven, tmp_path / "late.pose")
    expected = prepare(sequence, sequence.fps, uneven.skeleton)
    np.testing.assert_allclose(start.keypoints[0], expected.keypoints[0], atol=0.05)  # one frame's shoulders, or all's
    assert StartFrames.read(uneven, tmp_path / "late.pose", 6).keypoints.shape == start.keypoints.shape
    with pytest.raises(UserError, match=r"late\.pose: has no frame 11; it has 0 to 10"):
        StartFrames.read(uneven, tmp_path / "late.pose", 11)
    with pytest.raises(UserError, match=r"late\.pose, frame 1: .*another frame"):
        StartFrames.read(uneven, tmp_path / "late.pose", 1)
    (text,) = generate_texts(uneven, [["A"]], "ase", start=start)
    seen = (text.confidence[0] > 0) & (start.confidence[0].numpy() > 0)
    np.testing.assert_allclose(
        text.keypoints[0][seen], placed(expected).keypoints[0][seen], atol=0.05 * 128
    )  # 128 pixels a shoulder width


def test_no_keypoint_moves_farther_in_a_frame_than_in_the_clips(model):
    model.config = model.config.model_copy(update={"fastest": {"ase": 0.2}})
    (text,) = generate_texts(model, [["A", "B", "C"]], "ase", frames=50)
    steps = np.linalg.norm(np.diff(text.keypoints, axis=0), axis=-1) / 128
    assert steps[:, (text.confidence > 0).all(axis=0)].max() <= 0.2001


def test_limited_motion_follows_and_leaves_what_is_slow_alone():
    keypoints = np.cumsum(np.full((6, 2, 2), 0.1), axis=0)
    np.testing.assert_allclose(limit_motion(keypoints, 0.15), keypoints)
    jump = keypoints.copy()
    jump[3:, 0] += 1.0
    limited = limit_motion(jump, 0.5)
    assert np.linalg.norm(np.diff(limited, axis=0), axis=-1).max() <= 0.5 + 1e-9
    np.testing.assert_allclose(limited[-1, 1], jump[-1, 1])
