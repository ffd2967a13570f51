"""Files of many clips: `.pt`, `.npz`, `.safetensors`; which clip is read, and what is refused."""

import json
import os
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from typer.testing import CliRunner

from pose_core import UserError, read
from pose_core.cli import app
from pose_core.formats import clips_of, read_blocks
from pose_core.formats.slrtp import ORDER
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import clean

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


@pytest.fixture
def person():
    """178 points of a body with the face above it and hands at its wrists, in shares from -1 to 1."""
    skeleton = known_skeleton(178, 3)
    random = np.random.default_rng(0)
    keypoints = random.normal(size=(7, 178, 3)) * 0.01
    body = [(-0.2, 0.0), (0.2, 0.0), (-0.3, 0.3), (0.3, 0.3), (-0.3, 0.5), (0.3, 0.5), (-0.15, 0.6), (0.15, 0.6)]
    keypoints[:, :8, :2] += body
    keypoints[:, 8:136, :2] += (0, -0.3)
    keypoints[:, 8:136, :2] += random.normal(size=(128, 2)) * 0.03
    keypoints[:, 136:157, :2] += (-0.32, 0.55)
    keypoints[:, 157:, :2] += (0.32, 0.55)
    return replace(
        fake_sequence(frames=7),
        keypoints=keypoints.astype(np.float32),
        confidence=np.ones((7, 178), np.float32),
        skeleton=skeleton,
    )


def benchmark_order(sequence):
    poses = np.empty_like(sequence.keypoints)
    poses[:, ORDER] = sequence.keypoints
    return torch.tensor(poses)


@pytest.fixture
def benchmark(person, tmp_path):
    path = tmp_path / "dev.pt"
    clips = {
        name: {"name": name, "text": "heute", "gloss": "HEUTE", "poses_3d": benchmark_order(person[:frames])}
        for name, frames in (("01April_2010-1", 7), ("02May_2010-2", 5))
    }
    torch.save(clips, path)
    return path


def test_a_clip_of_the_benchmark(benchmark, person):
    assert clips_of(benchmark) == ["01April_2010-1", "02May_2010-2"]
    with pytest.warns(InputWarning, match=r"dev\.pt: 178 keypoints in the order of SLRTP's benchmark"):
        sequence = read(benchmark, clip="02May_2010-2")
    np.testing.assert_array_equal(sequence.keypoints, person.keypoints[:5])
    assert sequence.confidence.all()
    assert (sequence.skeleton, sequence.fps) == (person.skeleton, 25.0)
    part = read(benchmark, clip="01April_2010-1", start=2, end=4, fps=50.0)
    np.testing.assert_array_equal(part.keypoints, person.keypoints[2:4])
    assert sum(map(len, read_blocks(benchmark, clip="01April_2010-1", frames=3))) == 7


@pytest.mark.parametrize("order", ["slrtp", "mediapipe"])
def test_the_order_of_predictions_is_found_out(person, tmp_path, order):
    poses = benchmark_order(person) if order == "slrtp" else torch.tensor(person.keypoints)
    path = tmp_path / "a.pt"
    torch.save({"a": poses}, path)
    np.testing.assert_array_equal(read(path, axes="xyz").keypoints, person.keypoints)
    np.testing.assert_array_equal(read(path, axes="xyz", order=order).keypoints, person.keypoints)
    wrong = {"slrtp": "mediapipe", "mediapipe": "slrtp"}[order]
    assert (read(path, axes="xyz", order=wrong).keypoints != person.keypoints).any()
    torch.save({"poses_3d": poses}, path)
    np.testing.assert_array_equal(read(path).keypoints, person.keypoints)


def test_the_benchmarks_face_is_mediapipes():
    """The oval as the benchmark draws it joins the points that MediaPipe's does, all the way around."""
    drawn = [126, 127, 96, 97, 150, 151, 169, 114, 115, 116, 171, 133, 88, 89, 93, 94, 67, 68, 132, 117, 118, 177, 145]
    drawn += [134, 135, 137, 75, 76, 139, 98, 99, 136, 109, 110, 154, 174]
    oval = [338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149]
    oval += [150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10]
    points = known_skeleton(178, 3).keypoints
    assert [points[ORDER.tolist().index(i)] for i in drawn] == [("FACE_LANDMARKS", str(point)) for point in oval]
    assert [points[ORDER.tolist().index(i)][1] for i in (0, 2, 5)] == ["RIGHT_SHOULDER", "RIGHT_WRIST", "LEFT_WRIST"]
    assert points[ORDER.tolist().index(8)] == ("RIGHT_HAND_LANDMARKS", "WRIST")
    assert sorted(ORDER) == list(range(178))


