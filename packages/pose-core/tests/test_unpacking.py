"""`pose-core unpack`, and manifests whose rows name a clip in a file."""

import json
import warnings

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pose_core import UserError, read, write
from pose_core.cli import app
from pose_core.data import read_clip, read_clips
from pose_core.data.audit import notices
from pose_core.data.held_out import split_clips
from pose_core.data.rows import safe_name, split_of_file
from pose_core.errors import BatchError
from pose_core.notices import InputWarning
from pose_core.testing import fake_sequence, write_tar

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def poses(frames=4):
    return torch.rand(frames, 42, 4)


@pytest.fixture
def clips(tmp_path):
    path = tmp_path / "dev.pt"
    about = {"text": "ein Satz", "gloss": "SATZ", "speaker": "S1", "poses": poses()}
    torch.save({"a": about, "A": about, "b/c: d?": {**about, "text": ""}, "nul": about, "äöü": about}, path)
    return path


def manifest(folder):
    return (folder / "index.csv").read_text(encoding="utf-8").splitlines()


def test_clips_and_their_manifest(clips, tmp_path):
    done = run("unpack", clips, "--output", tmp_path / "out", "--signed-language", "gsg")
    assert done.exit_code == 0
    assert manifest(tmp_path / "out") == [
        "path,text,signed_language,split,name,gloss,person",
        "a.pose,ein Satz,gsg,validation,a,SATZ,S1",
        "A-2.pose,ein Satz,gsg,validation,A,SATZ,S1",
        "b_c_d.pose,SATZ,gsg,validation,b/c: d?,SATZ,S1",
        "_nul.pose,ein Satz,gsg,validation,nul,SATZ,S1",
        "äöü.pose,ein Satz,gsg,validation,äöü,SATZ,S1",
    ]
    for clip in read_clips(tmp_path / "out"):
        assert len(read_clip(clip)) == 4
    np.testing.assert_array_equal(
        read(tmp_path / "out" / "b_c_d.pose").keypoints, read(clips, clip="b/c: d?").keypoints
    )
    assert run("pack", "--data", tmp_path / "out", "--output", tmp_path / "shards").exit_code == 0
    again = run("unpack", tmp_path / "shards" / "validation-00000.tar", "--output", tmp_path / "again", "--json")
    assert [each["clip"] for each in json.loads(again.stdout)][:2] == ["00000000", "00000001"]
    first = tmp_path / "again" / "00000000.pose"
    np.testing.assert_array_equal(read(first).keypoints, read(tmp_path / "out" / "a.pose").keypoints)
    assert read(first).skeleton.keypoints == read(tmp_path / "out" / "a.pose").skeleton.keypoints
    assert manifest(tmp_path / "again")[1] == "00000000.pose,ein Satz,gsg,validation,00000000,S1"


def test_several_files_and_options(clips, tmp_path):
    other = tmp_path / "other.pt"
    torch.save({"a": {"pose": poses(), "second": poses(), "words": "zwei"}}, other)
    out = tmp_path / "out"
    done = run("unpack", clips, other, "--output", out, "--split", "test", "--text-column", "words")
    assert isinstance(done.exception, BatchError)
    assert "dev.pt, clip a: has no column 'words'; it has text, gloss" in "\n".join(done.exception.failures)
    assert manifest(out) == ["path,text,signed_language,split,name", "other/a.pose,zwei,und,test,a"]
    assert run("unpack", other, "--output", tmp_path / "one", "--column", "second", "--fps", "50").exit_code == 0
    assert read(tmp_path / "one" / "a.pose").fps == 50
    assert run("unpack", clips, "--clip", "nul", "--output", tmp_path / "two").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["_nul.pose", "index.csv"]


def test_bad_clips_are_named_and_the_others_done(tmp_path):
    path = tmp_path / "train.pt"
    torch.save({"a": poses(), "bad": torch.rand(3, 4, 5, 6, 7), "empty": torch.zeros(0, 42, 3), "b": poses()}, path)
    failed = run("unpack", path, "--output", tmp_path / "out")
    assert isinstance(failed.exception, BatchError)
    first, second = failed.exception.failures
    assert first.startswith(f"{path}, clip bad: poses are")
    assert second.startswith(f"{path}, clip empty: ")
    assert "2 of 4 files failed" in str(failed.exception)
    assert [line.split(",")[0] for line in manifest(tmp_path / "out")] == ["path", "a.pose", "b.pose"]
    assert manifest(tmp_path / "out")[1].split(",")[3] == "train"
    failed = run("unpack", path, "--output", tmp_path / "stopped", "--no-keep-going")
    assert isinstance(failed.exception, UserError)
    assert len(manifest(tmp_path / "stopped")) == 2


