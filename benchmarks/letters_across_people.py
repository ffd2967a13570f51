"""Letters of a model among the alphabet of one person: hands alone, in three dimensions, wherever the camera stood.

uv run python benchmarks/letters_across_people.py [--checkpoint runs/letters] [--person th] [--output across.json]

The alphabet is that of a person of `signs/` whom the model was not trained on (`fingerspelling_data.py --leave-out`).
Prints, as JSON, the shares of the model's letters that are nearest to the person's own letter, or to no more than two
others: each letter as fluent words hold it; and of real hands beside them, those of every other person. `t` and `th`
are of one source, and find each other as one person does: leave out both.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from letter_hands import Hand, filmed_hand, normalized_hand, ranks, rates

from pose_core import read
from pose_core.data import read_clips
from text_to_pose.fingerspelling.strokes import find_stroke
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS
from text_to_pose.generation import generate_signs
from text_to_pose.model import TextToPose, load_model
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames

DATA = Path(__file__).resolve().parents[2] / "shared/data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--language", default="ase")
    parser.add_argument("--person", default="th", help="of signs/, who was not trained on")
    parser.add_argument("--takes", type=int, default=5, help="of each letter and person")
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    people = filmed(arguments.data, arguments.language, arguments.takes)
    gallery = people.pop(arguments.person)
    model = load_model(arguments.checkpoint, "cpu")
    found = {"model": ranks(generated(model, arguments.language, arguments.guidance), gallery)}
    found |= {person: ranks(hands, gallery) for person, hands in people.items()}
    report = {
        "settings": {name: str(value) for name, value in vars(arguments).items()}
        | {"threads": torch.get_num_threads()},
        "among": {"person": arguments.person, "letters": len({hand.letter for hand in gallery}), "clips": len(gallery)},
        **{name: rates(each) for name, each in found.items()},
        "both": same_letters(found),
        "missed": {letter: each[0] + 1 for letter, each in sorted(found["model"].items()) if each[0]},
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


def filmed(data: Path, language: str, takes: int) -> dict[str, list[Hand]]:
    """Hands of each person, some takes of each letter; the lexicon's person is called "lexicon"."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    people = defaultdict(list)
    for clip in [*read_clips(data / "fingerspelling/index.csv"), *read_clips(data / "signs/index.csv")]:
        person = clip.person or "lexicon"
        if clip.signed_language == language and len(clip.text) == 1 and taken[person, clip.text] < takes:
            hand = filmed_hand(clip.text, read(clip.path))
            if hand is not None:
                taken[person, clip.text] += 1
                people[person].append(hand)
    return dict(people)


def generated(model: TextToPose, language: str, guidance: float) -> list[Hand]:
    """The hand of each letter of the model's alphabet, in the frame in which fluent words hold it."""
    letters = [letter for letter in model.tokenizer.alphabets[language] if len(letter) == 1]
    start = StartFrames.bundled(model, [language] * len(letters))
    clips = generate_signs(
        model, [(letter, language) for letter in letters], start, sampling=Sampling(guidance=guidance)
    )
    side = model.config.dominant_hands[language]
    depth = model.config.network.hand_depth if model.signs_in_depth else PICTURE_WIDTHS
    hands = []
    for letter, clip in zip(letters, clips, strict=True):
        stroke = find_stroke(clip, side)
        points = clip.keypoints[(stroke.first + stroke.last) // 2, clip.skeleton.hand(side)]
        hands.append(normalized_hand(letter, points, side, depth))
    return hands


def same_letters(found: dict[str, dict[str, list[int]]]) -> dict:
    """The same of the letters that all have."""
    shared = set.intersection(*(set(each) for each in found.values()))
    return {name: rates({letter: each[letter] for letter in shared}) for name, each in found.items()}


if __name__ == "__main__":
    main()
