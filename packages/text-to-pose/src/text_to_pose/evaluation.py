"""How well a model signs the letters of a manifest, beside two baselines on the same clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import UserError
from pose_core.data import read_manifest
from pose_core.metrics import acceleration, dtw, dtw_mje, frame_distances
from text_to_pose.clips import read_prepared, signing_hands
from text_to_pose.generation import StartFrames, generate_letters
from text_to_pose.tokenizer import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pose_core import PoseSequence
    from pose_core.data import Clip
    from pose_core.skeleton import Side
    from text_to_pose.model import TextToPose


@dataclass(frozen=True)
class Score:
    """Means over clips; NaN where no clip could be scored.

    Attributes:
        clips: how many were scored.
        dtw_mje: shoulder widths, see `pose_core.metrics.dtw_mje`.
        length_error: |frames - reference frames| / reference frames.
        rank1, rank5: share of clips whose letter is that of the nearest, or of one of the five nearest, clips of its
            language, by DTW on the shape of the signing hand.
        acceleration: mean acceleration over the reference's; 0 is a still picture, far above 1 is jitter.
    """

    clips: int
    dtw_mje: float
    length_error: float
    rank1: float
    rank5: float
    acceleration: float


@dataclass(frozen=True)
class ManifestClips:
    """A manifest's clips, read and prepared, with what recognition needs of them."""

    clips: list[Clip]
    sequences: list[PoseSequence]
    letters: list[str]
    shapes: list[tuple[np.ndarray, np.ndarray] | None]
    hands: dict[str, Side]


