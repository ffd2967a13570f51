"""Loaders of training and validation batches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pose_core.training import batch_loader, stream_loader
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.handshape_augmentation import HandshapeAugmentation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.utils.data import DataLoader

    from pose_core.data import Clip
    from pose_core.training import RunData
    from text_to_pose.config import RunConfig
    from text_to_pose.text.tokenizer import TextTokenizer


def loaders(
    clips: RunData, tokenizer: TextTokenizer, config: RunConfig, train_clips: Sequence[Clip], *, with_text: bool
) -> tuple[DataLoader, DataLoader | None]:
    """Training batches, of texts or parts of them, and validation batches, if there are any.

    Args:
        clips: of both splits.
        tokenizer: of their texts.
        config: of the run.
        train_clips: all training clips; `clips` may have some of them in memory.
        with_text: False leaves every text out.
    """
    starts, start_sequences = [each.clip for each in clips.train], [each.sequence for each in clips.train]
    dataset = partial(
        TextDataset,
        tokenizer=tokenizer,
        start_clips=starts,
        start_sequences=start_sequences,
        with_text=with_text,
        own_start=config.own_start_share == 1,
        depth=config.hand_depth,
    )
    augmentation = None
    if tokenizer.kind == "letters" and with_text:
        augmentation = HandshapeAugmentation(starts, start_sequences, train_clips, tokenizer.own_letters())
    train_set = dataset(starts, start_sequences, objective=config, augmentation=augmentation)
    validation = None
    if clips.validation:
        sequences = [each.sequence for each in clips.validation]
        validation_set = dataset([each.clip for each in clips.validation], sequences, objective=None)
        validation = _loader(validation_set, config, shuffle=False)
    if clips.stream is None:
        return _loader(train_set, config, shuffle=True), validation
    return stream_loader(clips.stream, train_set.of, config, collate=train_set.collate), validation


def _loader(dataset: TextDataset, config: RunConfig, *, shuffle: bool) -> DataLoader:
    lengths = [len(sequence) for sequence in dataset.sequences]
    if config.batch_frames is None:  # a batch is padded to its longest text, too
        lengths = [
            length + config.frames_per_token * len(texts[0].ids)
            for length, texts in zip(lengths, dataset.texts, strict=True)
        ]
    return batch_loader(dataset, lengths, config, collate=dataset.collate, shuffle=shuffle)