def forms(person, folder):
    """(path, names) of files that hold `person`, in every form."""
    poses = np.concatenate([person.keypoints, person.confidence[..., None]], axis=2)
    tensor = torch.tensor(poses)
    torch.save(tensor, folder / "single.pt")
    yield folder / "single.pt", ["single"]
    torch.save({"poses": tensor, "name": "me", "text": "x"}, folder / "row.pth")
    yield folder / "row.pth", ["me"]
    torch.save([{"id": "b", "poses": tensor}, {"poses": tensor[:3]}], folder / "list.pt")
    yield folder / "list.pt", ["b", "00001"]
    torch.save([tensor, tensor[:3]], folder / "tensors.pt")
    yield folder / "tensors.pt", ["00000", "00001"]
    torch.save({"b": tensor, "a": tensor[:3]}, folder / "tensors_by_name.pt")
    yield folder / "tensors_by_name.pt", ["b", "a"]
    torch.save({"b": {"pose": {"data": tensor[:, None, :, :3], "conf": tensor[:, None, :, 3]}}}, folder / "nested.pt")
    yield folder / "nested.pt", ["b"]
    np.savez_compressed(folder / "named.npz", b=poses, a=poses[:3], fps=30.0)
    yield folder / "named.npz", ["b", "a"]
    np.savez(folder / "scores.npz", keypoints=person.keypoints, scores=person.confidence)
    yield folder / "scores.npz", ["scores"]
    save_file({"a": poses[:3], "b": poses}, folder / "c.safetensors", metadata={"fps": "30"})
    yield folder / "c.safetensors", ["a", "b"]
    beside = {"b": person.keypoints, "b.confidence": person.confidence}
    save_file(beside, folder / "d.safetensors")
    yield folder / "d.safetensors", ["b"]


def test_every_form(person, tmp_path):
    for path, names in forms(person, tmp_path):
        assert clips_of(path) == names, path
        name = "b" if "b" in names else names[0]
        sequence = read(path, clip=name)
        np.testing.assert_array_equal(sequence.keypoints, person.keypoints, str(path))
        np.testing.assert_array_equal(sequence.confidence, person.confidence, str(path))
        assert sequence.skeleton == person.skeleton
        if len(names) == 1:
            assert len(read(path)) == 7
        else:
            with pytest.raises(UserError, match=r"holds 2 clips \(.*\); name one with --clip.*pose-core unpack"):
                read(path)
    assert read(tmp_path / "named.npz", clip="a").fps == 30
    assert read(tmp_path / "c.safetensors", clip="a").fps == 30


def test_names(tmp_path, benchmark):
    with pytest.raises(UserError, match=r"dev\.pt: has no clip '02May_2010-'; did you mean '02May_2010-2'\?"):
        read(benchmark, clip="02May_2010-")
    with pytest.raises(UserError, match=r"dev\.pt: has no clip 'x'; it has 01April_2010-1, 02May_2010-2"):
        read(benchmark, clip="x")
    torch.save([{"id": "a", "poses": torch.ones(2, 21, 3)}] * 3, tmp_path / "a.pt")
    assert clips_of(tmp_path / "a.pt") == ["a", "a-2", "a-3"]
    np.savez(tmp_path / "a.npz", poses=np.ones((2, 21, 3)))
    assert clips_of(tmp_path / "a.npz") == []
    with pytest.raises(UserError, match=r"a\.npz: is one clip; leave the name 'x' out"):
        read(tmp_path / "a.npz", clip="x")
    with pytest.raises(UserError, match=r"none\.pt: no such file"):
        clips_of(tmp_path / "none.pt")


def test_no_pickle_is_loaded(malicious, tmp_path):
    torch.save({"a": malicious}, tmp_path / "a.pt")
    torch.save({"a": malicious}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(malicious))
    np.savez(tmp_path / "a.npz", a=np.array([malicious], dtype=object))
    np.savez(tmp_path / "b.npz", poses=np.array([malicious], dtype=object))
    np.save(tmp_path / "a.npy", np.array([malicious], dtype=object))
    torch.save({"a": np.ones((2, 21, 3))}, tmp_path / "numpy.pt")
    for name, complaint in (
        ("a.pt", r"holds Python objects, which can run code and are never loaded \(posix.mkdir\); save tensors"),
        ("old.pt", "a pickle, or saved by torch before 1.6"),
        ("plain.pt", "a pickle, or saved by torch before 1.6"),
        ("a.npz", r"a\.npy holds Python objects, pickled, which can run code and are never loaded"),
        ("b.npz", r"poses\.npy holds Python objects"),
        ("a.npy", r"a\.npy holds Python objects"),
        ("numpy.pt", r"never loaded \(numpy\S+_reconstruct\); save tensors"),
    ):
        with pytest.raises(UserError, match=complaint) as error:
            read(tmp_path / name)
        assert str(error.value).startswith(str(tmp_path / name))
        assert "\n" not in str(error.value)
    np.savez(tmp_path / "c.npz", a=np.array([malicious], dtype=object), keypoints=np.ones((2, 21, 3)))
    assert len(read(tmp_path / "c.npz")) == 2
    assert not malicious.path.exists()


