"""Arms and hands hang from the shoulders, whatever a model is given or gives."""

import json

import pytest
import torch

from ht_vae.config import ModelConfig
from ht_vae.model import load_model
from ht_vae.nn.arms import MAX_PALM_RATIO, UNLIMITED, ArmBones, has_hands_on_arms, palm_size
from ht_vae.nn.basis import PoseBasis
from ht_vae.nn.latent import Latents
from pose_core.skeleton import landmark_skeleton
from pose_core.testing import fake_skeleton

LONG = 1.001  # times as long as is allowed: rounding
LANDMARKS_HASH = "5e26719bba5be759"  # as 0.4 has it: latents that it wrote are still this model's


@pytest.fixture(scope="module")
def right(skeleton):
    """Positions of the right shoulder, elbow and wrist, and of the right hand."""
    return skeleton.shoulders()[1], skeleton.elbow("right"), skeleton.wrist("right"), skeleton.hand("right")


@pytest.fixture(scope="module")
def clips(poses):
    """Clips whose right hands are seen, and left ones are not."""
    keypoints, confidence, mask = poses(40, 30, 64, 21)
    return keypoints, (confidence > 0) & mask[..., None], mask


@pytest.fixture(scope="module")
def bones(skeleton, clips):
    keypoints, visible, mask = clips
    arms = ArmBones(skeleton)
    arms.fit([(keypoints[i, mask[i]], visible[i, mask[i]]) for i in range(len(mask))])
    return arms


def fit(model, keypoints, visible, mask):
    """What training begins with."""
    count = visible.sum(dim=(0, 1))
    mean = torch.where(visible[..., None], keypoints, 0).sum(dim=(0, 1)) / count.clamp(min=1)[:, None]
    real = [(keypoints[i, mask[i]], visible[i, mask[i]]) for i in range(len(mask))]
    model.initialize(mean, count / mask.sum(), real)


def lengths(bones, keypoints):
    """Of all bones, beside the longest that are allowed."""
    found = (keypoints[..., bones.ends, :] - keypoints[..., bones.starts, :]).norm(dim=-1)
    return found, bones.longest[bones.ends]


def test_absolute_inverts_relative(skeleton):
    bones = ArmBones(skeleton)
    keypoints = torch.randn(2, 5, skeleton.num_keypoints, 2)
    torch.testing.assert_close(bones.absolute(bones.relative(keypoints)), keypoints, atol=1e-5, rtol=0)


def test_moving_a_bone_moves_only_its_subtree(skeleton, right):
    bones = ArmBones(skeleton)
    _, elbow, wrist, hand = right
    keypoints = torch.randn(3, skeleton.num_keypoints, 2)
    features = bones.relative(keypoints)
    features[:, wrist] += 1
    moved = (bones.absolute(features) - keypoints).norm(dim=-1).mean(dim=0) > 0.5
    assert moved.nonzero().flatten().tolist() == sorted([wrist, *hand])
    features = bones.relative(keypoints + 1)  # the whole person elsewhere: arms and hands are the same
    torch.testing.assert_close(
        features[:, [elbow, *hand]], bones.relative(keypoints)[:, [elbow, *hand]], atol=1e-4, rtol=0
    )


def test_decoded_bones_are_at_most_as_long_as_real_ones(bones, clips, skeleton):
    keypoints, visible, _ = clips
    real, allowed = lengths(bones, keypoints)
    both = visible[..., bones.ends] & visible[..., bones.starts]
    for i in both.any(dim=(0, 1)).nonzero().flatten().tolist():
        assert real[..., i][both[..., i]].quantile(0.9) <= allowed[i] * LONG
        assert allowed[i] <= real[..., i][both[..., i]].max() * LONG
    wild = 10 * torch.randn(2, 20, skeleton.num_keypoints, 2)
    output, allowed = lengths(bones, bones.absolute(wild))
    assert (output <= allowed * LONG).all()


