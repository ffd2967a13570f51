import pytest
import torch

from pose_core import UserError
from pose_core.transforms.temporal import hold
from pose_tokenizer.model import PoseTokenizer, load_model
from pose_tokenizer.nn.quantizer import num_codes


@pytest.fixture
def inputs(lively):
    """Blocks, seen and mask of three clips of 3, 7 and 5 blocks."""
    random = torch.Generator().manual_seed(0)
    seen = torch.rand(3, 28, 50, generator=random) < 0.9
    keypoints = hold(torch.randn(3, 28, 50, 2, generator=random), seen, torch.zeros(3, 50, 2))
    mask = torch.arange(7) < torch.tensor([[3], [7], [5]])
    return lively.blocks(keypoints, seen), seen.unflatten(1, (7, 4)), mask


@pytest.fixture
def depth():
    """How many codes each block is said to have."""
    return torch.arange(21).reshape(3, 7) % 4


def test_shapes(lively, inputs, depth):
    blocks, seen, mask = inputs
    assert blocks.shape == (3, 7, 4 * 103)
    latents = lively.latents(blocks, seen, mask)
    assert latents.shape == (3, 7, 8)
    keypoints, logits = lively.frames(latents, depth, mask)
    assert keypoints.shape == (3, 28, 50, 2)
    assert logits.shape == (3, 28, 50)


@torch.no_grad()
def test_padding_and_other_clips_of_a_batch_do_not_change_a_clip(lively, inputs):
    blocks, seen, mask = inputs
    padding = ~mask[..., None]
    blocks, seen = torch.where(padding, 30.0, blocks), seen | padding[..., None]
    latents = lively.latents(blocks, seen, mask)
    codes, quantized = lively.quantizer.quantize(latents, lmbda=0.5, beam=4)
    keypoints, logits = lively.frames(torch.where(padding, 30.0, quantized), num_codes(codes), mask)
    for row, count in enumerate((3, 7, 5)):
        own = slice(row, row + 1), slice(count)
        alone = lively.latents(blocks[own], seen[own], mask[own])
        torch.testing.assert_close(latents[own], alone, atol=1e-4, rtol=1e-4)
        alone_codes, alone_quantized = lively.quantizer.quantize(alone, lmbda=0.5, beam=4)
        assert torch.equal(codes[own], alone_codes)
        alone_keypoints, alone_logits = lively.frames(alone_quantized, num_codes(alone_codes), mask[own])
        frames = slice(row, row + 1), slice(4 * count)
        torch.testing.assert_close(keypoints[frames], alone_keypoints, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(logits[frames], alone_logits, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_encoder_is_causal_and_decoder_looks_ahead_by_its_layers(lively, inputs, depth):
    blocks, seen, _ = inputs
    mask = torch.ones(3, 7, dtype=torch.bool)
    plain = lively.latents(blocks, seen, mask)
    keypoints, _ = lively.frames(plain, depth, mask)
    other = blocks.clone()
    other[:, 4] += 0.5
    changed = (lively.latents(other, seen, mask) - plain).abs().amax(dim=(0, 2)) > 1e-5
    assert changed.tolist() == [False] * 4 + [True] * 3  # two layers look back at two blocks
    other = plain.clone()
    other[:, 4] += 0.5
    deeper = depth.clone()
    deeper[:, 4] = 3 - deeper[:, 4]
    for changed in (lively.frames(other, depth, mask), lively.frames(plain, deeper, mask)):
        moved = (changed[0] - keypoints).abs().amax(dim=(0, 2, 3)).unflatten(0, (7, 4)) > 1e-5
        assert moved.any(dim=1).tolist() == [False, False, True, True, True, True, True]


def test_encoder_depends_on_visibility(lively, inputs):
    blocks, seen, mask = inputs
    other = seen.clone()
    other[1, 3, 2, 20] ^= True
    changed = (lively.latents(blocks, other, mask) - lively.latents(blocks, seen, mask)).abs().amax(dim=2) > 1e-6
    assert changed.nonzero().tolist() == [[1, 3], [1, 4], [1, 5]]


def test_a_model_without_layers_is_its_basis(skeleton, lively):
    config = lively.config.model_copy(update={"num_layers": 0})
    model = PoseTokenizer(config)
    torch.nn.init.orthogonal_(model.basis)
    latents, mask = torch.randn(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)
    keypoints, logits = model.frames(latents, torch.ones(2, 3, dtype=torch.long), mask)
    blocks = latents @ model.basis.T
    expected, _ = model.features.inverse(blocks.unflatten(2, (4, -1)).flatten(1, 2))
    torch.testing.assert_close(keypoints, expected)
    torch.testing.assert_close(model.latents(blocks, logits.unflatten(1, (3, 4)) > 0, mask), latents)


def test_a_model_folder_keeps_everything(lively, tmp_path):
    lively.save_pretrained(tmp_path / "copy")
    loaded = load_model(tmp_path / "copy", "cpu")
    assert (loaded.name, loaded.hash, loaded.config) == ("copy", lively.hash, lively.config)
    assert loaded.skeleton == lively.skeleton
    assert not loaded.training
    for name, value in lively.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_the_hash_is_of_weights_and_configuration(lively):
    copy = PoseTokenizer(lively.config)
    copy.load_state_dict(lively.state_dict())
    assert copy.hash == lively.hash
    assert len(lively.hash) == 16
    with torch.no_grad():
        copy.quantizer.codebooks[2, 3, 4] += 1e-3
    assert copy.hash != lively.hash
    for changed, same in (({"hand_weight": 2.0}, False), ({"lmbda": 0.7}, True)):  # decoding needs no lambda
        other = PoseTokenizer(lively.config.model_copy(update=changed))
        other.load_state_dict(lively.state_dict())
        assert (other.hash == lively.hash) == same


def test_the_hash_follows_every_change_of_the_weights(lively):
    model = PoseTokenizer(lively.config)
    hashes = {model.hash}
    model.quantizer.codebooks = torch.randn_like(model.quantizer.codebooks)
    hashes.add(model.hash)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    sum(parameter.sum() for parameter in model.parameters() if parameter.requires_grad).backward()
    optimizer.step()
    hashes.add(model.hash)
    model.double().pooling.weight.data.neg_()
    hashes.add(model.hash)
    assert len(hashes) == 4
    model.load_state_dict(lively.state_dict())
    assert model.float().hash == lively.hash
    with torch.inference_mode():
        other = PoseTokenizer(lively.config)
        other.load_state_dict(lively.state_dict())
        assert other.hash == lively.hash
        other.pooling.weight += 1
        assert other.hash != lively.hash


def test_folders_that_hold_no_model_are_refused(lively, tmp_path):
    lively.save_pretrained(tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("cut", "not a model of this kind"),
        ("empty", "lacks config.json and model.safetensors"),
        ("nowhere", "no such model folder; bundled: signing"),
    ):
        with pytest.raises(UserError, match=message):
            load_model(tmp_path / name, "cpu")
    with pytest.raises(UserError, match="device 'warp' cannot be used"):
        lively.save_pretrained(tmp_path / "whole")
        load_model(tmp_path / "whole", "warp")
