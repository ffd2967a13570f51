"""`--size`, `--y-up`, `--axes` and `--order`: of every command that reads poses, as of `pose-core convert`."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from pose_core import UserError, read, write
from pose_core.cli import app
from pose_core.commands.inspection import inspect
from pose_core.formats import slrtp
from pose_core.notices import InputWarning
from pose_core.skeleton import known_skeleton

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def array(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).uniform(0.2, 0.8, (4, 75, 3)).astype(np.float32))
    return tmp_path / "a.npy"


def test_info_reads_as_convert_does(array):
    given = ("--size", "640x360", "--axes", "xyz", "--order", "mediapipe", "--fps", "25")
    (described,) = json.loads(run("info", "--json", *given, array).stdout)
    assert (described["size"], described["dims"]) == ([640, 360, 0], 3)
    assert described["assumed"] == []
    assert run("convert", *given, array, array.with_suffix(".pose")).exit_code == 0
    converted = read(array.with_suffix(".pose"))
    np.testing.assert_allclose(converted.keypoints, np.load(array) * [640, 360, 640], rtol=1e-6)


@pytest.mark.parametrize("command", ["info", "check", "convert", "render", "cut", "unpack"])
def test_every_command_has_them(command):
    shown = " ".join(run(command, "--help").stdout.split())
    assert all(option in shown for option in ("--size", "--y-up", "--axes", "--order")), shown


def test_render_and_check(array, tmp_path):
    assert run("check", "--size", "640x360", array).exit_code == 0
    result = run("render", "--size", "640x360", "--y-up", array, tmp_path / "a.png")
    assert (result.exit_code, (tmp_path / "a.png").is_file()) == (0, True)


def test_what_is_no_size(array):
    result = run("info", "--size", "640", array)
    assert result.exit_code == 2
    assert "'640' is no size of a picture; write it as 1280x720" in " ".join(result.output.replace("│", "").split())


def test_clips_of_a_file_are_unpacked_in_pixels(tmp_path):
    clips = {name: np.random.default_rng(0).uniform(0.2, 0.8, (4, 75, 3)) for name in "ab"}
    np.savez(tmp_path / "clips.npz", **clips)
    arguments = ("--size", "640x360", "--axes", "xyz", "--fps", "25")
    assert run("unpack", tmp_path / "clips.npz", "--output", tmp_path / "clips", *arguments).exit_code == 0
    expected = clips["a"] * [640, 360, 640]
    np.testing.assert_allclose(read(tmp_path / "clips" / "a.pose").keypoints, expected, rtol=1e-6)


def test_clips_are_cut_in_pixels(tmp_path):
    poses = np.random.default_rng(0).uniform(0.2, 0.8, (50, 21, 3))
    np.savez(tmp_path / "session.npz", poses=poses, fps=25.0)
    (tmp_path / "session.srt").write_text("1\n00:00:00,400 --> 00:00:00,800\nhello\n")
    arguments = ("--segments", tmp_path / "session.srt", "--output", tmp_path / "clips", "--size", "1000x500")
    assert run("cut", tmp_path / "session.npz", *arguments, "--signed-language", "ase").exit_code == 0
    (clip,) = (tmp_path / "clips").glob("*.pose")
    whole = read(tmp_path / "session.npz", size=(1000, 500))
    np.testing.assert_array_equal(read(clip).keypoints, whole.keypoints[10:20])


def test_a_folder_of_arrays_is_called_that(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(3):
        np.save(folder / f"{number}.npy", np.random.default_rng(0).uniform(0, 500, (21, 3)))
    assert inspect(folder).format == "folder of .npy"


@pytest.mark.parametrize("shape", [(4, 178, 3), (4, 21, 3)])
def test_hints_name_the_option_alone(shape, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).uniform(0.2, 0.8, shape))
    with pytest.warns(InputWarning) as said:
        read(tmp_path / "a.npy")
    assert any("`--size 1280x720` makes them pixels" in str(each.message) for each in said)
    assert not any("pose-core convert" in str(each.message) for each in said)


def test_normalized_coordinates_in_a_picture_that_the_file_states(tmp_path):
    """DWPose of ControlNet states its canvas: JSON is scaled to it; of a `.pose` file the hint names it."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(0.2, 0.8, (3, 18, 2)), np.ones((3, 18, 1))], axis=-1)
    frames = [
        {"people": [{"pose_keypoints_2d": each.ravel().tolist()}], "canvas_width": 640, "canvas_height": 360}
        for each in points
    ]
    (tmp_path / "a.json").write_text(json.dumps(frames))
    with pytest.warns(InputWarning, match="normalized coordinates, x and y between 0 and 1, scaled to the 640 x 360"):
        sequence = read(tmp_path / "a.json")
    assert sequence.size[:2] == (640, 360)
    np.testing.assert_allclose(sequence.keypoints[:, :8], points[:, :8, :2] * [640, 360], rtol=1e-6)
    write(replace(sequence, keypoints=points_of(sequence) / [640, 360]), tmp_path / "a.pose")
    with pytest.warns(InputWarning, match="although the picture has 640 x 360 pixels; `--size 640x360` makes them"):
        read(tmp_path / "a.pose")


