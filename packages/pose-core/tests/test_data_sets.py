"""Data sets as folders, decoded once, and batches within a budget of frames."""

import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError, read, write
from pose_core.data import FrameBudgetSampler, PoseDataset, collate, read_clips, read_tree, select_split
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.transforms import normalize


@pytest.fixture
def tree(tmp_path):
    for split, suffix, shapes in (("train", ".pose", "AB"), ("val", ".npz", "C"), ("test", ".csv", "D")):
        (tmp_path / split / "deeper").mkdir(parents=True)
        for shape in shapes:
            write(fake_sequence(shape=ord(shape)), tmp_path / split / "deeper" / f"{shape}{suffix}")
    (tmp_path / "train" / "notes.txt").write_text("not a pose")
    (tmp_path / "train" / ".hidden.pose").write_bytes(b"")
    return tmp_path


def test_a_tree_of_any_format(tree):
    clips = read_clips(tree)
    assert [(clip.path.name, clip.split) for clip in clips] == [
        ("A.pose", "train"),
        ("B.pose", "train"),
        ("C.npz", "validation"),
        ("D.csv", "test"),
    ]
    for name in ("validation", "val", "dev"):
        assert [clip.path.name for clip in select_split(clips, name)] == ["C.npz"]
    assert select_split(clips, "all") == clips
    with pytest.raises(UserError, match="no clips of split 'dev2'; it has test, train, validation"):
        select_split(clips, "dev2")
    assert {clip.split for clip in read_tree(tree / "val")} == {"train"}  # a folder without splits


def test_a_manifest_or_the_folder_that_has_one(tmp_path):
    index = fake_manifest(tmp_path)
    assert read_clips(index) == read_clips(tmp_path)
    assert len(read_clips(index)) == 8


def test_folders_without_pose_files_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"no pose files; a data set is a manifest CSV, or train/"):
        read_clips(tmp_path)
    with pytest.raises(UserError, match="no such manifest"):
        read_clips(tmp_path / "none.csv")


def test_clips_are_decoded_once(tree):
    loads = []

    class Counting(PoseDataset):
        def load_sample(self, clip):
            loads.append(clip.path.name)
            return super().load_sample(clip)

    clips = read_clips(tree)[:3]
    dataset = Counting(clips, transform=lambda sequence: normalize(sequence)[0])
    assert dataset.lengths == [20, 20, 20]
    for index in (0, 2, 0):
        np.testing.assert_array_equal(dataset[index].keypoints, normalize(read(clips[index].path))[0].keypoints)
    assert sorted(loads) == ["A.pose", "B.pose", "C.npz"]
    loads.clear()
    small = Counting(clips, cache_bytes=20 * 50 * 4 * 4)  # room for one clip
    assert [len(small[i]) for i in (0, 1, 0, 1)] == [20] * 4
    assert loads == ["A.pose", "B.pose", "B.pose"]


def test_clips_that_cannot_be_used(tree):
    (tree / "train" / "deeper" / "A.pose").write_bytes(b"damaged")
    clips = read_clips(tree)
    with pytest.raises(UserError, match=r"A\.pose: not a \.pose file"):
        PoseDataset(clips)[0]
    with pytest.raises(UserError, match=r"A\.pose"):
        _ = PoseDataset(clips).lengths
    dataset = PoseDataset(clips, on_error="skip")
    with pytest.warns(UserWarning, match=r"skipped: .*A\.pose"):
        assert dataset.lengths == [20, 20, 20]
    assert len(dataset) == 3
    assert "A.pose" in dataset.skipped[0]
    shutil.rmtree(tree / "val")
    with pytest.warns(UserWarning, match="skipped"), pytest.raises(UserError, match="none of 1 clips"):
        _ = PoseDataset(clips[:1], on_error="skip").lengths


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=200),
    budget=st.integers(1, 2000),
    seed=st.integers(0, 99),
)
def test_batches_keep_to_the_budget(lengths, budget, seed):
    sampler = FrameBudgetSampler(lengths, budget)
    torch.manual_seed(seed)
    epochs = [list(sampler) for _ in range(2)]
    for batches in epochs:
        assert len(batches) == len(sampler)
        assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
    torch.manual_seed(seed)
    assert list(sampler) == epochs[0]


def test_frame_budget_batches_pad_little_and_are_shuffled():
    lengths = torch.randint(6, 90, (500,), generator=torch.Generator().manual_seed(0)).tolist()
    sampler = FrameBudgetSampler(lengths, 1024)
    first, second = list(sampler), list(sampler)
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in first)
    assert sum(lengths) / padded > 0.9
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}
    with pytest.raises(UserError, match="at least 1"):
        FrameBudgetSampler(lengths, 0)


def test_a_batch_of_different_skeletons_is_refused(openpose):
    with pytest.raises(UserError, match="on_skeleton"):
        collate([fake_sequence(), openpose])
    with pytest.raises(UserError, match="no sequences"):
        collate([])


def test_real_clips_pad_less_than_a_tenth(data_dir):
    lengths = PoseDataset(select_split(read_clips(data_dir / "fingerspelling"), "train")).lengths
    for budget in (512, 1024, 2048):
        padded = [len(batch) * max(lengths[i] for i in batch) for batch in FrameBudgetSampler(lengths, budget)]
        assert sum(lengths) / sum(padded) > 0.9
