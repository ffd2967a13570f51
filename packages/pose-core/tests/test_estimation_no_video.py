"""Files that are no videos, or none that is read: each is refused in one line."""

from fractions import Fraction

import av
import numpy as np
import pytest

from pose_core import UserError
from pose_core.estimation import video as video_module
from pose_core.estimation.video import open_video
from pose_core.testing import fake_video


def sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cover(source, path):
    """The sound with a picture, as music players have it."""
    fake_video(path.with_suffix(".mjpeg"), frames=1, codec="mjpeg", pixel_format="yuvj420p", container="mjpeg")
    with av.open(str(source)) as old, av.open(str(path), "w", format="mp4") as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        picture = new.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(path.with_suffix(".mjpeg").read_bytes())
        packet.stream, packet.pts, packet.dts, packet.time_base, packet.is_keyframe = picture, 0, 0, Fraction(1), True
        new.mux(packet)
        for packet in old.demux(audio=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)


def test_what_is_no_video_is_refused_in_one_line(tmp_path):
    sound(tmp_path / "sound.mp4")
    cover(tmp_path / "sound.mp4", tmp_path / "cover.m4a")
    (tmp_path / "text.mp4").write_text("Dear all,\n\nsee attached.\n" * 9)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.mp4").write_bytes(bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8)))
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {tmp_path}/real.mp4\n")
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nreal.mp4\n#EXT-X-ENDLIST\n")
    fake_video(tmp_path / "real.mp4")
    with av.open(str(tmp_path / "none.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.open()
        container.start_encoding()
    for name, message in {
        "sound.mp4": "holds no video, only audio",
        "text.mp4": "is a text, not a video",
        "empty.mp4": "empty file",
        "noise.mp4": "not a video that can be read",
        "list.mp4": "is a text",
        "playlist.mp4": "is a text",
        "none.mkv": "ends before there is a frame",
        "cover.m4a": "holds sound and a cover picture, but no video",
        "missing.mp4": "no such file",
        ".": "not a file; name a video",
    }.items():
        with pytest.raises(UserError, match=message) as raised:
            open_video(tmp_path / name)
        assert str(raised.value).startswith(str(tmp_path / name))
        assert "\n" not in str(raised.value)


def test_pictures_of_absurd_sizes_are_refused(tmp_path, monkeypatch):
    fake_video(tmp_path / "a.mp4")
    monkeypatch.setattr(video_module, "_MOST_PIXELS", 3000)
    with pytest.raises(UserError, match=r"a\.mp4: has pictures of 64 x 48; up to .* megapixels are read"):
        open_video(tmp_path / "a.mp4")
