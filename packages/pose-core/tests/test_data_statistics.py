"""`pose-core stats`: each place of the body once, hands from their wrists as well."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from pose_core import PoseSequence, write
from pose_core.commands.preprocessing import data_statistics
from pose_core.skeleton import known_skeleton
from pose_core.transforms import Statistics

SKELETON = known_skeleton(576, 3)


@pytest.fixture
def folder(tmp_path):
    """A clip of everybody's points on a slope, the left hand out of the picture in its second half."""
    keypoints = np.random.default_rng(0).uniform(50, 450, (8, 576, 3)).astype(np.float32)
    left, right = SKELETON.shoulders()
    keypoints[:, left], keypoints[:, right] = (300, 250, 0), (200, 250, 0)
    confidence = np.ones((8, 576), np.float32)
    confidence[4:, SKELETON.hand("left")] = 0
    write(PoseSequence(keypoints, confidence, 25.0, SKELETON, (500, 500, 0)), tmp_path / "clip.pose")
    return tmp_path, keypoints


@pytest.mark.filterwarnings("ignore:.*the head lies below")
def test_duplicate_keypoints_count_once(folder):
    data, keypoints = folder
    statistics = data_statistics(data, split="train", normalized=False)
    counts = {name: component.count for name, component in statistics.components.items()}
    body = 33 - 11 - 6  # without the head and the fingers, which face and hands show
    assert counts == {
        "POSE_LANDMARKS": 8 * body,
        "FACE_LANDMARKS": 8 * 128,
        "LEFT_HAND_LANDMARKS": 4 * 21,
        "RIGHT_HAND_LANDMARKS": 8 * 21,
    }
    assert (
        data_statistics(data, split="train", normalized=False, face="full").components["FACE_LANDMARKS"].count
        == 8 * 468
    )
    assert "FACE_LANDMARKS" not in data_statistics(data, split="train", normalized=False, face="none").components
    hand = keypoints[:4, SKELETON.hand("left")]
    left = statistics.hands_from_wrists["LEFT_HAND_LANDMARKS"]
    assert left.count == 4 * 20
    np.testing.assert_allclose(left.mean, (hand[:, 1:] - hand[:, :1]).mean(axis=(0, 1)), rtol=1e-4, atol=1e-2)


@pytest.mark.filterwarnings("ignore:.*the head lies below")
def test_standardize_reads_the_statistics_file(folder):
    data, _ = folder
    statistics = data_statistics(data, split="train", normalized=True)
    statistics.save(data / "statistics.json")
    assert Statistics.load(data / "statistics.json") == Statistics(statistics.components)
    assert set(json.loads((data / "statistics.json").read_text())) == {"components"}
    assert set(asdict(statistics)) == {"components", "hands_from_wrists"}


@pytest.mark.filterwarnings("ignore:.*the head lies below")
def test_data_without_hands(tmp_path):
    body = SKELETON.part("body")
    confidence = np.ones((3, 33), np.float32)
    clip = PoseSequence(np.ones((3, 33, 3), np.float32), confidence, 25.0, SKELETON.select(body), (9, 9, 0))
    write(replace(clip, keypoints=clip.keypoints + np.arange(33)[None, :, None] / 9), tmp_path / "clip.pose")
    statistics = data_statistics(tmp_path, split="train", normalized=False)
    assert statistics.hands_from_wrists == {}
    assert statistics.components["POSE_LANDMARKS"].count == 3 * 33  # no face or hand shows these better
