import pytest
import torch

from text_to_pose.model import TextToPose, load_model
from text_to_pose.nn.denoiser import frame_positions
from text_to_pose.sampling import Sampling
from text_to_pose.text.tokenizer import TextBatch, Tokens


def condition(model, B=3):
    text = TextBatch.of([model.tokenizer.tokenize("SCH", "ise")] * B)
    keypoints, confidence = model.start_keypoints[:1].repeat(B, 1, 1), torch.ones(B, model.skeleton.num_keypoints)
    confidence[:, :5] = 0
    return model.encode(text, keypoints, confidence)[0]


@torch.inference_mode()
def test_refinement_yields_every_step(model):
    T, K = 7, model.skeleton.num_keypoints
    mask = torch.ones(3, T, dtype=torch.bool)
    steps = list(Sampling(num_steps=5).steps(model, condition(model), mask))
    assert len(steps) == 5
    for step in steps:
        assert step.features.shape == (3, T, K, 3)
        assert step.presence.shape == (3, T, K)
        assert step.features.isfinite().all()
    assert not torch.allclose(steps[0].features, steps[1].features)


@torch.inference_mode()
def test_last_refinement_step_is_the_prediction(model):
    mask = torch.ones(3, 7, dtype=torch.bool)
    given = condition(model)
    (only,) = Sampling(num_steps=1).steps(model, given, mask)
    start = given.start[:, None].expand(-1, 7, -1, -1)
    torch.testing.assert_close(
        only.features, model.denoiser(start, mask, given, torch.zeros(3), torch.zeros(3)).features
    )


@pytest.mark.parametrize("num_steps", [1, 50])
@torch.inference_mode()
def test_refinement_takes_any_number_of_steps(model, num_steps):
    *_, last = Sampling(num_steps=num_steps).steps(model, condition(model, 1), torch.ones(1, 4, dtype=torch.bool))
    assert last.features.isfinite().all()


@torch.inference_mode()
def test_encode_completes_missing_start_keypoints_and_keeps_given_ones(model):
    text = TextBatch.of([model.tokenizer.tokenize("A", "ase")])
    keypoints, confidence = model.start_keypoints[:1], torch.ones(1, model.skeleton.num_keypoints)
    confidence[:, 8:29] = 0
    wild = keypoints.clone()
    wild[:, 8:29] = 1e6  # coordinates of a missing keypoint mean nothing
    encoded, _ = model.encode(text, keypoints, confidence)
    same, _ = model.encode(text, wild, confidence)
    torch.testing.assert_close(encoded.start, same.start)
    torch.testing.assert_close(encoded.start[:, :8], keypoints[:, :8])
    assert encoded.start.abs().max() < 100


def test_save_and_load_rebuild_the_model(model, folder):
    loaded = load_model(folder)
    assert sorted(p.name for p in folder.iterdir() if p.suffix in (".json", ".safetensors")) == [
        "config.json",
        "model.safetensors",
    ]
    assert loaded.config == model.config
    assert not loaded.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, atol=0, rtol=0)
    again = TextToPose.from_pretrained(folder)
    assert again.skeleton == model.skeleton


def test_frame_positions_do_not_depend_on_padding():
    short, padded = frame_positions(torch.tensor([6]), 6), frame_positions(torch.tensor([6, 9]), 9)
    torch.testing.assert_close(padded[:1, :6], short)
    assert padded.isfinite().all()
    assert frame_positions(torch.tensor([1]), 1).isfinite().all()


def test_text_encoder_counts_repeated_symbols(model):
    once = TextBatch.of([Tokens([2, 4])])
    twice = TextBatch.of([Tokens([2, 4, 4])])
    values = [model.text_encoder(text).values[0, 0] for text in (once, twice)]
    assert not torch.allclose(*values, atol=1e-3)


@pytest.mark.parametrize("sampler", ["refinement", "diffusion"])
@torch.inference_mode()
def test_guidance_of_one_is_the_conditional_prediction(model, sampler):
    given, mask = condition(model), torch.ones(3, 7, dtype=torch.bool)
    *_, plain = Sampling(sampler, 3).steps(model, given, mask)
    *_, guided = Sampling(sampler, 3, guidance=1.0 + 1e-6).steps(model, given, mask)  # computed, by both halves
    torch.testing.assert_close(plain.features, guided.features, atol=1e-4, rtol=1e-4)
    *_, strong = Sampling(sampler, 3, guidance=3.0).steps(model, given, mask)
    assert not torch.allclose(plain.features, strong.features, atol=1e-3)
    *_, bare = Sampling(sampler, 3, guidance=0.0).steps(model, given, mask)
    *_, without = Sampling(sampler, 3).steps(model, model.without_text(given), mask)
    torch.testing.assert_close(bare.features, without.features, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_guidance_is_the_model_s_own_unless_another_is_asked_for(model, monkeypatch):
    given, mask = condition(model), torch.ones(3, 7, dtype=torch.bool)
    monkeypatch.setattr(model, "config", model.config.model_copy(update={"guidance": 2.0}))
    *_, own = Sampling(num_steps=3).steps(model, given, mask)
    *_, asked = Sampling(num_steps=3, guidance=2.0).steps(model, given, mask)
    torch.testing.assert_close(own.features, asked.features, atol=0, rtol=0)
    *_, off = Sampling(num_steps=3, guidance=1.0).steps(model, given, mask)
    assert not torch.allclose(own.features, off.features, atol=1e-3)


@torch.inference_mode()
def test_diffusion_noise_depends_on_the_seed_and_not_on_the_batch(model):
    given = condition(model)
    mask = torch.arange(7) < torch.tensor([[7], [4], [5]])
    *_, one = Sampling("diffusion", 4, seed=1).steps(model, given, mask)
    *_, same = Sampling("diffusion", 4, seed=1).steps(model, given, mask)
    *_, other = Sampling("diffusion", 4, seed=2).steps(model, given, mask)
    torch.testing.assert_close(one.features, same.features, atol=0, rtol=0)
    assert not torch.allclose(one.features, other.features, atol=1e-3)
    rows = torch.tensor([1])
    *_, alone = Sampling("diffusion", 4, seed=1).steps(model, given[rows], mask[rows, :4])
    torch.testing.assert_close(alone.features[0], one.features[1, :4], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("T", [1, 3, 4, 5])
@torch.inference_mode()
def test_denoiser_pads_frames_to_whole_groups(model, T):
    given, mask = condition(model, 1), torch.ones(1, T, dtype=torch.bool)
    *_, whole = Sampling(num_steps=2).steps(model, given, mask)
    assert whole.features.shape[1] == T
    padded = torch.nn.functional.pad(mask, (0, 6))
    *_, longer = Sampling(num_steps=2).steps(model, given, padded)
    torch.testing.assert_close(longer.features[:, :T], whole.features, atol=1e-4, rtol=1e-4)


def test_prediction_change_is_added_to_the_current_sequence(tiny, model):
    config = model.config.model_copy(update={"network": tiny.model_copy(update={"prediction": "change"})})
    other = TextToPose(config).eval()
    other.load_state_dict(model.state_dict())
    given, mask = condition(model), torch.ones(3, 5, dtype=torch.bool)
    current = given.start[:, None] + torch.randn(3, 5, *given.start.shape[1:])
    level = torch.full((3,), 0.5)
    with torch.inference_mode():
        clean = model.denoiser(current, mask, given, level, torch.zeros(3)).features
        change = other.denoiser(current, mask, given, level, torch.zeros(3)).features
    torch.testing.assert_close(change - clean, current - given.start[:, None])
