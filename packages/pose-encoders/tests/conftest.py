"""Poses made by code; nothing here needs a file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_core.data import collate
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize
from pose_encoders import AdditionalSequence
from pose_encoders.config import GraphEncoderConfig, TransformerEncoderConfig, VisualEncoderConfig

SMALL = {"hidden_dim": 16, "num_layers": 1, "num_heads": 2, "dropout": 0.0}
ENCODER_CONFIGS = {
    "transformer": TransformerEncoderConfig(**SMALL),
    "graph": GraphEncoderConfig(**SMALL, node_dim=16, graph_layers=2),
    "visual": VisualEncoderConfig(**SMALL, size=16, channels=(4, 8), picture_dim=16),
    "visual_convolution": VisualEncoderConfig(
        **SMALL, size=16, channels=(4, 8), picture_dim=16, shared_weights=False, combine="convolution"
    ),
}


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)  # more than one only wait for each other in networks this small


@pytest.fixture(params=ENCODER_CONFIGS)
def config(request):
    """A small encoder's configuration, of every kind in turn."""
    return ENCODER_CONFIGS[request.param]


@pytest.fixture(scope="session")
def sequences():
    """Four clips of different length and hand shape, noisy, one of them without a left hand, normalized."""
    clips = []
    for number, frames in enumerate((9, 14, 6, 11)):
        hands = ("right",) if number == 2 else ("left", "right")
        clip = fake_sequence(frames=frames, shape=number, hands=hands)
        noise = np.random.default_rng(number).normal(scale=2, size=clip.keypoints.shape).astype(np.float32)
        clips.append(normalize(replace(clip, keypoints=clip.keypoints + noise))[0])
    return clips


@pytest.fixture
def batch(sequences):
    """The four clips, padded to the longest."""
    return collate(sequences)


@pytest.fixture
def text():
    """What frames may attend to, for a batch of that many."""
    return lambda B: AdditionalSequence(torch.randn(B, 3, 16), torch.ones(B, 3, dtype=torch.bool))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real poses beside the repository, or where the environment variable POSE_DATA says."""
    folder = Path(os.environ.get("POSE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real poses in {folder}; set POSE_DATA to their folder")
    return folder
