import csv
import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from text_to_pose.hamnosys.directions import Direction, corner, corner_parts
from text_to_pose.hamnosys.handshapes import (
    BaseShape,
    Bend,
    Digit,
    FingerBend,
    FingerContact,
    FingerPart,
    Form,
    Handshape,
    JointBend,
    Thumb,
)
from text_to_pose.hamnosys.movements import (
    Alternating,
    BodyAction,
    Brushing,
    CircularMovement,
    Growth,
    Manner,
    NoMovement,
    Parallel,
    Repeated,
    Repetition,
    RepetitionKind,
    Replace,
    Sequence,
    Size,
    Split,
    StraightMovement,
    Targeted,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.places import (
    BodyPlace,
    BodySite,
    Constellation,
    Contact,
    ContactKind,
    HandPart,
    HandPlace,
    Location,
    Side,
    Surface,
)
from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry
from text_to_pose.hamnosys.writer import symbol_names, write
from text_to_pose.text.hamnosys import hamnosys_text, hamnosys_tokens, hamnosys_vocabulary

START = "fist extfingeru palml"
D, U, R = (StraightMovement(direction) for direction in (Direction.D, Direction.U, Direction.R))


def names(short):
    return " ".join(f"ham{name}" for name in short.split())


def segment(short):
    (one,) = parse(names(short)).segments
    return one


def action(short):
    (one,) = segment(f"{START} {short}").actions
    return one


def place(short):
    return segment(f"{START} {short}").location


def shape(short):
    return segment(f"{short} extfingeru").posture.handshape


@pytest.fixture(scope="module")
def signs():
    """Rows of real signs: id, hamnosys."""
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("POSE_DATA", beside)) / "hamnosys" / "hamnosys.csv"
    if not path.is_file():
        pytest.skip("the list of signs is not here; POSE_DATA names its folder")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_whole_sign():
    start = "symmlr flathand thumboutmod extfingeruo extfingerol palml chest lrat close"
    assert parse(names(f"{start} moved smallmod touch repeatfromstart")) == Sign(
        (
            Segment(
                Posture(Handshape(BaseShape(Form.FLAT, Thumb.OUT)), FingerDirection(Direction.UOL), Palm(Direction.L)),
                Location(BodyPlace(BodySite.CHEST, Side.RIGHT), contact=Contact(ContactKind.CLOSE)),
                (
                    Repeated(
                        Targeted(
                            StraightMovement(Direction.D, Size.SMALL),
                            Constellation(contact=Contact(ContactKind.TOUCH)),
                        ),
                        Repetition(RepetitionKind.FROM_START),
                    ),
                ),
                Symmetry(mirrored=True),
            ),
        )
    )


def test_unicode_and_names_say_the_same():
    short = names(START)
    assert (
        parse(hamnosys_text(short.split())) == parse(short) == parse(f" {short}\n") == parse(short.replace(" ", ", "))
    )


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("finger2 fingerbendmod", Handshape(BaseShape(Form.FINGER2, None, Bend.ROUND))),
        ("cee12 fingerhookmod thumbopenmod", Handshape(BaseShape(Form.CEE12, Thumb.OPPOSED, Bend.HOOKED))),
        ("finger2 pinky", Handshape(BaseShape(Form.FINGER2), fingers=(Digit.PINKY,))),
        ("flathand fingerbendmod thumb", Handshape(BaseShape(Form.FLAT, None, Bend.ROUND), exempt=(Digit.THUMB,))),
        (
            "flathand between finger2345 thumboutmod",
            Handshape(BaseShape(Form.FLAT), BaseShape(Form.FINGER2345, Thumb.OUT)),
        ),
        (
            "finger2345 pinky fingerhookmod thumb fingerbendmod",
            Handshape(
                BaseShape(Form.FINGER2345),
                bends=(FingerBend(Digit.THUMB, Bend.ROUND), FingerBend(Digit.PINKY, Bend.HOOKED)),
            ),
        ),
        (
            "finger23 indexfinger fingerpad middlefinger",
            Handshape(BaseShape(Form.FINGER23), contacts=(FingerContact(Digit.INDEX, FingerPart.PAD, Digit.MIDDLE),)),
        ),
        (
            "pinch12 middlefinger largemod",
            Handshape(BaseShape(Form.PINCH12), None, None, (), (), *[(Digit.MIDDLE,)] * 2),
        ),
        (
            "fist indexfinger between middlefinger",
            Handshape(BaseShape(Form.FIST), thumb_between=(Digit.INDEX, Digit.MIDDLE)),
        ),
        ("fist between", Handshape(BaseShape(Form.FIST), thumb_enclosed=True)),
        ("fist thumbacrossmod etc", Handshape(BaseShape(Form.FIST, Thumb.ACROSS), approximate=True)),
    ],
)
def test_handshapes(short, expected):
    assert shape(short) == expected


