"""Training on shards."""

import os
import signal

import pytest
import torch
from lightning.pytorch import LightningModule

from pose_core import UserError
from pose_core.data import Clip, ShardDataset, pack
from pose_core.testing import fake_sequence
from pose_core.training import RunFolder, StreamLoader, TrainingConfig, configure_optimizer, fit
from pose_core.training.checkpoint_files import newest_checkpoint

CONFIG = TrainingConfig(
    epochs=3, batch_size=2, warmup_steps=2, learning_rate=0.05, ema_decay=0.9, device="cpu", tensorboard=False,
    keep="last",
)  # fmt: skip
CLIPS = 11


class Line(LightningModule):
    """Learns from the numbers of clips, with noise; sends itself SIGTERM before the step of that number."""

    def __init__(self, stop_before=None):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(1, 1)
        self.stop_before, self.seen = stop_before, []

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), CONFIG, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        if len(self.seen) == self.stop_before:
            os.kill(os.getpid(), signal.SIGTERM)
        self.seen.append(batch.flatten().tolist())
        return self.layer(batch + 0.01 * torch.randn_like(batch)).square().mean()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    clips = [Clip(folder / f"{i}.npz", str(i), "ase", "train") for i in range(CLIPS)]
    pack(((clip, fake_sequence(frames=3)) for clip in clips), folder, shard_bytes=20_000)
    return folder


def loader(folder, **options):
    shards = ShardDataset(folder, "train", shuffle=True, buffer=4, on_error="skip")
    return StreamLoader(
        shards, lambda sample: torch.tensor([float(sample.clip.text)]), batch_size=2, collate=torch.stack, **options
    )


def run(folder, module, output, resume_from=None):
    fit(module, loader(folder), None, CONFIG, RunFolder(output, resume_from), monitor="none")
    return module


def test_an_epoch_of_some_of_the_clips(folder):
    some = loader(folder, steps=2)
    epochs = []
    for epoch in range(6):
        some.set_epoch(epoch)
        epochs.append([clip for batch in some for clip in batch.flatten().tolist()])
    assert {len(clips) for clips in epochs} == {4}
    assert all(len(set(clips)) == 4 for clips in epochs)
    assert len({clip for clips in epochs for clip in clips}) > 8  # others in another
    assert len(list(loader(folder, steps=99))) == CLIPS // 2


@pytest.mark.parametrize("stop_before", [2, 5, 8])
def test_a_run_on_shards_goes_on_in_mid_epoch(folder, tmp_path, stop_before):
    whole = run(folder, Line(), tmp_path / "whole")
    first = Line(stop_before)
    with pytest.raises(KeyboardInterrupt):
        run(folder, first, tmp_path / "cut")
    second = run(folder, Line(), tmp_path / "cut", newest_checkpoint(tmp_path / "cut"))
    assert first.seen + second.seen == whole.seen
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), atol=0, rtol=0)
    epochs = [[number for batch in whole.seen[i : i + 5] for number in batch] for i in (0, 5, 10)]
    assert all(len({*epoch}) == 10 for epoch in epochs)  # each clip once, but for the one that fills no batch
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("workers", [0, 2])
def test_every_consumer_has_as_many_batches(folder, workers):
    each = loader(folder, num_workers=workers)
    assert len(each) == sum(1 for _ in each) == (4 if workers else 5)


def test_damaged_clips_cost_no_batch(folder, monkeypatch):
    shards = ShardDataset(folder, "train", on_error="skip", max_skipped=1.0)
    decoded = shards._decoded

    def damaged(packed):
        sample = decoded(packed)
        if sample.clip.text in "89":
            raise UserError("damaged")
        return sample

    monkeypatch.setattr(shards, "_decoded", damaged)
    each = StreamLoader(shards, lambda sample: sample.clip.text, batch_size=2, collate=list)
    with pytest.warns(UserWarning, match="skipped: damaged"):
        assert len(list(each)) == 5


def test_fewer_clips_than_processes(folder):
    with pytest.raises(UserError, match="has fewer clips than processes"):
        loader(folder, num_workers=CLIPS + 1)
