import csv

import pytest

from pose_core import UserError, write
from pose_core.data.held_out import ClipPart, split_clips
from pose_core.testing import fake_manifest, fake_sequence


@pytest.fixture
def folder(tmp_path):
    for number in range(20):
        write(fake_sequence(frames=4), tmp_path / f"{number}.npz")
    return tmp_path


def names(clips):
    return {clip.path.name for clip in clips}


def test_splits_of_a_manifest_are_used(tmp_path):
    said = []
    train, validation = split_clips([fake_manifest(tmp_path)], 0.5, said.append)
    assert (len(train), len(validation), said) == (7, 1, [])


def test_a_share_of_the_files_is_held_out_and_reported(folder, tmp_path_factory):
    said = []
    train, validation = split_clips([folder], 0.2, said.append)
    assert (len(train), len(validation)) == (16, 4)
    assert not names(train) & names(validation)
    assert len(said) == 1
    assert said[0].startswith(f"{folder}: no validation split; held out for it: 4 of 20 files (")
    assert split_clips([folder], 0.2) == (train, validation)
    more = split_clips([folder], 0.4)[1]
    assert names(validation) <= names(more)
    copy = tmp_path_factory.mktemp("elsewhere")
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert names(split_clips([copy], 0.2)[1]) == names(validation)  # by the names below the folder alone
    assert split_clips([folder], 0.0)[1] == []


def test_each_of_several_data_sets_holds_out_its_own(folder, tmp_path_factory):
    manifest = fake_manifest(tmp_path_factory.mktemp("clips"))
    train, validation = split_clips([folder, manifest], 0.1)
    assert (len(train), len(validation)) == (18 + 7, 2 + 1)


def test_the_end_of_a_single_file_is_held_out(tmp_path):
    write(fake_sequence(frames=21), tmp_path / "a.pose")
    said = []
    (first,), (last,) = split_clips([tmp_path], 0.1, said.append)
    assert "the last 10% of a.pose" in said[0]
    for frames, cut in ((21, 19), (2, 1), (3, 2), (100, 90)):
        sequence = fake_sequence(frames=frames)
        assert len(first.of(sequence)) == cut
        assert len(first.of(sequence)) + len(last.of(sequence)) == frames
    with pytest.raises(UserError, match="has one frame"):
        first.of(fake_sequence(frames=1))
    assert isinstance(first, ClipPart)


def test_a_file_in_both_splits_is_refused(tmp_path):
    write(fake_sequence(), tmp_path / "a.pose")
    with (tmp_path / "index.csv").open("w", newline="") as file:
        rows = [("path", "text", "signed_language", "split")]
        rows += [("a.pose", "A", "ase", "train"), ("a.pose", "A", "ase", "validation")]
        csv.writer(file).writerows(rows)
    with pytest.raises(UserError, match=r"a\.pose: is to be trained on and to validate with"):
        split_clips([tmp_path], 0.1)


def test_data_without_a_train_split_is_refused(tmp_path):
    (tmp_path / "val").mkdir()
    write(fake_sequence(), tmp_path / "val" / "a.pose")
    with pytest.raises(UserError, match="no clip has split train"):
        split_clips([tmp_path], 0.1)
