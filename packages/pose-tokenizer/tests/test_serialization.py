import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.transforms import Placement
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.files.serialization import from_integers, from_json, from_text, to_integers, to_json, to_text
from pose_tokenizer.files.token_file import PoseTokens, TokenHeader

PLACEMENT = Placement(center=(250.25, 200.5), scale=120.125, size=(500, 400, 0))
CODES = np.array([[3, 0, 11], [-1, -1, -1], [5, -1, -1]], np.int32)
INTEGERS = [3, 12, 35, 36, 5]


@pytest.fixture(scope="module")
def tokens(lively):
    header = TokenHeader("lively", lively.hash, 3, 12, 4, 14, 2, 29.97, PLACEMENT)
    return PoseTokens(header, CODES)


def some_codes(num_quantizers, codebook_size):
    block = st.lists(st.integers(0, codebook_size - 1), max_size=num_quantizers)
    filled = block.map(lambda codes: codes + [NO_CODE] * (num_quantizers - len(codes)))
    return st.lists(filled, max_size=9).map(lambda rows: np.array(rows, np.int32).reshape(-1, num_quantizers))


@given(st.data(), st.integers(1, 20), st.integers(2, 65536))
def test_integers_give_back_the_codes_they_came_from(data, num_quantizers, codebook_size):
    codes = data.draw(some_codes(num_quantizers, codebook_size))
    integers = to_integers(codes, codebook_size)
    np.testing.assert_array_equal(from_integers(integers, num_quantizers, codebook_size), codes)
    begun = [i for i in integers if i < codebook_size or i == num_quantizers * codebook_size]
    assert len(begun) == len(codes)
    assert all(0 <= i <= num_quantizers * codebook_size for i in integers)


def test_integers_of_a_small_example():
    assert to_integers(CODES, 12) == INTEGERS
    assert to_integers(CODES[:0], 12) == []
    np.testing.assert_array_equal(from_integers(INTEGERS, 3, 12), CODES)


@pytest.mark.parametrize(
    ("integers", "message"),
    [
        ([3, 37], "token 2 is 37; tokens of this model are 0 to 36"),
        ([-1], "token 1 is -1; tokens of this model are 0 to 36"),
        ([12], "token 1 is 12; the one before it has to be one of 0 to 11"),
        ([3, 25], "token 2 is 25; the one before it has to be one of 12 to 23"),
        ([3, 12, 13], "token 3 is 13; the one before it has to be one of 0 to 11"),
        ([36, 12], "token 2 is 12; the one before it has to be one of 0 to 11"),
        ([3, 12, 24, 25], "token 4 is 25; the one before it has to be one of 12 to 23"),
        ([10**30], "tokens of this model are 0 to 36"),
    ],
)
def test_integers_that_are_no_tokens_are_refused_by_position(integers, message):
    with pytest.raises(UserError) as error:
        from_integers(integers, 3, 12)
    assert message in str(error.value)


def test_text_is_one_line_and_becomes_tokens_of_that_model(tokens, lively):
    line = to_text(tokens)
    assert line == "3 12 35 36 5\n"
    read = from_text(line, lively)
    np.testing.assert_array_equal(read.codes, CODES)
    header = read.header
    assert (header.model, header.model_hash) == ("lively", lively.hash[:8])
    assert (header.num_quantizers, header.codebook_size, header.block_frames) == (3, 12, 4)
    assert (header.frames, header.empty_frames, header.fps) == (12, 0, 25.0)
    assert header.placement.size == (512, 512, 0)
    np.testing.assert_array_equal(from_text("3\n12 35\t36   5", lively).codes, CODES)


def test_text_states_whole_blocks_unless_it_is_told_the_frames(lively):
    read = from_text("3 12 35 36 5", lively, frames=10)  # of three blocks of four
    assert (read.header.frames, read.header.blocks) == (10, 3)
    for frames in (8, 13):
        with pytest.raises(UserError, match=f"its 3 blocks are of 9 to 12 frames; --frames is {frames}"):
            from_text("3 12 35 36 5", lively, frames=frames)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no tokens"),
        (" \n", "there are no tokens"),
        ("3 twelve", "tokens are integers with spaces between them"),
        ("3,12", "tokens are integers with spaces between them"),
        ("3.0", "tokens are integers with spaces between them"),
        ("3 99", "token 2 is 99; tokens of this model are 0 to 36"),
        ("9" * 5000, "tokens are integers"),
    ],
)
def test_text_that_is_no_tokens_is_refused(lively, text, message):
    with pytest.raises(UserError, match=message) as error:
        from_text(text, lively)
    assert "\n" not in str(error.value)


