from functools import partial

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pose_tokenizer.data.dataset import ClipDataset, collate, prepare
from pose_tokenizer.initialization import initialize
from pose_tokenizer.lightning_module import TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer


def module_of(config, skeleton):
    torch.manual_seed(0)
    model = PoseTokenizer(config.model(skeleton.to_dict()))
    return TokenizerModule(model, config, TokenizerLoss(config, model.skeleton, model.features.weights))


def test_gradients_reduce_the_error_of_the_linear_model(clip, skeleton, quick):
    config = quick.model_copy(
        update={"latent_dim": 2, "num_quantizers": 6, "hidden_dim": 16, "quantization_weight": 0.0}
    )
    clips = [prepare(clip(32, seed=seed, scale=1.0), skeleton) for seed in range(3)]
    module = module_of(config, skeleton)
    initialize(module.model, module.vq, clips, config)
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    optimizer = torch.optim.Adam(module.model.parameters(), 5e-3)
    errors = []
    for _ in range(80):
        components = module.loss.components(batch, module.reconstruct(batch, lmbdas=torch.zeros(3)))
        errors.append(components["reconstruction"][1].item())
        torch.stack([weight * value for weight, value in components.values()]).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert np.mean(errors[-5:]) < 0.3 * errors[0]


def test_codebooks_move_in_training_mode_only(clip, skeleton, quick):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    module = module_of(quick, skeleton)
    initialize(module.model, module.vq, clips, quick)
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    codebooks = module.vq.codebooks.clone()
    module.eval()
    module.reconstruct(batch, lmbdas=torch.full((3,), 0.1))
    assert torch.equal(module.vq.codebooks, codebooks)
    module.train()
    module.reconstruct(batch, lmbdas=torch.full((3,), 0.1))
    assert not torch.equal(module.vq.codebooks, codebooks)


def test_gradients_are_straight_through_and_equal_with_checkpointing(clip, skeleton, quick):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    gradients = []
    for gradient_checkpointing in (False, True):
        config = quick.model_copy(update={"gradient_checkpointing": gradient_checkpointing})
        module = module_of(config, skeleton)
        initialize(module.model, module.vq, clips, config)
        for parameter in module.model.parameters():
            torch.manual_seed(parameter.numel())
            parameter.data += 0.05 * torch.randn_like(parameter)
        components = module.loss.components(batch, module.reconstruct(batch, lmbdas=torch.full((3,), 0.1)))
        components["reconstruction"][1].backward()
        gradients.append({name: p.grad for name, p in module.model.named_parameters() if p.grad is not None})
    assert set(gradients[0]) == set(gradients[1])
    assert {"pooling.weight", "encoder.project.weight", "decoder.head.weight"} <= set(gradients[0])
    for name, gradient in gradients[0].items():
        assert gradient.any(), name
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-4)


def test_validation_metrics_are_frame_means_at_the_models_rate(clip, skeleton, quick, monkeypatch):
    clips = [prepare(clip(frames, seed=frames), skeleton) for frames in (29, 48, 37)]
    module = module_of(quick, skeleton).eval()
    initialize(module.model, module.vq, clips, quick)
    logged = {}
    monkeypatch.setattr(module, "log_dict", lambda values, **_: logged.update(values))
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    loader = DataLoader(ClipDataset(clips), batch_size=3, collate_fn=partial(collate, block_frames=4))
    with torch.no_grad():
        module.validation_step(next(iter(loader)), 0)
    together = {name: float(value) for name, value in logged.items()}
    alone = []
    for sequence in clips:
        batch = collate([(sequence.keypoints, sequence.confidence > 0)], block_frames=4)
        with torch.no_grad():
            module.validation_step(batch, 0)
        alone.append({name: float(value) * len(sequence) for name, value in logged.items()})
    frames = sum(len(sequence) for sequence in clips)
    for name, value in together.items():
        assert value == pytest.approx(sum(each[name] for each in alone) / frames, rel=1e-3), name
    assert together["validation/cost"] == pytest.approx(
        together["validation/error"] + 0.2 * together["validation/codes"], rel=1e-5
    )
