"""Videos as people have them: turned, stretched, of any rate, cut, damaged, hostile."""

import gc
import re
import struct
import threading
import time
import weakref
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from simple_video_utils.frames import read_frames_exact

from pose_core import UserError
from pose_core.estimation import video as video_module
from pose_core.estimation.pictures import Crop
from pose_core.estimation.video import open_video
from pose_core.testing import fake_video

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


def numbers(path, **options):
    """Which frame of `fake_video` each frame of the result is, None where it is missing; and the video."""
    with open_video(path, **options) as video:
        shown = []
        for frame in video:
            assert frame.slot == len(shown)
            assert frame.count > 0
            if frame.image is not None:
                assert frame.image.dtype == np.uint8
                assert frame.image.shape == (*video.image_size[::-1], 3)
                assert frame.image.flags.c_contiguous
            shown += [number_of(frame.image)] * frame.count
    assert len(shown) == video.length
    return shown, video


def number_of(image):
    return None if image is None else round(float(np.median(image[-8:, -8:])) / 16)


def messages(video):
    assert all("\n" not in message and len(message) < 300 for message, _ in video.warnings())
    return [message for message, _ in video.warnings()]


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
    shown, video = numbers(tmp_path / name)
    assert shown == list(range(12))
    assert video.fps == 25
    assert video.size == options.get("size", (64, 48))
    assert video.warnings() == []


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
        shown, video = numbers(tmp_path / "a.mp4")
        assert video.size == size
        assert shown == list(range(12))
        assert messages(video) == ([f"its pixels are not square; scaled to {size[0]} x {size[1]}"] * (size != (64, 48)))


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


@pytest.mark.parametrize(("fps", "expected"), [(30, 30), (10, 10), (240, 240)])
def test_times_in_milliseconds_are_a_constant_rate(tmp_path, fps, expected):
    times = [round(1000 * i / fps) for i in range(30)]
    fake_video(tmp_path / "a.mkv", frames=30, times=times, fps=fps)
    shown, video = numbers(tmp_path / "a.mkv")
    assert shown == [i % 16 for i in range(30)]
    assert video.fps == expected
    assert not video.warnings()


def test_an_odd_constant_rate_is_kept(tmp_path):
    fake_video(tmp_path / "a.mkv", frames=40, times=[round(1000 * i / 17.3) for i in range(40)])
    _, video = numbers(tmp_path / "a.mkv")
    assert video.fps == pytest.approx(17.3, abs=0.02)
    assert not video.warnings()


def test_jitter_is_no_variable_rate(tmp_path):
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, 60)
    fake_video(tmp_path / "a.mkv", frames=60, times=[round((i + 1 + jitter[i]) * 1000 / 30) for i in range(60)])
    shown, video = numbers(tmp_path / "a.mkv")
    assert shown == [i % 16 for i in range(60)]
    assert video.fps == pytest.approx(30, rel=0.01)


def test_variable_rates_are_put_on_a_constant_one(tmp_path):
    times = [0, 40, 80, 120, 160, 360, 400, 405, 440, 480, 520, 560]  # 4 is shown for five, 6 and 7 fall together
    fake_video(tmp_path / "a.mkv", times=times)
    shown, video = numbers(tmp_path / "a.mkv")
    assert shown == [0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 7, 8, 9, 10, 11]
    assert video.fps == 25
    assert messages(video) == [
        "frames are 5 ms to 200 ms apart; put on a constant 25 frames per second: 1 shown for longer, 1 left out"
    ]
    counts = [frame.count for frame in open_video(tmp_path / "a.mkv")]
    assert counts == [1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1]  # each is decoded once


def test_a_gif_holds_its_last_frame(tmp_path):
    fake_video(tmp_path / "a.gif", frames=4, times=[0, 100, 200, 600], codec="gif", pixel_format="gray", fps=10)
    shown, video = numbers(tmp_path / "a.gif")
    assert shown[:7] == [0, 1, 2, 2, 2, 2, 3]
    assert video.fps == 10


def test_frames_without_times_follow_each_other_at_the_stated_rate(tmp_path):
    fake_video(tmp_path / "a.h264", container="h264", options={"bf": "2"})
    shown, video = numbers(tmp_path / "a.h264")
    assert shown == list(range(12))
    assert video.fps == 25
    assert messages(video) == ["its frames have no times; they follow each other at the stated 25 frames per second"]


def test_a_clock_that_jumps_goes_on_without_a_gap(tmp_path):
    remark = "its clock jumps 1 time, first after frame 11; the frames go on without a gap there"
    fake_video(tmp_path / "a.ts", options={"bf": "2"})
    content = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "back.ts").write_bytes(content + content)
    fake_video(tmp_path / "late.ts", options={"bf": "2"}, times=[3_600_000 + 40 * i for i in range(12)])
    (tmp_path / "forth.ts").write_bytes(content + (tmp_path / "late.ts").read_bytes())
    for name in ("back.ts", "forth.ts"):
        shown, video = numbers(tmp_path / name)
        assert shown == [*range(12)] * 2
        assert messages(video) == [remark]


