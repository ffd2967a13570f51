"""Rate and distortion of `pose_tokenizer` compared with a codec without networks, at equal size and at equal error.

uv run python benchmarks/codec.py [--data index.csv ...] [--split validation] [--checkpoint signing] [--lambdas ...]

The plain codec (`plain_codec.py`) is fitted to the train rows of the same manifests. Both get the clips
preprocessed by the tokenizer, in shoulder widths; errors are per coordinate over visible keypoints. In `pck@0.1` a
keypoint that the tokenizer predicts to be missing is a miss; the plain codec predicts none to be missing, and knows
which are at no cost. Bits of tokens are those of the codes and of the number of codes per block; with file headers
they are listed separately. `.pose` files hold depth and confidence, too; float16 are x and y.
Prints JSON.
"""

import argparse
import gzip
import json
import lzma
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from plain_codec import BLOCK_FRAMES, COMPONENTS, PlainCodec

from pose_core import PoseSequence
from pose_core.data import PoseDataset, collate, read_clips
from pose_tokenizer import load_model
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.evaluation.evaluate import file_bytes, hands, round_trip
from pose_tokenizer.evaluation.metrics import KeypointErrors

FOLDER = Path(__file__).resolve().parents[2] / "shared/data"
DATA = [FOLDER / name / "index.csv" for name in ("fingerspelling", "dgs_sentences")]
LMBDAS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 24.0]
STEPS = [0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2.4, 3.2, 4.8, 6.4]
BUDGETS = [10.0, 20.0, 40.0]
ERRORS = ("hands_rmse", "rmse")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=DATA)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--checkpoint", default="signing")
    parser.add_argument("--lambdas", type=float, nargs="+", default=LMBDAS, help="of the tokenizer, one for all clips")
    parser.add_argument("--steps", type=float, nargs="+", default=STEPS, help="of the plain codec")
    parser.add_argument("--budgets", type=float, nargs="+", default=BUDGETS, help="bits per frame to compare at")
    parser.add_argument("--components", type=int, default=COMPONENTS, help="of the plain codec")
    parser.add_argument("--block-frames", type=int, default=BLOCK_FRAMES, help="of the plain codec")
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    clips = [clip for path in arguments.data for clip in read_clips(path)]
    loader = PoseDataset(clips)
    train = [prepare(loader.load_sample(clip), model.skeleton) for clip in clips if clip.split == "train"]
    held_out = [clip for clip in clips if clip.split == arguments.split]
    read = [loader.load_sample(clip) for clip in held_out]
    originals = [prepare(sequence, model.skeleton) for sequence in read]
    plain = PlainCodec.fit(train, components=arguments.components, block_frames=arguments.block_frames)
    no_dct = PlainCodec.fit(train, components=arguments.components, block_frames=1)

    tokens = [tokenized(model, read, lmbda) for lmbda in arguments.lambdas]
    by_plain = [coded(plain, originals, step) for step in arguments.steps]
    by_components = [coded(no_dct, originals, step) for step in arguments.steps]
    curves = {"tokens": tokens, "plain codec": by_plain, "plain codec without DCT": by_components}
    frames = sum(map(len, originals))
    files = [clip.path.read_bytes() for clip in held_out]
    larger = {
        "float16, lzma": packed([clip.keypoints.astype(np.float16) for clip in originals]) / frames,
        ".pose, gzip": 8 * sum(len(gzip.compress(file, 9)) for file in files) / frames,
        ".pose": 8 * sum(map(len, files)) / frames,
    }
    settings = {
        "data": [f"{path.parent.name}/{path.name}" for path in arguments.data],
        "split": arguments.split,
        "clips": len(originals),
        "frames": frames,
        "train clips": len(train),
        "checkpoint": Path(arguments.checkpoint).name,
        "plain codec": {"components": arguments.components, "frames per block": arguments.block_frames},
    }
    result = {
        "settings": settings,
        "curves": curves,
        "at equal size": [at_equal_size(tokens, by_plain, budget) for budget in arguments.budgets],
        "at equal error": [at_equal_error(curves, originals, larger, budget) for budget in arguments.budgets],
    }
    print(json.dumps(rounded(result), indent=2))


