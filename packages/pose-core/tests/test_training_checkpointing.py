"""Runs that are killed, interrupted, out of room or damaged, and what they end as."""

import json
import os
import signal
import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
import torch
from lightning.pytorch import LightningModule

from pose_core import UserError
from pose_core.training import RunFolder, TrainingConfig, batch_loader, configure_optimizer, fit, run_folder
from pose_core.training.checkpoint_files import BEFORE, LAST, is_whole, newest_checkpoint
from pose_core.training.runs import FORMAT

CONFIG = TrainingConfig(
    epochs=3, batch_size=2, validate_every=1, warmup_steps=2, learning_rate=0.05, ema_decay=0.9, device="cpu",
    tensorboard=False, checkpoint_minutes=1e-9,
)  # fmt: skip
ROWS = [torch.tensor([i / 8]) for i in range(20)]


class Line(LightningModule):
    """Learns y = 3 x, with noise; sends itself a signal before the step of that number."""

    def __init__(self, config=CONFIG, stop_before=None, number=signal.SIGTERM):
        super().__init__()
        torch.manual_seed(1)
        self.layer = torch.nn.Linear(1, 1)
        self.config, self.stop_before, self.number = config, stop_before, number
        self.seen = []

    def configure_optimizers(self):
        return configure_optimizer(self.parameters(), self.config, int(self.trainer.estimated_stepping_batches))

    def training_step(self, batch):
        if len(self.seen) == self.stop_before:
            os.kill(os.getpid(), self.number)
        self.seen.append([round(8 * x) for x in batch.flatten().tolist()])
        return (self.layer(batch + 0.01 * torch.randn_like(batch)) - 3 * batch).square().mean()

    def validation_step(self, batch):
        self.log("validation/error", (self.layer(batch) - 3 * batch).abs().mean(), batch_size=len(batch))


def run(module, output, resume_from=None):
    loaders = (
        batch_loader(ROWS, [5 + i % 3 for i in range(20)], module.config, collate=torch.stack, shuffle=shuffle)
        for shuffle in (True, False)
    )
    return fit(module, *loaders, module.config, RunFolder(output, resume_from), monitor="validation/error")


