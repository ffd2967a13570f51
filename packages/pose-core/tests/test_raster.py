"""Pictures for models: as FastAndUglyPoseVisualizer draws them, for batches as for sequences, and differentiable."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions
from pose_format.pose_visualizer import FastAndUglyPoseVisualizer

from pose_core import UserError, read
from pose_core.data import collate
from pose_core.rendering import rasterize, rasterize_differentiable
from pose_core.rendering.raster import fitted
from pose_core.testing import fake_sequence
from pose_core.transforms import clean


@pytest.fixture(scope="module")
def clip():
    return fake_sequence(frames=16, hands=("left", "right"), face_points=12)


def fast_and_ugly(pixels, seen, limbs, size):
    """(T, size, size) what pose_format draws of points (T, P, 2) in pixels."""
    points = [str(i) for i in range(pixels.shape[1])]
    component = PoseHeaderComponent("PART", points, limbs.tolist(), [(0, 0, 0)], "XYC")
    header = PoseHeader(0.2, PoseHeaderDimensions(size, size, 0), [component])
    whole = np.where(seen[..., None], np.rint(pixels), 0).astype(int)
    body = NumPyPoseBody(25.0, whole[:, None], np.ones((*seen.shape[:1], 1, seen.shape[1])))  # (0, 0) is left out
    return np.stack(list(FastAndUglyPoseVisualizer(Pose(header, body)).draw()))


def difference(sequence, **settings):
    """Mean absolute difference to FastAndUglyPoseVisualizer in shares of full scale, a component."""
    ours = rasterize(sequence, **settings)
    theirs = [
        fast_and_ugly(*part, ours.shape[-1])
        for part in fitted(sequence, sequence.skeleton.parts(), size=ours.shape[-1])
    ]
    return np.abs(ours - np.stack(theirs, axis=1).astype(float)).mean(axis=(0, 2, 3)) / 255


def test_rasterize_equals_fast_and_ugly(clip):
    assert rasterize(clip).shape == (16, 4, 64, 64)
    assert (difference(clip) < 0.01).all()
    assert (difference(clip, size=32) < 0.02).all()
    assert rasterize(clip).mean() > 5


def test_rasterize_equals_fast_and_ugly_on_real_clips(data_dir):
    for name in ("mediapipe.pose", "openpose_137.pose", "holistic_full_2.pose"):
        sequence = clean(read(data_dir / "formats" / name, end=40))
        assert (difference(sequence) < 0.02).all()


def test_missing_points_and_hands(clip):
    confidence = clip.confidence.copy()
    confidence[:, clip.skeleton.hand("left")] = 0
    confidence[3, clip.skeleton.hand("right")[8]] = 0
    keypoints = np.where(confidence[..., None] > 0, clip.keypoints, np.nan)
    pictures = rasterize(replace(clip, keypoints=keypoints, confidence=confidence))
    assert not pictures[:, 2].any()
    assert 0 < pictures[3, 3].sum() < pictures[4, 3].sum()


def test_every_fit_stays_in_the_picture(clip):
    for fit in ("clip", "frame"):
        for pixels, there, _ in fitted(clip, clip.skeleton.parts(), size=48, fit=fit):
            assert pixels[there].min() >= 2 - 1e-3
            assert pixels[there].max() <= 45 + 1e-3
    hands = ["right_hand"]
    large, small = (rasterize(clip, hands, fit=fit).astype(int).sum() for fit in ("frame", "clip"))
    assert large > 1.5 * small  # a hand alone is larger than where it has been
    assert rasterize(clip[:1].select([0]), ["body"]).sum() == 0  # one point is no line


def test_a_batch_is_its_sequences(clip):
    batch = collate([clip, clip[4:9]])
    pictures = rasterize(batch, ["face", "right_hand"], subpixel=True)
    assert pictures.shape == (2, 16, 2, 64, 64)
    assert pictures.dtype == torch.uint8
    for row, sequence in enumerate((clip, clip[4:9])):
        alone = rasterize(sequence, ["face", "right_hand"], subpixel=True)
        np.testing.assert_array_equal(pictures[row, : len(sequence)], alone)
    assert not pictures[1, 5:].any()


def test_rasterize_differentiable_equals_rasterize(clip):
    batch = collate([clip])
    soft = rasterize_differentiable(batch)
    assert soft.shape == (1, 16, 4, 64, 64)
    hard = rasterize(batch, subpixel=True) / 255
    assert (soft - hard).abs().mean() < 0.01
    assert abs(float(soft.mean() / hard.mean()) - 1) < 0.1


def test_gradient_descent_fits_a_hand_to_a_picture(clip):
    batch = collate([clip[8:9]])
    target = rasterize_differentiable(batch, ["right_hand"]).detach()
    moved = batch.keypoints + 3.0 * torch.randn(batch.keypoints.shape, generator=torch.Generator().manual_seed(0))
    points = moved.clone().requires_grad_()
    optimizer = torch.optim.Adam([points], lr=0.3)
    losses = []
    for _ in range(30):
        loss = (rasterize_differentiable(replace(batch, keypoints=points), ["right_hand"]) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        assert torch.isfinite(points.grad).all()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_what_is_refused(clip, tiny):
    with pytest.raises(UserError, match="no component 'tail'"):
        rasterize(clip, ["tail"])
    with pytest.raises(UserError, match="the skeleton has no face"):
        rasterize(fake_sequence(), ["face"])
    with pytest.raises(UserError, match="at least 8"):
        rasterize(clip, size=4)
    with pytest.raises(UserError, match="no frames"):
        rasterize(clip[:0])
    assert rasterize(tiny).shape == (2, 1, 64, 64)