def test_one_frame(tmp_path):
    for fps in (25, 12):
        fake_video(tmp_path / "a.mp4", frames=1, fps=fps)
        shown, video = numbers(tmp_path / "a.mp4")
        assert shown == [0]
        assert video.fps == fps
        assert not video.warnings()


def compressed(path):
    """The packets of a video's frames, in the order of the file."""
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(video=0) if packet.size]


def damage(path, *packets):
    """Overwrites compressed frames."""
    content = path.read_bytes()
    for packet in packets:
        assert content.count(packet) == 1
        content = content.replace(packet, b"\xff" * len(packet))
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_what_cannot_be_decoded_is_missing(tmp_path, name):
    path = tmp_path / name
    fake_video(path, frames=15, options={"bf": "0", "g": "1"})
    damage(path, *[compressed(path)[number][1] for number in (4, 5, 11)])
    shown, video = numbers(path)
    assert shown == [0, 1, 2, 3, None, None, 6, 7, 8, 9, 10, None, 12, 13, 14]
    assert messages(video) == ["3 of 15 frames are damaged and missing: 4 to 5, 11"]
    assert numbers(path)[0] == shown


def test_damage_among_b_frames_is_where_it_is_shown(tmp_path):
    path = tmp_path / "a.mp4"
    fake_video(path, frames=15, options={"bf": "3", "b-adapt": "0"})
    packets = compressed(path)
    unreferenced = [(pts, content) for pts, content in packets if not content[4] & 0x60]  # of a B-frame, nal_ref_idc 0
    pts, content = unreferenced[1]
    place = sorted(pts for pts, _ in packets).index(pts)
    damage(path, content)
    shown, video = numbers(path)
    assert shown == [None if i == place else i for i in range(15)]
    assert messages(video) == [f"1 of 15 frames are damaged and missing: {place}"]


