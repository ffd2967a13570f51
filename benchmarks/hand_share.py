"""Size of fingers in pictures of a pose file: in the signer's drawing, and in the magnified panels beside it.

uv run python benchmarks/hand_share.py hello.pose [--size 480]

Prints JSON, for each visible hand: the median, over the frames that show it, of the index finger's length from
knuckle to tip, of the hand's height and of its longer side, as shares of the picture's height.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from pose_core import read
from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import Drawing
from pose_core.rendering.view import View
from pose_core.transforms import clean

INDEX_FINGER = [5, 6, 7, 8]  # of a hand's 21 points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poses", type=Path)
    parser.add_argument("--size", type=int, default=480, help="height of the picture in pixels, without captions")
    arguments = parser.parse_args()
    sequence = clean(read(arguments.poses))
    view = View.fit(sequence, arguments.size)
    composition = Composition(sequence, arguments.size)
    headless = Drawing.of(sequence, view)
    shares = {}
    for side in ("left", "right"):
        hand = sequence.skeleton.hand(side)
        visible = headless.visible[:, hand].all(axis=1) if hand else np.zeros(0, bool)
        if not visible.any():
            continue
        panel = next((each for each in composition.panels if np.array_equal(each.layer.points, hand)), None)
        shares[side] = {
            "without head": shares_of(headless.coordinates[visible][:, hand], view.height),
            "with head": shares_of(composition.drawing.coordinates[visible][:, hand], composition.view.height),
        }
        if panel is not None:
            coordinates = np.stack([panel.coordinates(frame)[hand] for frame in np.flatnonzero(visible)])
            shares[side]["magnified"] = shares_of(coordinates, composition.view.height)
    print(json.dumps(shares, indent=2))


def shares_of(coordinates: np.ndarray, height: int) -> dict[str, float]:
    """Of hands (T, 21, 2) in pixels."""
    extents = np.ptp(coordinates, axis=1)
    finger = np.linalg.norm(np.diff(coordinates[:, INDEX_FINGER], axis=1), axis=-1).sum(axis=-1)
    values = {"index finger": finger, "hand's height": extents[:, 1], "hand's longer side": extents.max(axis=1)}
    return {name: round(float(np.median(value)) / height, 3) for name, value in values.items()}


if __name__ == "__main__":
    main()
