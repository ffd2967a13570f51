import io
import sys

import pytest

from pose_core import UserError
from pose_core.notices import InputWarning
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.hamnosys.sources import read_sign_file, read_sources
from text_to_pose.text.hamnosys import hamnosys_text, is_meant_as_notation, is_notation

FIST, FLAT = "hamfist hamextfingeru hampalml", "hamflathand hamextfingeru hampalml hammovei"
SYMBOLS = hamnosys_text(FLAT.split())


@pytest.fixture
def table(tmp_path):
    def write(text, name="signs.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (f"id,hamnosys\n7,{SYMBOLS}\n", "utf-8"),
        (f"Gloss;HamNoSys 4\n7;{FLAT}\n", "utf-8-sig"),
        (f"notation\tgloss\n{SYMBOLS}\t7\n", "utf-16"),
        (f'text,signed as\n7,"{FLAT.replace(" ", ", ")}"\n', "utf-8"),
    ],
)
def test_the_column_is_found_by_name_or_content(table, text, encoding):
    path = table(text, encoding=encoding)
    (sign,) = read_sign_file(path)
    assert sign.gloss == "7"
    assert sign.segments == parse(FLAT).segments
    ((again,),) = (source.signs for source in read_sources([str(path)]))
    assert again == sign


@pytest.mark.parametrize("column", ["old-one", "2"])
def test_a_column_is_named_or_numbered(table, column):
    path = table(f"hamnosys,Old One\n{FLAT},{FIST}\n")
    (sign,) = read_sign_file(path, column)
    assert sign.segments == parse(FIST).segments


def test_of_two_columns_of_notation_the_first_is_read_with_a_notice(table):
    path = table(f"gloss,hamnosys,hamnosys_old\nA,{FLAT},{FIST}\n")
    with pytest.warns(InputWarning, match="hamnosys is read of the columns hamnosys, hamnosys_old; --column names ano"):
        (sign,) = read_sign_file(path)
    assert sign.segments == parse(FLAT).segments


def test_a_sign_is_called_by_the_first_other_column_where_none_is_known(table):
    path = table(f"Glosse;Notation (HamNoSys);Quelle\nHAUS;{FLAT};x\n;{FIST};y\n")
    assert [sign.gloss for sign in read_sign_file(path)] == ["HAUS", "y"]


def test_bad_rows_are_named_by_line_and_spoil_no_other(table):
    path = table(f"gloss,hamnosys\nA,{FIST}\nB,hamfist ham\n\nC,\nD,{'hamfist ' * 130_000}\nE,{FLAT}\n")
    signs = read_sign_file(path)
    assert [sign.gloss for sign in signs] == ["A", "B", "C", "D", "E"]
    assert [isinstance(sign, BadSign) for sign in signs] == [False, True, True, True, False]
    messages = [str(sign.error) for sign in signs if isinstance(sign, BadSign)]
    assert messages[0] == f"{path}, line 3: symbol 2, 'ham' at character 9, is no name of a HamNoSys symbol"
    assert messages[1] == f"{path}, line 5: there is no HamNoSys: the text is empty"
    assert messages[2].startswith(f"{path}, line 6: 1,039,999 characters are no sign")


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", None, "the file is empty"),
        ("gloss,hamnosys\n", None, "has no row below its header"),
        (f"{SYMBOLS},a\n{SYMBOLS},b\n", None, "has no header"),
        (f"{FIST}\n", None, "has no header"),
        ("gloss,notes\na,b\n", None, "no column holds HamNoSys; its columns are gloss, notes; name one with --column"),
        (f"gloss,hamnosys\na,{FIST}\n", "sign", "has no column sign; its columns are gloss, hamnosys"),
        (f"gloss,hamnosys\na,{FIST}\n", "3", "has no column 3; its columns are gloss, hamnosys"),
    ],
)
def test_a_table_without_notation_is_refused_with_its_cure(table, text, column, message):
    path = table(text)
    with pytest.raises(UserError) as error:
        read_sign_file(path, column)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_text_file_has_a_sign_per_line(table):
    path = table(f"{FIST}\n\n{SYMBOLS}\nhello\n", "signs.txt")
    first, second, third = read_sign_file(path)
    assert [first, second] == [parse(FIST), parse(FLAT)]
    assert str(third.error).startswith(f"{path}, line 4: 'h' (U+0068) at character 1 is no HamNoSys symbol")
    with pytest.raises(UserError, match="--column names a column of a table"):
        read_sign_file(path, "hamnosys")
    with pytest.raises(UserError, match="the file is empty"):
        read_sign_file(table("\n \n", "none.txt"))


