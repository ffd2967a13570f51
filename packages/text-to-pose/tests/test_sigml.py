"""Trees of SiGML, gestural and of symbols, and SiGML of trees."""

import warnings
import zipfile

import pytest

from pose_core import UserError
from text_to_pose.hamnosys.directions import Direction
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
    Arc,
    BodyAction,
    Brushing,
    CircularMovement,
    Growth,
    Manner,
    Parallel,
    Repeated,
    Repetition,
    RepetitionKind,
    Replace,
    Size,
    StraightMovement,
    Targeted,
    Zigzag,
    ZigzagStyle,
)
from text_to_pose.hamnosys.nonmanual import Nonmanual
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
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.hamnosys.sigml.writer import write_sigml
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry

SHAPE = '<handconfig handshape="fist"/>'
DOWN = '<directedmotion direction="d"/>'
FIST = Handshape(BaseShape(Form.FIST))
CHEST = Location(BodyPlace(BodySite.CHEST))


def check_that_it_comes_back(sign, **options):
    assert read_sigml(write_sigml([sign], **options).encode(), "a.sigml") == [sign]


def test_a_whole_sign():
    xml = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE sigml SYSTEM "http://example.org/sigml.dtd">
<sigml>
  <hamgestural_sign gloss="NIEMAND">
    <sign_nonmanual>
      <mouthing_tier>
        <mouth_picture picture="nimA" speed="0.8"/>
      </mouthing_tier>
    </sign_nonmanual>
    <sign_manual both_hands="true" lr_symm="true" outofphase="true">
      <handconfig handshape="flat" thumbpos="out"/>
      <handconfig extfidir="uol" palmor="l" second_palmor="d"/>
      <location_bodyarm contact="touch" location="chest" side="right_at">
        <location_hand digits="12" location="tip"/>
      </location_bodyarm>
      <par_motion>
        <directedmotion curve="u" curve_size="small" direction="d" fast="true"/>
        <tgt_motion slow="true">
          <changeposture/>
          <handconfig handshape="fist" successivefingers="towards_pinky"/>
        </tgt_motion>
      </par_motion>
    </sign_manual>
  </hamgestural_sign>
