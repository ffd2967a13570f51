"""Rows of data sets, as Hugging Face, TensorFlow Datasets and WebDataset give them: which poses they hold."""

import json
import pickle
import re
import sys
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
from pose_core.notices import InputWarning
from pose_core.testing import npy_bytes, write_tar
from pose_core.transforms import clean

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def poses_in_every_way(sequence, array, folder):
    """Rows that hold `sequence`; the array has its keypoints and confidence."""
    for name in ("a.pose", "a.npz"):
        write(sequence, folder / name)
    pose = (folder / "a.pose").read_bytes()
    data, conf = sequence.keypoints[:, None], sequence.confidence[:, None]
    return {
        "bytes": {"text": "x", "pose": pose},
        "bytearray": {"pose": bytearray(pose), "other": b"abc"},
        "npz": {"npz": (folder / "a.npz").read_bytes()},
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
        "webdataset, npy": {"__key__": "a", "npy": npy_bytes(array), "json": b'{"text": "x"}'},
        "the only one": {"moves": array, "label": np.zeros(3), "label_names": ["a", "b"]},
    }


def test_rows_of_every_form(hands, hands_array, tmp_path):
    for name, row in poses_in_every_way(hands, hands_array, tmp_path).items():
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
        ({"npy": npy_bytes(np.array([None], dtype=object))}, "holds Python objects"),
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
    write(replace(hands, confidence=hands.confidence * 9), tmp_path / "wild.pose")
    with pytest.warns(InputWarning) as warned:
        read_row({"pose": (tmp_path / "wild.pose").read_bytes()}, path="row 7")
    assert {str(each.message).split(":")[0] for each in warned} == {"row 7"}


def test_webdataset_itself_reads_them_as_rows(hands, hands_file, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    members = {"a.pose": hands_file.read_bytes(), "a.json": b'{"text": "x"}'}
    path = write_tar(tmp_path / "a.tar", members)
    (row,) = webdataset.WebDataset(str(path), shardshuffle=False)
    np.testing.assert_array_equal(read_row(row).keypoints, hands.keypoints)
    (row,) = webdataset.WebDataset(str(path), shardshuffle=False).decode()
    np.testing.assert_array_equal(read_row(row).keypoints, hands.keypoints)


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


def test_the_recipes_of_the_documentation_run(hands, hands_file, tmp_path, monkeypatch):
    page = Path(__file__).parents[3] / "docs" / "data_sets.md"
    if not page.is_file():
        pytest.skip("no documentation beside the package")
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    made = {}

    def load(name, **arguments):
        made.update(name=name, **arguments)
        return {"train": tfds_like(hands)}

    rows = [{"id": "a", "text": "x", "pose": hands_file.read_bytes()}]
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
