import itertools
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError
from pose_core.testing import fake_sequence
from pose_core.transforms import flip, normalize
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.fingerspelling.hand_turns import HandTurn
from text_to_pose.fingerspelling.spelling import SLIDE, spell_fluently
from text_to_pose.fingerspelling.strokes import find_stroke
from text_to_pose.fingerspelling.transitions import FASTEST_BEND, Limits, Transition
from text_to_pose.signing.hands.hand_model import ANGLES, BONES, forward
from text_to_pose.signing.rotations import from_vector
from text_to_pose.text.spelling import WORD_SPACE

LIMITS = Limits(max_step=1.0, fps=25.0, hand_depth=1.0)


def letter(shape, *, frames=26, movement=0.0, movement_frames=6):
    """A clip whose hand comes up, stands still or goes to the side, and goes down."""
    clip, _ = normalize(fake_sequence(shape=shape, frames=frames))
    hand, wrist = clip.skeleton.hand("right"), clip.skeleton.wrist("right")
    keypoints = clip.keypoints.copy()
    side = movement * np.clip((np.arange(frames) - 10) / movement_frames, 0, 1)
    keypoints[:, [*hand, wrist], 0] += side[:, None]
    return replace(clip, keypoints=keypoints)


@pytest.fixture(scope="module")
def clips():
    return {"A": letter(1), "B": letter(2), "J": letter(3, movement=-0.5)}


def spell(clips, word, fluency=None, frames=None):
    return spell_fluently(word, clips, fluency or Fluency(), dominant_hand="right", limits=LIMITS, frames=frames)


def hand_shape(sequence, frame):
    hand = sequence.skeleton.hand("right")
    return sequence.keypoints[frame, hand] - sequence.keypoints[frame, hand[0]]


def test_stroke_of_a_held_letter_is_one_frame_while_the_hand_is_up(clips):
    clip = clips["A"]
    stroke = find_stroke(clip, "right")
    assert not stroke.moving
    wrist = clip.keypoints[:, clip.skeleton.hand("right")[0], 1]
    assert wrist[stroke.first] == pytest.approx(wrist.min(), abs=0.02)  # y is down


def test_stroke_of_a_moving_letter_is_its_movement(clips):
    stroke = find_stroke(clips["J"], "right")
    assert stroke.moving
    assert 8 <= stroke.first <= 11
    assert 15 <= stroke.last <= 18
    low = replace(clips["J"], keypoints=clips["J"].keypoints + np.array([0, 3, 0], np.float32))
    assert find_stroke(low, "right") == stroke, "where a letter is signed does not count"


def test_stroke_of_a_hand_that_does_not_go_down_again(clips):
    for name in ("A", "J"):
        whole, cut = find_stroke(clips[name], "right"), find_stroke(clips[name][:20], "right")
        assert (cut.moving, cut.last < 20) == (whole.moving, True)


def test_stroke_of_two_frames():
    clip, _ = normalize(fake_sequence(frames=2))
    assert 0 <= find_stroke(clip, "right").first <= find_stroke(clip, "right").last <= 1


def test_every_letter_is_held_as_in_its_clip_and_the_hand_stays_up(clips):
    word = spell(clips, ["A", "B", "A"])
    for name, (first, last) in zip("ABA", word.holds, strict=True):
        still = find_stroke(clips[name], "right").first
        assert first < last
        np.testing.assert_allclose(hand_shape(word.sequence, first), hand_shape(clips[name], still), atol=1e-5)
    wrist = word.sequence.keypoints[:, word.sequence.skeleton.hand("right")[0], 1]
    up = wrist[word.holds[0][0] : word.holds[-1][1]]
    held = [wrist[first] for first, _ in word.holds]
    assert up.max() < max(held) + 0.01, "the hand dips between letters"
    assert wrist[0] > max(held) + 0.3, "it comes up"
    np.testing.assert_allclose(wrist[-1], wrist[0], atol=1e-5)


