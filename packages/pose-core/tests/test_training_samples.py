import io

import pytest
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.loggers import WandbLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader, TensorDataset

from pose_core.testing import fake_sequence
from pose_core.training import TrainingConfig, fit, warmup_cosine_adamw

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
        return warmup_cosine_adamw(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

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


class Recorder(WandbLogger):
    """Weights & Biases as far as a run calls it, without the package."""

    name = version = save_dir = experiment = None

    def __init__(self):
        self.videos = []

    def log_video(self, key, videos, step=None, **kwargs):
        for path in videos:
            with Image.open(path) as picture:
                self.videos.append((key, step, picture.n_frames, kwargs))

    def log_metrics(self, *_, **__): ...

    def log_hyperparams(self, *_): ...

    def log_graph(self, *_): ...

    def after_save_checkpoint(self, *_): ...

    def finalize(self, *_): ...


def run(output, **settings):
    module = Drawing(CONFIG.model_copy(update=settings))
    data = TensorDataset(torch.linspace(-1, 1, 16)[:, None])
    train, validation = DataLoader(data, batch_size=4, shuffle=True), DataLoader(data, batch_size=16)
    fit(module, train, validation, module.config, output, monitor="validation/error")
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


@pytest.mark.filterwarnings("ignore:sample empty")
def test_wandb_shows_moving_pictures(tmp_path, monkeypatch):
    recorder = Recorder()
    monkeypatch.setitem(fit.__globals__, "WandbLogger", lambda **_: recorder)
    run(tmp_path, samples=2, wandb_project="poses")
    assert recorder.videos == [("samples/clip 0", step, 5, {"format": ["gif"]}) for step in (8, 16)]