@pytest.mark.parametrize(
    ("stop_before", "number", "accumulate"), [(3, signal.SIGTERM, 1), (9, signal.SIGTERM, 3), (14, signal.SIGINT, 1)]
)
def test_a_run_that_is_asked_to_stop_goes_on_where_it_stood(tmp_path, capsys, stop_before, number, accumulate):
    config = CONFIG.model_copy(update={"accumulate": accumulate, "checkpoint_minutes": 60.0})
    whole, first, second = Line(config), Line(config, stop_before, number), Line(config)
    run(whole, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(first, tmp_path / "cut")
    assert "stopping after this step" in capsys.readouterr().err
    assert len(first.seen) <= stop_before + accumulate
    run(second, tmp_path / "cut", newest_checkpoint(tmp_path / "cut"))
    assert first.seen + second.seen == whole.seen
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), atol=0, rtol=0)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_that_lacks_but_its_model_gives_the_same(tmp_path, keep):
    config = CONFIG.model_copy(update={"keep": keep})
    whole, again = Line(config), Line(config)
    run(whole, tmp_path)
    run(again, tmp_path, newest_checkpoint(tmp_path))
    assert not again.seen
    torch.testing.assert_close(again.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_checkpoints_within_an_epoch_by_the_clock(tmp_path):
    saved = []

    class Watching(Line):
        def on_save_checkpoint(self, checkpoint):
            saved.append(self.global_step)

    run(Watching(), tmp_path)
    assert {*range(1, 31)} <= set(saved)


def test_a_damaged_checkpoint_is_left_out(tmp_path, capsys):
    run(Line(), tmp_path)
    last, before = (tmp_path / "checkpoints" / name for name in (LAST, BEFORE))
    assert newest_checkpoint(tmp_path) == last
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    assert newest_checkpoint(tmp_path) == before
    assert "last.ckpt: is damaged, and skipped" in capsys.readouterr().err
    before.write_bytes(before.read_bytes()[:-10])
    assert not is_whole(before)
    with pytest.raises(UserError, match="none of its checkpoints is whole"):
        newest_checkpoint(tmp_path)
    assert newest_checkpoint(tmp_path / "elsewhere") is None


def test_a_disk_that_is_full_costs_nothing_but_time(tmp_path):
    """The size of files is limited instead, which only ends with the process."""
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_training_checkpointing import *
class Full(Line):
    def on_train_epoch_start(self):
        if self.current_epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    run(Full(CONFIG.model_copy(update={{"checkpoint_minutes": 60.0}})), Path({str(tmp_path / "cut")!r}))
except UserError as error:
    sys.exit(str(error))
"""
    process = Popen([sys.executable, "-c", code], stderr=PIPE, text=True)
    error = process.communicate(timeout=120)[1].splitlines()[-1]
    assert process.returncode == 1
    assert error.startswith(f"{tmp_path / 'cut'}")
    assert "free some space and run the same command again" in error
    assert not list((tmp_path / "cut" / "checkpoints").glob(".*"))
    whole, second = Line(), Line()
    run(whole, tmp_path / "whole")
    run(second, tmp_path / "cut", newest_checkpoint(tmp_path / "cut"))
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), atol=0, rtol=0)


def begin(output, config=CONFIG, *, resume=False, overwrite=False, **others):
    folder = run_folder(output, config, data=["poses"], resume=resume, overwrite=overwrite, **others)
    folder.claim()
    return folder


def test_the_same_command_goes_on_with_an_interrupted_run(tmp_path, capsys):
    output = tmp_path / "run"
    assert begin(output).resume_from is None
    assert begin(output).resume_from is None
    assert "its run was interrupted; going on from its start" in capsys.readouterr().err
    run(Line(), output)
    name = begin(output, resume=True).id
    assert begin(output).resume_from == output / "checkpoints" / LAST
    assert "going on from checkpoints/last.ckpt" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"its interrupted run has epochs 3, this one 4; give its own command"):
        begin(output, CONFIG.model_copy(update={"epochs": 4}))
    with pytest.raises(UserError, match=r"its interrupted run has init_from None, this one letters"):
        begin(output, init_from="letters")
    longer = begin(output, CONFIG.model_copy(update={"epochs": 4}), resume=True)
    assert longer.resume_from == output / "checkpoints" / LAST
    assert longer.id == name
    assert begin(output, overwrite=True).resume_from is None


def test_a_run_from_the_start_goes_on_from_nothing_older(tmp_path):
    run(Line(), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(Line(CONFIG.model_copy(update={"checkpoint_minutes": 60.0}), stop_before=14), tmp_path)
    assert torch.load(tmp_path / "checkpoints" / LAST, weights_only=True)["global_step"] == 15
    assert torch.load(tmp_path / "checkpoints" / BEFORE, weights_only=True)["global_step"] == 10


def test_a_finished_run_is_protected(tmp_path):
    output = tmp_path / "run"
    begin(output).finish(lambda folder: (folder / "model").write_text("weights"), "a card")
    assert (output / "README.md").read_text() == "a card"
    with pytest.raises(UserError, match="is not empty; --resume goes on"):
        begin(output)
    with pytest.raises(UserError, match="has no run to resume"):
        begin(output, resume=True)
    with pytest.raises(UserError, match="is a file"):
        begin(output / "model")


def test_a_model_that_cannot_be_written(tmp_path):
    def full(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"its model cannot be written .*No space left.*; free some space"):
        begin(tmp_path / "run").finish(full)
    assert begin(tmp_path / "run").resume_from is None  # it is not finished


def test_a_run_that_an_older_version_began_is_refused_in_one_line(tmp_path):
    output = tmp_path / "run"
    begin(output)
    content = json.loads((output / "run.json").read_text())
    assert content.pop("format") == FORMAT
    (output / "run.json").write_text(json.dumps(content))
    for resume in (False, True):
        with pytest.raises(UserError, match="was begun by another version of this package.*--overwrite") as error:
            begin(output, resume=resume)
        assert "\n" not in str(error.value)
    assert begin(output, overwrite=True).resume_from is None


def test_a_folder_of_something_else_is_protected(tmp_path):
    (tmp_path / "note").write_text("mine")
    with pytest.raises(UserError, match="is not empty, and holds no run; name another folder"):
        begin(tmp_path)
    assert begin(tmp_path, overwrite=True).resume_from is None
    assert (tmp_path / "note").read_text() == "mine"
