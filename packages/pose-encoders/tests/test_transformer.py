import pytest
import torch
from pydantic import ValidationError

from pose_core import UserError
from pose_encoders import AdditionalSequence, TransformerEncoder, TransformerEncoderConfig

K, D, C = 5, 3, 16


@pytest.fixture(params=["rotary", "learned"])
def encoder(request):
    torch.manual_seed(0)
    max_seq_size = 32 if request.param == "learned" else None
    config = TransformerEncoderConfig(
        hidden_dim=C, num_layers=2, num_heads=2, positions=request.param, max_seq_size=max_seq_size
    )
    return TransformerEncoder((K, D), config).eval()


def poses(B, T):
    return torch.randn(B, T, K, D), torch.ones(B, T, dtype=torch.bool)


def text(B, L=3):
    return AdditionalSequence(torch.randn(B, L, C), torch.ones(B, L, dtype=torch.bool))


def test_a_vector_a_frame(encoder):
    pose, mask = poses(2, 7)
    vectors = encoder(pose, mask)
    assert vectors.shape == (2, 7, encoder.output_dim)
    assert torch.isfinite(vectors).all()


@pytest.mark.parametrize("with_text", [False, True])
def test_padding_changes_nothing(encoder, with_text):
    pose, mask = poses(1, 6)
    additional = text(1) if with_text else None
    alone = encoder(pose, mask, additional)

    padded = torch.full((1, 11, K, D), float("nan"))  # whatever stands in the padding, it must not count
    padded[:, :6] = pose
    mask = torch.arange(11)[None] < 6
    if additional is not None:
        values = torch.cat([additional.values, torch.full((1, 2, C), 7.0)], dim=1)
        additional = AdditionalSequence(values, torch.arange(5)[None] < 3)
    batched = encoder(padded, mask, additional)
    torch.testing.assert_close(batched[:, :6], alone, atol=1e-5, rtol=1e-5)
    assert (batched[:, 6:] == 0).all()


def test_batching_changes_nothing(encoder):
    pose, mask = poses(4, 6)
    additional = text(4)
    together = encoder(pose, mask, additional)
    for i in range(4):
        one = AdditionalSequence(additional.values[i : i + 1], additional.mask[i : i + 1])
        torch.testing.assert_close(encoder(pose[i : i + 1], mask[i : i + 1], one)[0], together[i], atol=1e-5, rtol=1e-5)


def test_frames_attend_to_the_additional_sequence_and_to_each_other(encoder):
    pose, mask = poses(1, 6)
    assert not torch.allclose(encoder(pose, mask, text(1)), encoder(pose, mask, text(1)))
    other = pose.clone()
    other[:, 5] += 1
    assert not torch.allclose(encoder(pose, mask)[:, 0], encoder(other, mask)[:, 0])


def test_order_of_frames_matters(encoder):
    pose, mask = poses(1, 6)
    assert not torch.allclose(encoder(pose.flip(1), mask).flip(1), encoder(pose, mask), atol=1e-4)


def test_rotary_positions_have_no_limit():
    encoder = TransformerEncoder((K, D), TransformerEncoderConfig(hidden_dim=C, num_layers=1, num_heads=2)).eval()
    assert encoder(*poses(1, 3000)).isfinite().all()


def test_learned_positions_refuse_a_longer_sequence():
    config = TransformerEncoderConfig(hidden_dim=C, num_layers=1, num_heads=2, positions="learned", max_seq_size=8)
    encoder = TransformerEncoder((K, D), config)
    encoder(*poses(1, 8))
    with pytest.raises(UserError, match=r"9 frames.*learned positions for 8 \(max_seq_size\)"):
        encoder(*poses(1, 9))


@pytest.mark.parametrize("values", [{"positions": "learned"}, {"max_seq_size": 8}])
def test_max_seq_size_belongs_to_learned_positions(values):
    with pytest.raises(ValidationError, match="max_seq_size"):
        TransformerEncoderConfig(**values)


def test_a_row_of_padding_alone_is_no_nan(encoder):
    pose, mask = poses(2, 5)
    mask[1] = False
    vectors = encoder(pose, mask)
    assert vectors.isfinite().all()
    assert (vectors[1] == 0).all()


def test_gradients_are_finite_with_padding(encoder):
    pose, mask = poses(2, 5)
    mask[1, 3:] = False
    encoder.train()(pose, mask, text(2)).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())
