from functools import partial

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pose_core.testing import fake_sequence
from pose_tokenizer import initialization
from pose_tokenizer.data.dataset import ClipDataset, collate, prepare
from pose_tokenizer.initialization import (
    clip_blocks,
    copy_codebooks,
    fit_codebooks,
    fit_grids,
    fit_linear,
    initialize,
    mean_pose,
    residual_vq,
)
from pose_tokenizer.model import PoseTokenizer


@pytest.fixture(scope="module")
def sequences(clip, skeleton):
    return [prepare(clip(frames, seed=frames), skeleton) for frames in (33, 40, 46, 52)]


@pytest.fixture
def model(quick, skeleton):
    torch.manual_seed(0)
    return PoseTokenizer(quick.model(skeleton.to_dict()))


@pytest.fixture
def batches(sequences):
    return partial(DataLoader, ClipDataset(sequences), batch_size=2, collate_fn=partial(collate, block_frames=4))


def all_blocks(model, batches):
    return torch.cat([clip_blocks(model, batch)[batch.block_mask] for batch in batches()])


def test_mean_pose_is_over_visible_keypoints(skeleton):
    clips = [prepare(fake_sequence(frames=n, hands=hands), skeleton) for n, hands in ((4, ("right",)), (8, ()))]
    mean = mean_pose(clips)
    right, left = skeleton.hand("right"), skeleton.hand("left")
    np.testing.assert_allclose(mean[right], clips[0].keypoints[:, right].mean(axis=0), atol=1e-5)
    assert not mean[left].any()  # never seen
    both = np.concatenate([sequence.keypoints for sequence in clips])
    np.testing.assert_allclose(mean[:8], both[:, :8].mean(axis=0), atol=1e-5)


def test_basis_is_that_of_principal_components(model, batches):
    fit_linear(model, batches)
    basis, blocks = model.basis, all_blocks(model, batches)
    torch.testing.assert_close(basis.T @ basis, torch.eye(16), atol=1e-4, rtol=1e-4)
    error = (blocks - blocks @ basis @ basis.T).square().sum()
    singular = torch.linalg.svdvals(blocks.double())
    assert error.item() == pytest.approx(singular[16:].square().sum().item(), rel=1e-2)


def test_a_basis_larger_than_the_features_is_orthonormal(quick, skeleton, batches):
    config = quick.model(skeleton.to_dict()).model_copy(update={"downsampling": 1, "latent_dim": 120})
    model = PoseTokenizer(config)  # 103 features a block
    fit_linear(model, partial(DataLoader, batches.args[0], collate_fn=partial(collate, block_frames=1)))
    assert not model.basis[:, 103:].any()
    torch.testing.assert_close(model.basis[:, :103] @ model.basis[:, :103].T, torch.eye(103), atol=1e-4, rtol=1e-4)


def test_prediction_residuals_are_smaller_than_latents(model, batches):
    left = fit_linear(model, batches)
    latents = all_blocks(model, batches) @ model.basis
    assert left.shape == latents.shape
    assert left.square().sum() < 0.7 * latents.square().sum()
    first = next(iter(batches()))
    blocks = clip_blocks(model, first) @ model.basis
    predict = model.quantizer.transition(blocks[0, 0])
    torch.testing.assert_close(left[1], blocks[0, 1] - predict, atol=1e-4, rtol=1e-4)
    firsts = torch.cat([clip_blocks(model, batch)[:, 0] @ model.basis for batch in batches()])
    torch.testing.assert_close(left[0], firsts[0] - firsts.mean(dim=0), atol=1e-4, rtol=1e-4)


