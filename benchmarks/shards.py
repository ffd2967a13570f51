"""Frames per second read from shards, compared with the same clips as .npz files, and the time to resume an epoch.

uv run python benchmarks/shards.py [--clips 600] [--frames 100] [--shard-megabytes 16]

Clips are synthetic, with noise of half a pixel, since .npz files are compressed and real ones are noisy. Nothing is
done to them but by the data sets themselves (`PoseDataset` sets missing keypoints to zero, as `pose-core pack` did for
the shards). Files were just written, so they are read from memory, not from a disk. Speeds are the median of
`--epochs`, in which both take turns. Two workers hand over padded batches of `--batch-size`, in shared
memory. Resuming counts from no data set at all to the first clip of the rest, with all that it costs to read the index
and draw the order again; it is beside the seconds that reading up to there took.
Prints JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.utils.data import DataLoader

from pose_core import PoseSequence, write
from pose_core.data import Clip, PoseDataset, ShardDataset, collate, pack
from pose_core.testing import fake_sequence
from pose_core.transforms import clean

FACE_POINTS = 128  # and 50 of body and hands: 178
CUT = 0.9


def clip_of(frames: int, number: int) -> PoseSequence:
    """A made clip (T, 178, 3)."""
    sequence = fake_sequence(frames=frames, shape=number, face_points=FACE_POINTS)
    noise = np.random.default_rng(number).normal(0, 0.5, sequence.keypoints.shape)
    return clean(replace(sequence, keypoints=(sequence.keypoints + noise).astype(np.float32)))


def sequences_of(samples) -> object:
    return collate([sample.sequence for sample in samples])


def frames_per_second(read: Callable[[], Iterable[int]]) -> float:
    started = time.perf_counter()
    frames = sum(read())
    return frames / (time.perf_counter() - started)


def resuming(folder: Path, *, shuffle: bool) -> dict[str, float]:
    """Seconds to read to `CUT` of an epoch, to the first clip of a resumed one, and their ratio."""

    def started() -> ShardDataset:
        return ShardDataset(folder, "train", shuffle=shuffle)

    start = time.perf_counter()
    dataset = started()
    clips = iter(dataset)
    for _ in islice(clips, round(CUT * len(dataset))):
        pass
    reading = time.perf_counter() - start
    state = dataset.state_dict()
    expected = next(clips).clip
    start = time.perf_counter()
    dataset = started()
    dataset.load_state_dict(state)
    found = next(iter(dataset)).clip
    resumed = time.perf_counter() - start
    assert found == expected
    return {"reading_seconds": reading, "resuming_seconds": resumed, "ratio": resumed / reading}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--shard-megabytes", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [Clip(folder / f"{i:04}.npz", "a", "ase", "train", "en") for i in range(arguments.clips)]
        sequences = []
        for number, clip in enumerate(clips):
            sequence = clip_of(arguments.frames, number)
            write(sequence, clip.path)
            sequences.append((replace(clip, path=clip.path.relative_to(folder)), sequence))
        start = time.perf_counter()
        shards = pack(sequences, folder / "shards", shard_bytes=arguments.shard_megabytes << 20)
        packing = time.perf_counter() - start
        dataset = ShardDataset(folder / "shards", "train")
        files = PoseDataset(clips, cache_bytes=0)
        loader = DataLoader(
            dataset,
            batch_size=arguments.batch_size,
            collate_fn=sequences_of,
            num_workers=2,
            persistent_workers=True,
        )
        ways: dict[str, Callable[[], Iterable[int]]] = {
            "shards": lambda: (len(sample.sequence) for sample in dataset),
            "shards_shuffled": lambda: (len(s.sequence) for s in ShardDataset(dataset.folder, "train", shuffle=True)),
            "shards_2_workers": lambda: (int(batch.mask.sum()) for batch in loader),
            "npz": lambda: (len(files[i]) for i in range(len(files))),
        }
        next(iter(loader))  # starts the workers
        speeds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(arguments.epochs):
            for way, read in ways.items():
                speeds[way].append(frames_per_second(read))
        medians = {way: median(values) for way, values in speeds.items()}
        cuts = {order: resuming(folder / "shards", shuffle=order == "shuffled") for order in ("in_order", "shuffled")}
        megabytes = {
            "shards": sum(path.stat().st_size for path in (folder / "shards").iterdir()) / 1e6,
            "npz": sum(clip.path.stat().st_size for clip in clips) / 1e6,
        }
    result = {
        "settings": {
            **vars(arguments),
            "keypoints": sequences[0][1].keypoints.shape[1],
            "shards": len(shards),
            "buffer": dataset.buffer,
            "threads": torch.get_num_threads(),
        },
        "megabytes": {kind: round(size, 1) for kind, size in megabytes.items()},
        "packing_seconds": round(packing, 2),
        "frames_per_second": {way: round(speed) for way, speed in medians.items()},
        "to_npz": {way: round(speed / medians["npz"], 2) for way, speed in medians.items() if way != "npz"},
        f"resuming_at_{CUT:.0%}": {
            order: {what: round(value, 4) for what, value in values.items()} for order, values in cuts.items()
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
