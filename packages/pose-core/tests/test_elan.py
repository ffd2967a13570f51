"""ELAN's files: times, tiers, and what is wrong with them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.annotations import Media, read_annotations, select_tiers
from pose_core.testing import eaf_text

# Two aligned glosses, the first in three parts of which the inner times are not set, and tiers that refer to them.
DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T12:00:00+01:00" FORMAT="2.8" VERSION="2.8">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
<TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/>
<TIME_SLOT TIME_SLOT_ID="ts2"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/>
<TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4000"/>
<TIME_SLOT TIME_SLOT_ID="ts5" TIME_VALUE="5000"/>
<TIME_SLOT TIME_SLOT_ID="ts6"/>
</TIME_ORDER>
<TIER TIER_ID="Gloss" LINGUISTIC_TYPE_REF="gloss" PARTICIPANT=" Ana ">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts4" TIME_SLOT_REF2="ts5">
<ANNOTATION_VALUE> TREE </ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>HOUSE</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="Parts" LINGUISTIC_TYPE_REF="parts" PARENT_REF="Gloss">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="p1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>a</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="p2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
<ANNOTATION_VALUE>b</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="p3" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>c</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="p4" TIME_SLOT_REF1="ts4" TIME_SLOT_REF2="ts6">
<ANNOTATION_VALUE>d</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="Übersetzung 1" LINGUISTIC_TYPE_REF="translation" PARENT_REF="Parts" PARTICIPANT="Ana">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="t1" ANNOTATION_REF="p2">
<ANNOTATION_VALUE>a "house",
&lt;red&gt; &amp; old</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="t2" ANNOTATION_REF="nowhere">
<ANNOTATION_VALUE>lost</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="t3" ANNOTATION_REF="t4"><ANNOTATION_VALUE/></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="t4" ANNOTATION_REF="t3"><ANNOTATION_VALUE/></REF_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="Words" LINGUISTIC_TYPE_REF="words" PARENT_REF="Gloss">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="w1" ANNOTATION_REF="a2"><ANNOTATION_VALUE>x</ANNOTATION_VALUE>
</REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="w2" ANNOTATION_REF="a2" PREVIOUS_ANNOTATION="w1">
<ANNOTATION_VALUE>y</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
</TIER>
<TIER TIER_ID="Empty" LINGUISTIC_TYPE_REF="gloss"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="gloss"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="parts" CONSTRAINTS="Time_Subdivision"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="translation" CONSTRAINTS="Symbolic_Association"/>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="words" CONSTRAINTS="Symbolic_Subdivision"/>
</ANNOTATION_DOCUMENT>
"""


@pytest.fixture
def eaf(tmp_path):
    path = tmp_path / "session.eaf"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


def tier(path, name):
    return select_tiers(read_annotations(path), [name], path)[0]


def values(tier):
    return [(segment.start, segment.end, segment.text) for segment in tier.segments]


