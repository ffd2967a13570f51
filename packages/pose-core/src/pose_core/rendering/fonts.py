"""Fonts for captions: the first installed font that covers the letters, of any script."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFont import FreeTypeFont

# Names that Pillow looks for in the system's font folders: Linux, then macOS, then Windows.
NAMES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansThai-Regular.ttf", "NotoSansCJK-Regular.ttc"),
    *("Arial Unicode.ttf", "Arial.ttf", "Thonburi.ttc", "PingFang.ttc"),
    *("arial.ttf", "segoeui.ttf", "leelawui.ttf", "Nirmala.ttf", "msyh.ttc", "malgun.ttf"),
)
MISSING = "\U0010ffff"  # no font has it; what is drawn instead is the font's sign for a missing letter
DOTTED_CIRCLE = "\u25cc"  # carries a mark that stands above or below a letter, as in Unicode's own charts


def drawable(text: str) -> tuple[str, str | None]:
    """The text to draw, and the path of a font that covers it; None is Pillow's default font.

    A mark without a letter (Thai, Hebrew) is drawn on a dotted circle. What no font here has becomes code points,
    `U+0E01`, with one warning for each text.
    """
    if text and unicodedata.category(text[0]).startswith("M"):
        text = DOTTED_CIRCLE + text
    path = _path(text)
    if path is not None or covers(None, text):
        return text, path
    if text.startswith(DOTTED_CIRCLE) and (bare := _path(text[1:])) is not None:
        return text[1:], bare
    codes = " ".join(f"U+{ord(letter):04X}" for letter in text.removeprefix(DOTTED_CIRCLE))
    _warn_once(f"no font on this computer has {text!r}; the caption shows {codes}: install one, such as Noto Sans")
    return codes, None


@cache
def load(path: str | None, size: int, *, shaped: bool = True) -> FreeTypeFont:
    """A font, `size` pixels high; `shaped` where letters are to join as in Arabic, if Pillow can."""
    from PIL import ImageFont

    layout = None if shaped else ImageFont.Layout.BASIC
    font = ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size, layout_engine=layout)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's own is a bitmap only where it lacks FreeType
    return font


def covers(path: str | None, text: str) -> bool:
    """Whether a font has every letter of a text."""
    font = load(path, 20, shaped=False)  # shaped, the sign for a missing mark looks another than that for a letter
    missing = _shape(font, MISSING)
    return all(_shape(font, letter) not in (missing, b"") for letter in text if not letter.isspace())


def _shape(font: FreeTypeFont, letter: str) -> bytes:
    """The pixels of a letter, in rows."""
    return bytes(font.getmask(letter))  # ty: ignore


@cache
def _path(text: str) -> str | None:
    """The path of a font that has every letter of a text, or None."""
    return next((path for path in _candidates(text) if covers(path, text)), None)


def _candidates(text: str) -> Iterator[str]:
    from PIL import ImageFont

    for name in NAMES:
        try:
            yield str(ImageFont.truetype(name, 20).path)
        except OSError:  # not on this computer
            continue
    if spec := find_spec("matplotlib"):  # brings DejaVu Sans along
        for folder in spec.submodule_search_locations or []:
            path = Path(folder) / "mpl-data/fonts/ttf/DejaVuSans.ttf"
            if path.is_file():
                yield str(path)
    if fontconfig := shutil.which("fc-match"):  # knows every font of a Linux desktop, and their letters
        letters = " ".join(f"{ord(letter):x}" for letter in text)
        command = [fontconfig, "--format=%{file}", f":charset={letters}"]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        if found.lower().endswith((".ttf", ".otf", ".ttc")):
            yield found


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=2)