def test_sigml_is_known_by_its_first_character(table):
    path = table('<sigml><hns_sign gloss="A"><hamnosys_manual><hamfist/></hamnosys_manual></hns_sign></sigml>', "a.txt")
    (sign,) = read_sign_file(path)
    assert sign.gloss == "A"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(SYMBOLS, True), (FIST, True), (" hamfist, hampalml", True), ("hamburg", False), ("hamster", False), ("", False)],
)
def test_what_is_notation(text, expected):
    assert is_notation(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FIST, True),
        ("hamneckk", True),
        ("hamflathnd", True),
        ("hamfoo hamfist", True),
        ("hamfoo hambar", True),
        ("hamburger", False),
        ("hamster", False),
        ("ham", False),
        ("Hamlet hamburg", False),
        ("", False),
    ],
)
def test_what_would_be_notation_without_a_typo(text, expected):
    assert is_meant_as_notation(text) is expected


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "signs"
    (folder / "more").mkdir(parents=True)
    (folder / "a.txt").write_text(FIST)
    (folder / "more" / "b.csv").write_text(f"gloss,hamnosys\nB,{FLAT}\nC,{FIST}\n")
    return folder


def test_folders_and_patterns_are_searched_for_signs(folder):
    for given in (str(folder), f"{folder}/**/*.*"):
        sources = read_sources([given])
        assert [len(source.signs) for source in sources] == [1, 2]
        assert [source.file.path.name for source in sources] == ["a.txt", "b.csv"]
    first, second = read_sources([FLAT, str(folder / "a.txt")])
    assert (first.file, first.signs) == (None, [parse(FLAT)])
    assert second.signs == [parse(FIST)]


def test_a_file_that_cannot_be_read_spoils_no_other(folder):
    missing = folder / "c.sigml"
    sources = read_sources([str(folder), str(missing)])
    assert str(sources[-1].signs[0].error) == f"{missing}: no such file"
    with pytest.raises(UserError, match=r"c\.sigml: no such file"):
        read_sources([str(missing)])
    with pytest.raises(UserError, match="no file matches"):
        read_sources([f"{folder}/*.sigml"])
    with pytest.raises(UserError, match="standard input stands alone"):
        read_sources(["-", str(folder)])
    with pytest.raises(UserError, match="--column names a column of a table, and no table is given"):
        read_sources([FLAT], "hamnosys")


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (f"gloss,hamnosys\nA,{FLAT}\nB,{FIST}\n", 2),
        (f"notation\tgloss\n{SYMBOLS}\tA\n", 1),
        (f"hamnosys\n{SYMBOLS}\n", 1),
        (f"{FLAT.replace(' ', ', ')}\n{FIST}\nhello\n", 3),
        ('<sigml><hns_sign gloss="A"><hamnosys_manual><hamfist/></hamnosys_manual></hns_sign></sigml>', 1),
    ],
)
def test_standard_input_is_known_by_its_beginning(monkeypatch, data, count):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    (source,) = read_sources(["-"])
    assert len(source.signs) == count
    bad = [str(sign.error) for sign in source.signs if isinstance(sign, BadSign)]
    assert all(error.startswith("standard input, line 3: ") for error in bad)
