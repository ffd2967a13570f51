"""Captions: the word that is signed, letter by letter, in a strip below the picture."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.rendering.fonts import drawable, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pose_core.sequence import PoseSequence

CURRENT, OTHER = (29, 78, 216), (156, 163, 175)  # RGB of the letter that is signed, and of the rest of its word
STRIP = 0.22  # height of the strip, of the picture's
LARGE, SMALL = 0.72, 0.46  # sizes of the letter that is signed and of the others, of the strip's height
SMALLEST = 0.6  # a long word shrinks so far before it is cut off around the current letter
BASELINE = 0.74  # of the strip's height
GAP = 0.12  # between letters, of the strip's height


@dataclass(frozen=True)
class Caption:
    """A caption of some frames of a clip: a letter of a fingerspelled word, or a sign.

    Captions that follow one another without a gap are one word. A gap in time, or a blank caption, ends it.

    Attributes:
        text: the letter, or whatever the sign is called.
        start: first frame.
        end: frame to stop before.
    """

    text: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise UserError(
                f"caption {self.text!r}: frames {self.start} to {self.end}; a caption lasts a frame or more"
            )


@dataclass(frozen=True)
class Word:
    """Captions shown together."""

    captions: tuple[Caption, ...]

    @property
    def start(self) -> int:
        """First frame."""
        return self.captions[0].start

    def current(self, frame: int) -> int | None:
        """Index of the caption that a frame belongs to; None before and after the word."""
        return next((i for i, each in enumerate(self.captions) if each.start <= frame < each.end), None)

    @property
    def right_to_left(self) -> bool:
        """Whether it is written in Arabic, Hebrew or another script that runs that way."""
        return any(unicodedata.bidirectional(letter) in ("R", "AL") for each in self.captions for letter in each.text)


def words(captions: Iterable[Caption]) -> list[Word]:
    """Groups captions, in order of time, into words."""
    grouped: list[list[Caption]] = []
    end = None
    for caption in sorted(captions, key=lambda each: each.start):
        if not caption.text.strip():
            end = None
            continue
        if caption.start == end:
            grouped[-1].append(caption)
        else:
            grouped.append([caption])
        end = caption.end
    return [Word(tuple(group)) for group in grouped]


def word_at(every: Sequence[Word], frame: int) -> int | None:
    """The word that a frame shows: the latest that has begun, else the first; None if there are no words."""
    begun = sum(word.start <= frame for word in every)
    return max(0, begun - 1) if every else None


def check_captions(captions: Iterable[Caption], sequence: PoseSequence, path: str | Path) -> None:
    """Refuses captions that are not those of a sequence.

    Raises:
        UserError: one ends after the last frame, or two overlap.
    """
    ordered = sorted(captions, key=lambda each: each.start)
    for caption in ordered:
        if caption.end > len(sequence):
            raise UserError(
                f"{path}: caption {caption.text!r} ends at frame {caption.end}, the pose has {len(sequence)} frames"
            )
    for one, other in itertools.pairwise(ordered):
        if other.start < one.end:
            raise UserError(f"{path}: captions {one.text!r} and {other.text!r} overlap at frame {other.start}")


class CaptionStrip:
    """Draws the strip below pictures of a width and a height in pixels; the strip's `height` is even."""

    def __init__(self, captions: Iterable[Caption], width: int, picture_height: int) -> None:
        self.words = words(captions)
        self.width, self.height = width, max(2, round(picture_height * STRIP / 2) * 2)
        self._drawn: dict[tuple[int | None, int | None], np.ndarray] = {}

    def at(self, frame: int) -> np.ndarray:
        """The strip (height, width, 3) uint8 RGB of a frame."""
        word = word_at(self.words, frame)
        current = None if word is None else self.words[word].current(frame)
        if (word, current) not in self._drawn:
            self._drawn[word, current] = self._draw(word, current)
        return self._drawn[word, current]

    def _draw(self, word: int | None, current: int | None) -> np.ndarray:
        from PIL import Image, ImageDraw

        image = Image.new("RGB", (self.width, self.height), "white")
        if word is None:
            return np.asarray(image)
        letters = [drawable(each.text) for each in self.words[word].captions]
        positions = np.arange(len(letters))
        if self.words[word].right_to_left:
            positions = positions[::-1]
        gap = GAP * self.height
        size = LARGE * self.height
        widths = np.array([load(path, round(size)).getlength(text) for text, path in letters]) + gap
        room = self.width - gap
        shrink = float(np.clip(room / widths.sum(), SMALLEST, 1))
        widths = widths * shrink
        ends = np.cumsum(widths[positions])
        middles = np.empty(len(letters))
        middles[positions] = ends - widths[positions] / 2  # of each letter, from the left end of the word
        if ends[-1] <= self.width:
            shift = (self.width - ends[-1]) / 2
        else:  # too long: what is signed stays in sight
            shift = float(np.clip(self.width / 2 - middles[current or 0], self.width - ends[-1], 0))
        canvas = ImageDraw.Draw(image)
        for i, (text, path) in enumerate(letters):
            font = load(path, max(1, round((LARGE if i == current else SMALL) * self.height * shrink)))
            color = CURRENT if i == current else OTHER
            canvas.text((shift + middles[i], BASELINE * self.height), text, fill=color, font=font, anchor="ms")
        return np.asarray(image)
