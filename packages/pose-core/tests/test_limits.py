"""Numbers, names and files at the edge of what there is: one line that says so, or the right result."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, UserError, read, write
from pose_core.cli import app
from pose_core.command_line import run
from pose_core.rendering.composition import Composition
from pose_core.skeleton import Skeleton
from pose_core.testing import fake_sequence
from pose_core.transforms import attach_hands, clean, fill_arms, hold_hands, resample, stretch
from pose_core.transforms.resampling import MAX_FRAMES


@pytest.fixture(scope="module")
def clip():
    return fake_sequence(frames=10, hands=("left", "right"), face_points=4)


@pytest.mark.parametrize("fps", [1e300, 1e39, 1e7, 1e-12])
def test_impossible_frame_rates_are_refused(clip, tmp_path, fps):
    fast = replace(clip, fps=fps)
    for suffix in (".pose", ".npz", ".csv"):
        with pytest.raises(UserError, match=r"a\.\w+: fps is"):
            write(fast, tmp_path / f"a{suffix}")
    assert not [*tmp_path.iterdir()]
    with pytest.raises(UserError, match="fps is"):
        resample(clip, fps)
    write(clip, tmp_path / "b.npz")
    with pytest.raises(UserError, match="fps is"):
        read(tmp_path / "b.npz", fps=fps)
    np.savez(tmp_path / "c.npz", **{**np.load(tmp_path / "b.npz"), "fps": np.float64(fps)})
    with pytest.raises(UserError, match=r"c\.npz: fps is"):
        read(tmp_path / "c.npz")
    assert read(tmp_path / "c.npz", fps=30).fps == 30


@pytest.mark.filterwarnings("ignore:.*unlikely")
@pytest.mark.parametrize("fps", [0.001, 1e6])
def test_extreme_frame_rates_round_trip(clip, tmp_path, fps):
    for suffix in (".pose", ".npz"):
        write(replace(clip, fps=fps), tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}").fps == pytest.approx(fps)


def test_resampling_to_too_many_frames_is_refused(clip):
    long = replace(clip, fps=0.01)
    with pytest.raises(UserError, match="1,000,000,000 frames, and 1,000,000 at most"):
        resample(long, 1e6)
    with pytest.raises(UserError, match="at most"):
        stretch(clip, MAX_FRAMES + 1)
    assert len(resample(long, 1)) == 1000


def test_panels_of_a_fast_clip_are_smoothed_over_the_clip_alone(clip):
    composition = Composition(replace(clip, fps=1e9), 240)
    assert all(np.isfinite(panel.centers).all() for panel in composition.panels)
    assert composition.panels


def test_a_hand_of_its_wrist_alone_is_filled(clip):
    hand = clip.skeleton.hand("left")
    kept = clip.select([k for k in range(clip.skeleton.num_keypoints) if k not in hand[1:]])
    confidence = kept.confidence.copy()
    (wrist,) = kept.skeleton.hand("left")
    confidence[4:6, wrist] = 0
    filled = fill_arms(replace(kept, confidence=confidence))
    assert (filled.confidence[4:6, wrist] > 0).all()
    np.testing.assert_allclose(filled.keypoints[4:6, wrist], kept.keypoints[4:6, wrist], atol=5)


@pytest.mark.parametrize("transform", [fill_arms, hold_hands, attach_hands])
def test_hands_of_no_frames(clip, transform):
    assert len(transform(clip[:0])) == 0


@pytest.mark.parametrize("name", [5, None, [1], 1.5, True])
@pytest.mark.parametrize("place", ["point", "component"])
def test_names_that_are_no_strings_are_refused(clip, tmp_path, name, place):
    write(clip, tmp_path / "a.npz")
    arrays = dict(np.load(tmp_path / "a.npz"))
    skeleton = json.loads(str(arrays["skeleton"]))
    if place == "point":
        skeleton["components"][0]["points"][3] = name
    else:
        skeleton["components"][0]["name"] = name
    np.savez(tmp_path / "b.npz", **{**arrays, "skeleton": np.array(json.dumps(skeleton))})
    with pytest.raises(UserError, match=r"b\.npz: .*names must be strings"):
        read(tmp_path / "b.npz")


@pytest.mark.parametrize(("part", "value"), [("limbs", [[0, 0.5]]), ("colors", [[None, 0, 0]])])
def test_limbs_and_colors_are_whole_numbers(clip, part, value):
    values = clip.skeleton.to_dict()
    values["components"][0][part] = value
    with pytest.raises(UserError, match="whole numbers"):
        Skeleton.from_dict(values)


@pytest.mark.parametrize("value", [3e38, -2e6])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_coordinates_beyond_a_million_are_missing(clip, value, axis):
    keypoints = clip.keypoints.copy()
    keypoints[2, 5, axis] = value
    cleaned = clean(PoseSequence(keypoints, clip.confidence, clip.fps, clip.skeleton))
    assert cleaned.confidence[2, 5] == 0
    assert np.abs(cleaned.keypoints).max() < 1e6
    others = np.ones(clip.confidence.shape, bool)
    others[2, 5] = False
    np.testing.assert_array_equal(cleaned.confidence[others], clip.confidence[others])


@pytest.mark.parametrize("name", ["a" * 5000 + ".pose", "a\x00.pose"])
def test_impossible_file_names_are_refused(clip, tmp_path, monkeypatch, capsys, name):
    write(clip, tmp_path / "ok.pose")
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["info", name],
        ["check", name],
        ["render", name, "a.png"],
        ["convert", "ok.pose", name],
        ["render", "ok.pose", f"{name}.png"],
        ["compare", name, "ok.pose"],
    ):
        monkeypatch.setattr(sys, "argv", ["pose-core", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        err = capsys.readouterr().err
        assert (ended.value.code, len(err.splitlines())) == (2, 1), (arguments, err)
        assert "unexpected" not in err
        assert len(err) < 400
    for call in (lambda: read(name), lambda: write(clip, name)):
        with pytest.raises(UserError, match=r"file name is too long|no file can have"):
            call()
    assert [path.name for path in tmp_path.iterdir()] == ["ok.pose"]
