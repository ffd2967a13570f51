"""Speed of `pose_tokenizer`: frames per second of encoding and decoding, and multiples of real time (25 per second).

uv run python benchmarks/codec_speed.py [--checkpoint signing] [--device cuda] [--frames 1000] [--data index.csv ...]

A batch of one is what users call: `encode` and `decode` of a sequence in pixels, tokens with their header between;
and, as of a camera, `StreamEncoder` frame by frame and `StreamDecoder` block by block. A batch of sixteen is the model
alone, on clips that are normalized, whole and without windows. The longest clips of the split are repeated up to
`--frames`; without the data, synthetic ones. At the model's own lambda, and at 0, where all codes are used. "rest"
is the time outside of networks and quantizer: no files are read, but poses are cleaned, normalized and interpolated,
and `encode` and `decode` check the model's `hash`, which is timed separately, too.

The CPU is always measured, on `--threads`; `--device` names what is measured beside it. Each figure is the median of
several runs after one that does not count, with the fastest and the slowest. Prints JSON.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from codec import DATA, rounded

from pose_core import PoseSequence
from pose_core.data import PoseDataset, read_clips
from pose_core.testing import fake_sequence
from pose_core.transforms import clean
from pose_tokenizer import PoseTokens, StreamDecoder, StreamEncoder, decode, encode, load_model
from pose_tokenizer.data.dataset import TrainingBatch, collate, prepare
from pose_tokenizer.model import PoseTokenizer
from pose_tokenizer.streaming import BEAM

REAL_TIME = 25.0  # frames per second
BATCH = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=DATA, help="manifests; synthetic clips without them")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--checkpoint", default="signing")
    parser.add_argument("--device", default="cpu", help="measured beside the CPU")
    parser.add_argument("--frames", type=int, default=1000, help="of a clip")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sequences = [repeated(sequence, arguments.frames) for sequence in longest(arguments.data, arguments.split)]
    devices = dict.fromkeys(["cpu", arguments.device])
    models = {device: load_model(arguments.checkpoint, device) for device in devices}
    model = models["cpu"]
    result = {
        "settings": {
            "checkpoint": Path(arguments.checkpoint).name,
            "downsampling": model.config.downsampling,
            "num_quantizers": model.config.num_quantizers,
            "num_layers": model.config.num_layers,
            "hidden_dim": model.config.hidden_dim,
            "keypoints": model.skeleton.num_keypoints,
            "frames": arguments.frames,
            "repeats": arguments.repeats,
            "threads": arguments.threads,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "torch": torch.__version__,
        },
        "milliseconds of model.hash": {
            device: 1e3 * statistics.median(Parts(model).timed(lambda model=model: model.hash, arguments.repeats)[0])
            for device, model in models.items()
        },
        "speed": [
            row
            for device, model in models.items()
            for lmbda in (model.config.lmbda, 0.0)
            for row in rows(model, device, sequences, lmbda, arguments.repeats)
        ],
    }
    print(json.dumps(rounded(result), indent=2))


def longest(data: list[Path], split: str) -> list[PoseSequence]:
    """A batch of clips."""
    if not all(path.exists() for path in data):
        return [fake_sequence(frames=60, shape=i, hands=("left", "right"), face_points=128) for i in range(BATCH)]
    clips = [clip for path in data for clip in read_clips(path) if clip.split == split]
    loader = PoseDataset(clips)
    sequences = sorted(map(loader.load_sample, clips), key=len, reverse=True)
    return list(itertools.islice(itertools.cycle(sequences), BATCH))


def repeated(sequence: PoseSequence, frames: int) -> PoseSequence:
    order = np.resize(np.arange(len(sequence)), frames)
    return replace(sequence, keypoints=sequence.keypoints[order], confidence=sequence.confidence[order])


def rows(
    model: PoseTokenizer, device: str, sequences: list[PoseSequence], lmbda: float, repeats: int
) -> Iterator[dict]:
    """All figures of a model on one device, at one lambda."""
    parts = Parts(model)
    first, frames = sequences[0], len(sequences[0])
    tokens = encode(model, first, lmbda=lmbda)
    batch = side_by_side(model, sequences)
    codes = encode_batch(model, batch, lmbda)
    bits = tokens.bits / frames
    of_one = {"device": device, "batch": 1, "lmbda": lmbda, "bits_per_frame": bits}
    calls: list[tuple[dict, Callable[[], object], int]] = [
        ({**of_one, "call": "encode"}, lambda: encode(model, first, lmbda=lmbda), frames),
        ({**of_one, "call": "decode"}, lambda: decode(model, tokens), frames),
        ({**of_one, "call": "StreamEncoder, a frame at a time"}, lambda: encode_live(model, first, lmbda), frames),
        ({**of_one, "call": "StreamDecoder, a block at a time"}, lambda: decode_live(model, tokens), frames),
    ]
    of_many = {"device": device, "batch": len(sequences), "lmbda": lmbda}
    total = int(batch.frame_mask.sum())
    calls += [
        ({**of_many, "call": "latents, quantize"}, lambda: encode_batch(model, batch, lmbda), total),
        ({**of_many, "call": "dequantize, frames"}, lambda: decode_batch(model, codes, batch.block_mask), total),
    ]
    for about, call, count in calls:
        times, shares = parts.timed(call, repeats)
        speeds = [count / seconds for seconds in times]
        yield {
            **about,
            "frames_per_second": statistics.median(speeds),
            "slowest, fastest": [min(speeds), max(speeds)],
            "times real time": statistics.median(speeds) / REAL_TIME,
            "milliseconds": 1e3 * statistics.median(times),
            "share of the time": shares,
        }


class Parts:
    """Times calls of a model, and what its parts take of them.

    Replaces methods of the model by ones that look at the clock, and wait for the device before they do.
    """

    def __init__(self, model: PoseTokenizer) -> None:
        self.device = model.device
        self.seconds: dict[str, float] = defaultdict(float)
        self.model = model

    def timed(self, call: Callable[[], object], repeats: int) -> tuple[list[float], dict[str, float]]:
        """Seconds of each run, and shares of parts in runs of their own: the clock costs time itself."""
        call()
        times = [self._once(call) for _ in range(repeats)]
        with self._watched():
            total = sum(self._once(call) for _ in range(repeats))
        shares = {name: seconds / total for name, seconds in self.seconds.items()}
        self.seconds.clear()
        return times, {**shares, "rest": 1 - sum(shares.values())}

    def _once(self, call: Callable[[], object]) -> float:
        self._wait()
        started = time.perf_counter()
        call()
        self._wait()
        return time.perf_counter() - started

    @contextmanager
    def _watched(self) -> Generator[None]:
        model = self.model
        places = [
            ("networks", model, "latents"),
            ("networks", model, "frames"),
            ("search", model.quantizer, "quantize"),
            ("codes to latents", model.quantizer, "dequantize"),
        ]
        with ExitStack() as stack:
            for part, owner, name in places:
                stack.enter_context(patch.object(owner, name, self._watch(part, getattr(owner, name))))
            yield

    def _watch(self, part: str, method: Callable) -> Callable:
        def watched(*arguments, **options):
            self._wait()
            started = time.perf_counter()
            result = method(*arguments, **options)
            self._wait()
            self.seconds[part] += time.perf_counter() - started
            return result

        return watched

    def _wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)


def encode_live(model: PoseTokenizer, sequence: PoseSequence, lmbda: float) -> list[np.ndarray]:
    """Codes of frames that come one by one."""
    encoder = StreamEncoder(model, lmbda=lmbda)
    body = clean(sequence).on_skeleton(model.skeleton.with_dims(sequence.skeleton.num_dims))
    pieces = [body[t : t + 1] for t in range(len(body))]
    return [*(encoder.push(piece.keypoints[..., :2], piece.confidence) for piece in pieces), encoder.finish()]


def decode_live(model: PoseTokenizer, tokens: PoseTokens) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frames of codes that come block by block."""
    decoder = StreamDecoder(model, tokens.header.placement)
    return [*(decoder.push(codes[None]) for codes in tokens.codes), decoder.finish()]


def side_by_side(model: PoseTokenizer, sequences: list[PoseSequence]) -> TrainingBatch:
    """Normalized clips on the model's device."""
    originals = [prepare(clean(sequence), model.skeleton) for sequence in sequences]
    items = [(original.keypoints, original.visible) for original in originals]
    return collate(items, model.block_frames).to(model.device)


@torch.inference_mode()
def encode_batch(model: PoseTokenizer, batch: TrainingBatch, lmbda: float) -> torch.Tensor:
    """Codes (B, N, Q)."""
    return model.encode(batch.keypoints, batch.visible, batch.block_mask, lmbda=lmbda, beam=BEAM).codes


@torch.inference_mode()
def decode_batch(model: PoseTokenizer, codes: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keypoints (B, T, K, 2) and logits (B, T, K)."""
    return model.decode(codes, mask)


if __name__ == "__main__":
    main()
