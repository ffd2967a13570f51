import io
import json
import os
import sys
import time
from pathlib import Path

import pytest
import torch
from lightning.pytorch import LightningModule
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader, TensorDataset

from pose_core import UserError
from pose_core.testing import fake_sequence
from pose_core.training import TrainingConfig, configure_optimizer, fit, run_folder

CONFIG = TrainingConfig(epochs=4, validate_every=2, warmup_steps=1, ema_decay=0.9, device="cpu", tensorboard=False)


class Drawing(LightningModule):
    """Learns from noise, and makes samples of noise."""

    def __init__(self, config=CONFIG):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(1, 1)
        self.config = config
        self.drawn, self.validated, self.shown = [], [], []

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        return self.layer(batch[0] + torch.randn_like(batch[0])).square().mean()

    def validation_step(self, batch):
        self.validated.append(self.layer.weight.item())
        self.log("validation/error", self.layer(batch[0]).square().mean())

    def samples(self, number):
        assert not self.training
        self.shown.append(self.layer.weight.item())
        self.drawn.append(torch.rand(()).item())
        made = {f"clip {shape}": fake_sequence(frames=5, shape=shape) for shape in range(number - 1)}
        return made | {"empty": fake_sequence()[:0]}


def run(output, **settings):
    module = Drawing(CONFIG.model_copy(update=settings))
    data = TensorDataset(torch.linspace(-1, 1, 16)[:, None])
    train, validation = DataLoader(data, batch_size=4, shuffle=True), DataLoader(data, batch_size=16)
    folder = run_folder(output, module.config, data=["line"], resume=False, overwrite=False)
    fit(module, train, validation, module.config, folder, monitor="validation/error")
    return module


@pytest.mark.filterwarnings("ignore:sample empty")
def test_samples_leave_a_run_as_it_was(tmp_path):
    plain, shown = run(tmp_path / "plain"), run(tmp_path / "shown", samples=2)
    torch.testing.assert_close(shown.state_dict(), plain.state_dict(), atol=0, rtol=0)
    assert len(shown.drawn) == 2
    assert shown.drawn[0] == shown.drawn[1]  # so that two validations can be compared
    assert shown.shown == shown.validated  # the averaged weights, not those being trained


def test_tensorboard_shows_moving_pictures(tmp_path):
    with pytest.warns(UserWarning, match="sample empty: .* no frames"):
        run(tmp_path, samples=3, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert events.Tags()["images"] == ["samples/clip 0", "samples/clip 1"]
    shown = events.Images("samples/clip 1")
    assert [event.step for event in shown] == [8, 16]
    picture = Image.open(io.BytesIO(shown[-1].encoded_image_string))
    assert (picture.format, picture.n_frames, picture.height) == ("GIF", 5, 256)
    assert (shown[-1].width, shown[-1].height) == picture.size


@pytest.fixture
def wandb(monkeypatch, tmp_path):
    """No key, no settings of whoever runs the tests, nothing on the terminal."""
    wandb = pytest.importorskip("wandb", reason="needs pose-core[wandb]")
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield wandb
    wandb.finish()


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "wandb").glob("offline-run-*"))


@pytest.mark.filterwarnings("ignore:sample empty")
def test_where_wandb_cannot_be_reached_its_run_is_kept_on_disk(tmp_path, monkeypatch, wandb, capfd):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    run(tmp_path / "run", samples=2, wandb_project="poses")
    assert "http://127.0.0.1:9 cannot be reached (" in capfd.readouterr().err
    (kept,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
    assert kept.name.endswith(json.loads((tmp_path / "run" / "run.json").read_text())["id"])
    assert len(list((kept / "files" / "media" / "videos").rglob("*.gif"))) == 2  # of a sample at two validations
    wandb.finish()
    # W&B's own process writes the record, on a busy machine some time after it has said that it is done.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        record = next(kept.glob("*.wandb")).read_bytes()
        if b"learning_rate" in record and b"git" in record:
            break
        time.sleep(0.1)
    for setting in (b"learning_rate", b"git"):
        assert setting in record


def test_wandb_is_asked_for_before_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"needs wandb: pip install 'pose-core\[wandb\]'"):
        run(tmp_path, wandb_project="poses")
