"""Shards: what comes out is what went in, once each, over whatever number of readers; damage is named."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from pose_core import UserError
from pose_core.data import Clip, ShardDataset, pack
from pose_core.data import shards as shards_module
from pose_core.testing import fake_sequence


def samples(count=13, split="train"):
    for number in range(count):
        clip = Clip(Path(f"{number}.pose"), f"letter {number}", "ase", split, "en")
        yield clip, replace(fake_sequence(frames=5 + number, fps=20.0 + number, shape=number), size=(640, 480, 0))


@pytest.fixture
def folder(tmp_path):
    pack([*samples(), *samples(3, "validation")], tmp_path / "shards", shard_bytes=40_000)
    return tmp_path / "shards"


def names(dataset):
    return [sample.clip.path.name for sample in dataset]


def test_what_comes_out_is_what_went_in(folder):
    dataset = ShardDataset(folder, "train")
    assert len(dataset) == 13
    assert len(dataset.shards) > 2
    for (clip, sequence), sample in zip(samples(), dataset, strict=True):
        assert sample.clip == clip
        np.testing.assert_array_equal(sample.sequence.keypoints, sequence.keypoints)
        np.testing.assert_array_equal(sample.sequence.confidence, sequence.confidence)
        assert replace(sample.sequence, keypoints=sequence.keypoints, confidence=sequence.confidence) == sequence
    assert names(ShardDataset(str(folder), "validation")) == ["0.pose", "1.pose", "2.pose"]
    assert all(shard.frames for shard in dataset.shards)


def test_any_tar_reads_them(folder):
    with tarfile.open(folder / "train-00000.tar") as archive:
        assert archive.getnames()[:2] == ["00000000.json", "00000000.npy"]
        assert json.load(archive.extractfile("00000000.json"))["text"] == "letter 0"


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("ranks", "workers"), [(1, 1), (2, 1), (3, 2), (20, 1)])
def test_each_clip_once_over_all_readers(folder, monkeypatch, shuffle, ranks, workers):
    seen, counts = [], []
    for consumer in range(ranks * workers):
        monkeypatch.setattr(shards_module, "_consumer", lambda consumer=consumer: (consumer, ranks * workers))
        mine = names(ShardDataset(folder, "train", shuffle=shuffle, buffer=4))
        seen += mine
        counts.append(len(mine))
    assert sorted(seen) == sorted(f"{i}.pose" for i in range(13))
    assert max(counts) - min(counts) <= 1


def test_each_clip_once_over_real_workers(folder):
    loader = DataLoader(ShardDataset(folder, "train"), batch_size=None, num_workers=2)
    assert sorted(names(loader)) == sorted(f"{i}.pose" for i in range(13))


def test_the_order_is_the_seed_and_the_epoch(folder):
    dataset = ShardDataset(folder, "train", shuffle=True, seed=1)
    first = names(dataset)
    assert first == names(dataset) == names(ShardDataset(folder, "train", shuffle=True, seed=1))
    assert first != names(ShardDataset(folder, "train"))
    dataset.set_epoch(1)
    assert names(dataset) != first
    assert sorted(names(dataset)) == sorted(first)


def test_a_damaged_clip_is_named(folder):
    shard = folder / "train-00001.tar"
    with tarfile.open(shard) as archive:
        member = archive.getmembers()[3]
    content = bytearray(shard.read_bytes())
    content[member.offset_data : member.offset_data + 20] = b"\x00" * 20
    shard.write_bytes(content)
    with pytest.raises(UserError, match=rf"train-00001\.tar, clip {member.name.removesuffix('.npy')}: damaged"):
        names(ShardDataset(folder, "train"))
    dataset = ShardDataset(folder, "train", on_error="skip")
    assert len(names(dataset)) == 12
    assert len(dataset.skipped) == 1


@pytest.mark.parametrize("end", [0, 100, 5000, -15000])
def test_a_shard_that_is_cut_short(folder, end):
    shard = folder / "train-00001.tar"
    shard.write_bytes(shard.read_bytes()[:end])
    with pytest.raises(UserError, match=r"train-00001\.tar"):
        names(ShardDataset(folder, "train"))
    dataset = ShardDataset(folder, "train", on_error="skip")
    assert 8 <= len(names(dataset)) < 13
    assert dataset.skipped


def test_packing_is_whole_or_not_at_all(folder, tmp_path):
    def failing():
        yield from samples(6)
        raise UserError("the seventh is damaged")

    with pytest.raises(UserError, match="seventh"):
        pack(failing(), tmp_path / "new", shard_bytes=20_000)
    assert not list((tmp_path / "new").iterdir())
    with pytest.raises(UserError, match="holds shards; use --overwrite"):
        pack(samples(), folder)
    pack(samples(2), folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "train-00000.tar"]
    with pytest.raises(UserError, match="no clips to pack"):
        pack([], tmp_path / "empty")


def test_what_is_no_folder_of_shards(folder, tmp_path):
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="no shards there"):
            ShardDataset(place, "train")
    with pytest.raises(UserError, match="no clips of split 'test'; it has train, validation"):
        ShardDataset(folder, "test")
    (folder / "index.json").write_text('{"version": 9}')
    with pytest.raises(UserError, match="version 1"):
        ShardDataset(folder, "train")
    with pytest.raises(UserError, match="cannot be read"):
        ShardDataset("nowhere://bucket", "train")
