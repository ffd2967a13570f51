"""The clock of a video: when its frames are shown, and where they lie on a constant frame rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pose_core.rates import DEFAULT_FPS, FASTEST, LOWEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A rate near one of these is that one: containers round times, and their average rates are a little off.
_COMMON = tuple(
    float(rate) for rate in (5, 6, 7.5, 8, 10, 12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 200, 240)
) + tuple(rate / 1.001 for rate in (24, 30, 60, 120, 240))
_FASTEST_CLOCK = 1000.0  # frames per second of a slow-motion camera
_NEAR, _NEARER = 0.03, 0.01  # of a rate; the former of one that is only the middle of what varies
_ROUNDED = 0.001  # seconds that rounded times may be off
_JITTER = 0.9  # frames between the earliest and the latest, at most, where the rate is constant
_LONGEST = 600.0  # seconds that a frame may be shown; after more, the clock has been set
_BACK = 1.5  # frames that a clock may seem to go back, where times of decoding are estimated ...
_BACK_SHOWN = 17  # ... and where only times of showing are known: a codec may reorder 16 frames
_EMPTY, _LEAST = 200, 10_000  # frames of the result for each of the video, or at least, that are believed


@dataclass(frozen=True)
class Packets:
    """Times of a video's compressed frames, in the order of the file, in seconds; NaN where there is none.

    Attributes:
        shown: (N,) when each is shown.
        decoded: (N,) when each is to be decoded; those of a file that stores only one time per frame.
        last: seconds for which the last one is shown; 0 if unknown.
        rates: frames per second as the container states them, the best first.
        reorders: whether the codec may show frames in another order than they are stored.
    """

    shown: np.ndarray
    decoded: np.ndarray
    last: float
    rates: Sequence[float]
    reorders: bool


@dataclass(frozen=True)
class FrameTimes:
    """N frames of a video, in the order in which they are shown, on a constant frame rate.

    Attributes:
        fps: frames per second of the result.
        slots: (N + 1,) the first frame of the result that each stands for, and the number of all; a frame with the next
            one's slot is left out.
        ranks: (N,) which of the frames that are shown each packet of the file is; None if the file does not say.
        remarks: what has to be said about the clock, and of which kind of inputs it is.
    """

    fps: float
    slots: np.ndarray
    ranks: np.ndarray | None
    remarks: tuple[tuple[str, str], ...] = ()


def place(packets: Packets) -> FrameTimes:
    """Puts the frames of a video on a constant frame rate.

    A rate is constant if every frame has its own place at it, give or take 0.45 frames; common rates are tried first.
    Otherwise it is the one at which most frames follow each other (the median), and a frame that is shown longer stands
    for several frames of the result; of those that fall together the last one counts.
    """
    count = len(packets.shown)
    remarks: list[tuple[str, str]] = []
    rates = [rate for rate in packets.rates if np.isfinite(rate) and LOWEST < rate <= FASTEST]
    shown, ranks = _clock(packets, remarks)
    if shown is None:
        if count > 1 or not rates:
            remarks.append(_without_clock(rates))
        return FrameTimes(rates[0] if rates else DEFAULT_FPS, np.arange(count + 1), ranks, tuple(remarks))
    order = np.argsort(shown, kind="stable")
    if ranks is not None:
        ranks = np.empty(count, np.int64)
        ranks[order] = np.arange(count)
    times = shown[order] - shown[order[0]]
    mean = (count - 1) / times[-1]
    common = _near(mean, rates, _NEARER)
    # Any rate fits a short video that lacks a few frames: one that is not common has to be that of most frames.
    even = abs(float(np.median(np.diff(times))) - 1 / mean) < max(_NEAR / mean, _ROUNDED)
    odd = [*[rate for rate in rates if abs(rate / mean - 1) < _NEARER], mean] if even else []
    for rate in [*common, *odd]:
        if LOWEST < rate <= _FASTEST_CLOCK and np.ptp(times * rate - np.arange(count)) < _JITTER:
            return FrameTimes(rate, np.arange(count + 1), ranks, tuple(remarks))
    fps = _main_rate(times, mean, rates)
    slots = _slots(times, fps)
    ends = slots[-1] + max(1, round(min(packets.last, _LONGEST) * fps))
    remarks.append(_variable(times, slots, fps))
    return FrameTimes(fps, np.append(slots, ends), ranks, tuple(remarks))


def _clock(packets: Packets, remarks: list[tuple[str, str]]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Times (N,) of the packets, mended, and whether they tell which frame each packet is: an array if so, else None.

    Without usable times, None.
    """
    count = len(packets.shown)
    shown, decoded = packets.shown, packets.decoded
    told = bool(np.isfinite(shown).all())
    if count < 2:
        return None, np.arange(count) if told else None
    if not told:
        shown = decoded if np.isfinite(decoded).sum() > np.isfinite(shown).sum() else shown
        known = np.isfinite(shown)
        if known.sum() < max(2, count / 2):
            return None, None
        shown = np.interp(np.arange(count), np.flatnonzero(known), np.sort(shown[known]))
        decoded = shown
    known, back = np.isfinite(decoded), _BACK
    if known.sum() < count / 2:
        decoded, known, back = shown, np.full(count, True), _BACK_SHOWN
    steps = np.diff(np.interp(np.arange(count), np.flatnonzero(known), decoded[known]))
    forward = steps[steps > 0]
    if len(forward) < (count - 1) / 2:  # frames without times of their own
        return None, None
    interval = float(np.median(forward))
    jumps = np.flatnonzero((steps < -back * interval) | (steps > max(_LONGEST, 100 * interval)))
    if len(jumps):
        offsets = np.zeros(count)
        offsets[jumps + 1] = steps[jumps] - interval
        shown = shown - np.cumsum(offsets)
        remarks.append(
            (
                f"its clock jumps {len(jumps)} time{'s' * (len(jumps) > 1)}, first after frame {jumps[0]}; "
                "the frames go on without a gap there",
                "videos whose clock jumps",
            )
        )
    # A container like AVI has no times of showing, and the demuxer passes those of decoding for them.
    ordered = told and not (packets.reorders and bool((np.diff(shown) >= 0).all()))
    return (shown if np.ptp(shown) > 0 else None), (np.arange(count) if ordered else None)


