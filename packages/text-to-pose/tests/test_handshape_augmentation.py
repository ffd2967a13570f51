from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core.data import Clip
from pose_core.testing import fake_sequence
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.hands import hand_shape
from text_to_pose.data.handshape_augmentation import HandshapeAugmentation, language_distances, resampled
from text_to_pose.data.preprocessing import prepare
from text_to_pose.data.texts import text_config
from text_to_pose.text.tokenizer import TextTokenizer
from text_to_pose.training_states import Objective

# What hand shape (a seed) each language has for a letter: bbb agrees with aaa, ccc and ddd with each other.
ALPHABETS = {
    "aaa": {"A": 1, "B": 2, "C": 3},
    "bbb": {"A": 1, "B": 2, "C": 3, "D": 4},
    "ccc": {"A": 11, "B": 12, "C": 13, "D": 14, "E": 15},
    "ddd": {"A": 11, "B": 12, "C": 13, "D": 14},
}


def letters(alphabets=ALPHABETS, **options):
    rows = [(language, letter, shape) for language, of in alphabets.items() for letter, shape in of.items()]
    clips = [Clip(path=f"{row}.pose", text=row[1], signed_language=row[0], split="train") for row in rows]
    return clips, [prepare(fake_sequence(shape=shape, **options), 25.0) for *_, shape in rows]


def shape_of(sequence, side="right"):
    return hand_shape(sequence, side)[0]


def test_borrowed_letter_has_the_shape_of_the_most_similar_language():
    clips, sequences = letters()
    augmented = HandshapeAugmentation(clips, sequences).apply(sequences[0], "aaa", "D")
    alike, other = prepare(fake_sequence(shape=4), 25.0), prepare(fake_sequence(shape=14), 25.0)

    def error(reference):
        return np.abs(shape_of(augmented) - shape_of(reference)).mean()

    assert error(alike) < 0.5 * error(other)


def test_a_borrowed_letter_lends_no_hand_and_is_still_lacked():
    clips, sequences = letters()
    made = replace(clips[0], text="D", origin="borrowed")
    for every in (None, [*clips, made]):
        augmentation = HandshapeAugmentation(
            [*clips, made], [*sequences, sequences[0]], every, {"aaa": ["A", "B", "C"]}
        )
        without = HandshapeAugmentation(clips, sequences)
        assert {augmentation.draw("aaa") for _ in range(50)} >= {"D"}
        for language, letter in (("aaa", "D"), ("aaa", "E"), ("bbb", "E")):
            changed, expected = (each.apply(sequences[0], language, letter) for each in (augmentation, without))
            np.testing.assert_array_equal(changed.keypoints, expected.keypoints)


def test_letters_of_a_language_s_own_leave_borrowed_ones_out():
    clips, _ = letters()
    clips = [*clips, replace(clips[0], text="D", origin="borrowed"), replace(clips[0], text="F", origin="rules")]
    own = TextTokenizer(text_config(clips, "letters")).own_letters()
    assert own["aaa"] == ["A", "B", "C", "F"]
    assert own["bbb"] == ["A", "B", "C", "D"]


def test_augmentation_changes_fingers_of_the_dominant_hand_only():
    clips, sequences = letters(hands=("left", "right"))
    body = sequences[0]
    before = body.keypoints.copy()
    augmented = HandshapeAugmentation(clips, sequences).apply(body, "aaa", "D")
    right = body.skeleton.hand("right")
    others = [k for k in range(body.skeleton.num_keypoints) if k not in right[1:]]
    np.testing.assert_array_equal(augmented.keypoints[:, others], body.keypoints[:, others])
    assert not np.allclose(augmented.keypoints[:, right[1:]], body.keypoints[:, right[1:]])
    np.testing.assert_array_equal(augmented.confidence, body.confidence)
    np.testing.assert_array_equal(body.keypoints, before)


def test_left_handed_language_gets_mirrored_shapes():
    clips, sequences = letters({"aaa": ALPHABETS["aaa"], "bbb": ALPHABETS["bbb"]})
    left = [prepare(fake_sequence(shape=shape, hands=("left",)), 25.0) for shape in ALPHABETS["aaa"].values()]
    augmented = HandshapeAugmentation(clips, [*left, *sequences[3:]]).apply(left[0], "aaa", "D")
    points, expected = shape_of(augmented, "left"), shape_of(sequences[6])
    np.testing.assert_allclose(points[..., 1:], expected[..., 1:], atol=0.05)
    np.testing.assert_allclose(points[..., 0], -expected[..., 0], atol=0.05)


