import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ht_vae.codec import reconstruct
from ht_vae.model import load_model
from pose_core import read, write
from pose_core.testing import error_line, fake_sequence, files_below


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def signing(build, tmp_path_factory):
    """The folder of a model of body and hands, untrained."""
    folder = tmp_path_factory.mktemp("signing") / "model"
    build().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def labelled(build, tmp_path_factory):
    """The folder of a model that is told a label."""
    folder = tmp_path_factory.mktemp("labelled") / "model"
    build(labels=("A", "B")).save_pretrained(folder)
    return folder


@pytest.fixture
def landmarks(cli, trained):
    """Runs a verb with the model of landmark CSVs, on the CPU."""

    def call(verb, *arguments):
        return cli(verb, *arguments, "--checkpoint", trained[2], "--device", "cpu")

    return call


def test_reconstructed_csvs_keep_columns_landmarks_and_frames(landmarks, body, tmp_path):
    original = body(53)
    order = [7, 2, 0, 1, 3, 4, 5]  # in another order than the model's, and one short
    skeleton = original.skeleton
    shuffled = replace(skeleton.components[0], points=tuple(skeleton.components[0].points[i] for i in order), limbs=())
    sequence = original.on_skeleton(type(skeleton)((shuffled,)))
    write(sequence, tmp_path / "walk.csv")
    status, out, err = landmarks("reconstruct", tmp_path / "walk.csv")
    assert status == 0, err
    before, after = rows(tmp_path / "walk.csv"), rows(tmp_path / "walk.reconstructed.csv")
    assert after[0] == before[0]
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert out.startswith(f"{tmp_path}/walk.reconstructed.csv: 53 frames at 25 fps, error ")
    assert "shoulder widths, latents of 26 numbers for 848 coordinates" in out  # 6 and 4 chunks of 5


def test_reconstructions_keep_their_placement(landmarks, trained, csvs, tmp_path):
    file = csvs / "sequence_2.csv"
    assert landmarks("reconstruct", file, "--output", tmp_path / "a.csv")[0] == 0
    made, original = read(tmp_path / "a.csv"), read(file)
    encoded, decoded = reconstruct(load_model(trained[2], "cpu"), original)
    restored = decoded.restored(encoded.placement, original.skeleton)
    visible = restored.confidence > 0
    np.testing.assert_allclose(made.keypoints[visible], restored.keypoints[visible], atol=1e-5)
    np.testing.assert_array_equal(made.confidence > 0, visible)
    middle = original.keypoints[:, original.skeleton.shoulders()].mean(axis=(0, 1))
    assert np.linalg.norm(made.keypoints[visible].mean(axis=0) - middle) < 2  # shoulder widths


def test_formats_follow_suffixes_and_several_files_go_to_a_folder(cli, signing, clip, tmp_path):
    write(replace(clip(31), fps=29.97), tmp_path / "a.pose")
    write(replace(clip(8, seed=1), fps=50.0), tmp_path / "b.npz")
    call = ("reconstruct", tmp_path / "a.pose", "--checkpoint", signing, "--device", "cpu")
    for name in ("a.npz", "a.csv", "a.html", "a.png", "again.pose"):
        status, _, err = cli(*call, "--output", tmp_path / "out" / name)
        assert status == 2  # there is no such folder
        assert "create it first" in error_line(err)
        assert cli(*call, "--output", tmp_path / name)[0] == 0
    assert "reconstruction" in (tmp_path / "a.html").read_text()
    assert (len(read(tmp_path / "a.csv")), len(read(tmp_path / "a.npz"))) == (31, 31)
    assert read(tmp_path / "again.pose").fps == pytest.approx(29.97)
    status, out, _ = cli(*call, tmp_path / "b.npz", "--output", tmp_path / "folder", "--json")
    assert status == 0
    assert files_below(tmp_path / "folder") == ["a.reconstructed.pose", "b.reconstructed.npz"]
    assert [(each["frames"], each["model"]) for each in json.loads(out)] == [(31, "model"), (8, "model")]
    assert read(tmp_path / "folder" / "b.reconstructed.npz").fps == 50


