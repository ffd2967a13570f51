import csv
import filecmp

import numpy as np
import pytest

from pose_core import UserError
from pose_core.data import ShardDataset
from pose_core.skeleton import named_skeleton
from pose_core.testing import fake_sequence
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.writer import write
from text_to_pose.synthesis.clips import ClipSettings, clips_of
from text_to_pose.synthesis.estimator import MEDIAPIPE, Habits, estimated
from text_to_pose.synthesis.people import numbers, person
from text_to_pose.synthesis.shards import PARTS, synthesize
from text_to_pose.synthesis.texts import Text, new_texts, read_texts, split_of
from text_to_pose.text.hamnosys import hamnosys_text

HANDSHAPES = ("hamfist", "hamflathand", "hamfinger2", "hamfinger23", "hampinch12", "hamceeall")


def text(names, split=None):
    hamnosys = write(parse(names))
    return Text(hamnosys, split or split_of(hamnosys))


SIGNS = [text(f"{shape} hamextfingeru hampalml hamchest hammover", "train") for shape in HANDSHAPES]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "signs.csv"
    names = [f"{shape} hamextfinger{way} hampalmd" for shape in HANDSHAPES for way in ("u", "o", "l")]
    rows = [hamnosys_text(each.split()) for each in names]
    path.write_text("gloss,hamnosys\n" + "".join(f"{i},{row}\n" for i, row in enumerate(rows)), "utf-8")
    return path


def test_spellings_of_one_sign_are_one_text_of_one_split(tmp_path):
    plain = "hamfist hamextfingeru hampalml hammover"
    bracketed = "hamfist hamextfingeru hampalml hamseqbegin hammover hamseqend"
    path = tmp_path / "signs.txt"
    path.write_text(f"{plain}\n{bracketed}\nhamfist hamfist hamfist\n", "utf-8")
    texts, wrong = read_texts(path)
    assert [each.hamnosys for each in texts] == [write(parse(plain))]
    assert texts[0].split == split_of(texts[0].hamnosys)
    assert "line 3" in str(wrong[0])


def test_a_tenth_of_all_strings_is_held_out_for_each_of_validation_and_test():
    splits = [split_of(f"sign {i}") for i in range(4000)]
    assert splits.count("validation") / 4000 == pytest.approx(0.1, abs=0.02)
    assert splits.count("test") / 4000 == pytest.approx(0.1, abs=0.02)
    assert splits.count("train") + splits.count("validation") + splits.count("test") == 4000


def test_new_signs_are_of_known_parts_and_none_is_held_out():
    held_out = [text("hamfist hamextfingero hampalmd hamstomach hammoveu", "test")]
    known = [*SIGNS, text("hamflathand hamextfingero hampalmd hamstomach hammoveu", "train")]
    made = new_texts(known + held_out, 12, seed=1)
    assert len({each.hamnosys for each in made} - {each.hamnosys for each in known + held_out}) == len(made) > 3
    symbols = set("".join(each.hamnosys for each in known))
    for each in made:
        assert each.split == "train"
        assert set(each.hamnosys) <= symbols
        assert write(parse(each.hamnosys)) == each.hamnosys
    assert new_texts(known + held_out, 12, seed=1) == made


def test_people_who_sign_held_out_signs_sign_no_others():
    assert not set(numbers(30, "train")) & set(numbers(30, "test"))
    assert numbers(3, "test") == [0, 1, 2]  # too few to keep one apart
    ours, same, other = person(4, 7), person(4, 7), person(5, 7)
    assert ours.body.upper_arm == same.body.upper_arm != other.body.upper_arm


def test_clips_depend_on_nothing_but_their_text_and_the_settings():
    settings = ClipSettings(people=3, signings=1, cameras=2)
    first, second = (list(clips_of(SIGNS[1], settings, SIGNS)) for _ in range(2))
    assert [clip for clip, _ in first] == [clip for clip, _ in second]
    assert len(first) == 2
    for (_, a), (_, b) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.keypoints, b.keypoints)
    assert not np.array_equal(first[0][1].keypoints, first[1][1].keypoints)  # another camera


