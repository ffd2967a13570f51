"""Rows of data sets: Hugging Face, TensorFlow Datasets, WebDataset; as mappings and as files."""

import io
import json
import os
import pickle
import re
import sys
import tarfile
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pose_core import UserError, read, write
from pose_core.cli import app
from pose_core.data import read_clips
from pose_core.data.packing import pack
from pose_core.data.rows import read_row, unpack_rows
from pose_core.formats import clips_of
from pose_core.formats.sniffing import SNIFFED, pose_suffix
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import clean

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


@pytest.fixture
def hands():
    """Six frames of both hands, in pixels, one point of one frame missing."""
    random = np.random.default_rng(0)
    keypoints = random.uniform(10, 500, (6, 42, 3)).astype(np.float32)
    confidence = np.ones((6, 42), np.float32)
    confidence[2, 7] = 0
    return replace(fake_sequence(frames=6), keypoints=keypoints, confidence=confidence, skeleton=known_skeleton(42, 3))


def content_of(sequence, folder, suffix):
    write(sequence, folder / f"content{suffix}", overwrite=True)
    return (folder / f"content{suffix}").read_bytes()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def joined(sequence):
    return np.concatenate([sequence.keypoints, sequence.confidence[..., None]], axis=2)


def poses_in_every_way(sequence, folder):
    """Rows that hold `sequence`."""
    write(sequence, folder / "a.pose")
    pose, array = (folder / "a.pose").read_bytes(), joined(sequence)
    data, conf = sequence.keypoints[:, None], sequence.confidence[:, None]
    return {
        "bytes": {"text": "x", "pose": pose},
        "bytearray": {"pose": bytearray(pose), "other": b"abc"},
        "npz": {"npz": content_of(sequence, folder, ".npz")},
        "bytes and path": {"pose": {"bytes": pose, "path": "b.pose"}},
        "bytes and no path": {"pose": {"bytes": pose, "path": None}},
        "path alone": {"pose": {"bytes": None, "path": "a.pose"}},
        "path": {"clip": "a.pose", "text": "no.pose.here"},
        "Path": {"pose": folder / "a.pose"},
        "lists": {"keypoints": array.tolist(), "fps": 25},
        "array": {"keypoints": array},
        "array of arrays": {"keypoints": np.array([*array, None], dtype=object)[:-1]},
        "tensor": {"keypoints": torch.tensor(array)},
        "with scores": {"keypoints": sequence.keypoints, "keypoint_scores": sequence.confidence},
        "tfds": {"id": b"7", "pose": {"data": data, "conf": conf, "fps": np.int32(25)}},
        "lists of tfds": {"pose": {"data": data.tolist(), "conf": conf[..., None].tolist(), "fps": 25}},
        "json text": {"pose": json.dumps(array.tolist())},
        "webdataset, json": {"__key__": "a", "json": json.dumps({"keypoints": array.tolist()}).encode()},
        "webdataset": {"__key__": "a", "clip.pose": pose, "json": b'{"text": "x"}', "txt": b"x"},
        "webdataset, npy": {"__key__": "a", "npy": npy(array), "json": b'{"text": "x"}'},
        "the only one": {"moves": array, "label": np.zeros(3), "label_names": ["a", "b"]},
    }


def test_rows_of_every_form(hands, tmp_path):
    for name, row in poses_in_every_way(hands, tmp_path).items():
        sequence = read_row(row, path=tmp_path / "row")
        np.testing.assert_array_equal(sequence.keypoints, hands.keypoints, name)
        np.testing.assert_array_equal(sequence.confidence, hands.confidence, name)
        assert (sequence.skeleton.keypoints, sequence.fps) == (hands.skeleton.keypoints, 25), name


def test_the_column_is_named(hands):
    first, second = hands.keypoints[:, :21], hands.keypoints[:, 21:]
    row = {"left": first, "right": second, "number": 3}
    with pytest.raises(UserError, match="row: left, right may all be poses; `pose-core unpack --column` says which"):
        read_row(row)
    np.testing.assert_array_equal(read_row(row, "right", axes="xyz").keypoints, second)
    with pytest.raises(UserError, match="row: has no column 'up'; it has left, right, number"):
        read_row(row, "up")
    assert read_row({"poses": first, "data": second}, axes="xyz").keypoints[0, 0, 0] == first[0, 0, 0]
    assert read_row({"pose": first, "fps": 50}, axes="xyz", fps=10).fps == 10
    assert read_row({"pose": hands.keypoints}, layout="holistic_178", axes="xyz").skeleton.num_keypoints == 178