def test_orientation_of_both_hands():
    posture = segment(
        "parbegin fist extfingerol palmd plus nondominant etc extfingeror between extfingerr palmd parend"
    ).posture
    assert posture == Posture(
        Pair(Handshape(BaseShape(Form.FIST)), Handshape(None)),
        Pair(FingerDirection(Direction.OL), FingerDirection(Direction.OR, Direction.R)),
        Pair(Palm(Direction.D), Palm(Direction.D)),
    )
    separate = segment(
        "parbegin fist plus flathand parend extfingero orirelative parbegin palml plus palmr parend"
    ).posture
    assert isinstance(separate.handshape, Pair)
    assert separate.direction == FingerDirection(Direction.O, relative=True)
    assert separate.palm == Pair(Palm(Direction.L), Palm(Direction.R))


CHEST, PALM = BodyPlace(BodySite.CHEST), HandPlace(HandPart.PALM)
TOUCH = Contact(ContactKind.TOUCH)


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("lrbeside chest", Location(BodyPlace(BodySite.CHEST, Side.LEFT_BESIDE))),
        ("lowerarm handback touch", Location(BodyPlace(BodySite.LOWER_ARM, surface=Surface.DORSAL), contact=TOUCH)),
        ("chest between stomach lrat", Location(CHEST, BodyPlace(BodySite.STOMACH, Side.RIGHT))),
        (
            "head behind armextended",
            Location(BodyPlace(BodySite.HEAD), None, behind=True, contact=Contact(ContactKind.ARM_EXTENDED)),
        ),
        (
            "chest seqbegin touch fingertip thumb indexfinger seqend",
            Location(
                CHEST,
                contact=Contact(
                    ContactKind.TOUCH, Location(HandPlace(None, FingerPart.TIP, (Digit.THUMB, Digit.INDEX)))
                ),
            ),
        ),
        (
            "indexfinger fingermidjoint palm lrat",
            Location(HandPlace(None, FingerPart.MID_JOINT, (Digit.INDEX,), Side.RIGHT, Surface.PALMAR)),
        ),
        (
            "parbegin chest touch plus lrat head parend",
            Pair(Location(CHEST, contact=TOUCH), Location(BodyPlace(BodySite.HEAD, Side.LEFT))),
        ),
        ("touch chest", Constellation(contact=TOUCH, location=Location(CHEST))),
        (
            "parbegin palm plus handback parend touch chest",
            Constellation(Pair(Location(PALM), Location(HandPlace(HandPart.BACK))), TOUCH, location=Location(CHEST)),
        ),
        ("palm touch chest", Constellation(Pair(Location(PALM), Location(PALM)), TOUCH, location=Location(CHEST))),
        ("palm touch", Location(PALM, contact=TOUCH)),
    ],
)
def test_places(short, expected):
    assert place(short) == expected


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("parbegin moved moveu parend", Parallel((D, U))),
        ("seqbegin moved moveu seqend", Sequence((D, U))),
        ("fusionbegin seqbegin moved moveu seqend fusionend", Sequence((D, U), fused=True)),
        ("parbegin moved plus nomotion parend", Split(Pair(D, NoMovement()))),
        ("parbegin moved moveu plus mover parend", Split(Pair(Parallel((D, U)), R))),
        ("seqbegin parbegin moved parend seqend", D),
        ("moved chest", Targeted(D, Location(CHEST))),
        ("moved seqbegin brushing chest touch seqend", Brushing(D, Location(CHEST, contact=TOUCH))),
        ("seqbegin elbow moved seqend", BodyAction(BodyPlace(BodySite.ELBOW), (D,))),
        ("moved alternatingmotion", Alternating(D)),
        (
            "moved seqbegin repeatfromstart mover seqend",
            Repeated(D, Repetition(RepetitionKind.FROM_START, shift=R)),
        ),
        (
            "moved repeatcontinue repeatreverse decreasing",
            Repeated(D, Repetition(RepetitionKind.CONTINUE, RepetitionKind.REVERSE, growth=Growth.DECREASING)),
        ),
        (
            "moved halt fast largemod",
            StraightMovement(Direction.D, manner=Manner(fast=True, halt=True, degree=Size.LARGE)),
        ),
        (
            "circleo smallmod clocku clockfull clockd",
            CircularMovement(Direction.O, Size.SMALL, start=Direction.U, turns=1, end=Direction.D),
        ),
        ("replace palmd fast", Replace(Posture(palm=Palm(Direction.D)), manner=Manner(fast=True))),
        (
            "seqbegin replace fist seqend indexfinger touch",
            Targeted(
                Replace(Posture(Handshape(BaseShape(Form.FIST)))),
                Location(HandPlace(fingers=(Digit.INDEX,)), contact=TOUCH),
            ),
        ),
    ],
)
def test_movements(short, expected):
    assert action(short) == expected


