"""SiGML that is none, or not all of it: the element and its line are named, and what is left out is said."""

import time

import pytest

from pose_core import UserError
from pose_core.notices import InputWarning
from text_to_pose.hamnosys.handshapes import BaseShape, Form, Handshape
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.postures import Posture
from text_to_pose.hamnosys.sigml.elements import read_xml
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.hamnosys.sigml.writer import write_sigml
from text_to_pose.hamnosys.tree import Segment, Sign

SHAPE = '<handconfig handshape="fist"/>'
DOWN = '<directedmotion direction="d"/>'
FIST = Sign((Segment(Posture(Handshape(BaseShape(Form.FIST)))),))
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


def test_a_message_is_short_whatever_the_file_has(manual):
    tag = "a" * 2**16
    with pytest.raises(UserError, match="unknown element <aaa") as caught:
        manual(f"<{tag}/>")
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
def test_an_error_names_the_element_and_its_line(manual, inner, message):
    with pytest.raises(UserError, match=f"a.sigml, line 3: .*{message}") as caught:
        manual(f"\n\n{inner}")
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
    good = f"<hamgestural_sign><sign_manual>{SHAPE}</sign_manual></hamgestural_sign>"
    first, bad, last = read_sigml(f"<sigml>{good}\n{sign}{good}</sigml>".encode(), "a.sigml")
    assert first == last == FIST
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
def test_what_is_guessed_or_left_out_is_said(manual, inner, message):
    with pytest.warns(InputWarning, match=f"a.sigml, line 2: .*{message}"):
        manual(f"{SHAPE}\n{inner}")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("hamfist hamextfingeru hampalml hamlips hamdoublebent", "the mark hamdoublebent"),
        ("hamparbegin hamfist hamextfingeru hamplus hamnondominant hametc hamextfingeru hamparend", "any handshape"),
        ("hamfist hamextfingeru hammoveX", "a slanting cross"),
        ("hamfist hamextfingeru hammoved hamhalt hamlargemod", "how much"),
        ("hamfist hamextfingeru hamtouch hammoved hamseqbegin hamtouch hampalm hamseqend", "touched with"),
    ],
)
def test_what_gestural_sigml_cannot_say_is_refused(names, message):
    sign = parse(names)
    with pytest.raises(UserError, match=f"gestural SiGML has no element or attribute for .*{message}"):
        write_sigml([sign])
    assert read_sigml(write_sigml([sign], symbols=True).encode(), "a.sigml") == [sign]
