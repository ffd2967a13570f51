"""How fast hands move in real clips, how long one movement lasts, and how fast fingers and forearms turn.

uv run python benchmarks/hand_speeds.py ../shared/data > speeds.json

Reads the clips of `fingerspelling/`, `dgs_sentences/` (what people signed) and `signs/` that hold shoulders and hands.
Lengths are in shoulder widths of the clip, seen from the camera: what goes towards it or away from it does not count.
Prints JSON:

- `wrist_speed`: percentiles over frames of the speed of the wrists, in shoulder widths per second. The greatest of a
  clip is often a hand that an estimator lost or took for the other one; `robust_maximum` is the 99.5th percentile of
  what remains when a wrist's speed is the least of two frames in a row;
- `movements`: a hand's way between two rests (minima of its speed below a third of the peak between them): median
  duration by distance, and the fit `duration = rest + slope * sqrt(distance)`;
- `finger_speed`: percentiles of how fast the finger joints bend, in radians per second.
"""

import argparse
import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from pose_core.formats import read

SETS = {"dgs_sentences": "signed", "fingerspelling": None, "signs": None}
PERCENTILES = (50, 90, 95, 99, 99.5)
BINS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def clips(data: Path):
    for name, kind in SETS.items():
        with (data / name / "index.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("kind", kind) == kind or kind is None:
                    if name == "signs" and not row["path"].startswith("ase_phone"):
                        continue  # the others have no clock
                    yield name, data / name / row["path"]


def index(sequence, part, point):
    try:
        return sequence.skeleton.index(part, point)
    except (KeyError, ValueError):
        return None


def bend_speeds(hand, fps):
    """How fast the middle joints of the four fingers bend, (T - 2, 4), from points (T, 21, 3)."""
    hand = smoothed(hand)
    knuckles, middle, end = hand[:, 5::4], hand[:, 6::4], hand[:, 7::4]
    first, second = middle - knuckles, end - middle
    cosine = (first * second).sum(-1) / (np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1) + 1e-9)
    speed = np.abs(np.diff(np.arccos(np.clip(cosine, -1, 1)), axis=0)) * fps
    return np.minimum(speed[1:], speed[:-1])


def smoothed(points):
    kernel = np.array([1, 2, 1]) / 4
    padded = np.concatenate([points[:1], points, points[-1:]])
    return sum(kernel[i] * padded[i : i + len(points)] for i in range(3))


def runs(seen):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(int), [0]])))
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 6]


def movements(points, fps):
    speed = np.linalg.norm(np.gradient(points, axis=0), axis=1) * fps
    low = [i for i in range(1, len(speed) - 1) if speed[i] <= speed[i - 1] and speed[i] < speed[i + 1]]
    low = [0, *low, len(speed) - 1]
    kept = [low[0]]
    for i, j in zip(low[1:], [*low[2:], None], strict=True):
        peak = speed[kept[-1] : i + 1].max()
        after = peak if j is None else speed[i : j + 1].max()
        if speed[i] <= min(peak, after) / 3:
            kept.append(i)
    for a, b in pairwise(kept):
        peak = speed[a : b + 1].max()
        if peak > 0.5:
            # From where the speed passes a tenth of its peak to where it falls below it.
            inside = np.flatnonzero(speed[a : b + 1] > peak / 10)
            length = np.linalg.norm(np.diff(points[a : b + 1], axis=0), axis=1).sum()
            yield length, (inside[-1] - inside[0] + 1) / fps, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    speeds, ways, bends, counts = {}, [], [], {}
    for name, path in clips(args.data):
        sequence = read(path)
        fps = sequence.fps
        at = {s: index(sequence, f"{s.upper()}_HAND_LANDMARKS", "WRIST") for s in ("left", "right")}
        shoulders = [index(sequence, "POSE_LANDMARKS", f"{s}_SHOULDER") for s in ("LEFT", "RIGHT")]
        if None in shoulders or fps < 20:
            continue
        counts[name] = counts.get(name, 0) + 1
        xy = np.asarray(sequence.keypoints, dtype=float)[..., :2]
        visible = sequence.visible
        width = np.nanmedian(np.linalg.norm(xy[:, shoulders[0]] - xy[:, shoulders[1]], axis=1))
        for wrist in at.values():
            if wrist is None:
                continue
            for a, b in runs(visible[:, wrist]):
                points = smoothed(xy[a:b, wrist] / width)
                if np.abs(np.diff(points, axis=0)).max() > 0.6:
                    continue  # a hand that was lost and found elsewhere
                speed = np.linalg.norm(np.diff(points, axis=0), axis=1) * fps
                speeds.setdefault(name, []).append(np.minimum(speed[1:], speed[:-1]))
                ways += list(movements(points, fps))
                bends.append(bend_speeds(np.asarray(sequence.keypoints[a:b, wrist : wrist + 21], dtype=float), fps))
    result = {"clips": counts, "wrist_speed": {}}
    every = np.concatenate([np.concatenate(s) for s in speeds.values()])
    for name, values in [*((n, np.concatenate(s)) for n, s in speeds.items()), ("all", every)]:
        result["wrist_speed"][name] = {str(p): round(float(np.percentile(values, p)), 2) for p in (*PERCENTILES, 99.9)}
    length, duration, peak = np.array(ways).T
    result["movements"] = {"count": len(ways), "by_distance": []}
    for low, high in pairwise(BINS):
        chosen = (length >= low) & (length < high)
        result["movements"]["by_distance"].append(
            {
                "shoulder_widths": [low, high],
                "count": int(chosen.sum()),
                "seconds": [round(float(np.percentile(duration[chosen], p)), 3) for p in (10, 25, 50, 75, 90)],
                "peak": [round(float(np.percentile(peak[chosen], p)), 2) for p in (50, 90)],
            }
        )
    chosen = (length > 0.1) & (length < 3)
    slope, rest = np.polyfit(np.sqrt(length[chosen]), duration[chosen], 1)
    result["movements"]["fit"] = {"rest": round(float(rest), 3), "slope": round(float(slope), 3)}
    values = np.concatenate([each.ravel() for each in bends])
    result["finger_speed"] = {str(p): round(float(np.percentile(values, p)), 2) for p in PERCENTILES}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
