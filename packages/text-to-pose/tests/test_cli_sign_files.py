"""`text-to-pose sign` of files and folders: a clip for each good sign, and a line for each bad one."""

import re

import pytest

from pose_core.notices import InputWarning

FLAT = "hamflathand hamextfingeru hampalml hammovei"
FIST = "hamfist hamextfingerol hampalmd hammoved"
GESTURAL = """<sigml><hamgestural_sign gloss="HOUSE">
<sign_nonmanual><head_tier><head_movement movement="NO"/></head_tier></sign_nonmanual>
<sign_manual><handconfig handshape="fist"/><handconfig extfidir="u"/><handconfig palmor="l"/>
<directedmotion direction="d"/></sign_manual></hamgestural_sign>
<hamgestural_sign gloss="BAD"><sign_manual><story/></sign_manual></hamgestural_sign></sigml>"""


def test_a_file_of_signs_makes_the_good_ones_and_lists_the_bad(cli, tmp_path, one_line):
    table, folder = tmp_path / "signs.csv", tmp_path / "out"
    table.write_text(f"gloss,hamnosys\nDON'T KNOW,{FLAT}\nBAD,hamflathand hamparbegin hammovei\n,{FIST}\n")
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


def test_a_folder_of_files_becomes_a_folder_of_clips(cli, tmp_path):
    signs = tmp_path / "signs"
    (signs / "more").mkdir(parents=True)
    (signs / "house.txt").write_text(FLAT)
    (signs / "more" / "two.csv").write_text(f"gloss,hamnosys\nA,{FLAT}\nB,{FIST}\n")
    (signs / "broken.sigml").write_text("<sigml>")
    made = ["house.pose", "more/two/001-A.pose", "more/two/002-B.pose"]
    for out, arguments in ((tmp_path / "0", [signs]), (tmp_path / "1", ["--file", signs])):
        status, _, err = cli("sign", *arguments, "--output", out)
        assert status == 3
        assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.pose")) == made
        assert f"{signs / 'broken.sigml'}, line 1: not well-formed XML" in err
        assert "1 of 4 signs failed; all others are done" in err
    status, _, err = cli("sign", "--file", signs / "house.txt", "--file", signs, "--output", tmp_path / "2")
    assert (status, "would both become" in err) == (2, True)
    status, _, err = cli("sign", signs, "--output", tmp_path / "0", "--skip-existing")
    assert "3 of 4 left out: their outputs exist" in err
    (signs / "broken.sigml").unlink()
    status, _, err = cli("sign", signs, "--output", tmp_path / "0", "--skip-existing")
    assert status == 0
    assert "3 of 3 left out: their outputs exist; nothing is left to do" in err
    status, out, _ = cli("sign", signs, "--output", tmp_path / "row.pose")
    assert (status, "3 signs, " in out) == (0, True)


def test_the_good_lines_of_a_text_in_mixed_encodings_are_signed(cli, tmp_path):
    path = tmp_path / "signs.txt"
    path.write_bytes(f"{FLAT}\n".encode() + b"Stra\xdfe\n" + FIST.encode())
    status, out, err = cli("sign", path, "--output", tmp_path / "out")
    assert (status, len(out.splitlines())) == (3, 2)
    assert f"{path}, line 2: not in UTF-8\n" in err


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


def test_what_a_terminal_would_obey_in_a_name_is_left_out(cli, tmp_path):
    path = tmp_path / "signs.sigml"
    path.write_text(GESTURAL.replace("HOUSE", "HOU\x9bSE &#10;2"))
    _, out, _ = cli("explain", path)
    assert out.startswith("gloss       HOU SE 2\n")
    with pytest.warns(InputWarning, match="not shown"):
        _, out, err = cli("sign", path, "--output", tmp_path / "out")
    assert "HOU SE 2, " in out
    assert "\x9b" not in out + err


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


def test_an_encoding_with_an_endless_name_makes_a_short_message(cli, tmp_path, one_line):
    path = tmp_path / "signs.sigml"
    path.write_text(f'<?xml version="1.0" encoding="{"a" * 10_000}"?><sigml/>')
    status, _, err = cli("explain", path)
    assert status == 2
    assert len(one_line(err)) < 500 + len(str(path))
