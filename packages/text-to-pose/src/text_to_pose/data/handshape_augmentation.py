"""Clips of letters that a language was not taught: its own clips with the hand shape of alike languages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.metrics import dtw, frame_distances
from text_to_pose.data.hands import hand_shape, signing_hands
from text_to_pose.text.letters import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip

FRAMES = 24  # that hand shapes are kept at
SHARPNESS = 20.0  # of the choice among languages: e-fold for a twentieth more distance
PRIOR_COUNT = 3  # letters of average distance that two languages share beside those they do


class Transplants:
    """Gives clips the hand shapes of letters that their language was not taught, to train on.

    Fingerspelling alphabets share ancestors, some more than others. A letter's shape in a language that was not taught
    it is the mean over the languages that were, weighted by how alike their hands are to this language's in the
    letters that both have.

    Args:
        clips, sequences: letters, prepared; only these are learned from.
        every: all that the languages were taught, where `clips` are some of it.
        alphabets: letters of languages that a model to fine-tune was taught before.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sequences: Sequence[PoseSequence],
        every: Sequence[Clip] | None = None,
        alphabets: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._hands = signing_hands(clips, sequences)
        self._names: dict[str, str] = {}
        shapes: dict[tuple[str, str], np.ndarray] = {}  # (FRAMES, 21, D) of right hands of one size
        taught: dict[str, set[str]] = defaultdict(set)
        found: dict[str, list[tuple[str, np.ndarray]]] = defaultdict(list)
        for clip in clips if every is None else every:
            taught[clip.signed_language].add(fold(clip.text, clip.signed_language))
        for language, letters in (alphabets or {}).items():
            taught[language].update(fold(letter, language) for letter in letters)
        for clip, sequence in zip(clips, sequences, strict=True):
            letter = fold(clip.text, clip.signed_language)
            self._names.setdefault(letter, clip.text)
            shape = hand_shape(sequence, self._hands[clip.signed_language])
            if shape is not None:
                found[clip.signed_language].append((letter, resampled(shape[0], FRAMES)))
        self._sizes = {language: float(np.median([size(shape) for _, shape in of])) for language, of in found.items()}
        for language, of in found.items():
            for letter, shape in of:
                mirrored = shape * self._flip(language, shape.shape[-1]) / self._sizes[language]
                shapes.setdefault((language, letter), mirrored.astype(np.float32))
        distances = language_distances(shapes)
        self._shapes: dict[tuple[str, str], np.ndarray] = {}
        self._choices: dict[str, tuple[list[str], np.ndarray]] = {}
        for language in self._sizes:
            known_by: dict[str, list[str]] = defaultdict(list)
            for other, letter in shapes:
                if other != language and letter not in taught[language]:
                    known_by[letter].append(other)
            for letter, others in known_by.items():
                nearness = -SHARPNESS * np.array([distances[language, other] for other in others])
                weights = np.exp(nearness - nearness.max())
                mean = np.average([shapes[other, letter] for other in others], axis=0, weights=weights)
                self._shapes[language, letter] = mean.astype(np.float32)
            # A letter that few languages have is rarely one that this language has, too.
            plausible = np.array([len(others) ** 2 for others in known_by.values()], np.float64)
            self._choices[language] = (list(known_by), plausible.cumsum() / max(1.0, plausible.sum()))

    def draw(self, signed_language: str) -> str | None:
        """A letter the language was not taught, at random, the likelier the more others have it; None without any."""
        letters, cumulative = self._choices.get(signed_language, ([], np.zeros(0)))
        if not letters:
            return None
        return self._names[letters[min(int(np.searchsorted(cumulative, torch.rand(()).item())), len(letters) - 1)]]

    def apply(self, sequence: PoseSequence, signed_language: str, letter: str) -> PoseSequence:
        """The clip with the letter's shape at its signing hand, in the frames where that is seen.

        Raises:
            KeyError: the language was taught this letter, or no other was.
        """
        shape = self._shapes[signed_language, fold(letter, signed_language)]
        hand = sequence.skeleton.hand(self._hands[signed_language])
        frames = np.flatnonzero(sequence.confidence[:, hand[0]] > 0)
        if not len(frames):
            return sequence
        points = resampled(shape, len(frames)) * self._flip(signed_language, shape.shape[-1])
        keypoints = sequence.keypoints.copy()
        keypoints[frames[:, None], hand] = keypoints[frames, hand[0]][:, None] + points * self._sizes[signed_language]
        return replace(sequence, keypoints=keypoints)

    def _flip(self, signed_language: str, num_dims: int) -> np.ndarray:
        """(D,) from this language's signing hand to a right one, and back."""
        flip = np.ones(num_dims, np.float32)
        flip[0] = -1 if self._hands[signed_language] == "left" else 1
        return flip


def language_distances(shapes: dict[tuple[str, str], np.ndarray]) -> dict[tuple[str, str], float]:
    """How far languages' hands are apart in the letters they share, by pairs; 1 is as far as languages are on average.

    Args:
        shapes: (T, 21, D) of (language, letter).
    """
    ratios: dict[tuple[str, str], list[float]] = defaultdict(lambda: [1.0] * PRIOR_COUNT)
    with_letter: dict[str, list[str]] = defaultdict(list)
    for language, letter in shapes:
        with_letter[letter].append(language)
    for letter, languages in with_letter.items():
        apart = np.zeros((len(languages), len(languages)))
        for i, a in enumerate(languages):
            for j, b in enumerate(languages[:i]):
                one, other = shapes[a, letter], shapes[b, letter]
                ones = np.ones(one.shape[:2], np.float32)
                apart[i, j] = apart[j, i] = dtw(frame_distances(one, ones, other, ones))
        means = apart.sum(axis=1) / max(1, len(languages) - 1)
        for i, a in enumerate(languages):
            for j, b in enumerate(languages):
                if i != j and means[i] > 0:
                    ratios[a, b].append(apart[i, j] / means[i])
    languages = {language for language, _ in shapes}
    return {(a, b): float(np.mean(ratios[a, b])) for a in languages for b in languages if a != b}


def resampled(shape: np.ndarray, frames: int) -> np.ndarray:
    """(T, ...) at `frames` moments spread evenly from the first frame to the last, on lines between frames."""
    at = np.linspace(0, len(shape) - 1, frames)
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, len(shape) - 1)
    part = (at - before).reshape(-1, *[1] * (shape.ndim - 1)).astype(np.float32)
    return shape[before] * (1 - part) + shape[after] * part


def size(shape: np.ndarray) -> float:
    """Median distance of a hand's points (T, 21, D) from its wrist."""
    return float(np.median(np.linalg.norm(shape[:, 1:], axis=-1)))
