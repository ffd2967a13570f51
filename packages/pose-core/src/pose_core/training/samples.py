"""Samples of a model in training, which TensorBoard and Weights & Biases show as animations."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.seed import isolate_rng

from pose_core.errors import UserError
from pose_core.rendering import write_gif

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.loggers import Logger

    from pose_core.sequence import PoseSequence

SIZE = 256  # pixels; height of the pictures


@runtime_checkable
class SupportsSamples(Protocol):
    """A `LightningModule` that makes samples while it is trained."""

    def samples(self, number: int) -> dict[str, PoseSequence]:
        """At most that many sequences by name, the same names every time: made of validation data, say."""
        ...


class SampleLogger(Callback):
    """Logs `number` samples of a module that `SupportsSamples` at the end of every validation.

    They are made in evaluation mode by the weights that are validated, on rank 0, with the same random numbers every
    time; those of the run stay as they were.
    """

    def __init__(self, number: int, seed: int = 0) -> None:
        self.number, self.seed = number, seed

    @rank_zero_only
    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, SupportsSamples)
        with isolate_rng(), tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(self.seed)
            for number, (name, sequence) in enumerate(pl_module.samples(self.number).items()):
                path = Path(folder) / f"{number}.gif"
                try:
                    write_gif(sequence, path, size=SIZE)
                except UserError as error:  # an early model may make nothing that can be drawn
                    warnings.warn(f"sample {name}: {error}", stacklevel=2)
                    continue
                for logger in trainer.loggers:
                    _show(logger, f"samples/{name}", path, trainer.global_step)


def _show(logger: Logger, name: str, path: Path, step: int) -> None:
    if isinstance(logger, WandbLogger):
        logger.log_video(name, [str(path)], step=step, format=["gif"])
    elif isinstance(logger, TensorBoardLogger):
        from PIL import Image
        from tensorboard.compat.proto.summary_pb2 import Summary  # ty: ignore[missing-module-member]

        # What `SummaryWriter.add_video` does, which needs moviepy to make the GIF that we have.
        with Image.open(path) as picture:
            width, height = picture.size
        gif = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=path.read_bytes())
        logger.experiment._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=name, image=gif)]), step)
