import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pose_core import read, write
from pose_core.notices import InputWarning
from pose_core.skeleton import LAYOUT_NAMES
from pose_core.testing import fake_sequence
from text_to_pose.text.hamnosys import hamnosys_text

FLAT = "hamflathand hamextfingeru hampalml hammovei"
FIST = "hamfist hamextfingerol hampalmd hammoved"
SYMBOLS = hamnosys_text(FLAT.split())
GESTURAL = """<sigml><hamgestural_sign gloss="HOUSE">
<sign_nonmanual><head_tier><head_movement movement="NO"/></head_tier></sign_nonmanual>
<sign_manual><handconfig handshape="fist"/><handconfig extfidir="u"/><handconfig palmor="l"/>
<directedmotion direction="d"/></sign_manual></hamgestural_sign>
<hamgestural_sign gloss="BAD"><sign_manual><story/></sign_manual></hamgestural_sign></sigml>"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text(f"gloss,hamnosys\nDON'T KNOW,{FLAT}\nBAD,hamflathand hamparbegin hammovei\n,{FIST}\n")
    return path


@pytest.mark.parametrize("text", [[FLAT], FLAT.split(), [SYMBOLS]])
def test_a_sign_is_written_in_every_format(cli, tmp_path, text):
    outputs = [tmp_path / f"sign.{suffix}" for suffix in ("pose", "npz", "png")]
    options = [option for path in outputs for option in ("--output", path)]
    status, out, err = cli("sign", *text, *options)
    assert (status, err) == (0, "")
    sequence = read(outputs[0])
    assert sequence.fps == 25
    assert sequence.skeleton.num_keypoints == 50
    assert np.isfinite(sequence.keypoints).all()
    assert sequence.hand_share("right") > 0.5
    named = ", ".join(map(str, outputs))
    seconds = f"{len(sequence)} frames, {sequence.duration:.1f} s of signing"
    assert out == f"{named}: 1 sign, {seconds}\n"
    assert outputs[2].read_bytes()[1:4] == b"PNG"


def test_a_sign_that_no_arm_can_make_as_written_says_so(cli, tmp_path):
    text = "hamfinger2 hamextfingeri hampalmd hamchest hamtouch"
    said = "could not be signed as written: the dominant hand is turned"
    with pytest.warns(InputWarning, match=f"me.pose: {said}"):
        assert cli("sign", text, "--output", tmp_path / "me.pose")[0] == 0
    with pytest.warns(InputWarning, match=f"both.pose: sign 2 {said}"):
        assert cli("sign", FLAT, text, "--output", tmp_path / "both.pose")[0] == 0


def test_several_signs_in_a_row_are_one_clip(cli, tmp_path):
    def sign(name, *texts):
        status, out, _ = cli("sign", *texts, "--output", tmp_path / name, "--json")
        assert status == 0
        return json.loads(out)[0]

    one, other, both = sign("a.pose", FLAT), sign("b.pose", FIST), sign("c.pose", FLAT, FIST)
    assert (one["model"], both["signs"]) == ("rules", [None, None])
    assert max(one["frames"], other["frames"]) < both["frames"] < one["frames"] + other["frames"]


def test_options_reach_the_signer(cli, tmp_path):
    def sign(name, *options):
        assert cli("sign", FLAT, "--output", tmp_path / name, *options)[0] == 0
        return read(tmp_path / name)

    plain, fast, fine = sign("plain.pose"), sign("fast.pose", "--speed", 2), sign("fine.pose", "--fps", 50)
    assert fast.duration < 0.75 * plain.duration
    assert fine.fps == 50
    assert fine.duration == pytest.approx(plain.duration, abs=0.1)
    left = sign("left.pose", "--dominant-hand", "left")
    assert left.hand_share("left") == plain.hand_share("right") > left.hand_share("right")
    assert sign("whole.pose", "--layout", "holistic_543").skeleton.num_keypoints == 543
    write(fake_sequence(hands=("left",)), tmp_path / "person.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "own.pose", "--person", tmp_path / "person.pose")
    assert status == 0
    assert "person.pose: a left-handed person, whose dominant hand signs; --dominant-hand right changes that" in err
    own = read(tmp_path / "own.pose")
    assert own.hand_share("left") > own.hand_share("right")


def test_a_file_of_signs_makes_the_good_ones_and_lists_the_bad(cli, tmp_path, table, one_line):
    folder = tmp_path / "out"
    status, out, err = cli("sign", "--file", table, "--output", folder)
    assert status == 3
    assert sorted(path.name for path in folder.iterdir()) == ["001-DON_T_KNOW.pose", "003.pose"]
    assert out.startswith(f"{folder / '001-DON_T_KNOW.pose'}: DON'T KNOW, ")
    assert f"{table}, line 3: the string ends after symbol 3 (hammovei): expected hamparend" in err
    assert "1 of 3 signs failed; all others are done: --skip-existing leaves those out" in one_line(err)
    status, out, err = cli("sign", "--file", table, "--output", folder, "--skip-existing", "--format", "pose")
    assert (status, out) == (3, "")
    assert "2 of 3 left out: their outputs exist\n" in err
    status, _, err = cli("sign", "--file", table, "--output", tmp_path / "none", "--no-keep-going")
    assert status == 2
    assert f"{table}, line 3:" in one_line(err)


def test_sigml_names_what_is_not_shown(cli, tmp_path):
    path = tmp_path / "signs.sigml"
    path.write_text(GESTURAL)
    with pytest.warns(InputWarning, match=f"{re.escape(str(path))}, sign 1: not shown: head_tier"):
        status, out, err = cli("sign", "--file", path, "--output", tmp_path / "out", "--format", "npz")
    assert status == 3
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["001-HOUSE.npz"]
    assert "HOUSE, " in out
    assert f"{path}, line 5: unknown element <story>" in err
    status, _, err = cli("sign", path, "--output", tmp_path / "all.pose")
    assert (status, "unknown element <story>" in err) == (2, True)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "signs.csv", "the file is empty"),
        (b"", "signs.sigml", "the file is empty"),
        (b"", "signs.txt", "the file is empty"),
        (b"\xff\xfe\x00\xff", "signs.txt", "neither SiGML nor HamNoSys in UTF-8"),
        (b"gloss,notes\na,b\n", "signs.csv", "no column holds HamNoSys"),
        (b"<sigml></sigml>", "signs.sigml", "<sigml> holds no sign"),
        (b"<html/>", "signs.sigml", "no SiGML: the outermost element is <html>"),
        (b"<sigml><hns_sign>", "signs.sigml", "line 1: not well-formed XML: "),
        (
            b'<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><sigml>&b;</sigml>',
            "signs.sigml",
            "declares the entity 'a'; entities are not read",
        ),
    ],
)
def test_a_file_without_signs_is_refused_in_one_line(cli, tmp_path, one_line, content, name, message):
    path = tmp_path / name
    path.write_bytes(content)
    status, out, err = cli("sign", "--file", path, "--output", tmp_path / "out")
    assert (status, out) == (2, "")
    assert one_line(err).startswith(f"Error: {path}")
    assert message in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("مرحبا", "'م' (U+0645) at character 1 is no HamNoSys symbol"),
        ("hamflathand hamparbegin hammovei", "the string ends after symbol 3 (hammovei): expected hamparend"),
        ("hamflathand hamextfingeru hampalml hamparend", "symbol 4 (hamparend) at character 36: expected a location"),
        ("hamflathand hamwiggle", "symbol 2, 'hamwiggle' at character 13, is no name of a HamNoSys symbol"),
        (
            "hamflathnd",
            "symbol 1, 'hamflathnd' at character 1, is no name of a HamNoSys symbol; did you mean hamflathand",
        ),
        ("\ue0ff", "(U+E0FF) at character 1 is no HamNoSys symbol"),
        ("\ue002" * 1_000_000, "1,000,000 characters are no sign"),
        ("", "there is no HamNoSys: the text is empty"),
        ("nothing.sigml", "nothing.sigml: no such file"),
    ],
)
def test_a_bad_text_is_refused_with_symbol_and_place(cli, tmp_path, one_line, text, message):
    status, out, err = cli("sign", text, "--output", tmp_path / "a.pose")
    assert (status, out) == (2, "")
    assert message in one_line(err)
    assert not (tmp_path / "a.pose").exists()


def test_a_clip_of_hours_is_refused(cli, tmp_path, one_line, monkeypatch):
    monkeypatch.setattr("text_to_pose.signing.signer.MOST_FRAMES", 60)
    status, _, err = cli("sign", FLAT, FIST, FLAT, "--output", tmp_path / "a.pose")
    assert status == 2
    assert "3 signs in a row are " in one_line(err)
    assert "a clip has at most 60; sign fewer, or a clip per sign with --file" in err


def test_a_sign_without_end_is_named(cli, tmp_path, one_line):
    endless = FIST + 12 * " hamrepeatfromstartseveral"
    status, _, err = cli("sign", endless, "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith(f"Error: {tmp_path / 'a.pose'}: it lasts ")
    status, _, err = cli("sign", FLAT, endless, "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith("Error: sign 2 of 2: it lasts ")


def test_the_bad_one_of_several_texts_is_numbered(cli, tmp_path, one_line):
    status, _, err = cli("sign", FLAT, "hamfist ham", "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith("Error: sign 2 of 2: symbol 2, 'ham' at character 9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either signs or --file"),
        ([FLAT, "--file", "signs.csv"], "give either signs or --file"),
        ([FLAT, "--column", "hamnosys"], "--column names a column of a table, and no table is given"),
        ([FLAT, "--speed", "0"], "Invalid value for '--speed': at least 0.1; see"),
        ([FLAT, "--fps", "1001"], "Invalid value for '--fps': at most 1000; see"),
        ([FLAT, "--fps", "nan"], "--fps"),
        ([FLAT, "--layout", "kinect"], "unknown layout 'kinect'; known: holistic_543"),
        ([FLAT, "--person", "nobody.pose"], "nobody.pose: "),
        ([FLAT, "--output", "sign.txt"], "sign.txt: cannot write .txt"),
    ],
)
def test_wrong_options_are_refused_in_one_line(cli, tmp_path, one_line, arguments, message):
    status, _, err = cli("sign", "--output", tmp_path / "a.pose", *arguments)
    assert status == 2
    assert message in one_line(err)


def test_a_person_of_whom_little_is_seen_is_told_about(cli, tmp_path):
    clip = fake_sequence()
    noise = np.random.default_rng(0).uniform(0, 500, clip.keypoints.shape).astype(np.float32)
    write(replace(clip, keypoints=noise), tmp_path / "noise.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "a.pose", "--person", tmp_path / "noise.pose")
    assert status == 0
    assert "noise.pose: its points do not move as a person's do; the mean adult signs" in err


def test_a_clip_of_nobody_is_no_person(cli, tmp_path, one_line):
    sequence = fake_sequence()
    write(replace(sequence, confidence=np.zeros_like(sequence.confidence)), tmp_path / "none.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "a.pose", "--person", tmp_path / "none.pose")
    assert status == 2
    assert one_line(err).startswith(f"Error: {tmp_path / 'none.pose'}: ")


def test_standard_output_takes_a_pose_file(cli, tmp_path, monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    status, _, err = cli("sign", FLAT, "--output", "-")
    assert status == 0, err
    (tmp_path / "a.pose").write_bytes(stdout.buffer.getvalue())
    assert len(read(tmp_path / "a.pose")) > 10


def test_generate_signs_notation_by_the_rules_and_says_so(cli, tmp_path):
    status, out, _ = cli("generate", FLAT, "--output", tmp_path / "a.pose")
    assert status == 0
    assert "HamNoSys, signed by its rules without a model, " in out
    assert cli("sign", FLAT, "--output", tmp_path / "b.pose")[0] == 0
    np.testing.assert_array_equal(read(tmp_path / "a.pose").keypoints, read(tmp_path / "b.pose").keypoints)
    status, out, err = cli("generate", SYMBOLS, "--output", tmp_path / "c.pose", "--steps", 3, "--json")
    assert (status, json.loads(out)[0]["model"]) == (0, "rules")
    assert "--steps: of no effect on notation" in err


def test_generate_takes_letters_and_notation_in_one_file(cli, tmp_path, one_line):
    path = tmp_path / "texts.txt"
    path.write_text(f"ab\n{FLAT}\nhamflathand hamparbegin\n")
    status, _, err = cli("generate", "--file", path, "--output", tmp_path / "out")
    assert (status, "need --signed-language" in one_line(err)) == (2, True)
    assert not (tmp_path / "out").exists()
    path.write_text(f"{FLAT}\nhamflathand hamparbegin\n")
    status, out, err = cli("generate", "--file", path, "--output", tmp_path / "out")
    assert (status, out.count("by its rules")) == (3, 1)
    assert f"{path}, line 2: the string ends after symbol 2 (hamparbegin): expected a movement" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hamneckk", "symbol 1, 'hamneckk' at character 1, is no name of a HamNoSys symbol; did you mean hamneck"),
        ("hamflathand \ue0fe", "symbol 2, '\\ue0fe' at character 13, is no name of a HamNoSys symbol"),
        ("\ue0fe", "'\\ue0fe' (U+E0FE) at character 1 is no HamNoSys symbol"),
        ("hamfoo hamfist", "symbol 1, 'hamfoo' at character 1, is no name of a HamNoSys symbol"),
        ("house hamfist", "'h' (U+0068) at character 1 is no HamNoSys symbol"),
    ],
)
def test_generate_spells_no_symbols_with_typos(cli, tmp_path, one_line, text, message):
    status, _, err = cli("generate", text, "--signed-language", "ase", "--output", tmp_path / "a.pose")
    assert status == 2
    assert message in one_line(err)


def test_generate_signs_notation_without_torch(tmp_path):
    program = (
        "import sys; from text_to_pose.cli import app; "
        f"app(['generate', {FLAT!r}, '--output', {str(tmp_path / 'a.pose')!r}], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert (tmp_path / "a.pose").exists()


def test_a_folder_of_files_becomes_a_folder_of_clips(cli, tmp_path):
    signs = tmp_path / "signs"
    (signs / "more").mkdir(parents=True)
    (signs / "house.txt").write_text(FLAT)
    (signs / "more" / "two.csv").write_text(f"gloss,hamnosys\nA,{FLAT}\nB,{FIST}\n")
    (signs / "broken.sigml").write_text("<sigml>")
    made = ["house.pose", "more/two/001-A.pose", "more/two/002-B.pose"]
    for number, arguments in enumerate(([signs], ["--file", signs], ["--file", signs / "house.txt", "--file", signs])):
        out = tmp_path / str(number)
        if number == 2:
            status, _, err = cli("sign", *arguments, "--output", out)
            assert (status, "would both become" in err) == (2, True)
            continue
        status, _, err = cli("sign", *arguments, "--output", out)
        assert status == 3
        assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.pose")) == made
        assert f"{signs / 'broken.sigml'}, line 1: not well-formed XML" in err
        assert "1 of 4 signs failed; all others are done" in err
    status, _, err = cli("sign", signs, "--output", tmp_path / "0", "--skip-existing")
    assert "3 of 4 left out: their outputs exist" in err
    (signs / "broken.sigml").unlink()
    status, _, err = cli("sign", signs, "--output", tmp_path / "0", "--skip-existing")
    assert status == 0
    assert "3 of 3 left out: their outputs exist; nothing is left to do" in err
    status, out, _ = cli("sign", signs, "--output", tmp_path / "row.pose")
    assert (status, "3 signs, " in out) == (0, True)


def test_texts_into_a_folder_are_a_clip_each(cli, tmp_path):
    status, out, _ = cli("sign", FLAT, FIST, "--output", tmp_path / "out")
    assert (status, out.count(": 1 sign, ")) == (0, 2)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001.pose", "002.pose"]
    status, _, err = cli("sign", FLAT, "hamfist ham", "--output", tmp_path / "more")
    assert status == 3
    assert "sign 2 of 2: symbol 2, 'ham' at character 9" in err


def test_a_strip_is_of_the_strokes_with_and_without_a_name(cli, tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text(f"gloss,hamnosys\nHOUSE,{FLAT}\n")
    sizes = []
    for name, sign in (("named", path), ("nameless", FLAT)):
        assert cli("sign", sign, "--output", tmp_path / f"{name}.png")[0] == 0
        with Image.open(tmp_path / f"{name}.png") as picture:
            sizes.append(picture.size)
            shown = np.asarray(picture.convert("L"), float)
    assert sizes[0][0] == sizes[1][0] > 3 * sizes[1][1] / 2  # two rows of four frames
    halves = np.array_split(shown, 4, axis=1)
    assert min(half.std() for half in halves) > 0.5 * max(half.std() for half in halves)


def test_help_names_all_layouts(cli):
    _, out, _ = cli("sign", "--help")
    listed = "".join(out.split())
    assert all(name in listed.replace("│", "") for name in LAYOUT_NAMES)


def test_the_good_lines_of_a_text_in_mixed_encodings_are_signed(cli, tmp_path):
    path = tmp_path / "signs.txt"
    path.write_bytes(f"{FLAT}\n".encode() + b"Stra\xdfe\n" + FIST.encode())
    status, out, err = cli("sign", path, "--output", tmp_path / "out")
    assert (status, len(out.splitlines())) == (3, 2)
    assert f"{path}, line 2: not in UTF-8\n" in err


def test_what_a_terminal_would_obey_in_a_name_is_left_out(cli, tmp_path):
    path = tmp_path / "signs.sigml"
    path.write_text(GESTURAL.replace("HOUSE", "HOU\x9bSE &#10;2"))
    _, out, _ = cli("explain", path)
    assert out.startswith("gloss       HOU SE 2\n")
    with pytest.warns(InputWarning, match="not shown"):
        _, out, err = cli("sign", path, "--output", tmp_path / "out")
    assert "HOU SE 2, " in out
    assert "\x9b" not in out + err


def test_an_encoding_with_an_endless_name_makes_a_short_message(cli, tmp_path, one_line):
    path = tmp_path / "signs.sigml"
    path.write_text(f'<?xml version="1.0" encoding="{"a" * 10_000}"?><sigml/>')
    status, _, err = cli("explain", path)
    assert status == 2
    assert len(one_line(err)) < 500 + len(str(path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "-"], "standard input is closed"),
        (["generate", "--file", "-", "--signed-language", "ase", "--output", "out"], "standard input is closed"),
        (["sign", FLAT, "--output", "-"], "standard output is closed"),
        (
            ["sign", "--file", "signs.csv", "--output", "-"],
            "--file writes a file per sign",
        ),
        (
            ["generate", "--file", "a.txt", "--output", "-"],
            "--file writes a file per text",
        ),
    ],
)
def test_closed_streams_and_files_of_many_results_are_refused(cli, monkeypatch, one_line, arguments, message):
    monkeypatch.setattr(sys, "stdin", None)
    if FLAT in arguments:
        monkeypatch.setattr(sys, "stdout", None)
    status, _, err = cli(*arguments)
    assert status == 2
    assert message in one_line(err)


def test_a_closed_standard_output_is_no_failure(cli, tmp_path, table, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli("sign", FLAT, "--output", tmp_path / "a.pose")[0] == 0
    assert cli("explain", table)[0] == 3
