"""Data to learn whole alphabets from: filmed letters, other people's hands, and letters that nobody was filmed signing.

uv run python benchmarks/fingerspelling_data.py --output letters [--data ../shared/data] [--leave-out t th]

Writes clips and a manifest, `index.csv`, that `text-to-pose train` takes:

- every row of `fingerspelling/`, as it is;
- `hands/`: of the letters of people in `signs/` that the lexicon lacks, `--takes` of each person's train split. Those
  clips show a hand that holds its letter, near a webcam and often without a body. A clip of the language's lexicon in
  which the hand stands still is given that hand. `--every-letter`: of letters that the lexicon has, too, given to its
  clips of the same letter. Models then learn a hand between the two people's, which is neither's;
- `rules/`: American and German letters that no clip shows, likewise with the hand of the signer that signs notation;
- `borrowed/`: other letters from A to Z of languages that are written in them, with the hand that related languages
  have, if three of them have the letter (`HandshapeAugmentation`).

The column `origin` says which clips are of the last two, and a model's `languages` says it of its letters then. A
person who is left out is in no clip: measure such a model on that person (`letters_across_people.py`). Validation rows
are those of `fingerspelling/`; no row of validation of `signs/` is used.
"""

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from letter_hands import held_frames, medoid
from signer_notation import AMERICAN, GERMAN, hamnosys

from pose_core import PoseSequence, read, write
from pose_core.data import Clip, read_clips
from pose_core.data.audit import summary
from pose_core.transforms import clean
from text_to_pose.data.hands import dominant_hands
from text_to_pose.data.handshape_augmentation import HandshapeAugmentation
from text_to_pose.data.preprocessing import prepare
from text_to_pose.fingerspelling.hand_turns import HandTurn
from text_to_pose.fingerspelling.strokes import find_stroke
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS
from text_to_pose.generation import placed
from text_to_pose.hamnosys.parser import parse
from text_to_pose.motion.limits import KNUCKLES
from text_to_pose.signing.signer import sign
from text_to_pose.signing.timing import SMOOTH
from text_to_pose.text.letters import fold, letters_to_borrow

DATA = Path(__file__).resolve().parents[2] / "shared/data"
FPS = 25.0
COLUMNS = ("path", "text", "signed_language", "person", "split", "origin")
MOVING = {"J", "Z"}  # people in `signs/` hold them: what is missing is their movement
TABLES = {"ase": AMERICAN, "gsg": GERMAN}
CARRIERS = 2  # clips that a letter of rules is put in
LENDERS = 3  # languages that have a letter, for it to be borrowed


