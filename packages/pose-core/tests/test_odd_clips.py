"""Files of clips that hold more, or other things, than clips: what is read of them, and what is said of the rest."""

import json
import os
import tarfile
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pose_core import UserError, read
from pose_core.formats import clips_of
from pose_core.notices import InputWarning

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")

POSES = torch.linspace(0, 1, 4 * 21 * 3).reshape(4, 21, 3)


def test_numbered_clips_of_torch(tmp_path):
    torch.save({0: POSES, 1: {"poses": POSES[:2], 0: "x"}}, tmp_path / "a.pt")
    assert clips_of(tmp_path / "a.pt") == ["0", "1"]
    np.testing.assert_array_equal(read(tmp_path / "a.pt", clip="0").keypoints, POSES[..., :2])
    assert len(read(tmp_path / "a.pt", clip="1")) == 2
    torch.save({"c": {0: POSES}}, tmp_path / "b.pt")
    assert len(read(tmp_path / "b.pt")) == 4


def test_tensors_that_numpy_has_not(tmp_path):
    def save(tensor):
        torch.save({"c": tensor}, tmp_path / f"{len(list(tmp_path.iterdir()))}.pt")
        return read(max(tmp_path.iterdir(), key=lambda path: int(path.stem)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized = torch.quantize_per_tensor(POSES, 0.01, 0, torch.quint8)
    np.testing.assert_allclose(save(quantized).keypoints, POSES[..., :2], atol=0.006)
    turned = torch.complex(POSES, POSES).conj()
    np.testing.assert_array_equal(save(turned.imag).keypoints, -POSES)
    with pytest.raises(UserError, match=r"poses are complex64 \(4, 21, 3\); expected numbers"):
        save(turned)


def test_dictionaries_that_cannot_be_clips(tmp_path):
    path = tmp_path / "a.pt"
    content = {"poses": POSES}
    content["c"] = content
    torch.save(content, path)
    with pytest.raises(UserError, match=r"^\S+a\.pt: holds a dictionary that contains itself"):
        read(path)
    deep = {"poses": POSES}
    for _ in range(40):
        deep = {"a": deep}
    torch.save(deep, tmp_path / "b.pt")
    with pytest.raises(UserError, match=r"^\S+b\.pt: holds dictionaries and lists over 16 deep"):
        read(tmp_path / "b.pt")
    torch.save({0: POSES, "0": POSES}, tmp_path / "c.pt")
    with pytest.raises(UserError, match=r"^\S+c\.pt: holds two keys of one text, as 0 and '0'; rename"):
        read(tmp_path / "c.pt")


def test_arrays_beside_poses_are_not_read(tmp_path):
    path = tmp_path / "a.npz"
    video = np.random.default_rng(0).integers(0, 255, (30, 400, 400, 3), np.uint8)  # 14 MB
    np.savez(path, video=video, labels=np.ones(3), keypoints=POSES, scores=np.ones((4, 21)), fps=50)
    tracemalloc.start()
    with pytest.warns(InputWarning, match=r"a\.npz: holds video, labels beside `keypoints`, not read"):
        sequence = read(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert (sequence.fps, len(sequence)) == (50, 4)
    np.testing.assert_array_equal(sequence.keypoints, POSES)
    np.savez_compressed(tmp_path / "b.npz", a=POSES, fps=np.ones(3_000_000))
    with pytest.raises(UserError, match=r"b\.npz: fps is float64 \(3000000,\), which is said of no clip; leave it out"):
        read(tmp_path / "b.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["poses", "a"])
@pytest.mark.parametrize("twice", [("{}.npy", "{}.npy"), ("{}", "{}.npy"), ("{}",)])
def test_names_of_archives(tmp_path, name, twice):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for number, member in enumerate(twice, 1):
            np.save(tmp_path / "array.npy", POSES[:number])
            archive.write(tmp_path / "array.npy", member.format(name))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert len(read(path)) == len(twice)
    told = f"{path}: {name} is there twice; the last is read" in [str(each.message) for each in said]
    assert told == (len(twice) == 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipes_are_no_frames(tmp_path):
    people = json.dumps({"people": [{"pose_keypoints_2d": [1.0] * 75}]})
    for name, regular in (("v_{}_keypoints.json", people.encode()), ("{}.npy", None)):
        folder = tmp_path / name[-4:]
        folder.mkdir()
        os.mkfifo(folder / name.format(0))
        with pytest.raises(UserError, match=r"is a pipe or device|not a file"):
            read(folder)
        if regular is None:
            np.save(folder / name.format(1), POSES[0])
        else:
            (folder / name.format(1)).write_bytes(regular)
        with pytest.raises(UserError, match=r"0(_keypoints\.json: is a pipe|\.npy: is no file, but a folder, pipe)"):
            read(folder)


@pytest.mark.parametrize("kind", [complex, "U4"])
def test_confidence_that_is_no_number(tmp_path, kind):
    np.savez(tmp_path / "a.npz", poses=POSES, confidence=np.ones((4, 21), kind))
    with pytest.raises(UserError, match=r"a\.npz: confidence is (complex128|<U4); expected numbers"):
        read(tmp_path / "a.npz")


def test_tensors_of_bfloat16(tmp_path):
    save_file({"a": POSES.bfloat16()}, tmp_path / "a.safetensors")
    with pytest.raises(UserError, match=r"a\.safetensors: a is BF16, which numpy has not; save it as float32"):
        read(tmp_path / "a.safetensors")


def test_a_file_that_is_twice_in_a_tar(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for frames in (4, 2):
            np.save(tmp_path / "a.npy", POSES[:frames])
            archive.add(tmp_path / "a.npy", "a.npy")
    with pytest.warns(InputWarning, match=r"a\.tar: a\.npy is there twice; the last is read"):
        assert len(read(tmp_path / "a.tar")) == 2