def test_what_is_no_clip(tmp_path):
    path = tmp_path / "a.pt"
    for content, complaint in (
        ({"a": torch.ones(2, 21, 3).expand(2, 21, 3)[:1].expand(10**9, 21, 3)}, "a.pt: poses states"),
        ({"a": torch.ones(2, 3, 4, 5, 6)}, "poses are"),
        ({"a": torch.ones(2, 21, 3).to_sparse()}, "a.pt"),
        ({"a": 3}, "holds no clips"),
        ({}, "holds no clips"),
        ("text", "holds a str; a dictionary of clips by name"),
        ([1, 2], "holds a list"),
        ({"a": {"text": "x"}}, "a.pt: no column holds poses; it has text"),
        ({"a": {"first": torch.ones(2, 21, 3), "second": torch.ones(2, 21, 3)}}, "first, second may all be poses"),
        ({"a": {"pose": [[[1.0, 2.0, "x"]]]}}, "pose are no regular lists of numbers"),
        ({"a": {"pose": [[[1.0, 2.0], [1.0]]]}}, "pose are no regular lists of numbers"),
        ({"a": {"data": torch.ones(2, 0, 21, 3), "conf": torch.ones(2, 0, 21)}}, "without a person"),
        ({"a": {"data": torch.ones(2, 1, 21, 3), "conf": torch.ones(2, 21)}}, "(T, people, K) expected"),
    ):
        torch.save(content, path)
        with pytest.raises(UserError) as error:
            read(path)
        assert complaint in str(error.value)
        assert str(error.value).startswith(str(path))
        os.utime(path, ns=(0, hash(complaint) % 10**9))
    whole = tmp_path / "whole.pt"
    torch.save({"a": torch.ones(2, 21, 3)}, whole)
    for content in (whole.read_bytes()[:300], b"PK\3\4", b"", b"hello"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.pt: "):
            read(path)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with pytest.raises(UserError, match="is compressed"):
        read(path)
    np.savez(tmp_path / "a.npz", labels=np.ones(3))
    with pytest.raises(UserError, match="holds labels; poses are in an array named `poses`"):
        read(tmp_path / "a.npz")


def test_archives_that_would_fill_memory_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, poses=np.zeros((2000, 543, 40), np.float32))  # 174 MB in 170 kB
    with pytest.raises(UserError, match=r"a\.npz: states 173,760,\d+ bytes .* cannot be poses"):
        read(path)


def test_several_people_of_a_row(tmp_path):
    data = torch.zeros(4, 3, 21, 3)
    data[:, 1] = torch.rand(4, 21, 3)
    conf = torch.zeros(4, 3, 21)
    conf[:, 1] = 1
    torch.save({"a": {"pose": {"data": data, "conf": conf, "fps": torch.tensor(50)}}}, tmp_path / "a.pt")
    with pytest.warns(InputWarning, match="3 people; taking person 1"):
        sequence = read(tmp_path / "a.pt")
    assert (sequence.fps, len(sequence)) == (50, 4)
    np.testing.assert_array_equal(sequence.keypoints, data[:, 1])
    assert not clean(read(tmp_path / "a.pt", person=2)).confidence.any()
    with pytest.raises(UserError, match=r"has 3 persons, counted from 0; there is no person 3"):
        read(tmp_path / "a.pt", person=3)


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_info_lists_clips(benchmark):
    shown = run("info", benchmark)
    assert f"{benchmark}: .pt, 2 clips, 12 frames; --clip NAME describes one" in shown.output
    assert "  02May_2010-2  5 frames" in shown.output
    (described,) = json.loads(run("info", benchmark, "--json").stdout)
    assert described["clips"][1] == {"name": "02May_2010-2", "frames": 5}
    assert "holistic, 5 frames" in run("info", benchmark, "--clip", "02May_2010-2").output


def test_commands_take_a_clip(benchmark, tmp_path, person):
    assert run("convert", benchmark, tmp_path / "a.pose", "--clip", "01April_2010-1").exit_code == 0
    np.testing.assert_array_equal(read(tmp_path / "a.pose").keypoints, person.keypoints)
    assert run("render", benchmark, tmp_path / "a.png", "--clip", "01April_2010-1").exit_code == 0
    failed = run("convert", benchmark, tmp_path / "b.pose")
    assert "name one with --clip" in str(failed.exception)
