"""Subtitles, and tables of segments."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.annotations import read_annotations, select_tiers


def read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_annotations(path)


def segments(tmp_path, name, content):
    (tier,) = read(tmp_path, name, content).tiers
    return [(segment.start, segment.end, segment.text) for segment in tier.segments]


def refused(tmp_path, name, content):
    with pytest.raises(UserError) as error:
        read(tmp_path, name, content)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / name}: ")
    assert "\n" not in message
    return message.removeprefix(f"{tmp_path / name}: ")


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Guten</i> Tag,
{\\an8}"Welt"

2
00:01:00.25-->01:00:00,1 X1:40 Y1:20
10 < 20 > 5 <unclear>

00:00:02,500 --> 00:00:03,000
no number
4
0:0:59 --> 00:01:00,000

5
00:02:00,000 --> 00:01:59,000
1984

6
00:02:00,000 --> 00:02:01,000
first

after an empty line: HOUSE --> TREE, 12:30 - 13:00
"""

EXPECTED = [
    (1.0, 2.5, 'Guten Tag, "Welt"'),
    (2.5, 3.0, "no number"),
    (59.0, 60.0, ""),
    (60.25, 3600.1, "10 < 20 > 5 <unclear>"),
    (120.0, 119.0, "1984"),
    (120.0, 121.0, "first after an empty line: HOUSE --> TREE, 12:30 - 13:00"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_srt(tmp_path, end, encoding):
    assert segments(tmp_path, "a.srt", SRT.replace("\n", end).encode(encoding)) == sorted(EXPECTED)


def test_srt_without_an_end(tmp_path):
    assert segments(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000") == [(1.0, 2.0, "")]
    assert segments(tmp_path, "a.srt", "\n\n1\n00:00:01,000 --> 00:00:02,000\n7") == [(1.0, 2.0, "7")]


@pytest.mark.parametrize(
    "line",
    [
        "00:00:01,000 -> 00:00:02,000",
        "00:00:01,000 -- > 00:00:02,000",
        "00:00:01,000 – 00:00:02,000",
        "00:00:01,000 00:00:02,000",
        "00:00:0l,000 --> 00:00:02,000",
        "00:00:01;000 --> 00:00:02;000",
        "00:00:01,000 --> 00:00:02,000abc",
        "00:00:01,000 -->",
        "00:99:01,000 --> 00:99:02,000",
        "-00:00:01,000 --> 00:00:02,000",
    ],
)
def test_a_mistyped_timing_is_named(tmp_path, line):
    for number, text in ((2, f"1\n{line}\nx\n"), (6, f"1\n00:00:00,000 --> 00:00:01,000\nw\n\n2\n{line}\nx\n")):
        message = refused(tmp_path, "a.srt", text)
        assert message == f"line {number}: {line!r} is no timing; write it as 00:00:01,000 --> 00:00:02,500"
        vtt = refused(tmp_path, "a.vtt", f"WEBVTT\n\n{text}")
        assert vtt.startswith(f"line {number + 2}: {line!r} is no timing")


def test_what_is_no_srt(tmp_path):
    assert refused(tmp_path, "a.srt", " \n") == "is empty; export it again"
    assert refused(tmp_path, "a.srt", "1\n\n2\n").startswith(
        "holds no subtitles: there is no line such as 00:00:01,000 -->"
    )
    assert refused(tmp_path, "a.srt", "title\n" + SRT).startswith("line 1: 'title' stands before the first timing")
    assert refused(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000\nGrün".encode("latin-1")) == (
        "not a readable UTF-8 subtitle file (line 3 is in another encoding, such as Latin-1); save it as UTF-8"
    )


VTT = """WEBVTT - signed talk
Kind: captions

STYLE
::cue(v[voice="Anna"]) { color: red }

NOTE
a comment
of two lines

REGION
id:fred

intro
00:01.000 --> 00:02.500 align:start position:0%
<v.loud Anna &amp; Co>Hello, <c.red>you</c> &lt;3</v>
second line

NOTE one line

1:00:00.000 --> 1:00:01.000
<00:00:00.5>no <lang en>voice</lang>

00:03.000 --> 00:04.000
<v Bo>Who?</v> <v Anna>I!</v>
00:04.000 --> 00:05.000
no empty line before

NOTE the end
"""


def test_vtt(tmp_path):
    (tier,) = read(tmp_path, "a.vtt", VTT).tiers
    assert [(each.start, each.end, each.text, each.person, each.line) for each in tier.segments] == [
        (1.0, 2.5, "Hello, you <3 second line", "Anna & Co", 15),
        (3.0, 4.0, "Who? I!", "", 24),
        (4.0, 5.0, "no empty line before", "", 26),
        (3600.0, 3601.0, "no voice", "", 21),
    ]


def test_what_is_no_vtt(tmp_path):
    assert refused(tmp_path, "a.vtt", SRT).startswith("line 1: '1' is not WEBVTT, with which a .vtt file begins")
    message = refused(tmp_path, "a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\na\n\nlost text\nof two lines\n\n")
    assert message == (
        "line 6: 'lost text' belongs to no cue; put its timing above it, as 00:00:01.000 --> 00:00:02.500, "
        "or NOTE if it is a comment"
    )
    assert refused(tmp_path, "a.vtt", VTT.replace("NOTE\n", "", 1)).startswith("line 7: 'a comment' belongs to no cue")
    assert segments(tmp_path, "a.vtt", "WEBVTT") == []


def test_subtitles_have_no_tiers(tmp_path):
    annotations = read(tmp_path, "a.srt", SRT)
    assert len(select_tiers(annotations, [], tmp_path / "a.srt")) == 1
    with pytest.raises(UserError, match="subtitles have no tiers; leave out --tier GLOSS"):
        select_tiers(annotations, ["GLOSS"], tmp_path / "a.srt")


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="<>&-{}")).filter(
    lambda text: ":" not in text
)
lines = st.lists(st.lists(words.filter(bool), min_size=1).map(" ".join), max_size=3).filter(
    lambda lines: not any(line.strip().isdecimal() for line in lines)
)
cues = st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 10**7), lines), min_size=1, max_size=6)


