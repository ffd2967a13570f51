"""`train`: a manifest to a model folder."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from pose_core import UserError
from pose_core.data import read_manifest
from pose_core.training import TrainingConfig, batch_loader, check_run_folder, fit, model_card
from text_to_pose.clips import LetterDataset, mean_start_frame, read_prepared, signing_hands
from text_to_pose.config import NetworkConfig, TextToPoseConfig
from text_to_pose.lightning_module import MONITOR, TextToPoseModule
from text_to_pose.model import TextToPose
from text_to_pose.tokenizer import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.utils.data import DataLoader

    from pose_core import PoseSequence
    from pose_core.data import Clip

PRESETS = {path.stem: path for path in sorted((Path(__file__).parent / "presets").glob("*.yaml"))}


class RunConfig(BaseModel):
    """A preset: what is trained, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    fps: float = 25.0
    num_steps: int = 8
    weights: Literal["float32", "float16"] = Field("float32", description="precision the model folder keeps them in")


def train(
    data: Path, output: Path, config: RunConfig, *, resume: bool = False, overwrite: bool = False
) -> tuple[TextToPose, dict[str, float]]:
    """Trains on a manifest's train split, choosing the best weights by its validation split where it has one.

    Args:
        data: manifest CSV.
        output: run folder; in the end it is a model folder too.
        resume: go on with the run in `output`.
        overwrite: start the run in `output` again.

    Returns:
        The model and its last validation metrics.

    Raises:
        UserError: what the user has to mend in manifest, clips or folder.
    """
    resume_from = check_run_folder(output, resume=resume, overwrite=overwrite)
    clips = read_manifest(data)
    train_clips = [clip for clip in clips if clip.split == "train"]
    validation_clips = [clip for clip in clips if clip.split == "validation"]
    if not train_clips:
        raise UserError(f"{data}: no clip has split train; there is nothing to train on")
    train_sequences = read_prepared(train_clips, config.fps)
    validation_sequences = read_prepared(validation_clips, config.fps, train_sequences[0].skeleton)

    torch.manual_seed(config.training.seed)
    model = build_model(train_clips, train_sequences, config)
    starts = {"start_clips": train_clips, "start_sequences": train_sequences}
    train_set = LetterDataset(train_clips, train_sequences, model.tokenizer, training=True, **starts)
    validation_loader = None
    if validation_clips:
        validation_set = LetterDataset(
            validation_clips, validation_sequences, model.tokenizer, training=False, **starts
        )
        validation_loader = _loader(validation_set, config.training, shuffle=False)

    module = TextToPoseModule(model, config.training)
    trainer = fit(
        module,
        _loader(train_set, config.training, shuffle=True),
        validation_loader,
        config.training,
        output,
        monitor=MONITOR,
        resume_from=resume_from,
    )
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
    # The card first: the mixin writes one of its own where there is none.
    (output / "README.md").write_text(
        model_card("text-to-pose", data, len(train_clips), config, metrics), encoding="utf-8"
    )
    save(model.eval(), output, config.weights)
    return model, metrics


def save(model: TextToPose, folder: Path, weights: Literal["float32", "float16"]) -> None:
    """Writes a model folder; loading it gives 32-bit weights again, whatever precision it keeps."""
    kept = copy.deepcopy(model).half() if weights == "float16" else model
    kept.save_pretrained(folder)


def build_model(clips: Sequence[Clip], sequences: Sequence[PoseSequence], config: RunConfig) -> TextToPose:
    """A fresh model for the alphabets, hands and start frames of training clips."""
    alphabets: dict[str, dict[str, str]] = {}
    by_language: dict[str, list[PoseSequence]] = {}
    for clip, sequence in zip(clips, sequences, strict=True):
        alphabets.setdefault(clip.signed_language, {}).setdefault(fold(clip.text, clip.signed_language), clip.text)
        by_language.setdefault(clip.signed_language, []).append(sequence)
    model = TextToPose(
        TextToPoseConfig(
            network=config.network,
            skeleton=sequences[0].skeleton.to_dict(),
            alphabets={language: list(letters.values()) for language, letters in sorted(alphabets.items())},
            signing_hands=signing_hands(clips, sequences),
            fps=config.fps,
            num_steps=config.num_steps,
        )
    )
    for row, language in enumerate(model.languages):
        keypoints, confidence = mean_start_frame(by_language[language])
        model.start_keypoints[row] = torch.from_numpy(keypoints)
        model.start_confidence[row] = torch.from_numpy(confidence)
    return model


def _loader(dataset: LetterDataset, config: TrainingConfig, *, shuffle: bool) -> DataLoader:
    lengths = [len(sequence) for sequence in dataset.sequences]
    return batch_loader(dataset, lengths, config, collate=dataset.collate, shuffle=shuffle)
