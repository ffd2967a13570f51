"""Clips of letters that a language lacks: its own clips with the hand shapes of related languages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core.metrics import dtw, frame_distances
from text_to_pose.data.hands import dominant_hands, hand_shape
from text_to_pose.text.letters import BORROWED, fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pose_core import PoseSequence
    from pose_core.data import Clip

FRAMES = 24  # that hand shapes are resampled to
SHARPNESS = 20.0  # inverse temperature of the softmax over languages: e-fold for a twentieth more distance
PRIOR_COUNT = 3  # letters of average distance that two languages share beside those they do

Shapes = dict[tuple[str, str], np.ndarray]  # (language, folded letter) -> (FRAMES, 21, D)


class HandshapeAugmentation:
    """Gives clips the hand shapes of letters that their language lacks.

    Fingerspelling alphabets share ancestors, some more than others. The shape of letter x in a language l without it is
    a mean over the languages m that have it, weighted by a softmax of the languages' distances (`language_distances`):

        shape(l, x) = sum_m w(l, m) shape(m, x),  w(l, m) proportional to exp(-SHARPNESS d(l, m)).

    Shapes are compared and averaged as right hands of one size, the median of their language, and put back as hands of
    the language's size and side. A letter is drawn with a probability proportional to the square of the number of
    languages that have it: one that few languages have is rarely one that this language has, too.

    Args:
        clips, sequences: letters, prepared; only these are learned from.
        every: all clips of the languages, where `clips` are some of them.
        alphabets: letters of languages that a model to fine-tune has learned before, borrowed ones left out.

    A clip whose `origin` says that its hand was borrowed lends no hand, and its language still lacks the letter: it is
    trained on with any clip of the language, not only with those that were made.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sequences: Sequence[PoseSequence],
        every: Sequence[Clip] | None = None,
        alphabets: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        # Hands that were borrowed to make a clip are no more a language's own than those that are drawn here
        own = [(clip, sequence) for clip, sequence in zip(clips, sequences, strict=True) if clip.origin != BORROWED]
        clips, sequences = [clip for clip, _ in own], [sequence for _, sequence in own]
        self._hands = dominant_hands(clips, sequences)
        self._names: dict[str, str] = {}  # folded letter -> as it is first written
        for clip in clips:
            self._names.setdefault(fold(clip.text, clip.signed_language), clip.text)
        examples = self._examples(clips, sequences)
        self._sizes = {
            language: float(np.median([size(shape) for _, shape in shapes])) for language, shapes in examples.items()
        }
        known = self._normalized(examples)
        letters = _known_letters(clips if every is None else every, alphabets or {})
        distances = language_distances(known)
        self._shapes: Shapes = {}
        self._choices: dict[str, tuple[list[str], np.ndarray]] = {}  # letters and their cumulative probabilities
        for language in self._sizes:
            languages_of = _lacking(language, letters[language], known)
            for letter, languages in languages_of.items():
                logits = -SHARPNESS * np.array([distances[language, other] for other in languages])
                weights = np.exp(logits - logits.max())
                mean = np.average([known[other, letter] for other in languages], axis=0, weights=weights)
                self._shapes[language, letter] = mean.astype(np.float32)
            counts = np.array([len(languages) ** 2 for languages in languages_of.values()], np.float64)
            self._choices[language] = (list(languages_of), counts.cumsum() / max(1.0, counts.sum()))

    def lends(self, signed_language: str, letter: str) -> bool:
        """Whether the language lacks the letter and another has it."""
        return (signed_language, fold(letter, signed_language)) in self._shapes

    def draw(self, signed_language: str) -> str | None:
        """A random letter that the language lacks, more likely the more others have it; None if there is none."""
        letters, cumulative = self._choices.get(signed_language, ([], np.zeros(0)))
        if not letters:
            return None
        drawn = int(np.searchsorted(cumulative, torch.rand(()).item()))
        return self._names[letters[min(drawn, len(letters) - 1)]]

    def apply(self, sequence: PoseSequence, signed_language: str, letter: str) -> PoseSequence:
        """The clip with the letter's shape at its dominant hand, in the frames where that is visible.

        Raises:
            KeyError: the language has this letter, or no other has.
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

    def _examples(
        self, clips: Sequence[Clip], sequences: Sequence[PoseSequence]
    ) -> dict[str, list[tuple[str, np.ndarray]]]:
        """Folded letters and hand shapes (FRAMES, 21, D) of clips that show a dominant hand, by language."""
        examples: dict[str, list[tuple[str, np.ndarray]]] = defaultdict(list)
        for clip, sequence in zip(clips, sequences, strict=True):
            shape = hand_shape(sequence, self._hands[clip.signed_language])
            if shape is not None:
                letter = fold(clip.text, clip.signed_language)
                examples[clip.signed_language].append((letter, resampled(shape[0], FRAMES)))
        return examples

    def _normalized(self, examples: Mapping[str, Sequence[tuple[str, np.ndarray]]]) -> Shapes:
        """The first example of each letter of each language, as a right hand of size 1."""
        shapes: Shapes = {}
        for language, of in examples.items():
            for letter, shape in of:
                right = shape * self._flip(language, shape.shape[-1]) / self._sizes[language]
                shapes.setdefault((language, letter), right.astype(np.float32))
        return shapes

    def _flip(self, signed_language: str, num_dims: int) -> np.ndarray:
        """(D,) signs that turn this language's dominant hand into a right one, and back."""
        flip = np.ones(num_dims, np.float32)
        flip[0] = -1 if self._hands[signed_language] == "left" else 1
        return flip


