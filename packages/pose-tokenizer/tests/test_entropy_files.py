"""Entropy-coded token files, and the command that fits an entropy model."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError
from pose_core.testing import fake_sequence
from pose_core.transforms import to_layout
from pose_tokenizer import decode, encode, load_model, read_tokens, write_tokens
from pose_tokenizer.config import BUNDLED
from pose_tokenizer.entropy.finding import FILE
from pose_tokenizer.entropy.fitting import fit_entropy_model
from pose_tokenizer.files.token_file import file_content, packed_bits


@pytest.fixture(scope="module")
def coder(folder, manifest, tmp_path_factory):
    """A copy of the trained run's folder, with an entropy model."""
    copy = tmp_path_factory.mktemp("coder") / "tiny"
    shutil.copytree(folder, copy)
    fit_entropy_model(copy, [manifest], blocks=300, steps=20)
    return copy


def test_a_file_is_smaller_and_decodes_to_the_same(coder, folder, clip, tmp_path):
    sequence = clip(60)
    packed, coded = (encode(load_model(each, "cpu"), sequence, lmbda=0.02) for each in (folder, coder))
    np.testing.assert_array_equal(coded.codes, packed.codes)
    assert coded.bits < packed.bits == packed_bits(packed.codes, 16)
    write_tokens(coded, tmp_path / "a.tokens")
    assert (tmp_path / "a.tokens").read_bytes()[4] == 4
    model = load_model(coder, "cpu")
    again = read_tokens(tmp_path / "a.tokens", encode(model, sequence).entropy_model)
    np.testing.assert_array_equal(again.codes, packed.codes)
    assert again.header == packed.header
    np.testing.assert_array_equal(decode(model, again).keypoints, decode(model, packed).keypoints)
    content = file_content(coded)
    assert -(-coded.bits // 8) <= len(content) - len(file_content(replace(coded, codes=coded.codes[:0]))) + 1


def test_every_command_reads_it_by_the_checkpoint(cli, coder, poses):
    tokens = poses.parent / "a.tokens"
    status, out, err = cli("encode", poses / "a.pose", "--output", tokens, "--checkpoint", coder, "--json")
    assert status == 0, err
    status, out, err = cli("info", tokens, "--checkpoint", coder, "--json")
    assert status == 0, err
    assert json.loads(out)["bits_per_frame"] < 10 * json.loads(out)["codes"] / json.loads(out)["frames"]
    status, _, err = cli("decode", tokens, "--output", poses.parent / "a.pose", "--checkpoint", coder)
    assert status == 0, err
    assert [json.loads(cli("info", each, "--json")[1])["entropy_model"] for each in (coder, "signing_studio")] == [
        True,
        False,
    ]
    status, _, err = cli("info", tokens)
    assert status == 2
    assert f"{tokens}: its codes are entropy-coded by the model tiny (" in err
    assert "which is not bundled, or the file is damaged; name the model's folder with --checkpoint" in err
    assert cli("decode", tokens, "--output", poses.parent / "b.pose")[0] == 2


def test_files_of_an_entropy_model_that_was_replaced_are_refused(coder, manifest, clip, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(coder, copy)
    write_tokens(encode(load_model(copy, "cpu"), clip(20)), tmp_path / "a.tokens")
    with pytest.raises(UserError, match=rf"{FILE}: exists; use --overwrite"):
        fit_entropy_model(copy, [manifest], blocks=100, steps=2)
    fit_entropy_model(copy, [manifest], blocks=100, steps=2, overwrite=True)
    other = encode(load_model(copy, "cpu"), clip(20)).entropy_model
    with pytest.raises(UserError, match="damaged or cut off"):
        read_tokens(tmp_path / "a.tokens", other)


def test_an_entropy_model_of_other_weights_is_not_used(coder, quick, clip, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(coder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"hand_weight": 3.0}))
    assert encode(load_model(copy, "cpu"), clip(20)).entropy_model is None


def test_an_entropy_model_that_cannot_be_read_is_named(coder, clip, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(coder, copy)
    (copy / FILE).write_bytes((copy / FILE).read_bytes()[:1000])
    with pytest.raises(UserError, match=f"{FILE}: not an entropy model of this version"):
        encode(load_model(copy, "cpu"), clip(20))


def test_every_truncated_or_flipped_byte_is_refused(coder, clip, tmp_path):
    tokens = encode(load_model(coder, "cpu"), clip(9))
    path = tmp_path / "a.tokens"
    content = file_content(tokens)
    damages = [content[:length] for length in range(4, len(content))] + [content + b"\0"]
    for place in range(5, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x21
        damages.append(bytes(damaged))
    for each in damages:
        path.write_bytes(each)
        with pytest.raises(UserError, match="damaged or cut off|which is not bundled"):
            read_tokens(path, tokens.entropy_model)


def test_the_command_says_what_it_saves(cli, folder, manifest, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(folder, copy)
    options = ("--data", manifest, "--checkpoint", copy, "--blocks", 200, "--steps", 3)
    status, out, err = cli("fit-entropy-model", *options)
    assert status == 0, err
    assert "bits per frame in place of" in out
    assert "on 1 clips of the validation split" in out
    status, _, err = cli("fit-entropy-model", *options)
    assert status == 2
    assert f"{copy / FILE}: exists; use --overwrite" in err
    status, out, _ = cli("fit-entropy-model", *options, "--overwrite", "--json")
    assert json.loads(out)["blocks"] >= 200
    assert (copy / FILE).stat().st_mode == (copy / "config.json").stat().st_mode


@pytest.mark.parametrize("name", [name for name in sorted(BUNDLED) if (BUNDLED[name] / FILE).is_file()])
def test_tokens_of_bundled_models_need_no_checkpoint(name, tmp_path):
    model, sequence = load_model(name, "cpu"), fake_sequence(frames=25, face_points=128)
    tokens = encode(model, to_layout(sequence, model.skeleton))
    write_tokens(tokens, tmp_path / "a.tokens")
    np.testing.assert_array_equal(read_tokens(tmp_path / "a.tokens").codes, tokens.codes)