def test_segments_and_symmetry():
    first, second = parse(
        names(f"nondominant {START} plus symmpar largemod fingerstraightmod alternatingmotion {START}")
    ).segments
    assert first.nondominant
    assert second.symmetry == Symmetry(mirrored=False, up_down=True, out_in=True, alternating=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        ("hello", r"'h' \(U\+0068\) at character 1 is no HamNoSys symbol"),
        ("你好", r"'你' \(U\+4F60\) at character 1"),
        (hamnosys_text(["hamfist"]) + "\ue0ff", r"'\\ue0ff' \(U\+E0FF\) at character 2"),
        ("hamfist hamfoot", "symbol 2, 'hamfoot' at character 9, is no name of a HamNoSys symbol"),
        (names("moved"), r"symbol 1 \(hammoved\) at character 1: expected a handshape"),
        (
            names(f"{START} parbegin moved"),
            r"ends after symbol 5 \(hammoved\): expected hamparend that closes the bracket",
        ),
        (names(f"{START} seqbegin moved parend"), r"symbol 6 \(hamparend\) at character \d+: expected hamseqend"),
        (
            names(f"{START} moved thumboutmod"),
            r"symbol 5 \(hamthumboutmod\).*expected a movement, its target, a repetition",
        ),
        (names("fist extfingeru extfingerd palml"), r"symbol 3 \(hamextfingerd\).*no direction between them"),
        (names(f"{START} repeatfromstart"), r"symbol 4 .*expected a movement before its repetition"),
        (names(f"{START} replace moved"), "expected the new handshape or orientation behind hamreplace"),
        (names(f"{START} lrat chest lrat"), "expected no second mark of a side"),
        (names(f"{START} lrat moved"), "expected a place on the body, the arm or the hand"),
        (names(f"{START} chest seqbegin touch thumb moved seqend"), r"\(hammoved\).*expected hamseqend"),
        (names(f"{START} parbegin chest parend"), "expected hamplus and the non-dominant hand's place"),
        (names("parbegin fist parend"), "expected hamplus and the non-dominant hand's part"),
        (
            names("parbegin fist plus nondominant palml parend"),
            "expected hametc or a handshape of the non-dominant hand",
        ),
        (names(f"{START} parbegin moved plus parend"), "expected the non-dominant hand's movement"),
        (names(f"{START} seqbegin seqend"), "expected a movement"),
        (names(f"{START} seqbegin elbow seqend"), "expected the movement of that part of the body"),
        (names(f"{START} moved seqbegin repeatfromstart fast seqend"), "expected the direction in which"),
        (names("finger2 pinky pinky extfingeru"), r"symbol 2 \(hampinky\).*expected each finger once"),
        (names(f"{START} moved {'repeatfromstart ' * 500}"), "12 targets and repetitions stand behind one already"),
        (names(f"{START} moved {'touch ' * 500}"), "12 targets and repetitions stand behind one already"),
        (names(f"{START} altbegin moved"), r"symbol 4 \(hamaltbegin\)"),
        (
            names(f"{START} {START}"),
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
        names("fist " + "parbegin " * 4000),
        names("fist " + "seqbegin " * 45),
    ],
)
def test_long_and_deep_strings_are_refused_at_once(text):
    begun = time.monotonic()
    with pytest.raises(UserError) as caught:
        parse(text)
    assert len(str(caught.value)) < 200
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("short", "canonical"),
    [
        ("cee12 fingerhookmod thumbopenmod", "cee12 thumbopenmod fingerhookmod"),
        (f"{START} indexfinger fingertip touch", f"{START} fingertip indexfinger touch"),
        (f"{START} moved fast arcu smallmod", f"{START} moved arcu smallmod fast"),
        (f"{START} parbegin moved parend", f"{START} moved"),
        (
            f"{START} parbegin moved moveu plus mover parend",
            f"{START} parbegin parbegin moved moveu parend plus mover parend",
        ),
        (f"{START} space", START),
        (
            "finger2345 indexfinger middlefinger fingerhookmod",
            "finger2345 indexfinger fingerhookmod middlefinger fingerhookmod",
        ),
        (
            f"{START} parbegin palm plus palm parend touch chest",
            f"{START} palm touch chest",
        ),
        (
            "parbegin fist plus flathand parend parbegin extfingeru plus extfingerd parend",
            "parbegin fist extfingeru plus flathand extfingerd parend",
        ),
    ],
)
def test_the_canonical_form(short, canonical):
    sign = parse(names(short))
    assert " ".join(symbol_names(sign)) == names(canonical)
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
        (Segment(Posture(palm=Palm(Direction.L)), Pair(None, Location(CHEST))), "one hand in brackets"),
        (Segment(Posture(palm=Palm(Direction.L)), actions=(StraightMovement(Direction.UIR),)), "movement to 'uir'"),
        (Segment(Posture(palm=Palm(Direction.L)), actions=(NoMovement(Manner(speed=0.5)),)), "the speed 0.5"),
        (
            Segment(Posture(palm=Palm(Direction.L)), actions=(Repeated(D, Repetition(RepetitionKind.TO_AND_FRO)),)),
            "tofroto",
        ),
    ],
)
def test_what_has_no_symbol_is_refused(changed, message):
    with pytest.raises(UserError, match=f"HamNoSys has no symbol for .*{message}"):
        write(Sign((changed,)))