def test_rate_hold_and_length_are_kept(clips):
    fluent, slow = (spell(clips, ["A", "B"] * 4, Fluency(rate)) for rate in (3.0, 1.0))
    for word, cycle in ((fluent, 25 / 3), (slow, 25)):
        begins = np.array([first for first, _ in word.holds])
        assert np.diff(begins)[1:-1].mean() == pytest.approx(cycle, abs=0.5)
    held = spell(clips, ["A", "B"], Fluency(hold=1.0))
    assert all(last - first == pytest.approx(25, abs=1) for first, last in held.holds)
    assert len(spell(clips, ["A", "B"], frames=77).sequence) == 77
    with pytest.raises(UserError, match=r"3 signs need at least 7 frames \(0\.28 s\)"):
        spell(clips, ["A", "B", "A"], frames=6)


def test_hurried_letters_are_shown_in_a_frame_each_and_hands_are_no_faster_than_hands_are(clips):
    word = spell(clips, ["A", "B"] * 3, Fluency(12.0))
    frames = [first for first, _ in word.holds]
    assert sorted(set(frames)) == frames
    for name, frame in zip("AB" * 3, frames, strict=True):
        still = find_stroke(clips[name], "right").first
        np.testing.assert_allclose(hand_shape(word.sequence, frame), hand_shape(clips[name], still), atol=1e-4)


def test_moving_letters_keep_their_movement(clips):
    word = spell(clips, ["A", "J", "B"])
    first, last = word.holds[1]
    x = word.sequence.keypoints[first:last, word.sequence.skeleton.hand("right")[0], 0]
    assert x[0] - x.min() == pytest.approx(0.5, abs=0.06)
    assert (np.diff(x) <= 1e-3).all()


def test_second_of_two_letters_slides_to_the_side_of_the_hand(clips):
    word = spell(clips, ["B", "A", "A", "B", WORD_SPACE, "B"])
    wrist = word.sequence.keypoints[:, word.sequence.skeleton.hand("right")[0], 0]
    b, a, again, later, new = (wrist[first] for first, _ in word.holds)
    assert again - a == pytest.approx(-SLIDE, abs=0.01)
    assert later - b == pytest.approx(-SLIDE, abs=0.01)
    assert new == pytest.approx(b, abs=0.01), "the next word begins where words begin"


@pytest.mark.parametrize("frames", [12, 14, 17, 20, 31])
def test_captions_of_shortened_words_are_in_step(clips, frames):
    word = spell(clips, [*"BAJAB"], frames=frames)
    for caption, (first, last) in zip(word.captions, word.holds, strict=True):
        assert caption.start <= first < last <= caption.end
    assert all(before.end <= after.start for before, after in itertools.pairwise(word.captions))


def test_first_and_last_letters_of_words_are_held_longer(clips):
    first, middle, last, next_first, _ = (end - begin for begin, end in spell(clips, [*"ABA", WORD_SPACE, *"BA"]).holds)
    assert first > middle
    assert last > middle
    assert next_first > middle


def test_long_movements_are_sped_up():
    """A movement of 20 frames and more, where four letters per second leave 6."""
    slow = letter(3, frames=90, movement=-0.5, movement_frames=40)
    stroke = find_stroke(slow, "right")
    begin, end = spell({"A": letter(1), "J": slow}, ["A", "J", "A"]).holds[1]
    assert stroke.moving
    assert end - begin < 0.75 * (stroke.last - stroke.first + 1)  # HASTE is 1.6


def test_repeated_letters_slide_to_and_fro():
    again = spell({"A": letter(1)}, [*"AAAA"])
    wrist = again.sequence.keypoints[:, again.sequence.skeleton.hand("right")[0], 0]
    shifts = [wrist[begin] - wrist[again.holds[0][0]] for begin, _ in again.holds]
    np.testing.assert_allclose(shifts, [0, -SLIDE, -2 * SLIDE, -SLIDE], atol=0.01)


