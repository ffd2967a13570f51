"""The learned prior: what it learns, how sequences go on, and that nothing depends on padding."""

from itertools import pairwise

import pytest
import torch

from ht_vae.config import ModelConfig
from ht_vae.model import load_model
from ht_vae.nn.flow_prior import KNOWN_CHUNKS, MAX_CHUNKS, TIME_POWER, FlowPrior, Levels, Place, Sampling
from ht_vae.prior_training import SequenceLatents, sequence_latents, train_prior

Z, ZC = 6, 5


@pytest.fixture
def flow():
    torch.manual_seed(0)
    flow = FlowPrior(Z, ZC, width=16, num_layers=1).eval()
    for out in (flow.whole_out, flow.chunk_out):
        torch.nn.init.normal_(out.weight, std=0.3)
    return flow


def place(*lengths, fill=1.0):
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    every = torch.ones(len(lengths), dtype=torch.bool)
    return Place(every, every, torch.full((len(lengths),), fill), mask)


def test_padding_changes_no_velocity(flow):
    whole, chunks = torch.randn(1, Z), torch.randn(1, 3, ZC)
    alone = flow(Levels(whole, chunks), torch.full((1, 4), 0.3), place(3))
    padded = Levels(torch.cat([whole, whole]), torch.cat([chunks, torch.randn(1, 3, ZC)]))
    padded = Levels(padded.whole, torch.cat([padded.chunks, torch.full((2, 2, ZC), 9.0)], dim=1))
    together = flow(padded, torch.full((2, 6), 0.3), place(3, 5))
    torch.testing.assert_close(together.whole[:1], alone.whole)
    torch.testing.assert_close(together.chunks[:1, :3], alone.chunks)


def test_padding_does_not_count_in_the_loss(flow):
    importance = torch.ones(Z), torch.ones(ZC)
    losses = []
    for padding in (0.0, 50.0):
        chunks = torch.ones(2, 4, ZC)
        chunks[1, 2:] = padding
        torch.manual_seed(1)
        losses.append(flow.loss(Levels(torch.ones(2, Z), chunks), place(4, 2), importance))
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("stochasticity", [0.0, 1.7])
def test_samples_of_any_length_are_as_long_and_go_on_from_what_they_have(flow, stochasticity):
    for chunks in (1, MAX_CHUNKS, MAX_CHUNKS + 1, 3 * MAX_CHUNKS):
        whole, drawn = flow.sample(
            2, chunks, 0.5, torch.Generator().manual_seed(0), steps=3, stochasticity=stochasticity
        )
        assert (whole.shape, drawn.shape) == ((2, Z), (2, chunks, ZC))
        assert drawn.isfinite().all()
    known = torch.randn(2, KNOWN_CHUNKS, ZC)
    start = Levels(torch.randn(2, Z), torch.cat([known, torch.randn(2, 4, ZC)], dim=1))
    sampling = Sampling(3, stochasticity, 1.0, torch.Generator().manual_seed(1), torch.device("cpu"))
    end = flow._carried(start, KNOWN_CHUNKS, place(KNOWN_CHUNKS + 4, KNOWN_CHUNKS + 4), sampling)
    torch.testing.assert_close(end.whole, start.whole)
    torch.testing.assert_close(end.chunks[:, :KNOWN_CHUNKS], known)
    assert (end.chunks[:, KNOWN_CHUNKS:] != start.chunks[:, KNOWN_CHUNKS:]).all()


def test_temperature_0_is_one_sequence(flow):
    a, b = (flow.sample(1, 3, generator=torch.Generator().manual_seed(seed), temperature=0.0) for seed in (0, 1))
    torch.testing.assert_close(a, b)


def test_without_stochasticity_sampling_is_by_eulers_method(flow):
    whole, chunks = flow.sample(1, 3, generator=torch.Generator().manual_seed(0), steps=4, stochasticity=0.0)
    generator = torch.Generator().manual_seed(0)
    x = Levels(torch.randn(1, Z, generator=generator), torch.randn(1, 3, ZC, generator=generator))
    for start, end in pairwise([(step / 4) ** TIME_POWER for step in range(5)]):
        velocity = flow(x, torch.full((1, 4), start), place(3))
        x = x.map(lambda x, v, step=end - start: x + step * v, velocity)
    torch.testing.assert_close(whole, x.whole)
    torch.testing.assert_close(chunks, x.chunks)


@pytest.mark.parametrize("stochasticity", [0.5, 1.0])
def test_noise_drawn_anew_leaves_the_distribution_as_it_is(monkeypatch, stochasticity):
    """Of latents with standard deviation 0.5, whose velocities are known."""
    flow = FlowPrior(1, 1, width=8, num_layers=1)
    variance = 0.25

    def velocity(x, times, place):
        at = times[0, 0]
        spread = (1 - at) ** 2 + at**2 * variance
        return x.map(lambda x: x * (at * variance - (1 - at)) / spread)

    monkeypatch.setattr(flow, "forward", velocity)
    generator = torch.Generator().manual_seed(0)
    whole, chunks = flow.sample(4000, 1, generator=generator, steps=200, stochasticity=stochasticity)
    for drawn in (whole, chunks):
        assert drawn.mean().abs() < 0.04
        assert drawn.std() == pytest.approx(0.5, abs=0.03)


def test_it_learns_two_kinds_of_sequences(build):
    """Chunks of one kind are at 2 and of the other at -2, which no normal distribution says."""
    model = build(prior_layers=2, prior_width=32)
    model.basis.chunks.fill_(1.0)
    model.basis.whole.fill_(1.0)
    sequences = [
        SequenceLatents(torch.full((Z,), value), torch.full((n, ZC), value) + 0.1 * torch.randn(n, ZC), True, 1.0)
        for value in (2.0, -2.0)
        for n in (1, 4)
    ]
    torch.manual_seed(0)
    assert train_prior(model, sequences, 300) < 2  # untrained 5
    whole, chunks = model.latent_space.distribution.sample(40, 4, generator=torch.Generator().manual_seed(0))
    means = chunks.mean(dim=(1, 2))
    assert ((means.abs() - 2).abs() < 0.7).float().mean() > 0.8
    assert 5 < (means > 0).sum() < 35
    assert (whole.mean(dim=1).sign() == means.sign()).float().mean() > 0.9


def test_latents_that_it_is_trained_on(build, poses):
    from types import SimpleNamespace

    from pose_core import PoseSequence

    model = build(prior_layers=1, prior_width=16)
    keypoints, confidence, _ = poses(40)
    sequence = PoseSequence(keypoints[0].numpy(), confidence[0].numpy(), 25.0, model.skeleton)
    (found,) = sequence_latents(model, [SimpleNamespace(sequence=sequence, label=None)])
    assert (found.whole.shape, found.chunks.shape, found.ends, found.fill) == ((Z,), (3, ZC), True, 0.5)


def test_a_model_keeps_it(build, tmp_path):
    model = build(prior_layers=1, prior_width=16)
    model.save_pretrained(tmp_path / "model")
    again = load_model(tmp_path / "model", "cpu")
    assert again.hash == model.hash
    a, b = (m.sample(1, 40, generator=torch.Generator().manual_seed(3)).keypoints for m in (model, again))
    torch.testing.assert_close(a, b)


def test_models_without_one_are_described_as_before(configure):
    assert not {"prior_layers", "prior_width"} & {*configure().model_dump()}
    assert configure(prior_layers=2).model_dump()["prior_layers"] == 2
    with pytest.raises(ValueError, match="chunk_latent_dim is 0"):
        ModelConfig(**configure().model_dump() | {"prior_layers": 1, "chunk_latent_dim": 0})
