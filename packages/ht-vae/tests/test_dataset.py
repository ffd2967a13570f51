import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from ht_vae.data.augmentation import Augmentation
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.preprocessing import PoseDataProcessor
from pose_core import UserError, read, write
from pose_core.data import read_clips
from pose_core.data.held_out import split_clips
from pose_core.testing import fake_manifest, fake_sequence


def test_validation_windows_are_whole_clips_or_even_parts(csvs):
    clips = read_clips(csvs)
    assert [len(each.sequence) for each in map(PoseSequenceDataset(clips).__getitem__, range(3))] == [150, 90, 40]
    windows = PoseSequenceDataset(clips, max_frames=64)
    items = [windows[i].sequence for i in range(len(windows))]
    assert [len(each) for each in items] == [50, 50, 50, 45, 45, 40]
    whole = PoseDataProcessor()(read(clips[0].path))
    np.testing.assert_array_equal(np.concatenate([each.keypoints for each in items[:3]]), whole.keypoints)
    np.testing.assert_array_equal(windows[4].sequence.keypoints, items[4].keypoints)


def test_training_windows_start_anywhere(csvs):
    clips = read_clips(csvs)[:1]
    dataset = PoseSequenceDataset(clips, max_frames=140, training=True)
    whole = PoseDataProcessor()(read(clips[0].path)).keypoints
    starts = set()
    for _ in range(60):
        piece = dataset[0].sequence.keypoints
        (start,) = [s for s in range(11) if np.array_equal(whole[s : s + 140], piece)]
        starts.add(start)
    assert starts == {*range(11)}
    assert len(dataset[0, 20].sequence) == 20
    assert len(dataset[0, 10_000].sequence) == 140


@pytest.mark.parametrize("augmentation", [None, Augmentation()])
def test_short_clips_are_stitched_to_fill_a_window(csvs, augmentation):
    dataset = PoseSequenceDataset(
        read_clips(csvs), max_frames=700, training=True, stitching=1.0, augmentation=augmentation
    )
    for frames in (1, 2, 33, 150, 151, 700):
        assert len(dataset[2, frames].sequence) == frames
    alone = PoseSequenceDataset(read_clips(csvs), max_frames=700, training=True, augmentation=augmentation)
    assert len(alone[2].sequence) == 40 if augmentation is None else 28 <= len(alone[2].sequence) <= 58


def test_drawn_windows_depend_on_torchs_seed_only(csvs):
    def drawn():
        torch.manual_seed(3)
        dataset = PoseSequenceDataset(
            read_clips(csvs), max_frames=64, training=True, stitching=0.5, augmentation=Augmentation()
        )
        return [dataset[i % 3, 50].sequence.keypoints for i in range(6)]

    for a, b in zip(drawn(), drawn(), strict=True):
        np.testing.assert_array_equal(a, b)
    torch.manual_seed(4)
    dataset = PoseSequenceDataset(read_clips(csvs), max_frames=64, training=True)
    assert not np.array_equal(dataset[0].sequence.keypoints, dataset[0].sequence.keypoints)


def test_train_and_validation_share_no_frame(body, tmp_path):
    write(body(50), tmp_path / "one.csv")
    train, validation = split_clips([tmp_path], 0.2)
    whole = PoseDataProcessor()(read(tmp_path / "one.csv")).keypoints
    held = PoseSequenceDataset(validation)[0].sequence.keypoints
    np.testing.assert_array_equal(held, whole[40:])
    taught = PoseSequenceDataset(train, training=True)
    assert taught.lengths == [40]
    for _ in range(20):
        np.testing.assert_array_equal(taught[0].sequence.keypoints, whole[:40])


class Numbers(PoseSequenceDataset):
    """Clips whose files say in words how they look."""

    def load_sample(self, clip):
        return fake_sequence(frames=30, shape=int(clip.path.read_text()))


def test_subclasses_load_other_files(tmp_path):
    (tmp_path / "a.txt").write_text("7")
    (tmp_path / "index.csv").write_text("path,text,signed_language,split\na.txt,A,ase,train\n")
    (window,) = [*map(Numbers(read_clips(tmp_path)).__getitem__, range(1))]
    expected = PoseDataProcessor()(fake_sequence(frames=30, shape=7))
    np.testing.assert_array_equal(window.sequence.keypoints, expected.keypoints)


