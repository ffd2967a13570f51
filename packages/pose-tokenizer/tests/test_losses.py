from dataclasses import replace

import pytest
import torch

from pose_tokenizer.data.dataset import TrainingBatch
from pose_tokenizer.losses import FrozenFeatures, Reconstruction, TokenizerLoss

B, N, K = 2, 3, 50
T = 4 * N


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(0)
    lengths = torch.tensor([[T], [6]])
    return TrainingBatch(
        keypoints=torch.randn(B, T, K, 2, generator=random),
        visible=torch.rand(B, T, K, generator=random) < 0.7,
        block_mask=torch.arange(N) < torch.tensor([[3], [2]]),
        frame_mask=torch.arange(T) < lengths,
    )


@pytest.fixture
def made():
    random = torch.Generator().manual_seed(1)
    return Reconstruction(
        torch.randn(B, T, K, 2, generator=random),
        torch.randn(B, T, K, generator=random),
        torch.tensor(0.25),
        torch.ones(B),
    )


@pytest.fixture
def build(quick, skeleton):
    def make(**changes):
        weights = torch.ones(K)
        weights[8:] = 4.0
        return TokenizerLoss(quick.model_copy(update=changes), skeleton, weights)

    return make


def values(components):
    return {name: value.item() for name, (_, value) in components.items()}


def test_components_have_the_weights_of_the_config(build, batch, made):
    names = ("reconstruction", "quantization", "temporal", "perceptual", "presence")
    weights = dict(zip(names, (2.0, 3.0, 5.0, 7.0, 11.0), strict=True))
    components = build(**{f"{name}_weight": weight for name, weight in weights.items()}).components(batch, made)
    assert {name: weight for name, (weight, _) in components.items()} == weights
    assert all(torch.isfinite(value) and value > 0 and value.ndim == 0 for _, value in components.values())
    assert values(components)["quantization"] == 0.25
    assert "perceptual" not in build(perceptual_weight=0.0).components(batch, made)


def test_missing_and_padded_keypoints_count_in_presence_alone(build, batch, made):
    loss = build(perceptual_weight=1.0)
    plain = values(loss.components(batch, made))
    counts = (batch.visible & batch.frame_mask[..., None])[..., None]
    moved = replace(made, keypoints=torch.where(counts, made.keypoints, made.keypoints + 100))
    other = replace(batch, keypoints=torch.where(counts, batch.keypoints, torch.tensor(-55.0)))
    padded = replace(made, logits=torch.where(batch.frame_mask[..., None], made.logits, -made.logits * 9))
    assert values(loss.components(batch, moved)) == pytest.approx(plain)
    assert values(loss.components(other, made)) == pytest.approx(plain)
    assert values(loss.components(batch, padded)) == pytest.approx(plain)
    told = values(loss.components(batch, replace(made, logits=-made.logits)))
    assert told["presence"] != pytest.approx(plain["presence"])
    assert told | {"presence": 0} == pytest.approx(plain | {"presence": 0})


def test_visible_keypoints_change_the_loss(build, batch, made):
    loss = build(perceptual_weight=1.0)
    plain = values(loss.components(batch, made))
    b, t, k = (batch.visible & batch.frame_mask[..., None]).nonzero()[40].tolist()
    moved = made.keypoints.clone()
    moved[b, t, k] += 3
    told = values(loss.components(batch, replace(made, keypoints=moved)))
    for name in ("reconstruction", "temporal", "perceptual"):
        assert told[name] != pytest.approx(plain[name]), name


def test_a_perfect_reconstruction_costs_nothing_but_its_codes(build, batch):
    logits = torch.where(batch.visible, 50.0, -50.0)
    made = Reconstruction(batch.keypoints, logits, torch.tensor(0.25), torch.ones(B))
    expected = {"reconstruction": 0, "quantization": 0.25, "temporal": 0, "presence": 0, "perceptual": 0}
    assert values(build(perceptual_weight=1.0).components(batch, made)) == pytest.approx(expected, abs=1e-6)


def test_loss_is_zero_without_visible_keypoints(build, batch, made):
    nobody = replace(batch, visible=torch.zeros_like(batch.visible))
    told = values(build(perceptual_weight=1.0).components(nobody, made))
    assert (told["reconstruction"], told["temporal"], told["perceptual"]) == (0, 0, 0)


def test_hand_keypoints_have_a_larger_weight(build, batch, made):
    loss = build()
    errors = []
    for k in (0, 20):
        moved = batch.keypoints.clone()
        moved[0, 3, k] += 1
        everything = replace(batch, visible=torch.ones_like(batch.visible))
        errors.append(values(loss.components(everything, replace(made, keypoints=moved)))["reconstruction"])
    assert errors[1] == pytest.approx(16 * errors[0])


def test_temporal_loss_sees_a_jump_and_not_a_shift(build, batch):
    loss = build()
    everything = replace(batch, visible=torch.ones_like(batch.visible), frame_mask=torch.ones_like(batch.frame_mask))
    shift, jump = torch.ones(B, T, K, 2), torch.zeros(B, T, K, 2)
    jump[:, 6:] = 1
    seen = everything.visible
    assert loss.motion(shift, seen, torch.ones(B)).item() == 0
    # Of 11 velocities one is (1, 1), of 10 accelerations two are (1, 1) and (-1, -1).
    assert loss.motion(jump, seen, torch.ones(B)).item() == pytest.approx(2 / 11 + 4 / 10)
    seen = seen.clone()
    seen[:, 5] = False  # the jump happens where nobody looks
    assert loss.motion(jump, seen, torch.ones(B)).item() == 0


def test_frozen_features_are_always_the_same_and_have_no_gradients(skeleton, batch):
    before = torch.get_rng_state()
    first, second = FrozenFeatures(skeleton), FrozenFeatures(skeleton)
    assert torch.equal(torch.get_rng_state(), before)
    made = first(batch.keypoints, batch.visible)
    assert made.shape == (B, T, K, 16)
    assert torch.equal(made, second(batch.keypoints, batch.visible))
    assert not any(parameter.requires_grad for parameter in first.parameters())
    assert made.std() > 0.1


def test_body_emphasis_raises_the_weight_of_what_is_neither_hand_nor_face(build):
    share = build(body_emphasis=3.0).weights / build().weights
    torch.testing.assert_close(share[:8], 3 * share[8].expand(8))
    torch.testing.assert_close(share[8:], share[8].expand(42))
