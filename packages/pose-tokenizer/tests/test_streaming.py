import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.transforms import Placement
from pose_core.transforms.normalization import MAX_DISTANCE
from pose_core.transforms.temporal import hold
from pose_tokenizer.codec import encode_pieces
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.placement import rounded
from pose_tokenizer.streaming import (
    BEAM,
    MAX_WAIT,
    PLACEMENT_FRAMES,
    WINDOW,
    StreamDecoder,
    StreamEncoder,
    causal_placement,
)

LMBDA = 16.0
PLACED = Placement(center=(250.0, 200.0), scale=120.0)


@pytest.fixture(scope="module")
def clips(clip, hidden):
    """Somebody who is there all the time; and who is seen late, with shoulders now and then."""
    steady = clip(150, seed=1, hands=("left", "right"))
    steady = hidden(steady, slice(50, 80), steady.skeleton.hand("right"))  # from one window into the next
    seldom = clip(230, seed=2)
    shoulders = list(seldom.skeleton.shoulders())
    seldom = hidden(seldom, [t for t in range(230) if t % 17 or t < 21], shoulders)
    return {"steady": steady, "seldom": hidden(seldom, slice(0, 9))}


@pytest.fixture(scope="module")
def whole(lively, clips):
    return {name: encode_pieces(lively, [sequence], lmbda=LMBDA) for name, sequence in clips.items()}


def cut(sequence, places):
    edges = [0, *sorted(places), len(sequence)]
    return [sequence[a:b] for a, b in itertools.pairwise(edges)]


def frames_of(model, codes, where, sizes=None):
    """What a decoder gives for codes that come in pieces of these sizes."""
    decoder = StreamDecoder(model, where)
    edges = [0, *sorted(sizes or []), len(codes)]
    made = [decoder.push(codes[a:b]) for a, b in itertools.pairwise(edges)]
    return [np.concatenate(x) for x in zip(*made, decoder.finish(), strict=True)]


def test_fixture_clips_have_varied_codes(whole, lively):
    for tokens in whole.values():
        assert len(set((tokens.codes >= 0).sum(axis=1))) >= 3
        assert len(set(tokens.codes[:, 0])) > 4


@settings(max_examples=12)
@given(st.lists(st.integers(0, 150), max_size=9))
def test_codes_do_not_depend_on_how_frames_are_chunked(lively, clips, whole, places):
    tokens = encode_pieces(lively, cut(clips["steady"], places), lmbda=LMBDA)
    np.testing.assert_array_equal(tokens.codes, whole["steady"].codes)
    assert tokens.header == whole["steady"].header


@settings(max_examples=12)
@given(st.lists(st.integers(0, 230), max_size=9))
def test_chunking_does_not_change_codes_of_a_clip_with_late_and_rare_shoulders(lively, clips, whole, places):
    tokens = encode_pieces(lively, cut(clips["seldom"], places), lmbda=LMBDA)
    np.testing.assert_array_equal(tokens.codes, whole["seldom"].codes)
    assert tokens.header == whole["seldom"].header
    assert tokens.header.empty_frames == 34  # the first multiple of 17 from 21 on


def test_codes_frame_by_frame_are_those_of_the_whole(lively, clips, whole):
    for name, sequence in clips.items():
        tokens = encode_pieces(lively, (sequence[t : t + 1] for t in range(len(sequence))), lmbda=LMBDA)
        np.testing.assert_array_equal(tokens.codes, whole[name].codes)


@settings(max_examples=12)
@given(st.lists(st.integers(0, 38), max_size=6))
def test_decoded_frames_do_not_depend_on_how_codes_are_chunked(lively, whole, places):
    codes = whole["steady"].codes
    expected = frames_of(lively, codes, PLACED)
    made = frames_of(lively, codes, PLACED, places)
    assert len(expected[0]) == 4 * len(codes)
    np.testing.assert_array_equal(made[0], expected[0])
    np.testing.assert_array_equal(made[1], expected[1])


