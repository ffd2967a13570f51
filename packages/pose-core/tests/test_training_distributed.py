"""Runs of several processes. Called as a script, this file is what the launched processes run."""

import json
import os
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningModule

from pose_core import UserError
from pose_core.training import TrainingConfig, batch_loader, configure_optimizer, fit, run_folder
from pose_core.training.batch_sampler import DistributedBatchSampler, split_evenly
from pose_core.training.distributed import devices_and_nodes
from pose_core.training.fsdp import ShardedStrategy

CONFIG = TrainingConfig(
    epochs=3,
    batch_size=4,
    validate_every=1,
    warmup_steps=1,
    learning_rate=0.05,
    ema_decay=0.5,
    device="cpu",
    precision="32-true",  # on whatever CPU
    tensorboard=False,
)
TRAIN = list(range(16))
VALIDATION = list(range(10))  # 3 batches, the last of 2; two processes make it 4


class Line(LightningModule):
    """Learns y = 3 x, and keeps which items it has seen."""

    def __init__(self, config=CONFIG, noise=0.0, stop_after=None):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(self.layer.weight, 0.5)
        torch.nn.init.zeros_(self.layer.bias)
        self.config, self.noise, self.stop_after = config, noise, stop_after
        self.seen = {"train": [], "validation": []}
        self.drawn = 0.0

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def on_train_epoch_start(self):
        if self.stop_after is not None and self.current_epoch == self.stop_after:
            raise KeyboardInterrupt

    def training_step(self, batch):
        self.seen["train"].append((self.current_epoch, batch.int().flatten().tolist()))
        x = batch / 10
        if self.noise:
            self.drawn = torch.rand(()).item()
        return (self.layer(x + self.noise * self.drawn) - 3 * x).square().mean()

    def validation_step(self, batch):
        self.seen["validation"].append((self.current_epoch, batch.int().flatten().tolist()))
        error = (self.layer(batch / 10) - 0.3 * batch).abs().mean()
        self.log("validation/error", error, batch_size=len(batch), sync_dist=True)


class Rolling(Line):
    """The same with an optimizer that keeps one thing of each weight."""

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


def loader(items, config, shuffle):
    rows = [torch.tensor([float(i)]) for i in items]
    return batch_loader(rows, [5 + i % 3 for i in items], config, collate=torch.stack, shuffle=shuffle)


def run(module, output, resume=False):
    folder = run_folder(output, module.config, data=["lines"], resume=resume, overwrite=False)
    loaders = loader(TRAIN, module.config, True), loader(VALIDATION, module.config, False)
    return fit(module, *loaders, module.config, folder, monitor="validation/error")


def outcome(module, metrics):
    return {
        "seen": module.seen,
        "error": metrics["validation/error"],
        "weights": [p.item() for p in module.parameters()],
        "drawn": module.drawn,
    }


def main(folder):
    """Work of each process, which records its batches in `rank-N.json`."""
    plain = Line()
    found = {"plain": outcome(plain, run(plain, folder / "plain"))}
    # FSDP is refused on CPUs.
    fitting = import_module("pose_core.training.trainer")
    fitting.build_strategy = lambda config: ShardedStrategy() if config.strategy == "fsdp" else config.strategy
    for name, make, strategy in (("whole", Line, "ddp"), ("rolling", Rolling, "ddp"), ("sharded", Rolling, "fsdp")):
        make = partial(make, CONFIG.model_copy(update={"strategy": strategy, "gradient_clip": 0.5}), noise=0.01)
        whole = make()
        found[name] = outcome(whole, run(whole, folder / name))
        try:
            run(make(stop_after=2), folder / f"{name}-cut")
        except KeyboardInterrupt:
            resumed = make()
            found[f"{name}-resumed"] = outcome(resumed, run(resumed, folder / f"{name}-cut", resume=True))
    (folder / f"rank-{os.environ['RANK']}.json").write_text(json.dumps(found))


@pytest.mark.slow
def test_two_processes_share_the_work(tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", __file__]
    done = subprocess.run([*launch, str(tmp_path)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    ranks = [json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in range(2)]

    for split, items in (("train", TRAIN), ("validation", VALIDATION)):
        for epoch in range(CONFIG.epochs):
            shares = [[b for e, b in rank["plain"]["seen"][split] if e == epoch] for rank in ranks]
            assert len(shares[0]) == len(shares[1])
            assert sorted(i for share in shares for batch in share for i in batch) == items

    # Two processes do what one does that takes two batches a step.
    alone = Line(CONFIG.model_copy(update={"accumulate": 2}))
    expected = outcome(alone, run(alone, tmp_path / "alone"))
    for rank in ranks:
        assert rank["plain"]["weights"] == pytest.approx(expected["weights"], abs=1e-6)
        assert rank["plain"]["error"] == pytest.approx(expected["error"], abs=1e-6)

    for name in ("whole", "rolling", "sharded"):
        first, second = (rank[name] for rank in ranks)
        assert first["weights"] == second["weights"]
        assert first["drawn"] != second["drawn"]  # each its own noise
        for rank in ranks:
            assert rank[f"{name}-resumed"]["weights"] == rank[name]["weights"]
            assert rank[f"{name}-resumed"]["drawn"] == rank[name]["drawn"]
    assert ranks[0]["sharded"]["weights"] == pytest.approx(ranks[0]["rolling"]["weights"], abs=1e-6)
    assert len((tmp_path / "plain" / "logs" / "metrics.csv").read_text().splitlines()) == 1 + 2 * CONFIG.epochs


@pytest.mark.parametrize(
    ("sizes", "ranks", "expected"),
    [
        ([4, 4], 2, [4, 4]),
        ([4, 4, 2], 2, [2, 2, 4, 2]),
        ([4, 4, 2], 4, [2, 2, 4, 2]),
        ([1, 1, 1], 2, [1, 1, 1, 1]),  # fewer items than it takes: one is there twice
        ([3], 4, [1, 1, 1, 1]),
    ],
)
def test_batches_are_cut_until_every_rank_has_as_many(sizes, ranks, expected):
    items = iter(range(sum(sizes)))
    batches = [[next(items) for _ in range(size)] for size in sizes]
    cut = split_evenly(batches, ranks)
    assert [len(batch) for batch in cut] == expected
    assert sorted({i for batch in cut for i in batch}) == list(range(sum(sizes)))
    assert len(cut) // ranks == -(-len(batches) // ranks)


def test_one_process_takes_the_batches_as_they_are():
    batches = [[0, 1], [2]]
    shared = DistributedBatchSampler(batches)
    assert (list(shared), len(shared)) == (batches, 2)


def test_processes_are_those_that_torchrun_started(monkeypatch):
    assert devices_and_nodes(TrainingConfig()) == (1, 1)
    assert devices_and_nodes(TrainingConfig(devices="auto", num_nodes=2)) == ("auto", 2)
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert devices_and_nodes(TrainingConfig()) == (4, 2)
    assert devices_and_nodes(TrainingConfig(devices="auto")) == (4, 2)
    assert devices_and_nodes(TrainingConfig(devices=8)) == (8, 1)  # Lightning refuses what contradicts torchrun


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "abacus"}, "accelerator name"),
        ({"strategy": "divide"}, "strategy"),
        ({"strategy": "fsdp"}, r"strategy: fsdp is for GPUs; take ddp"),
        ({"samples": 2}, r"samples: this model makes none"),
    ],
)
def test_settings_that_lightning_refuses(tmp_path, settings, message):
    with pytest.raises(UserError, match=message) as error:
        run(Line(CONFIG.model_copy(update=settings)), tmp_path)
    assert "\n" not in str(error.value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
