"""Shards: what comes out is what went in, once each, over whatever number of readers; damage is named.

Called as a script, this file is what the processes of `test_each_clip_once_over_two_processes` run.
"""

import functools
import http.server
import json
import os
import pickle
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from itertools import islice
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from pose_core import UserError
from pose_core.data import Clip, ShardDataset, pack
from pose_core.data import shards as shards_module
from pose_core.testing import fake_sequence

CLIPS = 13


def samples(count=CLIPS, split="train"):
    for number in range(count):
        clip = Clip(Path(f"{number}.pose"), f"letter {number}", "ase", split, "en")
        yield clip, replace(fake_sequence(frames=5 + number, fps=20.0 + number, shape=number), size=(640, 480, 0))


@pytest.fixture
def folder(tmp_path):
    pack([*samples(), *samples(3, "validation")], tmp_path / "shards", shard_bytes=40_000)
    return tmp_path / "shards"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """23 clips in shards of two; the fourth is damaged. To be read only."""
    folder = tmp_path_factory.mktemp("tiny")
    pack(((clip, sequence[:1]) for clip, sequence in samples(23)), folder, shard_bytes=2_000)
    damage(folder / "train-00001.tar", 1)
    return folder


def damage(shard, number):
    """Overwrites the beginning of a clip's poses; returns the clip's name in the shard."""
    with tarfile.open(shard) as archive:
        member = archive.getmembers()[2 * number + 1]
    content = bytearray(shard.read_bytes())
    content[member.offset_data : member.offset_data + 20] = b"\x00" * 20
    shard.write_bytes(content)
    return member.name.removesuffix(".npy")


def names(dataset):
    return [sample.clip.path.name for sample in dataset]


def whole(count=CLIPS):
    return [f"{i}.pose" for i in range(count)]


def consume_as(monkeypatch, consumer, consumers):
    monkeypatch.setattr(shards_module, "_consumer", lambda: (consumer, consumers))


def test_shards_round_trip(folder):
    dataset = ShardDataset(folder, "train")
    assert len(dataset) == CLIPS
    assert len(dataset.shards) > 2
    for (clip, sequence), sample in zip(samples(), dataset, strict=True):
        assert sample.clip == clip
        np.testing.assert_array_equal(sample.sequence.keypoints, sequence.keypoints)
        np.testing.assert_array_equal(sample.sequence.confidence, sequence.confidence)
        assert replace(sample.sequence, keypoints=sequence.keypoints, confidence=sequence.confidence) == sequence
    assert names(ShardDataset(str(folder), "validation")) == whole(3)
    assert all(shard.frames for shard in dataset.shards)


def test_the_clips_are_listed_without_their_poses(folder, tmp_path):
    assert ShardDataset(folder, "train").read_clips() == [clip for clip, _ in samples()]
    assert ShardDataset(folder, "validation").read_clips() == [clip for clip, _ in samples(3, "validation")]
    odd = Clip(Path("\udcff.pose"), 'two\nlines, "quoted"', "", "train")
    pack([(odd, fake_sequence())], tmp_path / "odd")
    assert ShardDataset(tmp_path / "odd", "train").read_clips() == [odd]
    listing = folder / "clips.csv"
    listing.write_text(listing.read_text().replace("signed_language", "language", 1))
    with pytest.raises(UserError, match=r"clips\.csv: cannot be read \(.*signed_language"):
        ShardDataset(folder, "train").read_clips()
    listing.unlink()
    with pytest.raises(UserError, match=r"clips\.csv: there is none; pack or copy the data again"):
        ShardDataset(folder, "train").read_clips()


def test_shards_are_plain_tar_files(folder):
    with tarfile.open(folder / "train-00000.tar") as archive:
        assert archive.getnames()[:2] == ["00000000.json", "00000000.npy"]
        assert json.load(archive.extractfile("00000000.json"))["text"] == "letter 0"


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("consumers", [1, 2, 6, 20])
def test_each_clip_is_read_once_over_all_consumers(folder, monkeypatch, shuffle, consumers):
    seen, counts = [], []
    for consumer in range(consumers):
        consume_as(monkeypatch, consumer, consumers)
        mine = names(ShardDataset(folder, "train", shuffle=shuffle, buffer=4))
        seen += mine
        counts.append(len(mine))
    assert sorted(seen) == sorted(whole())
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("persistent", [False, True])
def test_real_workers_read_each_clip_once_in_an_order_of_the_epoch(folder, persistent):
    dataset = ShardDataset(folder, "train", shuffle=True, buffer=4)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, persistent_workers=persistent)
    orders = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        orders.append(names(loader))
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(whole())
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]
    assert dataset.state_dict()["position"] == 0  # what it says of workers that it cannot see


