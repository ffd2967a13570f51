"""Tokenizers beside each other, and beside the plain codec, on people and cameras that none of them was trained on.

uv run python benchmarks/codec_models.py --checkpoints signing runs/signing [--budgets 10 21 33] [--data ../shared/data]

All get the same clips, in groups: studio clips of the validation split; the persons of `ase_phone` left out by
`codec_data.py`, and those of its validation split; validation clips before webcams. At each budget, by interpolation
between the lambdas: RMSE of a coordinate (x and y) in shoulder widths, of hands, body (neither hands nor face) and all;
and its ratios to the first model's and to the plain codec's (`plain_codec.py`, fitted to the train rows of
fingerspelling and dgs_sentences, as the first bundled model was). Each with its 95 % bootstrap interval over clips, the
same clips drawn for both sides of a ratio. `--every` takes fewer clips. Prints JSON.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from codec import STEPS, rounded
from codec_data import FOLDER, TEST_PERSONS, real_clips, source_of, usable
from plain_codec import PlainCodec

from pose_core import PoseSequence, Skeleton
from pose_core.data import Clip, PoseDataset
from pose_core.data.loading import on_layout_of
from pose_core.transforms import clean
from pose_tokenizer import load_model
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.evaluation.evaluate import hands, round_trip

LMBDAS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0]
BUDGETS = [10.0, 15.0, 21.0, 33.0]
DRAWS = 1000
INTERVAL = (2.5, 97.5)
STUDIO = ("fingerspelling", "dgs_sentences")
PLAIN = "plain codec"


@dataclass(frozen=True)
class Curve:
    """A codec's sizes and errors, a row a setting, a column a clip.

    Attributes:
        bits, frames: (S, N); squares, counts: (S, N) by part: sums of squared errors, and numbers summed.
    """

    bits: np.ndarray
    frames: np.ndarray
    squares: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]

    def at(self, budget: float, part: str, weights: np.ndarray) -> np.ndarray:
        """(R,) RMSE at a budget, of draws of clips: weights (R, N); NaN outside of what was measured."""
        size = np.log((weights @ self.bits.T) / (weights @ self.frames.T))  # (R, S)
        error = np.log((weights @ self.squares[part].T) / (weights @ self.counts[part].T)) / 2
        order = np.argsort(size, axis=1)
        rows = zip(np.take_along_axis(size, order, 1), np.take_along_axis(error, order, 1), strict=True)
        return np.exp([np.interp(np.log(budget), x, y, left=np.nan, right=np.nan) for x, y in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", nargs="+", default=["signing"], help="the first is what the others are beside")
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--test-persons", nargs="*", default=TEST_PERSONS)
    parser.add_argument("--budgets", type=float, nargs="+", default=BUDGETS, help="bits per frame")
    parser.add_argument("--lambdas", type=float, nargs="+", default=LMBDAS)
    parser.add_argument("--every", type=int, default=1, help="clip of a group that is taken")
    arguments = parser.parse_args()
    models = {name: load_model(name, "cpu") for name in arguments.checkpoints}
    skeleton = next(iter(models.values())).skeleton.with_dims(2)
    clips = real_clips(arguments.data, arguments.test_persons)
    plain = plain_codec(clips, skeleton)
    result = {}
    for group, chosen in groups(clips).items():
        loaded = [read(clip) for clip in chosen[:: arguments.every]]
        sequences = [sequence for sequence in loaded if usable(sequence, depth=False)]
        curves = {name: curve(sequences, arguments.lambdas, partial(tokenized, each)) for name, each in models.items()}
        originals = [prepared(sequence, skeleton) for sequence in sequences]
        curves[PLAIN] = curve(originals, STEPS, partial(coded, plain))
        numbers = {"clips": len(sequences), "frames": sum(map(len, sequences))}
        result[group] = numbers | table(curves, arguments.budgets)
    print(json.dumps(rounded(result), indent=2))


def groups(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """The clips that are measured, by kind."""
    found: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        source, split = source_of(clip), clip.split
        if source in STUDIO and split == "validation":
            found["studio"].append(clip)
        elif source == "ase_phone" and split != "train":
            found[f"phone, {split} persons"].append(clip)
        elif source.endswith("_webcam") and split == "validation":
            found["webcam"].append(clip)
    return found


def read(clip: Clip) -> PoseSequence:
    return PoseDataset([clip], cache_bytes=0).load_sample(clip)


def plain_codec(clips: Sequence[Clip], skeleton: Skeleton) -> PlainCodec:
    train = [clip for clip in clips if clip.split == "train" and source_of(clip) in STUDIO]
    return PlainCodec.fit([prepared(read(clip), skeleton) for clip in train])


def prepared(sequence: PoseSequence, skeleton: Skeleton) -> PoseSequence:
    return prepare(on_layout_of(clean(sequence), skeleton), skeleton)


def curve(sequences: Sequence[PoseSequence], settings: Sequence[float], measure: Callable) -> Curve:
    """A codec at each setting on each clip."""
    cells = [[measure(sequence, setting) for sequence in sequences] for setting in settings]
    bits, frames = (np.array([[cell[i] for cell in row] for row in cells], float) for i in (0, 1))
    parts = cells[0][0][2]
    squares, counts = (
        {part: np.array([[cell[2][part][i] for cell in row] for row in cells], float) for part in parts} for i in (0, 1)
    )
    return Curve(bits, frames, squares, counts)


def tokenized(model, sequence: PoseSequence, lmbda: float) -> tuple[float, int, dict]:
    """Bits, frames, and errors by part of a clip's tokens."""
    done = round_trip(model, on_layout_of(sequence, model.skeleton), lmbda=lmbda)
    return done.tokens.bits, len(done.original), errors(done.predicted.keypoints, done.original)


