"""Poses made by code, and two small models: one that was trained on them, one that moves at every touch."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import settings

from pose_core import write
from pose_core.testing import fake_manifest, fake_sequence, fake_skeleton
from pose_tokenizer.cli import main
from pose_tokenizer.config import RunConfig
from pose_tokenizer.data.dataset import collate, prepare
from pose_tokenizer.initialization import fit_codebooks, fit_linear, mean_pose, residual_vq
from pose_tokenizer.model import PoseTokenizer, load_model
from pose_tokenizer.training import train

settings.register_profile("steady", deadline=None)  # the first call imports
settings.load_profile("steady")
torch.set_num_threads(1)  # networks this small only wait for a second one


@pytest.fixture(scope="session")
def skeleton():
    """8 body and twice 21 hand points, x and y."""
    return fake_skeleton().with_dims(2)


@pytest.fixture(scope="session")
def clip():
    """Makes a clip of which no two frames are alike: (T, 50, 3) in pixels, the right hand seen unless told."""

    def make(frames=20, seed=0, scale=3.0, **options):
        fake = fake_sequence(frames=frames, shape=seed, **options)
        noise = np.random.default_rng(seed).normal(scale=scale, size=fake.keypoints.shape)
        keypoints = fake.keypoints + noise * (fake.confidence > 0)[..., None]
        return replace(fake, keypoints=keypoints.astype(np.float32))

    return make


@pytest.fixture(scope="session")
def hidden():
    """A copy of a clip without the keypoints that `where` (T, K) names, and something meaningless in their place."""

    def hide(sequence, frames=slice(None), keypoints=slice(None), place=123.0):
        where = np.zeros(sequence.confidence.shape, bool)
        rows = np.arange(len(sequence))[frames]
        columns = np.arange(sequence.skeleton.num_keypoints)[keypoints]
        where[np.ix_(rows, columns)] = True
        return replace(
            sequence,
            keypoints=np.where(where[..., None], np.float32(place), sequence.keypoints),
            confidence=np.where(where, np.float32(0), sequence.confidence),
        )

    return hide


@pytest.fixture(scope="session")
def quick():
    """The smallest run that trains everything there is."""
    return RunConfig(
        keypoints="hands_and_body",
        num_quantizers=3,
        codebook_size=16,
        latent_dim=16,
        hidden_dim=8,
        num_layers=1,
        epochs=1,
        batch_size=4,
        fitting_blocks=150,
        warmup_steps=1,
        validate_every=1,
        lmbda=0.2,
        device="cpu",
        tensorboard=False,
    )


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """Seven clips for training and one for validation."""
    return fake_manifest(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def trained(manifest, quick, tmp_path_factory):
    """A trained run: its model, its metrics and its folder."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    model, metrics = train([manifest], folder, quick)
    return model, metrics, folder


@pytest.fixture(scope="session")
def folder(trained):
    return trained[2]


@pytest.fixture(scope="session")
def model(folder):
    return load_model(folder, "cpu")


@pytest.fixture(scope="session")
def lively(quick, skeleton, clip):
    """Fitted and not trained, and no weight is 0: it looks two blocks back and ahead, and all it sees changes it."""
    sizes = {"latent_dim": 8, "hidden_dim": 6, "num_layers": 2, "codebook_size": 12, "lmbda": 16.0, "body_weight": 1.0}
    torch.manual_seed(0)
    model = PoseTokenizer(quick.model_copy(update=sizes).model(skeleton.to_dict())).eval()
    hands = [("right",), ("left", "right"), ()]
    clips = [prepare(clip(48, seed=seed, hands=shown), skeleton) for seed, shown in enumerate(hands)]
    batch = collate([(sequence.keypoints, sequence.confidence > 0) for sequence in clips], model.block_frames)
    model.features.mean.copy_(mean_pose(clips))
    fit_linear(model, lambda: [batch])
    with torch.no_grad():
        for parameter in [*model.encoder.parameters(), *model.decoder.parameters()]:
            parameter.normal_(std=0.2)
        model.pooling.weight.normal_()
        model.depth.weight.normal_()
        latents, _ = model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)
        fit_codebooks(model, residual_vq(model.config), model.quantizer.residuals(latents, latents)[batch.block_mask])
    model.name = "lively"
    return model


@pytest.fixture
def cli(monkeypatch, capsys):
    """Runs `pose-tokenizer` here: arguments and standard input to (exit status, stdout, stderr)."""

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["pose-tokenizer", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call


@pytest.fixture
def poses(clip, tmp_path):
    """A folder of pose files, one of them in a folder of its own."""
    folder = tmp_path / "poses"
    (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.pose", "b.npz", "deep/c.pose")):
        write(clip(18 + seed, seed=seed), folder / name)
    (folder / "notes.md").write_text("no pose")
    return folder


@pytest.fixture
def encoded(cli, poses, folder):
    """The tokens of a.pose, in every format."""
    paths = {}
    for name, suffix in (("tokens", ".tokens"), ("json", ".json"), ("text", ".txt")):
        paths[name] = poses.parent / f"one{suffix}"
        status, _, err = cli(
            "encode", poses / "a.pose", "--format", name, "--output", paths[name], "--checkpoint", folder
        )
        assert status == 0, err
    return paths
