import pytest
import torch

from text_to_pose.checkpoint import load_model
from text_to_pose.model import TextToPose, frame_places


def condition(model, B=3):
    tokens, mask = model.tokenizer.batch([model.tokenizer.tokenize("SCH", "ise")] * B)
    keypoints, confidence = model.start_keypoints[:1].repeat(B, 1, 1), torch.ones(B, model.skeleton.num_keypoints)
    confidence[:, :5] = 0
    return model.condition(tokens, mask, keypoints, confidence)[0]


@torch.inference_mode()
def test_refining_yields_every_step(model):
    T, K = 7, model.skeleton.num_keypoints
    mask = torch.ones(3, T, dtype=torch.bool)
    steps = list(model.refine(condition(model), mask, 5))
    assert len(steps) == 5
    for step in steps:
        assert step.features.shape == (3, T, K, 3)
        assert step.presence.shape == (3, T, K)
        assert step.features.isfinite().all()
    assert not torch.allclose(steps[0].features, steps[1].features)


@torch.inference_mode()
def test_the_last_step_arrives_at_the_prediction(model):
    mask = torch.ones(3, 7, dtype=torch.bool)
    given = condition(model)
    (only,) = model.refine(given, mask, 1)
    start = given.start[:, None].expand(-1, 7, -1, -1)
    torch.testing.assert_close(only.features, model.refiner(start, mask, given, torch.zeros(3)).features)


@pytest.mark.parametrize("num_steps", [1, 50])
@torch.inference_mode()
def test_any_number_of_steps(model, num_steps):
    *_, last = model.refine(condition(model, 1), torch.ones(1, 4, dtype=torch.bool), num_steps)
    assert last.features.isfinite().all()


@torch.inference_mode()
def test_missing_start_keypoints_are_filled_in_and_given_ones_kept(model):
    tokens, mask = model.tokenizer.batch([model.tokenizer.tokenize("A", "ase")])
    keypoints, confidence = model.start_keypoints[:1], torch.ones(1, model.skeleton.num_keypoints)
    confidence[:, 8:29] = 0
    wild = keypoints.clone()
    wild[:, 8:29] = 1e6  # coordinates of a missing keypoint mean nothing
    made, _ = model.condition(tokens, mask, keypoints, confidence)
    same, _ = model.condition(tokens, mask, wild, confidence)
    torch.testing.assert_close(made.start, same.start)
    torch.testing.assert_close(made.start[:, :8], keypoints[:, :8])
    assert made.start.abs().max() < 100


def test_a_folder_alone_rebuilds_the_model(model, folder):
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


def test_frame_places_do_not_depend_on_padding():
    short, padded = frame_places(torch.tensor([6]), 6), frame_places(torch.tensor([6, 9]), 9)
    torch.testing.assert_close(padded[:1, :6], short)
    assert padded.isfinite().all()
    assert frame_places(torch.tensor([1]), 1).isfinite().all()


@torch.inference_mode()
def test_a_letter_twice_is_another_text_than_once(model):
    tokens, mask = model.tokenizer.batch([model.tokenizer.tokenize(letter, "ise") for letter in ("A", "AA")])
    text = model.text_encoder(tokens, mask)
    assert not torch.allclose(text.values[0, 0], text.values[1, 0], atol=1e-3)