@torch.no_grad()
def test_windows_give_what_the_whole_sequence_gives(lively, clips, whole, monkeypatch):
    sequence, tokens = clips["steady"], whole["steady"]
    where = tokens.header.placement
    places = (sequence.keypoints[..., :2].astype(np.float64) - where.center) / where.scale
    seen = torch.from_numpy(sequence.confidence > 0)[None]
    keypoints = hold(torch.from_numpy(places).float()[None], seen, lively.features.mean[None])
    last = [torch.cat([x, x[:, -1:], x[:, -1:]], dim=1) for x in (keypoints, seen)]  # 152 frames are whole blocks
    blocks, mask = lively.blocks(*last), torch.ones(1, 38, dtype=torch.bool)
    assert mask.shape[1] > 2 * WINDOW
    latents = lively.latents(blocks, last[1].unflatten(1, (38, 4)), mask)
    codes, quantized = lively.quantizer.quantize(latents, lmbda=LMBDA, beam=BEAM)
    np.testing.assert_array_equal(codes[0], tokens.codes)

    windows = []
    monkeypatch.setattr(lively.quantizer, "quantize", lambda x, **_: windows.append(x) or (codes[:, : x.shape[1]], x))
    encode_pieces(lively, [sequence], lmbda=LMBDA)
    assert [x.shape[1] for x in windows] == [WINDOW, WINDOW, 6]
    torch.testing.assert_close(torch.cat(windows, dim=1), latents, atol=1e-4, rtol=1e-4)

    expected, logits = lively.frames(quantized, num_codes(codes), mask)
    made, there = frames_of(lively, tokens.codes, where)
    np.testing.assert_array_equal(there, (logits[0] > 0).float())
    assert 0 < there.mean() < 1
    pixels = (expected[0].numpy() * where.scale + where.center) * there[..., None]
    # In float32; an untrained model's pixels reach thousands, and CPUs add up in different orders.
    np.testing.assert_allclose(made, pixels, atol=1e-2, rtol=2e-5)


def test_codes_and_frames_are_given_as_soon_as_a_window_is_full(lively, clip):
    sequence, size = clip(200), WINDOW * 4
    encoder = StreamEncoder(lively, lmbda=LMBDA)
    counts = [
        len(encoder.push(sequence.keypoints[t : t + 1, :, :2], sequence.confidence[t : t + 1])) for t in range(200)
    ]
    assert [t + 1 for t, count in enumerate(counts) if count] == [size, 2 * size, 3 * size]
    assert sum(counts) == 3 * WINDOW
    assert len(encoder.finish()) == 2
    decoder = StreamDecoder(lively, PLACED)
    ahead = lively.decoder.after
    given = [len(decoder.push(np.zeros((1, 3), np.int32))[0]) for _ in range(3 * WINDOW)]
    assert [n + 1 for n, count in enumerate(given) if count] == [WINDOW + ahead, 2 * WINDOW + ahead]
    assert len(decoder.finish()[0]) == size


def test_placement_waits_for_shoulders_up_to_max_wait(lively, clip, hidden):
    sequence = hidden(clip(300), slice(1, None), [0])
    encoder = StreamEncoder(lively, lmbda=LMBDA)
    for t in range(MAX_WAIT):
        assert encoder.placement is None
        encoder.push(sequence.keypoints[t : t + 1, :, :2], sequence.confidence[t : t + 1])
    assert encoder.placement is not None
    encoder = StreamEncoder(lively, lmbda=LMBDA)
    encoder.push(sequence.keypoints[1:, :, :2], sequence.confidence[1:])
    assert (encoder.placement, encoder.frames, encoder.empty_frames) == (None, 299, 299)
    assert len(encoder.finish()) == 0


def test_pushing_no_frames_gives_no_codes(lively):
    encoder, decoder = StreamEncoder(lively, lmbda=LMBDA), StreamDecoder(lively, PLACED)
    assert encoder.push(np.zeros((0, 50, 2)), np.zeros((0, 50))).shape == (0, 3)
    assert encoder.finish().shape == (0, 3)
    for keypoints, confidence in (decoder.push(np.zeros((0, 3), np.int32)), decoder.finish()):
        assert keypoints.shape == (0, 50, 2)
        assert confidence.shape == (0, 50)


def test_push_does_not_change_its_input(lively, clips, whole):
    sequence = clips["seldom"]
    keypoints, confidence = sequence.keypoints[..., :2].copy(), sequence.confidence.copy()
    encoder = StreamEncoder(lively, lmbda=LMBDA)
    encoder.push(keypoints, confidence)
    encoder.finish()
    np.testing.assert_array_equal(keypoints, sequence.keypoints[..., :2])
    np.testing.assert_array_equal(confidence, sequence.confidence)
    codes = whole["seldom"].codes.copy()
    frames_of(lively, codes, PLACED)
    np.testing.assert_array_equal(codes, whole["seldom"].codes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 1e5])
