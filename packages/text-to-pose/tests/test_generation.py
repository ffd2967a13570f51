import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_core import PoseSequence, UserError, read, write
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import to_layout
from text_to_pose.backends import as_network
from text_to_pose.data.hands import dominant_hand
from text_to_pose.data.preprocessing import prepare
from text_to_pose.generation import generate_signs, generate_texts, placed, sign_texts
from text_to_pose.lengths import shared_lengths
from text_to_pose.motion.anchoring import MAX_ANCHOR_SPEED
from text_to_pose.motion.limits import MAX_HAND_LENGTH, limit_hands, limit_motion
from text_to_pose.motion.steady_body import steady_body
from text_to_pose.network import Condition
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.spelling import WORD_SPACE

LETTERS = [("A", "ase"), ("SCH", "ise"), ("B", "ase"), ("C", "ase")]


@pytest.fixture
def uneven(model):
    """The tiny model, generated to predict a different length for each letter."""
    with torch.no_grad():
        model.length_predictor.network[-1].weight.normal_(std=0.5)
        model.length_predictor.initialize(torch.tensor([20]))
    return model


def starts(model, letters=LETTERS):
    return StartFrames.bundled(model, [language for _, language in letters])


def test_generate_signs_alone_equals_generate_signs_in_a_padded_batch(uneven):
    start = starts(uneven)
    together = generate_signs(uneven, LETTERS, start)
    assert len({len(sequence) for sequence in together}) > 1, "nothing was padded"
    for i, letter in enumerate(LETTERS):
        one = StartFrames(start.keypoints[i : i + 1], start.confidence[i : i + 1])
        (alone,) = generate_signs(uneven, [letter], one)
        np.testing.assert_allclose(alone.keypoints, together[i].keypoints, atol=1e-4)
        np.testing.assert_array_equal(alone.confidence, together[i].confidence)


def test_generate_signs_does_not_depend_on_batch_size(uneven):
    for small, large in zip(
        generate_signs(uneven, LETTERS, starts(uneven), sampling=Sampling(batch_size=1)),
        generate_signs(uneven, LETTERS, starts(uneven), sampling=Sampling(batch_size=4)),
        strict=True,
    ):
        np.testing.assert_allclose(small.keypoints, large.keypoints, atol=1e-4)


def test_generated_sequences_begin_at_their_start_frame(model):
    start = starts(model)
    for sequence, frame in zip(generate_signs(model, LETTERS, start), start.keypoints, strict=True):
        visible = sequence.confidence[0] > 0
        np.testing.assert_allclose(sequence.keypoints[0][visible], frame[visible], atol=1e-4)


def test_dominant_hand_is_always_visible_and_hands_are_visible_entirely_or_never(model):
    for sequence, (_, language) in zip(generate_signs(model, LETTERS, starts(model)), LETTERS, strict=True):
        assert sequence.hand_share(model.config.dominant_hands[language]) == 1
        for side in ("left", "right"):
            hand = sequence.confidence[:, sequence.skeleton.hand(side)]
            assert (hand == hand[0, 0]).all()
        assert (sequence.keypoints[sequence.confidence == 0] == 0).all()
        assert np.isfinite(sequence.keypoints).all()


def test_empty_start_frame_is_completed(model):
    start = starts(model)
    nobody = StartFrames(np.zeros_like(start.keypoints), np.zeros_like(start.confidence))
    for sequence in generate_signs(model, LETTERS, nobody):
        assert np.isfinite(sequence.keypoints).all()


def test_successive_letters_share_one_frame(uneven):
    (word,) = generate_texts(uneven, [["A", "B"]], "ase", fluency=None)
    (first,) = generate_texts(uneven, [["A"]], "ase")
    n = len(first)
    np.testing.assert_allclose(word.keypoints[:n], first.keypoints, atol=1e-2)
    start = StartFrames.bundled(uneven, ["ase"])
    (a,) = generate_signs(uneven, [("A", "ase")], start)
    last = StartFrames.last_of([steady_body(a, a, "right", MAX_ANCHOR_SPEED)])
    (b,) = generate_signs(uneven, [("B", "ase")], last.torso_and_wrists(uneven.skeleton))
    assert len(word) == len(a) + len(b) - 1  # the frame they share is there once


