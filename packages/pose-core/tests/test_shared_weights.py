"""Weights that graphs share with a model's file are found by the longest name that they end in."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from pose_core.shared_weights import StoredTensors


@pytest.fixture
def stored(tmp_path):
    values = {"norm.weight": 1.0, "decoder.norm.weight": 2.0, "scale": 3.0}
    save_file({name: np.full(4, value, np.float32) for name, value in values.items()}, tmp_path / "model.safetensors")
    return StoredTensors(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("norm.weight", 1, "norm.weight"),
        ("model.norm.weight", 1, "norm.weight"),
        ("model.decoder.norm.weight", 2, "decoder.norm.weight"),
        ("exported_7", 3, "scale"),  # renamed: found by its values
    ],
)
def test_names_may_have_prefixes_and_end_in_each_other(stored, name, value, key):
    tensor, transposed = stored.find(name, np.full(4, value, np.float32))
    assert (tensor.name, transposed) == (key, False)


def test_another_weight_of_the_name_is_refused(stored):
    with pytest.raises(RuntimeError, match="decoder.norm.weight is not the weight model.decoder.norm.weight"):
        stored.find("model.decoder.norm.weight", np.ones(4, np.float32))


def test_constants_of_a_graph_are_no_weights(stored):
    assert stored.find("constant", np.full(4, 9, np.float32)) == (None, False)
