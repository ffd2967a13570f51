"""Frames per second of `pose-core estimate` beside pose_format's `video_to_pose`, on the same clips in one run.

uv run python benchmarks/estimation.py [--videos FOLDER] [--copies 2] [--repeats 3] [--output estimation.json]

Both run MediaPipe 0.10.21: pose_format's in an environment of its own that `uv run` makes, ours as its users have it.
Whole commands are timed, with the start of Python and MediaPipe: on one clip, and on a folder that holds every clip
`--copies` times, where pose_format has `videos_to_poses`. The commands take turns; the fastest of `--repeats` counts.
CPU time is that of all processes. `one_core` runs a command on a single core: one estimator uses a good part of a
second one, for hands, face and decoding, so that on two cores a second worker cannot bring much.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from pose_core import read
from pose_core.estimation.environments import find_python, find_uv

VIDEOS = Path(__file__).resolve().parents[2] / "shared/data/videos"
PEER = ("--with", "mediapipe==0.10.21", "--with", "pose-format==0.15.0")
OURS = str(Path(sys.executable).parent / "pose-core")


def peer(*command: str) -> list[str]:
    uv = find_uv("MediaPipe")
    return [uv, "run", "--quiet", "--no-project", "--python", find_python(uv), *PEER, *command]


def commands(clip: Path, folder: Path, outputs: Path, workers: list[int]) -> dict[str, list[str]]:
    """By name: what is timed. pose_format writes beside the videos of a folder, so each of its runs has a copy."""
    ours = [OURS, "estimate", "--quiet", "--overwrite"]
    pinned = ["taskset", "--cpu-list", "0"]
    peer_clip = peer("video_to_pose", "-i", str(clip), "-o", str(outputs / "peer.pose"))
    ours_clip = [*ours, str(clip), "--output", str(outputs / "ours.pose")]
    found = {
        "clip, pose_format": peer_clip,
        "clip, pose_core": ours_clip,
        "clip, pose_format, one_core": [*pinned, *peer_clip],
        "clip, pose_core, one_core": [*pinned, *ours_clip],
    }
    ours_folder = [*ours, str(folder / "clips"), "--output", str(outputs / "folder")]
    found["folder, pose_core, workers 1, one_core"] = [*pinned, *ours_folder]
    for count in workers:
        found[f"folder, pose_format, workers {count}"] = peer(
            "videos_to_poses", "-d", str(folder / f"peer{count}"), "--num-workers", str(count)
        )
        found[f"folder, pose_core, workers {count}"] = [*ours_folder, "--workers", str(count)]
    return found


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and seconds of a core in all processes."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, cpu


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def differences(outputs: Path) -> dict:
    """Of the poses of one clip: pixels, and confidence."""
    ours, theirs = read(outputs / "ours.pose"), read(outputs / "peer.pose")
    return {
        "frames": [len(ours), len(theirs)],
        "same_skeleton": ours.skeleton == theirs.skeleton,
        "keypoints": float(np.abs(ours.keypoints - theirs.keypoints).max()),
        "confidence": float(np.abs(ours.confidence - theirs.confidence).max()),
    }


def ratios(speed: dict[str, float], workers: list[int]) -> dict[str, float]:
    first, most = f"folder, {{}}, workers {workers[0]}", f"folder, pose_core, workers {workers[-1]}"
    pairs = {"clip, pose_core to pose_format": ("clip, pose_core", "clip, pose_format")}
    for count in workers:
        name = f"folder, {{}}, workers {count}"
        pairs[f"folder, pose_core to pose_format, workers {count}"] = (
            name.format("pose_core"),
            name.format("pose_format"),
        )
    pairs[f"folder, pose_core, workers {workers[-1]} to {workers[0]}"] = most, first.format("pose_core")
    pairs[f"folder, pose_core, workers {workers[-1]} to one on one core"] = (
        most,
        "folder, pose_core, workers 1, one_core",
    )
    return {name: round(speed[ours] / speed[theirs], 3) for name, (ours, theirs) in pairs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=VIDEOS)
    parser.add_argument("--copies", type=int, default=2, help="of each clip in the folder")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    clips = sorted(path for path in options.videos.iterdir() if path.suffix.lower() in (".mp4", ".mov", ".webm"))
    if not clips:
        sys.exit(f"{options.videos}: no clips")
    with tempfile.TemporaryDirectory() as name:
        folder, outputs = Path(name, "in"), Path(name, "out")
        outputs.mkdir()
        for each in ("clips", *(f"peer{count}" for count in options.workers)):
            (folder / each).mkdir(parents=True)
            for number in range(options.copies):
                for clip in clips:
                    shutil.copy(clip, folder / each / f"{clip.stem}_{number}{clip.suffix}")
        frames = {"clip": frames_of(clips[0]), "folder": options.copies * sum(map(frames_of, clips))}
        timing = commands(clips[0], folder, outputs, options.workers)
        subprocess.run(timing["clip, pose_format"], capture_output=True, check=False)  # makes its environment
        runs: dict[str, list[tuple[float, float]]] = {each: [] for each in timing}
        for _ in range(options.repeats):
            for each, command in timing.items():
                for written in folder.glob("peer*/*.pose"):
                    written.unlink()
                runs[each].append(timed(command))
                print(f"{each}: {runs[each][-1][0]:.1f} s, {runs[each][-1][1]:.1f} s of a core", file=sys.stderr)
        equal = differences(outputs)
    result = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "load": os.getloadavg(),
        "settings": {"clips": [clip.name for clip in clips], "copies": options.copies, "repeats": options.repeats},
        "frames": frames,
        "frames_per_second": {
            each: round(frames[each.split(",")[0]] / min(found)[0], 2) for each, found in runs.items()
        },
        "cpu_milliseconds_per_frame": {
            each: round(1000 * min(cpu for _, cpu in found) / frames[each.split(",")[0]], 1)
            for each, found in runs.items()
        },
        "difference": equal,
    }
    result["ratio"] = ratios(result["frames_per_second"], options.workers)
    text = json.dumps(result, indent=2)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