def test_generate_texts_alone_equals_generate_texts_in_a_batch(uneven):
    words = [["A", "B", "C"], ["C"], ["B", "A"]]
    for word, together in zip(words, generate_texts(uneven, words, "ase"), strict=True):
        (alone,) = generate_texts(uneven, [word], "ase")
        np.testing.assert_allclose(alone.keypoints, together.keypoints, atol=0.05)  # pixels; 1e-4 shoulder widths each


def test_generate_texts_is_deterministic_and_survives_a_file(model, tmp_path):
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


@pytest.mark.parametrize("sampler", ["refinement", "diffusion"])
def test_a_watched_network_ends_sampling_at_the_step_that_raises(model, sampler):
    steps = []

    def on_step():
        steps.append(1)
        if len(steps) == 2:
            raise InterruptedError

    network = as_network(model)
    start = StartFrames.bundled(model, ["ase"])
    with pytest.raises(InterruptedError):
        generate_signs(network.watched(on_step), [("A", "ase")], start, sampling=Sampling(sampler, 5))
    generate_signs(network, [("A", "ase")], start, sampling=Sampling(sampler, 5))
    assert len(steps) == 2, "the network itself is not watched"


def test_diffusion_depends_on_its_seed_and_not_on_the_batch(uneven):
    start = starts(uneven)
    together = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=3))
    again = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=3, batch_size=1))
    other = generate_signs(uneven, LETTERS, start, sampling=Sampling(sampler="diffusion", seed=4))
    for one, two, three in zip(together, again, other, strict=True):
        np.testing.assert_allclose(one.keypoints, two.keypoints, atol=1e-4)
        assert not np.allclose(one.keypoints, three.keypoints, atol=1e-3)


def test_frames_are_shared_by_the_signs_of_a_text(uneven):
    for frames in (5, 40, 333):
        one, three = generate_texts(uneven, [["A"], ["A", "B", "C"]], "ase", fluency=None, frames=frames)
        assert len(one) == len(three) == frames
    with pytest.raises(UserError, match=r"3 signs need at least 4 frames \(0\.16 s\)"):
        generate_texts(uneven, [["A", "B", "C"]], "ase", fluency=None, frames=3)


def test_sampled_lengths_depend_on_the_seed(uneven):
    def lengths(seed, sample=True):
        sampling = Sampling(sample_length=sample, seed=seed)
        return [len(s) for s in generate_signs(uneven, LETTERS, starts(uneven), sampling=sampling)]

    assert lengths(1) == lengths(1)
    assert len({tuple(lengths(seed)) for seed in range(5)}) > 1
    assert lengths(1, sample=False) == lengths(2, sample=False)


def test_shared_lengths_change_most_where_the_variance_is_largest():
    nothing = np.zeros(2)
    mean, log_std = np.log([20.0, 20.0]), np.log([0.4, 0.1])
    condition = Condition(nothing, nothing, nothing, nothing, nothing, mean, log_std)
    varied, steady = shared_lengths(condition, 60)
    assert varied + steady == 60
    assert np.log(varied / 20) / np.log(steady / 20) == pytest.approx(4, rel=0.3)
    assert shared_lengths(condition, 40) == [20, 20]


def test_start_frame_is_read_from_a_file(uneven, tmp_path):
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
    visible = (text.confidence[0] > 0) & (start.confidence[0] > 0)
    np.testing.assert_allclose(
        text.keypoints[0][visible], placed(expected).keypoints[0][visible], atol=0.05 * 128
    )  # 128 pixels a shoulder width


@pytest.mark.parametrize(
    ("keypoints", "dims", "message"),
    [
        (137, 3, r"other\.pose: .*another layout.*pose-core convert \S+other\.pose mapped\.pose --layout holistic_50"),
        (137, 2, r"other\.pose: .* 2 coordinates, and the model's 3; start from poses with depth"),
        (50, 2, r"other\.pose: .* 2 coordinates, and the model's 3; start from poses with depth"),
        (99, 3, r"other\.pose: no keypoint in common: found KEYPOINTS, expected POSE_LANDMARKS, .*from another file$"),
    ],
)
def test_start_frames_on_another_skeleton_are_refused_with_what_cures_it(model, tmp_path, keypoints, dims, message):
    skeleton = known_skeleton(keypoints, dims)
    poses = np.random.default_rng(0).uniform(0, 500, (3, keypoints, dims)).astype(np.float32)
    other = PoseSequence(poses, np.ones(poses.shape[:2], np.float32), 25.0, skeleton, (500, 500, 0))
    write(other, tmp_path / "other.pose")
    with pytest.raises(UserError, match=message):
        StartFrames.read(model, tmp_path / "other.pose")


