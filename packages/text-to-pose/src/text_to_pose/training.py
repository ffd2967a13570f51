"""Training: data sets to a model folder."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from pose_core.command_line import say
from pose_core.training import fit, is_main_process, model_card, read_data, run_folder
from pose_core.training.data import data_paths
from text_to_pose.config import PRESETS as PRESETS
from text_to_pose.config import RunConfig, TextConfig, TextToPoseConfig
from text_to_pose.data.hands import dominant_hands
from text_to_pose.data.loading import loaders
from text_to_pose.data.posture_table import KEY_POSTURES, work_out
from text_to_pose.data.preprocessing import prepare
from text_to_pose.data.statistics import max_steps, mean_start_frame
from text_to_pose.data.texts import check_clips, merge_text_configs, reject, text_config, with_borrowed_letters
from text_to_pose.fine_tuning import copy_weights, describe_kept_texts
from text_to_pose.lightning_module import MONITOR, TextToPoseModule
from text_to_pose.model import TextToPose, load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core import PoseSequence
    from pose_core.data import Clip, ShardSample
    from pose_core.skeleton import Side
    from pose_core.training.data import Data

MEMORY_FRAMES = 100_000  # of streamed clips, kept for start frames, hand shapes and the model's statistics


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    pretrain: bool = False,
    init_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[TextToPose, dict[str, float]]:
    """Trains on the train split of a data set, keeping the weights that `config.keep` says.

    Args:
        data: manifest CSVs; for pretraining folders of poses will do; or one folder of shards, or its URL, which are
            streamed.
        output: run folder; in the end it is a model folder too.
        pretrain: leave all texts out: the model learns motion and inpainting.
        init_from: a model to fine-tune, as `load_model` takes it; its weights are taken where they fit.
        resume: go on with the run in `output`.
        overwrite: start the run in `output` again.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in manifest, clips or folder.
    """
    data = data_paths(data)
    run = run_folder(
        output, config, data=data, resume=resume, overwrite=overwrite, init_from=init_from, pretrain=pretrain
    )
    source = load_model(init_from, "cpu") if init_from is not None else None
    clips = read_data(
        data,
        partial(prepare, fps=config.fps),
        config,
        frames=sys.maxsize if config.in_memory else MEMORY_FRAMES,
        skeleton=source.skeleton if source is not None else None,
        check=(lambda clips: None) if pretrain else partial(check_clips, kind=config.text, data=data[0]),
        reject=None if pretrain else partial(reject, kind=config.text, known=source.config.text if source else None),
    )
    if config.in_memory:
        clips = replace(clips, stream=None)
    train_clips = clips.train_clips()
    torch.manual_seed(config.seed)
    model = build_model(clips.train, config, train_clips, with_text=not pretrain, source=source)
    if source is not None:
        copy_weights(source, model)
        if is_main_process():
            say(f"fine-tuning {init_from}: {describe_kept_texts(source, model)}")
    if model.tokenizer.key_postures and not pretrain:
        texts = {each.clip.text for each in (*clips.train, *clips.validation)} | {clip.text for clip in train_clips}
        run.claim()  # whose folder the table is kept in
        work_out(sorted(texts), run.path / KEY_POSTURES)
    train_loader, validation_loader = loaders(clips, model.tokenizer, config, train_clips, with_text=not pretrain)
    module = TextToPoseModule(model, config)
    metrics = fit(module, train_loader, validation_loader, config, run, monitor=MONITOR)
    model.eval()
    card = model_card("text-to-pose", data, len(train_clips), config, metrics)
    run.finish(partial(save, model, weights=config.weights), card)
    return model, metrics


def save(model: TextToPose, folder: Path, *, weights: Literal["float32", "float16"]) -> None:
    """Writes a model folder; loading it gives 32-bit weights, whatever precision it is saved in."""
    model = copy.deepcopy(model).half() if weights == "float16" else model
    model.save_pretrained(folder)


def build_model(
    samples: Sequence[ShardSample],
    config: RunConfig,
    clips: Sequence[Clip] | None = None,
    *,
    with_text: bool = True,
    source: TextToPose | None = None,
) -> TextToPose:
    """A fresh model for the texts, hands and start frames of training clips, and those of a model to fine-tune.

    Args:
        samples: clips, prepared.
        config: of the run.
        clips: all training clips, where `samples` are some of them.
        with_text: whether the model learns texts.
        source: a model whose languages, letters and symbols are kept beside those of the clips.
    """
    clips = [sample.clip for sample in samples] if clips is None else clips
    model = TextToPose(build_config(samples, config, clips, with_text=with_text, source=source))
    model.length_predictor.initialize(torch.tensor([len(sample.sequence) for sample in samples]))
    set_start_frames(model, samples, source)
    return model


def build_config(
    samples: Sequence[ShardSample],
    config: RunConfig,
    clips: Sequence[Clip],
    *,
    with_text: bool,
    source: TextToPose | None,
) -> TextToPoseConfig:
    """The configuration of a model of training clips, see `build_model`."""
    some, sequences = [sample.clip for sample in samples], [sample.sequence for sample in samples]
    languages = sorted({clip.signed_language for clip in clips})
    text = text_config(clips, config.text) if with_text else TextConfig(alphabets={name: [] for name in languages})
    if text.kind == "letters" and config.borrowed_letter_lenders is not None:
        text = with_borrowed_letters(text, config.borrowed_letter_lenders)
    hands: dict[str, Side] = {**dict.fromkeys(languages, "right"), **dominant_hands(some, sequences)}
    steps = max_steps(some, sequences)
    if source is not None:
        text, old = merge_text_configs(source.config.text, text), source.config
        kept = [language for language in source.languages if language in text.alphabets]
        hands = {**{language: old.dominant_hands[language] for language in kept}, **hands}
        known = {language: step for language, step in old.max_step.items() if language in kept}
        steps = {language: max(known.get(language, 0.0), steps.get(language, 0.0)) for language in known | steps}
    return TextToPoseConfig(
        network=config.network(),
        text=text,
        skeleton=sequences[0].skeleton.to_dict(),
        dominant_hands=hands,
        fps=config.fps,
        max_step=steps,
        num_steps=config.num_steps,
        guidance=config.guidance,
    )


def set_start_frames(model: TextToPose, samples: Sequence[ShardSample], source: TextToPose | None) -> None:
    """Gives a model its start frame per language: the mean of the clips', else the source's, else the mean of all."""
    by_language: dict[str, list[PoseSequence]] = {}
    for sample in samples:
        by_language.setdefault(sample.clip.signed_language, []).append(sample.sequence)
    everything = [sample.sequence for sample in samples]
    for row, language in enumerate(model.languages):
        if source is not None and language in source.languages and language not in by_language:
            old = source.languages.index(language)
            model.start_keypoints[row] = source.start_keypoints[old]
            model.start_confidence[row] = source.start_confidence[old]
            continue
        keypoints, confidence = mean_start_frame(by_language.get(language, everything))
        model.start_keypoints[row] = torch.from_numpy(keypoints)
        model.start_confidence[row] = torch.from_numpy(confidence)
