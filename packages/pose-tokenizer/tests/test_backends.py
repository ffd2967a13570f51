"""`--backend`: the same tokens and poses by torch and by onnxruntime, and no torch imported for the latter."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from pose_core import read, write
from pose_core.testing import fake_sequence
from pose_tokenizer import decode, encode
from pose_tokenizer.backends import load_network
from pose_tokenizer.nn.beam_search import beam_search, smallest_k
from pose_tokenizer.numpy_quantizer import NumpyQuantizer
from pose_tokenizer.numpy_quantizer import smallest_k as smallest_k_in_numpy

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def both():
    return load_network("signing", backend="torch"), load_network("signing", backend="onnx")


@pytest.mark.parametrize("options", [{}, {"num_quantizers": 4}, {"bits_per_frame": 10.0}])
def test_both_backends_give_the_same_tokens_and_poses(both, options):
    sequence = fake_sequence(frames=90, face_points=4)
    one, other = (encode(network, sequence, **options) for network in both)
    np.testing.assert_array_equal(one.codes, other.codes)
    assert one.header == other.header
    poses, again = (decode(network, one) for network in both)
    np.testing.assert_allclose(poses.keypoints, again.keypoints, atol=0.1)  # pixels, of 120 a shoulder width
    np.testing.assert_array_equal(poses.confidence, again.confidence)


def test_encode_and_decode_import_no_torch(tmp_path):
    write(fake_sequence(frames=30), tmp_path / "a.pose")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pose_tokenizer.cli import main\n"
        "sys.argv = ['pose-tokenizer', *sys.argv[1:], '--json', '--backend', 'onnx']\n"
        "main()"
    )
    for arguments in (("encode", "a.pose", "--output", "a.tokens"), ("decode", "a.tokens", "--output", "b.pose")):
        command = [sys.executable, "-c", code, *arguments]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)[0]["frames"] == 30
    assert len(read(tmp_path / "b.pose")) == 30


def test_the_search_in_numpy_is_that_in_torch():
    random = torch.Generator().manual_seed(0)
    books, x = torch.randn(6, 512, 8, generator=random), 3 * torch.randn(5, 8, generator=random)
    zeros = np.zeros(8, np.float32)
    quantizer = NumpyQuantizer(books.numpy(), np.zeros((8, 8), np.float32), zeros, zeros)
    for lmbda in (0.0, 0.5, 4.0):
        codes, residual = beam_search(x, books, books.square().sum(dim=-1), lmbda=lmbda, beam=4)
        found, quantized = quantizer.quantize(x.numpy(), None, lmbda=lmbda, beam=4)
        np.testing.assert_array_equal(found, codes.numpy())
        np.testing.assert_allclose(quantized, (x - residual).numpy(), atol=1e-5)
    values = torch.rand(1, 4096, generator=random)
    np.testing.assert_array_equal(smallest_k_in_numpy(values[0].numpy(), 8), smallest_k(values, 8)[1][0].numpy())