def test_a_start_frame_of_another_layout_can_be_used_once_it_is_mapped(model):
    mapped = fake_sequence()
    start = StartFrames.of_clip(model, to_layout(to_layout(mapped, "openpose_137"), "holistic_50"), Path("mapped.pose"))
    assert start.keypoints.shape == (1, *mapped.keypoints.shape[1:])


def test_generated_speed_is_limited_by_max_step(model):
    model.config = model.config.model_copy(update={"max_step": {"ase": 0.2}})
    (text,) = generate_texts(model, [["A", "B", "C"]], "ase", frames=50)
    steps = np.linalg.norm(np.diff(text.keypoints, axis=0), axis=-1) / 128
    assert steps[:, (text.confidence > 0).all(axis=0)].max() <= 0.2001


def test_limit_motion_changes_fast_keypoints_only():
    skeleton = fake_skeleton()
    keypoints = np.cumsum(np.full((6, skeleton.num_keypoints, 2), 0.1), axis=0)
    np.testing.assert_allclose(limit_motion(keypoints, 0.15, skeleton), keypoints)
    jump = keypoints.copy()
    jump[3:, 0] += 1.0
    limited = limit_motion(jump, 0.5, skeleton)
    assert np.linalg.norm(np.diff(limited, axis=0), axis=-1).max() <= 0.5 + 1e-9
    np.testing.assert_allclose(limited[-1, 1], jump[-1, 1])


def arm_lengths(sequence, side):
    shoulder = sequence.skeleton.shoulders()[side == "right"]
    points = [
        sequence.keypoints[:, k, :2] for k in (shoulder, sequence.skeleton.elbow(side), sequence.skeleton.wrist(side))
    ]
    return [np.linalg.norm(b - a, axis=-1) / 128 for a, b in itertools.pairwise(points)]


def test_long_words_keep_shoulders_arms_and_hand_size(uneven):
    (word,) = generate_texts(uneven, [["A", "B", "C"] * 8], "ase")
    left, right = word.skeleton.shoulders()
    shoulders = word.keypoints[:, [left, right]]
    np.testing.assert_allclose(shoulders, np.broadcast_to(shoulders[:1], shoulders.shape), atol=1e-3)
    assert max(length.max() for length in arm_lengths(word, "right")) < 1.3  # an untrained model throws arms about
    hand, wrist = word.skeleton.hand("right"), word.skeleton.wrist("right")
    np.testing.assert_allclose(word.keypoints[:, hand[0]], word.keypoints[:, wrist], atol=1e-3)
    reach = np.linalg.norm(word.keypoints[:, hand, :2] - word.keypoints[:, hand[:1], :2], axis=-1) / 128
    assert reach.max() < 1.25**2 * MAX_HAND_LENGTH


def test_arm_without_a_visible_hand_rests(model):
    K = model.skeleton.num_keypoints
    left = model.skeleton.hand("left")
    with torch.no_grad():  # never there
        model.denoiser.head.bias.view(model.denoiser.group, -1)[:, 3 * K :][:, left] = -9.0
    start = StartFrames.bundled(model, ["ase"])
    (word,) = generate_texts(model, [["A", "B"]], "ase", start=start, frames=60)
    arm = [model.skeleton.elbow("left"), model.skeleton.wrist("left")]
    assert (word.confidence[:, arm] > 0).all()
    np.testing.assert_allclose(word.keypoints[:, arm], np.broadcast_to(word.keypoints[:1, arm], (60, 2, 3)), atol=1e-2)


