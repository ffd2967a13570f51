"""Fluent words beside what hands do: letters recognized in place, dips between them, speeds, and how fast they are.

uv run python benchmarks/fluent_words.py [--data ../shared/data] [--languages ase gsg] [--output words.json]

Spells random words of letters of each alphabet and prints JSON:

- `rank1`: the share of letters that are nearest to the language's own filmed letter, by the hand in the middle of their
  hold; `rank1_alone`: the same of each letter generated alone. See `letter_hands`.
- `deepest_dip`: shoulder widths by which a wrist is lower between two letters than in either.
- `fastest`: of any keypoint from one frame to the next, in that of the language's clips.
- `letters_per_second`: from the beginning of the first letter's hold to that of the last one's.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from letter_hands import filmed_hand, normalized_hand, ranks

from pose_core import read
from pose_core.data import read_clips
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS
from text_to_pose.generation import SignedText, sign_texts
from text_to_pose.model import TextToPose, load_model

DATA = Path(__file__).resolve().parents[2] / "shared/data"
LENGTHS = (3, 9)  # letters of a word
UNIT = 128  # pixels of a shoulder width in generated texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--languages", nargs="*", default=["ase"])
    parser.add_argument("--words", type=int, default=50)
    parser.add_argument("--letters-per-second", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    clips = read_clips(arguments.data / "fingerspelling/index.csv")
    report = {
        "settings": {name: str(value) for name, value in vars(arguments).items()} | {"threads": torch.get_num_threads()}
    }
    for language in arguments.languages:
        filmed = [filmed_hand(clip.text, read(clip.path)) for clip in clips if clip.signed_language == language]
        report[language] = measured(model, language, [hand for hand in filmed if hand is not None], arguments)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


def measured(model: TextToPose, language: str, gallery: list, arguments: argparse.Namespace) -> dict:
    letters = model.tokenizer.alphabets[language]
    random = np.random.default_rng(arguments.seed)
    words = [list(random.choice(letters, random.integers(*LENGTHS, endpoint=True))) for _ in range(arguments.words)]
    spelled = sign_texts(model, words, language, fluency=Fluency(arguments.letters_per_second))
    # Two letters far from each other, so that each is spelled and held by itself.
    alone = sign_texts(model, [[letter, letter] for letter in letters], language, fluency=Fluency(1.0))
    side = model.config.dominant_hands[language]
    return {
        "rank1": rank1(spelled, side, gallery),
        "rank1_alone": rank1(alone, side, gallery),
        "deepest_dip": round(max(dip(word, side) for word in spelled), 3),
        "fastest": round(max(fastest(word) for word in spelled) / model.config.max_step[language], 3),
        "letters_per_second": round(float(np.mean([rate(word) for word in spelled])), 2),
        "seconds_per_word": round(float(np.mean([word.sequence.duration for word in spelled])), 2),
    }


def rank1(words: list[SignedText], side: str, gallery: list) -> float:
    hands = [
        normalized_hand(
            caption.text,
            word.sequence.keypoints[(first + last) // 2, word.sequence.skeleton.hand(side)],
            side,
            PICTURE_WIDTHS,
        )
        for word in words
        for caption, (first, last) in zip(word.captions, word.holds, strict=True)
    ]
    found = [rank for each in ranks(hands, gallery).values() for rank in each]
    return round(float(np.mean(np.array(found) < 1)), 3)


def dip(word: SignedText, side: str) -> float:
    """By how many shoulder widths the wrist is lower between two letters of a word than in the lower one of them."""
    height = -word.sequence.keypoints[:, word.sequence.skeleton.hand(side)[0], 1] / UNIT
    deepest = 0.0
    for (_, end), (begin, _) in zip(word.holds, word.holds[1:], strict=False):
        between = height[end - 1 : begin + 1]
        deepest = max(deepest, float(min(between[0], between[-1]) - between.min()))
    return deepest


def fastest(word: SignedText) -> float:
    sequence = word.sequence
    steps = np.linalg.norm(np.diff(sequence.keypoints, axis=0), axis=-1) / UNIT
    return float((steps * (sequence.visible[1:] & sequence.visible[:-1])).max())


def rate(word: SignedText) -> float:
    (first, _), (last, _) = word.holds[0], word.holds[-1]
    return (len(word.holds) - 1) * word.sequence.fps / (last - first)


if __name__ == "__main__":
    main()