def tokenized(model, sequences: list[PoseSequence], lmbda: float) -> dict[str, float]:
    """Size and errors of the tokens at one lambda."""
    done = [round_trip(model, sequence, lmbda=lmbda) for sequence in sequences]
    frames = sum(len(each.original) for each in done)
    return {
        "lmbda": lmbda,
        "bits_per_frame": sum(each.tokens.bits for each in done) / frames,
        "file_bits_per_frame": 8 * sum(file_bytes(each.tokens) for each in done) / frames,
        **errors(*([getattr(each, name) for each in done] for name in ("predicted", "decoded", "original"))),
    }


def coded(codec: PlainCodec, originals: list[PoseSequence], step: float) -> dict[str, float]:
    """Size and errors of the plain codec at one step."""
    bits, made = 0.0, []
    for clip in originals:
        levels = codec.encode(clip, step)
        bits += codec.bits(levels, step)
        made.append(shown(clip, codec.decode(levels, len(clip), step)))
    return {"step": step, "bits_per_frame": bits / sum(map(len, originals)), **errors(made, made, originals)}


def shown(clip: PoseSequence, keypoints: np.ndarray) -> PoseSequence:
    """A clip with all keypoints elsewhere, none of them missing."""
    return replace(clip, keypoints=keypoints.astype(np.float32), confidence=np.ones_like(clip.confidence))


def errors(placed: list[PoseSequence], decoded: list[PoseSequence], originals: list[PoseSequence]) -> dict[str, float]:
    skeleton = originals[0].skeleton
    everything, fingers = KeypointErrors(), KeypointErrors(hands(skeleton))
    for first in range(0, len(originals), 32):
        batches = [collate(sequences[first : first + 32]) for sequences in (placed, decoded, originals)]
        everything.update(*batches)
        fingers.update(*batches)
    of_hands = fingers.compute()
    return {"hands_rmse": of_hands.rmse, "rmse": everything.compute().rmse, "hands_pck@0.1": of_hands.pck}


def interpolated(curve: list[dict[str, float]], by: str, value: float, of: str) -> float | None:
    """`of` where `by` has that value: on a line between two measurements, both as logarithms; None outside of them."""
    x, y = (np.log([row[name] for row in curve]) for name in (by, of))
    order = np.argsort(x)
    if not x.min() <= math.log(value) <= x.max():
        return None
    return float(np.exp(np.interp(math.log(value), x[order], y[order])))


def at_equal_size(tokens: list[dict], plain: list[dict], budget: float) -> dict:
    """Errors of both where they take so many bits per frame, and the plain codec's by the tokens'."""
    row: dict = {"bits_per_frame": budget}
    for name in ERRORS:
        ours, theirs = (interpolated(curve, "bits_per_frame", budget, name) for curve in (tokens, plain))
        row[name] = {"tokens": ours, "plain codec": theirs, "ratio": theirs / ours if ours and theirs else None}
    return row


def at_equal_error(curves: dict[str, list[dict]], originals: list[PoseSequence], larger: dict, budget: float) -> dict:
    """Bits a frame of what errs at the hands as the tokens do at so many bits per frame, and of what errs less."""
    error = interpolated(curves["tokens"], "bits_per_frame", budget, "hands_rmse")
    if error is None:
        return {"hands_rmse": None, "bits_per_frame": {"tokens": budget}}
    step = error * math.sqrt(12)  # numbers rounded to multiples of it are off by that much
    whole = [np.round(clip.keypoints / step).astype(np.int16) for clip in originals]
    sizes = {
        "tokens": budget,
        "tokens, with headers": interpolated(curves["tokens"], "bits_per_frame", budget, "file_bits_per_frame"),
        **{
            name: interpolated(curve, "hands_rmse", error, "bits_per_frame")
            for name, curve in curves.items()
            if name != "tokens"
        },
        "rounded to that error, lzma": packed(whole) / sum(map(len, originals)),
        **larger,
    }
    times = {name: size / budget if size else None for name, size in sizes.items()}
    return {"hands_rmse": error, "bits_per_frame": sizes, "times the tokens": times}


def packed(arrays: list[np.ndarray]) -> int:
    """Bits of arrays (T, K, 2), each compressed by itself; differences from frame to frame pack better."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    total = 0
    for array in arrays:
        changes = np.concatenate([array[:1], np.diff(array.view(np.int16), axis=0).view(array.dtype)])
        raw = (np.ascontiguousarray(x).tobytes() for x in (array, changes))
        total += min(len(lzma.compress(data, lzma.FORMAT_RAW, filters=filters)) for data in raw)
    return 8 * total


def rounded(value):
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
