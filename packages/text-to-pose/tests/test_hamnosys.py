import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from text_to_pose.text.hamnosys import hamnosys_text, hamnosys_tokens, hamnosys_vocabulary, is_hamnosys

VOCABULARY = hamnosys_vocabulary()


@given(st.lists(st.sampled_from(VOCABULARY)))
def test_text_and_tokens_invert_each_other(tokens):
    text = hamnosys_text(tokens)
    assert len(text) == len(tokens)
    assert hamnosys_tokens(text) == tokens


def test_no_two_symbols_share_a_name():
    assert len(set(VOCABULARY)) == len(VOCABULARY) == len(set(hamnosys_text(VOCABULARY)))


def test_every_real_sign_comes_back_exactly(signs):
    assert len(signs) == 5752
    for sign in signs:
        assert hamnosys_text(hamnosys_tokens(sign["hamnosys"])) == sign["hamnosys"], sign["id"]
        assert is_hamnosys(sign["hamnosys"]), sign["id"]


def test_names_are_those_of_the_list(signs):
    named = [sign for sign in signs if sign["symbols"] not in {"", "None"}]
    assert named
    for sign in named:
        assert hamnosys_tokens(sign["hamnosys"]) == sign["symbols"].split(), sign["id"]


@pytest.mark.parametrize(
    ("character", "name"), [("\ue006", "hampinch12"), ("{", "hamaltbegin"), ("|", "hammetaalt"), (" ", "hamspace")]
)
def test_a_symbol_has_its_name(character, name):
    assert hamnosys_tokens(character) == [name]


def test_only_private_use_characters_of_the_table_tell_hamnosys():
    assert is_hamnosys("a" + hamnosys_text(["hamfist"]))
    assert not is_hamnosys("")
    assert not is_hamnosys("{Hello, world|!}")
    assert not is_hamnosys("\uf8ff")


def test_an_unknown_character_is_named_with_its_place():
    text = hamnosys_text(["hamfist", "hampalml"])
    with pytest.raises(UserError, match=r"'x' \(U\+0078\) at character 3 is no HamNoSys symbol"):
        hamnosys_tokens(text + "x")
    with pytest.raises(UserError, match=r"'\\uf8ff' \(U\+F8FF\) at character 1"):
        hamnosys_tokens("\uf8ff" + text)


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match=r"token 2 is 'hamfoot'"):
        hamnosys_text(["hamfist", "hamfoot"])
