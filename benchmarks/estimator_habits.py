"""Habits of a pose estimator (MediaPipe Holistic) on real clips: what `text_to_pose.synthesis` gives rule-made ones.

uv run python benchmarks/estimator_habits.py [--data folder]

Prints JSON, for each source of clips, lengths in shoulder widths:

- jitter: of each group of points the standard deviation about a quadratic through 7 frames (corrected for what that
  takes away), where the wrist hardly moves and where it does; the share of a hand's that all its points have in common;
  its spectrum where the hand is held, relative to white noise, from 1/16 to 8/16 of a cycle per frame;
- lost hands: the share of frames with a wrist but no hand, by speed of the wrist, its height over the shoulders and its
  distance from the other one, and the lengths of the gaps;
- depth: the slope of |dz| between wrist and knuckles over what the hand's length leaves for it, and jitter of z over
  that of x and y;
- confidence: quantiles of each group's, and by speed.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np

from pose_core import UserError, read
from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs

DATA = Path(__file__).resolve().parents[2] / "shared/data"
SOURCES = "fingerspelling", "dgs_sentences", "signs/ase_phone", "signs/ase_webcam", "signs/bzs_webcam"
SIDES = "left", "right"
WINDOW = 7
CENTRE_WEIGHT = 1 / 3  # of the middle one of seven points in a quadratic fit
SPECTRUM_FRAMES = 16
HELD = 0.02  # shoulder widths per frame: slower is held
SPEEDS = (0.0, 0.02, 0.05, 0.1, 0.2, np.inf)  # shoulder widths per frame
HEIGHTS = (-np.inf, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, np.inf)  # over the shoulders
DISTANCES = (0.0, 0.25, 0.5, 1.0, np.inf)
PALM = (0, 1, 5, 9, 13, 17)
TIPS = (4, 8, 12, 16, 20)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    print(json.dumps({source: habits(arguments.data / source) for source in SOURCES}, indent=1))


def habits(folder: Path) -> dict:
    """Every figure of the clips below a folder."""
    clips = [clip for file in sorted(folder.rglob("*.pose")) if (clip := prepared(file)) is not None]
    if not clips:
        return {"clips": 0}
    return {
        "clips": len(clips),
        "frames": sum(map(len, clips)),
        "fps": float(np.median([clip.fps for clip in clips])),
        "jitter": jitter(clips),
        "lost hands": lost_hands(clips),
        "depth": depth(clips),
        "confidence": confidence(clips),
    }


def prepared(file: Path):
    """A clip in shoulder widths; None where it cannot be normalized, or was put together from dictionary clips."""
    if file.stem.endswith("_updated"):
        return None
    try:
        sequence, _ = normalize(remove_legs(drop_face(drop_duplicates(clean(read(file)))), keep_hips=True))
    except UserError:
        return None
    return sequence if len(sequence) >= WINDOW and has_arms(sequence) else None


def has_arms(sequence) -> bool:
    return all(sequence.skeleton.elbow(side) is not None and sequence.skeleton.hand(side) for side in SIDES)


def body_wrist(sequence, side):
    """The index of the body's own wrist."""
    return sequence.skeleton.keypoints.index(("POSE_LANDMARKS", f"{side.upper()}_WRIST"))


def groups(sequence) -> dict[str, list[int]]:
    skeleton = sequence.skeleton
    hands = [skeleton.hand(side) for side in SIDES]
    return {
        "shoulders": [*skeleton.shoulders()],
        "hips": [*skeleton.hips()],
        "elbows": [skeleton.elbow(side) for side in SIDES],
        "arms' wrists": [body_wrist(sequence, side) for side in SIDES],
        "palms": [hand[k] for hand in hands for k in PALM],
        "fingers": [hand[k] for hand in hands for k in range(21) if k not in (*PALM, *TIPS)],
        "tips": [hand[k] for hand in hands for k in TIPS],
    }


