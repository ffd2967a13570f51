"""Mixes the training data of the bundled tokenizers: many people, cameras and kinds of signing, in one folder.

uv run python benchmarks/codec_data.py --output mixed [--data ../shared/data] [--synthesized shards] [--depth]
uv run text-to-pose synthesize --texts hamnosys.csv --output shards --layout holistic_178  # before, for --synthesized
uv run pose-tokenizer train --data mixed/index.csv --output runs/signing                   # afterwards

Clips are written anew, those without shoulders left out, with a manifest of their splits. Rows that are validation
stay so; `--test-persons` of `ase_phone` become the split test, on which nothing is trained or chosen. Before webcams at
most `--takes` of a person's sign are trained on (a hand held still five times is one example), and sources are listed
`REPEATS` times. `--depth` leaves out clips whose depth was flattened, as that of fingerspelling and dgs_sentences is;
synthesized clips get z in pixels, as the real ones have it.
Prints JSON: clips and frames of every source and split.
"""

import argparse
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_core import PoseSequence, UserError, write
from pose_core.data import Clip, PoseDataset, ShardDataset, read_clips

FOLDER = Path(__file__).resolve().parents[2] / "shared/data"
SOURCES = ("fingerspelling", "dgs_sentences", "signs")
TEST_PERSONS = ("p09", "p14", "p19")
TAKES = 5
# Rare among the rest: fluent signing, studios, strangers' cameras
REPEATS = {"dgs_sentences": 6, "fingerspelling": 2, "ase_phone": 2}
FLAT = 0.05  # depth that varies less than this share of the width says nothing
COLUMNS = ("path", "text", "signed_language", "person", "split")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder that does not exist yet")
    parser.add_argument("--data", type=Path, default=FOLDER, help="with " + ", ".join(SOURCES))
    parser.add_argument("--synthesized", type=Path, help="shards of text-to-pose synthesize")
    parser.add_argument("--synthesized-clips", type=int, default=3000, help="most of them")
    parser.add_argument("--test-persons", nargs="*", default=TEST_PERSONS)
    parser.add_argument("--takes", type=int, default=TAKES, help="of a person's sign before a webcam, to train on")
    parser.add_argument("--keypoints", type=int, help="only clips that have so many, as ht-vae needs them")
    parser.add_argument("--depth", action="store_true", help="only clips that have depth")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True)
    rows, counts = [], defaultdict(Counter)
    for number, (source, clip, sequence) in enumerate(clips(arguments)):
        others = arguments.keypoints not in (None, sequence.skeleton.num_keypoints)
        if others or not usable(sequence, depth=arguments.depth):
            counts[f"{source}, left out"]["clips"] += 1
            continue
        path = f"{source}/{number:05}.npz"
        (arguments.output / source).mkdir(exist_ok=True)
        write(sequence, arguments.output / path)
        repeats = REPEATS.get(source, 1) if clip.split == "train" else 1
        rows += [(path, clip.text, clip.signed_language, clip.person, clip.split)] * repeats
        counts[f"{source}, {clip.split}"] += Counter(clips=1, frames=len(sequence), rows=repeats)
    with (arguments.output / "index.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    print(json.dumps({name: dict(counts[name]) for name in sorted(counts)}, indent=2))


def clips(arguments: argparse.Namespace) -> Iterator[tuple[str, Clip, PoseSequence]]:
    """Source, row and poses of every clip."""
    for clip in real_clips(arguments.data, arguments.test_persons, arguments.takes):
        yield source_of(clip), clip, PoseDataset([clip], cache_bytes=0).load_sample(clip)
    if arguments.synthesized is None:
        return
    for number, sample in enumerate(ShardDataset(arguments.synthesized, "train", shuffle=True)):
        if number == arguments.synthesized_clips:
            return
        yield "synthesized", sample.clip, z_in_pixels(sample.sequence)


def z_in_pixels(sequence: PoseSequence) -> PoseSequence:
    """A synthesized sequence, whose z is in picture widths, with the unit that z has in the real clips."""
    scale = np.array([1, 1, sequence.size[0]], np.float32)[: sequence.skeleton.num_dims]
    return replace(sequence, keypoints=sequence.keypoints * scale)


def real_clips(data: Path, test_persons: tuple[str, ...] = TEST_PERSONS, takes: int | None = None) -> list[Clip]:
    """The rows of all manifests, test persons' in the split test, of webcams at most so many takes to train on."""
    met: Counter = Counter()
    chosen = []
    for clip in read_clips(*(data / name / "index.csv" for name in SOURCES)):
        if source_of(clip) == "ase_phone" and clip.person in test_persons:
            clip = replace(clip, split="test")
        take = (clip.path.parent, clip.person, clip.text)
        met[take] += 1
        held_still = source_of(clip).endswith("_webcam") and clip.split == "train"
        if not held_still or takes is None or met[take] <= takes:
            chosen.append(clip)
    return chosen


def source_of(clip: Clip) -> str:
    """The folder right below `signs`, or the data set."""
    parts = clip.path.parts
    return next(parts[parts.index(name) + (name == "signs")] for name in SOURCES if name in parts)


def usable(sequence: PoseSequence, *, depth: bool) -> bool:
    """Whether both shoulders are there in some frame, and, if asked for, depth."""
    try:
        shoulders = list(sequence.skeleton.shoulders())
    except UserError:
        return False
    if not sequence.visible[:, shoulders].all(axis=1).any():
        return False
    return not depth or has_depth(sequence)


def has_depth(sequence: PoseSequence) -> bool:
    """Whether z varies as a body does, by the arms' spread against that of x."""
    body = [i for i, (component, _) in enumerate(sequence.skeleton.keypoints) if component == "POSE_LANDMARKS"]
    if sequence.skeleton.num_dims < 3 or not body:
        return False
    points = sequence.keypoints[:, body][sequence.visible[:, body]]
    return bool(len(points) and np.std(points[:, 2]) > FLAT * np.std(points[:, 0]))


if __name__ == "__main__":
    main()
