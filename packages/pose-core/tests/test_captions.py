"""Captions below pictures: which word and letter a frame shows, and in which script."""

import numpy as np
import pytest
from PIL import Image

from pose_core import UserError
from pose_core.rendering import Caption, write_gif, write_mp4, write_picture
from pose_core.rendering.captions import CURRENT, OTHER, STRIP, CaptionStrip, word_at, words
from pose_core.rendering.fonts import covers, drawable
from pose_core.rendering.view import View

HI = (Caption("H", 0, 5), Caption("I", 5, 9))


def spelled(text, frames=2):
    return [Caption(letter, i * frames, (i + 1) * frames) for i, letter in enumerate(text)]


def inked(strip, color):
    """Columns of a strip that hold a color."""
    return np.flatnonzero((strip == color).all(axis=-1).any(axis=0))


def test_a_gap_or_a_blank_ends_a_word():
    every = words([Caption("C", 12, 14), *HI, Caption("A", 9, 10), Caption(" ", 14, 15), Caption("B", 15, 20)])
    assert ["".join(each.text for each in word.captions) for word in every] == ["HIA", "C", "B"]
    assert [word_at(every, frame) for frame in (0, 11, 12, 14, 15, 30)] == [0, 0, 1, 1, 2, 2]
    assert [every[0].current(frame) for frame in (0, 4, 5, 9, 10)] == [0, 0, 1, 2, None]
    assert word_at([], 3) is None


def test_the_current_letter_is_highlighted():
    strip = CaptionStrip(HI, 800, 400)
    first, second, after = (strip.at(frame) for frame in (0, 5, 9))
    assert first.shape == (88, 800, 3)
    assert inked(first, CURRENT).max() < inked(first, OTHER).min()
    assert inked(second, OTHER).max() < inked(second, CURRENT).min()
    assert not len(inked(after, CURRENT))
    assert len(inked(after, OTHER))


def test_right_to_left_scripts():
    first = CaptionStrip(spelled("שלום"), 300, 200).at(0)
    assert inked(first, CURRENT).min() > inked(first, OTHER).max()


def test_a_long_word_keeps_the_current_letter_in_sight():
    word = spelled("DONAUDAMPFSCHIFFAHRT" * 3, frames=1)
    strip = CaptionStrip(word, 800, 400)
    for frame in (0, 30, 59):
        columns = inked(strip.at(frame), CURRENT)
        assert len(columns) >= 3
        assert columns.min() > 0
        assert columns.max() < 799


def test_letters_without_a_font_become_code_points():
    letter = "\U000e0fff"  # unassigned
    with pytest.warns(UserWarning, match=r"no font on this computer has .*shows U\+E0FFF"):
        text, path = drawable(letter)
    assert (text, path) == ("U+E0FFF", None)
    assert covers(path, text)


def test_marks_stand_on_a_dotted_circle():
    text, path = drawable("\u05b8")  # qamats, a Hebrew vowel
    if covers(path, "\u25cc"):
        assert text in ("\u25cc\u05b8", "U+05B8")


def test_pictures_grow_by_the_strip(holistic, tmp_path):
    view = View.fit(holistic, 240)
    write_gif(holistic, tmp_path / "a.gif", size=240, captions=HI, hands=False)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (view.width, 240 + 2 * round(240 * STRIP / 2))
        shown = []
        for frame in (0, 8, 11):
            image.seek(frame)
            strip = np.asarray(image.convert("RGB"))[240:]
            shown.append(len(inked(strip, CURRENT)))
    assert shown[0] > 0
    assert shown[1] > 0
    assert shown[2] == 0
    write_mp4(holistic, tmp_path / "a.mp4", size=240, captions=HI)
    write_picture(holistic, tmp_path / "a.png", captions=HI)
    strip = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert len(inked(strip, CURRENT))


@pytest.mark.parametrize("suffix", [".gif", ".png", ".mp4", ".html"])
def test_what_is_refused(holistic, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(UserError, match=rf"a\{suffix}: caption 'B' ends at frame 13, the pose has 12 frames"):
        write_picture(holistic, path, captions=[Caption("A", 0, 5), Caption("B", 5, 13)])
    with pytest.raises(UserError, match=rf"a\{suffix}: captions 'A' and 'B' overlap at frame 4"):
        write_picture(holistic, path, captions=[Caption("A", 0, 5), Caption("B", 4, 6)])
    for start, end in ((3, 3), (4, 3), (-1, 2)):
        with pytest.raises(UserError, match="a caption lasts a frame or more"):
            Caption("A", start, end)
    assert not list(tmp_path.iterdir())