def test_drawn_letters_are_those_missing_from_the_alphabet():
    clips, sequences = letters()
    augmentation = HandshapeAugmentation(clips, sequences)
    torch.manual_seed(0)
    drawn = [augmentation.draw("aaa") for _ in range(100)]
    assert set(drawn) == {"D", "E"}
    assert drawn.count("D") > 3 * drawn.count("E")  # three languages have it, not one
    assert augmentation.draw("ccc") is None
    assert augmentation.draw("zzz") is None
    with pytest.raises(KeyError):
        augmentation.apply(sequences[0], "aaa", "A")


def test_augmentation_leaves_a_clip_without_its_dominant_hand_unchanged():
    clips, sequences = letters()
    bare = replace(sequences[0], confidence=np.zeros_like(sequences[0].confidence))
    assert HandshapeAugmentation(clips, sequences).apply(bare, "aaa", "D") is bare


def test_language_without_visible_hands_is_left_out():
    clips, sequences = letters()
    hidden = [
        replace(s, confidence=np.zeros_like(s.confidence)) if clip.signed_language == "ddd" else s
        for clip, s in zip(clips, sequences, strict=True)
    ]
    augmentation = HandshapeAugmentation(clips, hidden)
    assert augmentation.draw("ddd") is None
    assert augmentation.draw("aaa") in ("D", "E")


def test_language_distances_grow_with_those_of_shared_letters():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 4, 21, 3)).astype(np.float32)
    shapes = {(language, i): x[i] for language, x in (("x", a), ("y", a), ("z", b)) for i in range(3)}
    apart = language_distances(shapes)
    assert apart["x", "y"] < 1 < apart["x", "z"]
    assert apart["x", "z"] == pytest.approx(apart["y", "z"])
    alone = language_distances({("x", 0): a[0], ("y", 1): a[1]})
    assert alone["x", "y"] == 1  # nothing shared: as far as any


@pytest.mark.parametrize("frames", [1, 2, 7, 24])
def test_resampled_keeps_first_and_last_frame(frames):
    x = np.arange(5, dtype=np.float32)[:, None]
    y = resampled(x, frames)
    assert y.shape == (frames, 1)
    assert y[0] == 0
    assert frames == 1 or y[-1] == 4
    np.testing.assert_allclose(resampled(x, 5), x)


def test_training_items_have_borrowed_letters():
    clips, sequences = letters()
    tokenizer = TextTokenizer(text_config(clips, "auto"))
    augmentation = HandshapeAugmentation(clips, sequences)

    def drawn(untaught):
        torch.manual_seed(0)
        objective = Objective(borrowed_letter_share=untaught, text_dropout=0)
        shown = TextDataset(
            clips,
            sequences,
            tokenizer,
            start_clips=clips,
            start_sequences=sequences,
            objective=objective,
            augmentation=augmentation,
        )
        return {tokenizer.detokenize(shown[i][1]) for _ in range(20) for i in range(3)}  # those of aaa

    taught = {"<aaa> a", "<aaa> b", "<aaa> c"}
    assert drawn(0.0) == taught
    assert drawn(1.0) == {"<aaa> d", "<aaa> e"}


def test_a_clip_with_a_borrowed_hand_is_another_clip_of_its_language_each_time():
    clips, sequences = letters()
    for number in range(3):  # aaa's, told apart by where they are
        sequences[number] = replace(sequences[number], keypoints=sequences[number].keypoints + 10 * number)
    clips.append(replace(clips[0], text="D", origin="borrowed"))
    sequences.append(sequences[0])
    data = TextDataset(
        clips,
        sequences,
        TextTokenizer(text_config(clips, "auto")),
        start_clips=clips,
        start_sequences=sequences,
        objective=Objective(borrowed_letter_share=0, text_dropout=0, own_start_share=1),
        augmentation=HandshapeAugmentation(clips, sequences),
    )
    torch.manual_seed(0)
    items = [data[len(clips) - 1] for _ in range(30)]
    assert {data.tokenizer.detokenize(item.text) for item in items} == {"<aaa> d"}
    wrist = sequences[0].skeleton.hand("right")[0]
    places = {
        round(float(item.sequence.keypoints[0, wrist, 0] - sequences[0].keypoints[0, wrist, 0])) for item in items
    }
    assert places == {0, 10, 20}
    expected = shape_of(sequences[6])  # bbb's D, the most similar language's
    for item in items:
        assert np.abs(resampled(shape_of(item.sequence), len(expected)) - expected).mean() < 0.1