def clock(milliseconds, point):
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


@given(cues, st.sampled_from([("a.srt", ",", ""), ("a.vtt", ".", "WEBVTT\n\n")]), st.booleans())
def test_what_is_written_is_read(tmp_path_factory, cues, kind, numbered):
    name, point, head = kind
    blocks = []
    for number, (start, length, text) in enumerate(cues, 1):
        timing = f"{clock(start, point)} --> {clock(start + length, point)}"
        blocks.append("\n".join([*([str(number)] if numbered else []), timing, *text]))
    found = segments(tmp_path_factory.mktemp("subtitles"), name, head + "\n\n".join(blocks) + "\n")
    expected = [
        (start / 1000, (start + length) / 1000, " ".join(" ".join(text).split())) for start, length, text in cues
    ]
    assert [text for *_, text in found] == [text for *_, text in sorted(expected, key=lambda value: value[:2])]
    for got, wanted in zip(found, sorted(expected, key=lambda value: value[:2]), strict=True):
        assert got[:2] == pytest.approx(wanted[:2], abs=1e-6)


def tiers(tmp_path, content, name="a.tsv"):
    return {
        tier.name: [(each.start, each.end, each.text) for each in tier.segments]
        for tier in read(tmp_path, name, content).tiers
    }


def test_tables_in_seconds_milliseconds_and_frames(tmp_path):
    assert tiers(tmp_path, "start_seconds,end_seconds,text\n1,2.5,a\n0.5,1,b\n", "a.csv") == {
        "text": [(0.5, 1.0, "b"), (1.0, 2.5, "a")]
    }
    assert tiers(tmp_path, "start_ms;end_ms;text\n1000;2500;a\n", "a.csv") == {"text": [(1.0, 2.5, "a")]}
    assert tiers(tmp_path, "onset_ms\toffset_ms\tgloss\n1000\t2500\ta\n") == {"gloss": [(1.0, 2.5, "a")]}
    (tier,) = read(tmp_path, "a.csv", "start,end,text,person\n10,20,a,Ana\n").tiers
    assert tier.segments[0].person == "Ana"
    assert [tier.segments[0].start, type(tier.segments[0].start)] == [10, int]
    assert tier.notices == ("start and end: read as frames; if they are seconds, call them start_seconds, end_seconds",)


