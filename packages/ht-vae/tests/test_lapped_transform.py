import pytest
import torch

from ht_vae.nn.lapped_transform import LappedTransform

REAL = torch.ones(1, 4, dtype=torch.bool)


@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_unmix_inverts_mix(size):
    lapped, chunks = LappedTransform(size), torch.randn(1, 4, size, 3)
    torch.testing.assert_close(lapped.unmix(lapped.mix(chunks, REAL), REAL), chunks, atol=1e-4, rtol=1e-4)
    assert torch.equal(lapped.mix(chunks, REAL), chunks) == (size == 1)


def test_constant_signals_stay_and_padding_is_not_mixed():
    lapped = LappedTransform(16)
    still = torch.ones(1, 4, 16, 3)
    torch.testing.assert_close(lapped.mix(still, REAL), still)
    mask = torch.tensor([[True, True, False, False]])
    chunks = torch.randn(1, 4, 16, 3)
    mixed = lapped.mix(chunks, mask)
    torch.testing.assert_close(mixed[:, :2], lapped.mix(chunks[:, :2], REAL[:, :2]))
    assert torch.equal(mixed[:, 2:], chunks[:, 2:])
    assert torch.equal(mixed[:, 0, :8], chunks[:, 0, :8])


def test_coding_errors_are_even_across_borders():
    torch.manual_seed(0)
    steps = torch.randn(400, 8 * 16, 1).cumsum(dim=1)
    chunks, real = (steps - steps.mean(dim=1, keepdim=True)).unflatten(1, (8, 16)), torch.ones(400, 8, dtype=torch.bool)

    def ends(mix, unmix):
        """Error of the frames that meet at a border, beside all others, with 3 of 16 components kept."""
        rows = mix(chunks, real).flatten(2)
        _, vectors = torch.linalg.eigh(rows.flatten(0, 1).T @ rows.flatten(0, 1))
        compressed = (rows @ vectors[:, -3:] @ vectors[:, -3:].T)[..., None]
        error = (unmix(compressed, real) - chunks)[:, 1:-1].square().mean(dim=(0, 1, 3)).sqrt()
        return (error[[0, -1]].mean() / error[1:-1].mean()).item()

    lapped = LappedTransform(16)
    assert ends(lapped.mix, lapped.unmix) == pytest.approx(1, abs=0.08)
    assert ends(lambda chunks, _: chunks, lambda chunks, _: chunks) > 1.15