def test_both_sides_have_the_same_limits(bones, skeleton):
    """The clips show no left hand."""
    left, right = skeleton.hand("left"), skeleton.hand("right")
    assert torch.equal(bones.longest[left], bones.longest[right])
    assert (bones.longest[right] < UNLIMITED).all()


def test_a_missing_hand_follows_its_arm(bones, clips, right):
    keypoints, visible, _ = (each[:1, :21].clone() for each in clips)
    _, _, wrist, hand = right
    visible[:, 10:, hand] = False
    keypoints[:, 10:, wrist] += torch.tensor([0.3, -0.2])
    keypoints[:, 10:, hand] = torch.nan
    output = bones.fill_missing(keypoints, visible)
    shape = output[:, 9, hand] - output[:, 9, [wrist]]
    torch.testing.assert_close(output[:, 15, hand] - output[:, 15, [wrist]], shape)
    visible[:, :, hand] = False
    output = bones.fill_missing(keypoints, visible)
    expected = bones.mean[hand[0]].expand(21, 2)
    torch.testing.assert_close((output[:, :, hand[0]] - output[:, :, wrist])[0], expected, atol=1e-5, rtol=0)
    assert output[..., hand, :].isfinite().all()


def test_a_missing_wrist_follows_its_hand(bones, clips, right):
    keypoints, visible, _ = (each[:1, :21].clone() for each in clips)
    _, _, wrist, hand = right
    complete = bones.fill_missing(keypoints, visible)
    visible[:, 10:, wrist] = False
    output = bones.fill_missing(keypoints, visible)
    gap = complete[:, 9, hand[0]] - complete[:, 9, wrist]
    torch.testing.assert_close(output[:, 15, hand[0]] - output[:, 15, wrist], gap, atol=1e-5, rtol=0)
    torch.testing.assert_close(output[:, 15, hand], keypoints[:, 15, hand], atol=1e-4, rtol=0)


def test_a_misplaced_hand_is_reattached_to_its_arm(bones, clips, right):
    keypoints, visible, _ = (each[:1, :21].clone() for each in clips)
    _, _, wrist, hand = right
    before = bones.fill_missing(keypoints, visible)
    keypoints[:, :, hand] += 1.5
    output = bones.fill_missing(keypoints, visible)
    assert ((output[..., hand[0], :] - output[..., wrist, :]).norm(dim=-1) <= bones.longest[hand[0]] * LONG).all()
    shape = before[..., hand, :] - before[..., hand[:1], :]
    torch.testing.assert_close(output[..., hand, :] - output[..., hand[:1], :], shape, atol=1e-5, rtol=0)


def test_palms_are_limited_relative_to_their_median(bones, clips, skeleton, right):
    keypoints, visible, _ = clips
    hand = right[3]
    keypoints, visible = keypoints[2:3].clone(), visible[2:3]
    torch.testing.assert_close(bones.limit_palms(keypoints, visible), keypoints)
    keypoints[:, 5, hand] = keypoints[:, 5, hand[:1]] + 4 * (keypoints[:, 5, hand] - keypoints[:, 5, hand[:1]])
    output = bones.limit_palms(keypoints, visible)
    size = palm_size(output[..., hand, :])[0]
    assert size.max() <= MAX_PALM_RATIO * size.median() * LONG
    assert torch.equal(output[:, :5], keypoints[:, :5])
    assert torch.equal(output[:, :, hand[0]], keypoints[:, :, hand[0]])
    torch.testing.assert_close(
        bones.limit_palms(keypoints, torch.zeros_like(visible)), keypoints
    )  # none to compare with


