"""Key postures: what the rules say of each symbol, as numbers."""

import numpy as np
import pytest

from pose_core import UserError
from text_to_pose.data.posture_table import work_out
from text_to_pose.hamnosys.handshapes import BaseShape, Form, Handshape
from text_to_pose.hamnosys.parser import parse, parse_parts
from text_to_pose.signing import key_postures as module
from text_to_pose.signing.hands.hand import handshape_angles
from text_to_pose.signing.key_postures import SIZE, key_postures
from text_to_pose.signing.signer import sign
from text_to_pose.text.hamnosys import hamnosys_text

RIGHT = slice(19, 58)
LEFT = slice(58, SIZE)
WRIST, ANGLES = slice(0, 3), slice(9, 30)
MOVED = "hamflathand hamextfingeru hampalml hammover hamreplace hamfist"


def rows(text):
    return key_postures(text).astype(np.float64)


def test_each_symbol_that_begins_something_has_the_posture_it_ends_in():
    found = rows(MOVED)
    assert found.shape == (7, SIZE)
    assert found[:, 0].tolist() == [1, 1, 0, 0, 1, 1, 0]
    first, moved, changed = found[1, RIGHT], found[4, RIGHT], found[5, RIGHT]
    assert first[0] - moved[0] > 0.2  # to the signer's right, where x is negative
    np.testing.assert_allclose(moved[1:3], first[1:3], atol=0.02)
    for hand, form in ((moved, Form.FLAT), (changed, Form.FIST)):
        angles = handshape_angles(Handshape(BaseShape(form)))
        np.testing.assert_allclose(hand[ANGLES], angles, atol=2e-3)
    on_the_way = moved[30:].reshape(3, 3)[:, 0]
    assert (np.diff([first[0], *on_the_way, moved[0]]) < 0).all()


def test_its_times_are_those_of_the_signed_clip():
    found = rows(MOVED)
    begin, end = found[[1, 4, 5], 1], found[[1, 4, 5], 2]
    assert (end > begin).all()
    np.testing.assert_allclose(begin[1:], end[:-1], atol=2e-3)  # one after the other
    frames = len(sign([parse(MOVED)]).sequence)
    assert abs(found[0, 2] * 25 - frames) < 2
    shares = end / found[0, 2]
    np.testing.assert_allclose(found[[1, 4, 5], 11], np.sin(np.pi * shares), atol=5e-3)


def test_symmetry_tells_both_hands():
    found = rows("hamsymmlr hamflathand hamextfingeru hampalml hammoveu")
    right, left = found[5, RIGHT], found[5, LEFT]
    np.testing.assert_allclose(left[WRIST], right[WRIST] * [-1, 1, 1], atol=5e-3)
    one = rows("hamflathand hamextfingeru hampalml hammoveu")
    assert one[4, LEFT][1] < -1.5  # hangs at the side


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hamfist hamextfingeru hampalml hamchest hamtouch hammover hamrepeatfromstart", [1, 6, 7]),
        ("hamfist hamextfingeru hampalml hamparbegin hammover hamreplace hamflathand hamparend", [1, 4, 5, 6]),
        ("hamfist hamextfingeru hampalml hammover hamchin hamtouch", [1, 4, 5]),
        ("hamfist hamextfingeru hampalml hamplus hamflathand hamextfingero hampalmd", [1, 5]),
    ],
)
def test_brackets_targets_repetitions_and_segments_have_their_own(text, told):
    assert np.flatnonzero(rows(text)[:, 0])[1:].tolist() == told
    symbols = hamnosys_text(text.split())
    np.testing.assert_array_equal(key_postures(symbols), key_postures(text))


def test_parts_are_placed_by_their_symbols_blanks_counted():
    tree, parts = parse_parts(hamnosys_text(["hamspace", *MOVED.split()]))
    assert tree == parse(MOVED)
    assert [number for number, _ in parts] == [5, 6, 2]


def test_a_table_is_worked_out_once_and_read_again(tmp_path, monkeypatch):
    texts = [MOVED, "hamfist hamextfingeru hampalml"]
    expected = [key_postures(text) for text in texts]
    monkeypatch.setattr(module, "_known", {})
    work_out(texts, tmp_path / "table.npz")
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setattr(module, "_worked_out", None)  # it is not worked out again
    work_out(texts, tmp_path / "table.npz")
    for text, rows_of_it in zip(texts, expected, strict=True):
        np.testing.assert_array_equal(key_postures(text), rows_of_it)


def test_what_is_no_sign_is_refused_by_its_symbol():
    with pytest.raises(UserError, match="expected a handshape"):
        key_postures("hammover")