def test_rows_without_poses(tmp_path):
    (tmp_path / "folder.pose").mkdir()
    for row, complaint in (
        ({}, "no column holds poses; it has nothing"),
        ({"text": "x", "fps": 3}, "no column holds poses; it has text, fps"),
        ({"pose": None}, "no column holds poses"),
        ({"pose": b""}, "row: "),
        ({"pose": b"\0\0\0\0"}, "row: "),
        ({"pose": b"hello"}, "not a .pose file"),
        ({"pose": pickle.dumps([1])}, "holds a pickle, which can run code and is never loaded"),
        ({"pkl": pickle.dumps([1])}, "pkl is a pickle"),
        ({"pose.pyd": b"x"}, "pose.pyd is a pickle"),
        ({"npy": b"\x93NUMPY"}, "not a whole .npy file"),
        ({"npy": npy(np.array([None], dtype=object))}, "holds Python objects"),
        ({"json": b'{"keypoints": [[1'}, "no column holds poses"),
        ({"pose": "[[1, 2"}, "its JSON is not whole"),
        ({"pose": "none.pose"}, "names the file 'none.pose', which is not there"),
        ({"pose": "folder.pose"}, "names the file 'folder.pose', which is not there"),
        ({"pose": {"bytes": None, "path": None}}, "names the file ''"),
        ({"pose": "a\0.pose"}, "names the file"),
        ({"keypoints": [[["x"]]]}, "no regular lists of numbers"),
        ({"keypoints": [[[1, 2]], [[1, 2], [3, 4]]]}, "no regular lists of numbers"),
        ({"keypoints": np.zeros((0, 21, 3))}, "no frames"),
        ({"keypoints": np.array([["a"]])}, "no column holds poses"),
        ({"keypoints": [[[1.0] * 7] * 21]}, "poses are"),
    ):
        with pytest.raises(UserError) as error:
            read_row(row, path=tmp_path / "row")
        assert complaint in str(error.value), row
        assert str(error.value).startswith(str(tmp_path / "row"))
        assert "\n" not in str(error.value)


def test_messages_name_the_row_and_not_a_temporary_file(hands, tmp_path):
    wild = replace(hands, confidence=hands.confidence * 9)
    with pytest.warns(InputWarning) as warned:
        read_row({"pose": content_of(wild, tmp_path, ".pose")}, path="row 7")
    assert {str(each.message).split(":")[0] for each in warned} == {"row 7"}


