import pytest
import torch

from ht_vae.nn.basis import PoseBasis, coordinates, two_levels
from pose_core.transforms.temporal import hold

K, SIZE = 50, 16


@pytest.fixture(scope="module")
def clips(poses):
    keypoints, confidence, mask = poses(40, 30, 64, 21, 90)
    return keypoints, (confidence > 0) & mask[..., None], mask


@pytest.fixture(scope="module")
def fit(skeleton, clips):
    """Makes a basis of the clips."""

    def make(pose_dim=60, latent_dim=6, chunk_latent_dim=12):
        keypoints, visible, mask = clips
        torch.manual_seed(0)
        basis = PoseBasis(skeleton, pose_dim, latent_dim, chunk_latent_dim, SIZE)
        basis.fit(keypoints[mask].mean(dim=0), [(keypoints[i, mask[i]], visible[i, mask[i]]) for i in range(len(mask))])
        return basis

    return make


def coded(basis, keypoints, visible, mask):
    """Latents of sequences and of their chunks."""
    return basis.project(basis.rows(keypoints, visible, mask), mask[:, ::SIZE])


def decoded(basis, whole, chunks, mask, frames):
    """Keypoints of latents."""
    return basis.restore(basis.combine(whole, chunks, mask.shape[1]), mask, frames)[0]


def rmse(output, clips):
    keypoints, visible, _ = clips
    return (output - keypoints)[visible].square().mean().sqrt()


def test_error_falls_with_the_number_of_components_to_zero(fit, clips):
    keypoints, visible, mask = clips
    errors = []
    for sizes in ((60, 2, 0), (60, 2, 2), (60, 4, 6), (100, 5, 40)):
        basis = fit(*sizes)
        whole, chunks = coded(basis, keypoints, visible, mask)
        assert whole.shape == (5, sizes[1])
        assert chunks.shape == (5, 6, sizes[2])
        errors.append(rmse(decoded(basis, whole, chunks, mask[:, ::SIZE], mask.shape[1]), clips))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3 < 10 * errors[0]


def test_latents_of_the_training_data_have_unit_variance(fit, clips):
    keypoints, visible, mask = clips
    whole, chunks = coded(fit(chunk_latent_dim=4), keypoints, visible, mask)
    real = mask[:, ::SIZE]
    of_each = real.sum(dim=1)[:, None]  # chunks, as many as which a sequence counts
    torch.testing.assert_close(
        (of_each * whole[:, :3].square()).sum(dim=0) / of_each.sum(), torch.ones(3), atol=0.1, rtol=0
    )
    assert (chunks[real].square().mean(dim=0) - 1).abs().max() < 0.1


def test_padding_and_other_clips_do_not_change_latents(fit, clips):
    keypoints, visible, mask = clips
    basis = fit()
    whole, chunks = coded(basis, keypoints, visible, mask)
    for i, T in enumerate(mask.sum(dim=1).tolist()):
        alone = coded(basis, keypoints[i : i + 1, :T], visible[i : i + 1, :T], mask[i : i + 1, :T])
        torch.testing.assert_close(whole[i : i + 1], alone[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(chunks[i : i + 1, : alone[1].shape[1]], alone[1], atol=1e-4, rtol=1e-4)


def test_values_of_missing_keypoints_do_not_change_latents(fit, clips):
    keypoints, visible, mask = clips
    basis = fit()
    expected = coded(basis, keypoints, visible, mask)
    wild = torch.where(visible[..., None], keypoints, 1e6)
    for values, others in zip(coded(basis, wild, visible, mask), expected, strict=True):
        torch.testing.assert_close(values, others)


def test_an_unfitted_basis_gives_zeros(skeleton, clips):
    keypoints, visible, mask = clips
    basis = PoseBasis(skeleton, 60, 6, 5, SIZE)
    whole, chunks = coded(basis, keypoints, visible, mask)
    assert not whole.any()
    assert not chunks.any()
    every = torch.ones(2, 3, dtype=torch.bool)
    assert not decoded(basis, torch.randn(2, 6), torch.randn(2, 3, 5), every, 40).any()


def test_missing_keypoints_are_held():
    keypoints = torch.tensor([9.0, 1.0, 9.0, 3.0, 9.0]).view(1, 5, 1, 1)
    visible = torch.tensor([False, True, False, True, False]).view(1, 5, 1)
    assert hold(keypoints, visible, torch.zeros(1, 1), backfill=True).flatten().tolist() == [1, 1, 1, 3, 3]
    assert (
        hold(keypoints, torch.zeros_like(visible), torch.full((1, 1), 7.0), backfill=True).flatten().tolist() == [7] * 5
    )


def test_two_levels_are_orthogonal_and_find_their_directions():
    torch.manual_seed(0)
    # Directions 0 and 1 are a sequence's own, 2 to 4 change from row to row, most of all 2.
    spread = torch.tensor([[1.0, 1.0, 0, 0, 0, 0, 0, 0], [0, 0, 3.0, 2.0, 1.0, 0, 0, 0]])
    sequences = [torch.randn(8) * spread[0] + torch.randn(10, 8) * spread[1] for _ in range(200)]
    rows, common = two_levels(sequences, 3, 2)
    assert (rows.T @ common).abs().max() < 1e-3
    for components, where in ((common, [0, 1]), (rows, [2, 3, 4])):
        lengths = components.norm(dim=0)
        assert components[where].norm() > 0.99 * components.norm()
        torch.testing.assert_close(lengths, spread.amax(dim=0)[where], atol=0.15, rtol=0.1)


def test_coordinates_invert_components_and_surplus_components_are_zero():
    torch.manual_seed(0)
    rows = torch.randn(3, 8)
    components, common = two_levels([rows], 5, 4)
    assert not components[:, 3:].any()
    assert not common.any()
    torch.testing.assert_close(coordinates(components, rows) @ components.T, rows, atol=1e-4, rtol=1e-4)
    everything, nothing = two_levels([torch.randn(20, 4)], 6, 3)
    assert everything.shape == (4, 6)
    assert nothing.shape == (4, 3)
    assert not nothing.any()