def evaluate(
    model: TextToPose,
    data: Path,
    split: str,
    *,
    num_steps: int | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> dict[str, Score]:
    """Generates every letter of a split and compares it with the clip.

    Each starts from the first frame of another clip of its language (from the train split where it has one, and from
    the model's own start frame where the language has no other clip), and gets the length the model predicts.

    Args:
        data: manifest CSV. Recognition looks among all its clips of the language.
        split: which rows to score.
        num_steps: refinements; the model's own number when None.
        progress: told what is being done.

    Returns:
        Scores of `model`, of `still` (the start frame held as long as the language's median clip) and of `copied` (a
        clip of the same letter from another language, left out where there is none).

    Raises:
        UserError: a manifest or clip that cannot be used, or a split without rows.
    """
    everything = _read(model, data, split, progress)
    rows = [i for i, clip in enumerate(everything.clips) if clip.split == split]
    if not rows:
        known = ", ".join(sorted({clip.split for clip in everything.clips}))
        raise UserError(f"{data}: no clip has split {split}; it has {known}")
    starts = [_other_clip(everything.clips, i) for i in rows]
    progress(f"generating {len(rows)} letters")
    made: dict[str, Sequence[PoseSequence | None]] = {
        "model": _generate(model, everything, rows, starts, num_steps),
        "still": [_held(everything, i, start) for i, start in zip(rows, starts, strict=True)],
        "copied": [_copied(everything, i) for i in rows],
    }
    scores = {}
    for name, sequences in made.items():
        progress(f"scoring {name}")
        scores[name] = _score(everything, rows, sequences)
    return scores


def hand_shape(sequence: PoseSequence, side: Side) -> tuple[np.ndarray, np.ndarray] | None:
    """A hand relative to its wrist, over the frames it is seen: (T', 21, D) in shoulder widths, confidence (T', 21).

    None where it is seen in no frame.
    """
    hand = sequence.skeleton.hand(side)
    seen = sequence.confidence[:, hand[:1]].any(axis=1)
    if not seen.any():
        return None
    points = sequence.keypoints[seen][:, hand]
    return points - points[:, :1], sequence.confidence[seen][:, hand]


def _read(model: TextToPose, data: Path, split: str, progress: Callable[[str], None]) -> ManifestClips:
    clips = read_manifest(data)
    for clip in clips:
        try:
            model.tokenizer.check_language(clip.signed_language)
            if clip.split == split:  # the others only lend their hand shapes
                model.tokenizer.tokenize(clip.text, clip.signed_language)
        except UserError as error:
            raise UserError(f"{clip.path}: {error}; remove its row from {data}") from error
    progress(f"reading {len(clips)} clips")
    sequences = read_prepared(clips, model.config.fps, model.skeleton)
    hands = signing_hands(clips, sequences)
    shapes = [
        hand_shape(sequence, hands[clip.signed_language]) for clip, sequence in zip(clips, sequences, strict=True)
    ]
    return ManifestClips(clips, sequences, [fold(clip.text, clip.signed_language) for clip in clips], shapes, hands)


def _other_clip(clips: Sequence[Clip], i: int) -> int | None:
    """Another clip of the language of clip `i`, not the same for each: of the train split if it has one."""
    others = [j for j, clip in enumerate(clips) if clip.signed_language == clips[i].signed_language and j != i]
    taught = [j for j in others if clips[j].split == "train"] or others
    return taught[i % len(taught)] if taught else None


def _generate(
    model: TextToPose,
    everything: ManifestClips,
    rows: Sequence[int],
    starts: Sequence[int | None],
    num_steps: int | None,
) -> list[PoseSequence]:
    letters = [(everything.clips[i].text, everything.clips[i].signed_language) for i in rows]
    bundled = StartFrames.bundled(model, [language for _, language in letters])
    keypoints, confidence = bundled.keypoints.clone(), bundled.confidence.clone()
    for row, start in enumerate(starts):
        if start is not None:
            keypoints[row] = torch.from_numpy(everything.sequences[start].keypoints[0])
            confidence[row] = torch.from_numpy(everything.sequences[start].confidence[0])
    return generate_letters(model, letters, StartFrames(keypoints, confidence), num_steps=num_steps)


def _held(everything: ManifestClips, i: int, start: int | None) -> PoseSequence | None:
    if start is None:
        return None
    language = everything.clips[i].signed_language
    lengths = [
        len(sequence)
        for j, (clip, sequence) in enumerate(zip(everything.clips, everything.sequences, strict=True))
        if clip.signed_language == language and j != i
    ]
    return everything.sequences[start].held(0, int(np.median(lengths)))


def _copied(everything: ManifestClips, i: int) -> PoseSequence | None:
    clips, letters = everything.clips, everything.letters
    same = [
        j
        for j, clip in enumerate(clips)
        if letters[j] == letters[i] and clip.signed_language != clips[i].signed_language
    ]
    return everything.sequences[same[i % len(same)]] if same else None


def _score(everything: ManifestClips, rows: Sequence[int], made: Sequence[PoseSequence | None]) -> Score:
    pairs = [(i, sequence) for i, sequence in zip(rows, made, strict=True) if sequence is not None]
    references = [everything.sequences[i] for i, _ in pairs]
    nearest = [_nearest_letters(everything, i, sequence) for i, sequence in pairs]
    sequences = [sequence for _, sequence in pairs]
    return Score(
        clips=len(pairs),
        dtw_mje=_finite_mean(map(dtw_mje, sequences, references)),
        length_error=_finite_mean(abs(len(s) - len(r)) / len(r) for s, r in zip(sequences, references, strict=True)),
        rank1=_finite_mean(everything.letters[i] in found[:1] for (i, _), found in zip(pairs, nearest, strict=True)),
        rank5=_finite_mean(everything.letters[i] in found[:5] for (i, _), found in zip(pairs, nearest, strict=True)),
        acceleration=_finite_mean(
            acceleration(s) / acceleration(r) for s, r in zip(sequences, references, strict=True)
        ),
    )


def _nearest_letters(everything: ManifestClips, i: int, sequence: PoseSequence) -> list[str]:
    """Letters of the clips of clip `i`'s language, nearest hand shape first; none without a signing hand."""
    language = everything.clips[i].signed_language
    shape = hand_shape(sequence, everything.hands[language])
    if shape is None:
        return []
    candidates = [
        (dtw(frame_distances(*shape, *other)), letter)
        for clip, other, letter in zip(everything.clips, everything.shapes, everything.letters, strict=True)
        if clip.signed_language == language and other is not None
    ]
    return [letter for _, letter in sorted(candidates)]


def _finite_mean(values: Iterable[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