def test_each_codebook_reduces_the_error(model, batches, quick):
    left = fit_linear(model, batches)
    vq = residual_vq(quick.model(model.skeleton.to_dict()))
    fit_codebooks(model, vq, left)
    assert torch.equal(model.quantizer.codebooks, vq.codebooks)
    errors = [left.square().sum().item()]
    rest = left
    for book in model.quantizer.codebooks:
        rest = rest - book[torch.cdist(rest, book).argmin(dim=1)]
        errors.append(rest.square().sum().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.3 * errors[0]


def test_fewer_blocks_than_codes_are_all_kept(model, batches, quick):
    left = fit_linear(model, batches)[:5]
    vq = residual_vq(quick.model(model.skeleton.to_dict()))
    fit_codebooks(model, vq, left)
    torch.testing.assert_close(
        torch.cdist(left, model.quantizer.codebooks[0]).amin(dim=1), torch.zeros(5), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("quantizer", ["fsq", "residual_fsq"])
def test_grids_take_the_largest_components_first(quick, skeleton, batches, quantizer):
    config = quick.model_copy(update={"quantizer": quantizer, "num_quantizers": 4, "codebook_size": 16})
    model = PoseTokenizer(config.model(skeleton.to_dict()))
    left = fit_linear(model, batches)
    fit_grids(model, left)
    books = model.quantizer.codebooks
    _, directions = torch.linalg.eigh(left.T @ left)
    directions = directions.flip(1)
    for q, first in enumerate([0, 2, 4, 6] if quantizer == "fsq" else [0, 2, 0, 2]):
        along = books[q] @ directions
        own = along[:, first : first + 2]
        torch.testing.assert_close(own.norm(), along.norm())  # nothing in any other direction
        steps = own.T.sort(dim=1).values.diff(dim=1) / own.abs().amax(dim=0)[:, None]
        assert (steps > 0.5).sum(dim=1).tolist() == [3, 3]  # four levels in each direction,
        assert torch.pdist(own / own.abs().amax(dim=0)).min() > 0.5  # and no two codes alike
    if quantizer == "residual_fsq":
        torch.testing.assert_close(books[2], books[0] / 4)
    errors, rest = [left.square().sum().item()], left
    for book in books:
        rest = rest - book[torch.cdist(rest, book).argmin(dim=1)]
        errors.append(rest.square().sum().item())
    assert errors[-1] < errors[0] / 2


def test_dead_codes_are_replaced(model, batches, quick):
    left = fit_linear(model, batches)
    vq = residual_vq(quick.model(model.skeleton.to_dict()))
    fit_codebooks(model, vq, left)
    with torch.no_grad():
        vq.layers[0]._codebook.embed[0, 3] = 1e6
        vq.layers[0]._codebook.embed_avg[0, 3] = 0
        vq.layers[0]._codebook.cluster_size[0, 3] = 0
        vq(left[None])
    copy_codebooks(model, vq)
    assert model.quantizer.codebooks[0].abs().max() < 100


def test_padding_does_not_change_the_fit(model, sequences):
    together = partial(collate, block_frames=4)
    one, two = (
        fit_linear(model, partial(DataLoader, ClipDataset(sequences), batch_size=size, collate_fn=together))
        for size in (1, 4)
    )
    torch.testing.assert_close(one.square().sum(), two.square().sum(), rtol=1e-3, atol=0)
    assert len(one) == len(two) == sum(-(-len(sequence) // 4) for sequence in sequences)


def test_all_fits_see_the_same_augmented_clips(model, clip, skeleton, quick, monkeypatch):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    passes = []

    def watched(model, batches):
        before = torch.get_rng_state()
        passes.extend(list(batches()) for _ in range(2))
        assert torch.equal(torch.get_rng_state(), before)
        return fit_linear(model, batches)

    monkeypatch.setattr(initialization, "fit_linear", watched)
    initialize(model, residual_vq(model.config), clips, quick.model_copy(update={"fitting_blocks": 90}))
    plain, *varied = passes[0]
    assert (
        sum(int(batch.block_mask.sum()) for batch in varied[:-1])
        < 60
        <= sum(int(batch.block_mask.sum()) for batch in varied)
    )
    assert {each.tobytes() for each in plain.keypoints.numpy()} == {each.keypoints.tobytes() for each in clips}
    assert not torch.equal(varied[0].block_mask, varied[1].block_mask)
    for first, second in zip(*passes, strict=True):
        assert torch.equal(first.keypoints, second.keypoints)
