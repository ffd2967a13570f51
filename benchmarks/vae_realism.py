"""Samples of `ht_vae` models beside clips of people that none was trained on: windows, and hands.

uv run python benchmarks/codec_data.py --output mixed                                                   # before
uv run python benchmarks/vae_realism.py --data mixed/index.csv [--models signing runs/mine] [--seeds 0 1 2]

Of every model a sample is drawn per held-out clip (splits validation and test) and seed, as long as the clip. Prints
JSON: the Fréchet distance of their windows to the clips' (`window_features`), and how far a hand is, on average, from
the nearest one of a real training clip, over the same of the held-out clips' hands: 1 where samples' handshapes are as
near to ones that people make as other people's are. Hands are compared as right ones, from the wrist and of one size,
by the root mean squared distance of a keypoint. "train" is the same of the training clips, whose hands are their own
nearest ones. Clips of other layouts than the first model's, clips without a face, and synthesized ones are left out.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from codec import rounded

from ht_vae import load_model
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.evaluation.frechet_features import window_features
from ht_vae.nn.flow_prior import STOCHASTICITY
from ht_vae.sampling import generate
from pose_core import PoseSequence, Skeleton, UserError
from pose_core.data import Clip, PoseDataset, read_clips
from pose_core.metrics import frechet_distance

STRIDE = 3  # frames between hands that are compared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="manifest of codec_data.py")
    parser.add_argument("--models", nargs="+", default=["signing"], help="bundled names or model folders")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--stochasticity", type=float, default=STOCHASTICITY, help="of learned priors' samples")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    how = {"temperature": arguments.temperature, "stochasticity": arguments.stochasticity}
    models = {name: load_model(name, "cpu") for name in arguments.models}
    skeleton = next(iter(models.values())).skeleton
    clips = {clip.path: clip for clip in read_clips(arguments.data) if "synthesized" not in clip.path.parts}.values()
    train = prepared([clip for clip in clips if clip.split == "train"], skeleton)
    held_out = prepared([clip for clip in clips if clip.split in ("validation", "test")], skeleton)
    known, real = hands(train), hands(held_out)
    windows, unseen = features(held_out), nearest(real, known)
    result = {
        "settings": {"models": arguments.models, "seeds": arguments.seeds} | how,
        "clips": {"train": len(train), "held out": len(held_out)},
        "held out": {"hand distance": float(unseen.mean())},
        "train": {"Fréchet distance": float(frechet_distance(features(train), windows))},
    }
    lengths = [len(each) for each in held_out]
    for name, model in models.items():
        drawn = [[each.sequence for each in generate(model, lengths, seed=seed, **how)] for seed in arguments.seeds]
        distances = [float(nearest(hands(each), known).mean()) for each in drawn]
        result[name] = {
            "Fréchet distance": [float(frechet_distance(features(each), windows)) for each in drawn],
            "hand distance": distances,
            "times unseen people's": float(np.mean(distances) / unseen.mean()),
        }
    print(json.dumps(rounded(result), indent=2, ensure_ascii=False))


def prepared(clips: Iterable[Clip], skeleton: Skeleton) -> list[PoseSequence]:
    """Clips as a model sees them; those that it cannot be given are left out."""
    loader, processor, found = PoseDataset([], cache_bytes=0), PoseDataProcessor(skeleton=skeleton), []
    for clip in clips:
        try:
            sequence = processor(loader.load_sample(clip))
        except UserError:
            continue
        if sequence.visible[:, skeleton.face()].any() or not skeleton.face():
            found.append(sequence)
    return found


def features(sequences: Iterable[PoseSequence]) -> np.ndarray:
    return np.concatenate([window_features(each) for each in sequences])


def hands(sequences: Iterable[PoseSequence]) -> np.ndarray:
    """(N, 21 * D) hands that are seen whole, every `STRIDE` frames."""
    rows = []
    for sequence in sequences:
        for side in ("left", "right"):
            points = sequence.skeleton.hand(side)
            frames = np.flatnonzero(sequence.visible[:, points].all(axis=1))[::STRIDE]
            hand = sequence.keypoints[frames][:, points]
            hand = hand - hand[:, :1]
            size = np.sqrt(np.square(hand).sum(axis=-1).mean(axis=-1))[:, None, None]
            hand = hand / np.maximum(size, 1e-6)
            hand[..., 0] *= -1 if side == "left" else 1
            rows.append(hand.reshape(len(hand), hand.shape[1] * hand.shape[2]))
    return np.concatenate(rows)


def nearest(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) root mean squared distance of a keypoint to the nearest other hand, in hand sizes."""
    distances = torch.cdist(torch.from_numpy(some).float(), torch.from_numpy(others).float())
    return distances.amin(dim=1).numpy() / np.sqrt(21)


if __name__ == "__main__":
    main()