def _known_letters(clips: Sequence[Clip], alphabets: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Folded letters of each language: those of its clips and of its alphabet."""
    letters: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.origin != BORROWED:
            letters[clip.signed_language].add(fold(clip.text, clip.signed_language))
    for language, alphabet in alphabets.items():
        letters[language].update(fold(letter, language) for letter in alphabet)
    return letters


def _lacking(language: str, letters: set[str], shapes: Shapes) -> dict[str, list[str]]:
    """The letters that a language lacks, and the languages whose shape of each is known."""
    languages_of: dict[str, list[str]] = defaultdict(list)
    for other, letter in shapes:
        if other != language and letter not in letters:
            languages_of[letter].append(other)
    return languages_of


def language_distances(shapes: Shapes) -> dict[tuple[str, str], float]:
    """Distances of languages' hands in the letters they share, by pairs; 1 is the average distance.

    For a letter x that both have, r(l, m, x) = DTW(l, m) / mean over all n of DTW(l, n): some letters differ more than
    others, in every language. The distance of l and m is the mean of r over their shared letters and of `PRIOR_COUNT`
    ones, which keeps languages that share few letters near the average.

    Args:
        shapes: (T, 21, D) of (language, letter).
    """
    ratios: dict[tuple[str, str], list[float]] = defaultdict(lambda: [1.0] * PRIOR_COUNT)
    with_letter: dict[str, list[str]] = defaultdict(list)
    for language, letter in shapes:
        with_letter[letter].append(language)
    for letter, languages in with_letter.items():
        distances = _pairwise([shapes[language, letter] for language in languages])
        means = distances.sum(axis=1) / max(1, len(languages) - 1)
        for i, a in enumerate(languages):
            for j, b in enumerate(languages):
                if i != j and means[i] > 0:
                    ratios[a, b].append(distances[i, j] / means[i])
    languages = {language for language, _ in shapes}
    return {(a, b): float(np.mean(ratios[a, b])) for a in languages for b in languages if a != b}


def _pairwise(shapes: Sequence[np.ndarray]) -> np.ndarray:
    """(N, N) DTW distances of hand shapes (T, 21, D)."""
    distances = np.zeros((len(shapes), len(shapes)))
    for i, one in enumerate(shapes):
        confidence = np.ones(one.shape[:2], np.float32)
        for j, other in enumerate(shapes[:i]):
            distances[i, j] = distances[j, i] = dtw(frame_distances(one, confidence, other, confidence))
    return distances


def resampled(shape: np.ndarray, frames: int) -> np.ndarray:
    """(T, ...) at `frames` equidistant moments from the first frame to the last, by linear interpolation."""
    position = np.linspace(0, len(shape) - 1, frames)
    before = np.floor(position).astype(int)
    after = np.minimum(before + 1, len(shape) - 1)
    weight = (position - before).reshape(-1, *[1] * (shape.ndim - 1)).astype(np.float32)
    return shape[before] * (1 - weight) + shape[after] * weight


def size(shape: np.ndarray) -> float:
    """Median distance of a hand's points (T, 21, D) from its wrist."""
    return float(np.median(np.linalg.norm(shape[:, 1:], axis=-1)))