def test_hand_missing_in_the_start_frame_begins_at_the_arms_wrist(uneven, tmp_path):
    write(fake_sequence(hands=()), tmp_path / "down.pose")
    start = StartFrames.read(uneven, tmp_path / "down.pose", 0)
    (text,) = generate_texts(uneven, [["A", "B"]], "ase", start=start)
    hand, wrist = text.skeleton.hand("right"), text.skeleton.wrist("right")
    np.testing.assert_allclose(text.keypoints[:, hand[0]], text.keypoints[:, wrist], atol=1e-3)
    arm = placed(fake_normalized(uneven)).keypoints[0, wrist]
    np.testing.assert_allclose(text.keypoints[0, hand[0]], arm, atol=6)


def fake_normalized(model):
    return prepare(fake_sequence(hands=()), 25.0, model.skeleton)


@pytest.mark.parametrize("side", ["left", "right"])
def test_dominant_hand_is_the_visible_one(side):
    assert dominant_hand(fake_sequence(hands=(side,))) == side


def test_dominant_hand_of_both_or_no_hands_is_none():
    assert dominant_hand(fake_sequence(hands=("left", "right"))) is None
    assert dominant_hand(fake_sequence(hands=())) is None


def test_other_dominant_hand_mirrors_everything(uneven):
    (right,) = generate_texts(uneven, [["A", "B"]], "ase")
    (left,) = generate_texts(uneven, [["A", "B"]], "ase", dominant_hand="left")
    mirror = right.skeleton.mirror()
    np.testing.assert_allclose(left.keypoints[:, mirror, 0], 512 - right.keypoints[..., 0], atol=1e-3)
    np.testing.assert_allclose(left.keypoints[:, mirror, 1:], right.keypoints[..., 1:], atol=1e-3)
    (same,) = generate_texts(uneven, [["A", "B"]], "ase", dominant_hand="right")
    np.testing.assert_array_equal(same.keypoints, right.keypoints)


def test_pauses_separate_words_and_captions_have_the_frames_of_letters(uneven):
    (text,) = sign_texts(uneven, [["A", WORD_SPACE, "B", "C"]], "ase", fluency=None)
    a, b, c = text.captions
    assert [a.text, b.text, c.text] == ["A", "B", "C"]
    assert a.start == 0
    assert (b.start - a.end, c.start) == (10, b.end)  # 0.4 seconds at 25 frames per second
    assert c.end == len(text.sequence)
    pause = text.sequence.keypoints[a.end - 1 : b.start]
    np.testing.assert_allclose(pause, np.broadcast_to(pause[:1], pause.shape), atol=1e-3)
    (exact,) = sign_texts(uneven, [["A", WORD_SPACE, "B", "C"]], "ase", fluency=None, frames=80)
    assert len(exact.sequence) == 80


def test_limit_hands_scales_large_hands_about_their_wrist():
    sequence = fake_sequence()
    hand = sequence.skeleton.hand("right")
    points = sequence.keypoints / 100
    giant = points.copy()
    giant[:, hand] = points[:, hand[:1]] + 20 * (points[:, hand] - points[:, hand[:1]])
    limited = limit_hands(giant, sequence.skeleton)
    reach = np.linalg.norm(limited[:, hand, :2] - limited[:, hand[:1], :2], axis=-1)
    assert reach.max() <= MAX_HAND_LENGTH + 1e-6
    np.testing.assert_array_equal(limited[:, hand[0]], giant[:, hand[0]])
    np.testing.assert_allclose(limit_hands(points, sequence.skeleton), points, rtol=1e-6)


def test_hand_shapes_do_not_depend_on_the_start_frames_body(uneven):
    """Somebody narrow-hipped, hands down, whose depths are in other units: the hand signs what it signs anyway."""
    person = fake_sequence(hands=())
    person.keypoints[..., 2] = np.random.default_rng(0).normal(scale=20, size=person.confidence.shape)
    body = prepare(person, 25.0, uneven.skeleton)
    (own,) = generate_texts(uneven, [["A", "B"]], "ase")
    (theirs,) = generate_texts(uneven, [["A", "B"]], "ase", start=StartFrames.last_of([body[:1]]))
    hand = own.skeleton.hand("right")
    shapes = [s.keypoints[-5:, hand, :2] - s.keypoints[-5:, hand[:1], :2] for s in (own, theirs)]
    np.testing.assert_allclose(shapes[1], shapes[0], atol=0.02 * 128)
