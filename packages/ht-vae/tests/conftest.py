"""Poses made by code, and a model as small as can be."""

import pytest
import torch

from ht_vae.config import ModelConfig
from ht_vae.model import HierarchicalTransformerVAE
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import normalize

torch.set_num_threads(1)  # networks this small only wait for a second one

CHUNK = 16


@pytest.fixture(scope="session")
def skeleton():
    """8 body and twice 21 hand points, x and y."""
    return fake_skeleton().with_dims(2)


@pytest.fixture(scope="session")
def configure(skeleton):
    """Makes the configuration of a tiny model."""

    def make(**changes):
        sizes = {"width": 16, "num_heads": 2, "local_layers": 1, "global_layers": 1, "feed_forward": 32}
        sizes |= {"chunk_size": CHUNK, "overlap": 4, "latent_dim": 6, "chunk_latent_dim": 5, "dropout": 0.0}
        return ModelConfig(skeleton=skeleton.to_dict(), **sizes | changes)

    return make


@pytest.fixture(scope="session")
def build(configure):
    """Makes a tiny model, always with the same weights."""

    def make(**changes):
        torch.manual_seed(0)
        return HierarchicalTransformerVAE(configure(**changes)).eval()

    return make


@pytest.fixture(scope="session")
def poses():
    """Makes clips as keypoints (B, T, K, 2) in shoulder widths, confidence (B, T, K) and mask (B, T); no left hand."""

    def make(*lengths, frames=None):
        frames = frames or max(lengths)
        B, K = len(lengths), 50
        keypoints, confidence = torch.zeros(B, frames, K, 2), torch.zeros(B, frames, K)
        for i, length in enumerate(lengths):
            sequence = normalize(fake_sequence(frames=length, shape=i))[0]
            keypoints[i, :length] = torch.from_numpy(sequence.keypoints[..., :2])
            confidence[i, :length] = torch.from_numpy(sequence.confidence)
        return keypoints, confidence, torch.arange(frames) < torch.tensor(lengths)[:, None]

    return make
