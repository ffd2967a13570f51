from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from ht_vae.codec import encode, read_condition, reconstruct
from ht_vae.sampling import generate, interpolate, place_sample
from pose_core import UserError
from pose_core.transforms import normalize


def positions(samples):
    return [sample.dense.keypoints for sample in samples]


def test_samples_depend_on_the_seed_only(build):
    model = build()
    first = positions(generate(model, [40, 7, 33], seed=3))
    assert [len(each) for each in first] == [40, 7, 33]
    for batch_size in (1, 2):
        for a, b in zip(first, positions(generate(model, [40, 7, 33], seed=3, batch_size=batch_size)), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    np.testing.assert_allclose(positions(generate(model, [40], seed=3))[0], first[0], atol=1e-5)
    assert not np.allclose(positions(generate(model, [40], seed=4))[0], first[0])
    assert all(np.isfinite(each).all() for each in first)


def test_temperature_scales_the_spread_of_samples(build):
    model = build()
    torch.manual_seed(1)
    cold = positions(generate(model, [20, 20], temperature=0))
    np.testing.assert_allclose(cold[0], cold[1], atol=1e-6)  # kinds differ once the prior is fitted
    spread = [np.std(positions(generate(model, [20] * 4, temperature=t)), axis=0).mean() for t in (0.2, 1.0)]
    assert spread[0] < spread[1]


def test_samples_depend_on_their_label(build):
    model = build(labels=("A", "B"))
    conditions = {label: read_condition(model, label) for label in "AB"}
    of_label = {label: positions(generate(model, [20, 20], condition=conditions[label])) for label in "AB"}
    assert not np.allclose(of_label["A"][0], of_label["B"][0])
    each = positions(generate(model, [20, 20], condition=torch.cat([conditions["A"], conditions["B"]]), batch_size=1))
    np.testing.assert_allclose(each[0], of_label["A"][0], atol=1e-5)
    np.testing.assert_allclose(each[1], of_label["B"][1], atol=1e-5)


def test_samples_are_placed_on_the_hips_or_in_a_picture(body):
    sequence, _ = normalize(body(30))
    on_hips = place_sample(sequence, in_picture=False)
    hips = on_hips.keypoints[:, on_hips.skeleton.hips()]
    np.testing.assert_allclose(hips.mean(axis=(0, 1)), 0, atol=1e-5)
    left, right = on_hips.skeleton.shoulders()
    width = np.linalg.norm(on_hips.keypoints[:, left] - on_hips.keypoints[:, right], axis=-1).mean()
    assert width == pytest.approx(1, abs=1e-5)
    in_picture = place_sample(sequence, in_picture=True)
    assert in_picture.size == (512, 512, 0)
    assert ((in_picture.keypoints > 0) & (in_picture.keypoints < 512)).all()


@pytest.mark.parametrize("spherical", [False, True])
def test_the_ends_of_an_interpolation_are_the_reconstructions(build, clip, spherical):
    model = build()
    clips = clip(20), replace(clip(45, seed=1), fps=50.0)
    (start, first), (end, last) = (reconstruct(model, each) for each in clips)
    interpolation = interpolate(model, start, end, 5, spherical=spherical)
    assert [len(step.sequence) for step in interpolation.samples] == [20, 26, 32, 39, 45]
    assert [step.sequence.fps for step in interpolation.samples] == [25, 31.25, 37.5, 43.75, 50]
    for step, placement, output, encoded in (
        (interpolation.samples[0], interpolation.placements[0], first, start),
        (interpolation.samples[-1], interpolation.placements[-1], last, end),
    ):
        np.testing.assert_allclose(step.dense.keypoints, output.dense.keypoints, atol=1e-5)
        np.testing.assert_allclose(
            step.restored(placement).keypoints, output.restored(encoded.placement).keypoints, rtol=1e-4, atol=1e-2
        )


def test_distances_between_samples_are_measured(build, clip):
    model = build()
    a, b = (encode(model, clip(40, seed=seed)) for seed in (0, 1))
    interpolation = interpolate(model, a, b, 6)
    assert interpolation.distances.shape == (5,)
    steps = [step.dense.keypoints for step in interpolation.samples]
    expected = [np.linalg.norm(x - y, axis=-1).mean() for x, y in pairwise(steps)]
    np.testing.assert_allclose(interpolation.distances, expected, rtol=1e-5)
    assert interpolation.mean_step == pytest.approx(np.mean(expected))
    assert 0 < interpolation.mean_step <= interpolation.largest_step
    assert interpolate(model, a, a, 3).largest_step == pytest.approx(0, abs=1e-6)
    with pytest.raises(UserError, match="1 samples"):
        interpolate(model, a, b, 1)


def test_placement_is_the_first_files_if_units_differ(build, clip):
    model = build()
    a = encode(model, clip(20))
    b = encode(model, replace(clip(20), keypoints=clip(20).keypoints / 100, size=(0, 0, 0)))
    assert set(interpolate(model, a, b, 3).placements) == {a.placement}


def test_labels_switch_half_way(build, clip):
    model = build(labels=("A", "B"))
    ends = [reconstruct(model, clip(20), read_condition(model, label)) for label in "AB"]
    interpolation = interpolate(model, ends[0][0], ends[1][0], 2)
    for step, (_, output) in zip(interpolation.samples, ends, strict=True):
        np.testing.assert_allclose(step.dense.keypoints, output.dense.keypoints, atol=1e-5)
