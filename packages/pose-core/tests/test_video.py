"""MP4 files: how many frames they have, how fast they play, what they show."""

from dataclasses import replace

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from pose_core import UserError
from pose_core.rendering import draw, video, write_mp4, write_picture
from pose_core.rendering.view import View


def decoded(path):
    """Pictures (T, H, W, 3), their times in seconds, and the duration of the video in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == Colorspace.ITU709
        pictures = [frame.to_ndarray(format="rgb24") for frame in frames]
        return np.stack(pictures), [frame.time for frame in frames], float(stream.duration * stream.time_base)


def test_shows_what_is_drawn(holistic, tmp_path):
    write_mp4(holistic, tmp_path / "a.mp4", hands=False)
    pictures, _, _ = decoded(tmp_path / "a.mp4")
    drawn = draw(holistic)
    assert pictures.shape == drawn.shape
    for shown, expected in ((pictures[0], drawn[0]), (pictures[11], drawn[11])):
        assert np.abs(shown.astype(int) - expected).mean() < 1.5
    assert np.abs(pictures[0].astype(int) - drawn[11]).mean() > 1.5  # not the same frame over and over
    red = (drawn[0] == (255, 0, 0)).all(axis=-1)
    assert np.abs(np.median(pictures[0][red], axis=0) - (255, 0, 0)).max() < 12  # and not another red


@pytest.mark.parametrize("fps", [25, 29.97, 23.976, 12.5, 29.89040184020996, 59.94, 240, 1000, 0.01, 0.001])
def test_plays_at_the_speed_of_the_clip(holistic, tmp_path, fps):
    write_mp4(replace(holistic, fps=fps), tmp_path / "a.mp4", size=64)
    pictures, times, duration = decoded(tmp_path / "a.mp4")
    assert len(pictures) == 12
    np.testing.assert_allclose(np.array(times) * fps, np.arange(12), atol=1e-4)
    assert duration * fps == pytest.approx(12, abs=1e-3)


@pytest.mark.parametrize("frames", [1, 2])
def test_clips_of_one_and_two_frames(holistic, tmp_path, frames):
    write_mp4(holistic[:frames], tmp_path / "a.mp4")
    pictures, _, duration = decoded(tmp_path / "a.mp4")
    assert len(pictures) == frames
    assert duration == pytest.approx(frames / 25)


def test_size_and_same_input_same_pictures(holistic, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_mp4(holistic, tmp_path / name, size=241, hands=False)
    pictures, _, _ = decoded(tmp_path / "a.mp4")
    again, _, _ = decoded(tmp_path / "b.mp4")
    view = View.fit(holistic, 240)
    assert pictures.shape[1:3] == (240, view.width)
    # Not to the byte: now and then x264 compresses the same pictures otherwise.
    assert np.abs(pictures.astype(float) - again).mean() < 0.5


def test_the_index_precedes_the_data(holistic, tmp_path):
    write_mp4(holistic, tmp_path / "a.mp4", size=64)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_what_is_refused(holistic, tmp_path, monkeypatch):
    write_picture(holistic, tmp_path / "a.MP4")
    with pytest.raises(UserError, match=r"a\.MP4: exists"):
        write_picture(holistic, tmp_path / "a.MP4")
    with pytest.raises(UserError, match=r"b\.mp4: the pose has no frames"):
        write_mp4(holistic[:0], tmp_path / "b.mp4")
    with pytest.raises(UserError, match="no folder"):
        write_mp4(holistic, tmp_path / "missing" / "b.mp4")
    for fps in (1e5, 1e-9):
        with pytest.raises(UserError, match=r"b\.mp4: 1.* fps; a video has 0\.001 to 1000"):
            write_mp4(replace(holistic, fps=fps), tmp_path / "b.mp4")
    with pytest.raises(UserError, match=r"b\.mp4: cannot be written as a video of \d+ x 20000 pixels"):
        write_mp4(holistic[:1], tmp_path / "b.mp4", size=20_000)
    monkeypatch.setattr(video, "CODEC", "nope264")
    with pytest.raises(UserError, match=r"b\.mp4: PyAV has no encoder nope264"):
        write_mp4(holistic, tmp_path / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.MP4"]
