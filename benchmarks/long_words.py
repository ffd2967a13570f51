"""Body measures of long fingerspelled words: random words of 5 to 40 letters in every language of a model.

uv run python benchmarks/long_words.py [--words 100] [--checkpoint fingerspelling] [--languages ase gsg]

Over all frames of all words of a language: shoulder tilt and width against the first frame, distance of the signing
hand's wrist from the arm's, palm size over the word's median, and bone lengths, as `pose_core.metrics.anatomy` measures
them; and how far the hand shape of each word's last letter is from that of the same letter alone (mean distance of
points along the best alignment in time, relative to the wrist, in shoulder widths), beside other letters of the word.
Prints JSON.
"""

import argparse
import json

import numpy as np
import torch

from pose_core import PoseSequence
from pose_core.metrics import anatomy, dtw, frame_distances
from text_to_pose import load_model
from text_to_pose.data.hands import hand_shape
from text_to_pose.generation import SignedText, sign_texts

LENGTHS = (5, 40)  # letters
BATCH = 20  # words at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=100)
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--languages", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    figures = {}
    for language in arguments.languages or model.languages:
        random = np.random.default_rng(arguments.seed)
        letters = model.tokenizer.alphabets[language]
        words = [list(random.choice(letters, random.integers(*LENGTHS, endpoint=True))) for _ in range(arguments.words)]
        alone = dict(zip(letters, sign_texts(model, [[letter] for letter in letters], language), strict=True))
        side = model.config.dominant_hands[language]
        found = [
            measured(word, alone, side)
            for first in range(0, len(words), BATCH)
            for word in sign_texts(model, words[first : first + BATCH], language, fluency=None)
        ]
        figures[language] = {
            "signing_hand": side,
            **{name: round(float(np.max([each[name] for each in found])), 4) for name in WORST},
            **{name: round(float(np.mean([each[name] for each in found])), 4) for name in MEANS},
        }
    worst = {name: max(each[name] for each in figures.values()) for name in WORST}
    settings = vars(arguments) | {"threads": torch.get_num_threads(), "letters": LENGTHS}
    print(json.dumps({"settings": settings, "worst": worst, "languages": figures}, indent=2, ensure_ascii=False))


WORST = ("tilt_degrees", "width_change", "wrist_gap", "palm_ratio", "bone_change")
MEANS = ("wrist_gap_mean", "last_letter", "other_letters")


def measured(word: SignedText, alone: dict[str, SignedText], side: str) -> dict[str, float]:
    """Figures of one word."""
    body = anatomy(word.sequence)
    last = word.captions[-1]
    shape = shape_of(word.sequence[last.start : last.end], side)
    others = [apart(shape, shape_of(one.sequence, side)) for letter, one in alone.items() if letter != last.text]
    return {
        "tilt_degrees": largest(np.abs(body.shoulder_tilt)),
        "width_change": largest(np.abs(body.shoulder_width - 1)),
        "wrist_gap": largest(body.wrist_gap[side]),
        "wrist_gap_mean": float(np.nanmean(body.wrist_gap[side])),
        "palm_ratio": largest(body.palm_size[side]),
        "bone_change": max(largest(values) for values in body.bone_change.values() if np.isfinite(values).any()),
        "last_letter": apart(shape, shape_of(alone[last.text].sequence, side)),
        "other_letters": float(np.mean(others)),
    }


def largest(values: np.ndarray) -> float:
    return float(np.nanmax(values))


def shape_of(sequence: PoseSequence, side: str) -> np.ndarray:
    """(T, 21, 2) of the hand relative to its wrist, in shoulder widths."""
    left, right = sequence.skeleton.shoulders()
    width = np.linalg.norm(sequence.keypoints[0, left, :2] - sequence.keypoints[0, right, :2])
    found = hand_shape(sequence, side)
    assert found is not None
    return found[0][..., :2] / width


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of points along the best alignment in time."""
    distances = frame_distances(one, np.ones(one.shape[:2]), other, np.ones(other.shape[:2]))
    return float(dtw(distances))


if __name__ == "__main__":
    main()
