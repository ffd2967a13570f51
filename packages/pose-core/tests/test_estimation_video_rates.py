"""When a video's frames are shown: at a constant rate or another, by clocks that jitter, jump, or are not there."""

import av
import numpy as np
import pytest

from pose_core.estimation.video import open_video
from pose_core.testing import fake_video, shown_frames


@pytest.mark.parametrize("fps", [30, 10, 240])
def test_times_in_milliseconds_are_a_constant_rate(tmp_path, fps):
    times = [round(1000 * i / fps) for i in range(30)]
    fake_video(tmp_path / "a.mkv", frames=30, times=times, fps=fps)
    shown, video, said = shown_frames(tmp_path / "a.mkv")
    assert shown == [i % 16 for i in range(30)]
    assert video.fps == fps
    assert said == []


def test_an_odd_constant_rate_is_kept(tmp_path):
    fake_video(tmp_path / "a.mkv", frames=40, times=[round(1000 * i / 17.3) for i in range(40)])
    _, video, said = shown_frames(tmp_path / "a.mkv")
    assert video.fps == pytest.approx(17.3, abs=0.02)
    assert said == []


def test_jitter_is_no_variable_rate(tmp_path):
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, 60)
    fake_video(tmp_path / "a.mkv", frames=60, times=[round((i + 1 + jitter[i]) * 1000 / 30) for i in range(60)])
    shown, video, _ = shown_frames(tmp_path / "a.mkv")
    assert shown == [i % 16 for i in range(60)]
    assert video.fps == pytest.approx(30, rel=0.01)


def test_variable_rates_are_put_on_a_constant_one(tmp_path):
    times = [0, 40, 80, 120, 160, 360, 400, 405, 440, 480, 520, 560]  # 4 is shown for five, 6 and 7 fall together
    fake_video(tmp_path / "a.mkv", times=times)
    shown, video, said = shown_frames(tmp_path / "a.mkv")
    assert shown == [0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 7, 8, 9, 10, 11]
    assert video.fps == 25
    assert said == [
        "frames are 5 ms to 200 ms apart; put on a constant 25 frames per second: 1 shown for longer, 1 left out"
    ]
    counts = [frame.count for frame in open_video(tmp_path / "a.mkv")]
    assert counts == [1, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1]  # each is decoded once


def test_a_gif_holds_its_last_frame(tmp_path):
    fake_video(tmp_path / "a.gif", frames=4, times=[0, 100, 200, 600], codec="gif", pixel_format="gray", fps=10)
    shown, video, _ = shown_frames(tmp_path / "a.gif")
    assert shown[:7] == [0, 1, 2, 2, 2, 2, 3]
    assert video.fps == 10


def test_frames_without_times_follow_each_other_at_the_stated_rate(tmp_path):
    fake_video(tmp_path / "a.h264", container="h264", options={"bf": "2"})
    shown, video, said = shown_frames(tmp_path / "a.h264")
    assert shown == list(range(12))
    assert video.fps == 25
    assert said == ["its frames have no times; they follow each other at the stated 25 frames per second"]


def test_a_clock_that_jumps_goes_on_without_a_gap(tmp_path):
    remark = "its clock jumps 1 time, first after frame 11; the frames go on without a gap there"
    fake_video(tmp_path / "a.ts", options={"bf": "2"})
    content = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "back.ts").write_bytes(content + content)
    fake_video(tmp_path / "late.ts", options={"bf": "2"}, times=[3_600_000 + 40 * i for i in range(12)])
    (tmp_path / "forth.ts").write_bytes(content + (tmp_path / "late.ts").read_bytes())
    for name in ("back.ts", "forth.ts"):
        shown, _, said = shown_frames(tmp_path / name)
        assert shown == [*range(12)] * 2
        assert said == [remark]


def test_one_frame(tmp_path):
    for fps in (25, 12):
        fake_video(tmp_path / "a.mp4", frames=1, fps=fps)
        shown, video, said = shown_frames(tmp_path / "a.mp4")
        assert shown == [0]
        assert video.fps == fps
        assert said == []


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
    shown, _, said = shown_frames(tmp_path / "a.mp4")
    assert shown == list(range(5, 15))
    assert said == []
