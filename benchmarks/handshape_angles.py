"""The joint angles and bones of photographed hands, from which the signer's handshapes come, and how near those are.

uv run python benchmarks/handshape_angles.py handshapes.npz [--shapes S203 S100] > angles.json

`handshapes.npz`: the hand shapes of SignWriting, in views, as MediaPipe sees them (sign-language-processing's
3d-hands-benchmark): `world_landmarks` (shapes, views, 21, 3), `score`, `handedness`, `base_symbol`. Prints JSON:

- `hand`: palm and bones of `text_to_pose.signing.hands.hand_model.MEAN_HAND` in millimetres;
- `shapes`: angles in degrees, of which `text_to_pose.signing.hands.hand_postures` is made; of fingers the base, middle
  and end joint `stretched`, so that straight fingers are straight and folded ones folded, and `seen`, as they are, with
  the tilt;
- `signed`: for handshapes in HamNoSys, the mean distance of joints to the shape of SignWriting that is the same, and
  its rank among all; and the same between two views of the photographs.
"""

import argparse
import json
import unicodedata
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from text_to_pose.hamnosys.handshapes import Handshape
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.hands import hand_postures as postures
from text_to_pose.signing.hands.hand import handshape_points
from text_to_pose.signing.hands.hand_model import LIMITS, MEAN_HAND, forward

VIEWS = 4  # the other two are of hands from behind or below, which MediaPipe mistakes
PALM_VIEWS = [0, 3]  # in these the palm is not foreshortened
KNUCKLES = [1, 5, 9, 13, 17]
LIKELY = np.radians([30, 15, 30, 10, 15, *(4 * [30, 0, 40, 25])])
STRAIGHT = {
    0: ["S100", "S115", "S1dc"],
    1: ["S115", "S147", "S14c"],
    2: ["S147", "S14c", "S186"],
    3: ["S147", "S192", "S19a"],
}
FOLDED = ["S203", "S1f8", "S1f5", "S200"]
SAME = """
fist thumbacrossmod: S203; fist thumboutmod: S1f5 S1f7; fist: S1f8
finger2 thumbacrossmod: S100; finger2 thumboutmod: S1dc S1de; finger2 thumbopenmod: S1e4
finger2 thumbacrossmod fingerhookmod: S106; finger2 thumbacrossmod fingerbendmod: S10a
finger2 thumbacrossmod fingerstraightmod: S10c; finger2 between finger2 fingerstraightmod: S10b
finger23 thumbacrossmod: S115; finger23spread thumbacrossmod: S10e
finger23 thumboutmod: S12d; finger23spread thumboutmod: S11e
finger23 thumbacrossmod fingerbendmod: S118; finger23 thumbacrossmod fingerstraightmod: S119
finger23spread thumbacrossmod fingerhookmod: S110; finger23 thumbacrossmod indexfinger fingernail middlefinger: S11a
finger2345 thumbacrossmod: S144; finger2345 thumboutmod: S14c
finger2345 thumboutmod fingerhookmod: S14e S153 S154; finger2345 thumboutmod fingerbendmod: S153 S154 S14e
flathand: S15a S15f; flathand thumboutmod: S15d; flathand thumbacrossmod: S147
flathand thumboutmod fingerstraightmod: S180 S17f; flathand thumboutmod fingerbendmod: S16e S16f S178
finger2 thumbacrossmod pinky: S192; finger2 thumboutmod pinky: S19a
finger23spread thumbacrossmod indexfinger pinky: S1a0
finger23spread thumbacrossmod indexfinger middlefinger ringfinger: S186 S18c
pinch12: S1eb S1f4 S1ea; pinch12 fingerstraightmod: S1f4 S1f1; pinch12open: S1ce S1cd
pinchall: S177 S176; pinchall fingerstraightmod: S185
cee12: S1ec; cee12 thumbopenmod: S1ed S1ee; cee12 fingerstraightmod: S1f0 S1ef
ceeall: S16d; ceeall fingerstraightmod: S17d; ceeopen: S1d0
finger2 thumboutmod fingerhookmod: S1e2; finger2 thumboutmod fingerstraightmod: S1e3
finger2345 thumboutmod middlefinger fingerstraightmod: S1c4 S1c5
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("handshapes", type=Path)
    parser.add_argument("--shapes", nargs="*", help="symbols of SignWriting whose angles to print (default: all)")
    arguments = parser.parse_args()
    with np.load(arguments.handshapes) as file:
        symbols = [str(symbol) for symbol in file["base_symbol"]]
        good = (file["score"] > 0.9) & (file["handedness"] == "Right")
        hands = in_hand_frame(file["world_landmarks"].astype(np.float64))
    good[:, VIEWS:] = False
    angles = {s: shape_angles(hands[i][good[i]]) for i, s in enumerate(symbols) if good[i].any()}
    report = {
        "hand": measured_hand(hands, good),
        "shapes": {s: shape_report(s, angles) for s in arguments.shapes or angles},
        "signed": compared(hands, good, symbols),
    }
    print(json.dumps(report, indent=1))


def in_hand_frame(points: np.ndarray) -> np.ndarray:
    """To the axes of `hand_model`, wrist 0; world landmarks have the palm's side behind, so z turns about."""
    points = points - points[..., :1, :]
    y = points[..., 9, :] / np.linalg.norm(points[..., 9, :], axis=-1, keepdims=True)
    x = points[..., 5, :] - points[..., 17, :]
    x = x - (x * y).sum(-1, keepdims=True) * y
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    axes = np.stack([x, y, -np.cross(x, y)], axis=-2)
    return np.einsum("...ij,...kj->...ki", axes, points)


