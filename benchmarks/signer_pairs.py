"""Minimal pairs: signs that differ in one symbol differ where that symbol says, and nowhere else.

uv run python benchmarks/signer_pairs.py [--all]

Of each of fifty pairs, from the frame before the stroke to its end: by how much each hand's shape (mm between joints,
in the frame of the palm), turn (degrees), place (mm between wrists) and anything of shoulders, hips, head and face
(mm) differ. What a pair has to change must change, what it may change (the place of a hand that is turned, which is
given for its middle; shoulders that help a hand up) may, all else must not. Prints those that are wrong, or `--all`,
and how many are right.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from signer_limits import FPS, LEFT, RIGHT, rotation_of
from signer_notation import hamnosys

from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.movement.choreography import choreograph

CHANGED = {"shape": 5.0, "turn": 10.0, "place": 15.0, "frames": 1.0}
"""At least so much where something is to change: mm, degrees, mm, frames."""
SAME = {"shape": 0.5, "turn": 2.0, "place": 5.0, "frames": 0.0, "rest": 2.0}
"""At most so much where not."""


@dataclass(frozen=True)
class Pair:
    """Two signs.

    Attributes:
        signs: symbols without `ham`.
        must: what differs: an aspect of the right hand, of the left with `left ` before it, or `frames`, the number.
        may: what may differ, too.
        later: it does not differ yet when the stroke begins.
    """

    signs: tuple[str, str]
    must: tuple[str, ...]
    may: tuple[str, ...] = ()
    later: bool = False


def pairs(template: str, must: str, *choices: str, may: str = "", later: bool = False) -> list[Pair]:
    """Pairs whose symbols, with | between, are put in a template."""
    return [
        Pair(
            tuple(" ".join(template.replace("*", symbol.strip()).split()) for symbol in choice.split("|")),
            tuple(part.strip() for part in must.split(",")),
            tuple(part.strip() for part in may.split(",") if part),
            later,
        )
        for choice in choices
    ]


HELD = "extfingeruo palml shoulders lrat"
MOVED = "finger2 thumbacrossmod extfingerol palmd chest"
BOTH = "symmlr flathand extfingero palml chest lrat"
PAIRS = [
    # Handshapes: 16
    *pairs(f"* {HELD}", "shape", "fist | flathand", "finger2 | finger23", "finger23 | finger23spread"),
    *pairs(f"* {HELD}", "shape", "finger2345 | flathand", "pinch12 | pinchall", "pinch12 | pinch12open"),
    *pairs(f"* {HELD}", "shape", "cee12 | ceeall", "ceeall | pinchall"),
    *pairs(f"fist * {HELD}", "shape", "thumboutmod | thumbacrossmod", " | thumboutmod"),
    *pairs(f"flathand * {HELD}", "shape", "thumboutmod | thumbopenmod"),
    *pairs(f"finger2 thumbacrossmod * {HELD}", "shape", " | fingerhookmod", "fingerbendmod | fingerstraightmod"),
    *pairs(f"finger2 thumbacrossmod * {HELD}", "shape", "indexfinger | pinky"),
    *pairs(f"flathand * {HELD}", "shape", "fingerstraightmod | doublebent"),
    *pairs(f"pinch12open * {HELD}", "shape", "middlefinger | ringfinger"),
    # Orientation: 7
    *pairs("flathand extfinger* palml chest", "turn", "uo | o", "o | ol", "ol | l", may="place"),
    *pairs("flathand extfingeruo palm* chest", "turn", "d | l", "l | dl", may="place"),
    *pairs("finger2 thumbacrossmod extfingeru palm* shoulders lrat", "turn", "d | l", "l | u", may="place"),
    # Places: 7
    *pairs("flathand extfingerol palml *", "place", "chest | stomach", "chest | shoulders", may="turn"),
    *pairs("flathand extfingerol palml chest *", "place", "lrat | lrbeside", may="turn"),
    *pairs(
        "finger2 thumbacrossmod extfingerul palml * touch", "place", "chin | nose", "forehead | lips", may="turn,rest"
    ),
    *pairs("flathand extfingerl palml * touch", "place", "chest | stomach", may="turn"),
    *pairs("flathand extfingerl palml chest *", "place", "close | touch", may="turn"),
    # Movements: 11
    *pairs(f"{MOVED} *", "place", "moveu | moved", "mover | movel", "moveo | movei", later=True, may="turn,frames"),
    *pairs(f"{MOVED} mover *", "place", " | smallmod", " | largemod", later=True, may="turn,frames"),
    *pairs(f"{MOVED} mover *", "place", "arcu | arcd", "wavy | ", later=True, may="turn,frames"),
    *pairs(f"{MOVED} *", "place", "circleo | circlei", "circleo | circlel", later=True, may="turn,frames"),
    *pairs(f"{MOVED} circleo *", "place", " | smallmod", later=True, may="turn,frames"),
    *pairs(f"{MOVED} mover *", "frames", "fast | slow", may="place,turn"),
    # Wrist, fingers, other postures: 5
    *pairs(f"{MOVED} *", "turn", "nodding | swinging", "twisting | nodding", later=True, may="frames"),
    *pairs(f"finger2345 {HELD} *", "shape", "fingerplay | nomotion", later=True, may="frames"),
    *pairs(f"flathand {HELD} replace *", "shape", "fist | finger2", later=True, may="frames"),
    *pairs("flathand extfingero palmd chest replace *", "turn", "palml | palmu", later=True, may="place,frames"),
    # Two hands and repetition: 4
    *pairs(f"* {BOTH.removeprefix('symmlr ')} mover", "left place", "symmlr | symmpar", later=True, may="left turn"),
    *pairs(
        "parbegin fist plus * parend parbegin extfingero palml plus extfingero palmr parend "
        "parbegin chest lrat plus lrat chest parend",
        "left shape",
        "fist | flathand",
    ),
    *pairs(f"{MOVED} mover *", "frames", "repeatfromstart | repeatfromstartseveral"),
    *pairs(f"{MOVED} mover *", "place", "repeatreverse | repeatfromstart", later=True, may="turn,frames"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    show_all = parser.parse_args().all
    right = 0
    for pair in PAIRS:
        problems, differences = judged(pair)
        right += not problems
        if problems or show_all:
            shown = ", ".join(f"{aspect} {value:.1f}" for aspect, value in differences.items())
            print(f"{pair.signs[0]}  |  {pair.signs[1]}\n    {'; '.join(problems) or 'right'} ({shown})")
    print(f"{right} of {len(PAIRS)} pairs differ where they should and nowhere else")


def judged(pair: Pair) -> tuple[list[str], dict[str, float]]:
    """What is wrong, and by how much each aspect differs."""
    first, second = (stroke(names) for names in pair.signs)
    frames = min(len(first), len(second))
    found = {"frames": float(abs(len(first) - len(second)))}
    found |= differences(first[:frames], second[:frames])
    problems = []
    for aspect, value in found.items():
        kind = aspect.removeprefix("left ")
        if aspect in pair.must and value < CHANGED[kind]:
            problems.append(f"{aspect} is the same")
        if aspect not in (*pair.must, *pair.may) and value > SAME[kind]:
            problems.append(f"{aspect} differs")
    if pair.later:
        at_start = differences(first[:1], second[:1])
        problems += [f"{a} differs at the start" for a, v in at_start.items() if v > SAME[a.removeprefix("left ")]]
    return problems, found


@dataclass(frozen=True, eq=False)
class Stroke:
    """A figure in the frames of a stroke: hands' shapes (T, 2, 21, 3), turns (T, 2, 3, 3), places, and the rest."""

    shapes: np.ndarray
    turns: np.ndarray
    places: np.ndarray
    rest: np.ndarray

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, frames: slice) -> "Stroke":
        return Stroke(self.shapes[frames], self.turns[frames], self.places[frames], self.rest[frames])


