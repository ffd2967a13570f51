import sys
from dataclasses import replace
from subprocess import run

import numpy as np
import pytest
import torch
from torchmetrics import MetricCollection

from pose_core import UserError, concatenate
from pose_core.data import collate
from pose_core.metrics import (
    acceleration,
    acceleration_ratio,
    dtw_mje,
    frechet_distance,
    mae,
    mse,
    ndtw_mje,
    pck,
    rmse,
    stateful,
)
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize


def clip(number, frames, noise=0.1):
    """A clip with points missing at random, garbage in their places."""
    random = np.random.default_rng(number)
    fake = normalize(fake_sequence(frames=frames, shape=number))[0]
    keypoints = fake.keypoints + random.normal(scale=noise, size=fake.keypoints.shape).astype(np.float32)
    lost = random.random(fake.confidence.shape) < 0.2
    keypoints[lost] = np.nan
    return replace(fake, keypoints=keypoints, confidence=np.where(lost, 0, fake.confidence))


FRAMES = (9, 14, 6, 11)
HYPOTHESES = [clip(i, frames) for i, frames in enumerate(FRAMES)]
REFERENCES = [clip(10 + i, frames) for i, frames in enumerate(FRAMES)]


def pooled(metric):
    return metric(concatenate(HYPOTHESES), concatenate(REFERENCES))


def mean_over_clips(metric):
    return np.mean([metric(x, y) for x, y in zip(HYPOTHESES, REFERENCES, strict=True)])


def extractor(batch):
    """(B, 3) mean place of the real points of a clip."""
    there = (batch.confidence > 0)[..., None]
    return torch.where(there, batch.keypoints, 0.0).sum((1, 2)) / there.sum((1, 2))


def numpy_features(sequences):
    return [np.nanmean(s.keypoints[s.confidence > 0], axis=0) for s in sequences]


def accelerations(sequences):
    """Mean over all clips of every steady point: each clip's mean by how many it is of."""
    seen = [s.confidence > 0 for s in sequences]
    counts = [(s[2:] & s[1:-1] & s[:-2]).sum() for s in seen]
    return np.average([acceleration(s) for s in sequences], weights=counts)


METRICS = {
    "mse": (stateful.MeanSquaredPoseError, lambda: pooled(mse)),
    "mae": (stateful.MeanAbsolutePoseError, lambda: pooled(mae)),
    "rmse": (stateful.RootMeanSquaredPoseError, lambda: pooled(rmse)),
    "pck": (stateful.PercentageOfCorrectKeypoints, lambda: {f"pck@{t}": v for t, v in pooled(pck).items()}),
    "dtw": (stateful.DTWMeanJointError, lambda: mean_over_clips(dtw_mje)),
    "ndtw": (stateful.NormalizedDTWMeanJointError, lambda: mean_over_clips(ndtw_mje)),
    "acceleration": (stateful.AccelerationRatio, lambda: accelerations(HYPOTHESES) / accelerations(REFERENCES)),
    "frechet": (
        lambda: stateful.FrechetPoseDistance(extractor),
        lambda: frechet_distance(numpy_features(HYPOTHESES), numpy_features(REFERENCES)),
    ),
}


def computed(metric):
    value = metric.compute()
    return {k: v.item() for k, v in value.items()} if isinstance(value, dict) else value.item()


@pytest.mark.parametrize(("metric", "expected"), METRICS.values(), ids=METRICS)
def test_metrics_do_not_depend_on_batching(metric, expected):
    expected = pytest.approx(expected(), rel=1e-4)
    metric = metric()
    metric.update(collate(HYPOTHESES), collate(REFERENCES))
    assert computed(metric) == expected
    metric.reset()
    for part in (slice(0, 1), slice(1, 4)):
        metric.update(collate(HYPOTHESES[part]), collate(REFERENCES[part]))
    assert computed(metric) == expected


@pytest.mark.parametrize(("metric", "expected"), METRICS.values(), ids=METRICS)
def test_padding_never_counts(metric, expected):
    hypothesis, reference = collate(HYPOTHESES), collate(REFERENCES)
    for batch, garbage in ((hypothesis, 7.0), (reference, -3.0)):
        batch.keypoints[~batch.mask] = garbage
        if metric is not METRICS["frechet"][0]:  # what an extractor looks at is its own affair
            batch.confidence[~batch.mask] = 1.0
    metric = metric()
    metric.update(hypothesis, reference)
    assert computed(metric) == pytest.approx(expected(), rel=1e-4)


@pytest.mark.parametrize(("metric", "expected"), METRICS.values(), ids=METRICS)
def test_metrics_are_reduced_over_processes(metric, expected):
    first, second = metric(), metric()
    first.update(collate(HYPOTHESES[:1]), collate(REFERENCES[:1]))
    second.update(collate(HYPOTHESES[1:]), collate(REFERENCES[1:]))
    first.merge_state(second)
    assert computed(first) == pytest.approx(expected(), rel=1e-4)


def test_step_values_and_names_for_loggers():
    metrics = MetricCollection([stateful.MeanAbsolutePoseError(), stateful.PercentageOfCorrectKeypoints()], prefix="v/")
    batch = collate(HYPOTHESES)
    moved = replace(batch, keypoints=(batch.keypoints + 0.25).requires_grad_())
    assert metrics(batch, batch)["v/MeanAbsolutePoseError"] == 0
    step = metrics(moved, batch)
    assert step["v/MeanAbsolutePoseError"].item() == pytest.approx(0.25, rel=1e-5)
    assert step["v/pck@0.5"] == 1
    assert metrics.compute()["v/MeanAbsolutePoseError"].item() == pytest.approx(0.125, rel=1e-5)


def test_unscorable_clips_are_left_out():
    nobody = replace(HYPOTHESES[0], confidence=np.zeros_like(HYPOTHESES[0].confidence))
    metric = stateful.DTWMeanJointError()
    metric.update(collate([nobody, HYPOTHESES[1]]), collate(REFERENCES[:2]))
    assert metric.compute().item() == pytest.approx(dtw_mje(HYPOTHESES[1], REFERENCES[1]))
    for one in (stateful.DTWMeanJointError(), stateful.MeanSquaredPoseError(), stateful.AccelerationRatio()):
        one.update(collate([nobody]), collate(REFERENCES[:1]))
        assert one.compute().isnan()
    metric = stateful.AccelerationRatio()
    metric.update(collate([nobody, HYPOTHESES[1]]), collate(REFERENCES[:2]))
    assert metric.compute().item() == pytest.approx(acceleration_ratio(HYPOTHESES[1], REFERENCES[1]), rel=1e-4)


def test_incomparable_inputs_are_refused():
    batch = collate(HYPOTHESES)
    with pytest.raises(UserError, match="stretch"):
        stateful.MeanSquaredPoseError().update(batch, collate(HYPOTHESES[::-1]))
    with pytest.raises(UserError, match="4 clips are compared with 2"):
        stateful.DTWMeanJointError().update(batch, collate(REFERENCES[:2]))
    with pytest.raises(UserError, match="on_skeleton"):
        stateful.AccelerationRatio().update(batch, batch.select([0, 1, 2]))
    with pytest.raises(UserError, match="update"), pytest.warns(UserWarning, match="before"):
        stateful.FrechetPoseDistance(extractor).compute()


def test_the_plain_functions_import_no_torch():
    code = "import sys, pose_core.metrics; sys.exit(bool({'torch', 'torchmetrics'} & set(sys.modules)))"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
