import csv

import numpy as np
import pytest
import torch

from ht_vae.config import ModelConfig, ModelSizes
from ht_vae.data.augmentation import Augmentation
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import PoseDataLoader
from ht_vae.data.loading import read_training_data
from ht_vae.lightning_module import HTVAEModule
from ht_vae.losses import LossManager, VAELoss, total
from ht_vae.model import HierarchicalTransformerVAE, load_model
from ht_vae.training import HTVAETrainer, train
from pose_core import UserError, write
from pose_core.data import read_clips
from pose_core.testing import fake_manifest, fake_sequence


def same_weights(first, second):
    torch.testing.assert_close(first.state_dict(), second.state_dict(), atol=0, rtol=0)


def test_files_of_a_run_folder(trained):
    model, metrics, folder, said = trained
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {
        "config.json",
        "model.safetensors",
        "README.md",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "run.json",
        "logs/hparams.yaml",
        "logs/metrics.csv",
    }
    assert all(np.isfinite(value) for value in metrics.values())
    components = ("loss", "reconstruction", "kl", "velocity", "bone", "presence", "kl_whole", "kl_chunk")
    assert {*metrics} >= {f"{stage}/{name}" for stage in ("train", "validation") for name in components}
    assert {*metrics} >= {"validation/mpjpe", "validation/rmse", "train/kl_weight", "train/active_chunk"}
    loaded = load_model(folder, "cpu")
    assert (loaded.hash, loaded.name) == (model.hash, "tiny")
    assert loaded.skeleton.num_keypoints == 8
    assert loaded.config.fps == 25
    assert "no validation split; held out for it: 1 of 3 files" in said[0]
    assert loaded.config.trained_on.startswith("2 clips, ")
    assert "on 2 clips of csvs" in (folder / "README.md").read_text()
    assert not load_model(folder, "cpu").training


def test_kl_of_every_dimension_is_logged(trained):
    _, metrics, folder, _ = trained
    with (folder / "logs" / "metrics.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    each = {name: value for row in rows for name, value in row.items() if name.startswith("kl_")}
    assert {*each} == {f"kl_whole/{i:03}" for i in range(6)} | {f"kl_chunk/{i:03}" for i in range(5)}
    whole = sum(value for name, value in each.items() if name.startswith("kl_whole"))
    assert whole == pytest.approx(metrics["train/kl_whole"], rel=1e-4)


def test_validation_errors_are_those_of_the_posterior_mean(trained, csvs, quick):
    model, metrics, *_ = trained
    held = [clip for clip in read_clips(csvs) if clip.path.name in trained[3][0]]
    dataset = PoseSequenceDataset(held, max_frames=64)
    distances, squares = [], []
    for batch in PoseDataLoader(dataset, batch_size=1):
        poses = batch.poses
        with torch.no_grad():
            made = model.reconstruct(poses.keypoints, poses.confidence, poses.mask).keypoints
        error = (made - poses.keypoints)[poses.confidence > 0]
        distances.append(error.norm(dim=-1))
        squares.append(error.square())
    assert metrics["validation/mpjpe"] == pytest.approx(torch.cat(distances).mean().item(), rel=1e-4)
    assert metrics["validation/rmse"] == pytest.approx(torch.cat(squares).mean().sqrt().item(), rel=1e-4)


def test_training_overfits_a_few_clips(quick, tmp_path, body):
    for seed in range(2):
        write(body(32, seed), tmp_path / f"{seed}.csv")
    dataset = PoseSequenceDataset(read_clips(tmp_path))
    (batch,) = PoseDataLoader(dataset)
    poses = batch.poses
    torch.manual_seed(0)
    config = quick.model_copy(update={"width": 32, "kl_weight": 1e-4, "dropout": 0.0, "latent_dim": 16})
    model = HierarchicalTransformerVAE(
        ModelConfig(**config.model_dump(include={*ModelSizes.model_fields}), skeleton=dataset.skeleton.to_dict())
    )
    loss = VAELoss(dataset.skeleton, LossManager(config))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    values = []
    for step in range(120):
        components = loss(model(poses.keypoints, poses.confidence, poses.mask), *tensors(poses), step)
        values.append(components["reconstruction"][1].item())
        total(components).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert np.mean(values[-5:]) < 0.02 * values[0]
    model.eval()
    made = model.reconstruct(*tensors(poses)).keypoints
    assert (made - poses.keypoints).norm(dim=-1).mean() < 0.1


def tensors(poses):
    return poses.keypoints, poses.confidence, poses.mask


def test_weights_depend_on_the_seed(trained, csvs, quick, tmp_path):
    model, *_ = trained
    again, _ = train([str(csvs)], str(tmp_path / "again"), quick)
    same_weights(again, model)
    other, _ = train([csvs], tmp_path / "other", quick.model_copy(update={"seed": 1}))
    assert other.hash != model.hash


def test_resumed_runs_end_with_the_weights_of_uninterrupted_ones(csvs, tmp_path, quick, monkeypatch):
    config = quick.model_copy(update={"epochs": 3, "ema_decay": 0.9, "kl_schedule": "cyclical", "kl_steps": 4})
    whole, _ = train([csvs], tmp_path / "whole", config)
    begin = HTVAEModule.on_train_epoch_start

    def interrupt(module):
        if module.current_epoch == 2:
            raise KeyboardInterrupt
        begin(module)

    with monkeypatch.context() as patched:
        patched.setattr(HTVAEModule, "on_train_epoch_start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train([csvs], tmp_path / "cut", config)
        assert not (tmp_path / "cut" / "model.safetensors").exists()
    resumed, _ = train([csvs], tmp_path / "cut", config, resume=True)
    same_weights(resumed, whole)


def test_training_stops_early_without_improvement(csvs, tmp_path, quick):
    config = quick.model_copy(update={"epochs": 30, "patience": 2, "learning_rate": 1e-12})
    train([csvs], tmp_path / "run", config)
    with (tmp_path / "run" / "logs" / "metrics.csv").open() as file:
        epochs = {row["epoch"] for row in csv.DictReader(file)}
    assert 2 <= len(epochs) < 10


def test_a_used_run_folder_is_refused(csvs, quick, trained, tmp_path):
    with pytest.raises(UserError, match="is not empty; --resume"):
        train([csvs], trained[2], quick)
    with pytest.raises(UserError, match="has no run to resume"):
        train([csvs], tmp_path / "new", quick, resume=True)
    assert not (tmp_path / "new").exists()


class Numbers(PoseSequenceDataset):
    """Clips whose files say in words how they look."""

    def load_sample(self, clip):
        return fake_sequence(frames=30, shape=int(clip.path.read_text()), hands=("left", "right"))


class Pull(VAELoss):
    """Pulls everything towards the middle of the shoulders."""

    def forward(self, made, keypoints, confidence, mask, step):
        pull = {"pull": (1000.0, made.poses.keypoints.square().mean())}
        return super().forward(made, keypoints, confidence, mask, step) | pull


def test_custom_datasets_and_losses(tmp_path, quick):
    rows = ["path,text,signed_language,split"]
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(str(number))
        rows.append(f"{number}.txt,A,ase,train")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    config = quick.model_copy(update={"validation_share": 0.0})
    model, metrics = train([tmp_path / "index.csv"], tmp_path / "run", config, dataset=Numbers, loss=Pull)
    assert not [name for name in metrics if name.startswith("validation")]
    assert metrics["train/loss"] > 1000 * metrics["train/pull"] > 0
    assert model.skeleton.num_keypoints == 50


def test_labels_of_a_conditional_model_are_saved(tmp_path, quick):
    manifest = fake_manifest(tmp_path)
    config = quick.model_copy(update={"condition": "signed_language"})
    model, metrics = train([manifest], tmp_path / "run", config)
    assert model.config.labels == ("ase", "gsg")
    assert np.isfinite(metrics["validation/loss"])
    loaded = load_model(tmp_path / "run", "cpu")
    made = [loaded.sample(1, 20, torch.tensor([label]), torch.Generator().manual_seed(0)) for label in (0, 1)]
    assert not torch.equal(made[0].keypoints, made[1].keypoints)


def test_validation_clips_with_unknown_labels_are_dropped(tmp_path, quick):
    manifest = fake_manifest(tmp_path)
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if "ase-D" not in line))
    config = quick.model_copy(update={"condition": "text"})
    with pytest.warns(
        UserWarning, match=r"1 of 1 validation clips are left out: .*gsg-D\.pose.*no clip to train on has"
    ):
        data = read_training_data([tmp_path], config)
    assert data.train.labels == ("A", "B", "C")
    assert data.validation is None


