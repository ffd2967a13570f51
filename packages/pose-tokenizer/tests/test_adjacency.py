import pytest
import torch

from pose_core import Skeleton
from pose_core.skeleton import Component
from pose_core.testing import fake_skeleton
from pose_tokenizer.nn.adjacency import PARTITIONS, partitioned_adjacency


def hands_of(skeleton, *sides):
    return skeleton.select([i for side in sides for i in skeleton.hand(side)])


def steps(adjacency):
    """For each pair of keypoints after how many convolutions one has heard of the other; 0 = never."""
    near = (adjacency.sum(dim=0) > 0).float()
    after, heard = torch.zeros_like(near), torch.eye(len(near))
    for step in range(1, len(near)):
        heard = ((near @ heard) > 0).float()
        after = torch.where((after == 0) & (heard > 0), float(step), after)
    return after


@pytest.fixture
def skeletons(skeleton):
    unknown = Skeleton((Component("THING", ("a", "b", "c", "d", "e"), ((0, 1), (1, 2)), ((9, 9, 9),), "XYC"),))
    return {
        "whole": skeleton,
        "face": fake_skeleton(face_points=6).with_dims(2),
        "hands": hands_of(skeleton, "left", "right"),
        "one hand": hands_of(skeleton, "right"),
        "body": skeleton.select(skeleton.part("body")),
        "unknown": unknown,
        "one point": skeleton.select([0]),
    }


def test_adjacency_is_row_normalized_and_connected(skeletons):
    for name, skeleton in skeletons.items():
        adjacency = partitioned_adjacency(skeleton)
        K = skeleton.num_keypoints
        assert adjacency.shape == (PARTITIONS, K, K), name
        rows = adjacency.sum(dim=2)
        assert torch.isclose(rows, rows.round()).all(), name
        assert set(rows.round().flatten().tolist()) <= {0.0, 1.0}, name
        assert torch.equal(adjacency[0], torch.eye(K)), name
        neighbours = adjacency[1:].sum(dim=0) > 0
        assert torch.equal(neighbours, neighbours.T), name
        assert not neighbours.diagonal().any(), name
        assert (steps(adjacency) > 0).all() or K == 1, name


def test_partitions_are_self_centripetal_and_centrifugal(skeleton):
    adjacency = partitioned_adjacency(skeleton)
    shoulder, elbow, wrist = (skeleton.index("POSE_LANDMARKS", f"LEFT_{j}") for j in ("SHOULDER", "ELBOW", "WRIST"))
    assert adjacency[1, elbow, shoulder] == 1  # the only neighbour nearer to the middle
    assert adjacency[2, elbow, wrist] == 1
    assert adjacency[:, wrist, shoulder].sum() == 0
    assert adjacency[1, shoulder].sum() == 0  # nothing is nearer than the shoulders
    assert not (adjacency[1] * adjacency[2]).any()


def test_hands_are_connected_to_the_wrists_of_their_side(skeleton):
    adjacency = partitioned_adjacency(skeleton)
    for side, other in (("left", "right"), ("right", "left")):
        root = skeleton.hand(side)[0]
        assert adjacency[1, root, skeleton.wrist(side)] == 1
        assert adjacency[:, root, skeleton.wrist(other)].sum() == 0
        assert adjacency[2, skeleton.wrist(side), root] > 0


def test_unconnected_parts_are_connected_to_the_shoulders(skeletons):
    skeleton = skeletons["face"]
    adjacency = partitioned_adjacency(skeleton)
    first, second = skeleton.face()[:2]
    assert adjacency[1, first, skeleton.shoulders()[0]] == 1
    assert adjacency[:, second, list(skeleton.shoulders())].sum() == 0


def test_hands_alone_are_one_graph(skeletons):
    adjacency = partitioned_adjacency(skeletons["hands"])
    assert adjacency[1, 21, 0] == 1  # the second wrist on the first
    assert adjacency[2, 0, 21] > 0
