"""Files of many clips, made up, and the scripts that people read them with: for `sample_files.SAMPLES`."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from usable import usable

from pose_core import PoseSequence, read, write
from pose_core.formats import clips_of
from pose_core.skeleton import known_skeleton

CLIP = 100  # frames


def clips(frames: int) -> Iterator[tuple[str, np.ndarray]]:
    """Names, and (T, 178, 3) of points that sway."""
    random = np.random.default_rng(0)
    around = random.uniform(-1, 1, (178, 3))
    for number, begin in enumerate(range(0, frames, CLIP)):
        time = np.arange(begin, min(begin + CLIP, frames))[:, None, None] / 25
        yield f"clip_{number:05}", (around + 0.1 * np.sin(time + 9 * around)).astype(np.float32)


def read_clips(path: Path) -> Iterator[PoseSequence]:
    """One after the other, as commands do."""
    for name in clips_of(path):
        yield read(path, clip=name)


def make_torch(folder: Path, frames: int) -> Path:
    import torch

    path = folder / "sample.pt"
    torch.save(
        {name: {"name": name, "text": "x", "poses_3d": torch.tensor(poses)} for name, poses in clips(frames)}, path
    )
    return path


def obvious_torch(path: Path) -> object:
    import torch

    data = torch.load(path, weights_only=True)
    return {name: usable(clip["poses_3d"].numpy()) for name, clip in data.items()}


def make_npz(folder: Path, frames: int) -> Path:
    np.savez_compressed(folder / "sample.npz", **dict(clips(frames)))
    return folder / "sample.npz"


def obvious_npz(path: Path) -> object:
    with np.load(path) as archive:
        return {name: usable(archive[name]) for name in archive.files}


def make_safetensors(folder: Path, frames: int) -> Path:
    from safetensors.numpy import save_file

    save_file(dict(clips(frames)), folder / "sample.safetensors")
    return folder / "sample.safetensors"


def obvious_safetensors(path: Path) -> object:
    from safetensors.numpy import load_file

    return {name: usable(poses) for name, poses in load_file(path).items()}


def pose_bytes(poses: np.ndarray, folder: Path) -> bytes:
    file = folder / ".clip.pose"
    confidence = np.ones(poses.shape[:2], np.float32)
    write(PoseSequence(poses, confidence, 25.0, known_skeleton(178, 3), (720, 720, 0)), file, overwrite=True)
    content = file.read_bytes()
    file.unlink()
    return content


def make_tar(folder: Path, frames: int) -> Path:
    with tarfile.open(folder / "sample.tar", "w") as archive:
        for name, poses in clips(frames):
            about = json.dumps({"text": "x", "split": "train"}).encode()
            for kind, content in (("pose", pose_bytes(poses, folder)), ("json", about)):
                member = tarfile.TarInfo(f"{name}.{kind}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return folder / "sample.tar"


def obvious_tar(path: Path) -> object:
    from pose_format import Pose

    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".pose"):
                body = Pose.read(archive.extractfile(member).read()).body
                found[member.name] = np.asarray(body.data), body.confidence
    return found


def make_parquet(folder: Path, frames: int) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": name, "text": "x", "pose": pose_bytes(poses, folder)} for name, poses in clips(frames)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "sample.parquet", row_group_size=100)
    return folder / "sample.parquet"


def obvious_parquet(path: Path) -> object:
    import pandas
    from pose_format import Pose

    found = {}
    for row in pandas.read_parquet(path).itertuples():
        body = Pose.read(row.pose).body
        found[row.id] = np.asarray(body.data), body.confidence
    return found


def make_arrow(folder: Path, frames: int) -> Path:
    import pyarrow as pa

    rows = [{"id": name, "fps": 25.0, "keypoints": poses.tolist()} for name, poses in clips(frames)]
    points = pa.list_(pa.list_(pa.list_(pa.float32())))
    schema = pa.schema([("id", pa.string()), ("fps", pa.float64()), ("keypoints", points)])
    with pa.OSFile(str(folder / "sample.arrow"), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema), max_chunksize=100)
    return folder / "sample.arrow"


def obvious_arrow(path: Path) -> object:
    from datasets import Dataset

    return {row["id"]: usable(np.array(row["keypoints"], np.float32)) for row in Dataset.from_file(str(path))}