def test_each_clip_once_over_two_processes(folder, tmp_path):
    environment = os.environ | {"WORLD_SIZE": "2"}
    command = [sys.executable, __file__, str(folder), str(tmp_path)]
    processes = [subprocess.Popen(command, env=environment | {"RANK": str(rank)}) for rank in range(2)]
    try:
        assert [process.wait(timeout=600) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    ranks = [json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in range(2)]
    for way in ("alone", "workers"):
        assert sorted(ranks[0][way] + ranks[1][way]) == sorted(whole())
    for rank in ranks:
        assert sorted(rank["alone"]) == sorted(rank["workers"])
        assert rank["length"] == len(rank["alone"])


def main(folder, output):
    """Work of each of two processes."""
    rank = int(os.environ["RANK"])
    torch.distributed.init_process_group("gloo", f"file://{output}/store", rank=rank, world_size=2)
    dataset = ShardDataset(folder, "train", shuffle=True, buffer=4)
    found = {"alone": names(dataset), "length": len(dataset)}
    # Workers are forked from this process, so they know its rank.
    found["workers"] = names(DataLoader(dataset, batch_size=None, num_workers=2))
    (output / f"rank-{rank}.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


def test_the_order_depends_on_seed_and_epoch(folder):
    dataset = ShardDataset(folder, "train", shuffle=True, seed=1)
    first = names(dataset)
    assert first == names(dataset) == names(ShardDataset(folder, "train", shuffle=True, seed=1))
    assert first != names(ShardDataset(folder, "train"))
    dataset.set_epoch(1)
    assert names(dataset) != first
    assert sorted(names(dataset)) == sorted(first)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), shuffle=st.booleans(), buffer=st.sampled_from([1, 2, 5, 100]), seed=st.integers(0, 3))
def test_resuming_completes_the_epoch(tiny, data, shuffle, buffer, seed):
    consumers = data.draw(st.integers(1, 3), "consumers")
    consumer = data.draw(st.integers(0, consumers - 1), "consumer")
    with pytest.MonkeyPatch.context() as monkeypatch:
        consume_as(monkeypatch, consumer, consumers)

        def begun(epoch=0):
            dataset = ShardDataset(tiny, "train", shuffle=shuffle, buffer=buffer, seed=seed, on_error="skip")
            dataset.set_epoch(epoch)
            return dataset

        epoch = data.draw(st.integers(0, 2), "epoch")
        undisturbed, next_epoch = begun(epoch), begun(epoch + 1)
        expected, after = names(undisturbed), names(next_epoch)
        read, dataset = [], begun(epoch)
        for cut in data.draw(st.lists(st.integers(0, len(expected)), max_size=2), "cuts"):
            read += names(islice(dataset, cut))
            state = json.loads(json.dumps(dataset.state_dict()))
            dataset = begun()
            dataset.load_state_dict(state)
            assert dataset.state_dict() == state
        read += names(dataset)
        assert read == expected
        assert dataset.state_dict() == undisturbed.state_dict()  # as many skipped, too
        dataset.set_epoch(epoch + 1)
        assert names(dataset) == after


def test_resuming_skips_what_was_yielded(folder):
    dataset = ShardDataset(folder, "train")
    shards = dataset.shards
    cut = shards[0].clips + shards[1].clips + 1
    names(islice(dataset, cut))
    for shard in shards[:2]:
        (folder / shard.file).unlink()
    prepared = []
    resumed = ShardDataset(folder, "train", transform=lambda sequence: prepared.append(len(sequence)) or sequence)
    resumed.load_state_dict(dataset.state_dict())
    assert names(resumed) == whole()[cut:]
    assert prepared == [5 + i for i in range(cut, CLIPS)]


def test_the_state_is_small(tiny):
    dataset = ShardDataset(tiny, "train", shuffle=True, on_error="skip")
    names(dataset)
    assert len(pickle.dumps(dataset.state_dict())) < 600


def test_a_finished_epoch_resumes_empty(folder):
    """StatefulDataLoader makes an iterator of the state and, if the epoch was finished, throws it away for another."""
    dataset = ShardDataset(folder, "train", shuffle=True)
    names(dataset)
    resumed = ShardDataset(folder, "train", shuffle=True)
    resumed.set_epoch(1)
    resumed.load_state_dict(dataset.state_dict())
    assert names(resumed) == []
    assert resumed.epoch == 1
    dataset.set_epoch(1)
    assert names(resumed) == names(dataset)


def test_a_state_of_another_epoch_is_ignored(folder):
    dataset = ShardDataset(folder, "train")
    names(islice(dataset, 4))
    resumed = ShardDataset(folder, "train")
    resumed.load_state_dict(dataset.state_dict())
    resumed.set_epoch(1)
    assert names(resumed) == whole()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, "is of seed 0, this is 1"),
        ({"shuffle": False}, "is of shuffle True, this is False"),
        ({"buffer": 9}, "is of buffer 4, this is 9"),
        ({"split": "validation"}, "is of shards [0-9]+, this is 1"),
    ],
)
def test_a_state_of_another_order(folder, changed, message):
    arguments = {"split": "train", "shuffle": True, "buffer": 4}
    dataset = ShardDataset(folder, **arguments)
    names(islice(dataset, 3))
    other = ShardDataset(folder, **(arguments | changed))
    other.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match=message):
        names(other)


