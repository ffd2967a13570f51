from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signwriting.formats.fsw_to_swu import fsw2swu

from pose_core import UserError
from pose_core.data import Clip
from pose_core.notices import InputWarning
from text_to_pose.config import TextConfig
from text_to_pose.data.texts import text_config
from text_to_pose.text.hamnosys import hamnosys_text
from text_to_pose.text.letters import fold, listed
from text_to_pose.text.signwriting import fingerspelled, letter_symbols
from text_to_pose.text.spelling import WORD_SPACE
from text_to_pose.text.tokenizer import NONE, TextBatch, TextTokenizer, Tokens, find_kind

ALPHABETS = {"ase": ["A", "B", "H"], "sgg": ["S", "C", "H", "SCH", "Ä"], "tsm": ["I", "İ"], "gss": ["Σ", "Ο"]}
LETTERS = [(language, letter) for language, letters in ALPHABETS.items() for letter in letters]


def clip(text, signed_language="gsg"):
    return Clip(Path("a.pose"), text, signed_language, "train")


@pytest.fixture
def tokenizer():
    return TextTokenizer(TextConfig(alphabets=ALPHABETS))


@pytest.mark.parametrize(("language", "letter"), LETTERS)
def test_detokenize_inverts_tokenize(tokenizer, language, letter):
    assert tokenizer.detokenize(tokenizer.tokenize(letter, language)) == f"<{language}> {fold(letter, language)}"


def test_letters_are_listed_in_capitals_whichever_case_the_data_writes(tokenizer):
    assert listed(["ä", "ß", "B", "A", "T", "S"], "gsg") == ["A", "Ä", "B", "S", "ẞ", "T"]
    assert listed(["ẞ", "T", "bb", "Ch"], "asq") == ["BB", "CH", "ẞ", "T"]
    assert listed(["i", "ı"], "tsm") == ["i", "I"], "I is the capital of the dotless one"
    written = TextTokenizer(TextConfig(alphabets={"gsg": ["ä", "ß"]}))
    for letter in ("ä", "Ä", "ß", "ẞ"):
        assert written.spell(letter, "gsg") == [fold(letter, "gsg")]
    with pytest.raises(UserError, match="gsg knows Ä ẞ$"):
        written.spell("x", "gsg")


def test_no_two_letters_of_a_language_share_their_tokens(tokenizer):
    tokens = [tokenizer.tokenize(letter, language) for language, letter in LETTERS]
    assert len({(*text.ids, text.language, text.letter) for text in tokens}) == len(LETTERS)


def test_text_batch_mask_is_false_where_padded():
    tokenizer = TextTokenizer(text_config([clip("kurz"), clip("ein langer Text")], "characters"))
    batch = TextBatch.of([tokenizer.tokenize(text, "gsg") for text in ("kurz", "ein langer text")])
    assert batch.ids.shape == (2, 16)
    assert batch.mask.sum(dim=1).tolist() == [5, 16]
    row = Tokens(batch.ids[0].tolist(), 0)
    assert tokenizer.detokenize(row) == "<gsg> kurz"


def test_no_text_has_a_token(tokenizer):
    tokens = tokenizer.tokenize(None, "")
    assert tokenizer.detokenize(tokens) == "<nothing>"
    assert (tokens.language, tokens.letter) == (NONE, NONE)


def test_letters_have_signwriting_tokens_if_all_are_known():
    tokenizer = TextTokenizer(text_config([clip("A", "ase"), clip("B", "ase"), clip("A", "asq")], "letters"))
    written = [tokenizer.vocabulary[i] for i in tokenizer.tokenize("a", "ase").ids]
    assert written == ["<ase>", *letter_symbols("A", "ase")]
    assert len(written) == 4  # hand, fill, rotation
    assert len(tokenizer.tokenize("a", "ase", signwriting=False).ids) == 1
    assert len(tokenizer.tokenize("a", "asq").ids) == 1  # the library has no alphabet of asq
    alone = tokenizer.tokenize(fingerspelled("A", "ase"), "asq")
    assert (alone.ids[1:], alone.letter) == (tokenizer.tokenize("a", "ase").ids[1:], NONE)
    with pytest.raises(UserError, match="has no symbol 'S"):
        tokenizer.tokenize(fingerspelled("Y", "ase"), "ase")


