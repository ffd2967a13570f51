"""The decoder's layers over latents: nothing before training, less error after, the same in streams and graphs."""

import numpy as np
import pytest
import torch

from pose_core import UserError
from pose_core.transforms.normalization import Placement
from pose_core.transforms.temporal import hold
from pose_tokenizer import encode
from pose_tokenizer.backends import load_network
from pose_tokenizer.codec import decode
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.coded_examples import random_coded_examples
from pose_tokenizer.data.dataset import collate, prepare
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.decoder_training import train_decoder, train_latent_network
from pose_tokenizer.export.in_place import export_in_place
from pose_tokenizer.lightning_module import validation_values
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer, load_model
from pose_tokenizer.nn.latent_network import AFTER, BEFORE, LatentNetwork
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.streaming import StreamDecoder
from pose_tokenizer.training import check_sizes, train

LAYERS = {"latent_layers": 2, "latent_width": 16}
C, Q = 6, 3


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = LatentNetwork(C, Q, 16, 2).eval()
    torch.nn.init.normal_(made.head.weight, std=0.5)
    return made


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.randn(2, 20, C), torch.randint(Q + 1, (2, 20)), torch.ones(2, 20, dtype=torch.bool)


@pytest.fixture
def layered(lively):
    """`lively`, with layers over latents that change all they see."""
    torch.manual_seed(0)
    model = PoseTokenizer(lively.config.model_copy(update=LAYERS)).eval()
    model.load_state_dict(model.state_dict() | lively.state_dict())
    with torch.no_grad():
        torch.nn.init.normal_(model.latent_network.head.weight, std=0.3)
    model.name = "layered"
    return model


def test_untrained_layers_change_nothing(inputs):
    latents, depth, mask = inputs
    assert torch.equal(LatentNetwork(C, Q, 16, 2)(latents, depth, mask), latents)


def test_an_output_depends_on_as_many_blocks_as_it_says(network, inputs):
    latents, depth, mask = inputs
    assert (network.before, network.after) == (2 * BEFORE, 2 * AFTER)
    other = latents.clone()
    other[:, 10] += 1
    moved = (network(other, depth, mask) - network(latents, depth, mask)).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.nonzero()[:, 0].tolist() == [*range(10 - 2 * AFTER, 10 + 2 * BEFORE + 1)]


def test_padding_changes_nothing(network, inputs):
    latents, depth, mask = inputs
    mask = mask.clone()
    mask[1, 12:] = False
    other = torch.where(mask[..., None], latents, 9.0)
    alone = network(latents[1:, :12], depth[1:, :12], mask[1:, :12])
    torch.testing.assert_close(network(other, depth, mask)[1:, :12], alone)


def test_streams_are_decoded_as_files_are(layered, clip):
    codes = encode(layered, clip(150)).codes
    latents = layered.quantizer.dequantize(torch.from_numpy(codes).long()[None])
    with torch.inference_mode():
        whole, _ = layered.frames(latents, num_codes(torch.from_numpy(codes))[None])
    decoder = StreamDecoder(layered, Placement(center=(0.0, 0.0), scale=1.0))
    given = [*(decoder.push(row[None]) for row in codes), decoder.finish()]
    keypoints, there = (np.concatenate(each) for each in zip(*given, strict=True))
    np.testing.assert_allclose(keypoints, whole[0].numpy() * there[..., None], atol=1e-4, rtol=1e-4)


def test_layers_are_trained_last(manifest, quick, tmp_path):
    settings = LAYERS | {"latent_blocks": 200, "latent_steps": 5, "decoder_blocks": 200, "decoder_steps": 5}
    model, metrics = train([manifest], tmp_path / "run", quick.model_copy(update=settings))
    assert metrics["validation/error"] == pytest.approx(validation_error(model, manifest, quick), rel=1e-4)
    assert load_model(tmp_path / "run", "cpu").hash == model.hash


