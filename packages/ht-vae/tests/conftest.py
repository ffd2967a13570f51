"""Poses made by code, and a model as small as can be."""

import contextlib
import io
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ht_vae.cli import main
from ht_vae.config import ModelConfig, RunConfig
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.training import train
from pose_core import write
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


@pytest.fixture(scope="session")
def clip():
    """Makes a clip of which no two frames are alike: (T, 50, 3) in pixels, the right hand seen unless told."""

    def make(frames=20, seed=0, **options):
        fake = fake_sequence(frames=frames, shape=seed, **options)
        noise = np.random.default_rng(seed).normal(scale=3.0, size=fake.keypoints.shape)
        keypoints = fake.keypoints + noise * (fake.confidence > 0)[..., None]
        return replace(fake, keypoints=keypoints.astype(np.float32))

    return make


@pytest.fixture(scope="session")
def body():
    """Makes a sequence of the body's 8 points alone, as landmark CSVs have them: (T, 8, 2), its hips at 0."""

    def make(frames=60, seed=0):
        fake = fake_sequence(frames=frames, shape=seed).select(list(range(8)))
        fake = fake.on_skeleton(fake.skeleton.with_dims(2))
        keypoints = (fake.keypoints - np.array([250, 380], np.float32)) / 120
        keypoints += np.random.default_rng(seed).normal(scale=0.01, size=keypoints.shape).astype(np.float32)
        return replace(fake, keypoints=keypoints, size=(0, 0, 0))

    return make


@pytest.fixture(scope="session")
def csvs(body, tmp_path_factory):
    """A folder of three landmark CSVs of 150, 90 and 40 frames, and no validation split."""
    folder = tmp_path_factory.mktemp("csvs")
    for seed, frames in enumerate((150, 90, 40)):
        write(body(frames, seed), folder / f"sequence_{seed}.csv")
    return folder


@pytest.fixture(scope="session")
def quick():
    """The smallest run that trains everything there is."""
    return RunConfig(
        precision="32-true",  # on whatever CPU
        width=16,
        num_heads=2,
        local_layers=1,
        global_layers=1,
        feed_forward=32,
        chunk_size=CHUNK,
        overlap=4,
        latent_dim=6,
        chunk_latent_dim=5,
        min_frames=16,
        max_frames=64,
        batch_size=4,
        batch_frames=128,
        steps_per_epoch=2,
        fitting_frames=500,
        epochs=1,
        warmup_steps=1,
        validate_every=1,
        device="cpu",
        tensorboard=False,
    )


@pytest.fixture(scope="session")
def trained(csvs, quick, tmp_path_factory):
    """A trained run: its model, its metrics, its folder, and what it said."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with contextlib.redirect_stderr(io.StringIO()) as said:
        model, metrics = train([csvs], folder, quick)
    return model, metrics, folder, said.getvalue().splitlines()


@pytest.fixture
def cli(monkeypatch, capsys):
    """Runs `ht-vae` here: arguments to (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["ht-vae", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call
