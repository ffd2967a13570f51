"""How well `text_to_pose.correct` fills gaps of clips it never saw, beside a line between what was seen.

uv run python benchmarks/correction.py [--data index.csv] [--split validation] [--checkpoint fingerspelling]

From each clip a span of frames is hidden, or the hands in it, or the first frames. Errors are mean distances of the
hidden keypoints from the clip's, in shoulder widths; the line is `pose_core.transforms.fill_gaps`, held where there is
nothing on one side. Prints JSON.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_core import PoseSequence, read
from pose_core.data import read_manifest
from pose_core.transforms import fill_gaps, normalize
from text_to_pose import correct, load_model
from text_to_pose.clips import body_and_hands

DATA = Path(__file__).resolve().parents[2] / "shared/data/fingerspelling/index.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--checkpoint", default="fingerspelling")
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    errors: dict[str, dict[str, list[float]]] = {}
    clips = [clip for clip in read_manifest(arguments.data) if clip.split == arguments.split]
    for clip in clips:
        sequence = body_and_hands(read(clip.path))
        for gap, hidden in gaps(sequence).items():
            broken = replace(sequence, confidence=np.where(hidden, 0, sequence.confidence).astype(np.float32))
            filled = {
                "line": held(fill_gaps(broken)),
                "correct": correct(model, broken),
                "correct, with text": correct(model, broken, text=clip.text, signed_language=clip.signed_language),
            }
            _, placement = normalize(sequence)
            for name, made in filled.items():
                counted = hidden & (sequence.confidence > 0) & (made.confidence > 0)
                if counted.any():
                    distance = np.linalg.norm(made.keypoints - sequence.keypoints, axis=-1)[counted].mean()
                    errors.setdefault(gap, {}).setdefault(name, []).append(float(distance / placement.scale))
    means = {gap: {name: round(float(np.mean(x)), 4) for name, x in by.items()} for gap, by in errors.items()}
    settings = {"split": arguments.split, "clips": len(clips), "checkpoint": arguments.checkpoint}
    print(json.dumps({"settings": settings, "mean error": means}, indent=2))


def gaps(sequence: PoseSequence) -> dict[str, np.ndarray]:
    """What is hidden, (T, K) bool: thirds of the clip in the middle and at the start, and hands alone in the middle."""
    T, K = sequence.confidence.shape
    third = T // 3
    middle, first, hands = np.zeros((3, T, K), bool)
    middle[third : 2 * third] = True
    first[:third] = True
    fingers = sequence.skeleton.hand("left") + sequence.skeleton.hand("right")
    hands[third : 2 * third, fingers] = True
    return {"all keypoints, middle third": middle, "hands, middle third": hands, "all keypoints, first third": first}


def held(sequence: PoseSequence) -> PoseSequence:
    """Keypoints that are missing at either end, where they were first or last seen."""
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    for k in range(confidence.shape[1]):
        seen = np.flatnonzero(confidence[:, k] > 0)
        if len(seen):
            for part, at in ((slice(None, seen[0]), seen[0]), (slice(seen[-1] + 1, None), seen[-1])):
                keypoints[part, k], confidence[part, k] = keypoints[at, k], confidence[at, k]
    return replace(sequence, keypoints=keypoints, confidence=confidence)


if __name__ == "__main__":
    main()
