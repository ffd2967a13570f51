"""Videos that are damaged or cut short: what is left of them is in its place, or one line says what is wrong."""

import re
import struct
import time

import av
import numpy as np
import pytest

from pose_core import UserError
from pose_core.damage import damaged_copy
from pose_core.estimation.video import open_video
from pose_core.testing import fake_video, shown_frames


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


def copy(source, path, **options):
    """Writes the same packets into another file."""
    with av.open(str(source)) as old, av.open(str(path), "w", options=options) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux_one(packet)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_what_cannot_be_decoded_is_missing(tmp_path, name):
    path = tmp_path / name
    fake_video(path, frames=15, options={"bf": "0", "g": "1"})
    damage(path, *[compressed(path)[number][1] for number in (4, 5, 11)])
    shown, _, said = shown_frames(path)
    assert shown == [0, 1, 2, 3, None, None, 6, 7, 8, 9, 10, None, 12, 13, 14]
    assert said == ["3 of 15 frames are damaged and missing: 4 to 5, 11"]
    assert shown_frames(path)[0] == shown


def test_damage_among_b_frames_is_where_it_is_shown(tmp_path):
    path = tmp_path / "a.mp4"
    fake_video(path, frames=15, options={"bf": "3", "b-adapt": "0"})
    packets = compressed(path)
    unreferenced = [(pts, content) for pts, content in packets if not content[4] & 0x60]  # of a B-frame, nal_ref_idc 0
    pts, content = unreferenced[1]
    place = sorted(pts for pts, _ in packets).index(pts)
    damage(path, content)
    shown, _, said = shown_frames(path)
    assert shown == [None if i == place else i for i in range(15)]
    assert said == [f"1 of 15 frames are damaged and missing: {place}"]


def test_what_no_decoder_takes_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    fake_video(path, options={"bf": "0"})
    damage(path, *[content for _, content in compressed(path)])
    with pytest.raises(UserError, match=r"a\.mp4: none of its 12 frames can be decoded .*; export it again, as H\.264"):
        open_video(path)


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
    copy(tmp_path / "whole.mp4", tmp_path / "fast.mp4", movflags="faststart")
    content = (tmp_path / "fast.mp4").read_bytes()
    index = content.index(b"mdat")
    path.write_bytes(content[: index + (len(content) - index) // 2])
    shown, _, said = shown_frames(path)
    assert 20 < len(shown) < 80
    assert [n for n in shown if n is not None] == [i % 16 for i in range(len(shown)) if shown[i] is not None]
    stated = [message for message in said if message.startswith("states")]
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
    shown, _, said = shown_frames(tmp_path / name)
    assert 10 < len(shown) < 90
    assert shown[:10] == list(range(10))
    stated = [message for message in said if "bytes" in message]
    assert re.fullmatch(r"states [\d,]+ bytes and has [\d,]+; it is cut short", stated[0])
    assert f"states {len(content):,} bytes and has {len(content) // 2:,}" in stated[0]


def test_a_matroska_file_without_its_length_that_is_cut_short(tmp_path):
    path = tmp_path / "a.mkv"
    fake_video(path, frames=100, options={"g": "5"})
    content = path.read_bytes()
    place = content.index(b"\x18S\x80g") + 4
    content = content[:place] + b"\x01" + b"\xff" * 7 + content[place + 8 :]  # as one that is written to a pipe
    path.write_bytes(content)
    _, _, said = shown_frames(path)
    assert said == []
    path.write_bytes(content[: len(content) // 2])
    _, _, said = shown_frames(path)
    assert re.fullmatch(r"states 4 s and ends after [\d.]+ s; it is cut short", said[0])


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
    copy(tmp_path / "a.mp4", tmp_path / "parts.mp4", movflags="frag_keyframe+empty_moov")
    assert shown_frames(tmp_path / "parts.mp4")[0] == list(range(12))
    content = bytearray((tmp_path / "parts.mp4").read_bytes())
    struct.pack_into(">I", content, content.index(b"trun") + 8, 1 << 31)
    (tmp_path / "parts.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"parts\.mp4: a damaged video: states 2,147,483,648 samples"):
        open_video(tmp_path / "parts.mp4")


def test_damaged_copies_are_read_or_refused(tmp_path):
    """Each at once, in one line or with all of its frames; `benchmarks/damaged_inputs.py` tries thousands."""
    fake_video(tmp_path / "whole.mp4", frames=24, options={"g": "8"})
    read = 0
    for number in range(200):
        path = damaged_copy(tmp_path / "whole.mp4", tmp_path / "damaged.mp4", np.random.default_rng(number))
        begun = time.perf_counter()
        try:
            shown, _, said = shown_frames(path)
            assert len(said) < 6
            read += bool(shown)
        except UserError as error:
            assert str(error).startswith(str(path)), number
            assert "\n" not in str(error), number
            assert len(str(error)) < 400, number
        assert time.perf_counter() - begun < 5, number
    assert 0 < read < 200
