"""The command line: every verb on files, and every way to get it wrong."""

import io
import json
import re
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_core import read, write
from pose_core.cli import app
from pose_core.command_line import run
from pose_core.data import ShardDataset
from pose_core.testing import fake_sequence
from pose_core.transforms import Statistics


@pytest.fixture
def pose_core(monkeypatch, capsys):
    """Runs a command line; gives exit status, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pose-core", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def files(tmp_path):
    """Two clips of the same letter and a folder of each."""
    for folder, shape in (("real", 1), ("made", 2)):
        (tmp_path / folder).mkdir()
        for number in range(2):
            clip = fake_sequence(frames=12 + number, shape=shape, face_points=4)
            write(clip, tmp_path / folder / f"{number}.pose")
    return tmp_path


def test_help_is_quick_and_imports_nothing_heavy():
    script = "import sys; from pose_core.cli import main; sys.argv = ['pose-core', '--help']\ntry: main()\n"
    script += "except SystemExit: print(*sys.modules, file=sys.stderr)"
    begun = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert time.perf_counter() - begun < 5  # how long it takes is measured elsewhere; that it imports little, here
    assert "compare" in ended.stdout
    assert not {"numpy", "torch", "cv2", "numba", "pose_format", "lightning"} & set(ended.stderr.split())


def test_info(pose_core, files):
    status, out, _ = pose_core("info", files / "real/0.pose")
    assert status == 0
    assert ".pose 0.2, holistic, 12 frames at 25 fps, 0.48 s, 500 x 500 pixels" in out
    assert re.search(r"LEFT_HAND_LANDMARKS +21 points +20 limbs +100.0% missing", out)
    status, out, _ = pose_core("info", "--json", files / "real/0.pose", files / "real/1.pose")
    first, second = json.loads(out)
    assert (status, first["frames"], second["frames"]) == (0, 12, 13)
    assert [c["points"] for c in first["components"]] == [8, 4, 21, 21]


def test_info_goes_on_after_a_bad_file(pose_core, files):
    (files / "bad.pose").write_bytes(b"nothing")
    status, out, err = pose_core("info", files / "bad.pose", files / "real/0.pose")
    assert status == 3
    assert "12 frames" in out
    assert "bad.pose: not a .pose file" in err
    assert "1 of 2 files" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("suffix", [".pose", ".npz", ".csv"])
def test_convert(pose_core, files, suffix):
    status, out, _ = pose_core("convert", files / "real/0.pose", files / f"a{suffix}", "--start", 2, "--end", "0.4s")
    assert status == 0
    assert "8 frames" in out
    whole, part = read(files / "real/0.pose"), read(files / f"a{suffix}")
    np.testing.assert_array_equal(part.keypoints, whole.keypoints[2:10])
    status, _, err = pose_core("convert", files / "real/0.pose", files / f"a{suffix}")
    assert (status, "exists; use --overwrite" in err) == (2, True)
    assert pose_core("convert", files / "real/0.pose", files / f"a{suffix}", "--overwrite", "--resample", 50)[0] == 0
    assert len(read(files / f"a{suffix}")) == 24


@pytest.mark.parametrize("suffix", [".pose", ".npz"])
def test_convert_rotates_four_times_into_the_same(pose_core, files, suffix):
    before = read(files / "real/0.pose")
    keypoints = before.keypoints.copy()
    keypoints[3, 5] = 0  # missing, though its confidence is not 0
    write(replace(before, keypoints=keypoints), files / "0.pose")
    for number in range(4):
        given, turned = files / f"{number}{suffix if number else '.pose'}", files / f"{number + 1}{suffix}"
        assert pose_core("convert", "--rotate", 90, given, turned)[0] == 0
    sideways, after = read(files / f"1{suffix}"), read(files / f"4{suffix}")
    assert sideways.size == (before.size[1], before.size[0], before.size[2])
    there = before.visible & (np.arange(before.keypoints.shape[1]) != 5)
    np.testing.assert_allclose(sideways.keypoints[there, 0], before.size[1] - before.keypoints[there, 1], atol=1e-3)
    np.testing.assert_allclose(after.keypoints[there], before.keypoints[there], atol=1e-3)
    assert not sideways.visible[3, 5]
    assert pose_core("convert", "--rotate", 45, files / "0.pose", files / "5.pose")[0] == 2


def test_convert_to_an_older_version(pose_core, files):
    assert pose_core("convert", files / "real/0.pose", files / "a.pose", "--pose-version", 0.1)[0] == 0
    assert ".pose 0.1" in pose_core("info", files / "a.pose")[1]


@pytest.mark.parametrize("suffix", [".gif", ".png", ".mp4", ".html"])
def test_render(pose_core, files, suffix):
    status, out, _ = pose_core("render", files / "real/0.pose", files / f"a{suffix}", "--end", 5)
    assert (status, "0.20 s" in out) == (0, True)
    assert (files / f"a{suffix}").stat().st_size > 500


def test_render_side_by_side(pose_core, files):
    clips = [files / "real/0.pose", files / "made/0.pose"]
    assert pose_core("render", *clips, files / "a.html")[0] == 0
    assert all(str(clip) in (files / "a.html").read_text() for clip in clips)  # one name twice: told by their paths
    status, _, err = pose_core("render", *clips, files / "a.gif")
    assert (status, "in .html only" in err) == (2, True)


def test_render_many_into_a_folder(pose_core, files):
    (files / "real/bad.pose").write_bytes(b"nothing")
    call = ("render", files / "real", files / "out", "--format", "png", "--end", 3)
    status, out, err = pose_core(*call)
    assert (status, len(out.splitlines()), "bad.pose: not a .pose file" in err) == (3, 2, True)
    assert sorted(path.name for path in (files / "out").iterdir()) == ["0.png", "1.png"]
    (files / "real/bad.pose").write_bytes((files / "real/0.pose").read_bytes())
    status, out, _ = pose_core(*call, "--skip-existing")
    assert (status, out) == (0, f"{files / 'out/bad.png'}: 0.12 s\n")
    status, _, err = pose_core(*call[:3], "--format", "bmp")
    assert (status, "--format bmp: no such picture; use gif, png, mp4, html" in err) == (2, True)


def test_compare(pose_core, files):
    status, out, _ = pose_core("compare", files / "real/0.pose", files / "real/0.pose", "--json")
    scores = json.loads(out)["mean"]
    assert status == 0
    assert (scores["mse"], scores["dtw_mje"], scores["pck@0.1"], scores["acceleration_ratio"]) == (0, 0, 1, 1)
    status, out, _ = pose_core("compare", files / "real", files / "made", "--json")
    folders = json.loads(out)
    assert [Path(pair["reference"]).name for pair in folders["pairs"]] == ["0.pose", "1.pose"]
    assert 0 < folders["mean"]["dtw_mje"] < 0.2
    status, out, _ = pose_core("compare", files / "real/0.pose", files / "made/1.pose")
    assert re.search(r"^ +all +51 +100.0%( +none){6} +0\.0", out, re.MULTILINE)
    assert "none: mse, mae, rmse, pck@0.1, pck@0.2, pck@0.5: the lengths differ: 13 frames, the reference has 12" in out


def test_compare_uses_shared_keypoints(pose_core, files):
    clip = read(files / "made/0.pose")
    write(clip.select(list(range(12))), files / "body.pose")
    write(replace(clip.select(list(range(33, 54))), size=(0, 0, 0)), files / "hand.pose")
    _, out, _ = pose_core("compare", files / "real/0.pose", files / "body.pose", "--face", "full", "--json")
    assert json.loads(out)["pairs"][0]["keypoints"] == 12
    _, out, _ = pose_core("compare", files / "real/0.pose", files / "body.pose", "--json")
    compared = json.loads(out)
    assert compared["pairs"][0]["keypoints"] == 9  # of the face's four points one lies on its contour
    assert set(compared["parts"]) == {"all", "body", "face"}
    _, out, _ = pose_core("compare", files / "real/0.pose", files / "hand.pose", "--json")
    assert json.loads(out)["pairs"][0]["unit"] == "file units"
    write(clip.on_skeleton(clip.skeleton.with_dims(2)), files / "flat.pose")
    for pair in (("made/0.pose", "flat.pose"), ("flat.pose", "made/0.pose")):
        _, out, _ = pose_core("compare", *(files / name for name in pair), "--json")
        assert json.loads(out)["mean"]["mse"] == pytest.approx(0, abs=1e-9)
    status, _, err = pose_core("compare", files / "body.pose", files / "hand.pose")
    assert (status, "share no keypoint" in err) == (2, True)


def test_compare_folders_goes_on_after_a_bad_file(pose_core, files):
    (files / "made" / "1.pose").write_bytes(b"nothing")
    write(read(files / "made/0.pose"), files / "made/0.npz")
    status, out, err = pose_core("compare", files / "real", files / "made")
    assert (status, "1 pair" in out) == (3, True)
    assert re.search(r"made/0.pose: left out; 0.npz has the same name", err)
    assert "made/1.pose: not a .pose file" in err
    assert err.splitlines()[-1] == "Error: 1 of 2 pairs cannot be compared; the means are of the others"


def test_check(pose_core, files):
    status, out, _ = pose_core("check", files / "real/0.pose", "--strict")
    assert (status, "12 frames, no problems" in out) == (0, True)
    assert re.search(r"right wrist gap, shoulder widths +0\.00 +0\.00 +0\.00 +0\.00 +0\.35 +95 %", out)
    assert "\n  ! " not in out
    clip = read(files / "real/1.pose")
    clip.keypoints[4:, clip.skeleton.hand("right"), 0] += 60  # half a shoulder width
    write(clip, files / "off.pose")
    status, out, _ = pose_core("check", files / "off.pose", "--json")
    (checked,) = json.loads(out)
    assert (status, checked["frames"]) == (0, 13)
    assert [(p["what"], p["side"]) for p in checked["problems"]] == [("wrist_gap", "right")]
    assert checked["problems"][0]["frames"][0] in range(4, 13)
    gap = next(measure for measure in checked["measures"] if measure["name"] == "right wrist gap")
    assert gap["largest"] == pytest.approx(0.5, rel=1e-3)
    status, out, _ = pose_core("check", files / "off.pose", "--strict")
    assert status == 4
    assert re.search(r"\n  ! right wrist gap, shoulder widths +0\.35 +0\.50 +0\.50 +0\.50 +0\.35 +95 %", out)


def test_check_goes_on_after_a_bad_file(pose_core, files):
    (files / "real" / "bad.pose").write_bytes(b"nothing")
    (files / "real" / "index.csv").write_text("path,text,signed_language,split\n0.pose,A,ase,train\n")  # no pose file
    status, out, err = pose_core("check", files / "real", str(files / "made" / "*.pose"))
    assert (status, out.count("no problems")) == (3, 4)
    assert "0 of 4 files have problems" in out
    assert "bad.pose: not a .pose file" in err
    assert err.splitlines()[-1] == "Error: 1 of 5 files cannot be read; all others were checked"
    _, out, _ = pose_core("check", files / "real", "--json")
    *checked, bad = json.loads(out)
    assert ([each["frames"] for each in checked], "not a .pose file" in bad["error"]) == ([12, 13], True)
    status, out, err = pose_core("check", files / "real/0.pose", files / "real/bad.pose", "--no-keep-going", "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    status, _, err = pose_core("check", files / "real/bad.pose", "--keep-going")
    assert (status, err.count("\n")) == (2, 1)


def test_pack_with_and_without_unreadable_clips(pose_core, files):
    (files / "real" / "2.pose").write_bytes(b"damaged")
    arguments = ("pack", "--data", files / "real", "--output", files / "shards")
    status, _, err = pose_core(*arguments)
    assert (status, "2.pose: not a .pose file" in err, "--keep-going" in err) == (2, True, True)
    status, out, err = pose_core(*arguments, "--keep-going")
    assert (status, "2 clips, 25 frames of split train" in out, "skipped" in err) == (0, True, True)
    sample = next(iter(ShardDataset(files / "shards", "train")))
    assert sample.clip.path == Path("0.pose")
    np.testing.assert_array_equal(sample.sequence.keypoints, read(files / "real/0.pose").keypoints)
    assert pose_core(*arguments, "--keep-going")[0] == 2
    assert pose_core(*arguments, "--keep-going", "--overwrite", "--json")[0] == 0


def test_old_spellings_still_work(pose_core, files):
    (files / "real" / "2.pose").write_bytes(b"damaged")
    status, _, err = pose_core("pack", "--data", files / "real", "--output", files / "shards", "--skip")
    assert (status, err.splitlines()[0]) == (0, "--skip is now --keep-going")
    status, _, err = pose_core("convert", files / "made", files / "arrays", "--suffix", "npz")
    assert (status, err.splitlines()[0]) == (0, "--suffix is now --format")
    assert (files / "arrays" / "0.npz").is_file()


def test_stats(pose_core, tmp_path):
    for number in range(3):
        write(fake_sequence(shape=number, hands=("left", "right")), tmp_path / f"{number}.pose")
    status, out, _ = pose_core("stats", "--data", tmp_path, "--output", tmp_path / "stats.json")
    assert status == 0
    assert re.search(r"RIGHT_HAND_LANDMARKS +1260 points +mean", out)
    statistics = Statistics.load(tmp_path / "stats.json")
    assert abs(statistics.components["POSE_LANDMARKS"].mean[0]) < 0.01  # normalized: as far left as right
    assert re.search(
        r"RIGHT_HAND_LANDMARKS from its wrist +1200 points +mean +-?\d\.\d+ +-0\.", out
    )  # fingers point up
    assert pose_core("stats", "--data", tmp_path, "--output", tmp_path / "raw.json", "--raw")[0] == 0
    assert Statistics.load(tmp_path / "raw.json").components["POSE_LANDMARKS"].mean[0] > 200


def test_what_is_refused(pose_core, files):
    clip = files / "real/0.pose"
    (files / "empty").mkdir()
    cases = [
        (("info", files / "none.pose"), "none.pose: no such file"),
        (("convert", clip, files / "a.mp3"), "unknown pose format '.mp3'"),
        (("convert", clip, files / "a.npz", "--start", "later"), "no place in a file"),
        (("convert", clip, files / "a.npz", "--start", "9s"), "past them"),
        (("convert", clip, files / "a.npz", "--person", 3), "no person 3"),
        (("convert", clip, files / "no/a.npz"), "no folder"),
        (("render", clip), "name a pose file and the picture"),
        (("render", clip, files / "a.jpg"), "unknown picture format '.jpg'"),
        (("compare", clip, files / "real"), "two files or two folders"),
        (("compare", files / "real", files / "empty"), "no file name in common"),
        (("stats", "--data", files / "none.csv", "--output", files / "s.json"), "none.csv"),
    ]
    before = sorted(files.rglob("*"))
    for arguments, complaint in cases:
        status, _, err = pose_core(*arguments)
        assert (status, complaint in err, err.count("\n")) == (2, True, 1), (arguments, err)
    assert sorted(files.rglob("*")) == before


def test_every_real_format_goes_through(pose_core, data_dir, tmp_path):
    for path in sorted((data_dir / "formats").glob("*.pose")):
        assert pose_core("info", path, "--json")[0] == 0
        for suffix in (".npz", ".csv", ".pose", ".png", ".html", ".gif", ".mp4"):
            verb = "convert" if suffix in (".npz", ".csv", ".pose") else "render"
            status, _, err = pose_core(verb, path, tmp_path / f"{path.stem}{suffix}", "--end", 20)
            assert status == 0, err
        np.testing.assert_array_equal(read(tmp_path / f"{path.stem}.npz").keypoints, read(path, end=20).keypoints)


def test_info_counts_repeated_frames(pose_core, files, holistic):
    doubled = replace(
        holistic, keypoints=holistic.keypoints.repeat(2, axis=0), confidence=holistic.confidence.repeat(2, axis=0)
    )
    write(doubled, files / "doubled.pose")
    assert "12 of 24 frames are exactly like the one before" in pose_core("info", files / "doubled.pose")[1]
    write(holistic, files / "single.pose")
    assert "exactly like" not in pose_core("info", files / "single.pose")[1]


def test_compare_leaves_out_low_scores(pose_core, files):
    clip = read(files / "real/0.pose")
    confidence = clip.confidence.copy()
    confidence[:, 2] = 0.1  # an elbow
    keypoints = clip.keypoints.copy()
    keypoints[:, 2, 0] += 20
    write(replace(clip, keypoints=keypoints, confidence=confidence), files / "low.pose")
    scores = [
        json.loads(pose_core("compare", files / "real/0.pose", files / "low.pose", "--json", *more)[1])["mean"]["mae"]
        for more in ((), ("--min-confidence", 0.2))
    ]
    assert scores[0] > 0.001
    assert scores[1] is None or scores[1] < 1e-6


def test_info_of_several_people(pose_core, holistic, tmp_path):
    other = replace(holistic, confidence=np.zeros_like(holistic.confidence))
    buffer = io.BytesIO()
    holistic.skeleton.to_header(holistic.size).write(buffer)
    people = [np.stack([getattr(p, name) for p in (other, holistic)], axis=1) for name in ("keypoints", "confidence")]
    content = buffer.getvalue() + struct.pack("<fIH", 0, 12, 2) + b"".join(values.tobytes() for values in people)
    (tmp_path / "a.pose").write_bytes(content)
    status, _, err = pose_core("info", tmp_path / "a.pose")
    assert (status, "--fps" in err) == (2, True)
    status, out, _ = pose_core("info", tmp_path / "a.pose", "--fps", 30)
    assert status == 0
    assert "12 frames at 30 fps" in out
    assert re.search(r"person 0 is seen in 0% of frames\n +person 1 is seen in 100% of frames, the one above", out)
    _, out, _ = pose_core("info", tmp_path / "a.pose", "--fps", 30, "--person", 0, "--json")
    (found,) = json.loads(out)
    assert (found["people"], found["person"], found["seen"], found["empty"]) == (2, 0, [0, 1], 12)
    assert pose_core("convert", tmp_path / "a.pose", tmp_path / "b.npz", "--fps", 30, "--min-confidence", 2)[0] == 0
    assert not read(tmp_path / "b.npz").confidence.any()


def test_convert_folders_and_patterns(pose_core, files):
    (files / "real" / "bad.pose").write_bytes(b"damaged")
    status, out, err = pose_core("convert", files / "real", files / "arrays", "--format", ".npz")
    assert (status, "bad.pose: not a .pose file" in err, out.count("frames at 25 fps")) == (3, True, 2)
    assert sorted(path.name for path in (files / "arrays").iterdir()) == ["0.npz", "1.npz"]
    np.testing.assert_array_equal(read(files / "arrays/0.npz").keypoints, read(files / "real/0.pose").keypoints)
    assert pose_core("convert", files / "made" / "*.pose", files / "arrays", "--format", "npz")[0] == 2
    status, out, _ = pose_core(
        "convert", files / "made" / "*.pose", files / "arrays", "--format", "npz", "--skip-existing", "--json"
    )
    assert (status, json.loads(out)) == (0, [])
    status, _, err = pose_core("convert", files / "real", files / "arrays", "--format", ".txt")
    assert (status, "unknown pose format '.txt'" in err) == (2, True)


def test_pipes(files):
    """`-` is standard input and output, whatever the format."""
    clip = files / "real/0.pose"
    command = [sys.executable, "-m", "pose_core", "convert"]
    for suffix in (".npz", ".csv", ".pose"):
        first = subprocess.run([*command, clip, "-", "--format", suffix], capture_output=True, check=True)
        assert b"12 frames at 25 fps" in first.stderr
        back = [*command, "-", files / f"back{suffix}.pose", "--fps", "25"]
        subprocess.run(back, input=first.stdout, capture_output=True, check=True)
        np.testing.assert_array_equal(read(files / f"back{suffix}.pose").keypoints, read(clip).keypoints)
    info = subprocess.run([*command[:-1], "info", "-"], input=clip.read_bytes(), capture_output=True, check=True)
    assert info.stdout.startswith(b"standard input: .pose 0.2, holistic, 12 frames")
    render = [*command[:-1], "render", "-", files / "a.png"]
    assert b"standard input 0.48 s" in subprocess.run(render, input=clip.read_bytes(), capture_output=True).stdout
    bad = subprocess.run([*command, "-", "-"], input=b"PK damaged", capture_output=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr.startswith(b"Error: standard input: ")


def test_assumptions_about_files_are_warned_of(pose_core, tmp_path):
    poses = np.random.default_rng(0).uniform(0, 1, (5, 133, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", poses=poses)
    arguments = ("convert", tmp_path / "a.npz", tmp_path / "b.npz", "--overwrite", "--fps", 30)
    assert pose_core(*arguments, "--axes", "xyz", "--size", "1280x720", "--y-up")[0] == 0
    sequence = read(tmp_path / "b.npz")
    np.testing.assert_allclose(sequence.keypoints[..., 0], poses[..., 0] * 1280, rtol=1e-6)
    np.testing.assert_allclose(sequence.keypoints[..., 1], 720 - poses[..., 1] * 720, rtol=1e-4, atol=1e-3)
    assert (sequence.fps, sequence.size[:2], sequence.skeleton.num_dims) == (30, (1280, 720), 3)
    for wrong in (("--size", "large"), ("--axes", "zyx"), ("--order", "kaggle")):
        status, _, err = pose_core(*arguments, *wrong)
        assert (status, err.count("\n"), wrong[1] in err) == (2, 1, True)


def test_info_of_a_folder(pose_core, files):
    status, out, _ = pose_core("info", files, "--json")
    assert (status, [Path(found["path"]).name for found in json.loads(out)]) == (0, ["0.pose", "1.pose"] * 2)