def _near(rate: float, stated: Iterable[float], share: float) -> list[float]:
    """Common rates near one, those first that are nearest to what the container states."""
    middle = next((s for s in stated if abs(s / rate - 1) < share), rate)
    return sorted(
        (common for common in _COMMON if abs(common / rate - 1) < share), key=lambda common: abs(common - middle)
    )


def _main_rate(times: np.ndarray, mean: float, stated: Sequence[float]) -> float:
    """The rate at which most frames follow each other, unless it would make far more frames than there are."""
    steps = np.diff(times)
    rate = 1 / float(np.median(steps[steps > 0]))
    if rate > FASTEST or rate * times[-1] > max(_LEAST, _EMPTY * len(times)):
        rate = min(mean, FASTEST)
    rate = max(rate, LOWEST)
    return next(iter(_near(rate, stated, _NEAR)), rate)


def _slots(times: np.ndarray, fps: float) -> np.ndarray:
    """(N,) the places nearest to the frames, once the places are moved to where most frames are."""
    places = times * fps
    phase = np.angle(np.exp(2j * np.pi * places).mean()) / (2 * np.pi)
    slots = np.rint(places - phase).astype(np.int64)
    return slots - slots[0]


def _variable(times: np.ndarray, slots: np.ndarray, fps: float) -> tuple[str, str]:
    steps = np.diff(times)
    kept = np.diff(slots)
    return (
        f"frames are {_duration(steps.min())} to {_duration(steps.max())} apart; put on a constant {fps:.5g} "
        f"frames per second: {np.sum(kept > 1)} shown for longer, {np.sum(kept == 0)} left out",
        "videos with a variable frame rate",
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.4g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _without_clock(rates: Sequence[float]) -> tuple[str, str]:
    kind = "videos without times of their frames"
    if rates:
        return f"its frames have no times; they follow each other at the stated {rates[0]:.5g} frames per second", kind
    return f"its frames have no times and no rate; {DEFAULT_FPS:g} frames per second assumed", kind
