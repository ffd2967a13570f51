"""`pose-core estimate` on 300 short videos, killed three times; one video is damaged, and one shows nobody.

The same command goes on each time, and names both in the end. It runs the real MediaPipe on parts of the real clips,
and is skipped where there are none, or where MediaPipe cannot be installed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from pose_core import read
from pose_core.errors import UserError
from pose_core.estimation.estimators import holistic

CLIPS = int(os.environ.get("ESTIMATION_CLIPS", "300"))
SIZE = 320, 180
FAULTS = {signal.SIGKILL: 0.2, signal.SIGINT: 0.5, signal.SIGTERM: 0.8}  # when which share of the videos is done
PATIENCE = 3600  # seconds


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all videos: 10 to 20 frames each, in small pictures."""
    data = Path(os.environ.get("POSE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "videos"
    if not data.is_dir():
        pytest.skip(f"no real videos in {data}; set POSE_DATA")
    try:
        holistic().environment.python(print)
    except UserError as error:
        pytest.skip(str(error))
    folder, random = tmp_path_factory.mktemp("videos"), Random(0)
    pictures = [frames_of(path) for path in sorted(data.glob("*.mp4"))]
    for number in range(CLIPS):
        shown = random.choice(pictures)
        length = random.randint(10, 20)
        start = random.randrange(len(shown) - length)
        write_video(folder / f"{number:03}.mp4", shown[start : start + length])
    noise = np.random.default_rng(0).integers(0, 255, (15, SIZE[1], SIZE[0], 3), np.uint8)
    write_video(folder / "nobody.mp4", list(noise))
    whole = (folder / "000.mp4").read_bytes()
    (folder / "damaged.mp4").write_bytes(whole[: len(whole) // 3])
    return folder


def frames_of(path: Path) -> list[np.ndarray]:
    """All pictures of a video, small."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24", width=SIZE[0], height=SIZE[1]) for frame in container.decode(video=0)]


def write_video(path: Path, pictures: list[np.ndarray]) -> None:
    """Writes pictures as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def outputs(folder: Path) -> dict[Path, int]:
    """The poses that are there, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.glob("*.pose"))}


def processes_below(pid: int) -> list[int]:
    """A process's children, and theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *processes_below(child)]
    return found


def running(pid: int) -> bool:
    """Whether it is more than an entry that waits for its parent."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_batch_of_videos_goes_on_and_names_what_it_cannot_do(videos: Path, tmp_path: Path) -> None:
    """It ends with every pose whole, none estimated twice, and no process left."""
    out, total = tmp_path / "out", CLIPS + 2
    command = [str(Path(sys.executable).parent / "pose-core"), "estimate", str(videos), "--output", str(out)]
    command += ["--workers", "2"]
    for number, share in FAULTS.items():
        before = outputs(out)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + PATIENCE
            while len(outputs(out)) < share * CLIPS:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            below = processes_below(process.pid)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        assert process.returncode == (-number if number == signal.SIGKILL else 130), said
        time.sleep(1)
        assert len(below) == 2
        assert not any(map(running, below))
        done = outputs(out)
        assert before.items() <= done.items()
        if number != signal.SIGKILL:
            assert said.splitlines()[-1] == "Error: interrupted"
            assert f"{len(done)} of {total} files are done; the same command goes on from there" in said
    for _ in range(2):  # the second has only these two left
        before = outputs(out)
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert ended.returncode == 3
        assert f"{len(before)} of {total} left out: their outputs exist" in ended.stderr
        *_, damaged, nobody, last = ended.stderr.splitlines()
        assert damaged.startswith(f"{videos / 'damaged.mp4'}: ")
        assert re.fullmatch(rf"{videos / 'nobody.mp4'}: nobody is visible in its 15 frames; nothing is written", nobody)
        assert last.startswith(f"Error: 2 of {total} files failed; all others are done")
        assert before.items() <= outputs(out).items()
        assert "Traceback" not in ended.stderr
    assert len(outputs(out)) == CLIPS
    for path in outputs(out):
        assert 10 <= len(read(path)) <= 20
    assert not list(out.glob("nobody*")) + list(out.glob("damaged*"))
