from pathlib import Path

import pytest

from pose_core import UserError, write
from pose_core.data import Clip, pack
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.training import TrainingConfig, are_shards, open_shards, read_data, stream_loader
from pose_core.transforms import drop_face

CONFIG = TrainingConfig(epochs=1, batch_size=2)


def samples(train=6, validation=2):
    for number in range(train + validation):
        split = "train" if number < train else "validation"
        yield Clip(Path(f"{number}.pose"), str(number), "ase", split), fake_sequence(frames=10)


@pytest.fixture
def folder(tmp_path):
    pack(samples(), tmp_path / "shards", shard_bytes=40_000)
    return tmp_path / "shards"


def prepare(sequence, skeleton):
    return sequence.on_skeleton(skeleton or sequence.skeleton.with_dims(2))


def test_what_are_shards(folder):
    assert are_shards(folder)
    assert are_shards(str(folder))
    assert are_shards("s3://bucket/shards")
    assert not are_shards(folder.parent)
    assert not are_shards(folder / "clips.csv")


def test_some_clips_of_shards_are_kept_and_all_are_prepared_alike(folder):
    data = read_data(folder, prepare, CONFIG, frames=25)
    assert (len(data.train), len(data.validation)) == (3, 2)
    assert [clip.text for clip in data.train_clips()] == list("012345")
    skeletons = {sample.sequence.skeleton for each in (data.stream, data.train, data.validation) for sample in each}
    assert skeletons == {data.skeleton}
    assert data.skeleton.num_dims == 2
    other = drop_face(fake_sequence()).skeleton
    assert open_shards(folder, prepare, CONFIG, skeleton=other).skeleton == other
    assert len(open_shards(folder, prepare, CONFIG, frames=1000).train) == 6


def test_files_are_all_in_memory(tmp_path):
    data = read_data(fake_manifest(tmp_path), prepare, CONFIG)
    assert data.stream is None
    assert data.train_clips() == [sample.clip for sample in data.train]
    assert {sample.clip.split for sample in data.validation} == {"validation"}
    assert {sample.sequence.skeleton for sample in data.train + data.validation} == {data.skeleton}


def test_clips_are_refused_before_any_is_read(folder, tmp_path):
    def refuse(clips):
        raise UserError(f"{len(clips)} clips say nothing")

    def unread(sequence, skeleton):
        raise AssertionError

    for data in (folder, fake_manifest(tmp_path)):
        with pytest.raises(UserError, match=r"\d clips say nothing"):
            read_data(data, unread, CONFIG, check=refuse)


def test_few_clips_to_overfit_to(folder, tmp_path):
    few = CONFIG.model_copy(update={"overfit": 2})
    for data in (folder, fake_manifest(tmp_path)):
        chosen = read_data(data, prepare, few, frames=1000)
        assert (len(chosen.train), len(chosen.train_clips()), chosen.stream) == (2, 2, None)
        assert chosen.validation[0].clip == chosen.train[0].clip


def test_without_a_validation_split(tmp_path, capsys):
    pack(samples(validation=0), tmp_path)
    assert open_shards(tmp_path, prepare, CONFIG).validation == []
    assert f"{tmp_path}: 6 clips to train on, none to validate with" in capsys.readouterr().err


def test_shards_of_several_layouts_are_said(tmp_path):
    clips = [(Clip(Path("a"), "A", "ase", "train"), fake_sequence(face_points=points)) for points in (0, 3)]
    pack(clips, tmp_path)
    with pytest.warns(UserWarning, match="clips differ in layout .of 50, 53 keypoints.; what a clip lacks"):
        open_shards(tmp_path, prepare, CONFIG)


def test_what_cannot_be_trained_on(folder, tmp_path):
    with pytest.raises(UserError, match="batch_frames: a batch of shards is batch_size clips"):
        stream = open_shards(folder, prepare, CONFIG).stream
        stream_loader(stream, lambda sample: sample, CONFIG.model_copy(update={"batch_frames": 100}), collate=list)
    pack(samples(train=1), tmp_path / "one")

    def refuse(sequence, skeleton):
        raise UserError("nobody is seen")

    with pytest.warns(UserWarning, match="nobody"), pytest.raises(UserError, match=r"none of its clips .*nobody"):
        open_shards(tmp_path / "one", refuse, CONFIG)
    write(fake_sequence(), tmp_path / "files.pose")
    (tmp_path / "test").mkdir()
    write(fake_sequence(), tmp_path / "test" / "a.pose")
    with pytest.raises(UserError, match="no clips of split 'train'; it has test"):
        read_data(tmp_path, prepare, CONFIG)
