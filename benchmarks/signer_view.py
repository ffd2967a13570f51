"""What a pose estimator makes of depth, and of what is outside the picture, in real clips.

uv run python benchmarks/signer_view.py [--data ../shared/data] [--clips 60]

The figures of `text_to_pose.signing.layouts`: how far before the shoulders MediaPipe has nose and wrists, in shoulder
widths, beside the mean body's nose; the visibility it gives points outside the picture; and how often it finds a hand
by how far outside its wrist is.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from pose_core import UserError, read
from text_to_pose.signing.anatomy.body import MEAN_BODY

DATA = Path(__file__).resolve().parents[2] / "shared/data"
BODY = "POSE_LANDMARKS"
EDGES = (-0.5, -0.2, 0.0, 0.2, 0.4, 0.7, 1.0, 2.0)  # shoulder widths outside the picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--clips", type=int, default=60, help="of each folder of signs")
    arguments = parser.parse_args()
    whole = sorted(arguments.data.glob("formats/holistic_full*.pose"))
    report_depth(whole)
    folders = {"formats": whole}
    for name in ("ase_phone", "ase_webcam"):
        folders[name] = sorted(arguments.data.glob(f"signs/{name}/**/*.pose"))[: arguments.clips]
    for name, files in folders.items():
        report_visibility(name, files)


def report_depth(files: list[Path]) -> None:
    depths = defaultdict(list)
    for path in files:
        sequence = read(path)
        left, right = sequence.skeleton.shoulders()
        points = sequence.keypoints.astype(float)
        width = np.linalg.norm((points[:, left] - points[:, right])[:, :2], axis=-1)
        z = points[..., 2] * sequence.size[0]  # from picture widths to pixels
        for name in ("NOSE", "LEFT_WRIST", "RIGHT_WRIST"):
            i = sequence.skeleton.index(BODY, name)
            seen = sequence.confidence[:, i] > 0.5
            if seen.sum() > 3:
                before = (z[:, [left, right]].mean(axis=1) - z[:, i]) / width
                depths[name.split("_")[-1]].append(np.median(before[seen]))
    for name, values in depths.items():
        print(f"{name}: {np.median(values):.2f} shoulder widths before the shoulders, {len(values)} clips")
    print(f"nose of the mean body: {MEAN_BODY.head[0, 2] / MEAN_BODY.shoulder_width:.2f}")


def report_visibility(name: str, files: list[Path]) -> None:
    body, hands = [], []
    for path in files:
        sequence = read(path)
        size, skeleton = np.array(sequence.size[:2]), sequence.skeleton
        try:
            left, right = skeleton.shoulders()
        except UserError:
            continue
        width = np.median(np.linalg.norm((sequence.keypoints[:, left] - sequence.keypoints[:, right])[:, :2], axis=-1))
        for joint in ("ELBOW", "WRIST", "HIP", "KNEE"):
            for side in ("left", "right"):
                if (BODY, f"{side.upper()}_{joint}") not in skeleton.keypoints:
                    continue
                i = skeleton.index(BODY, f"{side.upper()}_{joint}")
                seen = sequence.visible[:, i]
                point = sequence.keypoints[seen, i, :2]
                outside = np.maximum(-point, point - size).max(axis=-1) / width
                body += [*zip(outside, sequence.confidence[seen, i], strict=True)]
                if joint == "WRIST" and skeleton.hand(side):
                    found = sequence.visible[seen][:, skeleton.hand(side)].any(axis=1)
                    hands += [*zip(outside, found, strict=True)]
    for what, pairs in (("median visibility of the body", body), ("share of hands found", hands)):
        outside, value = np.array(pairs, dtype=float).T
        row = []
        for low, high in zip((-np.inf, *EDGES), (*EDGES, np.inf), strict=True):
            within = value[(outside >= low) & (outside < high)]
            if len(within):
                number = np.median(within) if what.startswith("median") else within.mean()
                row.append(f"{low:g} to {high:g}: {number:.2f} ({len(within)})")
        print(f"{name}, {what}, by shoulder widths outside the picture: {', '.join(row)}")


if __name__ == "__main__":
    main()
