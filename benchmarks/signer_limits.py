"""What the signer must keep to, over every string of a list of signs.

uv run python benchmarks/signer_limits.py hamnosys.csv [--most N] [--output limits.json]

Prints JSON; of each measure how it is spread, and the signs that are worst:

- `bones`: greatest relative deviation of an arm's or a hand's bones from the body's (at most 1e-4);
- `fingers`, `wrists`: degrees beyond the limits of joints (`hand_model.LIMITS`, `arm.WRIST_LIMITS`);
- `speed`: of wrists, in shoulder widths per second (at most `timing.FASTEST`);
- `contact`: metres by which places miss each other that touch at the start of a sign (at most 0.01), as configured and,
  `contact_signed`, in the figure;
- `inside`: metres that hands and forearms are in trunk or head; `apart`: that one hand's bones are in the other's;
- `elbow`: metres that elbows are above the shoulders; real ones are not: 99.9 % below 0.04;
- `moved`, `turned`: metres and degrees that hands are from where the notation has them, because arms are as they are;
- `real_time`: seconds signed per second of processor time, the first time and with handshapes known.
"""

import argparse
import csv
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from pose_core import UserError
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.tree import Sign
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.body_surface import depth
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.anatomy.wrist import WRIST_LIMITS, wrist_angles
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import LIMITS, bone_lengths, mirrored
from text_to_pose.signing.motion import HandPose, Motion
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.signing.placement.configuration import configure
from text_to_pose.signing.placement.states import initial_states
from text_to_pose.signing.placement.touch import contact_error

FPS = 25.0
PALM = [0, 1, 5, 9, 13, 17]
FLIP = np.array([-1.0, 1.0, 1.0])
LEFT, RIGHT = 0, 1
WORST = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--most", type=int, help="only so many, evenly chosen")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    signs, unread = read(arguments.texts, arguments.most)
    measures: dict[str, list[tuple[float, str]]] = defaultdict(list)
    failed, seconds, computed = {}, 0.0, [0.0, 0.0]
    for name, sign in signs:
        try:
            for run in range(2):
                begin = time.process_time()
                motion = choreograph([sign], MEAN_BODY, FPS)
                figured = figure(motion, MEAN_BODY)
                computed[run] += time.process_time() - begin
            seconds += len(motion) / FPS
            for measure, value in measured(sign, motion, figured).items():
                measures[measure].append((float(value), name))
        except Exception as error:  # whatever a string runs into is what is looked for
            failed[name] = f"{type(error).__name__}: {error}"
    report = {
        "signs": len(signs),
        "unread": unread,
        "failed": failed,
        "real_time": {"first": round(seconds / computed[0]), "again": round(seconds / computed[1])},
        **{measure: spread(values) for measure, values in measures.items()},
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


def read(path: Path, most: int | None) -> tuple[list[tuple[str, Sign]], dict[str, str]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if most is not None:
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, most).round().astype(int)]
    signs, unread = [], {}
    for row in rows:
        try:
            signs.append((row["id"], parse(row["hamnosys"])))
        except UserError as error:
            unread[row["id"]] = str(error)
    return signs, unread