def coded(codec: PlainCodec, original: PoseSequence, step: float) -> tuple[float, int, dict]:
    levels = codec.encode(original, step)
    return codec.bits(levels, step), len(original), errors(codec.decode(levels, len(original), step), original)


def errors(keypoints: np.ndarray, original: PoseSequence) -> dict[str, tuple[float, float]]:
    """Sums of squared errors of x and y over visible keypoints, and how many numbers that are, by part."""
    visible = original.visible
    squared = np.square(keypoints - original.keypoints)[..., :2].sum(axis=-1)
    return {
        name: (float((squared[:, part] * visible[:, part]).sum()), 2.0 * visible[:, part].sum())
        for name, part in parts(original.skeleton).items()
    }


def parts(skeleton: Skeleton) -> dict[str, list[int]]:
    """Keypoints by what they are of."""
    elsewhere = {*hands(skeleton), *skeleton.face()}
    body = [k for k in range(skeleton.num_keypoints) if k not in elsewhere]
    return {"hands": hands(skeleton), "body": body, "all": list(range(skeleton.num_keypoints))}


def table(curves: dict[str, Curve], budgets: Sequence[float]) -> dict:
    """Errors and ratios at each budget, each with its interval."""
    first = next(iter(curves))
    weights = draws(curves[first].bits.shape[1])
    rows = {}
    for budget in budgets:
        row: dict = {}
        for part in curves[first].squares:
            errors_of = {name: each.at(budget, part, weights) for name, each in curves.items()}
            row[part] = {name: interval(values) for name, values in errors_of.items()}
            for name in curves:
                if name not in (first, PLAIN):
                    row[part][f"{name} / {first}"] = interval(errors_of[name] / errors_of[first])
                if name != PLAIN:
                    row[part][f"{name} / {PLAIN}"] = interval(errors_of[name] / errors_of[PLAIN])
        rows[f"{budget:g} bits per frame"] = row
    return rows


def draws(number: int) -> np.ndarray:
    """(1 + DRAWS, number), how often each clip counts: once in the first row, in others as drawn with replacement."""
    drawn = np.random.default_rng(0).multinomial(number, np.full(number, 1 / number), DRAWS)
    return np.concatenate([np.ones((1, number)), drawn])


def interval(values: np.ndarray) -> list[float] | None:
    """Of all clips, lowest and highest; None where that budget was not measured."""
    if np.isnan(values[0]):
        return None
    return [float(values[0]), *np.nanpercentile(values[1:], INTERVAL).tolist()]


if __name__ == "__main__":
    main()
