"""The notation model: its training data made, the model trained, and what it signs measured. The whole of it:

OMP_WAIT_POLICY=passive uv run python benchmarks/notation_model.py --folder runs/notation [--devices 2]

Signs of ../shared/data/hamnosys are made by the signer that knows the rules (text-to-pose synthesize), without an
estimator's errors: the model is to sign as the signer does. Real letters and words, for which notation was written
(benchmarks/signer_notation.py), are trained on beside them, under the tags of their languages. What is there already
is not made again: an interrupted run goes on. Prints JSON, on signs that were never trained on:

- by number of steps: DTW-MJE in shoulder widths from each clip's own start frame and from another person's, error of
  lengths, recognition of the hand among 100 others, acceleration, and how long a batch of 32 takes;
- proportions: from a start frame of each language of ../shared/data/fingerspelling, how far bones are from those of
  the person in the clip, as predicted and as the command writes them.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import signer_notation

from pose_core import read
from pose_core.data import Clip
from pose_core.progress import progress, say
from pose_core.training.data import are_shards
from text_to_pose.backends import as_network
from text_to_pose.data.preprocessing import prepare
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.generation import generate_texts
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.writer import write
from text_to_pose.model import load_model
from text_to_pose.sampling import Sampling
from text_to_pose.signing.anatomy.person import body_of
from text_to_pose.signing.hands.hand_model import bone_lengths
from text_to_pose.start_frames import StartFrames
from text_to_pose.synthesis.clips import ClipSettings
from text_to_pose.synthesis.shards import number_of_parts, synthesize
from text_to_pose.synthesis.texts import new_texts, read_texts, split_of
from text_to_pose.text.languages import ANY_LANGUAGE

DATA = Path(__file__).resolve().parents[2] / "shared/data"
STEPS = (1, 2, 4, 8, 16, 100)
REAL_COPIES = 4  # of each letter of `fingerspelling`, which has one clip a letter; `signs` has many takes
SIDES = "left", "right"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of shards and run")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--texts", type=Path, help="signs; default: hamnosys/hamnosys.csv of the data")
    parser.add_argument("--devices", type=int, default=2, help="processes that train, of one thread each")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--signings", type=int, default=1)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--new-signs", type=int, default=36000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], help="a setting of the preset: NAME=VALUE")
    arguments = parser.parse_args()
    shards, run = arguments.folder / "shards", arguments.folder / "run"
    if not are_shards(shards):
        make(arguments, shards)
    if not (run / "model.safetensors").exists():
        fit(shards, run, [f"devices={arguments.devices}", f"seed={arguments.seed}", *arguments.set])
    print(json.dumps(measured(run, shards, arguments.data), indent=1))


def make(arguments, shards: Path) -> None:
    """Training data."""
    texts, _ = read_texts([arguments.texts or arguments.data / "hamnosys/hamnosys.csv"])
    texts += new_texts(texts, arguments.new_signs, arguments.seed)
    settings = ClipSettings(
        seed=arguments.seed,
        people=arguments.people,
        signings=arguments.signings,
        cameras=arguments.cameras,
        left_handed=0.0,  # whoever signs left-handed is generated mirrored
        estimator=False,
    )
    shards.parent.mkdir(parents=True, exist_ok=True)
    with progress(number_of_parts(texts), "signing") as begun:
        made = synthesize(texts, shards, settings, workers=2, more=real_clips(arguments.data), begun=begun)
    say(f"{sum(shard.clips for shard in made.shards)} clips; {len(made.failed)} signs could not be signed")


def real_clips(data: Path):
    """Real letters and words that have a notation, in the split of its hash."""
    notations = {"ase": signer_notation.AMERICAN | signer_notation.WORDS, "gsg": signer_notation.GERMAN}
    tables = {
        language: {text.casefold(): write(parse(signer_notation.hamnosys(names))) for text, names in table.items()}
        for language, table in notations.items()
    }
    for folder in ("fingerspelling", "signs"):
        with (data / folder / "index.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            hamnosys = tables.get(row["signed_language"], {}).get(row["text"].casefold())
            if hamnosys is None or row["split"] != "train" or "_hands/" in row["path"]:
                continue
            if split_of(hamnosys) != "train":
                continue
            sequence = read(data / folder / row["path"])
            if folder == "signs":  # z in pixels there
                sequence = replace(sequence, keypoints=sequence.keypoints * np.float32([1, 1, 1 / sequence.size[0]]))
            path = Path(folder) / row["path"]
            for copy in range(REAL_COPIES if folder == "fingerspelling" else 1):
                name = path.with_stem(f"{path.stem}-{copy}")
                yield Clip(name, hamnosys, row["signed_language"], "train", person=row.get("person", "")), sequence


def fit(shards: Path, run: Path, settings: list[str]) -> None:
    """Trains, or goes on with a run that was interrupted; by the command, since each process runs its own again."""
    train = ["train", "--config", "notation", "--data", str(shards), "--output", str(run)]
    given = [argument for each in settings for argument in ("--set", each)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "text_to_pose", *train, *given], check=True, env=environment)


def measured(run: Path, shards: Path, data: Path) -> dict:
    model = load_model(run, "cpu")
    by_steps = {}
    for steps in STEPS:
        started = time.perf_counter()
        found = {
            start: evaluate(
                model,
                shards,
                "test",
                sampling=Sampling(num_steps=steps),
                own_start=start == "own",
                others=100,
                say=say,
            ).scores["model"]
            for start in (("own", "another person's") if steps == model.config.num_steps else ("own",))
        }
        by_steps[steps] = {start: {k: number(v) for k, v in vars(score).items()} for start, score in found.items()}
        by_steps[steps]["seconds, all of it"] = number(time.perf_counter() - started)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "by steps": by_steps,
        "seconds for ten refinements at batch 32": number(ten_refinements(model, shards)),
        "proportions": proportions(model, shards, data / "fingerspelling"),
    }


def ten_refinements(model, shards: Path) -> float:
    """Seconds of ten steps of a batch of 32 signs of 50 frames each."""
    texts = list(islice(cycle(held_out_texts(shards, 32)), 32))
    network = as_network(model)
    condition = network.condition([(text, ANY_LANGUAGE) for text in texts])
    mask = np.ones((32, 50), bool)
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        network.sample(condition, mask, Sampling(num_steps=10))
        best = min(best, time.perf_counter() - started)
    return best


def held_out_texts(shards: Path, number: int) -> list[str]:
    """The first texts of the test split."""
    with (shards / "clips.csv").open(encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file) if row["split"] == "test"][:number]


def proportions(model, shards: Path, folder: Path) -> dict:
    """Mean and largest deviation of bones from a person's, over people and signs: predicted, and as written."""
    texts = [[text] for text in held_out_texts(shards, 8)]
    deviations: dict[str, list] = {"predicted": [], "written": []}
    for language in sorted(path for path in folder.iterdir() if path.is_dir()):
        clip = read(sorted(language.glob("*.pose"))[0])
        body = body_of(clip)
        first = prepare(clip, model.config.fps, model.skeleton)[:1]
        start = StartFrames(first.keypoints, first.confidence)
        for kind, given in (("predicted", None), ("written", body)):
            for sequence in generate_texts(model, texts, ANY_LANGUAGE, start=start, body=given):
                deviations[kind].append(deviation(model, sequence, body))
    return {
        kind: {
            "arms": {"mean": number(np.mean([a for a, _ in rows])), "worst clip": number(np.max([a for a, _ in rows]))},
            "hands": {
                "mean": number(np.nanmean([h for _, h in rows])),
                "worst clip": number(np.nanmax([h for _, h in rows])),
            },
        }
        for kind, rows in deviations.items()
    }


def deviation(model, sequence, body) -> tuple[float, float]:
    """Mean relative deviation of the lengths of arms and of hands from a body's, of what is seen."""
    network, skeleton = model.config.network, sequence.skeleton
    left, right = skeleton.shoulders()
    unit = np.linalg.norm((sequence.keypoints[:, left] - sequence.keypoints[:, right])[0, :2])
    points = sequence.keypoints / unit
    arms, hands = [], []
    for side, shoulder in zip(SIDES, (left, right), strict=True):
        arm = points[:, [shoulder, skeleton.elbow(side), skeleton.wrist(side)]] * [1, 1, network.body_depth]
        lengths = np.linalg.norm(np.diff(arm, axis=1), axis=-1) * body.shoulder_width
        arms.append(np.abs(lengths / [body.upper_arm, body.forearm] - 1).mean())
        hand = list(skeleton.hand(side))
        seen = sequence.confidence[:, hand].all(axis=1)
        if seen.any():
            bones = bone_lengths(points[seen][:, hand] * [1, 1, network.hand_depth]) * body.shoulder_width
            hands.append(np.abs(bones / body.hand.lengths - 1).mean())
    return float(np.mean(arms)), float(np.mean(hands)) if hands else float("nan")


def number(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
