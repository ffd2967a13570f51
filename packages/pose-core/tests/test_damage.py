"""A thousand damaged copies of files: each is read or refused in one line, at once, in little memory."""

import contextlib
import tarfile
import time
import tracemalloc

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.annotations import read_annotations
from pose_core.annotations.placing import Placing
from pose_core.damage import damaged
from pose_core.formats import READERS, clips_of
from pose_core.testing import eaf_text, fake_sequence
from pose_core.transforms import clean, normalize

COPIES = 1000
SECONDS = 1.0  # of the processor, whatever else the machine does
MEMORY = 64 << 20  # bytes beside ten times the file


def originals(data_dir, folder):
    """Real files of every version and format, the smaller ones, so that the damage falls on headers as well."""
    names = ("holistic_full_1", "openpose", "openpose_137", "mediapipe_hand_normalized", "holistic_full_2")
    files = [(data_dir / "formats" / f"{name}.pose").read_bytes() for name in names] if data_dir else []
    for number, suffix in enumerate(READERS):
        write(fake_sequence(frames=9, face_points=4), folder / f"{number}{suffix}")
    write_tables(folder)
    return [(".pose", content) for content in files] + [
        (path.suffix, path.read_bytes()) for path in sorted(folder.iterdir())
    ]


def write_tables(folder):
    """Landmark tables in long form, and MediaPipe's numbers in rows."""
    places = [(frame, part, i) for frame in range(9) for part in ("pose", "face") for i in range(20)]
    rows = [(*place, 0.5, 0.25 + place[2] / 99, -0.1) for place in places]
    names = ("frame", "type", "landmark_index", "x", "y", "z")
    lines = [",".join(map(str, row)) for row in [names, *rows]]
    (folder / "long.csv").write_text("\n".join(lines))
    np.save(folder / "rows.npy", np.random.default_rng(0).random((9, 258)))
    with contextlib.suppress(ImportError):
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        parquet.write_table(table, folder / "long.parquet")
        read(folder / "long.parquet")  # imports what it needs


@pytest.fixture
def maybe_data(request):
    try:
        return request.getfixturevalue("data_dir")
    except pytest.skip.Exception:
        return None


def test_damaged_copies_are_read_or_refused_in_one_line(maybe_data, tmp_path):
    (tmp_path / "whole").mkdir()
    files = originals(maybe_data, tmp_path / "whole")
    for _, content in files:
        assert content
    normalize(clean(fake_sequence(frames=2, face_points=4)))  # imports what it needs
    read_right = 0
    for number in range(COPIES):
        random = np.random.default_rng(number)
        suffix, content = files[number % len(files)]
        content = damaged(content, random)
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(content)
        tracemalloc.start()
        begun = time.process_time()
        try:
            sequence = clean(read(path))
        except UserError as error:
            assert str(path) in str(error), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 600, number
        else:
            read_right += 1
            assert np.isfinite(sequence.keypoints).all(), number
            assert ((sequence.confidence >= 0) & (sequence.confidence <= 1)).all(), number
            with contextlib.suppress(UserError):  # no shoulders left
                assert np.isfinite(normalize(sequence)[0].keypoints).all(), number
        finally:
            seconds, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert seconds < SECONDS, number
        assert peak < MEMORY + 10 * len(content), number
    assert 0 < read_right < COPIES


def test_damaged_annotations_are_read_or_refused_in_one_line(tmp_path):
    glosses = [(400 * i, 400 * i + 300 if i % 4 else None, f"GLOSS {i}") for i in range(8)]
    cue = "1\n00:00:01,000 --> 00:00:02,500\n<i>text</i>\n\n"
    files = {
        ".eaf": eaf_text({"a": glosses, "b": glosses}, people={"a": "Ana"}, media={"a.mp4": 40}),
        ".srt": cue * 4,
        ".vtt": "WEBVTT\n\nNOTE\nno cue\n\n" + cue.replace(",", ".") * 4,
        ".tsv": "tier\tBegin Time - msec\tEnd Time - msec\ttext\n" + "GLOSS\t1000\t2500\tx\n" * 8,
    }
    outcomes = set()
    for number in range(COPIES):
        suffix = list(files)[number % len(files)]
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(damaged(files[suffix].encode(), np.random.default_rng(number)))
        begun = time.perf_counter()
        try:
            tiers = read_annotations(path).tiers
        except UserError as error:
            assert str(error).startswith(f"{path}: "), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 600, number
            outcomes.add((suffix, "refused"))
        else:
            parts = Placing().parts([(tier, None) for tier in tiers], fps=25.0, frames=50).found
            assert all(0 <= part.frames.start < part.frames.stop <= 50 for part in parts), number
            outcomes.add((suffix, "read"))
        assert time.perf_counter() - begun < SECONDS, number
    assert len(outcomes) == 2 * len(files)


def files_of_clips(folder):
    """A good file of each kind that holds clips, as far as its library is there."""
    import torch
    from safetensors.numpy import save_file

    sequence = fake_sequence(frames=5, face_points=4)
    poses = np.concatenate([sequence.keypoints, sequence.confidence[..., None]], axis=2)
    torch.save({"a": {"poses": torch.tensor(poses), "text": "x"}, "b": torch.tensor(poses)}, folder / "0.pt")
    np.savez_compressed(folder / "1.npz", a=poses, b=poses)
    save_file({"a": poses, "b": poses}, folder / "2.safetensors")
    write(sequence, folder / "a.pose")
    (folder / "a.txt").write_text("x")
    with tarfile.open(folder / "3.tar", "w") as archive:
        for name in ("a.pose", "a.txt"):
            archive.add(folder / name, name)
            (folder / name).unlink()
    with contextlib.suppress(ImportError):
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pylist([{"name": name, "pose": poses.tolist()} for name in "ab"])
        pq.write_table(table, folder / "4.parquet")
        with pa.OSFile(str(folder / "5.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    return sorted(folder.iterdir())


@pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")
def test_damaged_files_of_clips_are_read_or_refused_in_one_line(tmp_path):
    (tmp_path / "whole").mkdir()
    files = files_of_clips(tmp_path / "whole")
    read_right = 0
    for number in range(30 * len(files)):
        file = files[number % len(files)]
        path = tmp_path / f"damaged{number}{file.suffix}"
        path.write_bytes(damaged(file.read_bytes(), np.random.default_rng(number)))
        try:
            for name in clips_of(path) or [None]:
                sequence = clean(read(path, clip=name))
                assert np.isfinite(sequence.keypoints).all(), number
                assert ((sequence.confidence >= 0) & (sequence.confidence <= 1)).all(), number
                read_right += 1
        except UserError as error:
            assert str(error).startswith(str(path)), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 600, number
        path.unlink()
    assert read_right
