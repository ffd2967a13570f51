import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signwriting.fingerspelling.fingerspelling import get_chars, variant_signs
from signwriting.formats.fsw_to_swu import fsw2swu

from pose_core import UserError
from text_to_pose.text.signwriting import (
    fingerspelled,
    is_signwriting,
    signwriting_text,
    signwriting_tokens,
    signwriting_vocabulary,
    to_fsw,
)

SIGN = "M518x518S14c20482x483"
TOKENS = ["M", "p518", "p518", "S14c", "c2", "r0", "p482", "p483"]
SORT = "AS14c20S38b07"
MARK = "S38800464x496"  # a full stop, of no box

numbers = st.integers(250, 749)
places = st.builds("{}x{}".format, numbers, numbers)
symbols = st.builds("S{:03x}{}{:x}".format, st.integers(0x100, 0x38B), st.integers(0, 5), st.integers(0, 15))
boxes = st.builds("{}{}".format, st.sampled_from("BLMR"), places)
signs = st.builds("{}{}".format, boxes, st.lists(st.builds("{}{}".format, symbols, places), max_size=4).map("".join))
prefixes = st.lists(symbols, max_size=3).map(lambda order: "".join(["A", *order]) if order else "")
texts = st.lists(signs, min_size=1, max_size=4).map(" ".join)
sorted_texts = st.lists(st.builds("{}{}".format, prefixes, signs), min_size=1, max_size=4).map(" ".join)


def test_the_tokens_of_a_sign():
    assert signwriting_tokens(SIGN) == TOKENS
    assert signwriting_text(TOKENS) == SIGN


@given(texts)
def test_text_comes_back_from_its_tokens(text):
    tokens = signwriting_tokens(text)
    assert set(tokens) <= set(signwriting_vocabulary())
    assert signwriting_text(tokens) == text
    assert signwriting_tokens(signwriting_text(tokens)) == tokens


@given(sorted_texts)
def test_fsw_and_swu_give_the_same_tokens(text):
    assert is_signwriting(text)
    assert to_fsw(text) == text
    swu = fsw2swu(text)
    assert is_signwriting(swu)
    assert to_fsw(swu) == to_fsw(swu.replace(" ", "")) == text
    assert signwriting_tokens(swu) == signwriting_tokens(text)


def test_signs_need_no_blank_between_them():
    assert to_fsw(f"{SIGN}{SORT}{SIGN}\n {MARK}") == f"{SIGN} {SORT}{SIGN} {MARK}"


def test_tokens_do_not_keep_the_sort_prefix():
    assert signwriting_tokens(f"{SORT}{SIGN} {SORT}{SIGN}") == TOKENS * 2
    assert signwriting_text([]) == ""


def test_tokens_box_a_punctuation_mark():
    assert to_fsw(fsw2swu(MARK)) == MARK
    assert signwriting_text(signwriting_tokens(f"{SIGN} {MARK}")) == f"{SIGN} M500x500{MARK}"


def test_the_vocabulary_has_no_double_and_no_padding():
    vocabulary = signwriting_vocabulary()
    assert len(set(vocabulary)) == len(vocabulary)
    assert not any(token.startswith("[") for token in vocabulary)


@pytest.mark.parametrize(
    "text", [SIGN, f" {SIGN}", SORT + SIGN, MARK, fsw2swu(SIGN), "M518x518S14c", "AS14c20", "\U0001d803"]
)
def test_is_signwriting_accepts_malformed_signs(text):
    assert is_signwriting(text)


@pytest.mark.parametrize("text", ["", "A", "M", "SCH", "AS", "MAX 518x518", "S14c20", "M518", "\ue000", "ﾞ"])
def test_is_signwriting_refuses_other_texts(text):
    assert not is_signwriting(text)


