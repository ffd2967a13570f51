"""Letters joined to fluent words: the hand comes up once, goes from letter to letter, and down at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core import PoseSequence
from pose_core.rendering import Caption
from text_to_pose.fingerspelling.strokes import find_stroke
from text_to_pose.fingerspelling.timeline import Timeline
from text_to_pose.fingerspelling.transitions import Limits, Transition, with_sizes
from text_to_pose.lengths import too_short
from text_to_pose.motion.limits import limit_hands
from text_to_pose.signing.timing import PAUSE, travel
from text_to_pose.text.spelling import WORD_SPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pose_core.skeleton import Side
    from text_to_pose.fingerspelling.fluency import Fluency

    Array = NDArray[np.float64]

# Shares of a letter's time that the first and the last letter of a word are held longer: readers need the first to
# begin with and the last to know that it is over.
FIRST, LAST = 0.3, 0.8
MOVEMENT = 1.5  # a moving letter's share of the time of one that stands still
HASTE = 1.6  # how much faster than in its clip a moving letter may be signed
SLIDE = 0.15  # shoulder widths, to the side of the hand, of the second of two letters that are the same
FARTHEST_SLIDE = 0.4  # of all of a word: the next one goes back


@dataclass(frozen=True)
class SpelledText:
    """A fluent text.

    Attributes:
        sequence: (T, K, D) in shoulder widths.
        captions: its letters in order; each from half way on the transition to it to half way on the next one.
        holds: for each letter the first frame and the one after the last in which it stands still or moves as it does.
    """

    sequence: PoseSequence
    captions: tuple[Caption, ...]
    holds: tuple[tuple[int, int], ...]


def spell_fluently(
    letters: Sequence[str],
    clips: Mapping[str, PoseSequence],
    fluency: Fluency,
    *,
    dominant_hand: Side,
    limits: Limits,
    frames: int | None = None,
) -> SpelledText:
    """Joins letters to fluent words.

    Of each clip only the stroke is used (`find_stroke`): the frame in which the hand stands still, or those of the
    letter's movement. The hand comes up from the first frame of the first letter's clip, which is where it goes back to
    at the end. Between words it rests in the last letter. The second of two letters that are the same slides to the
    side.

    Args:
        letters: of the text, at least one, with `WORD_SPACE` between words.
        clips: of each letter, and maybe others, (T, K, D) in shoulder widths, all from one start frame, with the
            dominant hand visible.
        fluency: how fast.
        dominant_hand: that spells.
        limits: of speed.
        frames: length of the text, to which it is slowed down or sped up as a whole; as the fluency says when None.

    Raises:
        UserError: fewer frames than the letters need.
    """
    stills = {letter: _Letter.of(clips[letter], dominant_hand) for letter in set(letters) - {WORD_SPACE}}
    words = _words(letters)
    first = words[0][0]
    line = _Line(clips[first][:1], stills[first], fluency, dominant_hand, limits)
    for number, word in enumerate(words):
        line.spell([(letter, stills[letter]) for letter in word], is_last=number == len(words) - 1)
    line.retract()
    return line.finished(frames)


def _words(letters: Sequence[str]) -> list[list[str]]:
    words: list[list[str]] = [[]]
    for letter in letters:
        if letter == WORD_SPACE:
            words.append([])
        else:
            words[-1].append(letter)
    return [word for word in words if word]


@dataclass(frozen=True, eq=False)
class _Letter:
    """The stroke of a letter: one frame, or those of its movement.

    Attributes:
        keypoints: (n, K, D) in shoulder widths; a hand that is missing is at its arm's wrist.
        visible: (K,)
    """

    keypoints: Array
    visible: NDArray[np.bool_]

    @classmethod
    def of(cls, clip: PoseSequence, dominant_hand: Side) -> _Letter:
        stroke = find_stroke(clip, dominant_hand)
        part = clip[stroke.first : stroke.last + 1]
        return cls(part.keypoints.astype(np.float64), (part.confidence > 0).mean(axis=0) > 0.5)

    def moved(self, offset: Array) -> _Letter:
        return replace(self, keypoints=self.keypoints + offset)

    @property
    def moves(self) -> bool:
        return len(self.keypoints) > 1


class _Line:
    """A text while letters are put on its time line.

    Args:
        start: one frame. Its hand may be a mean of many, smaller than any: it is made as large as the first letter's.
        first: that letter.
        fluency, hand, limits: as of `spell_fluently`.
    """

    def __init__(self, start: PoseSequence, first: _Letter, fluency: Fluency, hand: Side, limits: Limits) -> None:
        self.fluency, self.limits = fluency, limits
        self.skeleton = start.skeleton
        self.cycle = 1 / fluency.letters_per_second
        visible = start.confidence[0] > 0
        keypoints = start.keypoints[0].astype(np.float64)
        self.rest = _Letter(with_sizes(keypoints, first.keypoints[0], self.skeleton, limits)[None], visible)
        self.timeline = Timeline(self.rest.keypoints[0], visible)
        self.spelled: list[tuple[str, float, float]] = []  # letters, and when each begins and ends to be held
        self.ways: list[float] = []  # seconds of the transitions to them
        self.breaks: set[int] = set()  # numbers of the letters that begin a word
        shift = np.zeros(start.keypoints.shape[1:])
        arm = (self.skeleton.wrist(hand), self.skeleton.elbow(hand))
        for points, share in ((self.skeleton.hand(hand), 1.0), (arm[:1], 1.0), (arm[1:], 0.5)):
            for k in points:
                if k is not None:
                    shift[k, 0] = share * SLIDE * (-1 if hand == "right" else 1)  # the right hand is on the left
        self.shift = shift
        self._travel(first)

    def spell(self, word: Sequence[tuple[str, _Letter]], *, is_last: bool) -> None:
        """The letters of a word, and the pause after it."""
        slides = 0
        self.breaks.add(len(self.spelled))
        for number, (text, letter) in enumerate(word):
            if number and text == word[number - 1][0] and not letter.moves:
                slides = slides + 1 if (slides + 1) * SLIDE <= FARTHEST_SLIDE else slides - 1
            letter = letter.moved(slides * self.shift)
            if len(self.spelled):
                self._transition(letter)
            else:
                self.ways.append(self.cycle / 2)
            begin = self.timeline.seconds
            self._sign(letter, self._hold(number, len(word)))
            self.spelled.append((text, begin, self.timeline.seconds))
        if not is_last:
            self.timeline.hold(PAUSE)

    def _transition(self, letter: _Letter) -> None:
        way = self._way(letter)
        least = way.shortest(self.limits)
        if self.fluency.hold is None:
            wanted = least + max(0.0, self.cycle - least - self._least_hold) / 2
        else:
            wanted = self.cycle - self.fluency.hold
        self._go(letter, max(least, wanted), way)
        self.ways.append(max(least, wanted))

    def _hold(self, number: int, letters: int) -> float:
        """Seconds that a letter of a word is held after the way to it, `ways[-1]`."""
        if self.fluency.hold is not None:
            return max(self.fluency.hold, self._least_hold)
        longer = FIRST * (number == 0) + LAST * (number == letters - 1)
        return max(self.cycle - self.ways[-1], self._least_hold) + longer * self.cycle

    @property
    def _least_hold(self) -> float:
        return 1 / self.limits.fps  # so that some frame shows it

    def _sign(self, letter: _Letter, hold: float) -> None:
        if letter.moves:
            clip = len(letter.keypoints) / self.limits.fps
            haste = np.clip(clip / (MOVEMENT * self.cycle), 1.0, HASTE)
            self.timeline.play(letter.keypoints, clip / haste)
            hold = max(self._least_hold, hold - clip / haste)
        self.timeline.hold(hold)

    def retract(self) -> None:
        """The hand goes back to where it began."""
        self._travel(self.rest)

    def _travel(self, letter: _Letter) -> None:
        """A way as long as the hand's are between signs: up to the first letter, and down from the last."""
        way = self._way(letter)
        self._go(letter, travel(way.distance(), 1.0), way)

    def _way(self, letter: _Letter) -> Transition:
        first, second = self._both(letter)
        return Transition.of(first, second, self.skeleton, self.limits)

    def _go(self, letter: _Letter, seconds: float, way: Transition) -> None:
        self.timeline.go(way.at, max(seconds, way.shortest(self.limits)), letter.keypoints[0], letter.visible)

    def _both(self, letter: _Letter) -> tuple[Array, Array]:
        """The frame that the line is at, and the letter's first; what one of them lacks is as in the other."""
        at, visible = self.timeline.keypoints.copy(), self.timeline.visible
        to = letter.keypoints[0].copy()
        nowhere = ~visible & ~letter.visible
        to[nowhere] = at[nowhere]
        for frame, seen, other, seen_there in ((at, visible, to, letter.visible), (to, letter.visible, at, visible)):
            missing = ~seen & seen_there
            frame[missing] = other[missing]
            for side in ("left", "right"):
                hand, wrist = self.skeleton.hand(side), self.skeleton.wrist(side)
                if hand and wrist is not None and missing[hand[0]] and seen[wrist] and seen_there[wrist]:
                    frame[hand] += frame[wrist] - other[wrist]
        return at, to

    def finished(self, frames: int | None) -> SpelledText:
        """The text at the frame rate of its limits, in as many frames."""
        shortest = 2 * len(self.spelled) + 1
        if frames is not None and frames < shortest:
            raise too_short(len(self.spelled), shortest, self.limits.fps)
        fps, seconds = self.limits.fps, self.timeline.seconds
        total = round(seconds * fps) + 1 if frames is None else frames
        rate = (total - 1) / seconds  # frames per second of the time line
        keypoints, visible = self.timeline.at(np.arange(total) / rate)
        keypoints = limit_hands(keypoints, self.skeleton)  # a hand of wrong depth would grow while it turns
        sequence = PoseSequence(
            (keypoints * visible[..., None]).astype(np.float32), visible.astype(np.float32), fps, self.skeleton
        )
        holds = self._holds(rate, total)
        return SpelledText(sequence, self._captions(rate, total, holds), holds)

    def _holds(self, rate: float, total: int) -> tuple[tuple[int, int], ...]:
        """Frames of each letter: the first that is not before it, to the last that is not after it."""
        holds = []
        for _, begin, end in self.spelled:
            first = min(int(np.ceil(begin * rate - 1e-6)), total - 1)
            holds.append((first, max(first, int(np.floor(end * rate + 1e-6))) + 1))
        return tuple(holds)

    def _captions(self, rate: float, total: int, holds: Sequence[tuple[int, int]]) -> tuple[Caption, ...]:
        """One caption per letter. Each covers the letter's hold, also where rounding to few frames would cut it off."""
        captions: list[Caption] = []
        for number, (text, begin, end) in enumerate(self.spelled):
            first = round((begin - self.ways[number] / 2) * rate)
            ends_word = number + 1 == len(self.spelled) or number + 1 in self.breaks
            after = self.cycle / 2 if ends_word else self.ways[number + 1] / 2
            last = min(round((end + after) * rate), total)
            hold_start, hold_end = holds[number]
            next_hold = holds[number + 1][0] if number + 1 < len(holds) else total
            first = max(min(first, hold_start), captions[-1].end if captions else 0)
            last = min(max(last, hold_end), next_hold)
            captions.append(Caption(text, first, max(last, first + 1)))
        return tuple(captions)