def test_frame_rate_and_person(cli, signing, landmarks, csvs, clip, tmp_path):
    file = csvs / "sequence_2.csv"
    assert landmarks("reconstruct", file, "--fps", 23.976, "--output", tmp_path / "a.pose")[0] == 0
    assert read(tmp_path / "a.pose").fps == pytest.approx(23.976)
    write(clip(8), tmp_path / "b.pose")
    status, _, err = cli("reconstruct", tmp_path / "b.pose", "--person", 1, "--checkpoint", signing)
    assert status == 2
    assert "there is no person 1" in error_line(err)


@pytest.mark.parametrize(("verb", "what"), [("reconstruct", "reconstructed.csv"), ("encode", "latents.npz")])
def test_a_failed_file_does_not_stop_a_batch_and_skip_existing_continues(landmarks, body, tmp_path, verb, what):
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    for place in ("a.csv", "deep/c.csv"):
        write(body(5), folder / place)
    nobody = body(5)
    nobody.confidence[:] = 0
    write(nobody, folder / "b.csv")
    call = (verb, folder, "--output", tmp_path / "out")
    status, out, err = landmarks(*call)
    assert (status, len(out.splitlines())) == (3, 2)
    assert f"{folder / 'b.csv'}: both shoulders are seen in no frame" in err
    assert error_line(err).startswith("Error: 1 of 3 files failed; all others are done")
    assert files_below(tmp_path / "out") == [f"a.{what}", f"deep/c.{what}"]
    write(body(5), folder / "b.csv", overwrite=True)
    status, out, err = landmarks(*call, "--skip-existing", "--quiet")
    assert (status, out.startswith(f"{tmp_path}/out/b.{what}: 5 frames"), len(out.splitlines())) == (0, True, 1)
    assert landmarks(*call)[0] == 2
    assert landmarks(verb, folder)[0] == landmarks(verb, folder, "--skip-existing")[0] == 0  # beside each
    assert len(files_below(folder)) == 6


def test_implausible_bodies_are_warned_of(cli, signing, tmp_path):
    call = ("generate", "--checkpoint", signing, "--device", "cpu", "--length", 40, "--temperature", 3)
    status, out, err = cli(*call, "--output", tmp_path / "a.pose", "--json")
    assert status == 0
    (each,) = json.loads(out)
    assert each["anatomy"] is not None  # an untrained model's
    assert f"Warning: {tmp_path / 'a.pose'}: {each['anatomy']}" in err.splitlines()


def test_min_confidence_drops_keypoints(landmarks, body, tmp_path):
    sequence = body(5)
    sequence.confidence[:] = 0.3
    write(sequence, tmp_path / "a.csv")
    assert landmarks("encode", tmp_path / "a.csv", "--min-confidence", 0.2)[0] == 0
    status, _, err = landmarks("encode", tmp_path / "a.csv", "--min-confidence", 0.5, "--overwrite")
    assert (status, "both shoulders are seen in no frame" in error_line(err)) == (2, True)


def test_files_with_gaps_and_nan_are_reconstructed(landmarks, body, tmp_path):
    sequence = body(40)
    sequence.confidence[:7] = 0
    sequence.confidence[10:20, 4:] = 0
    sequence.keypoints[25, 3] = np.nan
    write(sequence, tmp_path / "gaps.csv")
    write(body(1), tmp_path / "one.csv")
    status, _, err = landmarks("reconstruct", tmp_path / "gaps.csv", tmp_path / "one.csv")
    assert status == 0, err
    assert len(read(tmp_path / "gaps.reconstructed.csv")) == 40
    assert len(rows(tmp_path / "one.reconstructed.csv")) == 9
    assert "nan" not in (tmp_path / "gaps.reconstructed.csv").read_text()


