"""The signer that knows the rules beside real signing: letters by their hand shape, words by hands and arms.

uv run python benchmarks/signer_truth.py [--data ../shared/data] [--output truth.json]

Signs the manual alphabets and words of `signer_notation` and prints JSON:

- `letters`: of each gallery of real clips the shares of signed letters whose nearest, or one of whose five nearest,
  letters is the right one, and those that are not, with their rank and the three nearest; the same of the letters
  of the validation split alone, and of real clips of one gallery in another. Distance: DTW on the picture of the hand,
  its points about their mean and by their root mean square size; frames in which the letter is held. (About the
  wrist, real letters find each other less often: see `by_wrist`.)
- `project`: `rank1` and `rank5` as `text-to-pose evaluate` computes them, on whole clips of `fingerspelling/`.
- `words`: how often a signed word is nearer to a real clip of its word than to one of another word (`pairs`), and how
  many words are nearest to their own clips on average (`nearest`); nDTW-MJE on hands and arms, in shoulder widths, the
  signed word as the reference, clips stretched to one number of frames. `real`: the same of the clips of one person
  among those of others.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from signer_notation import AMERICAN, GERMAN, WORDS, hamnosys

from pose_core import PoseSequence, read
from pose_core.data import Clip, read_clips
from pose_core.metrics import dtw, frame_distances, ndtw_mje
from pose_core.transforms import clean, flip, normalize, stretch, to_layout, trim_unseen
from text_to_pose.data.hands import dominant_hand
from text_to_pose.data.preprocessing import prepare
from text_to_pose.evaluation.references import References, read_references
from text_to_pose.evaluation.scores import Score
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign

DATA = Path(__file__).resolve().parents[2] / "shared/data"
MOVING = {"J", "Z"}  # letters that a hand draws: all frames count
HELD = (0.3, 0.7)  # the share of a clip in which a letter is held
MOST_FRAMES = 16
WORD_FRAMES = 24
LAYOUT = "holistic_50"


@dataclass(frozen=True)
class Hand:
    """A letter: the hand in the frames that count, as a right one, (T, 21, 2) from the wrist."""

    letter: str
    split: str
    points: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    report = {
        "letters": letters(arguments.data),
        "project": as_evaluated(arguments.data / "fingerspelling/index.csv"),
        "words": words(arguments.data / "signs/index.csv"),
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


# Letters


def letters(data: Path) -> dict:
    real = galleries(data)
    signed = {
        name: [Hand(letter, "", hand_of(clip)) for letter, clip in table.items()]
        for name, table in (("American", signed_table(AMERICAN)), ("German", signed_table(GERMAN)))
    }
    report: dict = {"by_wrist": {}, "real": {}}
    for name, gallery in real.items():
        queries = signed["German" if name == "gsg" else "American"]
        found = ranks(queries, gallery)
        validation = {hand.letter for hand in gallery if hand.split == "validation"}
        report[name] = {
            "letters": len({hand.letter for hand in gallery}),
            "clips": len(gallery),
            **rates(found),
            "validation": rates({x: y for x, y in found.items() if x in validation}),
            "missed": {x: f"{y[0] + 1}: {' '.join(y[1][:3])}" for x, y in found.items() if y[0] > 0},
        }
        report["by_wrist"][name] = rates(ranks(queries, gallery, about_wrist))
    for first, others in real.items():
        for second in real:
            if first != second:
                one_each = list({hand.letter: hand for hand in others}.values())
                both = [rates(ranks(one_each, real[second], shape)) for shape in (shaped, about_wrist)]
                report["real"][f"{first} in {second}"] = {**both[0], "by_wrist": both[1]}
    return report


def galleries(data: Path) -> dict[str, list[Hand]]:
    """Real letters: one person each in `ase` and `gsg`; many takes of one in `webcam` and, hands alone, in `hands`."""
    spelled, signs = read_clips(data / "fingerspelling/index.csv"), read_clips(data / "signs/index.csv")
    single = [clip for clip in signs if len(clip.text) == 1]
    chosen = {
        "ase": [clip for clip in spelled if clip.signed_language == "ase"],
        "gsg": [clip for clip in spelled if clip.signed_language == "gsg"],
        "webcam": [clip for clip in single if "ase_webcam" in str(clip.path)],
        "hands": [clip for clip in single if "ase_hands" in str(clip.path)],
    }
    return {name: [hand for clip in clips if (hand := real_hand(clip))] for name, clips in chosen.items()}


def real_hand(clip: Clip) -> Hand | None:
    points = right_hand(clean(read(clip.path)))
    if len(points) < 2:
        return None
    letter = upper(clip.text)
    if letter not in MOVING:
        first, last = (int(len(points) * share) for share in HELD)
        points = points[first : max(last, first + 1)]
    return Hand(letter, clip.split, some_of(points))


def upper(letter: str) -> str:
    return letter if letter == "ß" else letter.upper()


def signed_table(table: dict[str, str]) -> dict[str, PoseSequence]:
    """Each letter from the start of its stroke to its end."""
    clips = {}
    for letter, names in table.items():
        signed = sign([parse(hamnosys(names))], layout=LAYOUT)
        first, last = signed.spans[0]
        clips[letter] = signed.sequence[first:last]
    return clips


def hand_of(clip: PoseSequence) -> np.ndarray:
    return some_of(right_hand(clip))


def right_hand(sequence: PoseSequence) -> np.ndarray:
    """(T, 21, 2) of the hand that is seen more often, from its wrist, as if it were a right one."""
    side = "left" if sequence.hand_share("left") > sequence.hand_share("right") else "right"
    hand = sequence.skeleton.hand(side)
    points = sequence.keypoints[:, hand, :2].astype(np.float64)
    points = points[sequence.visible[:, hand].all(axis=1)]
    return (points - points[:, :1]) * (np.array([-1.0, 1.0]) if side == "left" else 1.0)


def some_of(points: np.ndarray) -> np.ndarray:
    return points[np.linspace(0, len(points) - 1, min(MOST_FRAMES, len(points))).round().astype(int)]


def shaped(points: np.ndarray) -> np.ndarray:
    """About their mean, in root mean square distances from it."""
    points = points - points.mean(axis=1, keepdims=True)
    return points / np.median(np.sqrt((points**2).sum(axis=-1).mean(axis=-1)))


def about_wrist(points: np.ndarray) -> np.ndarray:
    return points / np.median(np.linalg.norm(points[:, [5, 9, 13, 17]], axis=-1))


def ranks(queries: list[Hand], gallery: list[Hand], shape=shaped) -> dict[str, tuple[int, list[str]]]:
    """Of each query that the gallery has: the rank of its letter, from 0, and all letters by their nearest clip."""
    known = [(hand.letter, shape(hand.points)) for hand in gallery]
    names = sorted({name for name, _ in known})
    found = {}
    for query in queries:
        if query.letter not in names:
            continue
        points, nearest = shape(query.points), defaultdict(lambda: np.inf)
        for name, other in known:
            nearest[name] = min(nearest[name], distance(points, other))
        order = sorted(names, key=nearest.__getitem__)
        found[query.letter] = (order.index(query.letter), order)
    return found


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return dtw(frame_distances(first, np.ones(first.shape[:2]), second, np.ones(second.shape[:2])))


def rates(found: dict[str, tuple[int, list[str]]]) -> dict[str, float]:
    all_ranks = np.array([rank for rank, _ in found.values()])
    if not len(all_ranks):
        return {"n": 0}
    return {"n": len(all_ranks), "rank1": rate(all_ranks < 1), "rank5": rate(all_ranks < 5)}


def rate(values) -> float:
    return round(float(np.mean(values)), 3)


def as_evaluated(index: Path) -> dict:
    """`References.score` of whole signed letters, from rest to rest, for each clip of the two languages."""
    references = read_references(index, "all", fps=25.0)
    report = {}
    for language, table in (("ase", AMERICAN), ("gsg", GERMAN)):
        rows = [i for i, clip in enumerate(references.clips) if clip.signed_language == language]
        signed = {letter: whole(names, references) for letter, names in table.items()}
        scores = references.score(rows, [signed.get(upper(references.clips[i].text)) for i in rows])
        score = Score.of(scores)
        report[language] = {"n": len(scores), "rank1": round(score.rank1, 3), "rank5": round(score.rank5, 3)}
        report[language]["dtw_mje"] = round(score.dtw_mje, 3)
    return report


def whole(names: str, references: References) -> PoseSequence:
    signed = sign([parse(hamnosys(names))], layout="holistic_178")
    return prepare(signed.sequence, 25.0, references.sequences[0].skeleton)


# Words


def words(index: Path) -> dict:
    clips = [clip for clip in read_clips(index) if clip.signed_language == "ase" and clip.text in WORDS]
    people = [clip.path.stem.split("_")[0] for clip in clips]
    real = [real_word(clip) for clip in clips]
    kept = [i for i, sequence in enumerate(real) if sequence is not None]
    texts, people = [clips[i].text for i in kept], [people[i] for i in kept]
    real = [real[i] for i in kept]
    splits = [clips[i].split for i in kept]
    signed = {text: signed_word(names) for text, names in WORDS.items()}
    distances = {text: np.array([ndtw_mje(other, clip) for other in real]) for text, clip in signed.items()}
    labels, validation = np.array(texts), np.array([split == "validation" for split in splits])
    report = {"clips": len(real), **nearness(distances, labels)}
    report["validation"] = nearness({k: v[validation] for k, v in distances.items()}, labels[validation])
    report["real"] = real_nearness(real, labels, np.array(people))
    return report


def real_word(clip: Clip) -> PoseSequence | None:
    sequence = clean(read(clip.path))
    if dominant_hand(sequence) == "left":
        sequence = flip(sequence)
    if max(sequence.hand_share("left"), sequence.hand_share("right")) < 0.2:
        return None
    return hands_and_arms(trim_unseen(sequence))


def signed_word(names: str) -> PoseSequence:
    signed = sign([parse(hamnosys(names))], layout=LAYOUT)
    first, last = signed.spans[0]
    return hands_and_arms(signed.sequence[first:last])


def hands_and_arms(sequence: PoseSequence) -> PoseSequence:
    """Elbows, wrists and hands in the picture, in shoulder widths, at one length."""
    sequence = to_layout(sequence, LAYOUT)
    sequence = stretch(normalize(sequence)[0], WORD_FRAMES)
    skeleton = sequence.skeleton
    kept = [skeleton.elbow("left"), skeleton.elbow("right"), skeleton.wrist("left"), skeleton.wrist("right")]
    kept += [*skeleton.hand("left"), *skeleton.hand("right")]
    chosen = sequence.select([point for point in kept if point is not None])
    return chosen.on_skeleton(chosen.skeleton.with_dims(2))


def nearness(distances: dict[str, np.ndarray], labels: np.ndarray) -> dict:
    """Shares of pairs of clips, of the word and of another, that are in order; and of words whose own are nearest."""
    pairs, nearest, missed = {}, [], {}
    for text, all_distances in distances.items():
        own, others = all_distances[labels == text], all_distances[labels != text]
        if not len(own):
            continue
        pairs[text] = rate(own[:, None] < others)
        means = {other: all_distances[labels == other].mean() for other in sorted(set(labels))}
        order = sorted(means, key=means.__getitem__)
        nearest.append(order[0] == text)
        if order[0] != text:
            missed[text] = f"{order.index(text) + 1}: {', '.join(order[:3])}"
    return {
        "words": len(pairs),
        "pairs": rate(list(pairs.values())),
        "nearest": rate(nearest),
        "missed": missed,
        "by_word": pairs,
    }


def real_nearness(real: list[PoseSequence], labels: np.ndarray, people: np.ndarray, most: int = 60) -> dict:
    """The same of clips of one person among those of all others; of `most` clips, evenly chosen."""
    pairs = []
    for i in np.linspace(0, len(real) - 1, most).round().astype(int):
        others = np.flatnonzero(people != people[i])
        if labels[i] in labels[others]:
            distances = np.array([ndtw_mje(real[j], real[i]) for j in others])
            own = labels[others] == labels[i]
            pairs.append(np.mean(distances[own][:, None] < distances[~own]))
    return {"n": len(pairs), "pairs": rate(pairs)}


if __name__ == "__main__":
    main()
