from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pose_core import UserError, write
from pose_core.data import Clip, pack
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.training import TrainingConfig, are_shards, open_shards, read_data, stream_loader
from pose_core.transforms import drop_face, to_layout

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


@pytest.mark.parametrize("shards", [False, True])
def test_clips_of_another_estimator_are_mapped_by_anatomy(tmp_path, shards):
    first = fake_sequence().on_skeleton(fake_sequence().skeleton.with_dims(2))
    coco = to_layout(first, "coco_wholebody_133")
    mine = to_layout(coco, first.skeleton)
    for number, sequence in enumerate((first, coco), start=1):
        write(sequence, tmp_path / f"{number}.pose")
    if shards:
        clips = [Clip(Path(f"{i}.pose"), "", "und", "train") for i in (1, 2)]
        pack(zip(clips, (first, coco), strict=True), tmp_path / "shards")
        read = partial(open_shards, tmp_path / "shards", frames=1000)
        with pytest.warns(UserWarning, match="those of another estimator are mapped by anatomy"):
            data = read(prepare, TrainingConfig(), skeleton=first.skeleton)  # shuffled: any of them comes first
    else:
        manifest = "path,text,signed_language,split\n1.pose,a,und,train\n2.pose,b,und,train\n"
        (tmp_path / "index.csv").write_text(manifest)
        with pytest.warns(UserWarning, match=r"1 of 133 keypoints \(1 mapped by anatomy\); what a clip lacks"):
            data = read_data(tmp_path / "index.csv", prepare, TrainingConfig())
    assert data.skeleton == first.skeleton
    (found,) = (each.sequence for each in data.train if each.clip.path.stem == "2")
    np.testing.assert_allclose(found.keypoints, mine.keypoints, atol=0.01)
    np.testing.assert_array_equal(found.confidence > 0, mine.confidence > 0)


def test_files_of_one_skeleton_are_not_mapped(tmp_path):
    """ht-vae refuses mixtures by `common`."""
    write(fake_sequence(), tmp_path / "1.pose")
    write(to_layout(fake_sequence(), "coco_wholebody_133"), tmp_path / "2.pose")
    (tmp_path / "index.csv").write_text("path,text,signed_language,split\n1.pose,a,und,train\n2.pose,b,und,train\n")
    found = []

    def common(files):
        found.extend(skeleton.layout.name for _, skeleton in files)
        raise UserError("several skeletons")

    with pytest.raises(UserError, match="several skeletons"), pytest.warns(UserWarning, match="keypoints; what"):
        read_data(tmp_path / "index.csv", prepare, TrainingConfig(), common=common)
    assert found[0] != found[1]


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