def test_clips_share_the_largest_skeleton_and_other_kinds_are_refused(body, tmp_path):
    write(body(20).select([0, 1, 2, 3, 4, 5, 6]), tmp_path / "a.csv")
    write(body(20), tmp_path / "b.csv")
    dataset = PoseSequenceDataset(read_clips(tmp_path))
    assert dataset[0].sequence.skeleton.num_keypoints == 8
    assert not dataset[0].sequence.confidence[:, 7].any()
    write(fake_sequence(), tmp_path / "c.pose")
    with pytest.raises(UserError, match=r"a\.csv: has 7 keypoints .*c\.pose has 50 keypoints"):
        PoseSequenceDataset(read_clips(tmp_path))[0]


def test_labels_and_stitching_within_a_label(tmp_path):
    clips = read_clips(fake_manifest(tmp_path, letters="BA"))
    dataset = PoseSequenceDataset(clips, condition="text")
    assert dataset.labels == ("A", "B")
    assert [dataset[i].label for i in range(4)] == [1, 0, 1, 0]
    again = PoseSequenceDataset(clips, condition="signed_language", training=True, stitching=1.0, max_frames=200)
    assert again.labels == ("ase", "gsg")
    assert again._clips_of_label == {"ase": [0, 1], "gsg": [2, 3]}  # only these are put together
    assert again[3].label == 1
    with pytest.raises(UserError, match=r"ase-B\.pose: no clip to train on has its text, 'B'"):
        PoseSequenceDataset(clips, condition="text", labels=["A"])


def test_gaps_in_csvs_are_missing_keypoints(body, tmp_path):
    sequence = body(12)
    write(sequence, tmp_path / "whole.csv")
    rows = [*csv.reader((tmp_path / "whole.csv").open())]
    gaps = [row for row in rows if row[0] not in {"4", "5"} and row[:2] != ["7", "LEFT_WRIST"]]
    for row in gaps:
        if row[:2] == ["8", "RIGHT_WRIST"]:
            row[2] = ""
    with (tmp_path / "gaps.csv").open("w", newline="") as file:
        csv.writer(file).writerows(gaps)
    clips = {clip.path.name: clip for clip in read_clips(tmp_path)}
    made = PoseSequenceDataset([clips["gaps.csv"]])[0].sequence
    assert len(made) == 12
    hidden = np.zeros(made.confidence.shape, bool)
    hidden[4:6] = hidden[7, 4] = hidden[8, 5] = True
    np.testing.assert_array_equal(made.confidence == 0, hidden)
    assert not made.keypoints[hidden].any()
    confidence = np.where(hidden, np.float32(0), sequence.confidence)
    expected = PoseDataProcessor()(replace(sequence, confidence=confidence))
    np.testing.assert_allclose(made.keypoints, expected.keypoints, atol=1e-6)


HEAD = "frame#,landmark_name,x,y\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"lacks the column\(s\) frame#, landmark_name, x, y"),
        ("frame#,landmark_name,x\n0,NOSE,1\n", r"lacks the column\(s\) y"),
        (HEAD, "has no rows"),
        (HEAD + "0,NOSE,1,2\n1,NOSE,left,2\n", "line 3: x: could not convert string to float: 'left'"),
        (HEAD + "one,NOSE,1,2\n", "line 2: frame#: could not convert"),
        (HEAD + "3,NOSE,1,2\n2,NOSE,1,2\n", "line 3: frame 2 stands after frame 3"),
        (
            HEAD + "0,NOSE,1,2\n0,LEFT_SHOLDER,1,2\n",
            "line 3: unknown landmark 'LEFT_SHOLDER'; did you mean",
        ),
        (HEAD + "0,NOSE,1,2\n0,NOSE," + "9" * 100_000, "line 3: longer than 65,536 characters"),
        (HEAD + "0,NOSE,1,2\n", "no shoulders"),
    ],
)
def test_bad_csvs_are_refused_by_file_line_and_reason(tmp_path, content, message):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(UserError, match=rf"^{tmp_path}/bad\.csv(:|,) .*{message}"):
        PoseSequenceDataset(read_clips(tmp_path))[0]


def test_mean_pose_is_over_visible_keypoints(body, tmp_path):
    first, second = body(10), body(30, 1)
    hidden = second.confidence.copy()
    hidden[:, 3] = 0
    for name, sequence in (("a.csv", first), ("b.csv", replace(second, confidence=hidden))):
        write(sequence, tmp_path / name)
    dataset = PoseSequenceDataset(read_clips(tmp_path))
    a, b = (dataset[i].sequence for i in range(2))
    mean, share = dataset.mean_pose()
    assert share.tolist() == [1, 1, 1, 0.25, 1, 1, 1, 1]
    np.testing.assert_allclose(mean[3], a.keypoints[:, 3].mean(axis=0), atol=1e-5)
    both = np.concatenate([a.keypoints, b.keypoints])
    np.testing.assert_allclose(mean[0], both[:, 0].mean(axis=0), atol=1e-5)
