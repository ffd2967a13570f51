"""Trees back to HamNoSys: the canonical form, what has no symbol, and real signs that come back."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from text_to_pose.hamnosys.directions import Direction
from text_to_pose.hamnosys.handshapes import BaseShape, Bend, Digit, FingerPart, Form, Handshape, JointBend
from text_to_pose.hamnosys.movements import Manner, NoMovement, Repeated, Repetition, RepetitionKind, StraightMovement
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.places import BodyPlace, BodySite, HandPart, Location, Side
from text_to_pose.hamnosys.postures import Palm, Posture
from text_to_pose.hamnosys.tree import Segment, Sign
from text_to_pose.hamnosys.writer import symbol_names, write
from text_to_pose.text.hamnosys import hamnosys_tokens, hamnosys_vocabulary

START = "hamfist hamextfingeru hampalml"
CHEST = Location(BodyPlace(BodySite.CHEST))
SIGN = (
    "hamsymmlr hamflathand hamthumboutmod hamextfingeruo hampalml hamparbegin hampalm hamplus hamfingertip "
    "hamindexfinger hamparend hamtouch hamparbegin hammoved hamsmallmod hamarcu hamreplace hamfinger2 hampinky "
    "hamparend hamchest hamseqbegin hamtouch hamthumb hamseqend hamrepeatfromstart"
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("hamcee12 hamfingerhookmod hamthumbopenmod", "hamcee12 hamthumbopenmod hamfingerhookmod"),
        (f"{START} hamindexfinger hamfingertip hamtouch", f"{START} hamfingertip hamindexfinger hamtouch"),
        (f"{START} hammoved hamfast hamarcu hamsmallmod", f"{START} hammoved hamarcu hamsmallmod hamfast"),
        (f"{START} hamparbegin hammoved hamparend", f"{START} hammoved"),
        (
            f"{START} hamparbegin hammoved hammoveu hamplus hammover hamparend",
            f"{START} hamparbegin hamparbegin hammoved hammoveu hamparend hamplus hammover hamparend",
        ),
        (f"{START} hamspace", START),
        (
            "hamfinger2345 hamindexfinger hammiddlefinger hamfingerhookmod",
            "hamfinger2345 hamindexfinger hamfingerhookmod hammiddlefinger hamfingerhookmod",
        ),
        (
            f"{START} hamparbegin hampalm hamplus hampalm hamparend hamtouch hamchest",
            f"{START} hampalm hamtouch hamchest",
        ),
        (
            "hamparbegin hamfist hamplus hamflathand hamparend "
            "hamparbegin hamextfingeru hamplus hamextfingerd hamparend",
            "hamparbegin hamfist hamextfingeru hamplus hamflathand hamextfingerd hamparend",
        ),
    ],
)
def test_the_canonical_form(text, canonical):
    sign = parse(text)
    assert " ".join(symbol_names(sign)) == canonical
    assert parse(write(sign)) == sign


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (Segment(Posture(Handshape(BaseShape(Form.FIST, None, JointBend((1.0, 1.0, 1.0)))))), "single joints"),
        (Segment(Posture(palm=Palm(Direction.O))), "palm orientation 'o'"),
        (Segment(Posture(palm=Palm(Direction.L, absolute=True))), r"'l' \(absolute\)"),
        (Segment(Posture(Handshape(None))), "any handshape of the dominant hand"),
        (Segment(Posture(palm=Palm(Direction.L)), holdover=True), "holdover"),
        (Segment(Posture(palm=Palm(Direction.L)), Location(BodyPlace(BodySite.EAR, Side.FRONT))), "side 'front'"),
        (Segment(Posture(palm=Palm(Direction.L)), Pair(None, CHEST)), "one hand in brackets"),
        (Segment(Posture(palm=Palm(Direction.L)), actions=(StraightMovement(Direction.UIR),)), "movement to 'uir'"),
        (Segment(Posture(palm=Palm(Direction.L)), actions=(NoMovement(Manner(speed=0.5)),)), "the speed 0.5"),
        (
            Segment(
                Posture(palm=Palm(Direction.L)),
                actions=(Repeated(StraightMovement(Direction.D), Repetition(RepetitionKind.TO_AND_FRO)),),
            ),
            "tofroto",
        ),
    ],
)
def test_what_has_no_symbol_is_refused(changed, message):
    with pytest.raises(UserError, match=f"HamNoSys has no symbol for .*{message}"):
        write(Sign((changed,)))


@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from(hamnosys_vocabulary())), max_size=4))
def test_any_string_is_refused_in_one_line_or_comes_back(insertions):
    symbols = SIGN.split()
    for place, name in insertions:
        symbols.insert(place, name)
    try:
        sign = parse(" ".join(symbols))
    except UserError as error:
        where = r"symbol \d+ \(ham\w+\) at character \d+|the string ends after symbol \d+ \(ham\w+\)"
        assert re.match(rf"({where}): expected ", str(error))
    else:
        assert parse(write(sign)) == sign


# The canonical form may add or leave out brackets and blanks, and name once a part that both hands touch with.
BRACKETS_AND_BLANKS = {"parbegin", "parend", "seqbegin", "seqend", "fusionbegin", "fusionend", "plus", "space"}
BENDS = {bend.value for bend in Bend}
ONCE = {each.value for kind in (HandPart, FingerPart, Digit) for each in kind}


def test_real_signs_parse_and_come_back(signs):
    refused = {}
    for row in signs:
        text = row["hamnosys"]
        try:
            sign = parse(text)
        except UserError as error:
            refused[row["id"]] = str(error)
            continue
        canonical = write(sign)
        assert parse(canonical) == sign, row["id"]
        assert write(parse(canonical)) == canonical, row["id"]
        before, after = (
            Counter(name.removeprefix("ham") for name in hamnosys_tokens(each)) for each in (text, canonical)
        )
        assert (before - after).keys() <= BRACKETS_AND_BLANKS | ONCE, row["id"]
        assert (after - before).keys() <= BRACKETS_AND_BLANKS | BENDS, row["id"]
    assert len(refused) <= 30, refused
    assert all("symbol" in message and "expected" in message for message in refused.values())
