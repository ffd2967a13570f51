import csv
import filecmp
from dataclasses import replace

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
from text_to_pose.synthesis.people import drawn_number, person
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
    texts, wrong = read_texts([path])
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
    rng = np.random.default_rng(0)
    of_train, of_test = ({drawn_number(30, split, rng) for _ in range(400)} for split in ("train", "test"))
    assert of_test == {9, 19, 29}
    assert of_train == set(range(30)) - of_test
    assert {drawn_number(3, "test", rng) for _ in range(50)} == {0, 1, 2}  # too few to keep one apart
    assert 0 <= drawn_number(10**12, "train", rng) < 10**12
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
    again = synthesize(SIGNS[:4], stopped, settings, begun=pytest.fail)
    assert again == replace(whole, found=True)
    with pytest.raises(UserError, match="holds shards"):
        synthesize(SIGNS[:3], stopped, settings)


FEW = ClipSettings(people=2, signings=1, cameras=1)


def begun_part(folder):
    """A data set that was interrupted after its first part; the file of that part."""

    def stop(name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(SIGNS[:2], folder, FEW, begun=stop)
    (part,) = (folder / PARTS).glob("*.npz")
    return part


@pytest.mark.parametrize("damage", ["cut off", "changed", "empty"])
def test_a_damaged_part_is_made_again(tmp_path, damage):
    part = begun_part(tmp_path / "set")
    content = part.read_bytes()
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]
    part.write_bytes({"cut off": content[:middle], "changed": changed, "empty": b""}[damage])
    remade = synthesize(SIGNS[:2], tmp_path / "set", FEW)
    assert remade.shards == synthesize(SIGNS[:2], tmp_path / "whole", FEW).shards
    for shard in remade.shards:
        assert filecmp.cmp(tmp_path / "set" / shard.file, tmp_path / "whole" / shard.file, shallow=False)


@pytest.mark.parametrize("damage", ["not UTF-8", "a folder", "missing"])
def test_parts_whose_settings_are_unreadable_are_another_data_sets(tmp_path, damage):
    settings = begun_part(tmp_path / "set").with_name("settings.json")
    settings.unlink()
    if damage == "a folder":
        settings.mkdir()
    elif damage == "not UTF-8":
        settings.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="parts of a data set of other texts or settings"):
        synthesize(SIGNS[:2], tmp_path / "set", FEW)
    assert synthesize(SIGNS[:2], tmp_path / "set", FEW, overwrite=True).shards
    assert not (tmp_path / "set" / PARTS).exists()


def test_settings_without_parts_block_nothing(tmp_path):
    begun_part(tmp_path / "set").unlink()
    assert synthesize(SIGNS[:2], tmp_path / "set", replace(FEW, seed=-1)).shards


def test_a_file_in_the_place_of_the_parts_is_refused(tmp_path):
    (tmp_path / PARTS).touch()
    with pytest.raises(UserError, match="is a file, where a folder of parts is to be"):
        synthesize(SIGNS[:2], tmp_path, FEW)


def test_two_processes_do_not_make_one_data_set(tmp_path):
    def meanwhile(name):
        with pytest.raises(UserError, match="another process is making a data set there"):
            synthesize(SIGNS[:2], tmp_path, FEW)

    assert synthesize(SIGNS[:2], tmp_path, FEW, begun=meanwhile).shards


def test_what_was_changed_since_is_not_found_again(tmp_path):
    shard = tmp_path / synthesize(SIGNS[:2], tmp_path, FEW).shards[0].file
    for path in (shard, tmp_path / "index.json", tmp_path / "synthesis.json"):
        content = path.read_bytes()
        if path == shard:
            path.unlink()
        else:
            path.write_bytes(content + b" x")
        with pytest.raises(UserError, match="holds shards"):
            synthesize(SIGNS[:2], tmp_path, FEW)
        path.write_bytes(content)
    assert synthesize(SIGNS[:2], tmp_path, FEW).found


def test_the_command_says_what_is_made_and_when_nothing_is_left_to_do(cli, table, tmp_path):
    command = ("synthesize", "--texts", table, "--output", tmp_path / "set", "--people", 2, "--clips-per-sign", 1)
    status, printed, err = cli(*command, "--cameras", 1)
    assert status == 0
    assert "made signs 1 to 18" in err
    status, again, err = cli(*command, "--cameras", 1)
    assert (status, again) == (0, printed)
    assert "set: holds this data set already; nothing is left to do" in err
    assert "made" not in err


def test_a_seed_may_be_negative():
    of_seed = [next(clips_of(SIGNS[0], replace(FEW, seed=seed)))[1] for seed in (-1, -1, 1)]
    np.testing.assert_array_equal(of_seed[0].keypoints, of_seed[1].keypoints)
    assert not np.array_equal(of_seed[0].keypoints, of_seed[2].keypoints)
    assert new_texts(SIGNS, 2, seed=-1) == new_texts(SIGNS, 2, seed=-1)


def test_an_unknown_layout_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UserError, match="unknown layout 'holistic_51'"):
        synthesize(SIGNS[:2], tmp_path, replace(FEW, layout="holistic_51"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("index", ["{}", "no JSON", '{"version": 1}', '{"version": 1, "shards": 3}'])
def test_an_index_that_is_not_ours_is_not_replaced(tmp_path, index):
    (tmp_path / "index.json").write_text(index, "utf-8")
    with pytest.raises(UserError, match="holds shards"):
        synthesize(SIGNS[:2], tmp_path, FEW)
    with pytest.raises(UserError, match="not an index of shards, so it is not replaced"):
        synthesize(SIGNS[:2], tmp_path, FEW, overwrite=True, begun=pytest.fail)
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]


def test_signs_that_nobody_can_sign_are_said_and_leave_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise UserError("it lasts an hour")

    monkeypatch.setattr("text_to_pose.synthesis.shards.clips_of", refuse)
    with pytest.raises(UserError, match="none of the 2 signs can be signed: .*it lasts an hour"):
        synthesize(SIGNS[:2], tmp_path, FEW)
    assert not list(tmp_path.iterdir())


def test_a_sign_without_hands_is_no_text(tmp_path):
    path = tmp_path / "empty.sigml"
    path.write_text('<sigml><hamgestural_sign gloss="NOD"><sign_manual/></hamgestural_sign></sigml>', "utf-8")
    with pytest.raises(UserError, match="no sign can be used: .*empty.sigml: NOD: no hand does anything in it"):
        read_texts([path])


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
    pattern = f"{table.parent}/*.csv"
    quick = ("--people", 2, "--clips-per-sign", 1, "--cameras", 1, "--no-estimator")
    status, printed, _ = cli("synthesize", "--texts", pattern, "--output", tmp_path / "more", *quick)
    assert (status, "frames of split train" in printed) == (3, True)
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
