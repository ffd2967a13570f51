import pytest
import torch
from pydantic import ValidationError

from pose_core import UserError
from pose_core.batch import PoseBatch, collate
from pose_core.skeleton import known_skeleton
from pose_core.testing import fake_sequence, fake_skeleton
from pose_encoders import AdditionalSequence, TransformerEncoder
from pose_encoders.config import TransformerEncoderConfig

SKELETON = fake_skeleton()
K, D, C = SKELETON.num_keypoints, SKELETON.num_dims, 16


@pytest.fixture(params=["rotary", "learned"])
def encoder(request):
    torch.manual_seed(0)
    max_seq_size = 32 if request.param == "learned" else None
    config = TransformerEncoderConfig(
        hidden_dim=C, num_layers=2, num_heads=2, positions=request.param, max_seq_size=max_seq_size
    )
    return TransformerEncoder(SKELETON, config).eval()


def batch(keypoints, mask=None, confidence=None):
    B, T = keypoints.shape[:2]
    mask = torch.ones(B, T, dtype=torch.bool) if mask is None else mask
    confidence = mask[:, :, None].expand(B, T, K).float() if confidence is None else confidence
    return PoseBatch(keypoints, confidence, mask, SKELETON, torch.full((B,), 25.0))


def poses(B, T):
    return torch.randn(B, T, K, D)


def text(B, L=3):
    return AdditionalSequence(torch.randn(B, L, C), torch.ones(B, L, dtype=torch.bool))


def test_one_vector_per_frame(encoder):
    vectors = encoder(batch(poses(2, 7)))
    assert vectors.shape == (2, 7, encoder.output_dim)
    assert torch.isfinite(vectors).all()


@pytest.mark.parametrize("with_text", [False, True])
def test_padding_changes_nothing(encoder, with_text):
    keypoints = poses(1, 6)
    additional = text(1) if with_text else None
    alone = encoder(batch(keypoints), additional)

    padded = torch.full((1, 11, K, D), float("nan"))  # whatever stands in the padding, it must not count
    padded[:, :6] = keypoints
    if additional is not None:
        values = torch.cat([additional.values, torch.full((1, 2, C), 7.0)], dim=1)
        additional = AdditionalSequence(values, torch.arange(5)[None] < 3)
    batched = encoder(batch(padded, torch.arange(11)[None] < 6), additional)
    torch.testing.assert_close(batched[:, :6], alone, atol=1e-5, rtol=1e-5)
    assert (batched[:, 6:] == 0).all()


def test_batching_changes_nothing(encoder):
    keypoints, additional = poses(4, 6), text(4)
    together = encoder(batch(keypoints), additional)
    for i in range(4):
        one = AdditionalSequence(additional.values[i : i + 1], additional.mask[i : i + 1])
        torch.testing.assert_close(encoder(batch(keypoints[i : i + 1]), one)[0], together[i], atol=1e-5, rtol=1e-5)


def test_an_invisible_keypoint_differs_from_one_at_0(encoder):
    keypoints, confidence = poses(1, 6), torch.ones(1, 6, K)
    confidence[0, 2, 7] = 0
    keypoints[0, 2, 7] = float("nan")
    missing = encoder(batch(keypoints, confidence=confidence))
    keypoints[0, 2, 7] = 5.0
    torch.testing.assert_close(encoder(batch(keypoints, confidence=confidence)), missing)
    keypoints[0, 2, 7] = 0.0
    assert not torch.allclose(encoder(batch(keypoints)), missing, atol=1e-5)


def test_frames_attend_to_the_additional_sequence_and_to_each_other(encoder):
    keypoints = poses(1, 6)
    assert not torch.allclose(encoder(batch(keypoints), text(1)), encoder(batch(keypoints), text(1)))
    other = keypoints.clone()
    other[:, 5] += 1
    assert not torch.allclose(encoder(batch(keypoints))[:, 0], encoder(batch(other))[:, 0])


def test_order_of_frames_matters(encoder):
    keypoints = poses(1, 6)
    turned = encoder(batch(keypoints.flip(1))).flip(1)
    assert not torch.allclose(turned, encoder(batch(keypoints)), atol=1e-4)


def test_rotary_positions_have_no_limit():
    encoder = TransformerEncoder(SKELETON, TransformerEncoderConfig(hidden_dim=C, num_layers=1, num_heads=2)).eval()
    assert encoder(batch(poses(1, 3000))).isfinite().all()


def test_learned_positions_refuse_a_longer_sequence():
    config = TransformerEncoderConfig(hidden_dim=C, num_layers=1, num_heads=2, positions="learned", max_seq_size=8)
    encoder = TransformerEncoder(SKELETON, config)
    encoder(batch(poses(1, 8)))
    with pytest.raises(UserError, match=r"9 frames.*learned positions for 8 \(max_seq_size\)"):
        encoder(batch(poses(1, 9)))


@pytest.mark.parametrize("values", [{"positions": "learned"}, {"max_seq_size": 8}])
def test_max_seq_size_belongs_to_learned_positions(values):
    with pytest.raises(ValidationError, match="max_seq_size"):
        TransformerEncoderConfig(**values)


def test_other_skeletons_are_refused_by_what_differs(encoder):
    clip = fake_sequence(face_points=4)
    hands = clip.skeleton.hand("right")
    cases = [
        (clip, "has FACE_LANDMARKS besides"),
        (fake_sequence().select(list(range(8))), "lacks LEFT_HAND_LANDMARKS, lacks RIGHT_HAND_LANDMARKS"),
        (clip.select([i for i in range(54) if i != hands[3]]), "has 20 points in RIGHT_HAND_LANDMARKS where 21"),
    ]
    for sequence, complaint in cases:
        with pytest.raises(UserError, match=complaint):
            encoder(collate([sequence]))
    flat = PoseBatch(torch.zeros(1, 3, 133, 2), torch.ones(1, 3, 133), torch.ones(1, 3, dtype=torch.bool),
                     known_skeleton(133, 2), torch.ones(1))  # fmt: skip
    with pytest.raises(UserError, match="has BODY besides"):
        encoder(flat)


def test_a_fully_padded_row_is_finite(encoder):
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1] = False
    vectors = encoder(batch(poses(2, 5), mask))
    assert vectors.isfinite().all()
    assert (vectors[1] == 0).all()


def test_gradients_are_finite_with_padding_and_a_hand_missing(encoder):
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1, 3:] = False
    confidence = mask[:, :, None].expand(2, 5, K).float().clone()
    confidence[:, :, SKELETON.hand("left")] = 0
    encoder.train()(batch(poses(2, 5), mask, confidence), text(2)).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())
