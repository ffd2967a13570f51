"""Errors of `text_to_pose.correct` on hidden keypoints, and whether completed hands fit the body.

uv run python benchmarks/correction.py [--split validation] [--checkpoint fingerspelling] [--clips FILE ...]

Errors: in validation clips, frames or the hands in them are hidden. Mean distance of the hidden keypoints from the
clip's, in shoulder widths; the baseline is `pose_core.transforms.fill_gaps`, linear interpolation, constant beyond the
ends. The figures of gaps of at least half a second decide when the model is used at all.

Bodies: clips whose hands are missing at both ends, originally or because they are hidden here, and those of `--clips`.
Of completed hands: distance to the arm's wrist in shoulder widths, size of the palm over the median of visible ones,
and keypoints that `pose_core.transforms.clean` would reject; compared with visible hands. Prints
JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import PoseSequence, UserError, read
from pose_core.data import read_manifest
from pose_core.metrics.anatomy import anatomy
from pose_core.metrics.body_measures import SIDES
from pose_core.transforms import clean, fill_gaps, normalize
from text_to_pose import correct, load_model
from text_to_pose.data.preprocessing import body_and_hands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pose_core.data import Clip
    from text_to_pose.model import TextToPose

DATA = Path(__file__).resolve().parents[2] / "shared/data"
WAYS: dict[str, dict[str, Any]] = {
    "ends missing": {"ends": "missing"},
    "ends held": {"ends": "hold"},
    "ends generated": {"ends": "generate"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    clips = [c for c in read_manifest(arguments.data / "fingerspelling/index.csv") if c.split == arguments.split]
    results = {
        "settings": {"split": arguments.split, "clips": len(clips), "checkpoint": arguments.checkpoint},
        "mean error": mean_errors(model, clips),
        "filled hands": {name: bodies(model, list(sequences)) for name, sequences in sets(arguments)},
    }
    print(json.dumps(results, indent=2))


def mean_errors(model: TextToPose, clips: list[Clip]) -> dict[str, dict[str, float]]:
    errors: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        sequence = body_and_hands(read(clip.path))
        _, placement = normalize(sequence)
        signed = {"text": clip.text, "signed_language": clip.signed_language}
        for gap, hidden in gaps(sequence).items():
            broken = replace(sequence, confidence=np.where(hidden, 0, sequence.confidence).astype(np.float32))
            filled = {
                "line": held(fill_gaps(broken)),
                "correct": correct(model, broken, ends="hold"),
                "correct, with text": correct(model, broken, ends="hold", **signed),
            }
            if gap.endswith("first third"):
                filled["correct, generated ends"] = correct(model, broken, ends="generate")
                filled["correct, generated ends, with text"] = correct(model, broken, ends="generate", **signed)
            # Each is judged by the keypoints that all of them filled in.
            counted = hidden & (sequence.confidence > 0)
            counted &= np.all([made.confidence > 0 for made in filled.values()], axis=0)
            for name, made in filled.items():
                if counted.any():
                    distance = np.linalg.norm(made.keypoints - sequence.keypoints, axis=-1)[counted].mean()
                    errors.setdefault(gap, {}).setdefault(name, []).append(float(distance / placement.scale))
    return {gap: {name: round(float(np.mean(x)), 4) for name, x in by.items()} for gap, by in errors.items()}


def gaps(sequence: PoseSequence) -> dict[str, np.ndarray]:
    """What is hidden, (T, K) bool: thirds of the clip in the middle and at the start; longer spans in the middle."""
    T, K = sequence.confidence.shape
    third = T // 3
    fingers = sequence.skeleton.hand("left") + sequence.skeleton.hand("right")
    hidden = {}
    for keypoints, name in ((slice(None), "all keypoints"), (fingers, "hands")):
        for frames, part in ((slice(third, 2 * third), "middle third"), (slice(third), "first third")):
            mask = np.zeros((T, K), bool)
            mask[frames, keypoints] = True
            hidden[f"{name}, {part}"] = mask
        for seconds in (0.6, 0.8, 1.0):
            span = round(seconds * sequence.fps)
            if span + 4 <= T:
                mask = np.zeros((T, K), bool)
                mask[(T - span) // 2 : (T - span) // 2 + span, keypoints] = True
                hidden[f"{name}, {seconds} s in the middle"] = mask
    return hidden


def held(sequence: PoseSequence) -> PoseSequence:
    """Keypoints that are missing at either end, where they were first or last seen."""
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    for k in range(confidence.shape[1]):
        seen = np.flatnonzero(confidence[:, k] > 0)
        if len(seen):
            for part, at in ((slice(None, seen[0]), seen[0]), (slice(seen[-1] + 1, None), seen[-1])):
                keypoints[part, k], confidence[part, k] = keypoints[at, k], confidence[at, k]
    return replace(sequence, keypoints=keypoints, confidence=confidence)


def sets(arguments: argparse.Namespace) -> Iterator[tuple[str, Iterator[PoseSequence]]]:
    """Names of sets, and their clips as they are to be corrected."""
    sentences = arguments.data / "dgs_sentences"
    yield "sentences, hands hidden at the ends", (hide_ends(read(p)) for p in sorted(sentences.glob("*_original.pose")))
    yield (
        "signs joined, hands hidden at the ends",
        (hide_ends(read(p)) for p in sorted(sentences.glob("*_updated.pose"))),
    )
    yield (
        "signs by phone, as they are",
        (read(p) for p in sorted((arguments.data / "signs/ase_phone").glob("*.pose"))[::5]),
    )
    webcam = sorted((arguments.data / "signs/bzs_webcam").glob("*.pose"))
    yield "signs by webcam, as they are", (read(p) for p in webcam[::5])
    if arguments.clips:
        yield "given clips", (read(p) for p in arguments.clips)


def hide_ends(sequence: PoseSequence) -> PoseSequence:
    """The clip without hands in its first and last quarter, and for half a second in the middle."""
    fingers = sequence.skeleton.hand("left") + sequence.skeleton.hand("right")
    T = len(sequence)
    confidence = sequence.confidence.copy()
    half = round(0.25 * sequence.fps)
    for frames in (slice(T // 4), slice(T - T // 4, None), slice(T // 2 - half, T // 2 + half)):
        confidence[frames, np.asarray(fingers)[:, None].T] = 0
    return replace(sequence, confidence=confidence)


def bodies(model: TextToPose, sequences: list[PoseSequence]) -> dict[str, dict[str, float]]:
    """Measures of hands that were seen, and of those that were filled in each way."""
    seen: dict[str, list[np.ndarray]] = {"gap": [], "palm": []}
    filled = {way: {"gap": [], "palm": []} for way in WAYS}
    rejected, frames = dict.fromkeys(WAYS, 0), 0
    for number, sequence in enumerate(sequences):
        clip = clean(sequence)
        shown = {side: (clip.confidence[:, clip.skeleton.hand(side)] > 0).any(axis=1) for side in SIDES}
        try:
            corrected = {way: correct(model, sequence, **options) for way, options in WAYS.items()}
        except UserError as error:
            raise UserError(f"clip {number} of {len(sequences)}: {error}") from error
        frames += sum(int((~shown[side]).sum()) for side in SIDES)
        collect(seen, anatomy(clip), shown)
        for way, fixed in corrected.items():
            new = (fixed.confidence > 0) & ~(clip.confidence > 0) & ~(sequence.confidence > 0)
            rejected[way] += int((new & ~(clean(fixed).confidence > 0)).sum())
            collect(filled[way], anatomy(clean(fixed), reference=clip), {side: ~shown[side] for side in SIDES})
    return {"hands missing": {"frames": frames}, "seen": summary(seen)} | {
        way: summary(measures) | {"rejected by clean": rejected[way]} for way, measures in filled.items()
    }


def collect(measures: dict[str, list[np.ndarray]], body: Any, frames: dict[str, np.ndarray]) -> None:
    for side in SIDES:
        measures["gap"].append(body.wrist_gap[side][frames[side]])
        measures["palm"].append(body.palm_size[side][frames[side]])


def summary(measures: dict[str, list[np.ndarray]]) -> dict[str, float]:
    gap, palm = (np.concatenate(values) for values in measures.values())
    gap, palm = gap[np.isfinite(gap)], palm[np.isfinite(palm)]
    if not len(gap):
        return {"frames": 0}
    figures = {
        "wrist gap, mean": gap.mean(),
        "wrist gap, median": np.median(gap),
        "wrist gap, 95th percentile": np.percentile(gap, 95),
        "wrist gap, largest": gap.max(),
        "palm, 95th percentile": np.percentile(palm, 95),
        "palm, largest": palm.max(initial=0),
    }
    return {"frames": len(gap)} | {name: round(float(value), 3) for name, value in figures.items()}


if __name__ == "__main__":
    main()
