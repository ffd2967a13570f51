"""A picture of a HamNoSys string, a cell a symbol: what it stands for in simple strokes, and its name below.

uv run python benchmarks/hamnosys_picture.py "hamflathand hamextfingeru hampalml" --output sign.png

There is no free HamNoSys font to ship. The strokes are drawn here; they follow what symbols mean (a half-black palm, a
finger's direction, an arrow), not the shapes of the font. A dot in a ring points at the viewer of the signer's own
picture (out), a cross in a ring away (in), as in physics.
"""

import argparse
import math
from pathlib import Path

from PIL import Image, ImageDraw

from pose_core.rendering.fonts import load
from text_to_pose.hamnosys.symbols import read_symbols

CELL, LABEL, SCALE = 62, 30, 4  # pixels of a symbol and of its name; drawn larger by SCALE and then made smaller
BLACK, GREY = (20, 20, 20), (185, 185, 185)
COMPASS = {"u": (0, 1), "d": (0, -1), "l": (-1, 0), "r": (1, 0)}
FINGERS = (-0.3, -0.1, 0.1, 0.3)  # x of index finger to little finger
FIST = [(-0.42, 0.1), (0.42, 0.1), (0.42, -0.75), (-0.42, -0.75), (-0.42, 0.1)]
# The lines of symbols between -1 and 1, y up.
FORMS = {
    "fist": [FIST],
    "flathand": [[(-0.35, -0.8), (-0.35, 0.85), (0.35, 0.85), (0.35, -0.8), (-0.35, -0.8)]],
    "finger2": [FIST, [(-0.3, 0.1), (-0.3, 0.9)]],
    "finger23": [FIST, [(-0.3, 0.1), (-0.3, 0.9)], [(-0.1, 0.1), (-0.1, 0.9)]],
    "finger23spread": [FIST, [(-0.3, 0.1), (-0.5, 0.9)], [(-0.1, 0.1), (0.1, 0.9)]],
    "finger2345": [FIST, *([(x, 0.1), (2 * x, 0.9)] for x in FINGERS)],
    "pinch12": [FIST, [(-0.3, 0.1), (-0.45, 0.6), (-0.85, 0.45), (-0.75, 0.0), (-0.42, -0.2)]],
    "pinch12open": [FIST, [(-0.3, 0.1), (-0.5, 0.75)], [(-0.42, -0.2), (-0.95, 0.25)]],
    "pinchall": [[(-0.5, -0.75), (-0.55, 0.1), (0.0, 0.85), (0.55, 0.1), (0.5, -0.75), (-0.5, -0.75)]],
    "cee12": [FIST, [(-0.3, 0.1), (-0.4, 0.75), (-0.75, 0.8)], [(-0.42, -0.2), (-0.85, 0.0), (-0.95, 0.3)]],
    "ceeall": [[(0.5, 0.8), (-0.1, 0.75), (-0.5, 0.3), (-0.5, -0.3), (-0.1, -0.75), (0.5, -0.8)]],
    "ceeopen": [[(0.7, 0.9), (-0.3, 0.6), (-0.5, 0.2), (-0.5, -0.2), (-0.3, -0.6), (0.7, -0.9)]],
}
OTHERS = {
    "thumboutmod": [[(-0.42, -0.3), (-0.95, 0.0)]],
    "thumbacrossmod": [[(-0.42, -0.3), (0.35, -0.15)]],
    "thumbopenmod": [[(-0.42, -0.5), (-0.95, 0.0), (-0.42, 0.1)]],
    "fingerstraightmod": [[(0, -0.8), (0, 0.8)]],
    "fingerbendmod": [[(0.3, -0.8), (0.3, 0.4), (-0.6, 0.4)]],
    "fingerhookmod": [[(0.3, -0.8), (0.3, 0.7), (-0.3, 0.7), (-0.3, 0.1)]],
    "doublebent": [[(0.4, -0.8), (0.4, 0.6), (-0.2, 0.6), (-0.2, -0.1)]],
    "doublehooked": [[(0.4, -0.8), (0.4, 0.6), (-0.3, 0.6), (-0.3, 0.0), (0.1, 0.0)]],
    "touch": [[(-0.1, -0.7), (-0.1, 0.7)], [(0.1, -0.7), (0.1, 0.7)], [(-0.7, 0), (-0.1, 0)], [(0.7, 0), (0.1, 0)]],
    "close": [[(-0.4, -0.7), (-0.4, 0.7)], [(0.4, -0.7), (0.4, 0.7)]],
    "cross": [[(-0.7, -0.7), (0.7, 0.7)], [(-0.7, 0.7), (0.7, -0.7)]],
    "interlock": [[(-0.8, 0.3), (0.3, 0.3), (0.3, -0.3)], [(0.8, -0.3), (-0.3, -0.3), (-0.3, 0.3)]],
    "brushing": [[(-0.8, -0.3), (0.8, -0.3)], [(-0.7, 0.5), (0.0, -0.25), (0.7, 0.5)]],
    "repeatfromstart": [[(-0.5, 0), (0.5, 0)], [(0, -0.5), (0, 0.5)]],
    "repeatfromstartseveral": [
        *([(x - 0.35, 0), (x + 0.35, 0)] for x in (-0.45, 0.45)),
        *([(x, -0.35), (x, 0.35)] for x in (-0.45, 0.45)),
    ],
    "parbegin": [[(0.3, 0.9), (-0.3, 0.9), (-0.3, -0.9), (0.3, -0.9)]],
    "parend": [[(-0.3, 0.9), (0.3, 0.9), (0.3, -0.9), (-0.3, -0.9)]],
    "seqbegin": [[(0.3, 0.9), (-0.1, 0.4), (-0.1, -0.4), (0.3, -0.9)]],
    "seqend": [[(-0.3, 0.9), (0.1, 0.4), (0.1, -0.4), (-0.3, -0.9)]],
    "fusionbegin": [[(0.4, 0.8), (-0.4, 0), (0.4, -0.8)]],
    "fusionend": [[(-0.4, 0.8), (0.4, 0), (-0.4, -0.8)]],
    "plus": [[(-0.6, 0), (0.6, 0)], [(0, -0.6), (0, 0.6)]],
    "between": [[(-0.4, -0.8), (0.4, 0.8)]],
    "symmpar": [[(-0.5, 0.35), (0.5, 0.35)], [(-0.5, -0.35), (0.5, -0.35)]],
    "symmlr": [[(0, -0.8), (0, 0.8)], [(-0.3, 0.4), (-0.8, 0), (-0.3, -0.4)], [(0.3, 0.4), (0.8, 0), (0.3, -0.4)]],
    "zigzag": [[(-0.8, -0.3), (-0.4, 0.4), (0, -0.3), (0.4, 0.4), (0.8, -0.3)]],
    "arcu": [[(-0.8, -0.3), (-0.4, 0.25), (0, 0.4), (0.4, 0.25), (0.8, -0.3)]],
    "arcd": [[(-0.8, 0.3), (-0.4, -0.25), (0, -0.4), (0.4, -0.25), (0.8, 0.3)]],
    "arcl": [[(0.3, 0.8), (-0.25, 0.4), (-0.4, 0), (-0.25, -0.4), (0.3, -0.8)]],
    "arcr": [[(-0.3, 0.8), (0.25, 0.4), (0.4, 0), (0.25, -0.4), (-0.3, -0.8)]],
}
# Where places are on an outline of head and trunk, on a hand, and on a finger.
ON_BODY = {
    name: (x, y)
    for y, row in {
        0.95: {"headtop": 0},
        0.82: {"forehead": 0},
        0.74: {"eyebrows": 0},
        0.66: {"eyes": 0},
        0.6: {"head": 0, "ear": 0.32},
        0.56: {"nose": 0, "nostrils": 0},
        0.5: {"cheek": 0.2, "earlobe": 0.3},
        0.44: {"lips": 0, "tongue": 0, "teeth": 0},
        0.32: {"chin": 0, "underchin": 0},
        0.16: {"neck": 0},
        0.06: {"shouldertop": 0.4},
        0.0: {"shoulders": 0},
        -0.25: {"chest": 0},
        -0.3: {"upperarm": -0.62},
        -0.55: {"stomach": 0},
        -0.6: {"elbow": -0.75, "elbowinside": -0.75},
        -0.85: {"belowstomach": 0},
    }.items()
    for name, x in row.items()
}
ON_HAND = {
    name: (x, y)
    for y, row in {
        0.8: dict(zip(("indexfinger", "middlefinger", "ringfinger", "pinky"), FINGERS, strict=True)),
        0.0: {"thumb": -0.8},
        -0.3: {"palm": 0, "handback": 0, "thumbside": -0.42, "pinkyside": 0.42},
        -0.5: {"thumbball": -0.25},
        -0.85: {"wristback": 0, "wristpulse": 0},
    }.items()
    for name, x in row.items()
}
ON_FINGER = {"fingertip": 0.85, "fingernail": 0.7, "fingerpad": 0.65, "fingermidjoint": 0.15, "fingerbase": -0.75}
HAND = [FIST, [(-0.42, -0.3), (-0.85, 0.05)], *([(x, 0.1), (x, 0.85)] for x in FINGERS)]
FINGER = [[(-0.25, -0.9), (-0.25, 0.7), (0, 0.95), (0.25, 0.7), (0.25, -0.9)], [(-0.25, 0.1), (0.25, 0.1)]]
TRUNK = [
    [(0.32 * math.cos(a), 0.62 + 0.34 * math.sin(a)) for a in (i * math.pi / 12 for i in range(25))],
    [(-0.1, 0.28), (-0.12, 0.1), (-0.55, 0.05), (-0.75, -0.6)],
    [(0.1, 0.28), (0.12, 0.1), (0.55, 0.05), (0.75, -0.6)],
    [(-0.42, 0.0), (-0.4, -0.95)],
    [(0.42, 0.0), (0.4, -0.95)],
]