def refused(path, content):
    """The error message about a file of this content, without its path."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        read_annotations(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_annotations_are_in_the_order_of_their_times(eaf):
    gloss = tier(eaf, "Gloss")
    assert values(gloss) == [(1.0, 4.0, "HOUSE"), (4.0, 5.0, "TREE")]
    assert [segment.person for segment in gloss.segments] == ["Ana", "Ana"]
    assert [segment.line for segment in gloss.segments] == [15, 13]
    assert not gloss.notices


def test_slots_without_time_divide_what_lies_between_their_neighbours(eaf):
    parts = tier(eaf, "Parts")
    assert values(parts) == [(1.0, 2.0, "a"), (2.0, 3.0, "b"), (3.0, 4.0, "c")]
    assert parts.notices == (
        "1 annotation of tier 'Parts' without a time left out, first in line 25",
        "3 annotations of tier 'Parts' without a time slot of their own: times interpolated, as ELAN shows them",
    )


def test_references_take_the_times_of_what_they_refer_to(eaf):
    translation = tier(eaf, "Übersetzung 1")
    assert values(translation) == [(2.0, 3.0, 'a "house",\n<red> & old')]
    assert translation.parent == "Parts"
    assert "3 annotations of tier 'Übersetzung 1' without a time" in translation.notices[0]
    words = tier(eaf, "Words")
    assert values(words) == [(4.0, 5.0, "x"), (4.0, 5.0, "y")]
    assert "each part is cut with all of its parent's time" in words.notices[0]


def test_a_tier_is_asked_for(eaf):
    annotations = read_annotations(eaf)
    with pytest.raises(
        UserError, match=r"which tier\? Name one with --tier: 'Parts' \(3\), 'Gloss' \(2\), 'Words' \(2\)"
    ):
        select_tiers(annotations, [], eaf)
    with pytest.raises(UserError, match=r"there is no tier 'Glos'; meant is perhaps 'Gloss': 'Parts' \(3\)"):
        select_tiers(annotations, ["Glos"], eaf)
    assert [each.name for each in select_tiers(annotations, ["words", "Gloss", "words"], eaf)] == ["Words", "Gloss"]


def test_the_only_tier_with_annotations_is_taken(tmp_path):
    path = tmp_path / "a.eaf"
    path.write_text(eaf_text({"empty": [], "full": [(0, 1, "x")]}))
    assert select_tiers(read_annotations(path), [], path)[0].name == "full"
    path.write_text(eaf_text({"empty": []}))
    with pytest.raises(UserError, match=r"holds no annotations: 'empty' \(0\)"):
        select_tiers(read_annotations(path), [], path)


@pytest.mark.parametrize("version", ["2.7", "2.8", "3.0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_versions_and_encodings(tmp_path, version, encoding):
    path = tmp_path / "a.eaf"
    text = eaf_text({"Ä b": [(0, 1500, "größer")]}, version=version)
    path.write_bytes(text.replace('encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"').encode(encoding))
    assert values(tier(path, "ä B")) == [(0.0, 1.5, "größer")]


def test_recordings_have_their_origin(tmp_path):
    path = tmp_path / "a.eaf"
    path.write_text(eaf_text({"t": []}, media={"x.mp4": 1500, "x.wav": -20}))
    assert read_annotations(path).media == (Media("x.mp4", 1.5), Media("x.wav", -0.02))


def test_what_is_wrong_is_named_with_its_line(tmp_path):
    path, good = tmp_path / "a.eaf", eaf_text({"t": [(0, 1, "x"), (1, 2, "y")]})
    assert refused(path, "") == "is empty; save it again in ELAN"
    assert refused(path, good[:-30]).startswith("not a whole ELAN file (line 15: ")
    assert refused(path, "1\n00:00:01,000 --> 00:00:02,000\nx\n").startswith("not a whole ELAN file (line 1: ")
    assert refused(path, b"PK\x03\x04\x00\x00").startswith("not a whole ELAN file (line 1: ")
    assert refused(path, "<html><body/></html>") == "line 1: is no ELAN file, but one of 'html'"
    changes = {
        'TIME_VALUE="1"': ('TIME_VALUE="1,5"', "line 7: TIME_VALUE '1,5' is no number of milliseconds"),
        ' TIER_ID="t"': ("", "line 11: TIER without TIER_ID; save the file again in ELAN"),
        ' TIME_SLOT_REF1="ts1"': ("", "line 12: ALIGNABLE_ANNOTATION without TIME_SLOT_REF1; save"),
        'SLOT_REF1="ts1"': ('SLOT_REF1="ts9"', "line 12: there is no time slot 'ts9'"),
        'SLOT_ID="ts2"': ('SLOT_ID="ts1"', "line 7: the time slot 'ts1' is there twice"),
        'ANNOTATION_ID="a2"': ('ANNOTATION_ID="a1"', "line 13: the annotation 'a1' is there twice"),
        "milliseconds": ("PAL-frames", "line 3: times are in 'PAL-frames'; save the file in ELAN"),
        "UTF-8": ("klingon", "line 1: cannot be decoded (unknown encoding: klingon)"),
    }
    for old, (new, message) in changes.items():
        assert refused(path, good.replace(old, new, 1)).startswith(message)
    tier_twice = re.sub(r"(?s)(<TIER.*</TIER>)", r'\1<TIER TIER_ID="t"/>', good)
    assert refused(path, tier_twice) == "line 14: the tier 't' is there twice; rename one of them in ELAN"
    outside = re.sub(r"</?TIER.*?>", "", good)
    assert refused(path, outside) == "line 12: an annotation outside of any tier; save the file again in ELAN"


def test_bombs_and_external_files_are_refused(tmp_path):
    path, good = tmp_path / "a.eaf", eaf_text({"t": [(0, 1, "&a9;")]}).replace("&amp;", "&")
    bomb = "<!DOCTYPE bomb [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
    head, body = good.split("?>", 1)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    message = "line 2: declares a document type (bomb), which no ELAN file has, and which is not read"
    assert refused(path, f"{head}?>\n{bomb}]>{body}") == message
    external = f"<!DOCTYPE bomb [<!ENTITY a9 SYSTEM '{secret.as_uri()}'>]>"
    assert refused(path, f"{head}?>\n{external}{body}") == message
    assert refused(path, f"{head}?>\n<!DOCTYPE bomb SYSTEM 'http://localhost:1/a.dtd'>{body}") == message
    assert "undefined entity" in refused(path, good)
    nested = good.replace("&a9;", "").replace("<TIME_ORDER>", "<TIME_ORDER>" + "<a>" * 100_000)
    assert refused(path, nested) == "line 5: is no ELAN file: 32 elements lie within each other"


def test_files_that_are_none(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such file"):
        read_annotations(tmp_path / "a.eaf")
    (tmp_path / "b.eaf").mkdir()
    with pytest.raises(UserError, match="not a file"):
        read_annotations(tmp_path / "b.eaf")
    with pytest.raises(UserError, match=r"unknown format of segments '.TextGrid'; known: .eaf, .srt, .vtt"):
        read_annotations(tmp_path / "a.TextGrid")
    monkeypatch.setattr("pose_core.annotations.LARGEST", 5)
    (tmp_path / "c.eaf").write_text("more than that")
    with pytest.raises(UserError, match="which no annotation has"):
        read_annotations(tmp_path / "c.eaf")


xml_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
times = st.integers(0, 10**8)


@given(st.dictionaries(xml_text.filter(bool), st.lists(st.tuples(times, times, xml_text), max_size=5), max_size=4))
def test_what_is_written_is_read(tmp_path_factory, tiers):
    path = tmp_path_factory.mktemp("eaf") / "a.eaf"
    path.write_text(eaf_text(tiers), encoding="utf-8", newline="")
    found = {each.name: values(each) for each in read_annotations(path).tiers}
    # Attributes and texts lose nothing but spaces around texts.
    assert found == {
        name: sorted(
            ((start / 1000, end / 1000, text.strip()) for start, end, text in each), key=lambda value: value[:2]
        )
        for name, each in tiers.items()
    }


def test_endless_attributes_are_refused(tmp_path):
    path = tmp_path / "a.eaf"
    path.write_text('<ANNOTATION_DOCUMENT>\n<HEADER X="' + "y" * (20 << 20) + '"/></ANNOTATION_DOCUMENT>')
    with pytest.raises(UserError, match=r"a\.eaf: line 2: one element's attributes or a comment take over 4,194,304"):
        read_annotations(path)
    path.write_text('<ANNOTATION_DOCUMENT>\n<HEADER X="' + "y" * (2 << 20) + '"/></ANNOTATION_DOCUMENT>')
    assert not read_annotations(path).tiers
