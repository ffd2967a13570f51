"""HamNoSys that is none: the symbol and its place are named, and long strings are refused at once."""

import time

import pytest

from pose_core import UserError
from text_to_pose.hamnosys.parser import parse
from text_to_pose.text.hamnosys import hamnosys_text

START = "hamfist hamextfingeru hampalml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        ("hello", r"'h' \(U\+0068\) at character 1 is no HamNoSys symbol"),
        ("你好", r"'你' \(U\+4F60\) at character 1"),
        (hamnosys_text(["hamfist"]) + "\ue0ff", r"'\\ue0ff' \(U\+E0FF\) at character 2"),
        ("hamfist hamfoot", "symbol 2, 'hamfoot' at character 9, is no name of a HamNoSys symbol"),
        ("hammoved", r"symbol 1 \(hammoved\) at character 1: expected a handshape"),
        (
            f"{START} hamparbegin hammoved",
            r"ends after symbol 5 \(hammoved\): expected hamparend that closes the bracket",
        ),
        (f"{START} hamseqbegin hammoved hamparend", r"symbol 6 \(hamparend\) at character \d+: expected hamseqend"),
        (
            f"{START} hammoved hamthumboutmod",
            r"symbol 5 \(hamthumboutmod\).*expected a movement, its target, a repetition",
        ),
        ("hamfist hamextfingeru hamextfingerd hampalml", r"symbol 3 \(hamextfingerd\).*no direction between them"),
        (f"{START} hamrepeatfromstart", r"symbol 4 .*expected a movement before its repetition"),
        (f"{START} hamreplace hammoved", "expected the new handshape or orientation behind hamreplace"),
        (f"{START} hamlrat hamchest hamlrat", "expected no second mark of a side"),
        (f"{START} hamlrat hammoved", "expected a place on the body, the arm or the hand"),
        (f"{START} hamchest hamseqbegin hamtouch hamthumb hammoved hamseqend", r"\(hammoved\).*expected hamseqend"),
        (f"{START} hamparbegin hamchest hamparend", "expected hamplus and the non-dominant hand's place"),
        ("hamparbegin hamfist hamparend", "expected hamplus and the non-dominant hand's part"),
        (
            "hamparbegin hamfist hamplus hamnondominant hampalml hamparend",
            "expected hametc or a handshape of the non-dominant hand",
        ),
        (f"{START} hamparbegin hammoved hamplus hamparend", "expected the non-dominant hand's movement"),
        (f"{START} hamseqbegin hamseqend", "expected a movement"),
        (f"{START} hamseqbegin hamelbow hamseqend", "expected the movement of that part of the body"),
        (f"{START} hammoved hamseqbegin hamrepeatfromstart hamfast hamseqend", "expected the direction in which"),
        ("hamfinger2 hampinky hampinky hamextfingeru", r"symbol 2 \(hampinky\).*expected each finger once"),
        (f"{START} hammoved {'hamrepeatfromstart ' * 500}", "12 targets and repetitions stand behind one already"),
        (f"{START} hammoved {'hamtouch ' * 500}", "12 targets and repetitions stand behind one already"),
        (f"{START} hamaltbegin hammoved", r"symbol 4 \(hamaltbegin\)"),
        (
            f"{START} {START}",
            r"symbol 4 \(hamfist\).*expected a location or a movement: handshape and orientation are complete",
        ),
    ],
)
def test_an_error_names_the_symbol_and_its_place(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2**20,
        "hamfist " * 2**17,
        "\ue000" * 2**20,
        "hamfist " + "hamparbegin " * 4000,
        "hamfist " + "hamseqbegin " * 45,
    ],
)
def test_long_and_deep_strings_are_refused_at_once(text):
    begun = time.monotonic()
    with pytest.raises(UserError) as caught:
        parse(text)
    assert len(str(caught.value)) < 200
    assert time.monotonic() - begun < 2
