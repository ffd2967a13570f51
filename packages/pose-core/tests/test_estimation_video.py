"""Videos as people have them: of any codec, turned, stretched, interlaced, of several sizes."""

import gc
import threading
import weakref
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from simple_video_utils.frames import read_frames_exact

from pose_core import UserError
from pose_core.estimation.pictures import Crop
from pose_core.estimation.video import open_video
from pose_core.testing import fake_video, shown_frames

ONE = 1 << 16
LAST = 1 << 30
TURNED = {  # display matrices, and what they do to an upright picture
    "90 clockwise": ([0, ONE, 0, -ONE, 0, 0, 0, 0, LAST], lambda image: np.rot90(image, -1)),
    "90 counterclockwise": ([0, -ONE, 0, ONE, 0, 0, 0, 0, LAST], np.rot90),
    "180": ([-ONE, 0, 0, 0, -ONE, 0, 0, 0, LAST], lambda image: np.rot90(image, 2)),
    "mirrored": ([-ONE, 0, 0, 0, ONE, 0, 0, 0, LAST], lambda image: image[:, ::-1]),
    "upside down": ([ONE, 0, 0, 0, -ONE, 0, 0, 0, LAST], lambda image: image[::-1]),
    "mirrored and turned": ([0, ONE, 0, ONE, 0, 0, 0, 0, LAST], lambda image: image.transpose(1, 0, 2)),
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"options": {"bf": "3"}}),
        ("a.mov", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}),
        ("a.mkv", {"options": {"bf": "3"}}),
        ("a.avi", {"options": {"bf": "3"}}),  # a container without times of showing
        ("a.ts", {"options": {"bf": "3"}}),
        ("mpeg4.avi", {"codec": "mpeg4"}),
        ("a.mpg", {"codec": "mpeg2video"}),
        ("a.webm", {"codec": "libvpx-vp9"}),
        ("odd.webm", {"codec": "libvpx-vp9", "size": (65, 47)}),
        ("alpha.webm", {"codec": "libvpx-vp9", "pixel_format": "yuva420p"}),
        ("a.gif", {"codec": "gif", "pixel_format": "gray"}),
        ("mjpeg.avi", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
        ("lossless.mkv", {"codec": "ffv1", "pixel_format": "yuv444p10le"}),
        ("10bit.mp4", {"pixel_format": "yuv420p10le"}),
        ("gray.avi", {"codec": "ffv1", "pixel_format": "gray"}),
        ("with: colon.mp4", {}),
    ],
)
def test_containers_and_codecs(tmp_path, name, options):
    fake_video(tmp_path / name, **options)
    shown, video, said = shown_frames(tmp_path / name)
    assert shown == list(range(12))
    assert video.fps == 25
    assert video.size == options.get("size", (64, 48))
    assert said == []


@pytest.mark.parametrize("how", TURNED)
def test_pictures_are_upright(tmp_path, how):
    matrix, turn = TURNED[how]
    fake_video(tmp_path / "stored.mp4")
    fake_video(tmp_path / "turned.mp4", matrix=matrix)
    with open_video(tmp_path / "stored.mp4") as stored, open_video(tmp_path / "turned.mp4") as turned:
        for before, after in zip(stored, turned, strict=True):
            np.testing.assert_array_equal(after.image, turn(before.image))
        assert turned.size == after.image.shape[1::-1]


def test_pixels_are_made_square(tmp_path):
    for aspect, size in ((Fraction(4, 3), (85, 48)), (Fraction(3, 4), (64, 64)), (Fraction(1001, 1000), (64, 48))):
        fake_video(tmp_path / "a.mp4", pixel_aspect=aspect)
        shown, video, said = shown_frames(tmp_path / "a.mp4")
        assert video.size == size
        assert shown == list(range(12))
        assert said == ([f"its pixels are not square; scaled to {size[0]} x {size[1]}"] * (size != (64, 48)))


def test_a_part_of_the_picture(tmp_path):
    fake_video(tmp_path / "a.mp4", matrix=TURNED["90 clockwise"][0])
    with open_video(tmp_path / "a.mp4") as whole, open_video(tmp_path / "a.mp4", crop=Crop(10, 20, 30, 40)) as part:
        assert whole.size == part.size == (48, 64)
        assert (part.image_size, part.offset) == ((10, 20), (30, 40))
        for a, b in zip(whole, part, strict=True):
            np.testing.assert_array_equal(a.image[40:60, 30:40], b.image)
    for crop in (Crop(10, 20, 39, 0), Crop(10, 20, 0, 45), Crop(0, 1), Crop(1, -1), Crop(1, 1, -1, 0)):
        with pytest.raises(UserError, match=r"a\.mp4: the part .*x.*\+.* is not within its picture of 48 x 64 pixels"):
            open_video(tmp_path / "a.mp4", crop=crop)


