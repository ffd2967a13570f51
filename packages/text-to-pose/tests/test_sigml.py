import os
import time
import warnings
import zipfile
from pathlib import Path

import pytest

from pose_core import UserError
from pose_core.notices import InputWarning
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
from text_to_pose.hamnosys.sigml.elements import read_xml
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.hamnosys.sigml.writer import write_sigml
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry

SHAPE = '<handconfig handshape="fist"/>'
FIST = Handshape(BaseShape(Form.FIST))
DOWN = '<directedmotion direction="d"/>'
CHEST = Location(BodyPlace(BodySite.CHEST))


def sign_of(inner):
    return f"<sigml><hamgestural_sign><sign_manual>{inner}</sign_manual></hamgestural_sign></sigml>"


def read_one(xml):
    (sign,) = read_sigml(xml.encode(), "a.sigml")
    if isinstance(sign, BadSign):
        raise sign.error
    return sign


def segment(inner):
    (one,) = read_one(sign_of(inner)).segments
    return one


def action(inner):
    (one,) = segment(SHAPE + inner).actions
    return one


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
    sign = read_one(xml)
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
    assert read_one(write_sigml([sign])) == sign


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
def test_handshapes(attributes, expected):
    read = segment(f"<handconfig {attributes}/>")
    assert read.posture.handshape == expected
    assert read_one(write_sigml([Sign((read,))])) == Sign((read,))


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
def test_places(xml, expected):
    read = segment(SHAPE + xml)
    assert read.location == expected
    assert read_one(write_sigml([Sign((read,))])) == Sign((read,))
    assert action(f"<tgt_motion>{DOWN}{xml}</tgt_motion>") == Targeted(StraightMovement(Direction.D), expected)


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
def test_movements(xml, expected):
    read = segment(SHAPE + xml)
    assert read.actions == (expected,)
    assert read_one(write_sigml([Sign((read,))])) == Sign((read,))


def test_segments_and_symbols():
    two = f"<sign_manual>{SHAPE}</sign_manual>"
    sign = read_one(sign_of(two + two))
    assert sign == Sign((Segment(Posture(FIST)),) * 2)
    assert read_one(write_sigml([sign])) == sign
    symbols = """<sigml><hns_sign gloss="A &amp; B">
    <hamnosys_nonmanual><hnm_mouthpicture picture="a"/></hamnosys_nonmanual>
    <hamnosys_manual><hamfist/><hamextfingeru/><hampalml/></hamnosys_manual></hns_sign></sigml>"""
    sign = read_one(symbols)
    assert sign.segments == parse("hamfist hamextfingeru hampalml").segments
    assert (sign.gloss, sign.nonmanual) == ("A & B", (Nonmanual("hnm_mouthpicture", (("picture", "a"),)),))
    assert read_one(write_sigml([sign], symbols=True)) == sign


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<sigml>&b;</sigml>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<sigml>&a;</sigml>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<sigml>", "line 1: not well-formed XML"),
        (b"\x00\xff", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="klingon"?><sigml/>', "not well-formed XML"),
        (BOMB.encode(), "line 1: the file declares the entity 'a'"),
        (OUTSIDE.encode(), "line 1: the file declares the entity 'a'"),
        (b"<sigml/>", "<sigml> holds no sign"),
        (b"<svg/>", "no SiGML: the outermost element is <svg>"),
        (b"<sigml>" + b"<a>" * 5000, "line 1: more than 100 elements inside each other"),
    ],
)
def test_a_file_that_is_no_sigml_is_refused_in_one_line(data, message):
    begun = time.monotonic()
    with pytest.raises(UserError, match=f"a.sigml.*{message}") as caught:
        read_sigml(data, "a.sigml")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begun < 2


def test_a_huge_file_is_refused(monkeypatch):
    monkeypatch.setattr("text_to_pose.hamnosys.sigml.elements.LARGEST", 100)
    with pytest.raises(UserError, match="a.sigml: 0 MiB are more than SiGML has"):
        read_xml(b"<sigml>" + b" " * 100, "a.sigml")
    monkeypatch.undo()
    monkeypatch.setattr("text_to_pose.hamnosys.sigml.elements.MOST", 10)
    with pytest.raises(UserError, match="a.sigml, line 1: more than 10 elements; split the file"):
        read_xml(b"<sigml>" + b"<a/>" * 10, "a.sigml")


