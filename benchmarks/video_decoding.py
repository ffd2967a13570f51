"""Frames per second and peak memory of decoding a video, beside OpenCV's `VideoCapture` and `simple_video_utils`.

uv run python benchmarks/video_decoding.py [--minutes 2] [--size 640 360] [VIDEO ...]

Without VIDEO, two seconds of noise that moves are encoded once, as H.264 with B-frames at 30 frames per second, and
repeated packet by packet: `--minutes 120` is the film of two hours. Each reading is a process of its own, in turn, the
best of `--repeats`; all of them end in RGB arrays. Memory is all that the process holds at most.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS, FRAMES = 30, 60


def make_video(path: Path, size: tuple[int, int], minutes: float) -> None:
    short = path.with_name("short.mp4")
    noise = np.random.default_rng(0).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8).repeat(8, 0)
    with av.open(str(short), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "30", "preset": "veryfast", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(FRAMES):
            picture = np.roll(noise.repeat(8, 1), 4 * number, axis=1)[: size[1], : size[0]]
            padded = np.zeros((size[1], size[0], 3), np.uint8)
            padded[: picture.shape[0], : picture.shape[1]] = picture
            container.mux(stream.encode(av.VideoFrame.from_ndarray(padded, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(short)) as old, av.open(str(path), "w", options={"movflags": "faststart"}) as new:
        source = old.streams.video[0]
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in old.demux(source) if p.size]
        stream = new.add_stream_from_template(source)
        step = round(Fraction(1, FPS) / source.time_base)
        for turn in range(round(minutes * 60 * FPS / FRAMES)):
            for content, pts, dts, key in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.duration = stream, source.time_base, step
                packet.pts, packet.dts = pts + turn * FRAMES * step, dts + turn * FRAMES * step
                packet.is_keyframe = key
                new.mux_one(packet)
    short.unlink()


def pose_core(path: str) -> Iterator[np.ndarray]:
    from pose_core.estimation.video import open_video

    with open_video(path) as video:
        for frame in video:
            yield frame.image


def opencv(path: str) -> Iterator[np.ndarray]:
    import cv2

    capture = cv2.VideoCapture(path)
    while True:
        found, image = capture.read()
        if not found:
            return
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def simple_video_utils(path: str) -> Iterator[np.ndarray]:
    from simple_video_utils.frames import read_frames_exact

    yield from read_frames_exact(path)


READERS = {reader.__name__: reader for reader in (pose_core, opencv, simple_video_utils)}


def measure(reader: str, path: str) -> dict:
    started = time.perf_counter()
    frames = sum(1 for _ in READERS[reader](path))
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "frames": frames,
        "frames_per_second": round(frames / seconds, 1),
        "processor_ms_per_frame": round(1000 * (used.ru_utime + used.ru_stime) / frames, 2),
        "megabytes": used.ru_maxrss // 1024,
    }


def compared(path: str, repeats: int) -> dict:
    runs: dict[str, list[dict]] = {reader: [] for reader in READERS}
    for _ in range(repeats):
        for reader, done in runs.items():
            command = [sys.executable, __file__, "--measure", reader, path]
            done.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    best = {reader: max(done, key=lambda run: run["frames_per_second"]) for reader, done in runs.items()}
    best["ratio_to_opencv"] = round(best["pose_core"]["frames_per_second"] / best["opencv"]["frames_per_second"], 2)
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("videos", nargs="*")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 360))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        videos = arguments.videos
        if not videos:
            videos = [str(Path(temporary) / "made.mp4")]
            make_video(Path(videos[0]), tuple(arguments.size), arguments.minutes)
        results = {Path(video).name: compared(video, arguments.repeats) for video in videos}
    settings = {
        "minutes": arguments.minutes,
        "size": list(arguments.size),
        "repeats": arguments.repeats,
        "python": platform.python_version(),
        "pyav": av.__version__,
        "cores": os.cpu_count(),
    }
    print(json.dumps({"settings": settings, "videos": results}, indent=2))


if __name__ == "__main__":
    main()
