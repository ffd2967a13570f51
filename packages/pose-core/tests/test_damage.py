"""A thousand damaged copies of files: each is read or refused in one line, at once, in little memory."""

import contextlib
import time
import tracemalloc

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.damage import damaged
from pose_core.formats import READERS
from pose_core.testing import fake_sequence
from pose_core.transforms import clean, normalize

COPIES = 1000
SECONDS = 1.0
MEMORY = 64 << 20  # bytes beside ten times the file


def originals(data_dir, folder):
    """Real files of every version and format, the smaller ones, so that the damage falls on headers as well."""
    names = ("holistic_full_1", "openpose", "openpose_137", "mediapipe_hand_normalized", "holistic_full_2")
    files = [(data_dir / "formats" / f"{name}.pose").read_bytes() for name in names] if data_dir else []
    for number, suffix in enumerate(READERS):
        write(fake_sequence(frames=9, face_points=4), folder / f"{number}{suffix}")
    return [(".pose", content) for content in files] + [
        (path.suffix, path.read_bytes()) for path in sorted(folder.iterdir())
    ]


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
    read_right = 0
    for number in range(COPIES):
        random = np.random.default_rng(number)
        suffix, content = files[number % len(files)]
        content = damaged(content, random)
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(content)
        tracemalloc.start()
        begun = time.perf_counter()
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
            seconds, (_, peak) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert seconds < SECONDS, number
        assert peak < MEMORY + 10 * len(content), number
    assert 0 < read_right < COPIES
