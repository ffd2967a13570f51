"""Body measures of samples of `ht_vae` models, compared with real clips: hands on arms, constant palm sizes.

uv run python benchmarks/vae_samples.py [--models signing runs/mine] [--samples 10] [--frames 500] [--seeds 0 1]

Of every model `--samples` are drawn per seed from the prior, and measured by `pose_core.metrics.anatomy`, over the
frames in which the points are predicted visible: the distance of a hand's wrist from the arm's in shoulder widths, the
size of a palm over its median in the sample, and the length of upper arm and forearm in shoulder widths. "real" is the
same of all clips of fingerspelling and sentences as models see them. Prints JSON.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from codec import rounded

from ht_vae import load_model
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.sampling import generate
from pose_core import read
from pose_core.data import read_clips
from pose_core.metrics.anatomy import Anatomy, anatomy

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
REAL = ("fingerspelling", "dgs_sentences")
LARGE = 1.5  # times the median palm: real ones are smaller


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["signing"], help="bundled names or model folders")
    parser.add_argument("--samples", type=int, default=10, help="of each seed")
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--data", type=Path, default=SHARED, help="the folder that has fingerspelling and sentences")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = {key: value for key, value in vars(arguments).items() if key not in ("models", "data")}
    result = {"settings": settings | {"torch": torch.__version__}, "real": {}, "samples": {}}
    processor = PoseDataProcessor(skeleton=load_model(arguments.models[0], "cpu").skeleton)
    every = []
    for name in REAL:
        clips = read_clips(arguments.data / name / "index.csv")
        found = [anatomy(processor(read(clip.path))) for clip in clips]
        result["real"][name] = figures(found)
        every += found
    result["real"]["both"] = figures(every)
    for name in arguments.models:
        model = load_model(name, "cpu")
        lengths = [arguments.frames] * arguments.samples
        found = [
            anatomy(sample.sequence)
            for seed in arguments.seeds
            for sample in generate(model, lengths, seed=seed, temperature=arguments.temperature)
        ]
        result["samples"][f"{name} ({model.hash})"] = figures(found)
    print(json.dumps(rounded(result), indent=2))


def figures(found: list[Anatomy]) -> dict:
    """Of several sequences together, frame by frame."""
    palm = values(found, lambda each: each.palm_size.values())
    arms = values(found, lambda each: [v for name, v in each.bone_length.items() if name.endswith("arm")])
    return {
        "sequences": len(found),
        "wrist gap": spread(values(found, lambda each: each.wrist_gap.values())),
        "palm over its median": spread(palm) | {f"share above {LARGE}": float((palm > LARGE).mean())},
        "arm bone": spread(arms),
    }


def values(found: list[Anatomy], of: Callable[[Anatomy], Iterable[np.ndarray]]) -> np.ndarray:
    """Measures of all frames that have them."""
    every = np.concatenate([each for sequence in found for each in of(sequence)])
    return every[np.isfinite(every)]


def spread(measures: np.ndarray) -> dict[str, float]:
    return {
        "frames": len(measures),
        "mean": float(measures.mean()),
        "median": float(np.median(measures)),
        "95th": float(np.quantile(measures, 0.95)),
        "max": float(measures.max()),
    }


if __name__ == "__main__":
    main()