def test_a_message_is_short_whatever_the_file_has():
    tag = "a" * 2**16
    with pytest.raises(UserError, match="unknown element <aaa") as caught:
        read_one(sign_of(f"<{tag}/>"))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("<hand/>", "unknown element <hand>; expected a motion"),
        ('<handconfig handshape="paw"/>', "<handconfig> has handshape='paw': expected fist, "),
        ('<handconfig handshape="fist" nail="red"/>', "<handconfig> has an unknown attribute 'nail'"),
        ('<handconfig handshape="fist" thumbpos="out" mainbend="900"/>', "a joint bends by 0 to 4 quarters"),
        ('<handconfig handshape="fist" mainbend="soft"/>', "expected bent, round, "),
        ('<handconfig handshape="fist" specialfingers="6"/>', "expected digits from 1"),
        ('<handconfig handshape="fist" thumbbetween="2"/>', "thumbbetween for other than two fingers"),
        ('<handconfig handshape="fist" contactpair="2"/>', "contactpair='2': expected two digits"),
        ('<handconfig thumbpos="out"/>', "unknown attribute 'thumbpos'"),
        ('<handconfig extfidir="up"/>', "<handconfig> has extfidir='up': expected u, d, l"),
        ('<handconfig handshape="fist"/><handconfig handshape="flat"/>', "gives the handshape a second time"),
        ("<split_handconfig><handconfig/></split_handconfig>", "<split_handconfig> holds 1 elements; expected 2"),
        (
            "<split_handconfig><handconfig/><handconfig handshape='fist' successivefingers='towards_thumb'/>"
            "</split_handconfig>",
            "change one by one",
        ),
        ("<split_handconfig><a/><handconfig/></split_handconfig>", "<a> where <handconfig> is expected"),
        ('<handconfig handshape="fist" successivefingers="towards_pinky"/>', "where nothing changes"),
        ('<location_bodyarm location="toe"/>', "<location_bodyarm> has location='toe'"),
        ("<split_location><a/><location_bodyarm/></split_location>", "<a> where a location is expected"),
        ('<location_bodyarm><location_hand location="palm"/></location_bodyarm>', "without saying which contact"),
        ('<handconstellation><location_hand location="palm"/></handconstellation>', "other than two <location_hand>"),
        ("<handconstellation><handconstellation/></handconstellation>", "<handconstellation> holds another"),
        ('<directedmotion size="small"/>', "<directedmotion> lacks the attribute 'direction'"),
        ('<directedmotion direction="d" speed="fast"/>', "speed='fast': expected a number above 0"),
        ('<directedmotion direction="d" fast="yes"/>', "fast='yes': expected true, false"),
        ("<circularmotion/>", "lacks the attribute 'axis'"),
        ("<wristmotion/>", "lacks the attribute 'motion'"),
        ("<par_motion/>", "<par_motion> holds no motion"),
        (f"<split_motion>{DOWN}</split_motion>", "<split_motion> holds 1 elements; expected 2"),
        (f"<tgt_motion>{DOWN}{DOWN}</tgt_motion>", "more than one motion and one place"),
        (
            f'<tgt_motion fast="true"><par_motion>{DOWN}{DOWN}</par_motion></tgt_motion>',
            "its motion is made of several",
        ),
        ("<nonman_motion/>", "<nonman_motion> holds no"),
        ("<nomotion><a/></nomotion>", "<nomotion> holds 1 elements; expected 0"),
        (f"<sign_manual>{SHAPE}</sign_manual>{SHAPE}", "<handconfig> beside the parts of a <sign_manual>"),
    ],
)
def test_an_error_names_the_element_and_its_line(inner, message):
    with pytest.raises(UserError, match=f"a.sigml, line 3: .*{message}") as caught:
        read_one(sign_of(f"\n\n{inner}"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sign", "message"),
    [
        ("<hamgestural_sign/>", "the sign has no <sign_manual>"),
        ("<hamgestural_sign><a/></hamgestural_sign>", "unknown element <a>"),
        ("<hamgestural_sign><sign_nonmanual><a/></sign_nonmanual></hamgestural_sign>", "unknown element <a> in"),
        (
            '<hamgestural_sign><sign_nonmanual><head_tier a="1"/></sign_nonmanual></hamgestural_sign>',
            "<head_tier> has an unknown attribute 'a'",
        ),
        ('<hamgestural_sign><sign_manual lr_symm="true"/></hamgestural_sign>', "but not both_hands"),
        ("<hns_sign><a/></hns_sign>", "unknown element <a>; expected hamnosys_manual"),
        ("<hns_sign><hamnosys_manual><b/></hamnosys_manual></hns_sign>", "unknown element <b>; expected a HamNoSys"),
        ("<hns_sign><hamnosys_nonmanual><b/></hamnosys_nonmanual></hns_sign>", "unknown element <b>; expected hnm_"),
        (
            '<hns_sign><hamnosys_nonmanual><hnm_head b=""/></hamnosys_nonmanual></hns_sign>',
            "<hnm_head> has an unknown attribute 'b'",
        ),
        ("<hns_sign><hamnosys_manual><hammoved/></hamnosys_manual></hns_sign>", r"symbol 1 \(hammoved\)"),
        ("<hns_sign/>", "the text is empty"),
        ("<story/>", "unknown element <story>; expected hamgestural_sign or hns_sign"),
    ],
)
def test_a_bad_sign_does_not_spoil_the_others(sign, message):
    good = sign_of(SHAPE).removeprefix("<sigml>").removesuffix("</sigml>")
    first, bad, last = read_sigml(f"<sigml>{good}\n{sign}{good}</sigml>".encode(), "a.sigml")
    assert first == last == Sign((Segment(Posture(FIST)),))
    assert isinstance(bad, BadSign)
    with pytest.raises(UserError, match=f"a.sigml, line 2: .*{message}"):
        raise bad.error


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ('<handconfig extfidir="uuo" second_extfidir="r"/>', "extfidir='uuo' is taken for 'u'"),
        ('<handconfig extfidir="r" second_extfidir="uul"/>', "second_extfidir='uul' is taken for 'u'"),
        ('<directedmotion direction="u" second_direction="oi"/>', "second_direction='oi' says no direction"),
        (f"<rpt_motion>{DOWN}</rpt_motion>", "does not say how it repeats"),
        ("<location_hand/>", "<location_hand> names no place"),
        ('<location_bodyarm location="chest"/><location_bodyarm location="head"/>', "a second location"),
        ("<nomotion>text</nomotion>", "the text 'text' in <nomotion> is ignored"),
    ],
)
def test_what_is_guessed_or_left_out_is_said(inner, message):
    with pytest.warns(InputWarning, match=f"a.sigml, line 2: .*{message}"):
        read_one(sign_of(f"{SHAPE}\n{inner}"))


