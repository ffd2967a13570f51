import pytest
import torch

from ht_vae.evaluation.attention_maps import apply_weights, attention_weights, record_attention
from ht_vae.nn.attention import LocalAttention, SelfAttention

LENGTHS = {"one": 1, "chunk": 16, "and more": 17, "many": 75}


@pytest.mark.parametrize("frames", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("local", [False, True], ids=["global", "local"])
def test_attention_weights_reproduce_the_modules_output(frames, local):
    torch.manual_seed(0)
    module = LocalAttention(16, 2, 16, 4) if local else SelfAttention(16, 2)
    x = torch.randn(2, frames, 16)
    mask = torch.arange(frames) < torch.tensor([frames, max(1, frames // 2)])[:, None]
    weights = attention_weights(module, x, mask)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))
    with torch.inference_mode():
        torch.testing.assert_close(apply_weights(module, weights, x, mask), module(x, mask), atol=1e-5, rtol=1e-4)


def test_padding_is_never_attended_to():
    torch.manual_seed(0)
    x, mask = torch.randn(1, 20, 16), torch.arange(20)[None] < 9
    assert not attention_weights(SelfAttention(16, 2), x, mask)[..., 9:].any()
    local = attention_weights(LocalAttention(16, 2, 16, 4), x, mask)  # of frames from 4 before a chunk to 4 behind it
    assert not local[0, 0, ..., 13:].any()
    assert not local[0, 0, ..., :4].any()


def test_recording_covers_every_attention_layer_and_leaves_no_hooks(build, poses):
    model = build()
    keypoints, confidence, mask = poses(40, 20)
    with torch.inference_mode():
        before = model.reconstruct(keypoints, confidence, mask)
        with record_attention(model) as given:
            during = model.reconstruct(keypoints, confidence, mask)
    torch.testing.assert_close(before.keypoints, during.keypoints, rtol=0, atol=0)
    names = {name for name, module in model.named_modules() if isinstance(module, SelfAttention)}
    assert {layer.name for layer in given} == names
    assert {layer.local for layer in given} == {True, False}
    assert given[0].name.startswith("encoder")
    assert given[-1].name.startswith("decoder")
    assert not any(module._forward_pre_hooks for module in model.modules())
    for layer in given:
        assert layer.weights().isfinite().all()
