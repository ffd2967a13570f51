"""The graph: limbs within frames, joints through time, nothing else."""

import pytest
import torch

from pose_core.data import collate
from pose_core.skeleton import Component, Skeleton
from pose_encoders.config import GraphEncoderConfig
from pose_encoders.graph import FROM_FUTURE, FROM_PAST, LIMB, GraphEncoder, PoseGraph


@pytest.fixture
def small():
    """Three joints in a row, one limb given in both directions, and one joint without limbs."""
    return Skeleton((Component("A", ("a", "b", "c", "d"), ((0, 1), (1, 0), (1, 2), (2, 2)), (), "XYC"),))


def plain_loop(T, window):
    """Every edge of the small skeleton over T frames, with its type."""
    edges = set()
    for t in range(T):
        for a, b in ((0, 1), (1, 2)):
            edges |= {(4 * t + a, 4 * t + b, LIMB), (4 * t + b, 4 * t + a, LIMB)}
        for k in range(4):
            for other in range(max(0, t - window), min(T, t + window + 1)):
                if other != t:
                    edges.add((4 * other + k, 4 * t + k, FROM_PAST if other < t else FROM_FUTURE))
    return edges


@pytest.mark.parametrize("window", [0, 1, 3])
@pytest.mark.parametrize("T", [1, 2, 5])
def test_edges_are_those_of_a_plain_loop(small, T, window):
    graph = PoseGraph(small, window).build(T, torch.device("cpu"))
    found = [(*edge, kind) for kind, edges in enumerate(graph) for edge in edges.T.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == plain_loop(T, window)


def test_clips_of_a_batch_are_not_connected(small):
    graph = PoseGraph(small, 1).batch(3, 5, torch.device("cpu"))
    assert all((edges[0] // 20 == edges[1] // 20).all() for edges in graph)
    assert sum(edges.shape[1] for edges in graph) == 3 * len(plain_loop(5, 1))


def test_a_graph_is_built_once_a_length(small):
    graph = PoseGraph(small, 1)
    device = torch.device("cpu")
    assert graph.edges(5, device)[0] is graph.edges(5, device)[0]
    assert graph.edges(6, device)[0] is not graph.edges(5, device)[0]


@pytest.mark.parametrize("conv", ["relational", "gatv2", "transformer", "gcn"])
def test_every_convolution(conv, sequences, batch):
    torch.manual_seed(0)
    config = GraphEncoderConfig(conv=conv, hidden_dim=16, num_layers=1, num_heads=2, node_dim=16)
    encoder = GraphEncoder(batch.skeleton, config).eval()
    alone = encoder(collate([sequences[2]]))
    torch.testing.assert_close(encoder(batch)[2, :6], alone[0], atol=1e-5, rtol=1e-4)


def test_limbs_and_time_matter():
    """A chain of three joints: what the first does reaches the last over limbs alone, with two layers."""
    skeleton = Skeleton((Component("A", ("a", "b", "c"), ((0, 1), (1, 2)), (), "XYC"),))
    apart = Skeleton((Component("A", ("a", "b", "c"), (), (), "XYC"),))
    for each, reaches in ((skeleton, True), (apart, False)):
        torch.manual_seed(0)
        encoder = GraphEncoder(each, GraphEncoderConfig(hidden_dim=8, num_heads=2, node_dim=8, graph_layers=2)).eval()
        nodes = torch.randn(2 * 3, 8)
        moved = nodes.clone()
        moved[0] = torch.randn(8)
        seen = torch.ones(6, dtype=torch.bool)
        change = (encoder.convolved(moved, seen, 1, 2) - encoder.convolved(nodes, seen, 1, 2)).abs().sum(dim=1) > 1e-6
        assert change[2].item() is reaches  # over two limbs
        assert change[3].item()  # itself, a frame later


def test_long_sequences_fit(sequences):
    encoder = GraphEncoder(sequences[0].skeleton, GraphEncoderConfig(hidden_dim=16, num_layers=1, node_dim=16)).eval()
    with torch.inference_mode():
        assert encoder(collate([sequences[0].held(0, 2000)])).isfinite().all()
