"""Trees of HamNoSys strings."""

import pytest

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
from text_to_pose.text.hamnosys import hamnosys_text

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