def test_a_picture_that_changes_its_size(tmp_path):
    """As WebRTC records it: the bytes of one stream after those of another."""
    parts = []
    for size in ((64, 48), (128, 96), (96, 96)):
        fake_video(tmp_path / "part.ivf", frames=4, size=size, codec="libvpx")
        with av.open(str(tmp_path / "part.ivf")) as container:
            parts += [bytes(packet) for packet in container.demux(video=0) if packet.size]
    with av.open(str(tmp_path / "a.webm"), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number, content in enumerate(parts):
            packet = av.Packet(content)
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 25), number, number
            packet.is_keyframe = number % 4 == 0
            container.mux_one(packet)
    with open_video(tmp_path / "a.webm") as video:
        images = [frame.image for frame in video]
        ((said, _),) = video.warnings()
    assert {image.shape for image in images} == {(48, 64, 3)}
    assert images[4][12, 16, 0] > 200 > images[4][12, 16, 1] + 100  # still red in its quarter
    assert (images[8][:, :8] < 20).all()  # a square one stands in the middle, and beside it nothing
    assert (images[8][4:20, 12:28, 0] > 200).all()
    assert said == "8 frames have another size than the first; they are scaled into its picture"


def test_interlaced_frames_show_one_field(tmp_path):
    fake_video(tmp_path / "a.mp4", options={"flags": "+ildct+ilme", "x264-params": "interlaced=1:tff=1"})
    shown, _, said = shown_frames(tmp_path / "a.mp4")
    assert shown == list(range(12))
    assert said == ["12 frames are interlaced; one field of each is shown"]


def test_hdr_is_reported(tmp_path):
    fake_video(tmp_path / "a.mp4", pixel_format="yuv420p10le", options={"x264-params": "transfer=smpte2084"})
    _, _, said = shown_frames(tmp_path / "a.mp4")
    assert said == ["its colors are HDR (PQ), read without tone mapping: they look pale"]


def test_of_several_videos_one_is_read(tmp_path):
    fake_video(tmp_path / "a.mp4")
    fake_video(tmp_path / "b.mp4", size=(128, 96))
    with av.open(str(tmp_path / "both.mkv"), "w") as new:
        sources = [av.open(str(tmp_path / name)) for name in ("a.mp4", "b.mp4")]
        streams = [new.add_stream_from_template(source.streams.video[0]) for source in sources]
        for source, stream in zip(sources, streams, strict=True):
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
            source.close()
    shown, video, said = shown_frames(tmp_path / "both.mkv")
    assert (video.size, shown) == ((64, 48), [*range(12)])
    assert said == ["holds 2 videos; number 1 is read"]


def test_decoding_ends_with_the_block_and_begins_anew(tmp_path):
    fake_video(tmp_path / "a.mp4")
    threads = threading.active_count()
    with open_video(tmp_path / "a.mp4") as video:
        frames = iter(video)
        assert next(frames).slot == 0
        assert next(iter(video)).slot == 0
    assert list(frames) == []
    assert threading.active_count() == threads


def test_frames_are_freed_at_once(tmp_path):
    """Nothing waits for the garbage collector, which does not know how large a frame is."""
    fake_video(tmp_path / "a.mp4", frames=20, matrix=TURNED["180"][0])
    gc.collect()
    gc.disable()
    try:
        with open_video(tmp_path / "a.mp4") as video:
            gc.collect()
            kept = [weakref.ref(frame.image) for frame in video]
        del video
        assert not any(image() is not None for image in kept[:-1])
        assert gc.collect() < 50  # a few per video, none per frame
    finally:
        gc.enable()


def test_colors_are_those_of_opencv_and_pose_format(data_dir):
    for path in sorted((data_dir / "videos").glob("*.mp4")):
        capture = cv2.VideoCapture(str(path))
        with open_video(path) as video:
            for frame, theirs in zip(video, read_frames_exact(str(path)), strict=True):
                assert frame.count == 1
                assert np.array_equal(frame.image, theirs)
                read, image = capture.read()
                assert read
                assert np.array_equal(frame.image, image[..., ::-1])
            assert not capture.read()[0]
            assert video.fps == pytest.approx(30_000 / 1001)
            assert not video.warnings()