def measured(sign: Sign, motion: Motion, figured: Figure) -> dict[str, float]:
    body = figured.body
    found = {"nan": float(not all(np.isfinite(x).all() for x in (figured.joints, figured.hands, figured.face)))}
    wrists, elbows = figured.joints[:, [15, 16]], figured.joints[:, [13, 14]]
    shoulders = figured.joints[:, [11, 12]]
    arms = [np.linalg.norm(elbows - shoulders, axis=-1) / body.upper_arm]
    arms.append(np.linalg.norm(wrists - elbows, axis=-1) / body.forearm)
    hands = bone_lengths(figured.hands) / body.hand.lengths
    found["bones"] = max(np.abs(each - 1).max() for each in (*arms, hands))
    angles = np.stack([motion.left.angles, motion.right.angles])
    found["fingers"] = np.degrees(np.maximum(LIMITS[:, 0] - angles, angles - LIMITS[:, 1]).max())
    rotations = [rotation_of(figured, side) for side in (LEFT, RIGHT)]
    bent = np.stack([bends(figured, side, rotations[side]) for side in (LEFT, RIGHT)])
    found["wrists"] = np.degrees(np.maximum(WRIST_LIMITS[:, 0] - bent, bent - WRIST_LIMITS[:, 1]).max())
    speed = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * FPS / body.shoulder_width
    found["speed"] = speed.max()
    first, last = motion.spans[0][0], motion.spans[-1][1]
    along = np.array([0.15, 0.4])[:, None]
    forearms = wrists[:, :, None] * (1 - along) + elbows[:, :, None] * along
    points = np.concatenate([figured.hands[first:last].reshape(-1, 3), forearms[first:last].reshape(-1, 3)])
    found["inside"] = depth(body, points).max()
    found["apart"] = overlap(figured.hands[first:last], body.hand.radii)
    found["elbow"] = (elbows[first:last, :, 1] - body.shoulders[:, 1]).max()
    found["moved"], found["turned"] = figured.moved[first:last].max(), np.degrees(figured.turned[first:last].max())
    segment = sign.segments[0]
    configured = configure(initial_states(segment), body)
    # Under alternation the non-dominant hand begins half a cycle away from its place.
    alternating = segment.symmetry is not None and segment.symmetry.alternating
    contacts = [each for each in configured.contacts if not (alternating and "left" in (each.hand, each.on))]
    if contacts:
        found["contact"] = contact_error(configured.hands, contacts)
        signed = {
            name: HandPose(figured.hands[first, side, 0], rotations[side][first], angles[side, first])
            for name, side in (("left", LEFT), ("right", RIGHT))
        }
        found["contact_signed"] = contact_error(signed, contacts)
    return found


def rotation_of(figured: Figure, side: int) -> np.ndarray:
    """(T, 3, 3): how a hand of the figure is turned, from its palm, which is rigid (Kabsch)."""
    palm = np.concatenate([np.zeros((1, 3)), figured.body.hand.palm])
    palm = mirrored(palm) if side == LEFT else palm
    points = figured.hands[:, side][:, PALM]
    u, _, v = np.linalg.svd(np.einsum("tni,nj->tij", points - points[:, :1], palm))
    u[:, :, 2] *= np.sign(np.linalg.det(u @ v))[:, None]
    return u @ v


def bends(figured: Figure, side: int, rotation: np.ndarray) -> np.ndarray:
    """(T, 3) flexion, deviation and forearm rotation, of the left hand as if it were a right one."""
    arm = figured.joints[:, [11 + side, 13 + side, 15 + side]] * (FLIP if side == LEFT else 1.0)
    rotation = mirrored_rotation(rotation) if side == LEFT else rotation
    return wrist_angles(arm[:, 0], arm[:, 1], arm[:, 2], rotation)


def overlap(hands: np.ndarray, radii: np.ndarray) -> float:
    """By how much finger joints of one hand are in those of the other, metres; tips and middles of bones as balls."""
    digits = hands[:, :, 1:].reshape(len(hands), 2, 5, 4, 3)
    balls = np.concatenate([digits, (digits[..., 1:, :] + digits[..., :-1, :]) / 2], axis=-2)
    sizes = np.repeat(radii, balls.shape[-2])
    left, right = (balls[:, side].reshape(len(hands), -1, 3) for side in (LEFT, RIGHT))
    distances = np.linalg.norm(left[:, :, None] - right[:, None], axis=-1)
    return float((sizes[:, None] + sizes - distances).max())


def spread(values: list[tuple[float, str]]) -> dict:
    numbers = np.array([value for value, _ in values])
    worst = sorted(values, reverse=True)[:WORST]
    return {
        "n": len(numbers),
        **{f"p{q}": round(float(np.percentile(numbers, q)), 5) for q in (50, 90, 99)},
        "most": round(float(numbers.max()), 5),
        "worst": [f"{name} {value:.4g}" for value, name in worst],
    }


if __name__ == "__main__":
    main()