def residuals(values: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Deviation (T', ...) of the middle frame of 7 from a quadratic through them; NaN where one of them is missing."""
    t = np.arange(WINDOW) - WINDOW // 2
    basis = np.stack([t**0, t, t**2], axis=1).astype(float)
    weights = np.linalg.pinv(basis)[0]
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=0)
    seen = np.lib.stride_tricks.sliding_window_view(visible, WINDOW, axis=0).all(axis=-1)
    middle = windows[..., WINDOW // 2] - windows @ weights
    return np.where(seen[..., None], middle, np.nan) / np.sqrt(1 - CENTRE_WEIGHT)


def speeds(sequence, point: int) -> np.ndarray:
    """Speed (T,) of a point, in shoulder widths per frame, over five frames; NaN where it is not seen."""
    place = np.where(sequence.visible[:, point, None], sequence.keypoints[:, point, :2], np.nan)
    padded = np.pad(place, ((2, 2), (0, 0)), mode="edge")
    return np.linalg.norm(padded[4:] - padded[:-4], axis=-1) / 4


def jitter(clips) -> dict:
    by_group: dict[str, dict[str, list]] = {}
    common, spectrum, autocorrelation = [], [], []
    for clip in clips:
        r = residuals(clip.keypoints, clip.visible)  # (T', K, D)
        speed = {side: speeds(clip, body_wrist(clip, side)) for side in SIDES}
        for name, points in groups(clip).items():
            for place, point in enumerate(points):
                side = SIDES[0] if place < len(points) / 2 else SIDES[1]
                slow = speed[side][WINDOW // 2 : -(WINDOW // 2)]
                for kind, chosen in (("held", slow < HELD), ("moving", (slow >= HELD) & (slow < 0.2))):
                    by_group.setdefault(name, {}).setdefault(kind, []).append(r[chosen, point])
        for side in SIDES:
            hand = clip.skeleton.hand(side)
            still = speed[side][WINDOW // 2 : -(WINDOW // 2)] < HELD
            of_hand = r[:, hand, :2][still]
            of_hand = of_hand[np.isfinite(of_hand).all(axis=(1, 2))]
            if len(of_hand):
                common.append((np.square(of_hand.mean(axis=1)).mean(), np.square(of_hand).mean(), len(of_hand)))
            power, lag = hand_spectrum(clip, hand, speed[side])
            spectrum += power
            autocorrelation += lag
    result: dict = {
        name: {kind: deviations(np.concatenate(values)) for kind, values in kinds.items()}
        for name, kinds in by_group.items()
    }
    if common:
        shared, all_of_it, frames = np.array(common).T
        result["hand's in common"] = number((shared * frames).sum() / (all_of_it * frames).sum())
    if spectrum:
        mean = np.mean(spectrum, axis=0)
        result["spectrum of a held hand"] = [number(x) for x in mean / mean.mean()]
        result["windows"] = len(spectrum)
        result["correlation with the next frame"] = number(np.mean(autocorrelation))
    return result


def deviations(values: np.ndarray) -> dict:
    """Of (N, D) residuals: robust standard deviations of x and y together and of z, and the share beyond 4 of them."""
    flat, z = values[:, :2].ravel(), values[:, 2:].ravel()
    flat, z = flat[np.isfinite(flat)], z[np.isfinite(z)]
    if len(flat) < 100:
        return {"frames": len(flat) // 2}
    robust = 1.4826 * np.median(np.abs(flat))
    return {
        "x, y": number(robust),
        "z": number(1.4826 * np.median(np.abs(z))) if len(z) else None,
        "mean square": number(np.sqrt(np.square(flat).mean())),
        "beyond 4": number((np.abs(flat) > 4 * robust).mean()),
        "frames": len(flat) // 2,
    }


def hand_spectrum(clip, hand, speed):
    """Power by frequency of windows of a held hand, and correlation of successive frames, without linear trend."""
    power, lag = [], []
    t = np.arange(SPECTRUM_FRAMES) - (SPECTRUM_FRAMES - 1) / 2
    for begin in range(0, len(clip) - SPECTRUM_FRAMES + 1, SPECTRUM_FRAMES // 2):
        window = slice(begin, begin + SPECTRUM_FRAMES)
        if not clip.visible[window, hand].all() or not (speed[window] < HELD).all():
            continue
        values = clip.keypoints[window, hand, :2].astype(float).reshape(SPECTRUM_FRAMES, -1)
        values = values - values.mean(axis=0)
        values = values - t[:, None] * (t @ values / (t @ t))
        transformed = np.fft.rfft(values * np.hanning(SPECTRUM_FRAMES)[:, None], axis=0)
        power.append(np.square(np.abs(transformed[1:])).mean(axis=1))
        lag.append((values[1:] * values[:-1]).mean() / max(np.square(values).mean(), 1e-12))
    return power, lag


def lost_hands(clips) -> dict:
    speed, height, apart, lost, gaps, never, outside = [], [], [], [], [], [], 0
    for clip in clips:
        wrists = [body_wrist(clip, side) for side in SIDES]
        distance = np.linalg.norm(clip.keypoints[:, wrists[0], :2] - clip.keypoints[:, wrists[1], :2], axis=-1)
        for side, wrist in zip(SIDES, wrists, strict=True):
            seen = clip.visible[:, wrist] & (clip.confidence[:, wrist] > 0.3)
            hand = clip.visible[:, clip.skeleton.hand(side)].any(axis=1)
            never.append(not hand.any())
            outside += int((hand & ~seen).sum())
            if not hand.any():
                continue
            speed.append(speeds(clip, wrist)[seen])
            height.append(-clip.keypoints[seen, wrist, 1])
            apart.append(distance[seen])
            lost.append(~hand[seen])
            gaps += inner_gaps(hand)
    columns = [np.concatenate(column) for column in (speed, height, apart)]
    missing = np.concatenate(lost)
    return {
        "hands never seen": number(np.mean(never)),
        "share": number(missing.mean()),
        "by speed": shares(columns[0], missing, SPEEDS),
        "by height": shares(columns[1], missing, HEIGHTS),
        "by distance of wrists": shares(columns[2], missing, DISTANCES),
        "gaps between seen frames": {
            "per 100 frames": number(100 * len(gaps) / len(missing)),
            "frames": {q: number(np.quantile(gaps, q)) for q in QUANTILES} if gaps else None,
            "of one frame": number(np.mean(np.array(gaps) == 1)) if gaps else None,
        },
        "hands of a wrist that is not sure": number(outside / max(1, len(missing))),
    }


def inner_gaps(seen: np.ndarray) -> list[int]:
    """Lengths of the gaps between frames in which a hand is seen."""
    frames = np.flatnonzero(seen)
    return [int(gap) for gap in np.diff(frames) - 1 if gap > 0]


def shares(values: np.ndarray, missing: np.ndarray, edges: tuple[float, ...]) -> dict:
    result = {}
    for low, high in itertools.pairwise(edges):
        chosen = (values >= low) & (values < high)
        if chosen.sum() >= 50:
            result[f"{low:g} to {high:g}"] = {"lost": number(missing[chosen].mean()), "frames": int(chosen.sum())}
    return result


def depth(clips) -> dict:
    """How much of the depth that a hand's constant lengths leave is in z."""
    left, measured = [], []
    for clip in clips:
        for side in SIDES:
            hand = clip.skeleton.hand(side)
            seen = clip.visible[:, hand].all(axis=1)
            if seen.sum() < WINDOW:
                continue
            for end in (5, 9, 13, 17):
                bone = (clip.keypoints[seen, hand[end]] - clip.keypoints[seen, hand[0]]).astype(float)
                flat = np.linalg.norm(bone[:, :2], axis=1)
                length = np.quantile(flat, 0.98)
                left.append(np.sqrt(np.clip(length**2 - flat**2, 0, None)) / length)
                measured.append(np.abs(bone[:, 2]) / length)
    x, y = np.concatenate(left), np.concatenate(measured)
    deep = x > 0.5
    return {
        "|dz| over what is left for it": {q: number(np.quantile(y[deep] / x[deep], q)) for q in QUANTILES},
        "frames": int(deep.sum() / 4),
    }


def confidence(clips) -> dict:
    values: dict[str, list] = {}
    speed: list = []
    for clip in clips:
        for name, points in groups(clip).items():
            values.setdefault(name, []).append(clip.confidence[:, points].ravel())
        for side in SIDES:
            wrist = body_wrist(clip, side)
            speed.append(np.stack([speeds(clip, wrist), clip.confidence[:, wrist]], axis=1))
    fast, sure = np.concatenate(speed).T
    result = {
        name: {q: number(np.quantile(np.concatenate(of_group), q)) for q in QUANTILES}
        for name, of_group in values.items()
    }
    result["wrist by speed"] = {
        f"{low:g} to {high:g}": number(np.median(sure[(fast >= low) & (fast < high)]))
        for low, high in itertools.pairwise(SPEEDS)
        if ((fast >= low) & (fast < high)).sum() >= 50
    }
    return result


def number(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
