from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import Skeleton, UserError, concatenate
from pose_core.skeleton import Component
from pose_core.testing import fake_sequence, fake_skeleton
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.files.token_file import read_tokens, write_tokens
from pose_tokenizer.initialization import initialize
from pose_tokenizer.lightning_module import TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer


@pytest.fixture(scope="module")
def learnt(clip, hidden, skeleton, quick):
    """Four clips, and a linear model fitted to nothing else, with codes enough for all there is in them."""
    clips = [clip(48, seed=seed, scale=1.0, hands=hands) for seed, hands in enumerate([("right",)] * 2 + [()] * 2)]
    clips[1] = hidden(clips[1], slice(16, 32), clips[1].skeleton.hand("right"))
    run = quick.model_copy(
        update={"num_layers": 0, "latent_dim": 40, "num_quantizers": 8, "codebook_size": 32, "fitting_blocks": 1}
    )
    torch.manual_seed(0)
    model = PoseTokenizer(run.model(skeleton.to_dict())).eval()
    module = TokenizerModule(model, run, TokenizerLoss(run, model.skeleton, model.features.weights))
    initialize(model, module.vq, [prepare(sequence, skeleton) for sequence in clips], run)
    return model, clips


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 63, 64, 65, 1000])
@pytest.mark.parametrize("which", ["lively", "model"])
def test_decoding_gives_as_many_frames_at_the_same_fps(request, clip, which, frames):
    model = request.getfixturevalue(which)
    sequence = replace(clip(frames), fps=29.97)
    tokens = encode(model, sequence)
    assert tokens.codes.shape == (-(-frames // 4), 3)
    assert (tokens.header.frames, tokens.header.empty_frames, tokens.header.fps) == (frames, 0, 29.97)
    made = decode(model, tokens)
    assert (len(made), made.fps, made.size) == (frames, 29.97, (500, 500, 0))
    assert made.skeleton == model.skeleton
    assert np.isfinite(made.keypoints).all()
    assert set(np.unique(made.confidence)) <= {0.0, 1.0}
    assert not made.keypoints[made.confidence == 0].any()


def test_encoding_and_decoding_are_deterministic(lively, clip):
    sequence = clip(70)
    first, second = (encode(lively, sequence) for _ in range(2))
    np.testing.assert_array_equal(first.codes, second.codes)
    assert first.header == second.header
    made = [decode(lively, first) for _ in range(2)]
    np.testing.assert_array_equal(made[0].keypoints, made[1].keypoints)
    other = clip(70, seed=1, hands=("left", "right"))
    assert not np.array_equal(first.codes, encode(lively, other).codes)


def test_tokens_from_a_file_decode_to_the_same_poses(lively, clip, tmp_path):
    tokens = encode(lively, clip(70))
    write_tokens(tokens, tmp_path / "a.tokens")
    made, expected = decode(lively, read_tokens(tmp_path / "a.tokens")), decode(lively, tokens)
    np.testing.assert_array_equal(made.keypoints, expected.keypoints)
    assert (made.fps, made.size) == (expected.fps, expected.size)


def test_training_clips_are_reconstructed(learnt):
    model, clips = learnt
    left, right = (model.skeleton.hand(side) for side in ("left", "right"))
    for sequence in clips:
        made = decode(model, encode(model, sequence, lmbda=0))
        seen = sequence.confidence > 0
        error = np.linalg.norm(made.keypoints - sequence.keypoints[..., :2], axis=-1)[seen]
        assert error.mean() < 2  # pixels, of shoulders 120 wide
        np.testing.assert_array_equal(made.confidence, sequence.confidence)  # hands missing always, or in the middle
        assert not made.confidence[:, left].any()
    assert not made.confidence[:, right].any()


def test_a_lower_rate_has_less_error_and_more_codes(learnt):
    model, clips = learnt
    errors, bits = [], []
    for lmbda in (30.0, 1.0, 0.0):
        tokens = encode(model, clips[0], lmbda=lmbda)
        made = decode(model, tokens)
        seen = (clips[0].confidence > 0) & (made.confidence > 0)
        errors.append(np.linalg.norm(made.keypoints - clips[0].keypoints[..., :2], axis=-1)[seen].mean())
        bits.append(tokens.bits)
    assert errors[0] > errors[1] > errors[2]
    assert bits[0] < bits[1] < bits[2]


def test_the_models_own_rate_is_the_default(lively, clip):
    sequence = clip(70)
    np.testing.assert_array_equal(encode(lively, sequence).codes, encode(lively, sequence, lmbda=16.0).codes)
    assert encode(lively, sequence).bits != encode(lively, sequence, lmbda=1.0).bits


def test_bits_per_frame_is_an_upper_bound(lively, clip):
    sequence = clip(70)
    most, least = encode(lively, sequence, lmbda=0).bits, encode(lively, sequence, lmbda=1e3).bits
    found = []
    for bits in (least / 70 + 0.5, 1.5, 2.5):
        tokens = encode(lively, sequence, bits_per_frame=bits)
        assert tokens.bits <= bits * 70
        assert least < tokens.bits < most
        found.append(tokens.bits)
    assert found == sorted(found)
    assert found[0] < found[2]
    assert tokens.bits > 0.7 * 2.5 * 70
    assert encode(lively, sequence, bits_per_frame=0.01).bits == least  # it has to


def test_fewer_quantizers_are_a_coarser_stream(lively, clip):
    sequence = clip(70)
    tokens = encode(lively, sequence, lmbda=0, num_quantizers=1)
    assert tokens.codes.shape[1] == 3
    assert (tokens.codes[:, 1:] == -1).all()
    all_codes = encode(lively, sequence, lmbda=0)
    coarse = decode(lively, all_codes, num_quantizers=1)
    cut = replace(all_codes, codes=np.where(np.arange(3) < 1, all_codes.codes, -1).astype(np.int32))
    np.testing.assert_array_equal(coarse.keypoints, decode(lively, cut).keypoints)
    assert not np.array_equal(coarse.keypoints, decode(lively, all_codes).keypoints)


def test_codes_do_not_depend_on_position_and_size(lively, clip):
    sequence = clip(70)
    twice = replace(sequence, keypoints=2 * sequence.keypoints, size=(1000, 1000, 0))
    tokens, other = encode(lively, sequence), encode(lively, twice)
    np.testing.assert_array_equal(other.codes, tokens.codes)
    made, larger = decode(lively, tokens), decode(lively, other)
    assert larger.size == (1000, 1000, 0)
    np.testing.assert_allclose(larger.keypoints, 2 * made.keypoints, rtol=1e-6)


def test_leading_empty_frames_are_decoded_as_empty(lively, clip, hidden):
    sequence = clip(40)
    tokens = encode(lively, concatenate([hidden(sequence[:7]), sequence]))
    np.testing.assert_array_equal(tokens.codes, encode(lively, sequence).codes)
    assert (tokens.header.frames, tokens.header.empty_frames) == (47, 7)
    made = decode(lively, tokens)
    assert len(made) == 47
    assert not made.confidence[:7].any()
    np.testing.assert_array_equal(made.keypoints[7:], decode(lively, encode(lively, sequence)).keypoints)


@pytest.mark.parametrize("late", [1, 6, 199])
def test_frames_before_both_shoulders_are_empty(lively, clip, hidden, late):
    sequence = hidden(clip(200), slice(0, late), [0])
    tokens = encode(lively, sequence)
    assert (tokens.header.frames, tokens.header.empty_frames) == (200, late)
    assert len(tokens.codes) == -(-(200 - late) // 4)
    assert len(decode(lively, tokens)) == 200


def test_empty_frames_in_the_middle_are_encoded(model, clip, hidden):
    sequence = hidden(clip(60), slice(20, 44))
    made = decode(model, encode(model, sequence))
    assert len(made) == 60
    assert np.isfinite(made.keypoints).all()


@pytest.mark.parametrize("hands", [(), ("left",), ("right",), ("left", "right")])
def test_missing_hands_are_encoded(model, clip, hands):
    made = decode(model, encode(model, clip(30, hands=hands)))
    assert np.isfinite(made.keypoints).all()
    assert set(np.unique(made.confidence)) <= {0.0, 1.0}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_coordinates_that_are_not_finite_count_as_missing(lively, clip, hidden, value):
    sequence = clip(60)
    finger = sequence.skeleton.hand("right")[7]
    missing = hidden(sequence, slice(5, 50), [finger])
    wild = replace(sequence, keypoints=sequence.keypoints.copy())
    wild.keypoints[5:50, finger] = value
    np.testing.assert_array_equal(encode(lively, wild).codes, encode(lively, missing).codes)


def test_more_keypoints_than_the_models_are_left_out(lively, clip):
    body = clip(30, scale=0.0)
    face = fake_sequence(frames=30, face_points=6)
    np.testing.assert_array_equal(encode(lively, face).codes, encode(lively, body).codes)


def test_fewer_keypoints_than_the_models_are_missing(lively, clip, hidden):
    sequence = clip(30, hands=("left", "right"))
    left = sequence.skeleton.hand("left")
    without = sequence.select([i for i in range(50) if i not in left])
    assert without.skeleton.num_keypoints == 29
    expected = encode(lively, hidden(sequence, keypoints=left))
    np.testing.assert_array_equal(encode(lively, without).codes, expected.codes)


def test_two_dimensional_poses_give_the_same_codes(lively, clip):
    sequence = clip(30)
    flat = replace(sequence, keypoints=sequence.keypoints[..., :2].copy(), skeleton=sequence.skeleton.with_dims(2))
    np.testing.assert_array_equal(encode(lively, flat).codes, encode(lively, sequence).codes)


def test_what_cannot_be_encoded_is_refused(lively, clip, hidden):
    sequence = clip(10)
    thing = Skeleton((Component("THING", ("a", "b"), ((0, 1),), ((9, 9, 9),), "XYC"),))
    nowhere = replace(sequence, keypoints=np.full_like(sequence.keypoints, np.nan))
    for bad, message in (
        (hidden(sequence), "both shoulders are seen in no frame: the pose cannot be placed"),
        (hidden(sequence, keypoints=[1]), "both shoulders are seen in no frame"),
        (nowhere, "both shoulders are seen in no frame"),
        (sequence[:0], "there are no frames to encode"),
        (replace(sequence, keypoints=np.full_like(sequence.keypoints, 9)), "the shoulders lie on one point"),
        (
            replace(
                sequence, keypoints=sequence.keypoints[:, :2, :2], confidence=sequence.confidence[:, :2], skeleton=thing
            ),
            "no keypoint in common: found THING",
        ),
    ):
        for options in ({}, {"bits_per_frame": 2.0}):
            with pytest.raises(UserError, match=message):
                encode(lively, bad, **options)


def test_a_model_without_shoulders_says_so(lively, clip):
    hands = fake_skeleton().with_dims(2).select(range(8, 50))
    model = PoseTokenizer(TokenizerConfig(skeleton=hands.to_dict(), latent_dim=4, num_quantizers=1, codebook_size=4))
    with pytest.raises(UserError, match="the skeleton has no shoulders"):
        encode(model, clip(10))


def test_encode_and_decode_do_not_change_their_input(lively, clip, hidden):
    sequence = hidden(clip(30), slice(0, 3), place=np.nan)
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    tokens = encode(lively, sequence)
    np.testing.assert_array_equal(sequence.keypoints, keypoints)
    np.testing.assert_array_equal(sequence.confidence, confidence)
    codes = tokens.codes.copy()
    decode(lively, tokens, num_quantizers=1)
    np.testing.assert_array_equal(tokens.codes, codes)


def test_tokens_of_another_model_are_refused_with_both_names(lively, model, clip):
    tokens = encode(lively, clip(10))
    with pytest.raises(UserError) as error:
        decode(model, tokens)
    message = str(error.value)
    assert f"lively ({lively.hash[:8]})" in message
    assert f"{model.name} ({model.hash[:8]})" in message
    assert "\n" not in message


@pytest.mark.parametrize("claim", [{"num_quantizers": 2}, {"codebook_size": 999}, {"block_frames": 5}])
def test_tokens_whose_sizes_are_not_the_models_are_refused(lively, clip, claim):
    tokens = encode(lively, clip(20))
    codes = np.full((-(-20 // claim.get("block_frames", 4)), claim.get("num_quantizers", 3)), 11, np.int32)
    with pytest.raises(UserError, match="frames per block"):
        decode(lively, replace(tokens, header=replace(tokens.header, **claim), codes=codes))


def test_tokens_placed_in_other_dimensions_are_refused(lively, clip):
    tokens = encode(lively, clip(20))
    other = replace(tokens.header.placement, center=(1.0, 2.0, 3.0))
    with pytest.raises(UserError, match="a center of 3 coordinates; the model that made them has 2"):
        decode(lively, replace(tokens, header=replace(tokens.header, placement=other)))


def test_tokens_are_equal_whose_header_and_codes_are(lively, clip):
    tokens = encode(lively, clip(20))
    assert tokens == encode(lively, clip(20))
    assert tokens != encode(lively, clip(20, 1))
    assert tokens != replace(tokens, header=replace(tokens.header, fps=24.0))
