"""What several files of tests need: poses made by code, tables of them, a command that is run."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from pose_format.pose_header import PoseHeader, PoseHeaderDimensions
from pose_format.utils.openpose import OpenPose_Components

from pose_core.cli import app
from pose_core.command_line import run
from pose_core.data import pack
from pose_core.estimation import estimators
from pose_core.formats import csv_chunks, landmark_table, parquet_chunks, tables, write
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Component, Skeleton, known_skeleton
from pose_core.testing import eaf_text, fake_clips, fake_sequence, fake_skeleton, numbered_sequence
from pose_core.testing_tables import write_csv, write_parquet

settings.register_profile("steady", deadline=None)  # the first call compiles
settings.load_profile("steady")

FINGER_COLORS = ((192, 0, 0), (192, 192, 0), (0, 192, 0), (0, 192, 192), (0, 0, 192))


@pytest.fixture(scope="session")
def skeleton() -> Skeleton:
    """A small holistic skeleton: body 8, face 4, hands 21 each, a color a point as MediaPipe's have; 54 keypoints."""
    colors = ((232, 232, 232), *(color for color in FINGER_COLORS for _ in range(4)))
    body, face, left, right = fake_skeleton(face_points=4).components
    return Skeleton((body, face, replace(left, colors=colors), replace(right, colors=colors)))


@pytest.fixture(scope="session")
def holistic(skeleton) -> PoseSequence:
    """12 frames at 25 fps in a 640x480 picture: the right arm rises and falls; the left hand is never seen.

    The person sways to the right, so that no two frames are alike.
    """
    fake = fake_sequence(frames=12, fps=25.0, face_points=4)
    keypoints, confidence = fake.keypoints.copy(), 0.9 * fake.confidence
    keypoints[..., 0] += 2 * np.arange(12)[:, None]
    keypoints[..., 2] = np.linspace(-50, 50, skeleton.num_keypoints)
    keypoints[confidence == 0] = 0
    return replace(fake, keypoints=keypoints, confidence=confidence, skeleton=skeleton, size=(640, 480, 0))


@pytest.fixture(scope="session")
def openpose() -> PoseSequence:
    """5 frames of OpenPose's 137 keypoints, 2-D, every point seen."""
    header = PoseHeader(0.2, PoseHeaderDimensions(1000, 1000, 0), OpenPose_Components)
    random = np.random.default_rng(0)
    keypoints = random.uniform(100, 900, (5, header.total_points(), 2)).astype(np.float32)
    return PoseSequence(keypoints, np.ones((5, 137), np.float32), 24.0, Skeleton.from_header(header), (1000, 1000, 0))


@pytest.fixture(scope="session")
def tiny() -> PoseSequence:
    """2 frames of 3 keypoints: a file of 139 bytes, small enough to be cut at every one."""
    skeleton = Skeleton((Component("TINY", ("a", "b", "c"), ((0, 1), (1, 2)), ((255, 0, 0),), "XYC"),))
    keypoints = np.arange(1, 13, dtype=np.float32).reshape(2, 3, 2)
    return PoseSequence(keypoints, np.full((2, 3), 0.5, np.float32), 25.0, skeleton, (100, 100, 0))


@pytest.fixture(scope="session")
def hands() -> PoseSequence:
    """6 frames of both hands in pixels, one point of one frame missing."""
    keypoints = np.random.default_rng(0).uniform(10, 500, (6, 42, 3)).astype(np.float32)
    confidence = np.ones((6, 42), np.float32)
    confidence[2, 7] = 0
    return replace(fake_sequence(frames=6), keypoints=keypoints, confidence=confidence, skeleton=known_skeleton(42, 3))


@pytest.fixture(scope="session")
def hands_array(hands) -> np.ndarray:
    """The hands (6, 42, 4): x, y, z, confidence."""
    return np.concatenate([hands.keypoints, hands.confidence[..., None]], axis=2)


@pytest.fixture
def hands_file(hands, tmp_path) -> Path:
    """The hands as a `.pose` file."""
    write(hands, tmp_path / "hands.pose")
    return tmp_path / "hands.pose"


class Malicious:
    """Whoever unpickles it makes the folder `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def malicious(tmp_path) -> Malicious:
    """What must not be unpickled: then its `path` would be there."""
    return Malicious(tmp_path / "unpickled")


@pytest.fixture
def session(tmp_path, monkeypatch) -> Path:
    """A working directory with a session of 100 frames, a tier of its glosses and one of sentences."""
    monkeypatch.chdir(tmp_path)
    write(numbered_sequence(100), tmp_path / "session.pose")
    glosses = [(0, 1000, "HOUSE"), (1000, 2333, 'say "a, b"\nand c'), (2333, 4000, "TREE"), (3960, 4500, "")]
    tiers = {"GLOSS": glosses, "Sentence 1": [(0, 4000, "A house and a tree.")]}
    (tmp_path / "session.eaf").write_text(eaf_text(tiers, people={"GLOSS": "Ana"}), encoding="utf-8")
    return tmp_path


@pytest.fixture
def estimate(monkeypatch, capsys):
    """Runs `pose-core estimate` with a fake estimator of these settings; gives its status, output and messages.

    It stands for MediaPipe Holistic, or, with the setting `people`, for RTMW, and needs no environment of its own.
    """

    def call(*arguments, damage=None, **settings):
        here = SimpleNamespace(python=lambda say: sys.executable, repair="mend it", damage=damage)
        fake = estimators.Estimator("Fake", here, str(Path(__file__).parent / "fake_estimator.py"), settings)
        monkeypatch.setattr(estimators, "rtmw" if "people" in settings else "holistic", lambda *_, **__: fake)
        monkeypatch.setattr(sys, "argv", ["pose-core", "estimate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            run(app, "pose-core")
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture(params=["csv", "python", "parquet"])
def write_table(request, monkeypatch, tmp_path):
    """Writes a table: CSV, which pyarrow reads, or Python alone; or Parquet."""
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
        return lambda header, rows, name="a": write_parquet(tmp_path / f"{name}.parquet", header, rows, group=1000)
    if request.param == "csv":
        monkeypatch.setattr(csv_chunks, "_SMALL", 0)
    else:
        monkeypatch.setattr(csv_chunks.CsvChunks, "_by_pyarrow", lambda self, data: None)
    return lambda header, rows, name="a": write_csv(tmp_path / f"{name}.csv", header, rows)


@pytest.fixture
def in_small_chunks(monkeypatch):
    """Of tables few rows are in a chunk, and none are kept in memory."""
    for module, name, number in (
        (csv_chunks, "CHUNK", 1 << 16),
        (parquet_chunks, "_CELLS", 10_000),
        (landmark_table, "IN_MEMORY", 100),
        (tables, "IN_MEMORY", 100),
        (tables, "_IN_MEMORY_WHOLE", 100),
    ):
        monkeypatch.setattr(module, name, number)


@pytest.fixture
def packed(tmp_path) -> Path:
    """Shards of 13 clips of split train and 3 of validation."""
    pack([*fake_clips(13), *fake_clips(3, "validation")], tmp_path / "shards", shard_bytes=40_000)
    return tmp_path / "shards"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real poses beside the repository, or where the environment variable POSE_DATA says."""
    folder = Path(os.environ.get("POSE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real poses in {folder}; set POSE_DATA to their folder")
    return folder