def test_a_state_of_another_consumer(folder, monkeypatch):
    dataset = ShardDataset(folder, "train")
    names(islice(dataset, 3))
    state = dataset.state_dict()
    consume_as(monkeypatch, 0, 2)
    dataset.load_state_dict(state)
    with pytest.raises(UserError, match="is of consumers 1, this is 2"):
        names(dataset)


def test_a_damaged_clip_is_named(folder):
    name = damage(folder / "train-00001.tar", 1)
    with pytest.raises(UserError, match=rf"train-00001\.tar, clip {name}: damaged"):
        names(ShardDataset(folder, "train"))
    dataset = ShardDataset(folder, "train", on_error="skip")
    for _ in range(2):
        with pytest.warns(UserWarning, match=rf"skipped: .*clip {name}"):
            assert len(names(dataset)) == CLIPS - 1
        assert len(dataset.skipped) == 1


def test_a_damaged_clip_is_raised_again_after_resuming(folder):
    damage(folder / "train-00000.tar", 1)
    dataset = ShardDataset(folder, "train")
    with pytest.raises(UserError):
        names(dataset)
    resumed = ShardDataset(folder, "train")
    resumed.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match="damaged"):
        names(resumed)


@pytest.mark.filterwarnings("ignore:skipped")
def test_too_many_damaged_clips(folder):
    first = damage(folder / "train-00000.tar", 1)
    damage(folder / "train-00001.tar", 0)
    with pytest.raises(UserError, match=rf"2 of 13 clips .* max_skipped 0\.05 allows.*The first: .*clip {first}: "):
        names(ShardDataset(folder, "train", on_error="skip"))
    assert len(names(ShardDataset(folder, "train", on_error="skip", max_skipped=0.1))) == CLIPS - 2
    with pytest.raises(UserError, match="1 of 13"):
        names(ShardDataset(folder, "train", on_error="skip", max_skipped=0))


@pytest.mark.filterwarnings("ignore:skipped")
def test_too_many_damaged_clips_on_both_sides_of_an_interruption(folder):
    first = damage(folder / "train-00000.tar", 1)
    damage(folder / "train-00001.tar", 0)
    dataset = ShardDataset(folder, "train", on_error="skip")
    names(islice(dataset, 2))
    resumed = ShardDataset(folder, "train", on_error="skip")
    resumed.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match=rf"2 of 13 clips .*The first: .*clip {first}: "):
        names(resumed)


@pytest.mark.filterwarnings("ignore:skipped")
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("end", [0, 100, 5000, -15000])
def test_a_truncated_shard(folder, end, shuffle):
    shard = folder / "train-00001.tar"
    shard.write_bytes(shard.read_bytes()[:end])
    with pytest.raises(UserError, match=r"train-00001\.tar"):
        names(ShardDataset(folder, "train", shuffle=shuffle))
    dataset = ShardDataset(folder, "train", shuffle=shuffle, on_error="skip", max_skipped=0.5)
    there = len(names(dataset))
    assert 8 <= there < CLIPS
    assert len(dataset.skipped) == 1
    assert dataset.state_dict()["skipped"] == CLIPS - there


def test_a_missing_shard(folder):
    (folder / "train-00001.tar").unlink()
    with pytest.raises(UserError, match=r"train-00001\.tar: cannot be read after clip 0 \(.*No such file"):
        names(ShardDataset(folder, "train"))


def test_errors_of_a_transform_are_not_damage(folder):
    def failing(sequence):
        raise ValueError("a mistake of the program")

    with pytest.raises(ValueError, match="a mistake of the program"):
        names(ShardDataset(folder, "train", transform=failing, on_error="skip"))


class FailingFile:
    """Fails at every so many reads, once at each place, and reads on when opened again."""

    def __init__(self, file, path, failed):
        self.file, self.path, self.failed = file, path, failed

    def __getattr__(self, name):
        return getattr(self.file, name)

    def read(self, size):
        place = self.path, self.file.tell()
        FailingFileSystem.reads += 1
        if FailingFileSystem.reads % FailingFileSystem.every == 0 and place not in self.failed:
            self.failed.add(place)
            raise FailingFileSystem.error
        return self.file.read(size)


class FailingFileSystem(LocalFileSystem):
    protocol = "failing"
    cachable = False
    every, reads, failed = 7, 0, set()
    error: Exception = OSError("connection reset")

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("failing://"))  # older fsspec knows its own protocols only

    def _open(self, path, mode="rb", **options):
        return FailingFile(super()._open(path, mode, **options), path, self.failed)