def validation_error(model, manifest, config):
    """Of the model as it is, per frame."""
    held_out = read_data([manifest], config, skeleton=model.skeleton).validation
    batch = collate([(each.sequence.keypoints, each.sequence.visible) for each in held_out], model.block_frames)
    return float(validation_values(model, batch)[0]["validation/error"])


def test_layers_are_added_to_a_trained_model(trained, manifest, quick, tmp_path):
    settings = LAYERS | {"latent_blocks": 100, "latent_steps": 2, "decoder_blocks": 100, "decoder_steps": 2}
    model, _ = train([manifest], tmp_path / "run", quick.model_copy(update=settings), init_from=trained[2])
    assert model.latent_network is not None
    with pytest.raises(UserError, match="latent_width is 8, and 16 in the model to fine-tune"):
        check_sizes(model, quick.model_copy(update=LAYERS | {"latent_width": 8}))


@pytest.fixture
def untrained(trained, quick):
    """The trained model with layers over latents that know nothing yet, and the configuration to train them."""
    settings = LAYERS | {"latent_blocks": 1000, "latent_steps": 200, "decoder_blocks": 500, "decoder_steps": 60}
    config = quick.model_copy(update=settings)
    model = PoseTokenizer(config.model(trained[0].config.skeleton)).eval()
    model.load_state_dict(model.state_dict() | trained[0].state_dict())
    return model, config


def test_errors_fall_and_all_else_stays_as_it_is(trained, untrained, clip):
    model, config = untrained
    clips = [prepare(clip(60, seed), model.skeleton) for seed in range(3)]
    assert train_latent_network(model, clips, config) < 0.9  # it knows these clips in the end
    for name, value in trained[0].state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert model.latent_network.head.weight.any()


def test_all_of_the_decoder_is_trained_and_codes_stay(trained, untrained, clip):
    model, config = untrained
    clips = [prepare(clip(60, seed), model.skeleton) for seed in range(3)]
    loss = TokenizerLoss(config, model.skeleton, model.features.weights)
    untaught = train_decoder(model, clips, config.model_copy(update={"decoder_steps": 1}), loss)
    assert train_decoder(model, clips, config, loss) < untaught
    before = trained[0].state_dict()
    changed = {name for name, value in model.state_dict().items() if name in before and not value.equal(before[name])}
    assert changed
    assert {name.split(".")[0] for name in changed} <= {"decoder", "context", "depth"}
    assert model.latent_network.head.weight.any()
    np.testing.assert_array_equal(encode(model, clip(30)).codes, encode(trained[0], clip(30)).codes)


def test_examples_are_coded_at_several_rates_and_know_what_decoding_aims_at(lively, clip, skeleton):
    clips = [prepare(clip(30, seed), skeleton) for seed in range(3)]
    drawn = [*random_coded_examples(lively, clips, 200, lmbda_range=(1, 9), augmentation=Augmentation(), seed=0)]
    assert sum(len(each.codes) for each in drawn) >= 200
    assert len({each.lmbda for each in drawn}) >= 3
    for each in drawn[:20]:
        N, T, example = len(each.codes), 4 * len(each.codes), each.example
        assert example.target.shape == (N, 8)
        assert example.keypoints.shape == (T, 50, 2)
        assert example.visible.shape == (T, 50)
        filled = hold(example.keypoints[None].float(), example.visible[None], lively.features.mean)
        expected = lively.blocks(filled, example.visible[None]) @ lively.basis
        torch.testing.assert_close(example.target.float(), expected[0], atol=0.05, rtol=0.01)  # in half precision


def test_graphs_decode_as_the_model_does(layered, tmp_path, clip):
    layered.save_pretrained(tmp_path / "model")
    export_in_place(tmp_path / "model")  # compares
    network = load_network(tmp_path / "model", backend="onnx")
    tokens = encode(network, clip(50))
    here, there = decode(network, tokens), decode(load_model(tmp_path / "model", "cpu"), tokens)
    np.testing.assert_allclose(here.keypoints, there.keypoints, atol=0.05)
