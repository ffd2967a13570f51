"""Shards: what comes out is what went in, once each, over whatever number of readers.

Called as a script, this file is what the processes of `test_each_clip_once_over_two_processes` run.
"""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pose_core import UserError
from pose_core.data import Clip, ShardDataset, pack
from pose_core.data import shards as shards_module
from pose_core.testing import clip_names, fake_clips, fake_sequence

CLIPS = 13


def consume_as(monkeypatch, consumer, consumers):
    monkeypatch.setattr(shards_module, "_consumer", lambda: (consumer, consumers))


def test_shards_round_trip(packed):
    dataset = ShardDataset(packed, "train")
    assert len(dataset) == CLIPS
    assert len(dataset.shards) > 2
    for (clip, sequence), sample in zip(fake_clips(CLIPS), dataset, strict=True):
        assert sample.clip == clip
        np.testing.assert_array_equal(sample.sequence.keypoints, sequence.keypoints)
        np.testing.assert_array_equal(sample.sequence.confidence, sequence.confidence)
        assert replace(sample.sequence, keypoints=sequence.keypoints, confidence=sequence.confidence) == sequence
    assert clip_names(ShardDataset(str(packed), "validation")) == [f"{i}.pose" for i in range(3)]
    assert all(shard.frames for shard in dataset.shards)


def test_the_clips_are_listed_without_their_poses(packed, tmp_path):
    assert ShardDataset(packed, "train").read_clips() == [clip for clip, _ in fake_clips(CLIPS)]
    assert ShardDataset(packed, "validation").read_clips() == [clip for clip, _ in fake_clips(3, "validation")]
    odd = Clip(Path("\udcff.pose"), 'two\nlines, "quoted"', "", "train")
    pack([(odd, fake_sequence())], tmp_path / "odd")
    assert ShardDataset(tmp_path / "odd", "train").read_clips() == [odd]
    listing = packed / "clips.csv"
    listing.write_text(listing.read_text().replace("signed_language", "language", 1))
    with pytest.raises(UserError, match=r"clips\.csv: cannot be read \(.*signed_language"):
        ShardDataset(packed, "train").read_clips()
    listing.unlink()
    with pytest.raises(UserError, match=r"clips\.csv: there is none; pack or copy the data again"):
        ShardDataset(packed, "train").read_clips()


def test_shards_are_plain_tar_files(packed):
    with tarfile.open(packed / "train-00000.tar") as archive:
        assert archive.getnames()[:2] == ["00000000.json", "00000000.npy"]
        assert json.load(archive.extractfile("00000000.json"))["text"] == "letter 0"


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("consumers", [1, 2, 6, 20])
def test_each_clip_is_read_once_over_all_consumers(packed, monkeypatch, shuffle, consumers):
    seen, counts = [], []
    for consumer in range(consumers):
        consume_as(monkeypatch, consumer, consumers)
        mine = clip_names(ShardDataset(packed, "train", shuffle=shuffle, buffer=4))
        seen += mine
        counts.append(len(mine))
    assert sorted(seen) == sorted([f"{i}.pose" for i in range(CLIPS)])
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("persistent", [False, True])
def test_real_workers_read_each_clip_once_in_an_order_of_the_epoch(packed, persistent):
    dataset = ShardDataset(packed, "train", shuffle=True, buffer=4)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, persistent_workers=persistent)
    orders = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        orders.append(clip_names(loader))
    assert sorted(orders[0]) == sorted(orders[1]) == sorted([f"{i}.pose" for i in range(CLIPS)])
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]
    assert dataset.state_dict()["position"] == 0  # what it says of workers that it cannot see


def test_each_clip_once_over_two_processes(packed, tmp_path):
    environment = os.environ | {"WORLD_SIZE": "2"}
    command = [sys.executable, __file__, str(packed), str(tmp_path)]
    processes = [subprocess.Popen(command, env=environment | {"RANK": str(rank)}) for rank in range(2)]
    try:
        assert [process.wait(timeout=600) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    ranks = [json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in range(2)]
    for way in ("alone", "workers"):
        assert sorted(ranks[0][way] + ranks[1][way]) == sorted([f"{i}.pose" for i in range(CLIPS)])
    for rank in ranks:
        assert sorted(rank["alone"]) == sorted(rank["workers"])
        assert rank["length"] == len(rank["alone"])


def main(packed, output):
    """Work of each of two processes."""
    rank = int(os.environ["RANK"])
    torch.distributed.init_process_group("gloo", f"file://{output}/store", rank=rank, world_size=2)
    dataset = ShardDataset(packed, "train", shuffle=True, buffer=4)
    found = {"alone": clip_names(dataset), "length": len(dataset)}
    # Workers are forked from this process, so they know its rank.
    found["workers"] = clip_names(DataLoader(dataset, batch_size=None, num_workers=2))
    (output / f"rank-{rank}.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


def test_the_order_depends_on_seed_and_epoch(packed):
    dataset = ShardDataset(packed, "train", shuffle=True, seed=1)
    first = clip_names(dataset)
    assert first == clip_names(dataset) == clip_names(ShardDataset(packed, "train", shuffle=True, seed=1))
    assert first != clip_names(ShardDataset(packed, "train"))
    dataset.set_epoch(1)
    assert clip_names(dataset) != first
    assert sorted(clip_names(dataset)) == sorted(first)


def test_packing_is_atomic(packed, tmp_path):
    def failing():
        yield from fake_clips(6)
        raise UserError("the seventh is damaged")

    with pytest.raises(UserError, match="seventh"):
        pack(failing(), tmp_path / "new", shard_bytes=20_000)
    assert not list((tmp_path / "new").iterdir())
    with pytest.raises(UserError, match="holds shards; use --overwrite"):
        pack(fake_clips(CLIPS), packed)
    pack(fake_clips(2), packed, overwrite=True)
    assert sorted(path.name for path in packed.iterdir()) == ["clips.csv", "index.json", "train-00000.tar"]
    with pytest.raises(UserError, match="no clips to pack"):
        pack([], tmp_path / "empty")


def test_folders_without_shards_are_refused(packed, tmp_path):
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="no shards there"):
            ShardDataset(place, "train")
    with pytest.raises(UserError, match="no clips of split 'test'; it has train, validation"):
        ShardDataset(packed, "test")
    (packed / "index.json").write_text('{"version": 9}')
    with pytest.raises(UserError, match="version 1"):
        ShardDataset(packed, "train")
    (packed / "index.json").write_text("{")
    with pytest.raises(UserError, match=r"index\.json: cannot be read"):
        ShardDataset(packed, "train")
    for content in ('{"version": 1}', '{"version": 1, "skeletons": [{}], "shards": [{"file": 3}]}'):
        (packed / "index.json").write_text(content)
        with pytest.raises(UserError, match=r"index\.json: damaged"):
            ShardDataset(packed, "train")
    with pytest.raises(UserError, match="cannot be read"):
        ShardDataset("nowhere://bucket", "train")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