def test_captions_are_in_step_and_pauses_have_none(clips):
    word = spell(clips, ["A", "B", WORD_SPACE, "A", "B"])
    a, b, c, d = word.captions
    assert (a.end, c.end) == (b.start, d.start)
    assert b.end < c.start
    for caption, (first, last) in zip(word.captions, word.holds, strict=True):
        assert caption.start <= first < last <= caption.end


def test_hands_that_come_and_go_are_whole_and_on_their_arms(clips):
    both = fake_sequence(shape=4, frames=26, hands=("left", "right"))
    two_handed, _ = normalize(both)
    word = spell({**clips, "T": two_handed}, ["A", "T", "A"])
    left, wrist = word.sequence.skeleton.hand("left"), word.sequence.skeleton.wrist("left")
    seen = word.sequence.confidence[:, left] > 0
    assert (seen.all(axis=1) == seen.any(axis=1)).all()
    assert seen[word.holds[1][0]].all()
    assert not seen[word.holds[0][0]].any()
    gap = np.linalg.norm(word.sequence.keypoints[:, left[0]] - word.sequence.keypoints[:, wrist], axis=-1)
    assert gap[seen[:, 0]].max() < 0.1


def test_left_hand_spells_as_the_right_one_does(clips):
    mirrored = {name: flip(clip) for name, clip in clips.items()}
    right = spell(clips, ["A", "A", "J"])
    left = spell_fluently(["A", "A", "J"], mirrored, Fluency(), dominant_hand="left", limits=LIMITS)
    np.testing.assert_allclose(flip(left.sequence).keypoints, right.sequence.keypoints, atol=1e-4)


def bent(**degrees):
    angles = np.radians([degrees.get(name, 0.0) for name in ANGLES])
    return forward(angles).points


FIST = bent(**{f"{d}_{j}": 85.0 for d in ("index", "middle", "ring", "pinky") for j in ("mcp", "pip", "dip")})


def test_turned_hands_end_where_they_should_and_keep_their_bones():
    flat, turned = bent(), FIST @ from_vector(np.array([0.3, 2.0, -0.4])).T
    way = HandTurn.of(flat, turned)
    frames = way.at(np.linspace(0, 1, 9))
    np.testing.assert_allclose(frames[0], flat, atol=1e-9)
    np.testing.assert_allclose(frames[-1], turned, atol=1e-9)
    first, second = np.transpose(BONES)
    lengths = np.linalg.norm(frames[:, second] - frames[:, first], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:1], lengths.shape), rtol=1e-6)


def test_opening_fist_opens_outwards():
    """On the shortest way fingertips would go through the back of the hand: they point where they will in the end."""
    half = HandTurn.of(FIST, bent()).at(np.array([0.5]))[0]
    assert half[8, 2] > half[5, 2] + 0.02  # out of the palm
    np.testing.assert_allclose(
        half,
        bent(**{f"{d}_{j}": 42.5 for d in ("index", "middle", "ring", "pinky") for j in ("mcp", "pip", "dip")}),
        atol=0.012,  # knuckles spread a little more evenly than they do in a fist
    )


def test_transitions_take_the_time_that_joints_need():
    clip, _ = normalize(fake_sequence())
    first = clip.keypoints[10].astype(float)
    hand = clip.skeleton.hand("right")
    second = first.copy()
    first[hand], second[hand] = (first[hand[0]] + shape / 0.4 for shape in (FIST, bent()))
    way = Transition.of(first, second, clip.skeleton, LIMITS)
    assert way.shortest(LIMITS) == pytest.approx(1.875 * np.radians(85) / FASTEST_BEND, rel=0.05)
    steps = np.diff(way.at(np.linspace(0, 1, 100)), axis=0)
    assert np.isfinite(steps).all()
