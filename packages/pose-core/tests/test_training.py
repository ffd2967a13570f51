from functools import partial

import pytest
import torch
from lightning.pytorch import LightningModule
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from pose_core.progress import be_quiet
from pose_core.training import RunFolder, TrainingConfig, batch_loader, configure_optimizer, fit

CONFIG = TrainingConfig(
    epochs=4,
    batch_size=4,
    validate_every=1,
    warmup_steps=2,
    learning_rate=0.05,
    device="cpu",
    precision="32-true",
    tensorboard=False,
)
X = torch.linspace(-1, 1, 16)[:, None]


class Line(LightningModule):
    """Learns y = 3 x; `stop_after` interrupts it once so many epochs are done, as Ctrl-C does."""

    def __init__(self, config=CONFIG, stop_after=None):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(1, 1)
        self.config, self.stop_after = config, stop_after
        self.validated = 0

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        (x,) = batch
        return (self.layer(x + 0.01 * torch.randn_like(x)) - 3 * x).square().mean()

    def on_train_epoch_start(self):
        if self.stop_after is not None and self.current_epoch == self.stop_after:
            raise KeyboardInterrupt

    def validation_step(self, batch):
        (x,) = batch
        self.validated += 1
        self.log("validation/error", (self.layer(x) - 3 * x).abs().mean())


def loader(shuffle=True):
    return DataLoader(TensorDataset(X), batch_size=4, shuffle=shuffle)


def _steps(metrics):
    """Step and filled columns of every row of a metrics.csv."""
    header, *rows = (line.split(",") for line in metrics.splitlines())
    place = header.index("step")
    return [(row[place], [name for name, value in zip(header, row, strict=True) if value]) for row in rows]


def run(module, output, resume_from=None, validation=True):
    return fit(
        module,
        loader(),
        loader(False) if validation else None,
        module.config,
        RunFolder(output, resume_from),
        monitor="validation/error",
    )


def test_what_a_run_leaves_behind(tmp_path):
    module = Line()
    run(module, tmp_path)
    for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "logs/metrics.csv"):
        assert (tmp_path / name).is_file(), name
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    torch.testing.assert_close(module.state_dict(), best["state_dict"])
    assert "validation/error" in (tmp_path / "logs" / "metrics.csv").read_text()


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_kept_are_the_best_or_the_last(tmp_path, keep):
    class Backwards(Line):
        """The nearer to the line, the worse: the first weights are the best."""

        def validation_step(self, batch):
            (x,) = batch
            self.log("validation/error", -(self.layer(x) - 3 * x).abs().mean())

    module = Backwards(CONFIG.model_copy(update={"keep": keep}))
    run(module, tmp_path)
    kept = torch.load(tmp_path / "checkpoints" / f"{keep}.ckpt", weights_only=True)
    other = torch.load(tmp_path / "checkpoints" / f"{'last' if keep == 'best' else 'best'}.ckpt", weights_only=True)
    torch.testing.assert_close(module.state_dict(), kept["state_dict"])
    assert not torch.allclose(module.state_dict()["layer.weight"], other["state_dict"]["layer.weight"])


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_the_weights_kept_are_averages_if_asked(tmp_path, ema_decay):
    module = Line(CONFIG.model_copy(update={"ema_decay": ema_decay}))
    run(module, tmp_path, validation=False)
    last = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    raw = last.get("current_model_state", last["state_dict"])
    same = torch.allclose(raw["layer.weight"], module.state_dict()["layer.weight"])
    assert same == (ema_decay == 0)


def test_a_resumed_run_ends_as_an_undisturbed_one(tmp_path):
    config = CONFIG.model_copy(update={"validate_every": 2, "ema_decay": 0.9})
    whole, first, second = Line(config), Line(config, stop_after=3), Line(config)
    run(whole, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(first, tmp_path / "cut")
    last = tmp_path / "cut" / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["epoch"] == 2  # the last whole one, validated or not
    run(second, tmp_path / "cut", resume_from=last)
    logs = [(tmp_path / name / "logs" / "metrics.csv").read_text() for name in ("whole", "cut")]
    assert [p.name for p in (tmp_path / "cut" / "logs").glob("*.csv")] == ["metrics.csv"]
    assert _steps(logs[0]) == _steps(logs[1])
    assert second.current_epoch == whole.current_epoch
    # The same order of the data and the same noise, too.
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_a_compiled_run_is_the_run_it_would_be(tmp_path, monkeypatch):
    graphs = []
    backend = partial(torch.compile, backend=lambda graph, _: graphs.append(graph) or graph)
    monkeypatch.setattr(torch, "compile", backend)
    config = CONFIG.model_copy(update={"ema_decay": 0.9, "compile": True})
    whole, first, second = Line(config.model_copy(update={"compile": False})), Line(config, stop_after=3), Line(config)
    run(whole, tmp_path / "whole")
    assert not graphs
    with pytest.raises(KeyboardInterrupt):
        run(first, tmp_path / "cut")
    assert graphs
    last = tmp_path / "cut" / "checkpoints" / "last.ckpt"
    assert set(torch.load(last, weights_only=True)["state_dict"]) == set(whole.state_dict())
    run(second, tmp_path / "cut", resume_from=last)
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), atol=0, rtol=0)
    assert "training_step" not in vars(second)


