import io
import json
import sys

import pytest

from text_to_pose.hamnosys.explain import explain
from text_to_pose.hamnosys.parser import parse
from text_to_pose.text.hamnosys import hamnosys_text

NAMES = (
    "hamsymmlr hamflathand hamthumboutmod hamextfingerol hampalml hamchest hamlrat hamclose "
    "hammovei hamtouch hamrepeatfromstart"
)
LINES = """\
hands       two, the weak one mirrored (left and right)
handshape   flat hand, thumb out
fingers     out and left
palm        left
location    the chest, right side, close
movement    movement in, ending touching, repeated once from the start
"""
SIGN = """<hamgestural_sign gloss="HOUSE">
<sign_nonmanual><head_tier><head_movement movement="NO"/></head_tier></sign_nonmanual>
<sign_manual><handconfig handshape="fist"/></sign_manual></hamgestural_sign>"""


def words(names):
    return dict(explain(parse(" ".join(f"ham{name}" for name in names.split()))))


@pytest.mark.parametrize("arguments", [[NAMES], NAMES.split(), [hamnosys_text(NAMES.split())]])
def test_explain_prints_a_line_per_part(cli, arguments):
    assert cli("explain", *arguments) == (0, LINES, "")


@pytest.mark.parametrize(
    ("names", "part", "text"),
    [
        ("nondominant fist extfingeru", "hands", "the weak hand"),
        ("parbegin fist plus fist parend extfingeru", "hands", "two, described one by one"),
        ("parbegin fist plus fist parend extfingeru", "handshape", "both hands fist"),
        ("symmpar fist extfingeru", "hands", "two, in parallel"),
        ("finger2 pinky extfingeru", "handshape", "index finger extended; with pinky"),
        (
            "flathand between finger2345 extfingeru",
            "handshape",
            "halfway between (flat hand) and (open hand, fingers spread)",
        ),
        ("cee12 thumbopenmod extfingeru", "handshape", "thumb and index finger in a C, wide open"),
        ("fist extfingeru between extfingeruo", "fingers", "halfway between up and up-out"),
        ("fist palml orirelative", "palm", "left, turning with the movement"),
        ("fist extfingeru lrbeside ear", "location", "left beside the ear"),
        ("fist extfingeru chest behind", "location", "behind the chest"),
        ("fist extfingeru palm touch chest", "location", "both hands at the palm, touching, at the chest"),
        ("symmlr fist extfingeru touch chest", "location", "the hands touching, at the chest"),
        (
            "fist extfingeru parbegin moved moveo parend repeatfromstart",
            "movement",
            "(movement down and at the same time movement out), repeated once from the start",
        ),
        ("fist extfingeru", "location", "in front of the body (not said)"),
        ("fist extfingeru", "movement", "none, the hands are held"),
        (
            "fist extfingeru moved smallmod arcu fast halt",
            "movement",
            "small movement down, in an upward arc, fast, with a sharp stop",
        ),
        ("fist extfingeru circleo clocku clockfull", "movement", "circle about the axis out, from up, one full turn"),
        ("fist extfingeru fingerplay", "movement", "wiggling of the fingers"),
        ("fist extfingeru replace palmd", "movement", "change to palm down"),
        (
            "fist extfingeru parbegin moved moveo parend",
            "movement",
            "movement down and at the same time movement out",
        ),
        (
            "fist extfingeru parbegin moved plus nomotion parend",
            "movement",
            "strong hand movement down; weak hand no movement",
        ),
        ("fist extfingeru seqbegin elbow moved seqend", "movement", "the elbow moves: movement down"),
        ("fist extfingeru moved seqbegin brushing chest seqend", "movement", "movement down, brushing the chest"),
        (
            "fist extfingeru moved repeatreverse alternatingmotion",
            "movement",
            "movement down, and back, the hands in turn",
        ),
        (
            "fist extfingeru moved seqbegin repeatfromstart mover seqend",
            "movement",
            "movement down, repeated once from the start, each shifted by a movement right",
        ),
    ],
)
def test_parts_in_words(names, part, text):
    assert words(names)[part] == text


def test_parts_are_numbered():
    lines = explain(parse("hamfist hamextfingeru hammoved hammoveu hamplus hamfist hamextfingeru"))
    assert [line.part for line in lines] == [
        *("part 1", "hands", "handshape", "fingers", "location", "movement 1", "movement 2"),
        *("part 2", "hands", "handshape", "fingers", "location", "movement"),
    ]


def test_json_has_lines_and_tree(cli):
    status, out, _ = cli("explain", NAMES, "--json")
    (sign,) = json.loads(out)
    assert status == 0
    assert sign["lines"][0] == {"part": "hands", "text": "two, the weak one mirrored (left and right)"}
    (segment,) = sign["tree"]["segments"]
    assert segment["symmetry"] == {"type": "Symmetry", "mirrored": True}
    assert segment["posture"]["direction"] == {"type": "FingerDirection", "direction": "ol"}
    assert segment["actions"][0]["repetition"] == {"type": "Repetition", "kind": "from_start"}


def test_a_sigml_file_is_explained_and_bad_signs_are_listed(cli, tmp_path, one_line):
    path = tmp_path / "a.sigml"
    path.write_text(f"<sigml>{SIGN}</sigml>")
    status, out, _ = cli("explain", path)
    assert status == 0
    assert out.startswith("gloss       HOUSE\n")
    assert out.endswith("not shown   head_tier: head_movement movement=NO\n")
    path.write_text(f"<sigml>{SIGN}\n<story/>{SIGN}</sigml>")
    status, out, err = cli("explain", path)
    assert (status, out.count("HOUSE")) == (3, 2)
    assert f"{path}, line 4: unknown element <story>" in err
    assert "1 of 3 signs could not be read" in one_line(err)
    path.write_text("<sigml><story/></sigml>")
    status, out, err = cli("explain", path)
    assert (status, out) == (2, "")
    assert "unknown element <story>" in one_line(err)
    status, _, err = cli("explain", tmp_path / "b.sigml")
    assert (status, "b.sigml: No such file or directory" in one_line(err)) == (2, True)


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (NAMES.encode(), 0, ""),
        (hamnosys_text(NAMES.split()).encode("utf-8-sig"), 0, ""),
        (f"<sigml>{SIGN}</sigml>".encode(), 0, ""),
        (b"\xff\xfe\x00", 2, "standard input: neither SiGML nor HamNoSys"),
        (b"", 2, "the text is empty"),
        (b"hamfist " * 2**17, 2, "characters are no sign"),
    ],
)
def test_explain_reads_standard_input(cli, monkeypatch, one_line, data, status, message):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    ended, out, err = cli("explain", "-")
    assert ended == status
    assert message in one_line(err) if status else out.splitlines()


def test_a_broken_string_gets_one_line(cli, one_line):
    status, out, err = cli("explain", NAMES, "hamthumboutmod")
    assert (status, out) == (2, "")
    assert "symbol 12 (hamthumboutmod) at character" in one_line(err)
    assert "expected a movement, hamplus, or the end" in err
