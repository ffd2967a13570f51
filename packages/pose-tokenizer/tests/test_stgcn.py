import pytest
import torch

from pose_tokenizer.nn.adjacency import partitioned_adjacency
from pose_tokenizer.nn.stgcn import STGCN, STGCNBlock

N, INPUTS, OUTPUTS = 9, 3, 4


@pytest.fixture(scope="module")
def build(skeleton):
    """An ST-GCN none of whose weights is 0."""

    def make(num_layers=2, before=1, after=1):
        torch.manual_seed(0)
        network = STGCN(INPUTS, 8, OUTPUTS, partitioned_adjacency(skeleton), num_layers, before=before, after=after)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
        return network.requires_grad_(False)

    return make


@pytest.fixture
def x():
    return torch.randn(2, N, 50, INPUTS, generator=torch.Generator().manual_seed(1))


def test_output_is_zero_at_initialization(skeleton, x):
    network = STGCN(INPUTS, 8, OUTPUTS, partitioned_adjacency(skeleton), 2, before=1, after=1)
    made = network(x, torch.ones(2, N, dtype=torch.bool))
    assert made.shape == (2, N, 50, OUTPUTS)
    assert not made.any()
    made.sum().backward()
    assert network.head.weight.grad.any()  # and learns nevertheless


@pytest.mark.parametrize(("before", "after"), [(1, 0), (1, 1), (0, 0), (0, 2), (2, 1)])
def test_temporal_receptive_field(build, x, before, after):
    network = build(before=before, after=after)
    assert (network.before, network.after) == (2 * before, 2 * after)
    mask = torch.ones(2, N, dtype=torch.bool)
    plain = network(x, mask)
    for touched in range(N):
        other = x.clone()
        other[:, touched] += 1
        changed = [t for t in range(N) if not torch.allclose(network(other, mask)[:, t], plain[:, t], atol=1e-6)]
        assert changed == list(range(max(0, touched - 2 * after), min(N, touched + 2 * before + 1)))


def test_spatial_receptive_field(build, skeleton, x):
    network, mask = build(), torch.ones(2, N, dtype=torch.bool)
    hand = skeleton.hand("left")
    other = x.clone()
    other[:, :, hand[4]] += 1  # the tip of the thumb; two layers reach two limbs
    changed = (network(other, mask) - network(x, mask)).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert changed.nonzero().flatten().tolist() == hand[2:5]


@pytest.mark.parametrize("after", [0, 1])
def test_padding_changes_nothing(build, x, after):
    network = build(after=after)
    mask = torch.arange(N) < torch.tensor([[N], [5]])
    filled = torch.where(mask[:, :, None, None], x, 1e3)
    together = network(filled, mask)
    alone = network(x[1:, :5], mask[1:, :5])
    torch.testing.assert_close(together[1:, :5], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[:1], network(x[:1], mask[:1]), atol=1e-5, rtol=1e-5)


def test_without_layers_the_network_is_linear(build, x):
    network, mask = build(num_layers=0), torch.ones(2, N, dtype=torch.bool)
    assert (network.before, network.after) == (0, 0)
    other = x.clone()
    other[:, 3, 7] += 1
    changed = (network(other, mask) - network(x, mask)).abs().amax(dim=(0, 3)) > 0
    assert changed.nonzero().tolist() == [[3, 7]]


def test_aggregate_is_multiplication_by_the_adjacency(skeleton):
    adjacency = partitioned_adjacency(skeleton)
    block = STGCNBlock(5, adjacency, before=1, after=0)
    torch.nn.init.normal_(block.importance)
    x = torch.randn(2, 3, skeleton.num_keypoints, 5)
    expected = torch.einsum("pkj,bnjc->bnkpc", adjacency * block.importance, x).flatten(3)
    torch.testing.assert_close(block.aggregate(x), expected)
