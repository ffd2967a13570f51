"""`train`: data to a model folder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from pose_core import UserError
from pose_core.command_line import say
from pose_core.data import PoseDataset
from pose_core.training import fit, is_main_process, model_card, run_folder
from pose_core.training.data import data_paths
from pose_tokenizer.config import PRESETS as PRESETS
from pose_tokenizer.config import ModelSizes
from pose_tokenizer.data.loading import loaders, read_data
from pose_tokenizer.decoder_training import train_decoder, train_latent_network
from pose_tokenizer.initialization import initialize, initialize_from
from pose_tokenizer.lightning_module import MONITOR, TokenizerModule, validation_metrics
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.training.data import Data
    from pose_tokenizer.config import RunConfig


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    init_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dataset: type[PoseDataset] = PoseDataset,
    loss: type[TokenizerLoss] = TokenizerLoss,
    model: type[PoseTokenizer] = PoseTokenizer,
) -> tuple[PoseTokenizer, dict[str, float]]:
    """Trains on the train split of manifests or folders.

    Args:
        data: manifests or folders, as `read_clips` takes them; or one folder or URL of shards, which are streamed.
        output: run folder; becomes a model folder when the run is finished.
        config: of the run.
        init_from: a model to fine-tune, as `load_model` takes it; clips are put on its skeleton.
        resume: continue the run in `output`, what follows its epochs from the beginning; overwrite: start it again.
        dataset: loads clips; a subclass with its own `load_sample` reads other files.
        loss: a subclass may have other components.
        model: a subclass may have other networks.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: data, settings or a folder that cannot be used.
    """
    paths = data_paths(data)
    run = run_folder(output, config, data=paths, resume=resume, overwrite=overwrite, init_from=init_from)
    source = PoseTokenizer.load(init_from, "cpu") if init_from is not None else None
    if source is not None:
        check_sizes(source, config)
    clips = read_data(paths, config, dataset=dataset, skeleton=None if source is None else source.skeleton)
    torch.manual_seed(config.seed)
    tokenizer = model(config.model(clips.skeleton.to_dict()))
    if tokenizer.latent_network is not None:
        tokenizer.latent_network.requires_grad_(False)  # until the codes that it is given are final
    module = TokenizerModule(tokenizer, config, loss(config, tokenizer.skeleton, tokenizer.features.weights))
    if run.resume_from is None:
        start = initialize if source is None else partial(initialize_from, source)
        sequences = [sample.sequence for sample in clips.train]
        module.before_training = lambda: start(tokenizer, module.vq, sequences, config)
    train_loader, validation_loader = loaders(clips, config)
    metrics = fit(module, train_loader, validation_loader, config, run, monitor=MONITOR)
    tokenizer.eval()
    tokenizer.requires_grad_(True)
    if tokenizer.latent_network is not None and is_main_process() and not config.dry_run:
        sequences = [sample.sequence for sample in clips.train]
        say("training the decoder's layers over latents")
        metrics["decoder/latent_error_ratio"] = train_latent_network(tokenizer, sequences, config)
        say("training all of the decoder")
        metrics["decoder/loss"] = train_decoder(tokenizer, sequences, config, module.loss)
        if validation_loader is not None:
            metrics |= validation_metrics(tokenizer, validation_loader)
    card = model_card("pose-tokenizer", paths, len(clips.train_clips()), config, metrics)
    run.finish(tokenizer.save_pretrained, card)
    return tokenizer, metrics


def check_sizes(source: PoseTokenizer, config: RunConfig) -> None:
    """Refuses a model to fine-tune that is not of the run's sizes; it may lack layers over latents, which are added.

    Raises:
        UserError: naming the setting.
    """
    free = {"lmbda"} if source.config.latent_layers else {"lmbda", "latent_layers", "latent_width"}
    for name in ModelSizes.model_fields:
        theirs, ours = getattr(source.config, name), getattr(config, name)
        if name not in free and theirs != ours:
            raise UserError(f"{name} is {ours}, and {theirs} in the model to fine-tune; set it to {theirs}")
