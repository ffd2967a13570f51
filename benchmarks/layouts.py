"""Poses from one layout to another: frames per second, how well the table of the face fits, and what codecs make of it.

uv run python benchmarks/layouts.py [--data folder] [--cases folder] [--step 60]

Prints JSON:

- "frames per second" of `to_layout` on real clips, one core;
- "face": the mean frontal faces of MediaPipe's clips against those of OpenPose's and RTMPose's, aligned by corners of
  eyes and mouth, middle of the lips and nose: distance of each region's points from the mesh points of `IBUG_TO_MESH`,
  in distances between the eyes' centers, and how many points have another mesh point of that line nearer by more than
  a twentieth;
- "codecs": mean distance of decoded keypoints from the clip's own, in shoulder widths, of clips as they are and mapped
  to OpenPose's 137 points and back before they are encoded.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from ht_vae.codec import reconstruct
from ht_vae.model_selection import Models
from pose_core import PoseSequence, read
from pose_core.skeleton.faces import IBUG_TO_MESH, MESH_CHAINS, NOSE_CHAINS, ibug_mirror, mesh_mirror
from pose_core.transforms import clean, to_layout
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.model import PoseTokenizer

SHARED = Path(__file__).resolve().parents[2] / "shared"
MESHES = ("holistic_full_3.pose", "holistic_full_50fps.pose", "holistic_full_sentence_50fps.pose")
FACES = ("openpose.pose", "openpose_137.pose", "01-openpose-json-folder/clip_json")
FACES += ("02-mmpose-json-133/rtmw_scores.pose",)
CLIPS = ("50fps", "sentence_50fps", "4", "2", "0")
ANCHORS = (36, 39, 42, 45, 33, 48, 54, 51, 57, 62, 66)
REGIONS = {"jaw": (0, 17), "eyebrows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "mouth": (48, 68)}
PARTS = ("hands", "body", "face")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--cases", type=Path, default=SHARED / "cases")
    parser.add_argument("--step", type=int, default=60, help="every so many clips of fingerspelling/")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    formats = arguments.data / "formats"
    clips = [formats / f"holistic_full_{name}.pose" for name in CLIPS] + [formats / "mediapipe.pose"]
    clips += sorted((arguments.data / "dgs_sentences").rglob("*.pose"))[:6]
    clips += sorted((arguments.data / "fingerspelling").rglob("*.pose"))[:: arguments.step]
    others = [(formats if name.endswith(".pose") and "/" not in name else arguments.cases) / name for name in FACES]
    result = {
        "settings": {"clips": len(clips), "step": arguments.step, "meshes": len(MESHES), "faces": len(others)},
        "frames per second": speeds(formats),
        "face": face_distances([formats / name for name in MESHES], others),
        "codecs": codec_errors(clips),
    }
    print(json.dumps(result, indent=1))


def speeds(formats: Path) -> dict[str, int]:
    found = {}
    for name, layout in (
        ("holistic_full_0", "openpose_137"),
        ("openpose", "holistic_178"),
        ("openpose", "holistic_543"),
    ):
        sequence = read(formats / f"{name}.pose")
        to_layout(sequence, layout)
        frames, started = 0, time.perf_counter()
        while time.perf_counter() - started < 1:
            to_layout(sequence, layout)
            frames += len(sequence)
        found[f"{name} to {layout}"] = round(frames / (time.perf_counter() - started))
    return found


def face_distances(meshes: list[Path], faces: list[Path]) -> dict[str, dict[str, float]]:
    """Per region, mean and largest distance of its points from their mesh points, and how many have a nearer one."""
    table = np.array(IBUG_TO_MESH[:68])
    line = {point: chain for chain in (*MESH_CHAINS, *NOSE_CHAINS) for point in chain}
    distances, nearer = [], []
    for mesh in (mean_face(path, mesh_mirror()[:468], (33, 133), (263, 362)) for path in meshes):
        for face in (mean_face(path, ibug_mirror(68), (36, 39), (45, 42)) for path in faces):
            placed = face.copy()
            for axis in (0, 1):
                design = np.stack([face[list(ANCHORS), axis], np.ones(len(ANCHORS))], axis=1)
                scale, offset = np.linalg.lstsq(design, mesh[table[list(ANCHORS)], axis], rcond=None)[0]
                placed[:, axis] = scale * face[:, axis] + offset
            distances.append(np.linalg.norm(placed - mesh[table], axis=-1))
            of_line = [np.linalg.norm(mesh[list(line[p])] - placed[i], axis=-1).min() for i, p in enumerate(table)]
            nearer.append(of_line)
    mean, best = np.mean(distances, axis=0), np.mean(nearer, axis=0)
    return {
        name: {
            "mean": round(float(mean[a:b].mean()), 3),
            "largest": round(float(mean[a:b].max()), 3),
            "nearer by a twentieth": int((mean[a:b] - best[a:b] > 0.05).sum()),
        }
        for name, (a, b) in REGIONS.items()
    }


def mean_face(path: Path, mirror: tuple[int, ...], right: tuple[int, ...], left: tuple[int, ...]) -> np.ndarray:
    """(K, 2) mean of the quarter of the frames that is most symmetric; the eyes' centers lie 1 apart."""
    sequence = read(path)
    points = sequence.skeleton.face()[: len(mirror)]
    shown = sequence.confidence[:, points] > 0
    frames = sequence.keypoints[shown.all(axis=1)][:, points, :2].astype(np.float64)
    found = []
    for frame in frames:
        a, b = frame[list(right)].mean(axis=0), frame[list(left)].mean(axis=0)
        x, y = b - a
        upright = (frame - (a + b) / 2) @ np.array([[x, -y], [y, x]]) / (x * x + y * y)
        mirrored = upright[list(mirror)] * (-1, 1)
        found.append((float(np.abs(upright - mirrored).mean()), (upright + mirrored) / 2))
    found.sort(key=lambda each: each[0])
    return np.mean([face for _, face in found[: max(1, len(found) // 4)]], axis=0)


def codec_errors(clips: list[Path]) -> dict[str, dict[str, float]]:
    tokenizer, models = PoseTokenizer.load("signing", "cpu"), Models("signing", "cpu")
    errors: dict[str, list[list[float]]] = {}
    for path in clips:
        original = to_layout(clean(read(path)), "holistic_178")
        flat = original.on_skeleton(original.skeleton.with_dims(2))
        mapped = to_layout(to_layout(flat, "openpose_137"), "holistic_178")
        for name, sequence in (("", flat), (", through openpose_137", mapped)):
            tokens = decode(tokenizer, encode(tokenizer, sequence))
            encoded, decoded = reconstruct(models.of(sequence.skeleton), sequence)
            restored = decoded.restored(encoded.placement, sequence.skeleton)
            for codec, output in (("pose-tokenizer", tokens), ("ht-vae", restored)):
                errors.setdefault(codec + name, []).append([distance(output, flat, part) for part in PARTS])
    return {
        name: {part: round(float(value), 4) for part, value in zip(PARTS, np.nanmean(rows, axis=0), strict=True)}
        for name, rows in errors.items()
    }


def distance(output: PoseSequence, original: PoseSequence, part: str) -> float:
    """Mean distance in shoulder widths of a part's keypoints, where both are visible."""
    skeleton = original.skeleton
    left, right = skeleton.shoulders()
    both = original.visible[:, [left, right]].all(axis=1)
    width = np.median(np.linalg.norm(original.keypoints[both, left] - original.keypoints[both, right], axis=-1))
    points = skeleton.hand("left") + skeleton.hand("right") if part == "hands" else skeleton.part(part)
    output = output.on_skeleton(skeleton)
    visible = original.visible[:, points] & output.visible[:, points]
    apart = np.linalg.norm(output.keypoints[:, points] - original.keypoints[:, points], axis=-1)
    return float(apart[visible].mean() / width) if visible.any() else np.nan


if __name__ == "__main__":
    main()