def test_nothing_is_overwritten_unasked(clips, tmp_path):
    out = tmp_path / "out"
    assert run("unpack", clips, "--output", out).exit_code == 0
    assert "index.csv: exists; use --overwrite" in str(run("unpack", clips, "--output", out).exception)
    (out / "index.csv").unlink()
    assert "a.pose: exists; use --overwrite" in str(run("unpack", clips, "--output", out).exception)
    stamp = (out / "a.pose").stat().st_mtime_ns
    (out / "_nul.pose").unlink()
    assert run("unpack", clips, "--output", out, "--skip-existing").exit_code == 0
    assert len(manifest(out)) == 6
    assert (out / "a.pose").stat().st_mtime_ns == stamp
    assert (out / "_nul.pose").exists()
    assert run("unpack", clips, "--output", out, "--overwrite").exit_code == 0
    assert (out / "a.pose").stat().st_mtime_ns != stamp


def test_what_cannot_be_unpacked(tmp_path):
    write(fake_sequence(frames=3), tmp_path / "a.pose")
    for name, complaint in (("a.pose", "is no file of several clips"), ("none.pt", "no such file")):
        failed = run("unpack", tmp_path / name, "--output", tmp_path / "out")
        assert complaint in str(failed.exception)
    torch.save({"a": poses().bool(), "b": torch.zeros(0, 42, 3)}, tmp_path / "b.pt")
    failed = run("unpack", tmp_path / "b.pt", "--clip", "b", "--output", tmp_path / "out")
    assert "b.pt, clip b: has no frames" in str(failed.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("01April_2010-6704", "01April_2010-6704"),
        ("../../etc/passwd", "etc_passwd"),
        ("", "_"),
        ("...", "_"),
        ("CON.x", "_CON.x"),
        ("a\0b\nc", "a_b_c"),
        ("ß" * 300, "ß" * 100),
        ("手" * 90, "手" * 66),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


def test_splits_of_file_names(tmp_path):
    names = {"dev.pt": "validation", "phoenix.train-00000-of-00002.parquet": "train", "trainer.pt": "", "x": ""}
    assert {name: split_of_file(tmp_path / name) for name in names} == names
    assert split_of_file(tmp_path / "train_and_test.pt") == ""


def test_a_manifest_names_clips_in_files(clips, tmp_path):
    write(fake_sequence(frames=3), tmp_path / "a.pose")
    rows = ["path,text,signed_language,split,clip", "dev.pt,x,gsg,train,a", "dev.pt,y,gsg,validation,äöü"]
    (tmp_path / "m.csv").write_text("\n".join([*rows, "a.pose,z,gsg,train,17"]), encoding="utf-8")
    found = read_clips(tmp_path / "m.csv")
    assert [clip.name for clip in found] == ["a", "äöü", ""]
    np.testing.assert_array_equal(read_clip(found[1]).keypoints, read(clips, clip="äöü").keypoints)
    assert len(read_clip(found[2])) == 3
    assert found[0].location == "line 2 (dev.pt, clip a)"
    assert notices(found, "x") == []
    assert run("pack", "--data", tmp_path / "m.csv", "--output", tmp_path / "shards").exit_code == 0
    for clip, complaint in (
        ("", "line 2: dev.pt holds 5 clips; name one in a column `clip`"),
        ("x", "has no clip 'x'"),
    ):
        (tmp_path / "m.csv").write_text(f"path,text,signed_language,split,clip\ndev.pt,x,gsg,train,{clip}\n")
        with pytest.raises(UserError, match=complaint):
            read_clips(tmp_path / "m.csv")


def test_clips_of_one_file_are_held_out_one_by_one(clips, tmp_path):
    rows = [
        "path,text,signed_language,split,clip",
        *(f"dev.pt,x,gsg,train,{name}" for name in ("a", "A", "nul", "äöü")),
    ]
    (tmp_path / "m.csv").write_text("\n".join(rows), encoding="utf-8")
    train, validation = split_clips([tmp_path / "m.csv"], 0.25, say=lambda line: None)
    assert (len(train), len(validation)) == (3, 1)


def test_a_text_file_beside_another_text_is_reported(tmp_path):
    write(fake_sequence(frames=3), tmp_path / "a.pose")
    content = (tmp_path / "a.pose").read_bytes()
    members = {"a.pose": content, "a.txt": b"hello, world", "a.json": b'{"text": "hello"}'}
    path = write_tar(tmp_path / "a.tar", {**members, "b.pose": content, "b.txt": b"two"})
    given = ("unpack", path, "--signed-language", "ase", "--split", "train")
    said = r"another text in the \.txt of 1 clip than in the \.json, which counts; --text-column txt takes the \.txt"
    with pytest.warns(InputWarning, match=said):
        run(*given, "--output", tmp_path / "one")
    assert [line.split(",")[1] for line in manifest(tmp_path / "one")[1:]] == ["hello", "two"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        assert run(*given, "--output", tmp_path / "two", "--text-column", "txt").exit_code == 0
    assert '"hello, world"' in manifest(tmp_path / "two")[1]
