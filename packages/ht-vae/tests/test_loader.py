import numpy as np
import pytest
import torch

from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import PaddedBatches, PoseDataLoader, WindowBatches
from pose_core.data import read_clips


def test_batches_are_padded_and_masked(csvs):
    loader = PoseDataLoader(PoseSequenceDataset(read_clips(csvs)), batch_size=2)
    first, second = loader
    assert first.poses.mask.sum(dim=1).tolist() == [40, 90]  # shortest first
    assert second.poses.mask.sum(dim=1).tolist() == [150]
    assert not first.poses.keypoints[0, 40:].any()
    assert first.condition is None
    assert torch.equal(first.to("cpu").poses.mask, first.poses.mask)


def test_batches_respect_size_and_frame_limits():
    batches = [*PaddedBatches([5, 40, 1, 40, 7, 300], batch_size=3, batch_frames=90)]
    assert batches == [[2, 0, 4], [1, 3], [5]]
    lengths = [10, 1000]
    drawn = WindowBatches(lengths, (4, 64), batch_size=8, batch_frames=128, steps=400)
    torch.manual_seed(0)
    batches = [*drawn]
    assert len(batches) == len(drawn) == 400
    sizes = {(len(batch), {frames for _, frames in batch}.pop()) for batch in batches}
    assert all(size * frames <= 128 and size <= 8 for size, frames in sizes)
    assert {frames for _, frames in sizes} >= {4, 5, 6, 64}
    assert np.median([batch[0][1] for batch in batches]) == pytest.approx(16, rel=0.2)
    clips = [i for batch in batches for i, _ in batch]
    assert 0.95 < np.mean(clips) < 1  # by their frames
    assert len(WindowBatches(lengths, (4, 64), 8, 128, None)) == 8
    assert len(next(iter(WindowBatches([5], (300, 300), 8, 128, None)))) == 1