def test_a_held_out_sign_is_signed_once_from_rest_at_its_usual_speed():
    held_out = Text(SIGNS[0].hamnosys, "test")
    settings = ClipSettings(people=3, in_flow=1.0, estimator=False)
    ((clip, sequence),) = clips_of(held_out, settings, SIGNS)
    ((_, again),) = clips_of(held_out, ClipSettings(people=3, seed=5, estimator=False), SIGNS)
    assert clip.split == "test"
    assert sequence.hand_share("right") != 1  # the hand comes up from below the picture
    assert abs(len(sequence) - len(again)) <= 4  # people differ in how far their hands have to go


def test_shards_are_the_same_bytes_with_two_processes_and_after_an_interruption(tmp_path, monkeypatch):
    settings = ClipSettings(people=2, signings=1, cameras=1)
    monkeypatch.setattr("text_to_pose.synthesis.shards.PART", 2)
    whole = synthesize(SIGNS[:4], tmp_path / "whole", settings)
    assert whole.failed == []

    stopped = tmp_path / "stopped"

    def stop(name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(SIGNS[:4], stopped, settings, begun=stop)
    assert len(list((stopped / PARTS).glob("*.npz"))) == 1
    with pytest.raises(UserError, match="other texts or settings"):
        synthesize(SIGNS[:3], stopped, settings)
    synthesize(SIGNS[:4], stopped, settings, workers=2)
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in stopped.iterdir())
    assert filecmp.cmpfiles(tmp_path / "whole", stopped, names, shallow=False)[0] == names
    with pytest.raises(UserError, match="holds shards"):
        synthesize(SIGNS[:4], stopped, settings)


def test_the_command_makes_shards_that_hold_the_splits_and_lists_what_failed(cli, table, tmp_path, one_line):
    with table.open("a", encoding="utf-8") as file:
        file.write("bad,hello\n")
    out = tmp_path / "shards"
    status, _printed, err = cli("synthesize", "--texts", table, "--output", out, "--people", 2, "--clips-per-sign", 1)
    assert status == 3
    assert "line 20" in err
    with (out / "clips.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} >= {"train"}
    assert all(row["split"] == split_of(row["text"]) for row in rows)
    sample = next(iter(ShardDataset(out, "train")))
    assert sample.sequence.skeleton == named_skeleton("holistic_50", 3)
    status, _, err = cli("synthesize", "--texts", tmp_path / "none.csv", "--output", out)
    assert status == 2
    assert "none.csv" in one_line(err)


def still(frames=400):
    """A person who holds still, hands up."""
    one = fake_sequence(hands=("left", "right"))[:1]
    return one.hold_frame(0, frames)


def test_estimated_points_jitter_as_much_as_was_measured():
    sequence = still()
    left, right = sequence.skeleton.shoulders()
    unit = float(np.linalg.norm(sequence.keypoints[0, left, :2] - sequence.keypoints[0, right, :2]))
    found = [estimated(sequence, np.random.default_rng(i), Habits(loss=0.0)) for i in range(12)]
    error = np.stack([each.keypoints - sequence.keypoints for each in found])[..., :2] / unit
    hand = sequence.skeleton.hand("right")[1:]
    deviation = 1.4826 * np.median(np.abs(error[:, :, hand]))
    assert deviation == pytest.approx(MEDIAPIPE.hand, rel=0.5)  # heavy tails are outside of the median
    later = [np.corrcoef(e[1:, k, 0], e[:-1, k, 0])[0, 1] for e in error for k in hand]
    assert np.mean(later) == pytest.approx(MEDIAPIPE.memory, abs=0.1)
    np.testing.assert_array_equal(
        estimated(sequence, np.random.default_rng(3)).keypoints, estimated(sequence, np.random.default_rng(3)).keypoints
    )


def test_hands_are_lost_whole_for_a_few_frames_and_more_often_where_all_are_lost_more():
    sequence = still()
    shares = []
    for loss in (0.002, 0.02):
        lost = 0
        for i in range(20):
            found = estimated(sequence, np.random.default_rng(i), Habits(loss=loss, spread=0.0))
            hand = found.confidence[:, found.skeleton.hand("left")] > 0
            assert (hand.all(axis=1) | ~hand.any(axis=1)).all()
            assert (found.keypoints[found.confidence == 0] == 0).all()
            lost += (~hand.any(axis=1)).mean()
        shares.append(lost / 20)
    assert 0 < 2 * shares[0] < shares[1] < 1