@pytest.fixture
def failing(monkeypatch):
    fsspec.register_implementation("failing", FailingFileSystem, clobber=True)
    monkeypatch.setattr(shards_module, "PAUSES", (0.0, 0.0, 0.0))
    for name, value in {"every": 7, "reads": 0, "failed": set()}.items():
        monkeypatch.setattr(FailingFileSystem, name, value)
    return monkeypatch


class ClientError(Exception):
    """An error that is no OSError, as aiohttp's."""


@pytest.mark.parametrize("error", [OSError("connection reset"), TimeoutError(), ClientError("disconnected")])
def test_unreliable_storage_is_retried(folder, failing, error):
    failing.setattr(FailingFileSystem, "error", error)
    dataset = ShardDataset(f"failing://{folder}", "train")
    assert names(dataset) == whole()
    assert len(FailingFileSystem.failed) > 4
    for (_, sequence), sample in zip(samples(), dataset, strict=True):
        np.testing.assert_array_equal(sample.sequence.keypoints, sequence.keypoints)


def test_failed_storage_is_reported(folder, failing):
    dataset = ShardDataset(f"failing://{folder}", "train")
    failing.setattr(FailingFileSystem, "every", 1)
    failing.setattr(FailingFileSystem, "failed", type("Never", (), {"__contains__": lambda *_: False, "add": id})())
    with pytest.raises(UserError, match=r"train-00000\.tar: cannot be read after clip 0 \(.*reset; attempts: 4\)"):
        names(dataset)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Python's own server knows no ranges; `ranges` gives it some."""

    def __init__(self, *arguments, ranges, **options):
        self.ranges = ranges
        super().__init__(*arguments, **options)

    def log_message(self, *_):
        pass

    def do_GET(self):
        asked = self.headers.get("Range")
        if not self.ranges or asked is None:
            super().do_GET()
            return
        content = Path(self.translate_path(self.path)).read_bytes()
        first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
        part = content[first : last + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients go away in the middle of files."""


@pytest.mark.parametrize("ranges", [False, True])
def test_over_http(tmp_path, ranges):
    pytest.importorskip("aiohttp")
    count = 150  # in a shard of more than what fsspec asks for at once
    pack(samples(count), tmp_path)
    server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path, ranges=ranges))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        dataset = ShardDataset(url, "train")
        assert (tmp_path / dataset.shards[0].file).stat().st_size > 6 << 20
        assert names(islice(dataset, 120)) == whole(count)[:120]
        resumed = ShardDataset(url, "train")
        resumed.load_state_dict(dataset.state_dict())
        assert names(resumed) == whole(count)[120:]
        with pytest.raises(UserError, match="no shards there"):
            ShardDataset(f"{url}/elsewhere", "train")
    finally:
        server.shutdown()
        server.server_close()


def test_a_library_that_is_not_installed(monkeypatch):
    absent = {"class": "no_such_library.FileSystem", "err": "Absent needs a library"}
    monkeypatch.setitem(known_implementations, "absent", absent)
    with pytest.raises(UserError, match=r"^absent://bucket: .*: pip install no_such_library$"):
        ShardDataset("absent://bucket", "train")


def test_packing_is_atomic(folder, tmp_path):
    def failing():
        yield from samples(6)
        raise UserError("the seventh is damaged")

    with pytest.raises(UserError, match="seventh"):
        pack(failing(), tmp_path / "new", shard_bytes=20_000)
    assert not list((tmp_path / "new").iterdir())
    with pytest.raises(UserError, match="holds shards; use --overwrite"):
        pack(samples(), folder)
    pack(samples(2), folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["clips.csv", "index.json", "train-00000.tar"]
    with pytest.raises(UserError, match="no clips to pack"):
        pack([], tmp_path / "empty")


def test_folders_without_shards_are_refused(folder, tmp_path):
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="no shards there"):
            ShardDataset(place, "train")
    with pytest.raises(UserError, match="no clips of split 'test'; it has train, validation"):
        ShardDataset(folder, "test")
    (folder / "index.json").write_text('{"version": 9}')
    with pytest.raises(UserError, match="version 1"):
        ShardDataset(folder, "train")
    (folder / "index.json").write_text("{")
    with pytest.raises(UserError, match=r"index\.json: cannot be read"):
        ShardDataset(folder, "train")
    for content in ('{"version": 1}', '{"version": 1, "skeletons": [{}], "shards": [{"file": 3}]}'):
        (folder / "index.json").write_text(content)
        with pytest.raises(UserError, match=r"index\.json: damaged"):
            ShardDataset(folder, "train")
    with pytest.raises(UserError, match="cannot be read"):
        ShardDataset("nowhere://bucket", "train")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