def test_keypoints_that_are_not_finite_or_huge_are_missing(lively, clip, hidden, value):
    sequence = clip(60)
    finger = sequence.skeleton.hand("right")[4]

    def codes(sequence):
        encoder = StreamEncoder(lively, lmbda=LMBDA)
        pushed = encoder.push(sequence.keypoints[..., :2], sequence.confidence)
        return np.concatenate([pushed, encoder.finish()])

    missing = hidden(sequence, slice(10, 40), [finger])
    wild = replace(missing, keypoints=missing.keypoints.copy(), confidence=sequence.confidence)
    wild.keypoints[10:40, finger] = value
    np.testing.assert_array_equal(codes(wild), codes(missing))
    assert not np.array_equal(codes(sequence), codes(missing))


def test_nan_shoulders_are_not_visible(lively, clip):
    sequence = clip(40)
    keypoints = sequence.keypoints[..., :2].copy()
    keypoints[:5, sequence.skeleton.shoulders()[0]] = np.nan
    encoder = StreamEncoder(lively, lmbda=LMBDA)
    encoder.push(keypoints, sequence.confidence)
    assert encoder.empty_frames == 5
    assert np.isfinite(encoder.placement.scale)


def test_placement_is_the_mean_of_the_first_frames_with_both_shoulders(clip, skeleton):
    sequence = clip(40)
    keypoints, seen = sequence.keypoints[..., :2].astype(np.float64), np.ones((40, 50), bool)
    left, right = skeleton.shoulders()
    seen[3, left] = seen[5, right] = False
    used = [t for t in range(PLACEMENT_FRAMES + 2) if t not in (3, 5)]
    place = causal_placement(keypoints, seen, (left, right))
    a, b = keypoints[used, left], keypoints[used, right]
    mean = Placement(center=tuple(((a + b) / 2).mean(axis=0)), scale=np.linalg.norm(a - b, axis=-1).mean())
    assert place == rounded(mean)


def test_shoulders_on_one_point_are_refused(skeleton):
    keypoints = np.full((4, 50, 2), 300.0)
    for seen in (np.ones((4, 50), bool), np.zeros((4, 50), bool)):
        with pytest.raises(UserError, match="the shoulders lie on one point"):
            causal_placement(keypoints, seen, skeleton.shoulders())


def test_keypoints_beyond_max_distance_are_missing_in_a_stream(lively, clip):
    sequence = clip(20, scale=0.0)
    left, right = sequence.skeleton.shoulders()
    width = sequence.keypoints[0, left, 0] - sequence.keypoints[0, right, 0]
    finger = sequence.skeleton.hand("right")[4]

    def codes(place):
        keypoints = sequence.keypoints.copy()
        keypoints[:, finger, :2] = 250 + place * width, 200
        return encode_pieces(lively, [replace(sequence, keypoints=keypoints, size=(0, 0, 0))], lmbda=0.0).codes

    assert not np.array_equal(codes(MAX_DISTANCE - 0.1), codes(MAX_DISTANCE - 4))
    np.testing.assert_array_equal(codes(MAX_DISTANCE + 0.1), codes(MAX_DISTANCE + 4))


def test_empty_pieces_do_not_change_the_codes(lively, clips, whole):
    steady = clips["steady"]
    tokens = encode_pieces(lively, [steady[:0], steady, steady[:0]], lmbda=LMBDA)
    np.testing.assert_array_equal(tokens.codes, whole["steady"].codes)
    with pytest.raises(UserError, match="there are no frames to encode"):
        encode_pieces(lively, [steady[:0]], lmbda=LMBDA)
    with pytest.raises(UserError, match="there are no frames to encode"):
        encode_pieces(lively, [], lmbda=LMBDA)


def test_state_of_a_stream_does_not_grow(lively, clip):
    sequence = clip(90)
    encoder, decoder = StreamEncoder(lively, lmbda=LMBDA), StreamDecoder(lively, PLACED)
    sizes = []
    for _ in range(12):
        decoder.push(encoder.push(sequence.keypoints[..., :2], sequence.confidence))
        kept = [{k: v for k, v in vars(x).items() if k not in ("model", "_encode_window")} for x in (encoder, decoder)]
        sizes.append(len(pickle.dumps(kept)))
    assert max(sizes[6:]) <= 1.1 * max(sizes[:6])