def stroke(names: str) -> Stroke:
    motion = choreograph([parse(hamnosys(names))], MEAN_BODY, FPS)
    first, last = motion.spans[0]
    return parts(figure(motion, MEAN_BODY))[first - 1 : last]


def parts(figured: Figure) -> Stroke:
    turns = np.stack([rotation_of(figured, side) for side in (LEFT, RIGHT)], axis=1)
    places = figured.hands[:, :, :1]
    shapes = (figured.hands - places) @ turns
    other = [i for i in range(33) if i not in range(13, 23)]
    rest = np.concatenate([figured.joints[:, other], figured.face], axis=1)
    return Stroke(shapes, turns, places[:, :, 0], rest)


def differences(first: Stroke, second: Stroke) -> dict[str, float]:
    found = {}
    for side, name in ((RIGHT, ""), (LEFT, "left ")):
        trace = np.einsum("tij,tij->t", first.turns[:, side], second.turns[:, side])
        found[f"{name}shape"] = 1000 * gap(first.shapes[:, side], second.shapes[:, side])
        found[f"{name}turn"] = float(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)).max()))
        found[f"{name}place"] = 1000 * gap(first.places[:, side], second.places[:, side])
    found["rest"] = 1000 * gap(first.rest, second.rest)
    return found


def gap(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(first - second, axis=-1).max())


if __name__ == "__main__":
    main()
