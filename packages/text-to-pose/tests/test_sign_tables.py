import pytest

from pose_core import UserError
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.reader import BadSign
from text_to_pose.hamnosys.sign_tables import is_notation
from text_to_pose.hamnosys.sources import read_sign_file, read_signs
from text_to_pose.text.hamnosys import hamnosys_text

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
    assert read_signs(str(path)) == [sign]


def test_a_named_column_wins(table):
    path = table(f"hamnosys,Old One\n{FLAT},{FIST}\n")
    (sign,) = read_sign_file(path, "old-one")
    assert sign.segments == parse(FIST).segments


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