def test_missing_hands_leave_the_basis_unchanged(skeleton, clips, right):
    """A hand is stiff on its arm. Whether it is seen all the time or half of it, what is learned is the same."""
    keypoints, visible, mask = clips
    _, _, wrist, hand = right
    keypoints = keypoints.clone()
    keypoints[..., hand, :] = keypoints[..., [wrist], :] + 0.1 * torch.arange(len(hand))[:, None] / len(hand)
    some = visible.clone()
    some[:, 8:, hand] = False
    output = []
    for inputs in (visible, some):
        arms, basis = ArmBones(skeleton), PoseBasis(skeleton, 60, 6, 12, 16)
        real = [(keypoints[i, mask[i]], inputs[i, mask[i]]) for i in range(len(mask))]
        arms.fit(real)
        completed = arms.fill_missing(keypoints, inputs)
        everything = torch.ones_like(visible)
        basis.fit(
            completed[mask].mean(dim=0), [(completed[i, mask[i]], everything[i, mask[i]]) for i in range(len(mask))]
        )
        chunk_mask = mask[:, ::16]
        latents = basis.project(basis.rows(completed, everything, mask), chunk_mask)
        rows = basis.combine(*latents, chunk_mask.shape[1])
        output.append(basis.restore(rows, chunk_mask, mask.shape[1])[0])
    torch.testing.assert_close(output[0][mask], output[1][mask], atol=1e-3, rtol=0)


def test_the_basis_predicts_which_hand_is_visible(build, clips, skeleton):
    """Without any training: clips with the right hand, with the left, and with one that comes and goes."""
    keypoints, visible, mask = (each.clone() for each in clips)
    left, right = skeleton.hand("left"), skeleton.hand("right")
    keypoints[1][:, left], visible[1][:, left] = keypoints[1][:, right], visible[1][:, right]
    visible[1][:, right] = False
    visible[2, 20:45, right] = False
    model = build(relative_arms=True, chunk_latent_dim=40)
    fit(model, keypoints, visible, mask)
    output = model.reconstruct(keypoints, visible.float(), mask)
    assert ((output.logits > 0) == visible)[mask].float().mean() > 0.97
    assert (output.logits[~mask] == 0).all()


@pytest.mark.parametrize("spread", [1.0, 5.0])
def test_hands_of_samples_are_attached_to_arms(build, clips, skeleton, spread):
    keypoints, visible, mask = clips
    model = build(relative_arms=True)
    fit(model, keypoints, visible, mask)
    torch.manual_seed(0)
    output = model.decode(Latents(spread * torch.randn(3, 6), spread * torch.randn(3, 5, 5)), 80).keypoints
    found, allowed = lengths(model.arms, output)
    assert (found <= allowed * LONG).all()
    for side in ("left", "right"):
        gap = output[..., skeleton.hand(side)[0], :] - output[..., skeleton.wrist(side), :]
        assert gap.norm(dim=-1).max() < 0.2
    assert output.diff(dim=1).abs().max() > 1e-3  # they move


def test_models_without_arms_keep_their_hash_and_configuration(configure):
    """The hash is of configuration and weights: a model without arms is written as before there were any."""
    assert load_model("landmarks", "cpu").hash == LANDMARKS_HASH
    before, now = configure().model_dump(mode="json"), configure(relative_arms=True).model_dump(mode="json")
    assert "relative_arms" not in before
    assert now == before | {"relative_arms": True}
    assert json.loads(configure().model_dump_json()) == before
    for values in (before, now):
        assert ModelConfig.model_validate(values).model_dump(mode="json") == values


def test_which_skeletons_have_hands_on_arms(skeleton):
    assert has_hands_on_arms(skeleton)
    points = ["LEFT_SHOULDER", "RIGHT_SHOULDER", "LEFT_ELBOW", "LEFT_WRIST", "LEFT_HIP", "RIGHT_HIP"]
    assert not has_hands_on_arms(landmark_skeleton(points, 2))
    hands = fake_skeleton().select(list(range(8, 50)))
    assert not has_hands_on_arms(hands)
    keypoints = torch.randn(4, 42, 3)
    bones = ArmBones(hands)  # hangs fingers from their own wrist
    torch.testing.assert_close(bones.absolute(bones.relative(keypoints)), keypoints, atol=1e-5, rtol=0)