def test_gradients_of_several_batches_make_one_step(tmp_path):
    module = Line(CONFIG.model_copy(update={"accumulate": 2}))
    run(module, tmp_path)
    assert module.global_step == CONFIG.epochs * 2


class BestEarly(Line):
    """Validates best in its second epoch, whatever it has learned."""

    def validation_step(self, batch):
        self.log("validation/error", float(abs(self.current_epoch - 1)))


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    module = BestEarly(CONFIG.model_copy(update={"ema_decay": 0.0}))
    run(module, tmp_path)
    best, last = (torch.load(tmp_path / "checkpoints" / f"{name}.ckpt", weights_only=True) for name in ("best", "last"))
    assert (best["epoch"], last["epoch"]) == (1, 3)
    torch.testing.assert_close(module.state_dict(), best["state_dict"], atol=0, rtol=0)
    assert not torch.equal(module.state_dict()["layer.weight"], last["state_dict"]["layer.weight"])


def test_training_stops_early_without_improvement(tmp_path):
    config = CONFIG.model_copy(update={"epochs": 50, "patience": 2, "learning_rate": 1e-12})
    module = Line(config)
    run(module, tmp_path)
    assert module.current_epoch < 10


def test_batches_hold_so_many_sequences_or_so_many_frames():
    lengths = [10] * 8 + [80]
    items = [torch.full((length,), i) for i, length in enumerate(lengths)]
    for settings, most in (({"batch_size": 3}, 240), ({"batch_frames": 40}, 80)):
        loader = batch_loader(items, lengths, TrainingConfig(**settings), collate=pad_sequence, shuffle=True)
        batches = list(loader)
        assert len(batches) == len(loader)
        assert sorted(i for batch in batches for i in batch[0].tolist()) == list(range(9))
        assert max(batch.numel() for batch in batches) <= most
    in_order = batch_loader(items, lengths, TrainingConfig(batch_size=3), collate=pad_sequence, shuffle=False)
    assert [batch[0].tolist() for batch in in_order] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_warm_up_then_cosine():
    parameters = [torch.nn.Parameter(torch.zeros(2, 2)), torch.nn.Parameter(torch.zeros(2))]
    made = configure_optimizer(parameters, TrainingConfig(learning_rate=1.0, warmup_steps=10), 110)
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0]
    rates = []
    for _ in range(111):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.5)
    assert rates[110] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "kind", "rates"),
    [
        ({"optimizer": "adam", "scheduler": "warmup_linear"}, torch.optim.Adam, (0.1, 1.0, 0.75, 0.0)),
        ({"optimizer": "sgd", "scheduler": "warmup_constant"}, torch.optim.SGD, (0.1, 1.0, 1.0, 1.0)),
    ],
)
def test_other_optimizers_and_schedules(settings, kind, rates):
    parameters = [torch.nn.Parameter(torch.zeros(2, 2)), torch.nn.Parameter(torch.zeros(2))]
    config = TrainingConfig(learning_rate=1.0, warmup_steps=10, **settings)
    made = configure_optimizer(parameters, config, 110)
    assert type(made["optimizer"]) is kind
    assert [group["weight_decay"] for group in made["optimizer"].param_groups] == [0.01, 0.0]
    (factor, _) = made["lr_scheduler"]["scheduler"].lr_lambdas
    assert [factor(step) for step in (0, 10, 35, 110)] == pytest.approx(rates)


@pytest.mark.parametrize("quiet", [False, True])
def test_a_quiet_run_shows_no_progress(tmp_path, capsys, quiet):
    be_quiet(quiet)
    try:
        run(Line(), tmp_path)
    finally:
        be_quiet(False)
    out, err = capsys.readouterr()
    assert ("Epoch" in err) is not quiet
    assert not quiet or (out, err) == ("", "")
