import json

import numpy as np
import pytest

from pose_core import write
from pose_core.jobs import Job
from pose_tokenizer import commands
from pose_tokenizer.codec import encode
from pose_tokenizer.files.token_file import read_tokens


@pytest.mark.parametrize("frames", [9, 10, 11, 30])
def test_a_file_in_pieces_gives_the_tokens_of_the_whole(model, clip, tmp_path, monkeypatch, frames):
    sequence = clip(frames, seed=3)
    write(sequence, tmp_path / "x.pose")
    monkeypatch.setattr(commands, "PIECE_FRAMES", 10)
    pieces = [*commands.read_pieces(tmp_path / "x.pose")]
    assert [len(piece) for piece in pieces] == [10] * (frames // 10) + [frames % 10] * (frames % 10 > 0)
    job = Job(tmp_path / "x.pose", tmp_path / "x.tokens", "x.pose")
    commands._encode_file(model, job, commands.EncodeOptions("tiny", device="cpu"), False)
    tokens, whole = read_tokens(tmp_path / "x.tokens"), encode(model, sequence)
    np.testing.assert_array_equal(tokens.codes, whole.codes)
    assert tokens.header == whole.header


def test_an_old_spelling_of_an_option_works_with_a_notice(cli, clip, folder, tmp_path):
    write(clip(10), tmp_path / "x.pose")
    status, out, err = cli("encode", tmp_path / "x.pose", "--quantizers=1", "--checkpoint", folder, "--json")
    assert (status, "--quantizers is now --num-quantizers" in err) == (0, True), err
    assert json.loads(out)[0]["frames"] == 10
    assert (read_tokens(tmp_path / "x.tokens").codes[:, 1:] == -1).all()
    assert "--quantizers " not in cli("encode", "--help")[1].replace("--num-quantizers", "")