def test_fine_tuning_starts_from_the_models_weights(trained, csvs, quick, tmp_path):
    source, _, folder, _ = trained
    still = quick.model_copy(update={"learning_rate": 1e-12, "ema_decay": 0.0})
    model, _ = train([csvs], tmp_path / "on", still, init_from=folder)
    torch.testing.assert_close(model.state_dict(), source.state_dict())
    for changes, message in (
        ({"latent_dim": 7}, "the model to begin from has latent_dim 6, this run 7; --set latent_dim=6"),
        ({"condition": "text"}, "nothing says its text"),
    ):
        with pytest.raises(UserError, match=message):
            train([csvs], tmp_path / "off", quick.model_copy(update=changes), init_from=folder)
    assert not (tmp_path / "off").exists()
    other, _ = train([fake_manifest(tmp_path)], tmp_path / "body", quick, init_from=folder)
    assert other.skeleton.num_keypoints == 8  # the body's alone


def test_trainer_without_the_train_function(csvs, quick, configure, tmp_path):
    dataset = PoseSequenceDataset(read_clips(csvs), training=True, max_frames=64, augmentation=Augmentation())
    model = HierarchicalTransformerVAE(configure().model_copy(update={"skeleton": dataset.skeleton.to_dict()}))
    before = model.hash
    metrics = HTVAETrainer(quick, tmp_path / "run").fit(model, PoseDataLoader(dataset, batch_size=2, steps=2))
    assert np.isfinite(metrics["train/loss"])
    assert load_model(tmp_path / "run", "cpu").hash == model.hash != before
    with pytest.raises(UserError, match="is not empty"):
        HTVAETrainer(quick, tmp_path / "run")


def test_bf16_training_is_finite(csvs, quick, tmp_path):
    _, metrics = train([csvs], tmp_path / "run", quick.model_copy(update={"precision": "bf16-mixed"}))
    assert all(np.isfinite(value) for value in metrics.values())


def test_training_without_chunk_latents(csvs, quick, tmp_path):
    _, metrics = train([csvs], tmp_path / "run", quick.model_copy(update={"chunk_latent_dim": 0, "free_bits": 0.1}))
    assert "train/kl_chunk" not in metrics
    assert metrics["train/kl_whole"] > 0


def test_validation_loss_uses_the_final_kl_weight(csvs, quick, tmp_path):
    config = quick.model_copy(update={"kl_weight": 2.0, "kl_steps": 10_000})
    _, metrics = train([csvs], tmp_path / "run", config)
    weights = LossManager(config).weights(10_000)
    expected = sum(weight * metrics[f"validation/{name}"] for name, weight in weights.items())
    assert metrics["validation/loss"] == pytest.approx(expected, rel=1e-4)
    assert metrics["train/kl_weight"] < 0.01