def bones_of(points: np.ndarray) -> np.ndarray:
    """(..., 5, 3, 3), from the thumb on, from the knuckle on."""
    digits = points[..., 1:, :].reshape(*points.shape[:-2], 5, 4, 3)
    return digits[..., 1:, :] - digits[..., :-1, :]


def shape_angles(views: np.ndarray) -> np.ndarray:
    """(21,) radians: medians over views (n, 21, 3), each fitted to the directions of its bones."""
    fitted = []
    for view in views:
        bones = bones_of(view)
        directions = bones / np.linalg.norm(bones, axis=-1, keepdims=True)

        def miss(angles: np.ndarray, directions: np.ndarray = directions) -> np.ndarray:
            return np.concatenate([(forward(angles).directions - directions).ravel(), 0.05 * (angles - LIKELY)])

        fitted.append(least_squares(miss, LIKELY, bounds=(LIMITS[:, 0] - 0.3, LIMITS[:, 1] + 0.3)).x)
    return np.median(fitted, axis=0)


def shape_report(symbol: str, angles: dict[str, np.ndarray]) -> dict:
    name = unicodedata.name(chr(0x1D800 + int(symbol[1:], 16) - 0x100)).removeprefix("SIGNWRITING HAND-")
    if symbol not in angles:
        return {"name": name, "views": 0}
    degrees = np.degrees(angles[symbol])
    fingers = degrees[5:].reshape(4, 4)
    stretched = []
    for finger, digit in enumerate(postures.FINGERS):
        joints = np.array([0, 2, 3])
        straight, folded = (
            np.degrees(np.median([angles[s][5:].reshape(4, 4)[finger, joints] for s in some if s in angles], axis=0))
            for some in (STRAIGHT[finger], FOLDED)
        )
        share = (fingers[finger, joints] - straight) / (folded - straight)
        stretched.append(
            (postures.STRAIGHT + share * (np.array(postures.FOLDED[digit]) - postures.STRAIGHT)).round().tolist()
        )
    return {
        "name": name,
        "thumb": degrees[:5].round().tolist(),
        "seen": fingers.round().tolist(),
        "stretched": stretched,
    }


