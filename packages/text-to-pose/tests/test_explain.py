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
hands       both, the non-dominant one mirrored (left and right)
handshape   flat hand, thumb out
fingers     left and away from the signer
palm        left and towards the signer
location    near the right side of the chest
movement    move towards the signer, until there is contact, repeated once
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
        ("nondominant fist extfingeru", "hands", "the non-dominant hand"),
        ("parbegin fist plus fist parend extfingeru", "hands", "both, described one by one"),
        ("parbegin fist plus fist parend extfingeru", "handshape", "both hands fist"),
        ("symmpar fist extfingeru", "hands", "both, moving in parallel"),
        (
            "symmpar nonipsi fist extfingeru",
            "hands",
            "both, moving in parallel, directions are those of the room",
        ),
        ("finger2 pinky extfingeru", "handshape", "pinky extended"),
        ("fist thumboutmod pinky extfingeru", "handshape", "fist, pinky extended, thumb out"),
        ("finger23spread ringfinger pinky extfingeru", "handshape", "ring finger and pinky extended, spread"),
        ("pinch12 middlefinger extfingeru", "handshape", "thumb and middle finger pinched"),
        (
            "flathand between finger2345 extfingeru",
            "handshape",
            "halfway between (flat hand) and (open hand, fingers spread)",
        ),
        ("cee12 thumbopenmod extfingeru", "handshape", "thumb and index finger in a C, wide open"),
        ("fist extfingeru between extfingeruo", "fingers", "halfway between (up) and (up and away from the signer)"),
        ("fist palml orirelative", "palm", "left, turning with the movement"),
        ("fist extfingeru lrbeside ear", "location", "left of the ear"),
        ("fist extfingeru chest", "location", "at the chest"),
        ("fist extfingeru shoulders lrat", "location", "at shoulder level, on the right"),
        ("fist extfingeru shoulders lrat touch", "location", "touching the right side of the shoulders"),
        ("fist extfingeru chest behind", "location", "behind the chest"),
        (
            "fist extfingeru palm touch chest",
            "location",
            "the hands touching each other, each at the palm, at the chest",
        ),
        ("symmlr fist extfingeru touch chest", "location", "the hands touching each other, at the chest"),
        ("symmlr fist extfingeru chest interlock", "location", "interlocked with the chest"),
        (
            "fist extfingeru parbegin moved moveo parend repeatfromstart",
            "movement",
            "(move down and at the same time move away from the signer), repeated once",
        ),
        ("fist extfingeru", "location", "in front of the body (nothing is written)"),
        ("fist extfingeru", "movement", "none: hold still"),
        (
            "fist extfingeru moved smallmod arcu fast halt",
            "movement",
            "move a short way down, in an upward arc, fast, with a sharp stop",
        ),
        (
            "fist extfingeru circleo clocku clockfull",
            "movement",
            "draw a circle clockwise as the signer sees it, from 12 o'clock, one full turn",
        ),
        ("fist extfingeru circlel", "movement", "draw a circle like a wheel that rolls away from the signer"),
        ("fist extfingeru circleul", "movement", "draw a circle clockwise as seen when looking up and left"),
        ("fist extfingeru fingerplay", "movement", "wiggle the fingers"),
        ("fist extfingeru nodding largemod", "movement", "nod the hand at the wrist, widely"),
        ("fist extfingeru replace palmd", "movement", "turn the palm away from the signer"),
        (
            "fist extfingeru replace flathand extfingero palmd",
            "movement",
            "change the handshape to flat hand, turn the fingers away from the signer, turn the palm down",
        ),
        ("fist extfingeru moveu lips touch", "movement", "move up, ending touching the lips"),
        (
            "fist extfingeru parbegin moved moveo parend",
            "movement",
            "move down and at the same time move away from the signer",
        ),
        (
            "fist extfingeru parbegin moved plus nomotion parend",
            "movement",
            "dominant hand: move down; non-dominant hand: hold still",
        ),
        ("fist extfingeru seqbegin elbow moved seqend", "movement", "the elbow: move down"),
        ("fist extfingeru moved seqbegin brushing chest seqend", "movement", "move down, brushing the chest"),
        (
            "fist extfingeru moved repeatreverse alternatingmotion",
            "movement",
            "move down, and back, the hands in turn",
        ),
        (
            "fist extfingeru moveo smallmod repeatreverse repeatfromstart",
            "movement",
            "move a short way away from the signer, and back, all of it once more",
        ),
        (
            "fist extfingeru moved seqbegin repeatfromstart mover seqend",
            "movement",
            "move down, repeated once, each time shifted right",
        ),
    ],
)
def test_parts_in_words(names, part, text):
    assert words(names)[part] == text


@pytest.mark.parametrize(
    ("fingers", "palm", "faces"),
    [
        ("u", "u", "towards the signer"),
        ("u", "d", "away from the signer"),
        ("u", "l", "left"),
        ("o", "d", "down"),
        ("d", "u", "away from the signer"),
        ("i", "u", "up"),
        ("l", "u", "up"),
        ("l", "l", "towards the signer"),
        ("r", "l", "away from the signer"),
    ],
)
def test_a_palm_is_said_to_face_where_it_does(fingers, palm, faces):
    assert words(f"flathand extfinger{fingers} palm{palm}")["palm"] == faces


def test_a_palm_that_turns_alone_faces_by_where_the_fingers_point_then():
    lines = explain(parse("hamflathand hamextfingero hampalmd hamreplace hamextfingeru hammoveu hamreplace hampalmu"))
    assert [line.text for line in lines if line.part.startswith("movement")] == [
        "turn the fingers up",
        "move up",
        "turn the palm towards the signer",
    ]


def test_a_palm_of_each_hand_faces_by_its_own_fingers():
    names = "parbegin flathand extfingeru palmd plus flathand extfingero palmd parend"
    assert words(names)["palm"] == "dominant hand away from the signer; non-dominant hand down"


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
    assert sign["lines"][0] == {"part": "hands", "text": "both, the non-dominant one mirrored (left and right)"}
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
    assert (status, "b.sigml: no such file" in one_line(err)) == (2, True)


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (NAMES.encode(), 0, ""),
        (hamnosys_text(NAMES.split()).encode("utf-8-sig"), 0, ""),
        (f"<sigml>{SIGN}</sigml>".encode(), 0, ""),
        (b"\xff\xfe\x00", 2, "standard input: neither SiGML nor HamNoSys"),
        (b"", 2, "standard input is empty"),
        (b"hamfist " * 2**17, 2, "characters are no sign"),
    ],
)
def test_explain_reads_standard_input(cli, monkeypatch, one_line, data, status, message):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    ended, out, err = cli("explain", "-")
    assert ended == status
    assert message in one_line(err) if status else out.splitlines()


def test_files_and_texts_are_explained_one_after_the_other(cli, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text(f"{NAMES}\nhamfist hamextfingeru\n")
    status, out, _ = cli("explain", path, "hamflathand hamextfingeru")
    assert (status, out.count("hands  ")) == (0, 3)
    assert cli("explain", tmp_path) == cli("explain", path)
    table = tmp_path / "signs.csv"
    table.write_text(f"hamnosys,other\n{NAMES},hamfist hamextfingeru\n")
    assert "fist" in cli("explain", table, "--column", "2")[1]


def test_a_broken_string_gets_one_line(cli, one_line):
    status, out, err = cli("explain", f"{NAMES} hamthumboutmod")
    assert (status, out) == (2, "")
    assert "symbol 12 (hamthumboutmod) at character" in one_line(err)
    assert "expected a movement, hamplus, or the end" in err
