"""Frames per second of data sets as padded batches, compared with the training speed of a small model on one core.

uv run python benchmarks/loader.py [--data index.csv] [--max-frames 1024]
"""

import argparse
import itertools
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from pose_core import read
from pose_core.data import FrameBudgetSampler, PoseDataset, ShardDataset, collate, pack, read_clips
from pose_core.testing import fake_manifest
from pose_core.transforms import clean, drop_face, normalize

DATA = Path(__file__).resolve().parents[2] / "shared/data/fingerspelling/index.csv"
WIDTH, LAYERS = 256, 4


def prepared(sequence):
    return normalize(drop_face(sequence))[0]


def frames_per_second(batches, epochs: int = 3) -> float:
    """Real frames, the median of a few epochs."""
    speeds = []
    for _ in range(epochs):
        started, frames = time.perf_counter(), 0
        for batch in batches:
            frames += int(batch.mask.sum())
        speeds.append(frames / (time.perf_counter() - started))
    return sorted(speeds)[epochs // 2]


def sequences_of(samples) -> object:
    return collate([sample.sequence for sample in samples])


def training_speed(batches) -> float:
    """Frames per second of training steps of a transformer encoder, the model these batches are for."""
    batch = next(iter(batches))
    K, D = batch.keypoints.shape[2:]
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
    model = nn.Sequential(nn.Linear(K * D, WIDTH), nn.TransformerEncoder(layer, LAYERS), nn.Linear(WIDTH, K * D))
    optimizer = torch.optim.AdamW(model.parameters())
    started, frames = time.perf_counter(), 0
    for batch in itertools.islice(batches, 8):
        x = batch.keypoints.flatten(2)
        loss = (model(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        frames += int(batch.mask.sum())
    return frames / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--max-frames", type=int, default=1024)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        real = arguments.data.exists()
        clips = read_clips(arguments.data if real else fake_manifest(folder, letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        root = (arguments.data if real else folder / "index.csv").parent
        pack(
            (
                (replace(clip, path=clip.path.relative_to(root), split="train"), clean(read(clip.path)))
                for clip in clips
            ),
            folder / "shards",
        )
        lengths = PoseDataset(clips, transform=prepared).lengths
        sampler = FrameBudgetSampler(lengths, arguments.max_frames)
        padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in sampler)
        speeds = {}
        for workers in (0, 2):
            uncached = PoseDataset(clips, transform=prepared, cache_bytes=0)
            cached = PoseDataset(clips, transform=prepared)
            _ = cached.lengths
            shards = ShardDataset(folder / "shards", "train", transform=prepared)
            common = {"num_workers": workers, "persistent_workers": workers > 0}
            per_batch = max(1, len(clips) // len(sampler))
            loaders = {
                "files": DataLoader(uncached, batch_sampler=sampler, collate_fn=collate, **common),
                "cached": DataLoader(cached, batch_sampler=sampler, collate_fn=collate, **common),
                "shards": DataLoader(shards, batch_size=per_batch, collate_fn=sequences_of, **common),
            }
            speeds[f"{workers}_workers"] = {kind: round(frames_per_second(each)) for kind, each in loaders.items()}
        training = training_speed(DataLoader(cached, batch_sampler=sampler, collate_fn=collate))
    result = {
        "settings": {
            "data": arguments.data.parent.name if real else "fake",
            "clips": len(clips),
            "frames": sum(lengths),
            "max_frames": arguments.max_frames,
            "threads": torch.get_num_threads(),
            "model": f"transformer encoder, {LAYERS} layers of {WIDTH}",
        },
        "padding": round(1 - sum(lengths) / padded, 3),
        "frames_per_second": speeds,
        "training_frames_per_second": round(training),
        "slowest_loader_to_training": round(min(v for s in speeds.values() for v in s.values()) / training, 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