def measured_hand(hands: np.ndarray, good: np.ndarray) -> dict:
    """Medians over sure views: of the palm where it is seen flat, of the fingers' bones where they are straight."""
    flat = good[:, PALM_VIEWS]
    palm = np.median(hands[:, PALM_VIEWS][flat][:, KNUCKLES], axis=0)
    some = hands[good]
    bones = bones_of(some)
    lengths = np.linalg.norm(bones, axis=-1)
    bend = np.degrees(
        np.arccos(
            np.clip((bones[..., 1:, :] * bones[..., :-1, :]).sum(-1) / lengths[..., 1:] / lengths[..., :-1], -1, 1)
        )
    )
    straight = [np.ones(len(some), bool)] + [(bend[:, d, 0] < 30) & (bend[:, d, 1] < 35) for d in range(1, 5)]
    medians = [np.median(lengths[straight[d], d], axis=0) for d in range(5)]
    return {"palm_mm": (1000 * palm).round(1).tolist(), "bones_mm": (1000 * np.array(medians)).round(1).tolist()}


def compared(hands: np.ndarray, good: np.ndarray, symbols: list[str]) -> dict:
    size = np.linalg.norm(hands[:, :, 9], axis=-1)[..., None, None]
    gallery = hands / size * np.linalg.norm(MEAN_HAND.palm[2])
    rows, own = {}, []
    for line in SAME.strip().replace("\n", ";").split(";"):
        notation, same = (part.strip() for part in line.split(":"))
        points = handshape_points(handshape(notation))
        distances = distances_to(points, gallery, good)
        nearest = min(same.split(), key=lambda s: distances[symbols.index(s)])
        distance = distances[symbols.index(nearest)]
        rows[notation] = {"shape": nearest, "mm": round(distance, 1), "rank": 1 + int((distances < distance).sum())}
    other = good.copy()
    other[:, 0] = other[:, 3] = False
    for i in np.flatnonzero(good[:, 0] & other.any(axis=1)):
        distances = distances_to(gallery[i, 0], gallery, other)
        own.append((distances[i], 1 + int((distances < distances[i]).sum())))
    signed = [(row["mm"], row["rank"]) for row in rows.values()]
    return {"ours": summary(signed), "another_view_of_the_photographs": summary(own), "handshapes": rows}


def distances_to(points: np.ndarray, gallery: np.ndarray, good: np.ndarray) -> np.ndarray:
    """(shapes,) mm: median over sure views of the mean distance of joints, aligned and scaled; infinite without one."""
    return np.array(
        [
            np.median([joint_distance(points, view) for view in shape[sure]]) if sure.any() else np.inf
            for shape, sure in zip(gallery, good, strict=True)
        ]
    )


def joint_distance(first: np.ndarray, second: np.ndarray) -> float:
    """mm, turned and scaled to each other by least squares (Kabsch, Umeyama)."""
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    u, s, v = np.linalg.svd(a.T @ b)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
    aligned = a @ (u * signs @ v) * ((s * signs).sum() / (a * a).sum())
    return 1000 * float(np.linalg.norm(aligned - b, axis=-1).mean())


def summary(pairs: list[tuple[float, int]]) -> dict:
    ranks = np.array([rank for _, rank in pairs])
    mean = float(np.mean([distance for distance, _ in pairs]))
    rates = {f"rank_{k}": round(float((ranks <= k).mean()), 3) for k in (1, 5)}
    return {"n": len(pairs), "mean_mm": round(mean, 1), **rates, "median_rank": float(np.median(ranks))}


def handshape(notation: str) -> Handshape:
    """Of symbol names without `ham`."""
    names = " ".join(f"ham{name}" for name in notation.split())
    found = first_handshape(parse(f"{names} hamextfingeru hampalmd"))
    assert found is not None
    return found


def first_handshape(tree: object) -> Handshape | None:
    if isinstance(tree, Handshape):
        return tree
    parts = [getattr(tree, f.name) for f in fields(tree)] if is_dataclass(tree) else tree
    if not isinstance(parts, list | tuple):
        return None
    return next((found for part in parts if (found := first_handshape(part)) is not None), None)


if __name__ == "__main__":
    main()
