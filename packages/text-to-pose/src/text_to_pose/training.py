"""Training: data sets to a model folder."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from pose_core import UserError
from pose_core.command_line import say
from pose_core.training import batch_loader, fit, is_main_process, model_card, read_data, run_folder, stream_loader
from pose_core.training.data import data_paths
from text_to_pose.config import PRESETS as PRESETS
from text_to_pose.config import RunConfig, TextConfig, TextToPoseConfig
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.hands import dominant_hands
from text_to_pose.data.handshape_augmentation import HandshapeAugmentation
from text_to_pose.data.preprocessing import prepare
from text_to_pose.data.statistics import max_steps, mean_start_frame
from text_to_pose.data.texts import check_clips, joined_texts, reject, text_config
from text_to_pose.lightning_module import MONITOR, TextToPoseModule
from text_to_pose.model import TextToPose, load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch.utils.data import DataLoader

    from pose_core import PoseSequence
    from pose_core.data import Clip, ShardSample
    from pose_core.skeleton import Side
    from pose_core.training import RunData, TrainingConfig
    from pose_core.training.data import Data

MEMORY_FRAMES = 100_000  # of streamed clips, kept for start frames, hand shapes and the model's statistics


def train(
    data: Data,
    output: str | Path,
    config: RunConfig,
    *,
    pretrain: bool = False,
    begin_from: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> tuple[TextToPose, dict[str, float]]:
    """Trains on the train split of a data set, keeping the weights that `config.keep` says.

    Args:
        data: manifest CSVs; for pretraining folders of poses will do; or one folder of shards, or its URL, which are
            streamed.
        output: run folder; in the end it is a model folder too.
        pretrain: leave all texts out: the model learns motion and inpainting.
        begin_from: a model to fine-tune, as `load_model` takes it; its weights are taken where they fit.
        resume: go on with the run in `output`.
        overwrite: start the run in `output` again.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in manifest, clips or folder.
    """
    data = data_paths(data)
    run = run_folder(
        output, config, data=data, resume=resume, overwrite=overwrite, begin_from=begin_from, pretrain=pretrain
    )
    source = load_model(begin_from, "cpu") if begin_from is not None else None
    clips = read_data(
        data,
        partial(prepare, fps=config.fps),
        config,
        frames=MEMORY_FRAMES,
        skeleton=source.skeleton if source is not None else None,
        check=(lambda clips: None) if pretrain else partial(check_clips, kind=config.text, data=data[0]),
        reject=None if pretrain else partial(reject, kind=config.text, known=source.config.text if source else None),
    )
    train_clips = clips.train_clips()
    torch.manual_seed(config.seed)
    model = build_model(clips.train, config, train_clips, with_text=not pretrain, source=source)
    if source is not None:
        adopt(model, source)
        if is_main_process():
            say(f"fine-tuning {begin_from}: {kept_texts(model, source)}")
    train_loader, validation_loader = loaders(clips, model, config, train_clips, with_text=not pretrain)
    module = TextToPoseModule(model, config)
    metrics = fit(module, train_loader, validation_loader, config, run, monitor=MONITOR)
    model.eval()
    card = model_card("text-to-pose", data, len(train_clips), config, metrics)
    run.finish(partial(save, model, weights=config.weights), card)
    return model, metrics


def save(model: TextToPose, folder: Path, *, weights: Literal["float32", "float16"]) -> None:
    """Writes a model folder; loading it gives 32-bit weights, whatever precision it is saved in."""
    kept = copy.deepcopy(model).half() if weights == "float16" else model
    kept.save_pretrained(folder)


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
    hands: dict[str, Side] = {**dict.fromkeys(languages, "right"), **dominant_hands(some, sequences)}
    steps = max_steps(some, sequences)
    if source is not None:
        text, old = joined_texts(source.config.text, text), source.config
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


def loaders(
    clips: RunData, model: TextToPose, config: RunConfig, train_clips: Sequence[Clip], *, with_text: bool
) -> tuple[DataLoader, DataLoader | None]:
    """Training batches, of texts or parts of them, and validation batches, if there are any.

    Args:
        train_clips: all clips that are trained on; `clips` may have some of them in memory.
    """
    starts, start_sequences = [each.clip for each in clips.train], [each.sequence for each in clips.train]
    dataset = partial(
        TextDataset,
        tokenizer=model.tokenizer,
        start_clips=starts,
        start_sequences=start_sequences,
        with_text=with_text,
    )
    augmentation = None
    if model.config.text.kind == "letters" and with_text:
        augmentation = HandshapeAugmentation(starts, start_sequences, train_clips, model.tokenizer.alphabets)
    train_set = dataset(starts, start_sequences, objective=config, augmentation=augmentation)
    validation = None
    if clips.validation:
        sequences = [each.sequence for each in clips.validation]
        validation_set = dataset([each.clip for each in clips.validation], sequences, objective=None)
        validation = _loader(validation_set, config, shuffle=False)
    if clips.stream is None:
        return _loader(train_set, config, shuffle=True), validation
    return stream_loader(clips.stream, train_set.of, config, collate=train_set.collate), validation


def kept_texts(model: TextToPose, source: TextToPose) -> str:
    """What a fine-tuned model keeps of the texts it knew, in a line."""
    old, new = source.config.text, model.config.text
    if old.kind != new.kind:
        return f"its {old.kind} are left out, for the new texts are {new.kind}"
    letters = sum(map(len, new.alphabets.values()))
    return f"what it knew is kept; in all {', '.join(model.languages)}" + (f", {letters} letters" if letters else "")


def adopt(model: TextToPose, source: TextToPose) -> None:
    """Copies a model's weights where they fit: the network's, and those of the tokens and letters both know.

    Raises:
        UserError: not even the denoiser fits.
    """
    theirs, ours = source.state_dict(), model.state_dict()
    if any(
        name.startswith("denoiser.") and theirs.get(name, value[:0]).shape != value.shape
        for name, value in ours.items()
    ):
        raise UserError("the model to begin from has a network of another size; train with its `network` settings")
    by_row = {"start_keypoints", "start_confidence", "text_encoder.embedding.weight"}
    fitting = {n: v for n, v in theirs.items() if n in ours and n not in by_row and v.shape == ours[n].shape}
    by_letter = {"text_encoder.lexicon.shared.weight", "text_encoder.lexicon.own.weight"}  # see `adopt_letters`
    model.load_state_dict({name: value for name, value in fitting.items() if name not in by_letter}, strict=False)
    with torch.no_grad():
        adopt_letters(model, source)
        for row, token in enumerate(model.tokenizer.vocabulary):
            if token in source.tokenizer.vocabulary:
                old = source.tokenizer.vocabulary.index(token)
                model.text_encoder.embedding.weight[row] = source.text_encoder.embedding.weight[old]


def adopt_letters(model: TextToPose, source: TextToPose) -> None:
    """Copies the embeddings of letters that both models know, the shared one and those of each language both know."""
    ours, theirs = model.text_encoder.lexicon, source.text_encoder.lexicon
    if ours is None or theirs is None:
        return
    old_letters = {letter: row for row, letter in enumerate(source.tokenizer.letters)}
    old_languages = {language: row for row, language in enumerate(source.languages)}
    for row, letter in enumerate(model.tokenizer.letters):
        if letter not in old_letters:
            continue
        old = old_letters[letter]
        ours.shared.weight[row] = theirs.shared.weight[old]
        for number, language in enumerate(model.languages):
            if language in old_languages:
                old_row = old_languages[language] * theirs.num_letters + old
                ours.own.weight[number * ours.num_letters + row] = theirs.own.weight[old_row]


def _loader(dataset: TextDataset, config: TrainingConfig, *, shuffle: bool) -> DataLoader:
    lengths = [len(sequence) for sequence in dataset.sequences]
    return batch_loader(dataset, lengths, config, collate=dataset.collate, shuffle=shuffle)
