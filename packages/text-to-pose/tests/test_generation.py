import numpy as np
import pytest
import torch

from pose_core import UserError, read, write
from text_to_pose.generation import Sampling, StartFrames, generate_signs, generate_texts

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
