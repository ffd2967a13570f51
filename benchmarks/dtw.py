"""Speed of `ndtw_mje` compared with Ham2Pose's: fastdtw per keypoint, with a Python function per pair of points.

    uv run --with fastdtw --with scipy python benchmarks/dtw.py

Three implementations on the same pairs of normalized clips: `fastdtw` (approximate) with Ham2Pose's masked distance,
the plain O(T T') loop in Python (exact), `pose_core.metrics.ndtw_mje` (exact, on one core). Prints JSON. Ours is timed
after a first call, which compiles it or loads it compiled, and is reported separately.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fastdtw import fastdtw
from scipy.spatial.distance import euclidean

from pose_core import PoseSequence, read
from pose_core.metrics import ndtw_mje
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "fingerspelling"
REPEATS = 5  # of ours, of which the median counts; the others take seconds, in which little varies


def masked_distance(hypothesis: np.ma.MaskedArray, reference: np.ma.MaskedArray) -> float:
    """The point distance of Ham2Pose's definition, on points that numpy's masked arrays hold."""
    if np.ma.is_masked(reference):
        return 0.0
    if np.ma.is_masked(hypothesis):
        return euclidean(np.zeros(len(reference)), reference) / 2
    return euclidean(hypothesis, reference)


def trajectories(sequence: PoseSequence) -> list[np.ma.MaskedArray]:
    missing = np.broadcast_to((sequence.confidence == 0)[..., None], sequence.keypoints.shape)
    points = np.ma.masked_array(sequence.keypoints.astype(np.float64), missing)
    return [points[:, k] for k in range(points.shape[1])]


def with_fastdtw(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    pairs = zip(trajectories(hypothesis), trajectories(reference), strict=True)
    return float(np.mean([fastdtw(x, y, dist=masked_distance)[0] for x, y in pairs]))


def with_plain_loop(hypothesis: PoseSequence, reference: PoseSequence) -> float:
    totals = []
    for x, y in zip(trajectories(hypothesis), trajectories(reference), strict=True):
        row = [0.0] + [np.inf] * len(y)
        for point in x:
            above, row = row, [np.inf]
            for j, other in enumerate(y):
                row.append(masked_distance(point, other) + min(above[j], above[j + 1], row[j]))
        totals.append(row[-1])
    return float(np.mean(totals))


def timed(metric: Callable[..., float], pairs: list[tuple[PoseSequence, PoseSequence]]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    values = [metric(*pair) for pair in pairs]
    return time.perf_counter() - start, np.array(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of .pose files; without it synthetic clips")
    parser.add_argument("--clips", type=int, default=6, help="how many, spread over the folder")
    arguments = parser.parse_args()
    files = sorted(arguments.data.rglob("*.pose"))
    if files:
        clips = [read(files[i]) for i in np.linspace(0, len(files) - 1, arguments.clips).astype(int)]
    else:
        clips = [fake_sequence(frames=24 + 3 * i, shape=i, face_points=128) for i in range(arguments.clips)]
    clips = [normalize(clip)[0] for clip in clips]
    pairs = list(zip(clips, clips[1:] + clips[:1], strict=True))
    first_seconds, _ = timed(ndtw_mje, pairs[:1])
    runs = [timed(ndtw_mje, pairs) for _ in range(REPEATS)]
    ours, values = float(np.median([seconds for seconds, _ in runs])), runs[0][1]
    fast, fast_values = timed(with_fastdtw, pairs)
    plain, plain_values = timed(with_plain_loop, pairs)
    settings = {
        "data": str(arguments.data) if files else "pose_core.testing.fake_sequence",
        "pairs": len(pairs),
        "frames": [len(clip) for clip in clips],
        "keypoints": clips[0].skeleton.num_keypoints,
        "missing_keypoints": round(float(np.mean(np.concatenate([clip.confidence == 0 for clip in clips]))), 4),
        "cores_of_machine": os.cpu_count(),
        "python": platform.python_version(),
        "fastdtw_is_compiled": find_spec("fastdtw._fastdtw") is not None,
        **{name: version(name) for name in ("fastdtw", "numba", "numpy", "scipy")},
    }
    seconds = {"fastdtw": fast, "plain_loop": plain, "ndtw_mje": ours, "ndtw_mje_first_call": first_seconds}
    result = {
        "settings": settings,
        "seconds": {name: round(value, 5) for name, value in seconds.items()},
        "fastdtw_over_ndtw_mje": round(fast / ours, 1),
        "plain_loop_over_ndtw_mje": round(plain / ours, 1),
        "largest_relative_difference_from_plain_loop": {
            "ndtw_mje": float(np.max(np.abs(values / plain_values - 1))),
            "fastdtw": float(np.max(np.abs(fast_values / plain_values - 1))),
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