def test_directions_in_any_order_and_halfway():
    assert segment('<handconfig palmor="od"/>').posture.palm == Palm(Direction.DO)
    assert segment('<handconfig extfidir="uuo"/>').posture.direction == FingerDirection(Direction.U, Direction.UO)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("hamfist hamextfingeru hampalml hamlips hamdoublebent", "the mark hamdoublebent"),
        ("hamparbegin hamfist hamextfingeru hamplus hamnondominant hametc hamextfingeru hamparend", "any handshape"),
        ("hamfist hamextfingeru hammovex", ""),
        ("hamfist hamextfingeru hammoveX", "a slanting cross"),
        ("hamfist hamextfingeru hammoved hamhalt hamlargemod", "how much"),
        ("hamfist hamextfingeru hamtouch hammoved hamseqbegin hamtouch hampalm hamseqend", "touched with"),
    ],
)
def test_what_gestural_sigml_cannot_say_is_refused(names, message):
    if not message:
        with pytest.raises(UserError):
            parse(names)
        return
    sign = parse(names)
    with pytest.raises(UserError, match=f"gestural SiGML has no element or attribute for .*{message}"):
        write_sigml([sign])
    assert read_one(write_sigml([sign], symbols=True)) == sign


def test_a_gloss_may_hold_anything_but_control_characters():
    sign = Sign((Segment(Posture(FIST)),), 'a "<&>" \t\n é 你')
    assert read_one(write_sigml([sign])) == sign
    with pytest.raises(UserError, match="control character"):
        write_sigml([Sign(sign.segments, "\x00")])


def test_real_signs_parse_and_come_back():
    beside = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("POSE_DATA", beside)) / "sigml" / "ngt.zip"
    if not path.is_file():
        pytest.skip("the signs in SiGML are not here; POSE_DATA names their folder")
    with zipfile.ZipFile(path) as archive, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        files = [name for name in archive.namelist() if name.endswith(".sigml")]
        signs = [sign for name in files for sign in read_sigml(archive.read(name), name)]
    assert len(signs) == 2000
    assert not [sign.error for sign in signs if isinstance(sign, BadSign)]
    assert len(said) <= 10
    assert read_sigml(write_sigml(signs).encode(), "all.sigml") == signs
