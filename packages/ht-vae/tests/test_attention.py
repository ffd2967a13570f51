import pytest
import torch

from ht_vae.nn.attention import (
    ChunkPooling,
    ChunkUpsampling,
    HierarchicalAttention,
    LocalAttention,
    apply_rotary,
    num_chunks,
)

WIDTH, HEADS, SIZE, OVERLAP = 8, 2, 6, 2
LENGTHS = [1, SIZE - 1, SIZE, SIZE + 1, 4 * SIZE + 3]


@pytest.fixture
def frames():
    """Random frames (B, T, C)."""

    def make(length, batch=1):
        return torch.randn(batch, length, WIDTH, generator=torch.Generator().manual_seed(length))

    return make


def window(frame, length):
    """Frames that a frame attends to."""
    start = frame // SIZE * SIZE
    return range(max(0, start - OVERLAP), min(length, start + SIZE + OVERLAP))


def frame_by_frame(attention, x, mask):
    """What local attention is: full attention of one frame after the other to the real frames of its window."""
    q, k, v = attention.qkv(x).unflatten(-1, (3, HEADS, -1)).unbind(dim=2)  # (B, T, heads, head_dim)
    positions = torch.arange(x.shape[1])
    q, k = apply_rotary(q, positions), apply_rotary(k, positions)
    read = torch.zeros_like(q)
    for b in range(len(x)):
        for t in range(x.shape[1]):
            keys = [s for s in window(t, x.shape[1]) if mask[b, s]]
            if keys:
                scores = torch.einsum("hd,shd->hs", q[b, t], k[b, keys]) / q.shape[-1] ** 0.5
                read[b, t] = torch.einsum("hs,shd->hd", scores.softmax(dim=-1), v[b, keys])
    return attention.out(read.flatten(2))


@pytest.mark.parametrize("length", LENGTHS)
def test_local_attention_is_full_attention_to_a_window(frames, length):
    torch.manual_seed(0)
    attention = LocalAttention(WIDTH, HEADS, SIZE, OVERLAP)
    x = frames(length, batch=2)
    mask = torch.ones(2, length, dtype=torch.bool)
    mask[1, length // 2 :] = False
    mask[1, 0] = True
    torch.testing.assert_close(attention(x, mask)[mask], frame_by_frame(attention, x, mask)[mask])


def reached(attention, frame, length):
    """Frames that change what a frame is given."""
    x = torch.randn(1, length, WIDTH, requires_grad=True)
    attention(x, torch.ones(1, length, dtype=torch.bool))[0, frame].square().sum().backward()
    return x.grad[0].abs().sum(dim=-1).nonzero().flatten().tolist()


@pytest.mark.parametrize("frame", [0, SIZE - 1, SIZE, 2 * SIZE + 3, 4 * SIZE + 2])
def test_receptive_field_is_chunk_and_overlap_or_everything_with_the_global_level(frame):
    length = 4 * SIZE + 3
    local = HierarchicalAttention(WIDTH, HEADS, SIZE, OVERLAP, with_global=False)
    assert reached(local, frame, length) == list(window(frame, length))
    assert reached(HierarchicalAttention(WIDTH, HEADS, SIZE, OVERLAP), frame, length) == list(range(length))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("padded", [0, 1, SIZE, 5 * SIZE])
def test_padding_does_not_change_the_output_and_is_0(frames, length, padded):
    attention = HierarchicalAttention(WIDTH, HEADS, SIZE, OVERLAP)
    x = frames(length)
    alone = attention(x, torch.ones(1, length, dtype=torch.bool))
    filled = torch.cat([x, torch.full((1, padded, WIDTH), 1e3)], dim=1)
    beside = attention(filled, torch.arange(length + padded)[None] < length)
    torch.testing.assert_close(beside[:, :length], alone)
    assert (beside[:, length:] == 0).all()


def test_no_nan_if_all_frames_are_padding(frames):
    attention = HierarchicalAttention(WIDTH, HEADS, SIZE, OVERLAP)
    x = frames(3 * SIZE).requires_grad_()
    output = attention(x, torch.zeros(1, 3 * SIZE, dtype=torch.bool))
    output.sum().backward()
    assert (output == 0).all()
    assert (x.grad == 0).all()


def test_pooling_is_a_mean_of_real_frames():
    pooling = ChunkPooling(WIDTH, SIZE)
    x = torch.ones(1, 2 * SIZE, WIDTH)
    x[:, SIZE + 1 :] = 7.0
    mask = torch.arange(2 * SIZE)[None] <= SIZE
    first, second = pooling(x, mask)[0]
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("size", [SIZE, SIZE + 1])
def test_upsampling_is_continuous_across_chunks(size):
    spreading = ChunkUpsampling(WIDTH, size)
    torch.nn.init.ones_(spreading.windows)  # a chunk says the same all along: what is left is the blending
    torch.nn.init.zeros_(spreading.values.bias)
    chunks = torch.zeros(1, 3, WIDTH)
    chunks[:, 1] = 1.0  # the others say 0
    upsampled = spreading(chunks, torch.ones(1, 3, dtype=torch.bool), 3 * size)[0].abs().amax(dim=-1)
    most = spreading(chunks[:, 1:2], torch.ones(1, 1, dtype=torch.bool), size).abs().max()
    assert upsampled.max() > (1 - 1 / size) * most
    assert upsampled.diff().abs().max().item() == pytest.approx(
        most.item() / size, rel=1e-4
    )  # from middle to middle, evenly


@pytest.mark.parametrize("frames", [1, SIZE, SIZE + 1, 3 * SIZE])
def test_upsampling_equal_chunks_gives_equal_frames(frames):
    spreading = ChunkUpsampling(WIDTH, SIZE)
    torch.nn.init.ones_(spreading.windows)
    N = num_chunks(frames, SIZE)
    upsampled = spreading(torch.ones(1, N + 2, WIDTH), torch.arange(N + 2)[None] < N, frames)
    assert upsampled.shape == (1, frames, WIDTH)
    torch.testing.assert_close(upsampled, upsampled[:, :1].expand_as(upsampled))


def test_rotary_products_depend_on_distances_only():
    q, k = torch.randn(2, 1, 1, HEADS, 8, generator=torch.Generator().manual_seed(0))

    def product(a, b):
        return (apply_rotary(q, torch.tensor([a])) * apply_rotary(k, torch.tensor([b]))).sum(dim=-1)

    torch.testing.assert_close(product(5, 2), product(15_005, 15_002), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(product(5, 2), product(5, 4), atol=1e-3)