@dataclass(frozen=True)
class Lexicon:
    """The lexicon's train split, prepared; each language is one person's.

    Attributes:
        clips, sequences: of all languages.
        hands: the dominant hand of each language.
    """

    clips: list[Clip]
    sequences: list[PoseSequence]
    hands: dict

    def of(self, language: str) -> dict[str, PoseSequence]:
        """The clip of each letter of a language, by its folded letter."""
        return {
            fold(clip.text, language): sequence
            for clip, sequence in zip(self.clips, self.sequences, strict=True)
            if clip.signed_language == language
        }

    def carriers(self, language: str, letter: str) -> list[PoseSequence]:
        """Clips of a language to give another hand to: the letter's own, or such in which the hand stands still."""
        own = self.of(language)
        if letter in own:
            return [own[letter]]
        held = (clip for clip in own.values() if not find_stroke(clip, self.hands[language]).moving)
        return sorted(held, key=lambda clip: abs(len(clip) - np.median([len(each) for each in own.values()])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="a folder that is not there")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--leave-out", nargs="*", default=[], help="people of signs/")
    parser.add_argument("--takes", type=int, default=2, help="of each letter and person")
    parser.add_argument("--every-letter", action="store_true", help="people's hands for letters of the lexicon, too")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True)
    (arguments.output / "fingerspelling").symlink_to((arguments.data / "fingerspelling").resolve())
    index = arguments.data / "fingerspelling/index.csv"
    filmed = read_clips(index)
    lexicon = read_lexicon(filmed)
    rows = [
        (
            f"fingerspelling/{clip.path.relative_to(index.parent).as_posix()}",
            clip.text,
            clip.signed_language,
            "",
            clip.split,
            "",
        )
        for clip in filmed
    ]
    letters = defaultdict(set)  # folded, that have clips by now
    for clip in lexicon.clips:
        letters[clip.signed_language].add(fold(clip.text, clip.signed_language))
    sources = (
        hands_of_people(
            arguments.data / "signs/index.csv",
            lexicon,
            {} if arguments.every_letter else {language: {*known} for language, known in letters.items()},
            arguments.leave_out,
            arguments.takes,
        ),
        hands_of_rules(lexicon, letters),
        borrowed_hands(lexicon, letters),
    )
    for source in sources:
        found = list(source)  # before they count as known
        for name, clip, sequence in found:
            letters[clip.signed_language].add(fold(clip.text, clip.signed_language))
            path = arguments.output / name
            path.parent.mkdir(exist_ok=True)
            write(placed(sequence), path)
            rows.append((name, clip.text, clip.signed_language, clip.person, "train", clip.origin))
    with (arguments.output / "index.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    for origin, what in (("", "of people"), ("rules", "of rules"), ("borrowed", "borrowed")):
        print(f"{sum(row[5] == origin for row in rows)} clips {what}")
    for language in sorted(letters):
        shown = {fold(row[1], language) for row in rows if row[2] == language and not row[5] and row[4] == "train"}
        print(f"{language}: {summary(sorted(letters[language] - shown), 40) or 'nothing'} without a clip of a person")


def read_lexicon(filmed: list[Clip]) -> Lexicon:
    clips = [clip for clip in filmed if clip.split == "train"]
    sequences = [prepare(read(clip.path), FPS) for clip in clips]
    sequences = [sequence.on_skeleton(sequences[0].skeleton) for sequence in sequences]
    return Lexicon(clips, sequences, dominant_hands(clips, sequences))


def hands_of_people(index: Path, lexicon: Lexicon, known: dict[str, set[str]], left_out: list[str], takes: int):
    """Letters of people in `signs/`, but for known ones: the first takes of each letter and person that show a hand."""
    by_letter = defaultdict(list)
    for clip in read_clips(index):
        spelled = len(clip.text) == 1 and clip.text.upper() not in MOVING
        if not spelled or fold(clip.text, clip.signed_language) in known.get(clip.signed_language, ()):
            continue
        if clip.split == "train" and clip.person not in left_out:
            by_letter[clip.signed_language, clip.person, clip.text].append(clip)
    for (language, person, letter), clips in by_letter.items():
        hands = (hand for clip in clips if (hand := held_hand(clean(read(clip.path)))) is not None)
        for take, hand in enumerate(islice(hands, takes)):
            carriers = lexicon.carriers(language, fold(letter, language))
            yield (
                f"hands/{language}-{person}-{letter}-{take}.pose",
                Clip(Path(), letter, language, "train", person=person),
                with_hand(carriers[take % len(carriers)], hand, lexicon.hands[language]),
            )


def hands_of_rules(lexicon: Lexicon, letters: dict[str, set[str]]):
    """Letters whose notation is known and that no clip shows."""
    for language, table in TABLES.items():
        for letter, names in table.items():
            if fold(letter, language) not in letters[language]:
                signed = sign([parse(hamnosys(names))])
                first, last = signed.spans[0]
                hand = held_hand(signed.sequence[first:last])
                for number, carrier in enumerate(lexicon.carriers(language, fold(letter, language))[:CARRIERS]):
                    yield (
                        f"rules/{language}-{letter}-{number}.pose",
                        Clip(Path(), letter, language, "train", person="rules", origin="rules"),
                        with_hand(carrier, hand, lexicon.hands[language]),
                    )


def borrowed_hands(lexicon: Lexicon, letters: dict[str, set[str]]):
    """Letters from A to Z that several other languages have."""
    augmentation = HandshapeAugmentation(lexicon.clips, lexicon.sequences)
    for language, letter, _ in letters_to_borrow(letters, LENDERS):
        carrier = lexicon.carriers(language, letter)[0]  # another one each time in training
        yield (
            f"borrowed/{language}-{letter.upper()}.pose",
            Clip(Path(), letter.upper(), language, "train", person="borrowed", origin="borrowed"),
            augmentation.apply(carrier, language, letter.upper()),
        )


def held_hand(sequence: PoseSequence) -> np.ndarray | None:
    """The hand that holds a letter, (21, 3) from its wrist, as a right one, its palm of length 1; None: not seen."""
    frames = held_frames(sequence)
    if frames is None:
        return None
    frames = frames - frames[:, :1]
    return medoid(frames / palm(frames))


def palm(hands: np.ndarray) -> float:
    """Length of the palm of hands (..., 21, 3) from their wrist, which the handshape does not change."""
    return float(np.median(np.linalg.norm(hands[..., KNUCKLES, :], axis=-1)))


def with_hand(carrier: PoseSequence, hand: np.ndarray, side: str) -> PoseSequence:
    """A clip (T, K, 3) in shoulder widths whose dominant hand holds another letter.

    It comes up as it does in the clip, takes the new shape on the way as it would turn and bend, and leaves it on the
    way down.

    Args:
        carrier: the clip.
        hand: (21, 3) from its wrist, a right one with a palm of length 1.
        side: the clip's dominant hand.
    """
    points = list(carrier.skeleton.hand(side))
    depth = np.array([1.0, 1.0, PICTURE_WIDTHS])
    own = (carrier.keypoints[:, points] - carrier.keypoints[:, points[:1]]).astype(np.float64) * depth
    stroke = find_stroke(carrier, side)
    held = own[stroke.first : stroke.last + 1]
    new = hand * palm(held) * np.array([-1.0 if side == "left" else 1.0, 1.0, 1.0])
    begin, end = _still(own, stroke.first, stroke.last)
    frames = np.arange(len(carrier))
    up, down = HandTurn.of(own[0], new), HandTurn.of(new, own[-1])
    rising = up.at(SMOOTH.at(np.minimum(frames / max(begin, 1), 1.0)))
    falling = down.at(SMOOTH.at(np.clip((frames - end) / max(len(frames) - 1 - end, 1), 0.0, 1.0)))
    shapes = np.where((frames <= end)[:, None, None], rising, falling) / depth
    visible = carrier.confidence[:, points[:1]] > 0
    keypoints = carrier.keypoints.copy()
    keypoints[:, points] = (keypoints[:, points[:1]] + shapes) * visible[..., None]
    return replace(carrier, keypoints=keypoints.astype(np.float32))


def _still(own: np.ndarray, first: int, last: int) -> tuple[int, int]:
    """The frames around those of a stroke in which the hand (T, 21, 3) keeps the shape it has there."""
    middle = own[(first + last) // 2]
    near = np.linalg.norm((own - middle)[..., :2], axis=-1).mean(axis=1) < 0.15 * palm(middle)
    while first > 0 and near[first - 1]:
        first -= 1
    while last + 1 < len(own) and near[last + 1]:
        last += 1
    return first, last


if __name__ == "__main__":
    main()
