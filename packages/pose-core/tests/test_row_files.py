"""Files whose rows are clips: WebDataset's, Parquet, Arrow, saved data sets; and that no pickle in them is loaded."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from typer.testing import CliRunner

from pose_core import UserError, read
from pose_core.cli import app
from pose_core.data.rows import read_row
from pose_core.formats import clips_of
from pose_core.formats.sniffing import SNIFFED, pose_suffix
from pose_core.notices import InputWarning
from pose_core.testing import npy_bytes, write_tar

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def test_webdataset_files(hands, hands_array, hands_file, tmp_path):
    about = json.dumps({"text": "two", "split": "dev", "fps": 25}).encode()
    path = write_tar(
        tmp_path / "a.tar",
        {
            "one.mp4": b"video",
            "one.pose": hands_file.read_bytes(),
            "one.txt": b"one",
            "sub/two.x.npy": npy_bytes(hands_array),
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
            clips_of(write_tar(short, members))


def test_a_clip_of_a_tar_says_its_rate_and_what_else_may_be_its_poses(hands_array, tmp_path):
    poses = npy_bytes(hands_array)
    members = {"a.npy": poses, "a.fps": b"30", "b.npy": poses, "b.json": b'{"fps": "60"}', "v1.5.npy": poses}
    path = write_tar(tmp_path / "a.tar", members | {"v1.6.npy": poses})
    assert [read(path, clip=name).fps for name in ("a", "b")] == [30.0, 60.0]
    with pytest.warns(InputWarning, match=r"clip v1 holds 5\.npy, 6\.npy, of which one is read"):
        read(path, clip="v1")


@pytest.fixture
def columns(hands, hands_array, hands_file):
    """Columns of poses, of which pyarrow makes each of another type."""
    pose = hands_file.read_bytes()
    return {
        "binary": pose,
        "file": {"bytes": pose, "path": None},
        "lists": hands_array.tolist(),
        "tfds": {"data": hands.keypoints[:, None].tolist(), "conf": hands.confidence[:, None].tolist(), "fps": 25},
        "path": hands_file.name,
    }


@pytest.mark.parametrize("kind", [".parquet", ".arrow", "file.arrow"])
def test_tables(hands, columns, tmp_path, kind):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / ("rows.parquet" if kind == ".parquet" else "rows.arrow")
    for name, poses in columns.items():
        table = pa.Table.from_pylist([{"id": f"clip {i}", "text": "x", "pose": poses} for i in range(7)])
        if kind == ".parquet":
            parquet.write_table(table, path, row_group_size=3)
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


def test_tables_without_poses(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.Table.from_pylist([{"text": "x", "number": 3}]), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: lacks the column"):
        read(tmp_path / "a.parquet")


def test_saved_data_sets(hands, hands_array, hands_file, tmp_path):
    datasets = pytest.importorskip("datasets")
    features = {"name": datasets.Value("string"), "pose": datasets.Value("binary")}
    files = datasets.Dataset.from_list(
        [{"name": "a", "pose": hands_file.read_bytes()}], features=datasets.Features(features)
    )
    features["pose"] = datasets.Array3D(hands_array.shape, "float32")
    arrays = datasets.Dataset.from_list([{"name": "b", "pose": hands_array}], features=datasets.Features(features))
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


def test_no_pickle_is_loaded_wherever_it_is(malicious, tmp_path):
    bad = pickle.dumps(malicious)
    pickled_array = npy_bytes(np.array([malicious], dtype=object))
    for kind in ("pkl", "pickle", "pyd", "pose", "npy", "npz", "json", "pt", "csv"):
        path = write_tar(tmp_path / f"{kind}.tar", {f"a.{kind}": pickled_array if kind == "npy" else bad})
        with pytest.raises(UserError) as error:
            read(path)
        assert str(error.value).startswith(str(path))
        with pytest.raises(UserError):
            read_row({"__key__": "a", kind: bad})
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for row in (
        {"pose": bad},
        {"pose": {"bytes": bad, "path": "a.pkl"}},
        {"pose": {"bytes": pickled_array, "path": None}},
    ):
        with pytest.raises(UserError):
            read_row(row)
        table = pa.Table.from_pylist([row])
        parquet.write_table(table, tmp_path / "a.parquet")
        with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        for path in (tmp_path / "a.parquet", tmp_path / "a.arrow"):
            with pytest.raises(UserError, match="never loaded") as error:
                read(path)
            assert str(error.value).startswith(str(path))
    assert not malicious.path.exists()


def test_formats_are_told_by_their_first_bytes(hands_array, hands_file, tmp_path):
    save_file({"a": hands_array}, tmp_path / "a.safetensors")
    torch.save({"a": torch.tensor(hands_array)}, tmp_path / "a.pt")
    np.savez(tmp_path / "a.npz", poses=hands_array)
    np.save(tmp_path / "a.npy", hands_array)
    write_tar(tmp_path / "a.tar", {"a.pose": hands_file.read_bytes()})
    for suffix in (".safetensors", ".pt", ".npz", ".npy", ".tar"):
        content = (tmp_path / f"a{suffix}").read_bytes()
        assert pose_suffix(content[:SNIFFED]) == suffix
    assert pose_suffix(hands_file.read_bytes()[:SNIFFED]) == ".pose"
    piped = CliRunner().invoke(app, ["info", "-"], input=(tmp_path / "a.pt").read_bytes())
    assert "standard input: .pt, holistic, 6 frames" in piped.output