def test_encode(landmarks, trained, csvs, tmp_path):
    status, out, err = landmarks("encode", csvs / "sequence_1.csv", "--output", tmp_path / "l.npz")
    assert status == 0, err
    assert out.strip() == f"{tmp_path}/l.npz: 90 frames as 6 numbers and 6 chunks of 5"
    latents = np.load(tmp_path / "l.npz", allow_pickle=False)
    shapes = {name: latents[name].shape for name in latents if latents[name].ndim}
    assert shapes == {
        "whole_mean": (6,),
        "whole_log_variance": (6,),
        "chunk_mean": (6, 5),
        "chunk_log_variance": (6, 5),
        "center": (2,),
        "size": (3,),
    }
    assert (int(latents["frames"]), float(latents["fps"]), str(latents["model"])) == (90, 25, "tiny")
    assert str(latents["model_hash"]) == trained[0].hash
    assert float(latents["scale"]) > 0
    status, _, _ = landmarks("encode", csvs / "sequence_1.csv", csvs / "sequence_2.csv", "--output", tmp_path / "all")
    assert status == 0
    assert files_below(tmp_path / "all") == ["sequence_1.latents.npz", "sequence_2.latents.npz"]


def test_generate(cli, landmarks, signing, tmp_path):
    status, out, err = landmarks("generate", "--num-samples", 3, "--length", 40, "--output", tmp_path / "new", "--json")
    assert status == 0, err
    assert files_below(tmp_path / "new") == ["sample_01.pose", "sample_02.pose", "sample_03.pose"]
    assert [each["frames"] for each in json.loads(out)] == [40, 40, 40]
    assert landmarks("generate", "--length", 40, "--output", tmp_path / "again.pose")[0] == 0
    same = [read(path).keypoints for path in (tmp_path / "new" / "sample_01.pose", tmp_path / "again.pose")]
    np.testing.assert_allclose(*same, atol=1e-2)
    assert landmarks("generate", "--length", 40, "--output", tmp_path / "other.pose", "--seed", 1)[0] == 0
    assert not np.allclose(read(tmp_path / "other.pose").keypoints, same[0], atol=1e-2)
    assert landmarks("generate", "--output", tmp_path / "csvs", "--format", "csv", "--length", 9)[0] == 0
    csv_file = read(tmp_path / "csvs" / "sample_01.csv")
    hips = csv_file.keypoints[:, csv_file.skeleton.hips()].mean(axis=(0, 1))
    np.testing.assert_allclose(hips, 0, atol=1e-4)
    call = ("generate", "--checkpoint", signing, "--device", "cpu", "--num-samples", 2, "--length", 17)
    assert cli(*call, "--output", tmp_path / "two.html")[1].strip().endswith("2 samples of 17 frames at 25 fps, 0.7 s")


def test_generate_for_a_label(cli, labelled, tmp_path):
    for label in "AB":
        call = ("generate", "--checkpoint", labelled, "--device", "cpu", "--length", 20, "--condition", label)
        assert cli(*call, "--output", tmp_path / f"{label}.npz")[0] == 0
    assert not np.allclose(*(read(tmp_path / f"{label}.npz").keypoints for label in "AB"))


def test_interpolate(landmarks, csvs, tmp_path):
    ends = csvs / "sequence_1.csv", csvs / "sequence_2.csv"
    status, out, err = landmarks("interpolate", *ends, "--num-samples", 4, "--output", tmp_path / "way", "--json")
    assert status == 0, err
    result = json.loads(out)
    assert files_below(tmp_path / "way") == [f"step_{i:02}.csv" for i in range(1, 5)]
    assert result["frames"] == [90, 73, 57, 40]
    assert result["ratio"] == pytest.approx(result["largest_step"] / result["mean_step"])
    for end, step in zip(ends, ("step_01.csv", "step_04.csv"), strict=True):
        assert landmarks("reconstruct", end, "--output", tmp_path / "end.csv", "--overwrite")[0] == 0
        expected, found = read(tmp_path / "end.csv"), read(tmp_path / "way" / step)
        np.testing.assert_allclose(found.keypoints, expected.keypoints, atol=1e-4)
    status, out, _ = landmarks("interpolate", *ends, "--output", tmp_path / "way.html", "--spherical")
    assert status == 0
    assert out.splitlines()[0] == f"{tmp_path}/way.html: 8 samples of 90 to 40 frames"
    assert out.splitlines()[1].startswith("mean step ")