def test_units_are_letters_or_signs_or_the_whole_text(tokenizer):
    assert tokenizer.units("ab", "ase") == ["A", "B"]
    letters = TextTokenizer(text_config([clip("A", "ase")], "letters"))
    sign = fingerspelled("A", "ase")
    assert letters.units(f"{sign} {sign}", "ase") == [sign, sign]
    assert letters.units(fsw2swu(sign), "ase") == [sign]
    whole = TextTokenizer(text_config([clip("guten tag")], "characters"))
    assert whole.units(" Tag ", "gsg") == ["Tag"]
    with pytest.raises(UserError, match="has no character 'X'"):
        whole.units("xx", "gsg")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["A", "SCH", "A\u0308"], "letters"),
        (["Guten Tag", "A"], "characters"),
        ([hamnosys_text(["hamfist", "hamextfingeru"])], "hamnosys"),
        (["M507x507S1f720487x492"], "signwriting"),
    ],
)
def test_find_kind_detects_letters_and_notations(texts, kind):
    assert find_kind(texts) == kind
    assert text_config([clip(text) for text in texts], "auto").kind == kind


@pytest.mark.parametrize("kind", ["hamnosys", "signwriting"])
def test_a_notation_is_detokenized_exactly(kind):
    text = {"hamnosys": hamnosys_text(["hamflathand", "hamextfingeru"]), "signwriting": "M507x507S1f720487x492"}[kind]
    tokenizer = TextTokenizer(text_config([clip(text)], "auto"))
    assert tokenizer.detokenize(tokenizer.tokenize(text, "gsg")) == f"<gsg> {text}"


def test_a_model_of_hamnosys_takes_names_of_symbols():
    names = ["hamflathand", "hamextfingeru", "hampalml"]
    text = hamnosys_text(names)
    tokenizer = TextTokenizer(text_config([clip(text)], "auto"))
    for given_as in (" ".join(names), ", ".join(names)):
        assert tokenizer.tokenize(given_as, "gsg") == tokenizer.tokenize(text, "gsg")
        assert tokenizer.units(given_as, "gsg") == [given_as]
    with pytest.raises(UserError, match=r"symbol 2, 'hamneckk' at character 9, is .* did you mean hamneck\?"):
        tokenizer.tokenize("hamfist hamneckk", "gsg")


@given(st.lists(st.sampled_from(ALPHABETS["sgg"]), min_size=1, max_size=6))
def test_a_spelled_word_has_the_letters_it_was_written_with(letters):
    spelled = TextTokenizer(TextConfig(alphabets=ALPHABETS)).spell(" ".join(letters).lower(), "sgg")
    assert spelled[::2] == letters
    assert set(spelled[1::2]) <= {WORD_SPACE}


def test_spell_prefers_the_longest_letter(tokenizer):
    assert tokenizer.spell("schs", "sgg") == ["SCH", "S"]


@pytest.mark.parametrize("text", ["Ä", "ä", "A\u0308", "a\u0308"])
def test_composed_and_decomposed_spellings_are_one_letter(tokenizer, text):
    assert tokenizer.spell(text, "sgg") == ["Ä"]


def test_fold_distinguishes_turkish_dotted_and_dotless_i(tokenizer):
    assert tokenizer.spell("iİıI", "tsm") == ["İ", "İ", "I", "I"]


def test_fold_maps_final_sigma_to_sigma(tokenizer):
    assert tokenizer.spell("σος ΟΣ", "gss") == ["Σ", "Ο", "Σ", WORD_SPACE, "Ο", "Σ"]
    with pytest.warns(InputWarning, match="spelled with other letters: 'Ό'.* as Ο"):
        assert tokenizer.spell("Όσός", "gss") == ["Ο", "Σ", "Ο", "Σ"]