def test_elan_exports(tmp_path):
    header = "Begin Time - hh:mm:ss.ms\tBegin Time - ss.msec\tEnd Time - hh:mm:ss.ms\tEnd Time - ss.msec"
    side_by_side = f"{header}\tGLOSS A\tGLOSS B\n" + (
        "00:00:01.000\t1.0\t00:00:02.500\t2.5\tHOUSE\t\n00:00:03.000\t3.0\t00:00:04.000\t4.0\t\tTREE\n"
    )
    assert tiers(tmp_path, '"#file:///C:/session.eaf"\n' + side_by_side, "a.txt") == {
        "gloss_a": [(1.0, 2.5, "HOUSE")],
        "gloss_b": [(3.0, 4.0, "TREE")],
    }
    clocks = "Tier\tParticipant\tBegin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tDuration - msec\tAnnotation\n"
    assert tiers(tmp_path, clocks + "GLOSS A\tAna\t00:00:01.000\t01:00:02.500\t5\tx\nother\t\t0:01\t0:02\t1\ty\n") == {
        "GLOSS A": [(1.0, 3602.5, "x")],
        "other": [(1.0, 2.0, "y")],
    }
    assert tiers(tmp_path, "Begin Time - msec\tEnd Time - msec\tvalue\n1500\t2000\tx\n") == {"value": [(1.5, 2.0, "x")]}


def test_what_is_no_table_of_segments(tmp_path):
    assert refused(tmp_path, "a.csv", "start,text\n1,a\n").startswith(
        "has no column of end, but start, text; its first line"
    )
    assert refused(tmp_path, "a.csv", "start_ms,end_ms,person\n1,2,a\n").startswith(
        "has no column of texts, but start_ms"
    )
    assert refused(tmp_path, "a.csv", "tier,start_ms,end_ms,x\na,1,2,a\n").startswith("has no column of texts")
    assert refused(tmp_path, "a.csv", "start_ms,end_ms,text\n") == "holds no rows below its header"
    assert refused(tmp_path, "a.csv", "start_ms,end_ms,text\n1,2,a\nx,3,b\n") == "line 3: start_ms 'x' is not a time"
    assert refused(tmp_path, "a.txt", "GLOSS\t\t00:00:01.000\t1.0\t00:00:02.000\t2.0\tHOUSE\n").startswith(
        "has no header;"
    )
    long = "9" * 5000
    assert refused(tmp_path, "a.csv", f"start_frame,end_frame,text\n1,{long},a\n") == (
        f"line 2: end_frame {long[:20]!r} is not a frame such as 50, nor seconds such as 2.5s"
    )
    assert refused(tmp_path, "a.csv", f"start_seconds,end_seconds,text\n1,{long}:00,a\n").endswith("is not a time")
    assert refused(tmp_path, "a.csv", "start_ms,end_ms,text\n1,,a\n") == "line 2: has no end"
    assert refused(tmp_path, "a.csv", "start_ms,end_ms,text\n1,2,\xe4\n".encode("latin-1")).startswith(
        "not a readable UTF-8 table (line 2"
    )
    assert tiers(tmp_path, "start_ms,end_ms,text\n5,2,a\n", "a.csv") == {"text": [(0.0, 0.0, "a")]}


def test_an_empty_line_between_number_and_timing(tmp_path):
    text = "1\n00:00:00,000 --> 00:00:01,000\nA\n\n2\n\n00:00:02,000 --> 00:00:03,000\nB\n"
    assert tiers(tmp_path, text, "a.srt") == {"": [(0.0, 1.0, "A"), (2.0, 3.0, "B")]}
    text = "00:00:00,000 --> 00:00:01,000\n7\n\n00:00:02,000 --> 00:00:03,000\nB\n"
    assert tiers(tmp_path, text, "a.srt") == {"": [(0.0, 1.0, "7"), (2.0, 3.0, "B")]}


def test_long_voices_take_no_longer(tmp_path):
    begun = time.process_time()
    for text in ("<v" + " " * 200_000 + "x", "<v." * 100_000):
        (tmp_path / "a.vtt").write_text(f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n")
        assert not read_annotations(tmp_path / "a.vtt").tiers[0].segments[0].person
    assert time.process_time() - begun < 10  # of minutes