class Cell:
    """One symbol's square, in which -1 to 1 is its inner part."""

    def __init__(self, draw: ImageDraw.ImageDraw, left: float, top: float) -> None:
        self.draw, self.left, self.top = draw, left, top

    def at(self, x: float, y: float) -> tuple[float, float]:
        half = CELL * SCALE / 2
        return self.left + half + 0.72 * half * x, self.top + half - 0.72 * half * y

    def lines(self, lines: list, color: tuple[int, int, int] = BLACK, width: float = 2.2) -> None:
        for line in lines:
            self.draw.line([self.at(*point) for point in line], color, round(width * SCALE), joint="curve")

    def dot(self, x: float, y: float, radius: float = 0.14, *, filled: bool = True) -> None:
        (left, top), (right, bottom) = self.at(x - radius, y + radius), self.at(x + radius, y - radius)
        self.draw.ellipse((left, top, right, bottom), BLACK if filled else (255, 255, 255), BLACK, 2 * SCALE)

    def word(self, text: str, size: float, y: float = 0.0) -> None:
        font = load(None, round(size * SCALE))
        self.draw.text(self.at(0, y), text, BLACK, font=font, anchor="mm")

    def towards(self, x: float, y: float, name: str) -> None:
        """A ring with a dot (out) or a cross (in)."""
        self.dot(x, y, 0.26, filled=False)
        if "o" in name:
            self.dot(x, y, 0.09)
        else:
            self.lines([[(x - 0.15, y - 0.15), (x + 0.15, y + 0.15)], [(x - 0.15, y + 0.15), (x + 0.15, y - 0.15)]])

    def arrow(self, name: str, *, shaft: bool) -> None:
        """A direction: an arrow with its head, or the head alone."""
        x, y = direction(name)
        depth = "o" in name or "i" in name
        if not (x or y):
            self.towards(0, 0, name)
            return
        tip = (0.85 * x, 0.85 * y)
        for side in (-1, 1):
            turn = math.atan2(y, x) + side * (2.5 if shaft else 2.62)
            length = 0.5 if shaft else 1.3
            self.lines([[tip, (tip[0] + length * math.cos(turn), tip[1] + length * math.sin(turn))]])
        if shaft:
            self.lines([[(-0.85 * x, -0.85 * y), tip]])
        if depth:
            self.towards(-0.45 * x, -0.45 * y, name)


