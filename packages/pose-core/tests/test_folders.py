"""Folders of pose files: links, manifests among them, files of no split, and data of which some cannot be used."""

import json
import os
import warnings
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError, write
from pose_core.data import PoseDataset, read_clip, read_clips, read_prepared, read_usable
from pose_core.testing import fake_sequence
from pose_core.training import TrainingConfig, read_data
from pose_core.transforms import drop_face


def clip_at(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(fake_sequence(frames=4), path)


def names(clips):
    return [(clip.path.name, clip.split) for clip in clips]


def noticed(call, *arguments, **options):
    """Result of a call, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*arguments, **options)
    return result, [str(each.message) for each in caught]


def test_links_are_followed(tmp_path):
    data, disk = tmp_path / "data", tmp_path / "disk2"
    clip_at(
        data / "train" / "signer1" / "a.pose", data / "val" / "b.pose", disk / "signer2" / "c.pose", disk / "d.pose"
    )
    (data / "train" / "signer2").symlink_to(disk / "signer2")
    (data / "train" / "d.pose").symlink_to(disk / "d.pose")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = read_clips(data)
    assert names(clips) == [("d.pose", "train"), ("a.pose", "train"), ("c.pose", "train"), ("b.pose", "validation")]
    (data / "test").symlink_to(disk)
    with pytest.warns(UserWarning, match="2 clips in test and train both"):
        assert names(read_clips(data))[-2:] == [("d.pose", "test"), ("c.pose", "test")]


def test_cyclic_and_broken_links_are_left_out(tmp_path):
    clip_at(tmp_path / "a" / "a.pose")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "gone.pose").symlink_to(tmp_path / "nowhere.pose")
    (tmp_path / "signer3").symlink_to(tmp_path / "unmounted")
    clips, messages = noticed(read_clips, tmp_path)
    assert names(clips) == [("a.pose", "train")]
    assert any("2 link(s) lead nowhere and are left out" in message for message in messages)
    assert any("1 link(s) lead back to a folder they are in" in message for message in messages)


def test_folders_in_any_case_and_files_of_no_split(tmp_path):
    clip_at(
        tmp_path / "Train" / "a.pose", tmp_path / "VAL" / "b.pose", tmp_path / "dev2" / "c.pose", tmp_path / "d.npz"
    )
    (tmp_path / "test").mkdir()
    clips, messages = noticed(read_clips, tmp_path)
    assert names(clips) == [("a.pose", "train"), ("b.pose", "validation")]
    messages = " ".join(messages)
    assert "2 pose files beside Train/, VAL/, test/, of no split, left out" in messages
    assert "test: has no pose files, so there are none of split test" in messages


def test_a_manifest_in_a_folder_is_not_read_as_landmarks(tmp_path):
    clip_at(tmp_path / "train" / "a.csv")
    (tmp_path / "train" / "clips.csv").write_text("path;text;signed_language;split\na.csv;A;ase;train\n")
    with pytest.warns(UserWarning, match=r"clips\.csv: a manifest, not landmarks, left out"):
        assert names(read_clips(tmp_path)) == [("a.csv", "train")]


def prepare(sequence, skeleton):
    if not sequence.confidence.any():
        raise UserError("nobody is seen")
    return sequence.on_skeleton(skeleton or sequence.skeleton)


@pytest.fixture
def forty(tmp_path):
    """Forty clips, one damaged and one of nobody."""
    for number in range(40):
        write(fake_sequence(frames=4), tmp_path / f"{number:02}.npz")
    (tmp_path / "07.npz").write_bytes(b"damaged")
    nobody = replace(fake_sequence(frames=4), confidence=np.zeros((4, 50), np.float32))
    write(nobody, tmp_path / "20.npz", overwrite=True)
    return tmp_path


def test_a_few_unusable_clips_are_skipped(forty):
    data, messages = noticed(read_data, forty, prepare, TrainingConfig(epochs=1))
    assert len(data.train) == 38
    assert all(sample.clip.path.stem not in ("07", "20") for sample in data.train)
    assert any("07.npz" in m for m in messages)
    assert any("20.npz: nobody is seen" in m for m in messages)
    assert "skipped 2 of 40 clips" in messages
    with pytest.warns(UserWarning, match="skipped"):
        assert len(PoseDataset(read_clips(forty), transform=lambda s: prepare(s, None), on_error="skip").lengths) == 38


def test_many_unusable_clips_are_refused_together(forty):
    clips = read_clips(forty)
    with pytest.raises(
        UserError, match=r"2 of 40 clips cannot be used: .*07\.npz.*; .*20\.npz: nobody.*remove it from"
    ):
        read_prepared(clips, prepare)
    with pytest.raises(UserError, match=r"2 of 20 clips cannot be used, more than the 1 that may be skipped"):
        read_usable(clips[5:25], prepare)
    with pytest.raises(UserError, match=r"none of 1 clips can be used: .*07\.npz"):
        read_usable(clips[7:8], prepare)


def test_mixed_layouts_are_warned_of_once(tmp_path):
    for number in range(3):
        write(fake_sequence(frames=4, fps=25.0), tmp_path / f"{number}.npz")
    write(fake_sequence(frames=4, face_points=3, fps=30.0), tmp_path / "3.npz")
    write(drop_face(fake_sequence(frames=4, fps=30.0)), tmp_path / "4.npz")
    _, messages = noticed(read_usable, read_clips(tmp_path), prepare, resampled=False)
    assert any("clips differ in layout: 4 of 50 keypoints; 1 of 53 keypoints" in m for m in messages)
    assert any("differ in frame rate, and are taken frame by frame: 3 of 25 fps; 2 of 30 fps" in m for m in messages)


def openpose_clip(folder, frames=3):
    """A folder of OpenPose's files, one a frame, with a body and both hands."""
    folder.mkdir(parents=True)
    person = {
        "pose_keypoints_2d": [100.0, 100.0, 0.9] * 25,
        "hand_left_keypoints_2d": [90.0, 150.0, 0.8] * 21,
        "hand_right_keypoints_2d": [110.0, 150.0, 0.8] * 21,
    }
    for frame in range(frames):
        content = json.dumps({"version": 1.3, "people": [person]})
        (folder / f"clip_{frame:012}_keypoints.json").write_text(content)


def test_a_folder_of_an_estimators_frames_is_a_clip(tmp_path):
    clip_at(tmp_path / "train" / "a.pose")
    openpose_clip(tmp_path / "train" / "b")
    (tmp_path / "train" / "notes.json").write_text("{}")
    clips, messages = noticed(read_clips, tmp_path)
    assert names(clips) == [("a.pose", "train"), ("b", "train")]
    assert any("1 .json or .npy file(s) are left out; name them in a manifest" in message for message in messages)
    assert len(read_clip(clips[1])) == 3
    (tmp_path / "list.csv").write_text("path,text,signed_language,split,end_frame\ntrain/b,B,ase,train,2\n")
    assert [len(read_clip(clip)) for clip in read_clips(tmp_path / "list.csv")] == [2]
    assert names(read_clips(tmp_path / "train" / "b")) == [("b", "train")]


def test_a_folder_that_cannot_be_read(tmp_path):
    clip_at(tmp_path / "a.pose", tmp_path / "closed" / "b.pose")
    (tmp_path / "closed").chmod(0)
    try:
        if os.access(tmp_path / "closed", os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.warns(UserWarning, match=r"1 folder.s. cannot be read and are left out: .*closed"):
            assert names(read_clips(tmp_path)) == [("a.pose", "train")]
    finally:
        (tmp_path / "closed").chmod(0o700)