def tar_of(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_clip_of_a_tar_says_its_rate_and_what_else_may_be_its_poses(hands, tmp_path):
    poses = npy(joined(hands))
    members = {"a.npy": poses, "a.fps": b"30", "b.npy": poses, "b.json": b'{"fps": "60"}', "v1.5.npy": poses}
    path = tar_of(tmp_path / "a.tar", members | {"v1.6.npy": poses})
    assert [read(path, clip=name).fps for name in ("a", "b")] == [30.0, 60.0]
    with pytest.warns(InputWarning, match=r"clip v1 holds 5\.npy, 6\.npy, of which one is read"):
        read(path, clip="v1")


def test_webdataset_files(hands, tmp_path):
    pose = content_of(hands, tmp_path, ".pose")
    about = json.dumps({"text": "two", "split": "dev", "fps": 25}).encode()
    path = tar_of(
        tmp_path / "a.tar",
        {
            "one.mp4": b"video",
            "one.pose": pose,
            "one.txt": b"one",
            "sub/two.x.npy": npy(joined(hands)),
            "sub/two.json": about,
            "three.txt": b"no poses",
            "one.json": b"{}",
            "four.pkl": pickle.dumps([1]),
        },
    )
    assert clips_of(path) == ["one", "sub/two", "four"]
    for name in ("one", "sub/two"):
        np.testing.assert_array_equal(read(path, clip=name).keypoints, hands.keypoints)
    with pytest.raises(UserError, match=r"a\.tar, clip four: pkl is a pickle"):
        read(path, clip="four")
    short = tmp_path / "short.tar"
    for length in (300, 1000, 4000):
        short.write_bytes(path.read_bytes()[:length])
        with pytest.raises(UserError, match=r"short\.tar: "):
            clips_of(short)
    for members, complaint in (({}, "holds no clips"), ({"a.txt": b"x"}, "holds txt files, and no poses")):
        with pytest.raises(UserError, match=complaint):
            clips_of(tar_of(short, members))


def test_webdataset_itself_reads_them_as_rows(hands, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    members = {"a.pose": content_of(hands, tmp_path, ".pose"), "a.json": b'{"text": "x"}'}
    path = tar_of(tmp_path / "a.tar", members)
    (row,) = webdataset.WebDataset(str(path), shardshuffle=False)
    np.testing.assert_array_equal(read_row(row).keypoints, hands.keypoints)
    (row,) = webdataset.WebDataset(str(path), shardshuffle=False).decode()
    np.testing.assert_array_equal(read_row(row).keypoints, hands.keypoints)


def table_columns(hands, folder):
    """Columns of poses, as pyarrow makes them of Python's values."""
    pose, array = content_of(hands, folder, ".pose"), joined(hands)
    return {
        "binary": pose,
        "file": {"bytes": pose, "path": None},
        "lists": array.tolist(),
        "tfds": {"data": hands.keypoints[:, None].tolist(), "conf": hands.confidence[:, None].tolist(), "fps": 25},
        "path": "content.pose",
    }


@pytest.mark.parametrize("kind", [".parquet", ".arrow", "file.arrow"])
def test_tables(hands, tmp_path, kind):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / f"rows{kind[-8:] if kind == '.parquet' else '.arrow'}"
    for name, poses in table_columns(hands, tmp_path).items():
        table = pa.Table.from_pylist([{"id": f"clip {i}", "text": "x", "pose": poses} for i in range(7)])
        if kind == ".parquet":
            pq.write_table(table, path, row_group_size=3)
        else:
            with pa.OSFile(str(path), "wb") as sink:
                new = pa.ipc.new_file if kind == "file.arrow" else pa.ipc.new_stream
                with new(sink, table.schema) as writer:
                    writer.write_table(table, max_chunksize=3)
        assert clips_of(path) == [f"clip {i}" for i in range(7)], name
        for clip in ("clip 6", "clip 0", "clip 1", "clip 4", "clip 3"):
            sequence = read(path, clip=clip)
            np.testing.assert_array_equal(sequence.keypoints, hands.keypoints, name)
            np.testing.assert_array_equal(sequence.confidence, hands.confidence, name)
    whole = path.read_bytes()
    for content in (whole[:-100], whole[: len(whole) // 2], b"", b"PAR1", b"ARROW1"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="rows"):
            read(path)


class Malicious:
    """Whoever unpickles it, makes a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_no_pickle_is_loaded_wherever_it_is(tmp_path):
    made = tmp_path / "made"
    bad = pickle.dumps(Malicious(made))
    pickled_array = npy(np.array([Malicious(made)], dtype=object))
    for kind in ("pkl", "pickle", "pyd", "pose", "npy", "npz", "json", "pt", "csv"):
        path = tar_of(tmp_path / f"{kind}.tar", {f"a.{kind}": pickled_array if kind == "npy" else bad})
        with pytest.raises(UserError) as error:
            read(path)
        assert str(error.value).startswith(str(path))
        with pytest.raises(UserError):
            read_row({"__key__": "a", kind: bad})
    for row in (
        {"pose": bad},
        {"pose": {"bytes": bad, "path": "a.pkl"}},
        {"pose": {"bytes": pickled_array, "path": None}},
    ):
        with pytest.raises(UserError):
            read_row(row)
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist([row])
        pq.write_table(table, tmp_path / "a.parquet")
        with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        for path in (tmp_path / "a.parquet", tmp_path / "a.arrow"):
            with pytest.raises(UserError, match="never loaded") as error:
                read(path)
            assert str(error.value).startswith(str(path))
    assert not made.exists()


def test_tables_without_poses(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([{"text": "x", "number": 3}]), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: "):
        read(tmp_path / "a.parquet")


def test_saved_data_sets(hands, tmp_path):
    datasets = pytest.importorskip("datasets")
    pose, array = content_of(hands, tmp_path, ".pose"), joined(hands)
    features = {"name": datasets.Value("string"), "pose": datasets.Value("binary")}
    files = datasets.Dataset.from_list([{"name": "a", "pose": pose}], features=datasets.Features(features))
    features["pose"] = datasets.Array3D((len(array), 42, 4), "float32")
    arrays = datasets.Dataset.from_list([{"name": "b", "pose": array}], features=datasets.Features(features))
    np.testing.assert_array_equal(read_row(files[0]).keypoints, hands.keypoints)
    np.testing.assert_array_equal(read_row(arrays[0]).keypoints, hands.keypoints)
    arrays.to_parquet(tmp_path / "b.parquet")
    np.testing.assert_array_equal(read(tmp_path / "b.parquet").keypoints, hands.keypoints)
    files.save_to_disk(tmp_path / "saved")
    assert clips_of(tmp_path / "saved") == ["a"]
    datasets.DatasetDict(train=files, test=arrays).save_to_disk(tmp_path / "both")
    assert clips_of(tmp_path / "both") == ["train/a", "test/b"]
    np.testing.assert_array_equal(read(tmp_path / "both", clip="test/b").keypoints, hands.keypoints)


def test_folders_that_are_no_saved_data_set(tmp_path):
    pytest.importorskip("pyarrow")
    for state in ("{", "[]", '{"_data_files": []}', '{"_data_files": [{"filename": "../x.arrow"}]}'):
        (tmp_path / "state.json").write_text(state)
        with pytest.raises(UserError, match="save the data set again"):
            read(tmp_path)


def tfds_like(hands, count=4):
    """Rows as `tfds.as_numpy` gives those of sign-language-datasets."""
    for number in range(count):
        yield {
            "id": f"{number}".encode(),
            "text": f"satz {number}".encode(),
            "signer": np.int64(number % 2),
            "pose": {
                "data": hands.keypoints[:, None],
                "conf": np.full_like(hands.confidence, np.nan)[:, None] if number == 3 else hands.confidence[:, None],
                "fps": np.int32(0 if number == 2 else 50),
            },
        }


def test_rows_become_a_data_set(hands, tmp_path):
    with pytest.warns(InputWarning) as warned:
        manifest = unpack_rows(tfds_like(hands), tmp_path / "clips", signed_language="gsg", split="dev")
    said = [str(each.message) for each in warned]
    assert any("row 2: fps is 0" in each for each in said)
    clips = read_clips(manifest)
    assert [(clip.path.name, clip.text, clip.split, clip.person) for clip in clips] == [
        ("0.pose", "satz 0", "validation", "0"),
        ("1.pose", "satz 1", "validation", "1"),
        ("3.pose", "satz 3", "validation", "1"),
    ]
    assert read(clips[0].path).fps == 50
    samples = ((clip, clean(read(clip.path))) for clip in clips)
    (shard,) = pack(samples, tmp_path / "shards")
    assert shard.clips == 3
    with pytest.raises(UserError, match="index.csv: exists; use --overwrite"):
        unpack_rows(tfds_like(hands), tmp_path / "clips")
    with pytest.raises(UserError, match="none of 1 rows could be read"):
        unpack_rows([{"text": "x"}], tmp_path / "none")
    with pytest.raises(UserError, match="none of 0 rows could be read"):
        unpack_rows([], tmp_path / "none")


def test_the_recipes_of_the_documentation_run(hands, tmp_path, monkeypatch):
    page = Path(__file__).parents[3] / "docs" / "data_sets.md"
    if not page.is_file():
        pytest.skip("no documentation beside the package")
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    made = {}

    def load(name, **arguments):
        made.update(name=name, **arguments)
        return {"train": tfds_like(hands)}

    rows = [{"id": "a", "text": "x", "pose": content_of(hands, tmp_path, ".pose")}]
    stand_ins = {
        "tensorflow_datasets": {"load": load, "as_numpy": lambda rows: rows},
        "sign_language_datasets": {},
        "sign_language_datasets.datasets": {},
        "sign_language_datasets.datasets.config": {"SignDatasetConfig": lambda **arguments: arguments},
        "datasets": {"load_dataset": lambda name, split, streaming: rows},
        "webdataset": {"WebDataset": lambda files, shardshuffle: rows},
    }
    for name, contents in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        exec(compile(block, str(page), "exec"), {})
        (manifest,) = folder.glob("*/index.csv")
        clips = read_clips(manifest)
        np.testing.assert_array_equal(read(clips[0].path).keypoints, hands.keypoints)
        packed = CliRunner().invoke(app, ["pack", "--data", str(manifest), "--output", str(folder / "shards")])
        assert packed.exit_code == 0
    assert made["name"] == "dicta_sign"
    assert len(blocks) == 3


def test_formats_are_told_by_their_first_bytes(hands, tmp_path):
    from safetensors.numpy import save_file

    array = joined(hands)
    save_file({"a": array}, tmp_path / "a.safetensors")
    torch.save({"a": torch.tensor(array)}, tmp_path / "a.pt")
    np.savez(tmp_path / "a.npz", poses=array)
    np.save(tmp_path / "a.npy", array)
    tar_of(tmp_path / "a.tar", {"a.pose": content_of(hands, tmp_path, ".pose")})
    for suffix in (".safetensors", ".pt", ".npz", ".npy", ".tar"):
        content = (tmp_path / f"a{suffix}").read_bytes()
        assert pose_suffix(content[:SNIFFED]) == suffix
    assert pose_suffix((tmp_path / "content.pose").read_bytes()[:SNIFFED]) == ".pose"
    piped = CliRunner().invoke(app, ["info", "-"], input=(tmp_path / "a.pt").read_bytes())
    assert "standard input: .pt, holistic, 6 frames" in piped.output
