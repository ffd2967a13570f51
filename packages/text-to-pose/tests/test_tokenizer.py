import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from text_to_pose.tokenizer import CharacterTokenizer, fold

ALPHABETS = {"ase": ["A", "B", "H"], "sgg": ["S", "C", "H", "SCH", "Ä"], "tsm": ["I", "İ"], "gss": ["Σ", "Ο"]}
LETTERS = [(language, letter) for language, letters in ALPHABETS.items() for letter in letters]


@pytest.fixture
def tokenizer():
    return CharacterTokenizer(ALPHABETS)


@pytest.mark.parametrize(("language", "letter"), LETTERS)
def test_detokenize_inverts_tokenize(tokenizer, language, letter):
    text = tokenizer.detokenize(tokenizer.tokenize(letter, language))
    assert text == f"<{language}> {fold(letter, language)}"


def test_no_two_letters_of_a_language_share_their_tokens(tokenizer):
    assert len({tuple(tokenizer.tokenize(letter, language)) for language, letter in LETTERS}) == len(LETTERS)


def test_padding_is_marked_and_dropped(tokenizer):
    ids = [tokenizer.tokenize("A", "ase"), tokenizer.tokenize("SCH", "sgg")]
    tokens, mask = tokenizer.batch(ids)
    assert tokens.shape == mask.shape == (2, 4)
    assert mask.sum(dim=1).tolist() == [2, 4]
    assert tokenizer.detokenize(tokens[0].tolist()) == "<ase> a"


@given(st.lists(st.sampled_from(ALPHABETS["sgg"]), min_size=1, max_size=6))
def test_a_spelled_word_has_the_letters_it_was_written_with(letters):
    spelled = CharacterTokenizer(ALPHABETS).letters(" ".join(letters).lower(), "sgg")
    assert spelled == letters


def test_the_longest_letter_wins(tokenizer):
    assert tokenizer.letters("schs", "sgg") == ["SCH", "S"]


@pytest.mark.parametrize("text", ["Ä", "ä", "A\u0308", "a\u0308"])
def test_composed_and_decomposed_spellings_are_one_letter(tokenizer, text):
    assert tokenizer.letters(text, "sgg") == ["Ä"]


def test_turkish_tells_its_two_letters_i_apart(tokenizer):
    assert tokenizer.letters("iİıI", "tsm") == ["İ", "İ", "I", "I"]


def test_final_sigma_is_sigma(tokenizer):
    assert tokenizer.letters("σος ΟΣ", "gss") == ["Σ", "Ο", "Σ", "Ο", "Σ"]


def test_what_a_language_was_not_taught_is_refused_unless_asked_for(tokenizer):
    with pytest.raises(UserError, match=r"ase was not taught the letter 'S' .*--untaught.*ase knows A B H"):
        tokenizer.letters("as", "ase")
    assert tokenizer.letters("as", "ase", untaught=True) == ["A", "S"]
    assert tokenizer.letters("bhsch", "ase", untaught=True) == ["B", "H", "SCH"]  # its own letters first


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        ("a", "xyz", "unknown signed language 'xyz'; this model knows ase, gss, sgg, tsm"),
        ("", "ase", "the text is empty"),
        ("  \n", "ase", "the text is empty"),
        ("a7", "ase", "not taught the letter '7'; ase knows A B H"),
        ("a\u200b", "ase", r"U\+200B"),
    ],
)
def test_a_text_that_cannot_be_spelled_is_refused_by_name(tokenizer, text, language, message):
    with pytest.raises(UserError, match=message):
        tokenizer.letters(text, language)


def test_an_unknown_character_is_refused_by_name(tokenizer):
    with pytest.raises(UserError, match="no language was taught the character 'Q'"):
        tokenizer.tokenize("Q", "ase")
