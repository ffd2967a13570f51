"""The graph: limbs within frames, joints through time, nothing else."""

import copy
import pickle

import pytest
import torch

from pose_core import UserError
from pose_core.data import collate
from pose_core.skeleton import Component, Skeleton
from pose_encoders.config import GraphEncoderConfig
from pose_encoders.graph import FROM_FUTURE, FROM_PAST, LIMB, GraphEncoder, PoseGraph

CONVOLUTIONS = ["relational", "gatv2", "transformer", "gcn"]


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


def test_edges_are_cached_per_length(small):
    graph = PoseGraph(small, 1)
    device = torch.device("cpu")
    assert graph.edges(5, device)[0] is graph.edges(5, device)[0]
    assert graph.edges(6, device)[0] is not graph.edges(5, device)[0]


@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_padding_changes_nothing_with_any_convolution(conv, sequences, batch):
    torch.manual_seed(0)
    config = GraphEncoderConfig(conv=conv, hidden_dim=16, num_layers=1, num_heads=2, node_dim=16)
    encoder = GraphEncoder(batch.skeleton, config).eval()
    alone = encoder(collate([sequences[2]]))
    torch.testing.assert_close(encoder(batch)[2, :6], alone[0], atol=1e-5, rtol=1e-4)


def test_information_spreads_along_limbs_and_time():
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
        change = (encoder.convolve(moved, seen, 1, 2) - encoder.convolve(nodes, seen, 1, 2)).abs().sum(dim=1) > 1e-6
        assert change[2].item() is reaches  # over two limbs
        assert change[3].item()  # itself, a frame later


def test_long_sequences_fit(sequences):
    encoder = GraphEncoder(sequences[0].skeleton, GraphEncoderConfig(hidden_dim=16, num_layers=1, node_dim=16)).eval()
    with torch.inference_mode():
        assert encoder(collate([sequences[0].hold_frame(0, 2000)])).isfinite().all()


def small_encoder(skeleton, conv="relational", **shape):
    torch.manual_seed(0)
    return GraphEncoder(skeleton, GraphEncoderConfig(conv=conv, hidden_dim=16, num_layers=1, num_heads=2, **shape))


@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_autocast_to_bf16(conv, batch):
    """The default on GPUs; whole rows are missing, where float32's lowest number would not fit bf16."""
    encoder = small_encoder(batch.skeleton, conv, node_dim=16).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        vectors = encoder(batch)
    torch.testing.assert_close(vectors.float(), encoder(batch), atol=0.1, rtol=0.1)
    vectors.float().square().sum().backward()
    assert all(p.grad.isfinite().all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_edges_cached_in_inference_mode_can_be_trained_with(conv, sequences):
    encoder, one = small_encoder(sequences[0].skeleton, conv, node_dim=16), collate(sequences[:1])
    with torch.inference_mode():
        encoder(one)
    encoder(one).sum().backward()


def test_encoders_can_be_pickled_and_copied(batch):
    encoder = small_encoder(batch.skeleton, node_dim=16).eval()
    for other in (pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        torch.testing.assert_close(other(batch), encoder(batch))


def test_an_invisible_joint_passes_no_information_on():
    """Without the joint between them, what the first does never reaches the last."""
    skeleton = Skeleton((Component("A", ("a", "b", "c"), ((0, 1), (1, 2)), (), "XYC"),))
    encoder = small_encoder(skeleton, node_dim=8, graph_layers=3).eval()
    nodes, seen = torch.randn(2 * 3, 8), torch.ones(6, dtype=torch.bool)
    moved = nodes.clone()
    moved[0] = torch.randn(8)
    for middle, reaches in ((True, True), (False, False)):
        seen[[1, 4]] = middle
        change = (encoder.convolve(moved, seen, 1, 2) - encoder.convolve(nodes, seen, 1, 2)).abs().sum(dim=1) > 1e-6
        assert (change[2].item(), change[5].item()) == (reaches, reaches)
        assert change[3].item()  # itself, a frame later


@pytest.mark.parametrize("window", [0, 1, 2])
def test_one_layer_reaches_as_far_as_the_window(window):
    skeleton = Skeleton((Component("A", ("a",), (), (), "XYC"),))
    encoder = small_encoder(skeleton, node_dim=8, graph_layers=1, window=window).eval()
    nodes, seen = torch.randn(7, 8), torch.ones(7, dtype=torch.bool)
    moved = nodes.clone()
    moved[3] = torch.randn(8)
    change = (encoder.convolve(moved, seen, 1, 7) - encoder.convolve(nodes, seen, 1, 7)).abs().sum(dim=1) > 1e-6
    assert change.nonzero().flatten().tolist() == list(range(3 - window, 3 + window + 1))


def test_an_additional_sequence_is_attended_to(batch, text):
    encoder = small_encoder(batch.skeleton, node_dim=16).eval()
    change = (encoder(batch, text(4)) - encoder(batch, text(4))).abs().sum(dim=-1)
    assert (change[batch.mask] > 1e-4).all()


def test_widths_that_heads_do_not_divide_are_refused(batch):
    with pytest.raises(UserError, match="node_dim 9 is not divisible by num_heads 2"):
        small_encoder(batch.skeleton, node_dim=9)
