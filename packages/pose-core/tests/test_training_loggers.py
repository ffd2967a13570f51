"""A run's logs: one file each however often it goes on, and something in them after few steps."""

import csv

import torch
from lightning.pytorch import LightningModule
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from torch.utils.data import DataLoader, TensorDataset

from pose_core.training import RunFolder, TrainingConfig, configure_optimizer, fit
from pose_core.training.loggers import ContinuedWriter

CONFIG = TrainingConfig(epochs=2, batch_size=4, validate_every=1, device="cpu", precision="32-true")


class Mean(LightningModule):
    """Learns one number, in `steps` steps an epoch."""

    def __init__(self, config):
        super().__init__()
        self.value = torch.nn.Parameter(torch.zeros(1))
        self.config = config

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        loss = (self.value - batch[0]).square().mean()
        self.log("train/loss", loss)
        return loss


def train(output, config, steps=3, resume_from=None):
    loader = DataLoader(TensorDataset(torch.ones(4 * steps, 1)), batch_size=4)
    fit(Mean(config), loader, None, config, RunFolder(output, resume_from), monitor="none")


def losses(output):
    """(step, value) of `train/loss` in metrics.csv, and in TensorBoard's only file."""
    with (output / "logs" / "metrics.csv").open() as file:
        rows = [(int(row["step"]), float(row["train/loss"])) for row in csv.DictReader(file) if row["train/loss"]]
    (events,) = (output / "tensorboard").glob("events.*")
    shown = [
        (event.step, value.simple_value)
        for event in LegacyEventFileLoader(str(events)).Load()
        for value in event.summary.value
        if value.tag == "train/loss"
    ]
    return rows, shown


def test_runs_of_few_steps_log_their_loss_and_one_that_goes_on_keeps_one_file(tmp_path):
    train(tmp_path, CONFIG)
    rows, shown = losses(tmp_path)
    assert [step for step, _ in rows] == [step for step, _ in shown] == [2, 5]
    last = tmp_path / "checkpoints" / "last.ckpt"
    # What a process that was killed left behind the checkpoint is taken again, and must not stay.
    metrics = tmp_path / "logs" / "metrics.csv"
    header = metrics.read_text().splitlines()[0]
    values = {"step": "7", "train/loss": "99"}
    metrics.write_text(metrics.read_text() + ",".join(values.get(name, "") for name in header.split(",")) + "\n1,2")
    train(tmp_path, CONFIG.model_copy(update={"epochs": 4}), resume_from=last)
    again, shown_again = losses(tmp_path)
    assert again[:2] == rows
    assert shown_again[:2] == shown
    assert [step for step, _ in again] == [step for step, _ in shown_again] == [2, 5, 8, 11]
    assert len(list((tmp_path / "logs").glob("*.csv"))) == 1

    train(tmp_path, CONFIG)  # started again
    assert [step for step, _ in losses(tmp_path)[0]] == [2, 5]


def test_new_columns_of_a_run_that_goes_on(tmp_path):
    first = ContinuedWriter(str(tmp_path))
    first.log_metrics({"b": 1.0}, step=0)
    first.save()
    second = ContinuedWriter(str(tmp_path))
    second.drop_from(1)
    second.log_metrics({"a": 2.0, "b": 3.0}, step=1)
    second.save()
    assert (tmp_path / "metrics.csv").read_text().split() == ["a,b,step", ",1.0,0", "2.0,3.0,1"]
