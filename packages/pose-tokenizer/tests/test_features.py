from dataclasses import replace

import pytest
import torch

from pose_core import Skeleton
from pose_core.testing import fake_skeleton
from pose_core.transforms.temporal import hold
from pose_tokenizer.nn.features import PoseFeatures


@pytest.fixture
def features(skeleton):
    features = PoseFeatures(skeleton, hand_weight=4.0, body_weight=2.0)
    features.mean.copy_(torch.randn(features.mean.shape, generator=torch.Generator().manual_seed(0)))
    return features


def test_the_inverse_gives_keypoints_and_parts_back(features, skeleton):
    keypoints = torch.randn(2, 3, 50, 2)
    seen = torch.ones(2, 3, 50, dtype=torch.bool)
    seen[0, 1, skeleton.hand("left")] = False
    seen[1, :, skeleton.hand("right")] = False
    seen[1, 2] = False
    made = features(keypoints, seen)
    assert made.shape == (2, 3, features.size) == (2, 3, 103)
    back, logits = features.inverse(made)
    torch.testing.assert_close(back, keypoints, atol=1e-5, rtol=1e-5)
    assert torch.equal(logits > 0, seen)


def test_a_part_is_visible_when_most_of_its_keypoints_are(features, skeleton):
    hand = skeleton.hand("right")
    seen = torch.ones(2, 50, dtype=torch.bool)
    seen[0, hand[:10]] = False
    seen[1, hand[:11]] = False
    _, logits = features.inverse(features(torch.zeros(2, 50, 2), seen))
    assert (logits[0, hand] > 0).all()
    assert (logits[1, hand] < 0).all()
    assert (logits[:, skeleton.part("body")] > 0).all()


def test_feature_distance_is_weighted_by_hand_and_body_weight(features, skeleton):
    keypoints, seen = torch.zeros(1, 50, 2), torch.ones(1, 50, dtype=torch.bool)

    def change(point):
        moved = keypoints.clone()
        moved[0, point, 0] += 1
        return (features(moved, seen) - features(keypoints, seen)).norm().item()

    assert change(skeleton.hand("left")[3]) == pytest.approx(4, abs=1e-5)
    assert change(skeleton.shoulders()[0]) == pytest.approx(2, abs=1e-5)


def test_every_part_of_a_skeleton_with_a_face_has_a_presence_feature():
    skeleton = fake_skeleton(face_points=5).with_dims(2)
    features = PoseFeatures(skeleton, 1.0, 1.0)
    assert skeleton.parts() == ["body", "face", "left_hand", "right_hand"]
    assert features.size == 2 * 55 + 4
    lighter = PoseFeatures(skeleton, 1.0, 1.0, face_weight=0.5)
    assert {lighter.weights[k].item() for k in skeleton.face()} == {0.5}
    assert torch.equal(lighter.weights / features.weights < 1, features.parts[1] > 0)
    assert torch.equal(features.parts.sum(dim=0), torch.ones(55))


def test_keypoints_of_no_part_are_a_part_of_their_own(skeleton):
    body = skeleton.components[0]
    again = Skeleton((*skeleton.components, replace(body, name="POSE_WORLD_LANDMARKS")))
    features = PoseFeatures(again, 1.0, 1.0)
    seen = torch.ones(1, 58, dtype=torch.bool)
    seen[:, 50:] = False
    _, logits = features.inverse(features(torch.zeros(1, 58, 2), seen))
    assert torch.equal(logits > 0, seen)
    assert torch.equal(features.parts.sum(dim=0), torch.ones(58))


def held(keypoints, seen, before):
    """`hold`, one keypoint after the other."""
    filled = keypoints.clone()
    B, T, K, _ = keypoints.shape
    for b in range(B):
        for k in range(K):
            last = before[b, k]
            for t in range(T):
                if seen[b, t, k]:
                    last = keypoints[b, t, k]
                filled[b, t, k] = last
    return filled


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_a_missing_keypoint_is_held_where_it_was_last_visible(share):
    random = torch.Generator().manual_seed(0)
    keypoints, before = torch.randn(2, 12, 5, 2, generator=random), torch.randn(2, 5, 2, generator=random)
    seen = torch.rand(2, 12, 5, generator=random) < share
    kept = keypoints.clone()
    assert torch.equal(hold(keypoints, seen, before), held(keypoints, seen, before))
    assert torch.equal(keypoints, kept)


def test_coordinates_of_a_missing_keypoint_are_ignored():
    keypoints, before = torch.randn(1, 6, 3, 2), torch.zeros(1, 3, 2)
    seen = torch.tensor([1, 0, 1, 1, 0, 0], dtype=torch.bool)[None, :, None].expand(1, 6, 3)
    nowhere = torch.where(seen[..., None], keypoints, torch.nan)
    assert torch.equal(hold(nowhere, seen, before), hold(keypoints, seen, before))


def test_depth_weighs_what_it_is_given(skeleton):
    features = PoseFeatures(skeleton.with_dims(3), hand_weight=4.0, body_weight=2.0, depth_weight=0.5)
    keypoints, seen = torch.randn(3, 50, 3), torch.ones(3, 50, dtype=torch.bool)
    made = features(keypoints, seen)
    back, logits = features.inverse(made)
    torch.testing.assert_close(back, keypoints, atol=1e-5, rtol=1e-5)
    assert (logits > 0).all()
    nearer = keypoints + torch.tensor([0.0, 0.0, 1.0])
    moved = torch.sqrt(torch.tensor(8 * 1.0**2 + 42 * 2.0**2)).expand(3)
    torch.testing.assert_close((features(nearer, seen) - made).norm(dim=-1), moved, atol=1e-4, rtol=1e-4)
