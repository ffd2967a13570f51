"""Damaged shards, and storage that fails: what is wrong is named."""

import functools
import http.server
import threading
from itertools import islice
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from pose_core import UserError
from pose_core.data import ShardDataset, pack
from pose_core.data import shards as shards_module
from pose_core.testing import clip_names, damage_clip, fake_clips

CLIPS = 13


def test_a_damaged_clip_is_named(packed):
    name = damage_clip(packed / "train-00001.tar", 1)
    with pytest.raises(UserError, match=rf"train-00001\.tar, clip {name}: damaged"):
        clip_names(ShardDataset(packed, "train"))
    dataset = ShardDataset(packed, "train", on_error="skip")
    for _ in range(2):
        with pytest.warns(UserWarning, match=rf"skipped: .*clip {name}"):
            assert len(clip_names(dataset)) == CLIPS - 1
        assert len(dataset.skipped) == 1


@pytest.mark.filterwarnings("ignore:skipped")
def test_too_many_damaged_clips(packed):
    first = damage_clip(packed / "train-00000.tar", 1)
    damage_clip(packed / "train-00001.tar", 0)
    with pytest.raises(UserError, match=rf"2 of 13 clips .* max_skipped 0\.05 allows.*The first: .*clip {first}: "):
        clip_names(ShardDataset(packed, "train", on_error="skip"))
    assert len(clip_names(ShardDataset(packed, "train", on_error="skip", max_skipped=0.1))) == CLIPS - 2
    with pytest.raises(UserError, match="1 of 13"):
        clip_names(ShardDataset(packed, "train", on_error="skip", max_skipped=0))


@pytest.mark.filterwarnings("ignore:skipped")
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("end", [0, 100, 5000, -15000])
def test_a_truncated_shard(packed, end, shuffle):
    shard = packed / "train-00001.tar"
    shard.write_bytes(shard.read_bytes()[:end])
    with pytest.raises(UserError, match=r"train-00001\.tar"):
        clip_names(ShardDataset(packed, "train", shuffle=shuffle))
    dataset = ShardDataset(packed, "train", shuffle=shuffle, on_error="skip", max_skipped=0.5)
    there = len(clip_names(dataset))
    assert 8 <= there < CLIPS
    assert len(dataset.skipped) == 1
    assert dataset.state_dict()["skipped"] == CLIPS - there


def test_a_missing_shard(packed):
    (packed / "train-00001.tar").unlink()
    with pytest.raises(UserError, match=r"train-00001\.tar: cannot be read after clip 0 \(.*No such file"):
        clip_names(ShardDataset(packed, "train"))


def test_errors_of_a_transform_are_not_damage(packed):
    def failing(sequence):
        raise ValueError("a mistake of the program")

    with pytest.raises(ValueError, match="a mistake of the program"):
        clip_names(ShardDataset(packed, "train", transform=failing, on_error="skip"))


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
def test_unreliable_storage_is_retried(packed, failing, error):
    failing.setattr(FailingFileSystem, "error", error)
    dataset = ShardDataset(f"failing://{packed}", "train")
    assert clip_names(dataset) == [f"{i}.pose" for i in range(CLIPS)]
    assert len(FailingFileSystem.failed) > 4
    for (_, sequence), sample in zip(fake_clips(CLIPS), dataset, strict=True):
        np.testing.assert_array_equal(sample.sequence.keypoints, sequence.keypoints)


def test_failed_storage_is_reported(packed, failing):
    dataset = ShardDataset(f"failing://{packed}", "train")
    failing.setattr(FailingFileSystem, "every", 1)
    failing.setattr(FailingFileSystem, "failed", type("Never", (), {"__contains__": lambda *_: False, "add": id})())
    with pytest.raises(UserError, match=r"train-00000\.tar: cannot be read after clip 0 \(.*reset; attempts: 4\)"):
        clip_names(dataset)


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
    pack(fake_clips(count), tmp_path)
    server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path, ranges=ranges))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        dataset = ShardDataset(url, "train")
        assert (tmp_path / dataset.shards[0].file).stat().st_size > 6 << 20
        assert clip_names(islice(dataset, 120)) == [f"{i}.pose" for i in range(count)][:120]
        resumed = ShardDataset(url, "train")
        resumed.load_state_dict(dataset.state_dict())
        assert clip_names(resumed) == [f"{i}.pose" for i in range(count)][120:]
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
