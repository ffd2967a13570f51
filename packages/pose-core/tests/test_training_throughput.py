import csv

import pytest
import torch
from lightning.pytorch import LightningModule

from pose_core.data import Clip, collate
from pose_core.testing import fake_sequence
from pose_core.training import RunFolder, TrainingConfig, batch_loader, configure_optimizer, fit, overfit_subset

CONFIG = TrainingConfig(
    epochs=2, batch_size=2, validate_every=1, warmup_steps=1, ema_decay=0.9, device="cpu", tensorboard=False
)
CLIPS = [fake_sequence(frames=frames) for frames in (5, 7, 9, 11, 6)]


class Scale(LightningModule):
    """Learns one number."""

    def __init__(self, config=CONFIG):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(()))
        self.config = config

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        return (self.factor * batch.keypoints).square().mean()

    def validation_step(self, batch):
        self.log("validation/error", self.factor.detach(), batch_size=len(batch))


def run(output, **settings):
    module = Scale(CONFIG.model_copy(update=settings))
    loaders = [
        batch_loader(CLIPS, [len(clip) for clip in CLIPS], module.config, collate=collate, shuffle=shuffle)
        for shuffle in (True, False)
    ]
    folder = RunFolder(output)
    return folder, fit(module, *loaders, module.config, folder, monitor="validation/error")


def test_frames_a_second_and_waiting_are_logged(tmp_path):
    _, metrics = run(tmp_path)
    assert 0 < metrics["train/waiting_for_data"] < 1
    assert metrics["train/frames_per_second"] > 0
    with (tmp_path / "logs" / "metrics.csv").open() as file:
        logged = [row for row in csv.DictReader(file) if row["train/frames_per_second"]]
    assert len(logged) == CONFIG.epochs


def test_a_dry_run_says_what_a_run_would_cost_and_writes_nothing(tmp_path, capsys):
    folder, found = run(tmp_path / "run", dry_run=True, epochs=1000)
    folder.finish(lambda path: path.mkdir(), "a card")
    assert not list(tmp_path.iterdir())
    assert found["dry_run/parameters"] == 1
    assert found["dry_run/batches_an_epoch"] == 3
    assert found["dry_run/frames_a_batch"] == pytest.approx(sum(map(len, CLIPS)) / 3)
    assert found["dry_run/hours"] == pytest.approx(found["dry_run/seconds_a_batch"] * 3000 / 3600)
    assert found["dry_run/peak_memory_mb"] > 50
    assert "dry run, nothing was written: 1 parameters" in capsys.readouterr().err


def test_where_the_time_went_is_written(tmp_path):
    run(tmp_path, profile=True)
    assert "train_dataloader_next" in (tmp_path / "fit-profile.txt").read_text()


def test_the_clips_to_overfit(tmp_path):
    train, validation = ([Clip(tmp_path / f"{name}{i}.pose", "A", "ase", "train") for i in range(4)] for name in "ab")
    assert overfit_subset(train, validation, CONFIG) == (train, validation)
    few = overfit_subset(train, validation, CONFIG.model_copy(update={"overfit": 3}))
    assert few == (train[:3], train[:3])