def test_old_spellings_of_options_work_with_a_notice(landmarks, csvs, tmp_path):
    ends = csvs / "sequence_1.csv", csvs / "sequence_2.csv"
    status, _, err = landmarks("interpolate", *ends, "--steps", 2, "--output", tmp_path / "way")
    assert (status, files_below(tmp_path / "way")) == (0, ["step_01.csv", "step_02.csv"])
    assert "--steps is now --num-samples" in err.splitlines()
    status, _, err = landmarks("evaluate", "--data", csvs, "--output-dir", tmp_path / "report")
    assert (status, files_below(tmp_path / "report")) == (0, ["clips.csv", "metrics.json"])
    assert "--output-dir is now --output" in err.splitlines()
    assert len(rows(tmp_path / "report" / "clips.csv")) == 2


def test_evaluate(landmarks, csvs, tmp_path):
    call = ("evaluate", "--data", csvs, "--output", tmp_path / "run", "--visualize", "--extract-latents")
    status, out, err = landmarks(*call)
    assert status == 0, err
    assert out.splitlines()[0].split() == ["mpjpe", "rmse", "PCK@0.1", "PCK@0.2", "velocity", "bone", "presence"]
    assert "at seams of chunks" in out
    assert "Fréchet distance to the clips: samples" in out
    found = files_below(tmp_path / "run")
    for name in ("attention_local.png", "attention_global.png", "clip_1.html", "clip_1.png", "clip_1_error.png"):
        assert f"pictures/{name}" in found
    for name in ("latents_whole_pca.png", "latents_chunks_pca.png", "latent_use.png", "samples.png", "samples.html"):
        assert f"pictures/{name}" in found
    assert {"metrics.json", "clips.csv", "latents.npz"} <= {*found}
    assert np.load(tmp_path / "run" / "latents.npz")["whole_mean"].shape == (1, 6)
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for output in ("again", "and_again"):
        status, out, _ = landmarks("evaluate", "--data", csvs, "--output", tmp_path / output, "--json")
        assert status == 0
        again = json.loads(out)
        again.pop("output")
        assert again == figures
    texts = [(tmp_path / output / "metrics.json").read_text() for output in ("run", "again", "and_again")]
    assert len(set(texts)) == 1
    status, _, err = landmarks(*call)
    assert status == 2
    assert "exists; use --overwrite" in error_line(err)
    assert landmarks(*call, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reconstruct"], "Missing argument 'files'"),
        (["reconstruct", "nowhere.csv"], "nowhere.csv: no such file"),
        (["reconstruct", "EMPTY"], "holds no file that ends in .pose, .npz, .csv"),
        (["reconstruct", "notes.txt"], "notes.txt: unknown pose format '.txt'; known: .pose, .npz, .csv"),
        (["reconstruct", "a.csv", "--output", "a.txt"], "a.txt: cannot write .txt; use .pose, .npz, .csv, .gif"),
        (
            ["reconstruct", "a.csv", "b.csv", "--output", "c.csv"],
            "is one file, and there are 2 to write; name a folder",
        ),
        (["reconstruct", "a.csv", "FOLDER/a.csv", "--output", "new"], "would both become"),
        (["reconstruct", "a.csv", "--output", "a.csv"], "a.csv: exists; use --overwrite"),
        (["reconstruct", "bad.csv"], "bad.csv, line 3: x: could not convert string to float: 'left'"),
        (["reconstruct", "nobody.csv"], "nobody.csv: both shoulders are seen in no frame"),
        (["reconstruct", "hand.pose"], "hand.pose: lacks POSE_LANDMARKS"),
        (["reconstruct", "a.csv", "--condition", "A"], "--condition A: the model tiny is unconditional; leave it out"),
        (["reconstruct", "a.csv", "--fps", "0"], "--fps"),
        (["reconstruct", "a.csv", "--device", "warp"], "device 'warp' cannot be used"),
        (["generate"], "Missing option '--output'"),
        (
            ["generate", "--num-samples", "2", "--output", "a.pose"],
            "a.pose: holds one sample, not 2; name a folder or",
        ),
        (["generate", "--num-samples", "0", "--output", "new"], "--num-samples"),
        (["generate", "--length", "0", "--output", "new"], "--length"),
        (["generate", "--temperature", "-1", "--output", "new"], "--temperature"),
        (["generate", "--temperature", "inf", "--output", "new"], "--temperature is a number from 0"),
        (["generate", "--temperature", "nan", "--output", "new"], "--temperature"),
        (["generate", "--temperature", "1e30", "--output", "new"], "--temperature is a number from 0 to 100"),
        (["generate", "--length", "1000000000", "--output", "new"], "Invalid value for '--length'"),
        (["generate", "--seed", "9" * 23, "--output", "new"], "at most 64 bits"),
        (["generate", "--format", "docx", "--output", "new"], ".docx: unknown format; use .pose, .npz, .csv"),
        (["generate", "--condition", "A", "--output", "new"], "is unconditional; leave it out"),
        (["interpolate", "a.csv", "--output", "new"], "Missing argument 'B'"),
        (["interpolate", "a.csv", "b.csv", "--num-samples", "1", "--output", "new"], "--num-samples"),
        (["interpolate", "a.csv", "nowhere.csv", "--output", "new"], "nowhere.csv: no such file"),
        (["interpolate", "a.csv", "nobody.csv", "--output", "new"], "nobody.csv: both shoulders are seen in no frame"),
        (
            ["interpolate", "a.csv", "b.csv", "--output", "way.pose"],
            "way.pose: holds one step, not 8; name a folder",
        ),
        (["encode", "a.csv", "--output", "a.pose"], "a.pose: cannot write .pose; use .npz"),
        (["encode", "nobody.csv", "--output", "new"], "nobody.csv: both shoulders are seen in no frame"),
        (["evaluate"], "Missing option '--data'"),
        (["evaluate", "--data", "CSVS", "--visualize"], "need a folder: name one with --output"),
        (["evaluate", "--data", "CSVS", "--extract-latents"], "need a folder: name one with --output"),
        (["evaluate", "--data", "CSVS", "--split", "tset", "--output", "new"], "no clips of split 'tset'"),
        (["evaluate", "--data", "nowhere", "--output", "new"], "nowhere: no such manifest"),
        (["evaluate", "--data", "CSVS", "--output", "a.csv"], "a.csv: is a file; name a folder"),
        (["evaluate", "--data", "CSVS", "--batch-size", "0"], "--batch-size"),
    ],
)
def test_wrong_commands_give_one_line_and_write_nothing(
    cli, csvs, body, trained, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    for place in (tmp_path / "a.csv", tmp_path / "b.csv", folder / "a.csv"):
        write(body(5), place)
    nobody = body(5)
    nobody.confidence[:] = 0
    write(nobody, tmp_path / "nobody.csv")
    hand = fake_sequence(frames=5)
    write(hand.select(hand.skeleton.hand("right")), tmp_path / "hand.pose")
    (tmp_path / "bad.csv").write_text("frame#,landmark_name,x,y\n0,NOSE,1,2\n1,NOSE,left,2\n")
    (tmp_path / "notes.txt").write_text("no poses")
    (tmp_path / "empty").mkdir()
    before = files_below(tmp_path)
    stand_ins = {"EMPTY": "empty", "CSVS": str(csvs), "FOLDER/a.csv": str(folder / "a.csv")}
    given = [stand_ins.get(argument, argument) for argument in arguments]
    status, out, err = cli(*given, "--checkpoint", trained[2])
    assert status == 2, err
    assert message in error_line(err)
    assert not out
    assert files_below(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_inference_imports_no_trainer_and_help_no_torch(trained, csvs, tmp_path):
    code = (
        "import sys; from ht_vae.cli import main\n"
        "def call(*arguments):\n"
        "    sys.argv = ['ht-vae', *arguments]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code, end.code\n"
        "for verb in ('reconstruct', 'generate', 'interpolate', 'encode', 'evaluate'):\n    call(verb, '--help')\n"
        "assert not {'torch', 'numpy', 'pose_format', 'matplotlib'} & set(sys.modules)\n"
        f"options = ['--checkpoint', {str(trained[2])!r}, '--device', 'cpu']\n"
        f"call('reconstruct', {str(csvs / 'sequence_2.csv')!r}, '--output', {str(tmp_path / 'a.csv')!r}, *options)\n"
        f"call('evaluate', '--data', {str(csvs)!r}, *options)\n"
        "assert not {'lightning', 'tensorboard', 'wandb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
