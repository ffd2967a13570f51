"""Evaluation: how well a model signs the letters of a data set, beside two baselines on the same clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from text_to_pose.evaluation.baselines import copied, other_clip, still
from text_to_pose.evaluation.references import References, read_references
from text_to_pose.evaluation.scores import ClipScore, Interval, Score, confidence_intervals
from text_to_pose.generation import generate_signs
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pose_core import PoseSequence
    from text_to_pose.model import TextToPose


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `evaluate`.

    Attributes:
        data, split: the data sets and the split of them that was scored.
        sampling: how each letter was sampled, its `num_steps` and `guidance` known.
        references: the data set's clips.
        rows: indices in `references` of the clips that were scored.
        predictions: of each system for these clips, None where it has nothing.
        clip_scores: of each system, in the order of the rows, without those that it has nothing for.
    """

    data: str | Path | Sequence[str | Path]
    split: str
    sampling: Sampling
    references: References
    rows: list[int]
    predictions: dict[str, list[PoseSequence | None]]
    clip_scores: dict[str, list[ClipScore]]

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The means of each system."""
        return {system: Score.of(scores) for system, scores in self.clip_scores.items()}

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """The 95 % `confidence_intervals` of each system."""
        return {system: confidence_intervals(scores) for system, scores in self.clip_scores.items()}


def evaluate(
    model: TextToPose,
    data: str | Path | Sequence[str | Path],
    split: str,
    *,
    sampling: Sampling | None = None,
    own_start: bool = False,
    others: int | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Generates every letter of a split and compares it with the clip.

    Each starts from the first frame of another clip of its language (from the train split where it has one, and from
    the model's own start frame where the language has no other clip), or from that of the clip itself, and gets the
    length the model predicts.

    Args:
        model: the network.
        data: manifest CSV, or several, or one folder of shards. Recognition looks among all clips of the language, of
            shards those of the split.
        split: which rows to score, or "all".
        sampling: how letters are sampled.
        own_start: start from the first frame of the clip itself.
        others: recognition looks among so many clips of other texts only.
        say: takes a line for people.

    Returns:
        Scores of `model`, of `still` (the start frame held as long as the language's median clip) and of `copied` (a
        clip of the same letter from another language, left out where there is none).

    Raises:
        UserError: a manifest or clip that cannot be used, or a split without rows.
    """
    sampling = sampling or Sampling()
    sampling = replace(
        sampling,
        num_steps=sampling.num_steps or model.config.num_steps,
        guidance=sampling.scale(model.config),
    )
    references = read_references(
        data, split, fps=model.config.fps, skeleton=model.skeleton, tokenizer=model.tokenizer, say=say
    )
    rows = references.rows(split)
    starts = rows if own_start else [other_clip(references.clips, i) for i in rows]
    say(f"generating {len(rows)} letters")
    predictions: dict[str, list[PoseSequence | None]] = {
        "model": [*_generate(model, references, rows, starts, sampling)],
        "still": [still(references, i, start) for i, start in zip(rows, starts, strict=True)],
        "copied": [copied(references, i) for i in rows],
    }
    clip_scores = {}
    for system, sequences in predictions.items():
        say(f"scoring {system}")
        clip_scores[system] = references.score(rows, sequences, others=others)
    return Evaluation(data, split, sampling, references, rows, predictions, clip_scores)


def _generate(
    model: TextToPose,
    references: References,
    rows: Sequence[int],
    starts: Sequence[int | None],
    sampling: Sampling,
) -> list[PoseSequence]:
    letters = [(references.clips[i].text, references.clips[i].signed_language) for i in rows]
    bundled = StartFrames.bundled(model, [language for _, language in letters])
    keypoints, confidence = bundled.keypoints.copy(), bundled.confidence.copy()
    for row, start in enumerate(starts):
        if start is not None:
            keypoints[row] = references.sequences[start].keypoints[0]
            confidence[row] = references.sequences[start].confidence[0]
    return generate_signs(model, letters, StartFrames(keypoints, confidence), sampling=sampling)