def direction(name: str) -> tuple[float, float]:
    """Right and up of a direction's name (`ul`, `or`), of length 1 or 0."""
    x, y = (sum(COMPASS.get(letter, (0, 0))[axis] for letter in name) for axis in (0, 1))
    length = math.hypot(x, y) or 1.0
    return x / length, y / length


def palm(cell: Cell, name: str) -> None:
    """An oval, black on the palm's side."""
    x, y = direction(name)
    turn = math.atan2(y, x)
    oval = []
    for i in range(49):
        a = 2 * math.pi * i / 48
        u, v = 0.45 * math.cos(a), 0.85 * math.sin(a)
        oval.append((u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)))
    black = [cell.at(*oval[i % 48]) for i in range(-12, 13)]
    cell.draw.polygon(black, BLACK)
    cell.lines([oval])


def circle(cell: Cell, name: str) -> None:
    ring = [(0.75 * math.cos(a), 0.75 * math.sin(a)) for a in (i * math.pi / 24 for i in range(3, 44))]
    cell.lines([ring, [(0.25, -0.5), ring[-1], (0.75, -0.85)]])
    cell.word(name, 13)


def draw_symbol(cell: Cell, name: str) -> None:
    """Draws what a symbol stands for; one that is not known here as its name."""
    prefixes = {
        "extfinger": lambda rest: cell.arrow(rest, shaft=False),
        "move": lambda rest: cell.arrow(rest, shaft=True),
        "circle": lambda rest: circle(cell, rest),
    }
    if name in FORMS:
        cell.lines(FORMS[name])
    elif name in OTHERS:
        if name.startswith("thumb"):
            cell.lines([FIST], GREY)
        cell.lines(OTHERS[name])
    elif name.startswith("palm") and name != "palm":
        palm(cell, name.removeprefix("palm"))
    elif name in ON_BODY:
        cell.lines(TRUNK, GREY, 1.6)
        cell.dot(*ON_BODY[name])
    elif name in ON_HAND:
        cell.lines(HAND, GREY, 1.6)
        cell.dot(*ON_HAND[name])
    elif name in ON_FINGER:
        cell.lines(FINGER, GREY, 1.6)
        cell.dot(0, ON_FINGER[name])
    else:
        for prefix, draw in prefixes.items():
            rest = name.removeprefix(prefix)
            if rest != name and set(rest) <= set("udlrio"):
                draw(rest)
                return
        box = [(-0.95, 0.6), (0.95, 0.6), (0.95, -0.6), (-0.95, -0.6), (-0.95, 0.6)]
        cell.lines([box], GREY, 1.6)
        for i, part in enumerate(split(name, 8)[:2]):
            cell.word(part, 9, 0.2 - 0.4 * i)


