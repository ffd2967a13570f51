"""Frames per second of `rasterize`, compared with FastAndUglyPoseVisualizer and cv2.polylines, on one core.

uv run python benchmarks/rasterize.py [--clip FILE.pose] [--device cuda]

With a device it also times the differentiable rasterizer there, forward and backward, on batches of hands.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions
from pose_format.pose_visualizer import FastAndUglyPoseVisualizer

from pose_core import read
from pose_core.data import collate
from pose_core.rendering import rasterize, rasterize_differentiable
from pose_core.rendering.raster import fitted
from pose_core.testing import fake_sequence
from pose_core.transforms import clean

SIZE = 64
CLIP = Path(__file__).resolve().parents[2] / "shared/data/formats/holistic_reduced_50fps_565_frames.pose"
SHIFT = 4


def frames_per_second(draw, frames: int, seconds: float = 1.5) -> float:
    """The median of repeated calls within that time, after one that compiles."""
    draw()
    times, started = [], time.perf_counter()
    while time.perf_counter() - started < seconds or len(times) < 3:
        started = time.perf_counter()
        draw()
        times.append(time.perf_counter() - started)
    return frames / float(np.median(times))


def measure(sequence, component: str) -> dict:
    (pixels, seen, limbs) = next(fitted(sequence, [component], size=SIZE))
    points = [str(i) for i in range(pixels.shape[1])]
    part = PoseHeaderComponent(component, points, limbs.tolist(), [(0, 0, 0)], "XYC")
    header = PoseHeader(0.2, PoseHeaderDimensions(SIZE, SIZE, 0), [part])
    whole = np.where(seen[..., None], np.rint(pixels), 0).astype(int)
    body = NumPyPoseBody(25.0, np.ma.masked_array(whole[:, None]), np.ones(whole.shape[:2])[:, None])
    visualizer = FastAndUglyPoseVisualizer(Pose(header, body))
    fixed = np.rint(pixels * (1 << SHIFT)).astype(np.int32)

    def polylines() -> None:
        for frame in fixed:
            picture = np.zeros((SIZE, SIZE), np.uint8)
            cv2.polylines(picture, frame[limbs], False, 255, 1, cv2.LINE_AA, SHIFT)

    theirs = np.stack(list(visualizer.draw()))
    ours = rasterize(sequence, [component], size=SIZE)[:, 0]
    speeds = {
        "fast_and_ugly": frames_per_second(lambda: list(visualizer.draw()), len(sequence)),
        "polylines": frames_per_second(polylines, len(sequence)),
        "rasterize": frames_per_second(lambda: rasterize(sequence, [component], size=SIZE), len(sequence)),
        "rasterize_frame_subpixel": frames_per_second(
            lambda: rasterize(sequence, [component], size=SIZE, fit="frame", subpixel=True), len(sequence)
        ),
    }
    return {
        "limbs": len(limbs),
        "frames_per_second": {name: round(speed) for name, speed in speeds.items()},
        "ratio_to_fast_and_ugly": round(speeds["rasterize"] / speeds["fast_and_ugly"], 1),
        "mean_absolute_difference": round(float(np.abs(ours - theirs.astype(float)).mean() / 255), 4),
    }


def measure_device(sequence, device: str, batch_size: int) -> dict:
    batch = collate([sequence[:64]] * batch_size).to(device)
    frames = 64 * batch_size
    synchronize = getattr(torch, torch.device(device).type).synchronize

    def forward() -> None:
        with torch.no_grad():
            rasterize_differentiable(batch, ["right_hand"], size=SIZE)
        synchronize()

    def both() -> None:
        batch.keypoints.requires_grad_().grad = None
        rasterize_differentiable(batch, ["right_hand"], size=SIZE).square().mean().backward()
        synchronize()

    speeds = {"forward": frames_per_second(forward, frames), "forward_and_backward": frames_per_second(both, frames)}
    return {
        "device": device,
        "frames_a_batch": frames,
        "hand_frames_per_second": {k: round(v) for k, v in speeds.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=256)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    real = arguments.clip.exists()
    sequence = (
        clean(read(arguments.clip)) if real else fake_sequence(frames=500, hands=("left", "right"), face_points=128)
    )
    result = {
        "settings": {
            "clip": arguments.clip.name if real else "fake",
            "frames": len(sequence),
            "size": SIZE,
            "threads": 1,
            "opencv": cv2.__version__,
        },
        "components": {name: measure(sequence, name) for name in ("body", "face", "right_hand")},
    }
    if arguments.device != "cpu":
        result["device"] = measure_device(sequence, arguments.device, arguments.batch_size)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
