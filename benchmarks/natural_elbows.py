"""Where signers' elbows are in pictures, by where the wrists are, and how near the signer's arms come to them.

uv run python benchmarks/natural_elbows.py [--data folder]

Reads the `.pose` files of fingerspelling/, dgs_sentences/ and signs/ below the folder. Prints JSON, in shoulder widths:

- `natural`: elbow outward from the shoulder and up by the wrist's x and y from there (1, x, y, xx, xy, yy), by robust
  least squares in which each source weighs alike: the constants of `text_to_pose.signing.anatomy.elbow`; and what is
  left;
- `arms`: how far `arm.solve` puts elbows from the real ones in the picture, when it is given the wrist and the hand's
  turn. Pictures have no depth: that of the wrist is what foreshortens the forearm, after a share of what foreshortens
  the upper arm; that of the hand what foreshortens the palm. `turned`: by how much solve has to turn real hands to keep
  them within the limits of wrist and forearm, 90th percentile in degrees.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from body_proportions import DATA, Points, files

from pose_core import UserError, read
from text_to_pose.signing.anatomy.arm import solve
from text_to_pose.signing.anatomy.body import MEAN_BODY

FRAMES = 3  # one in so many counts
SAMPLE = 2000
PALM, KNUCKLES = 0.345, 0.20  # of the mean body: wrist to middle knuckle, index to little finger
SHARES = (0.0, 0.3, 0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sources, rows = [], []
    for person, path in files(arguments.data):
        if person.startswith("formats") or "webcam" in person:
            continue
        try:
            points = Points(read(path))
        except UserError:
            continue
        if points.has("POSE_LANDMARKS", "LEFT_HIP"):
            found = np.concatenate([arm_points(points, side) for side in ("LEFT", "RIGHT")])
            rows.append(found)
            sources += [person.split("/")[0]] * len(found)
    points, sources = np.concatenate(rows), np.array(sources)
    good = (np.abs(points[:, :2]) < 2.5).all(axis=(1, 2))
    natural = fitted(points[good], sources[good])
    hands = points[good & np.isfinite(points).all(axis=(1, 2)) & (points[:, 0, 1] > -1.2)]
    hands = hands[np.random.default_rng(0).permutation(len(hands))[:SAMPLE]]
    arms = {f"share {share}": solved(hands, share) for share in SHARES}
    print(json.dumps({"frames": int(good.sum()), "natural": natural, "hands": len(hands), "arms": arms}, indent=1))


def arm_points(points: Points, side: str):
    """(n, 6, 2) wrist, elbow, hand's wrist, middle, index and little finger's knuckle; x outward, y up."""
    left, right = points.body("LEFT_SHOULDER"), points.body("RIGHT_SHOULDER")
    unit = np.nanmedian(np.linalg.norm(left - right, axis=1))
    hand = [
        points(f"{side}_HAND_LANDMARKS", k) for k in ("WRIST", "MIDDLE_FINGER_MCP", "INDEX_FINGER_MCP", "PINKY_MCP")
    ]
    found = np.stack([points.body(f"{side}_WRIST"), points.body(f"{side}_ELBOW"), *hand], axis=1)
    shoulder = points.body(f"{side}_SHOULDER")
    found = (found - shoulder[:, None]) / unit * [1 if side == "LEFT" else -1, -1]
    return found[::FRAMES]


def fitted(points, sources):
    x, y = points[:, 0].T
    elbow = points[:, 1]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    weights = np.zeros(len(points))
    for source in np.unique(sources):
        weights[sources == source] = 1 / (sources == source).sum()
    result = {}
    for k, name in enumerate(("outward", "up")):
        robust = np.ones(len(points))
        for _ in range(6):
            root = np.sqrt(weights * robust)
            values = np.linalg.lstsq(terms * root[:, None], elbow[:, k] * root, rcond=None)[0]
            missed = elbow[:, k] - terms @ values
            robust = 1 / (1 + (missed / 0.1) ** 2)
        result[name] = {
            "terms": [round(float(v), 3) for v in values],
            "median absolute error": round(float(np.median(np.abs(missed))), 3),
        }
    return result


def solved(points, share: float):
    width = MEAN_BODY.shoulder_width
    wrist, elbow, hand, middle, index, little = np.moveaxis(points, 1, 0)
    upper, lower = MEAN_BODY.upper_arm / width, MEAN_BODY.forearm / width
    out = share * depth_of(elbow, upper) + depth_of(wrist - elbow, lower)
    place = np.concatenate([wrist * [-1, 1], out[:, None]], axis=1) * width + MEAN_BODY.shoulders[1]
    fingers = np.concatenate([(middle - hand) * [-1, 1], depth_of(middle - hand, PALM)[:, None]], axis=1)
    across = (index - little) * [-1, 1]
    slope = -(across * fingers[:, :2]).sum(axis=1) / np.maximum(fingers[:, 2], 0.1)
    thumb = np.concatenate([across, np.clip(slope, -KNUCKLES, KNUCKLES)[:, None]], axis=1)
    y = fingers / np.linalg.norm(fingers, axis=1, keepdims=True)
    x = thumb - (thumb * y).sum(axis=1, keepdims=True) * y
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    rotation = np.stack([x, y, np.cross(x, y)], axis=2)
    shoulder = np.broadcast_to(MEAN_BODY.shoulders[1], (len(points), 1, 3))
    arms = solve(MEAN_BODY, shoulder, place[:, None], rotation[:, None], 25.0)
    found = ((arms.elbow - arms.shoulder)[:, 0] / width * [-1, 1, 1])[:, :2]
    missed = np.abs(found - elbow)
    return {
        "median absolute error": [round(float(v), 3) for v in np.median(missed, axis=0)],
        "80th percentile of the distance": round(float(np.percentile(np.linalg.norm(missed, axis=1), 80)), 3),
        "turned": round(float(np.degrees(np.percentile(arms.turned, 90))), 1),
    }


def depth_of(offset, length: float):
    """How deep something of a length is of which the picture shows the offset."""
    return np.sqrt(np.maximum(length**2 - (offset**2).sum(axis=1), 0))


if __name__ == "__main__":
    main()