@pytest.mark.parametrize(
    ("text", "position", "found"),
    [
        ("hello", 1, "'hello'"),
        ("M518", 2, "'518'"),
        ("M518x518S14c20", 15, "the text ends"),
        ("M518x518S14c20482x9", 15, "'482x9'"),
        ("M518x518S14C20482x483", 9, "'S14C20482x'"),
        ("M518x518S38c00482x483", 9, "'S38c00482x'"),
        ("M518x518S14c60482x483", 9, "'S14c60482x'"),
        ("M123x518", 2, "'123x518'"),
        ("M518x750", 2, "'518x750'"),
        (f"{SIGN} M518x518x", 31, "'x'"),
        (f"{SIGN}{SIGN}482", 43, "'482'"),
        (f"{SORT} {SIGN}", 14, r"' M518x518S'"),
        ("S14c20482x483", 1, "'S14c20482x'"),
        ("A" + SIGN, 2, "'M518x518S1'"),
        (fsw2swu(SIGN)[:-1], 5, ""),
        (fsw2swu(SIGN) + "a", 7, "'a'"),
        (f"{fsw2swu(SIGN)} {SIGN}", 8, "'M518x518S1'"),
    ],
)
def test_malformed_signs_are_refused_with_their_position(text, position, found):
    for read in (to_fsw, signwriting_tokens):
        with pytest.raises(UserError) as error:
            read(text)
        assert f"malformed SignWriting at character {position} ({found}" in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "  "])
def test_no_sign_is_an_error(text):
    with pytest.raises(UserError, match="the text is empty"):
        to_fsw(text)


@given(st.text("ABLMRSabcx0123456789 \U0001d800\U0001d803\U0001d900\U00040001\U0004f480", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        fsw = to_fsw(text)
    except UserError:
        return
    assert to_fsw(fsw) == fsw


@pytest.mark.parametrize("token", ["x", "p123", "p750", "S38c", "[PAD]", ""])
def test_an_unknown_token_is_refused(token):
    with pytest.raises(UserError, match=r"^token 9 is "):
        signwriting_text([*TOKENS, token])


@pytest.mark.parametrize(
    ("tokens", "number"),
    [
        (TOKENS[:-1], 4),
        (TOKENS[3:], 1),
        ([*TOKENS, "r0"], 9),
        (TOKENS[:5] + TOKENS[6:], 4),  # the library would write rotation 0 here
        ([*TOKENS, "M", "p500"], 9),
    ],
)
def test_tokens_that_are_no_signs_are_refused(tokens, number):
    with pytest.raises(UserError, match=f"the tokens from number {number} on"):
        signwriting_text(tokens)


@pytest.mark.parametrize("language", ["ase", "gsg"])
def test_every_letter_of_a_table_is_spelled_in_its_first_variant(language):
    for letter, variants in get_chars(language).items():
        sign = variant_signs(variants)[0]
        assert fingerspelled(letter, language) == sign
        assert letter == "ß" or fingerspelled(letter.upper(), language) == sign  # whose upper case is two letters
        assert to_fsw(sign) == sign
        assert signwriting_text(signwriting_tokens(sign)) == sign


def first(letter, language):
    return variant_signs(get_chars(language)[letter])[0]


def test_composed_and_decomposed_spellings_are_one_letter():
    assert fingerspelled("A\u0308", "gsg") == fingerspelled("ä", "gsg") == first("ä", "gsg")
    assert fingerspelled("SCH", "gsg") == first("sch", "gsg")
    assert fingerspelled("ς", "gss") == fingerspelled("Σ", "gss") == first("σ", "gss")


@pytest.mark.parametrize(
    ("letter", "language"), [("é", "ase"), ("bb", "ase"), ("ll", "ase"), ("sch", "ase"), ("öö", "gsg"), ("", "ase")]
)
def test_a_letter_the_table_lacks_has_no_sign(letter, language):
    assert fingerspelled(letter, language) is None


@pytest.mark.parametrize("language", ["tsm", "xxx", "", "en-us-ase-asl", "../data/ase"])
def test_a_language_without_a_table_has_no_signs(language):
    assert fingerspelled("a", language) is None


def test_notations_import_neither_torch_nor_the_library():
    code = "import sys, text_to_pose.text.hamnosys as h, text_to_pose.text.signwriting; h.hamnosys_vocabulary(); "
    code += "print([m for m in ('torch', 'PIL', 'regex', 'signwriting') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