@given(
    st.data(),
    st.integers(1, 20),
    st.integers(2, 65536),
    st.integers(0, 5),
    st.floats(min_value=1e-3, max_value=1e6),
    st.text(max_size=20).filter(lambda name: name.isprintable()),
)
def test_json_gives_back_header_and_codes(data, num_quantizers, codebook_size, empty_frames, fps, name):
    codes = data.draw(some_codes(num_quantizers, codebook_size))
    frames = 4 * len(codes) + empty_frames
    header = TokenHeader(name, "ab" * 8, num_quantizers, codebook_size, 4, frames, empty_frames, fps, PLACEMENT)
    text = to_json(PoseTokens(header, codes))
    assert text.endswith("}\n")
    read = from_json(text)
    assert read.header == header
    np.testing.assert_array_equal(read.codes, codes)
    assert read.codes.dtype == np.int32


def test_json_holds_a_list_of_codes_for_each_block(tokens):
    values = json.loads(to_json(tokens))
    assert values["codes"] == [[3, 0, 11], [], [5]]
    assert values["placement"] == {"center": [250.25, 200.5], "scale": 120.125, "size": [500, 400, 0]}


NOT_TOKENS = {
    "no list of codes": {"codes": 3},
    "a block that is no list": {"codes": [[3, 0, 11], [], 5]},
    "a code that is in no codebook": {"codes": [[3, 0, 12], [], [5]]},
    "a code below 0": {"codes": [[3, -1, 2], [], [5]]},
    "a code that is no integer": {"codes": [[3, 0.5, 2], [], [5]]},
    "a code that is a word": {"codes": [["3"], [], [5]]},
    "more codes than quantizers": {"codes": [[3, 0, 1, 1], [], [5]]},
    "fewer blocks than frames": {"codes": [[3, 0, 11]]},
    "frames in words": {"frames": "14"},
    "half a frame": {"frames": 13.5},
    "frames below 0": {"frames": -1},
    "more empty frames than frames": {"empty_frames": 15, "codes": []},
    "empty frames below 0": {"empty_frames": -2, "frames": 10},
    "blocks without frames": {"block_frames": 0},
    "half a block": {"block_frames": 4.0},
    "no quantizers": {"num_quantizers": 0},
    "more quantizers than a file can have": {"num_quantizers": 10**12},
    "no codebook": {"codebook_size": 0},
    "a codebook larger than any": {"codebook_size": 10**12, "codes": [[10**11], [], []]},
    "no frame rate": {"fps": 0},
    "a frame rate that is no number": {"fps": float("nan")},
    "an endless frame rate": {"fps": float("inf")},
    "a name that is a number": {"model": 5},
    "a hash that is a number": {"model_hash": 5},
    "a hash that is none": {"model_hash": "zz" * 8},
    "no placement": {"placement": None},
    "a center of four numbers": {"placement": {"center": [1, 2, 3, 4], "scale": 1.0, "size": [1, 1, 0]}},
    "a center of words": {"placement": {"center": ["1", "2"], "scale": 1.0, "size": [1, 1, 0]}},
    "a center that is no number": {"placement": {"center": [1, float("nan")], "scale": 1.0, "size": [1, 1, 0]}},
    "shoulders of no width": {"placement": {"center": [1, 2], "scale": 0.0, "size": [1, 1, 0]}},
    "a flat picture": {"placement": {"center": [1, 2], "scale": 1.0, "size": [1, 1]}},
    "shoulders too wide for single precision": {"placement": {"center": [1, 2], "scale": 1e300, "size": [1, 1, 0]}},
    "a center too far away for it": {"placement": {"center": [1, -1e39], "scale": 1.0, "size": [1, 1, 0]}},
    "more empty frames than memory has room for": {"frames": 10**12, "empty_frames": 10**12, "codes": []},
    "a value that no token file has": {"color": "red"},
}


@pytest.mark.parametrize("change", NOT_TOKENS.values(), ids=NOT_TOKENS)
def test_json_that_is_no_tokens_is_refused(tokens, change):
    values = json.loads(to_json(tokens))
    with pytest.raises(UserError, match="not tokens as JSON") as error:
        from_json(json.dumps(values | change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["codes", "placement", "model", "model_hash", "frames", "fps", "block_frames"])
def test_json_that_lacks_something_says_what(tokens, missing):
    values = json.loads(to_json(tokens))
    del values[missing]
    with pytest.raises(UserError, match=f"not tokens as JSON.*{missing}"):
        from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", '"codes"', "nan", "[" * 100_000])
def test_text_that_is_no_json_object_is_refused(text):
    with pytest.raises(UserError, match="not tokens as JSON") as error:
        from_json(text)
    assert "\n" not in str(error.value)


def test_integers_are_valid_as_frame_rate_and_placement(tokens):
    values = json.loads(to_json(tokens)) | {"fps": 30}
    values["placement"] = {"center": [1, 2], "scale": 3, "size": [4, 5, 0]}
    read = from_json(json.dumps(values))
    assert read.header == replace(tokens.header, fps=30.0, placement=Placement((1.0, 2.0), 3.0, (4, 5, 0)))
