"""Entropy coding of codes: lossless, the same on any machine, and smaller where codes can be predicted."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.entropy.context import LIMIT, IntegerQuantizer, contexts
from pose_tokenizer.entropy.entropy_model import (
    MAX_BITS,
    MAX_COUNT_BITS,
    TOKENIZER_WEIGHTS,
    UNITS_PER_BIT,
    EntropyModel,
    frequencies_by_distance,
)
from pose_tokenizer.entropy.training import information, quantized, train_entropy_network
from pose_tokenizer.files.token_file import packed_bits

Q, V, C = 5, 12, 4


def tokenizer_weights(seed=0, growth=0.8):
    """Those of a tokenizer of `Q` codebooks of `V` codes."""
    random = np.random.default_rng(seed)
    shapes = {"codebooks": (Q, V, C), "transition.weight": (C, C), "transition.bias": (C,), "start": (C,)}
    weights = {f"quantizer.{name}": random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights["quantizer.transition.weight"] = growth * np.eye(C, dtype=np.float32)
    return weights


def codes_of(seed, blocks):
    random = np.random.default_rng(seed)
    depth = random.integers(0, Q + 1, (blocks, 1))
    return np.where(np.arange(Q) < depth, random.integers(0, V, (blocks, Q)), NO_CODE).astype(np.int32)


def habitual_codes(seed, blocks):
    """Codes that follow from those before, but for one in ten."""
    codes = codes_of(seed, blocks)
    for n in range(1, blocks):
        count = int((codes[n - 1] != NO_CODE).sum()) or 3
        codes[n] = np.where(np.arange(Q) < count, (codes[n - 1].clip(min=0) + 1) % V, NO_CODE)
        if n % 10 == 0:
            codes[n] = codes_of(seed + n, 1)
    return codes


@pytest.fixture(scope="module")
def learned():
    """An entropy model of habitual codes, the network that it was made from, and its codebooks."""
    tokenizer = tokenizer_weights()
    quantizer = IntegerQuantizer(tokenizer)
    sequences = [habitual_codes(seed, 40) for seed in range(30)]
    network = train_entropy_network(quantizer, sequences, steps=120)
    return EntropyModel(quantized(network, quantizer, sequences), tokenizer, "0" * 16), network, quantizer


@given(st.integers(0, 2**32), st.sampled_from([0, 1, 2, 17]))
def test_codes_come_back_whatever_they_are(learned, seed, blocks):
    codes = codes_of(seed, blocks)
    data = learned[0].encode(codes)
    np.testing.assert_array_equal(learned[0].decode(data, blocks), codes)
    assert 8 * len(data) < learned[0].bits(codes) + 9


def test_more_blocks_than_are_computed_at_once(learned, monkeypatch):
    codes = habitual_codes(3, 23)
    whole = learned[0].encode(codes)
    monkeypatch.setattr("pose_tokenizer.entropy.entropy_model.BATCH", 7)
    assert learned[0].encode(codes) == whole


def test_codes_that_can_be_predicted_take_fewer_bits(learned):
    codes = habitual_codes(1000, 200)
    assert learned[0].bits(codes) < 0.7 * packed_bits(codes, V)
    surprising = codes_of(1000, 200)
    assert learned[0].bits(surprising) > learned[0].bits(codes)


def test_integers_lose_next_to_nothing(learned):
    model, network, quantizer = learned
    codes = habitual_codes(2000, 200)
    with torch.no_grad():
        exact = float(information(network, quantizer, contexts(quantizer, [codes]), codes))
    assert model.bits(codes) == pytest.approx(exact, rel=0.02)


def test_contexts_are_those_of_the_float_quantizer(learned):
    quantizer, weights = learned[2], tokenizer_weights()
    codes = codes_of(5, 6)
    found = contexts(quantizer, [codes_of(4, 3), codes])
    latents, start = None, weights["quantizer.start"]
    for n, block in enumerate(codes):
        prediction = start if latents is None else weights["quantizer.transition.weight"] @ latents
        prediction = prediction + (0 if latents is None else weights["quantizer.transition.bias"])
        np.testing.assert_allclose(found.prediction[3 + n] / 1024, prediction, atol=0.02)
        vectors = weights["quantizer.codebooks"][np.arange(Q), block.clip(min=0)]
        latents = prediction + (vectors * (block != NO_CODE)[:, None]).sum(axis=0)
    np.testing.assert_array_equal(found.counts[3], [0, 0])
    np.testing.assert_array_equal(found.counts[5], 1 + (codes[[1, 0]] != NO_CODE).sum(axis=1))


def test_codes_that_no_encoder_writes_do_not_overflow():
    """A prediction that grows without end is limited, by encoder and decoder alike."""
    tokenizer = tokenizer_weights(growth=3.0)
    quantizer = IntegerQuantizer(tokenizer)
    sequences = [codes_of(seed, 60) for seed in range(3)]
    assert np.abs(contexts(quantizer, sequences).prediction).max() == LIMIT
    network = train_entropy_network(quantizer, sequences, steps=2)
    model = EntropyModel(quantized(network, quantizer, sequences), tokenizer, "0" * 16)
    np.testing.assert_array_equal(model.decode(model.encode(sequences[0]), 60), sequences[0])


def test_bytes_are_the_same_on_every_machine():
    """Made of integers alone: what another machine wrote for these weights and codes has this checksum."""
    random = np.random.default_rng(0)
    H = 16

    def integers(*shape, limit=1000):
        return random.integers(-limit, limit, shape, np.int32)

    layers = {"input": (H, 3 * C), "hidden": (H, H), "output": (C + 1, H), "count": (Q + 1, H)}
    weights = {}
    for name, shape in layers.items():
        weights[f"{name}.weight"] = random.integers(-127, 128, shape).astype(np.int8)
        weights[f"{name}.multiplier"] = abs(integers(shape[0])) + 1
        weights[f"{name}.bias"] = integers(shape[0], limit=2**22)
    tables = {"stage": Q + 1, "count_in": Q + 1, "before": Q + 2, "before_that": Q + 2}
    weights |= {name: integers(rows, H, limit=2**22) for name, rows in tables.items()}
    weights |= {"input.scale": np.full(3 * C, 4000, np.int32), "code.scale": np.full((Q, C + 1), 2**22, np.int32)}
    weights |= {"code.multiplier": np.full(Q, 2**12, np.int32), "code.bias": integers(Q, V, limit=200)}
    grid = np.arange(Q * V * C).reshape(Q, V, C)
    tokenizer = {
        "quantizer.codebooks": ((grid * 37 % 101 - 50) / 32).astype(np.float32),
        "quantizer.transition.weight": ((np.arange(C * C).reshape(C, C) * 7 % 5 - 2) / 8).astype(np.float32),
        "quantizer.transition.bias": np.zeros(C, np.float32),
        "quantizer.start": np.ones(C, np.float32),
    }
    model = EntropyModel(weights, tokenizer, "0" * 16)
    codes = codes_of(0, 50)
    data = model.encode(codes)
    np.testing.assert_array_equal(model.decode(data, 50), codes)
    assert (len(data), hashlib.sha256(data).hexdigest()[:16]) == (79, "00198046a2ced724")


@pytest.mark.parametrize(("max_bits", "precision"), [(MAX_BITS, 17), (MAX_BITS, 11), (MAX_COUNT_BITS, 23)])
def test_no_frequency_depends_on_how_a_power_is_rounded(max_bits, precision):
    """None is near the middle between two integers, where another machine's exp2 could round the other way."""
    table = frequencies_by_distance(max_bits, precision)
    distances = np.arange(len(table))
    exact = np.exp2(min(precision, MAX_BITS) - distances / UNITS_PER_BIT)
    assert (np.abs(exact % 1 - 0.5) > 1e-9)[distances % UNITS_PER_BIT > 0].all()  # powers of two are exact
    assert table.min() >= 1


def test_weights_of_the_tokenizer_that_are_read():
    assert set(TOKENIZER_WEIGHTS) == set(tokenizer_weights())


def test_no_block_is_free():
    """However many blocks a header claims, so many bytes do not suffice."""
    tokenizer = tokenizer_weights()
    quantizer = IntegerQuantizer(tokenizer)
    still = [np.full((400, Q), NO_CODE, np.int32)]
    network = train_entropy_network(quantizer, still, steps=60)
    model = EntropyModel(quantized(network, quantizer, still), tokenizer, "0" * 16)
    assert model.bits(still[0]) >= 400 * np.log2(1 + Q / 2**MAX_COUNT_BITS) * 0.999
    with pytest.raises(ValueError, match="too few bytes"):
        model.decode(b"", 10_000)
