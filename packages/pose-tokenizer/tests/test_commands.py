import numpy as np
import pytest

from pose_core import write
from pose_tokenizer import commands
from pose_tokenizer.codec import encode


@pytest.mark.parametrize("frames", [9, 10, 11, 30])
def test_a_file_in_pieces_gives_the_tokens_of_the_whole(model, clip, tmp_path, monkeypatch, frames):
    sequence = clip(frames, seed=3)
    write(sequence, tmp_path / "x.pose")
    monkeypatch.setattr(commands, "SPAN", 10)
    pieces = [*commands.spans(tmp_path / "x.pose")]
    assert [len(piece) for piece in pieces] == [10] * (frames // 10) + [frames % 10] * (frames % 10 > 0)
    encoding = commands.Encoding("tiny", device="cpu")
    tokens = commands._encoded(model, tmp_path / "x.pose", encoding)
    whole = encode(model, sequence)
    assert tokens.header == whole.header
    np.testing.assert_array_equal(tokens.codes, whole.codes)