def test_corners_of_directions():
    for direction in Direction:
        assert sum(step * step for step in direction.vector) == pytest.approx(1)
        if len(direction.value) == 3:
            assert corner(*corner_parts(direction)) is direction
    assert corner(Direction.UI, Direction.IL) is Direction.UIL
    assert corner(Direction.U, Direction.D) is corner(Direction.UO, Direction.DO) is None
    assert corner(Direction.UO, Direction.UO) is None
    with pytest.raises(ValueError, match="symbol of its own"):
        corner_parts(Direction.U)


@given(st.lists(st.tuples(st.integers(0, 25), st.sampled_from(hamnosys_vocabulary())), max_size=4))
def test_any_string_is_refused_in_one_line_or_comes_back(insertions):
    symbols = names(
        "symmlr flathand thumboutmod extfingeruo palml parbegin palm plus fingertip indexfinger parend touch parbegin "
        "moved smallmod arcu replace finger2 pinky parend chest seqbegin touch thumb seqend repeatfromstart"
    ).split()
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
_SHAPE_OF_A_STRING = {"parbegin", "parend", "seqbegin", "seqend", "fusionbegin", "fusionend", "plus", "space"}
_BENDS = {bend.value for bend in Bend}
_ONCE = {each.value for kind in (HandPart, FingerPart, Digit) for each in kind}


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
        assert (before - after).keys() <= _SHAPE_OF_A_STRING | _ONCE, row["id"]
        assert (after - before).keys() <= _SHAPE_OF_A_STRING | _BENDS, row["id"]
    assert len(refused) <= 30, refused
    assert all("symbol" in message and "expected" in message for message in refused.values())