def test_spell_borrows_letters_only_if_asked(tokenizer):
    with pytest.raises(UserError, match=r"ase has no letter 'S' .*--borrow-letters.*ase knows A B H"):
        tokenizer.spell("as", "ase")
    assert tokenizer.spell("as", "ase", borrow_letters=True) == ["A", "S"]
    assert tokenizer.spell("bhsch", "ase", borrow_letters=True) == ["B", "H", "SCH"]  # its own letters first


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        ("a", "xyz", "unknown signed language 'xyz'; this model knows ase, gss, sgg, tsm"),
        ("", "ase", "the text is empty"),
        ("  \n", "ase", "the text is empty"),
        ("a7", "ase", "has no letter '7'; ase knows A B H"),
        ("a\u200b", "ase", r"U\+200B"),
    ],
)
def test_a_text_that_cannot_be_spelled_is_refused_by_name(tokenizer, text, language, message):
    with pytest.raises(UserError, match=message):
        tokenizer.units(text, language)


def test_spell_names_all_missing_letters_at_once(tokenizer):
    with pytest.raises(UserError) as refused:
        tokenizer.spell("xAsïß7s", "ase")
    assert str(refused.value) == (
        "ase has no letters 'X', 'S', 'Ï' (U+00CF), 'ß' (U+00DF), '7' "
        "(other languages have 'S': --borrow-letters signs it as they do; --borrow-letters signs 'Ï' (U+00CF) as I, "
        "'ß' (U+00DF) as SS); "
        "ase knows A B H"
    )
    with pytest.raises(UserError, match="has no letters 'X', '7'; ase knows"):
        tokenizer.spell("xas7", "ase", borrow_letters=True)
    characters = TextTokenizer(text_config([clip("guten tag")], "characters"))
    with pytest.raises(UserError, match="has no characters 'X', 'Y'$"):
        characters.units("xyx", "gsg")


@pytest.mark.parametrize(
    ("text", "borrow", "letters", "notice"),
    [
        ("a, b!", False, "AB", "left out, being no letters: , !"),
        ("👋🏽 a", False, "A", "left out, being no letters: 👋 🏽"),
        ("\uff21b", False, "AB", "'Ａ' (U+FF21) as A"),  # of full width
        ("bïß", True, "BISS", "spelled with other letters: 'Ï' (U+00CF) as I, 'ß' (U+00DF) as SS"),
        ("b\u0640a", False, "BA", "left out, being no letters: \u0640"),  # Arabic tatweel
    ],
)
def test_spell_warns_of_left_out_and_replaced_characters(tokenizer, text, borrow, letters, notice):
    with pytest.warns(InputWarning) as said:
        assert "".join(tokenizer.spell(text, "ase", borrow_letters=borrow)).replace(" ", "") == letters
    assert [notice in str(each.message) for each in said] == [True]


def test_a_text_of_punctuation_alone_is_refused(tokenizer):
    with pytest.raises(UserError, match="'!\\?' has no letter to spell"):
        tokenizer.units("!?", "ase")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("ASL", "unknown signed language 'ASL'; did you mean ase (American Sign Language)? this model knows ase, gss"),
        ("ASE", "did you mean ase"),
        ("Swiss-German Sign Language", "did you mean sgg"),
        ("Amercan", "did you mean ase"),
        ("BSL", "unknown signed language 'BSL' (bfi, British Sign Language); this model knows ase"),
        ("bfi", "unknown signed language 'bfi' (British Sign Language); this model knows ase"),
        ("en", "unknown signed language 'en'; this model knows ase"),
    ],
)
def test_unknown_language_names_get_a_suggestion(tokenizer, written, hint):
    with pytest.raises(UserError) as refused:
        tokenizer.check_language(written)
    assert hint in str(refused.value)


def test_an_unknown_letter_is_refused_by_name(tokenizer):
    with pytest.raises(UserError, match="no language has a letter 'Q'"):
        tokenizer.tokenize("Q", "ase")


@pytest.mark.filterwarnings("ignore")
def test_a_word_of_punctuation_makes_no_second_pause(tokenizer):
    assert tokenizer.spell("a - b -", "ase") == ["A", WORD_SPACE, "B"]