def split(name: str, longest: int) -> list[str]:
    return [name[i : i + longest] for i in range(0, len(name), longest)]


def picture(text: str, columns: int = 12) -> Image.Image:
    """The picture of a HamNoSys string, `columns` symbols a row."""
    names = [symbol.name for symbol in read_symbols(text)]
    rows = -(-len(names) // columns)
    width, height = min(columns, len(names)) * CELL, rows * (CELL + LABEL)
    image = Image.new("RGB", (width * SCALE, height * SCALE), "white")
    draw = ImageDraw.Draw(image)
    for i, name in enumerate(names):
        left, top = (i % columns) * CELL * SCALE, (i // columns) * (CELL + LABEL) * SCALE
        draw_symbol(Cell(draw, left, top), name)
        font = load(None, 9 * SCALE)
        for line, part in enumerate(split(name, 11)):
            middle = left + CELL * SCALE / 2, top + (CELL + 5 + 10 * line) * SCALE
            draw.text(middle, part, (90, 90, 90), font=font, anchor="mm")
    return image.resize((2 * width, 2 * height), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="HamNoSys, in Unicode or as symbol names")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=12)
    arguments = parser.parse_args()
    picture(arguments.text, arguments.columns).save(arguments.output)
    print(f"{arguments.output}: {len(read_symbols(arguments.text))} symbols")


if __name__ == "__main__":
    main()