def points_of(sequence):
    return sequence.keypoints.astype(np.float64)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a.mp4", "a.mp4: a video; `pose-core estimate` makes poses of it"),
        ("a.MOV", "a video; `pose-core estimate`"),
        ("a.eaf", "annotations, no poses; `pose-core cut --segments a.eaf` cuts a pose file by them"),
        ("a.srt", "`pose-core cut --segments a.srt`"),
        ("a.vtt", "`pose-core cut --segments a.vtt`"),
        ("a.pkl", 'of a dictionary np.savez("poses.npz", keypoints=..., scores=...)'),
    ],
)
def test_what_holds_no_poses_yet(name, hint, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError) as raised:
        read(tmp_path / name)
    assert hint in str(raised.value)


def test_people_of_an_array_of_four_axes(tmp_path):
    poses = np.random.default_rng(0).uniform(10, 300, (5, 2, 133, 3))
    poses[..., 2] = 0.9
    np.save(tmp_path / "a.npy", poses)
    np.testing.assert_allclose(read(tmp_path / "a.npy", person=1).keypoints, poses[:, 1, :, :2], rtol=1e-6)
    with pytest.warns(InputWarning, match="2 people; taking person"):
        read(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", poses[:, :1])
    np.testing.assert_allclose(read(tmp_path / "a.npy").keypoints, poses[:, 0, :, :2], rtol=1e-6)
    with pytest.raises(UserError, match="has 1 person, counted from 0; there is no person 1"):
        read(tmp_path / "a.npy", person=1)


def test_134_keypoints_are_openposes(tmp_path):
    poses = np.random.default_rng(0).uniform(10, 300, (5, 1, 134, 2))
    np.savez(tmp_path / "a.npz", keypoints=poses, scores=np.full((5, 1, 134), 0.9))
    sequence = read(tmp_path / "a.npz")
    assert sequence.skeleton == known_skeleton(137, 2)
    assert (sequence.confidence > 0).sum(axis=1).tolist() == [134] * 5
    np.testing.assert_allclose(sequence.keypoints[:, -42:], poses[:, 0, -42:], rtol=1e-6)


def test_hands_off_their_wrists_tell_another_order_than_slrtps(tmp_path):
    rng = np.random.default_rng(0)
    ours = rng.uniform(0, 0.02, (5, 178, 3))
    ours += [0.5, 0.2, 0]
    ours[:, :8, :2] += [
        [0.1, 0.1],
        [-0.1, 0.1],
        [0.2, 0.2],
        [-0.2, 0.2],
        [0.3, 0.3],
        [-0.3, 0.3],
        [0.1, 0.6],
        [-0.1, 0.6],
    ]
    ours[:, 136:157, :2] += [0.3, 0.3]
    ours[:, 157:, :2] += [-0.3, 0.3]
    theirs = np.empty_like(ours)
    theirs[:, slrtp.ORDER] = ours
    np.savez(tmp_path / "a.npz", poses_3d=theirs)
    with pytest.warns(InputWarning) as said:
        read(tmp_path / "a.npz")
    assert any("--order mediapipe says otherwise" in str(each.message) for each in said)
    assert not any("but hands" in str(each.message) for each in said)
    parts = np.r_[0:8, 157:178, 136:157, 8:136]  # the parts in SLRTP's order, their points in MediaPipe's
    np.savez(tmp_path / "a.npz", poses_3d=ours[:, parts])
    with pytest.warns(InputWarning, match="but hands are not at their wrists"):
        read(tmp_path / "a.npz")