</sigml>
"""
    (sign,) = read_sigml(xml.encode(), "a.sigml")
    assert sign == Sign(
        (
            Segment(
                Posture(
                    Handshape(BaseShape(Form.FLAT, Thumb.OUT)),
                    FingerDirection(Direction.UOL),
                    Palm(Direction.L, Direction.D),
                ),
                Location(
                    BodyPlace(BodySite.CHEST, Side.RIGHT),
                    contact=Contact(
                        ContactKind.TOUCH, Location(HandPlace(None, FingerPart.TIP, (Digit.THUMB, Digit.INDEX)))
                    ),
                ),
                (
                    Parallel(
                        (
                            StraightMovement(Direction.D, arc=Arc(Direction.U, Size.SMALL), manner=Manner(fast=True)),
                            Replace(Posture(FIST), Growth.INCREASING, Manner(slow=True)),
                        )
                    ),
                ),
                Symmetry(mirrored=True, alternating=True),
            ),
        ),
        "NIEMAND",
        (Nonmanual("mouthing_tier", (), (Nonmanual("mouth_picture", (("picture", "nimA"), ("speed", "0.8"))),)),),
    )
    check_that_it_comes_back(sign)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('handshape="cee12open" ceeopening="slack"', Handshape(BaseShape(Form.CEE12_OPEN, Thumb.OPPOSED))),
        ('handshape="flat" mainbend="dblbent"', Handshape(BaseShape(Form.FLAT, None, Bend.DOUBLE_BENT))),
        ('handshape="flat" mainbend="410"', Handshape(BaseShape(Form.FLAT, None, JointBend((4.0, 1.0, 0.0))))),
        ('handshape="flat" mainbend="0.50.50.5"', Handshape(BaseShape(Form.FLAT, None, JointBend((0.5, 0.5, 0.5))))),
        (
            'handshape="flat" second_thumbpos="out" second_mainbend="round"',
            Handshape(BaseShape(Form.FLAT), BaseShape(Form.FLAT, Thumb.OUT, Bend.ROUND)),
        ),
        (
            'handshape="finger2345" bend5="dblhooked" bend2="bent"',
            Handshape(
                BaseShape(Form.FINGER2345),
                bends=(FingerBend(Digit.INDEX, Bend.BENT), FingerBend(Digit.PINKY, Bend.DOUBLE_HOOKED)),
            ),
        ),
        (
            'handshape="finger23" contactpair="23" contactkind="nail"',
            Handshape(BaseShape(Form.FINGER23), contacts=(FingerContact(Digit.INDEX, FingerPart.NAIL, Digit.MIDDLE),)),
        ),
        (
            'handshape="finger2" specialfingers="5" exempteddigits="1" approx_shape="true" thumbcontact="pad"',
            Handshape(
                BaseShape(Form.FINGER2),
                thumb_contact=FingerPart.PAD,
                fingers=(Digit.PINKY,),
                exempt=(Digit.THUMB,),
                approximate=True,
            ),
        ),
        (
            'handshape="fist" thumbbetween="23" opposedfinger="4"',
            Handshape(BaseShape(Form.FIST), opposed=(Digit.RING,), thumb_between=(Digit.INDEX, Digit.MIDDLE)),
        ),
        ('handshape="fist" thumbenclosed="true"', Handshape(BaseShape(Form.FIST), thumb_enclosed=True)),
    ],
)
def test_handshapes(manual, attributes, expected):
    sign = manual(f"<handconfig {attributes}/>")
    assert sign == Sign((Segment(Posture(expected)),))
    check_that_it_comes_back(sign)


TARGETS = [
    (
        '<location_bodyarm contact="armextended"/>',
        Location(BodyPlace(BodySite.NEUTRAL_SPACE), contact=Contact(ContactKind.ARM_EXTENDED)),
    ),
    (
        '<location_bodyarm behind="true" location="lowerarm" second_location="elbow" side="dorsal"'
        ' approx_location="true"/>',
        Location(
            BodyPlace(BodySite.LOWER_ARM, surface=Surface.DORSAL, approximate=True),
            BodyPlace(BodySite.ELBOW),
            behind=True,
        ),
    ),
    (
        '<location_bodyarm location="shoulders" second_side="left_at"/>',
        Location(BodyPlace(BodySite.SHOULDERS), BodyPlace(BodySite.SHOULDERS, Side.LEFT)),
    ),
    (
        '<location_hand digits="23" location="midjoint" side="palmar"/>',
        Location(HandPlace(None, FingerPart.MID_JOINT, (Digit.INDEX, Digit.MIDDLE), surface=Surface.PALMAR)),
    ),
    (
        '<location_hand digits="2" location="handback"/>',
        Location(HandPlace(fingers=(Digit.INDEX,), surface=Surface.DORSAL)),
    ),
    ('<location_hand location="elbowinside"/>', Location(BodyPlace(BodySite.ELBOW_INSIDE))),
    (
        '<split_location><location_bodyarm location="chest"/><location_bodyarm location="chest"/></split_location>',
        Pair(CHEST, CHEST),
    ),
    ('<split_location><location_bodyarm location="chest"/></split_location>', Pair(CHEST, None)),
    (
        '<handconstellation contact="touch"><location_hand location="palm"/><location_hand location="palm"/>'
        '<location_bodyarm location="chest"/></handconstellation>',
        Constellation(
            Pair(Location(HandPlace(HandPart.PALM)), Location(HandPlace(HandPart.PALM))),
            Contact(ContactKind.TOUCH),
            location=CHEST,
        ),
    ),
    ('<handconstellation contact="close"/>', Constellation(contact=Contact(ContactKind.CLOSE))),
]


@pytest.mark.parametrize(("xml", "expected"), TARGETS)
def test_places(manual, xml, expected):
    sign = manual(SHAPE + xml)
    assert sign == Sign((Segment(Posture(FIST), expected),))
    check_that_it_comes_back(sign)
    (segment,) = manual(f"{SHAPE}<tgt_motion>{DOWN}{xml}</tgt_motion>").segments
    assert segment.actions == (Targeted(StraightMovement(Direction.D), expected),)


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (
            '<directedmotion direction="u" second_direction="r" size="big" zigzag_style="wavy" zigzag_size="small"'
            ' incrdecr="increasing" speed="1.5"/>',
            StraightMovement(
                Direction.U,
                Size.LARGE,
                Direction.R,
                zigzag=Zigzag(ZigzagStyle.WAVY, Size.SMALL),
                growth=Growth.INCREASING,
                manner=Manner(speed=1.5),
            ),
        ),
        (
            '<circularmotion axis="uir" start="dl" clockplus="true" second_clockplus="true" end="u"/>',
            CircularMovement(Direction.UIR, start=Direction.DL, turns=2, end=Direction.U),
        ),
        (
            '<circularmotion axis="o"><location_hand location="palm"/></circularmotion>',
            Brushing(CircularMovement(Direction.O), Location(HandPlace(HandPart.PALM))),
        ),
        (
            f'<rpt_motion repetition="fromstart" repetition_baseshift="r" baseshift_size="small">{DOWN}</rpt_motion>',
            Repeated(
                StraightMovement(Direction.D),
                Repetition(RepetitionKind.FROM_START, shift=StraightMovement(Direction.R, Size.SMALL)),
            ),
        ),
        (
            f'<rpt_motion repetition="tofroto" second_repetition="reverse">{DOWN}</rpt_motion>',
            Repeated(StraightMovement(Direction.D), Repetition(RepetitionKind.TO_AND_FRO, RepetitionKind.REVERSE)),
        ),
        ('<directedmotion direction="d" alternating="true"/>', Alternating(StraightMovement(Direction.D))),
        (f"<par_motion>{DOWN}</par_motion>", StraightMovement(Direction.D)),
        (
            f'<nonman_motion><handconfig bodypart="elbow" side="left_at"/>{DOWN}</nonman_motion>',
            BodyAction(BodyPlace(BodySite.ELBOW, Side.LEFT), (StraightMovement(Direction.D),)),
        ),
    ],
)
def test_movements(manual, xml, expected):
    sign = manual(SHAPE + xml)
    assert sign == Sign((Segment(Posture(FIST), actions=(expected,)),))
    check_that_it_comes_back(sign)


def test_segments_and_symbols(manual):
    sign = manual(2 * f"<sign_manual>{SHAPE}</sign_manual>")
    assert sign == Sign((Segment(Posture(FIST)),) * 2)
    check_that_it_comes_back(sign)
    symbols = """<sigml><hns_sign gloss="A &amp; B">
    <hamnosys_nonmanual><hnm_mouthpicture picture="a"/></hamnosys_nonmanual>
    <hamnosys_manual><hamfist/><hamextfingeru/><hampalml/></hamnosys_manual></hns_sign></sigml>"""
    (sign,) = read_sigml(symbols.encode(), "a.sigml")
    assert sign.segments == parse("hamfist hamextfingeru hampalml").segments
    assert (sign.gloss, sign.nonmanual) == ("A & B", (Nonmanual("hnm_mouthpicture", (("picture", "a"),)),))
    check_that_it_comes_back(sign, symbols=True)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('palmor="od"', Posture(palm=Palm(Direction.DO))),
        ('extfidir="uuo"', Posture(direction=FingerDirection(Direction.U, Direction.UO))),
    ],
)
def test_directions_in_any_order_and_halfway(manual, attribute, expected):
    assert manual(f"<handconfig {attribute}/>") == Sign((Segment(expected),))


def test_a_gloss_may_hold_anything_but_control_characters():
    sign = Sign((Segment(Posture(FIST)),), 'a "<&>" \t\n é 你')
    check_that_it_comes_back(sign)
    with pytest.raises(UserError, match="control character"):
        write_sigml([Sign(sign.segments, "\x00")])


def test_real_signs_parse_and_come_back(data_file):
    with zipfile.ZipFile(data_file("sigml/ngt.zip")) as archive, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        files = [name for name in archive.namelist() if name.endswith(".sigml")]
        signs = [sign for name in files for sign in read_sigml(archive.read(name), name)]
    assert len(signs) == 2000
    assert not [sign.error for sign in signs if isinstance(sign, BadSign)]
    assert len(said) <= 10
    assert read_sigml(write_sigml(signs).encode(), "all.sigml") == signs