def test_a_file_that_is_cut_short(tmp_path):
    fake_video(tmp_path / "whole.mp4", frames=100, options={"g": "5"})
    content = (tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[:-500])
    with pytest.raises(UserError, match=r"cut\.mp4: is cut short after [\d,]+ bytes: its last part \(moov\) would end"):
        open_video(path)
    path.write_bytes(content[: content.index(b"moov") - 4])
    with pytest.raises(UserError, match=r"cut\.mp4: has no index \(moov\) in its [\d,]+ bytes: the recording or copy"):
        open_video(path)
    with (
        av.open(str(tmp_path / "whole.mp4")) as old,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux_one(packet)
    content = (tmp_path / "fast.mp4").read_bytes()
    index = content.index(b"mdat")
    path.write_bytes(content[: index + (len(content) - index) // 2])
    shown, video = numbers(path)
    assert 20 < len(shown) < 80
    assert [n for n in shown if n is not None] == [i % 16 for i in range(len(shown)) if shown[i] is not None]
    stated = [message for message in messages(video) if message.startswith("states")]
    missing = int(
        re.fullmatch(r"states 100 frames, of which the last (\d+) are not there; it is cut short", stated[0])[1]
    )
    assert 100 - len(shown) <= missing <= 101 - len(shown)  # one of them may be there in part


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi"])
def test_other_containers_that_are_cut_short(tmp_path, name):
    codec = {"a.webm": "libvpx", "a.avi": "mpeg4"}.get(name, "libx264")
    fake_video(tmp_path / name, frames=100, options={"g": "5"}, codec=codec)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    shown, video = numbers(tmp_path / name)
    assert 10 < len(shown) < 90
    assert shown[:10] == list(range(10))
    stated = [message for message in messages(video) if "bytes" in message]
    assert re.fullmatch(r"states [\d,]+ bytes and has [\d,]+; it is cut short", stated[0])
    assert f"states {len(content):,} bytes and has {len(content) // 2:,}" in stated[0]


def test_a_matroska_file_without_its_length_that_is_cut_short(tmp_path):
    path = tmp_path / "a.mkv"
    fake_video(path, frames=100, options={"g": "5"})
    content = path.read_bytes()
    place = content.index(b"\x18S\x80g") + 4
    content = content[:place] + b"\x01" + b"\xff" * 7 + content[place + 8 :]  # as one that is written to a pipe
    path.write_bytes(content)
    _, video = numbers(path)
    assert messages(video) == []
    path.write_bytes(content[: len(content) // 2])
    _, video = numbers(path)
    assert re.fullmatch(r"states 4 s and ends after [\d.]+ s; it is cut short", messages(video)[0])


def test_what_an_edit_has_taken_away_is_not_missing(tmp_path):
    """As telephones trim a video: its beginning stays in the file, and is not shown."""
    fake_video(tmp_path / "whole.mp4", frames=15, options={"bf": "2", "g": "4"})
    with av.open(str(tmp_path / "whole.mp4")) as old:
        source = old.streams.video[0]
        trimmed = round(5 / 25 / source.time_base)
        with av.open(str(tmp_path / "a.mp4"), "w", options={"avoid_negative_ts": "disabled"}) as new:
            stream = new.add_stream_from_template(source)
            for packet in old.demux(source):
                if packet.size:
                    packet.stream = stream
                    packet.pts, packet.dts = packet.pts - trimmed, packet.dts - trimmed
                    new.mux_one(packet)
    shown, video = numbers(tmp_path / "a.mp4")
    assert shown == list(range(5, 15))
    assert video.warnings() == []


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
    assert {image.shape for image in images} == {(48, 64, 3)}
    assert images[4][12, 16, 0] > 200 > images[4][12, 16, 1] + 100  # still red in its quarter
    assert (images[8][:, :8] < 20).all()  # a square one stands in the middle, and beside it nothing
    assert (images[8][4:20, 12:28, 0] > 200).all()
    assert messages(video) == ["8 frames have another size than the first; they are scaled into its picture"]


def test_interlaced_frames_show_one_field(tmp_path):
    fake_video(tmp_path / "a.mp4", options={"flags": "+ildct+ilme", "x264-params": "interlaced=1:tff=1"})
    shown, video = numbers(tmp_path / "a.mp4")
    assert shown == list(range(12))
    assert messages(video) == ["12 frames are interlaced; one field of each is shown"]


def test_hdr_is_reported(tmp_path):
    fake_video(tmp_path / "a.mp4", pixel_format="yuv420p10le", options={"x264-params": "transfer=smpte2084"})
    _, video = numbers(tmp_path / "a.mp4")
    assert messages(video) == ["its colors are HDR (PQ), read without tone mapping: they look pale"]


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
    shown, video = numbers(tmp_path / "both.mkv")
    assert (video.size, shown) == ((64, 48), [*range(12)])
    assert messages(video) == ["holds 2 videos; number 1 is read"]


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


def test_what_no_decoder_takes_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    fake_video(path, options={"bf": "0"})
    damage(path, *[content for _, content in compressed(path)])
    with pytest.raises(UserError, match=r"a\.mp4: none of its 12 frames can be decoded .*; export it again, as H\.264"):
        open_video(path)


@pytest.mark.parametrize("kind", ["stsz", "stts", "ctts"])
def test_an_index_without_end_is_refused_at_once(tmp_path, kind):
    fake_video(tmp_path / "a.mp4", options={"bf": "2"})
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    place = content.index(kind.encode()) + 8
    # One size for so many samples; or the first entry of a table is for so many.
    struct.pack_into(">II", content, place + (0 if kind == "stsz" else 4), 30_000_000, 30_000_000)
    (tmp_path / "a.mp4").write_bytes(content)
    begun = time.perf_counter()
    with pytest.raises(UserError, match=r"a\.mp4: a damaged video: states 30,000,0\d\d samples and has [\d,]+ bytes"):
        open_video(tmp_path / "a.mp4")
    assert time.perf_counter() - begun < 1


def test_fragments(tmp_path):
    fake_video(tmp_path / "a.mp4", frames=12, options={"g": "4"})
    with av.open(str(tmp_path / "a.mp4")) as old:
        options = {"movflags": "frag_keyframe+empty_moov"}
        with av.open(str(tmp_path / "parts.mp4"), "w", options=options) as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            for packet in old.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
    assert numbers(tmp_path / "parts.mp4")[0] == list(range(12))
    content = bytearray((tmp_path / "parts.mp4").read_bytes())
    struct.pack_into(">I", content, content.index(b"trun") + 8, 1 << 31)
    (tmp_path / "parts.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"parts\.mp4: a damaged video: states 2,147,483,648 samples"):
        open_video(tmp_path / "parts.mp4")


def test_pictures_of_absurd_sizes_are_refused(tmp_path, monkeypatch):
    fake_video(tmp_path / "a.mp4")
    monkeypatch.setattr(video_module, "_MOST_PIXELS", 3000)
    with pytest.raises(UserError, match=r"a\.mp4: has pictures of 64 x 48; up to .* megapixels are read"):
        open_video(tmp_path / "a.mp4")


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


def test_damaged_copies_are_read_or_refused(tmp_path):
    """Each at once, in one line or with all of its frames; `benchmarks/damaged_inputs.py` tries thousands."""
    fake_video(tmp_path / "whole.mp4", frames=24, options={"g": "8"})
    content = (tmp_path / "whole.mp4").read_bytes()
    read = 0
    for number in range(200):
        random = np.random.default_rng(number)
        copy, place = bytearray(content), int(random.integers(len(content)))
        match number % 4:
            case 0:
                del copy[place:]
            case 1:
                for i in random.integers(0, len(copy), random.integers(1, 40)):
                    copy[i] = random.integers(256)
            case 2:
                del copy[place : place + int(random.integers(1, 400))]
            case 3:
                copy[place:place] = content[max(0, place - 99) : place]
        path = tmp_path / "damaged.mp4"
        path.write_bytes(copy)
        begun = time.perf_counter()
        try:
            shown, video = numbers(path)
            assert len(messages(video)) < 6
            read += bool(shown)
        except UserError as error:
            assert str(error).startswith(str(path)), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 400, number
        assert time.perf_counter() - begun < 5, number
    assert 0 < read < 200


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
