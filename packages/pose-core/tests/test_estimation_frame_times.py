"""Clocks of videos: whatever times they state, every frame of the result is covered once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.estimation.frame_times import Packets, place

NOTHING = float("nan")


def packets(shown, decoded=None, *, last=0.0, rates=(), reorders=False):
    shown = np.array(shown, np.float64)
    decoded = shown if decoded is None else np.array(decoded, np.float64)
    return Packets(shown, decoded, last, rates, reorders)


seconds = st.one_of(st.just(NOTHING), st.floats(-1e5, 1e6), st.integers(0, 100).map(lambda n: n / 25))
clocks = st.lists(seconds, min_size=1, max_size=40)


@given(clocks, st.booleans(), st.lists(st.floats(0, 1e4), max_size=2), st.floats(0, 1e9), st.booleans())
def test_every_frame_is_covered_once_and_none_without_end(times, reversed_, rates, last, reorders):
    decoded = times[::-1] if reversed_ else times
    placed = place(packets(times, decoded, last=last, rates=rates, reorders=reorders))
    count = len(times)
    assert 0.0009 < placed.fps <= 1000
    assert placed.slots.shape == (count + 1,)
    assert placed.slots[0] == 0
    assert (np.diff(placed.slots) >= 0).all()
    assert 0 < placed.slots[-1] <= max(10_000, 200 * count) + 600 * placed.fps + 1
    if placed.ranks is not None:
        assert sorted(placed.ranks) == list(range(count))
    assert all("\n" not in message and "nan" not in message for message, _ in placed.remarks)


@pytest.mark.parametrize("stated", [39600 / 1321, 29.97, 30, 0])
def test_a_rate_is_the_common_one_nearby(stated):
    """Of 66 frames whose times are rounded to a 600th of a second."""
    times = np.round(np.arange(66) / (30_000 / 1001) * 600) / 600
    placed = place(packets(times, rates=[stated] if stated else []))
    assert placed.fps == pytest.approx(30 if stated == 30 else 30_000 / 1001)
    assert placed.remarks == ()


def test_a_rate_that_is_off_is_kept_where_frames_would_move():
    times = np.arange(20_000) / 29.9
    assert place(packets(times, rates=[29.9])).fps == pytest.approx(29.9)
    assert place(packets(times[:100], rates=[29.9])).fps == pytest.approx(30_000 / 1001)


@pytest.mark.parametrize("stated", [[], [26.3158]])
def test_a_short_video_that_lacks_frames_is_of_a_variable_rate(stated):
    times = np.array([0, 40, 106, 139, 172, 205, 238, 271, 304]) / 1000
    placed = place(packets(times, rates=stated))
    assert placed.fps == 30
    assert len(placed.remarks) == 1


def test_frames_that_are_shown_in_another_order():
    shown = np.array([0, 4, 2, 1, 3, 8, 6, 5, 7]) / 25
    placed = place(packets(shown, np.arange(-1, 8) / 25, reorders=True))
    assert placed.ranks.tolist() == [0, 4, 2, 1, 3, 8, 6, 5, 7]
    # Times that only rise say nothing about which frame is which, where the codec may reorder.
    assert place(packets(np.arange(9) / 25, reorders=True)).ranks is None
    assert place(packets(np.arange(9) / 25, reorders=False)).ranks.tolist() == list(range(9))


def test_a_screen_recording_is_mostly_still():
    """Three bursts at 30 frames per second, and minutes between them."""
    times = np.concatenate([start + np.arange(40) / 30 for start in (0, 90, 300)])
    placed = place(packets(times, rates=[0.4]))
    assert placed.fps == 30
    assert placed.slots[[0, 39, 40, 80]].tolist() == [0, 39, 2700, 9000]
    assert "2 shown for longer, 0 left out" in placed.remarks[0][0]


def test_times_in_bursts_are_averaged():
    """As of a transmission: four frames at once, and then nothing."""
    times = np.sort(np.concatenate([np.arange(50) * 0.16 + offset for offset in (0, 0.001, 0.002, 0.003)]))
    placed = place(packets(times))
    assert placed.fps == 25
    assert placed.slots[-1] == pytest.approx(200, abs=5)


def test_a_time_lapse_is_no_jump():
    placed = place(packets(np.arange(20) * 3600.0))
    assert placed.fps == pytest.approx(1 / 3600, rel=0.01) or placed.fps == pytest.approx(0.001)
    assert placed.remarks == () or "apart" in placed.remarks[0][0]


def test_no_clock_and_no_rate():
    placed = place(packets([NOTHING] * 5))
    assert (placed.fps, placed.ranks, placed.slots.tolist()) == (25.0, None, [0, 1, 2, 3, 4, 5])
    assert placed.remarks[0][0] == "its frames have no times and no rate; 25 frames per second assumed"
    placed = place(packets([3.0] * 5, rates=[1000.0, 12.5]))  # 1000 is a clock, no rate
    assert placed.fps == 12.5
