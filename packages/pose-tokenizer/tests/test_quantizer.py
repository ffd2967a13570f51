import itertools

import pytest
import torch

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.nn.beam_search import EARLY_STOP_MARGIN, MAX_UNPAID_CODES, beam_search, smallest_k
from pose_tokenizer.nn.quantizer import PredictiveQuantizer

C, Q, V = 6, 4, 9


@pytest.fixture
def quantizer():
    """Codebooks that grow finer, and a prediction that keeps half."""
    torch.manual_seed(0)
    quantizer = PredictiveQuantizer(C, Q, V)
    with torch.no_grad():
        quantizer.codebooks.copy_(torch.randn(Q, V, C) * torch.tensor([1.0, 0.7, 0.5, 0.3])[:, None, None])
        quantizer.transition.weight.copy_(0.5 * torch.eye(C) + 0.05 * torch.randn(C, C))
        quantizer.transition.bias.normal_(std=0.1)
        quantizer.start.normal_()
    return quantizer.requires_grad_(False)


@pytest.fixture
def latents():
    return torch.randn(3, 7, C, generator=torch.Generator().manual_seed(1))


def found(quantizer, x, **options):
    """`beam_search` of vectors (B, C) in the codebooks."""
    books = quantizer.codebooks
    return beam_search(x, books, books.square().sum(dim=-1), **options)


def nearest_codes(x, books, lmbda):
    """What `beam_search` does with one vector and a beam of 1, one step after the other."""
    left, best, best_left, cost, taken = x, [], x, x.square().sum(), []
    in_vain = 0
    for book in books:
        code = int((left - book).square().sum(dim=-1).argmin())
        left = left - book[code]
        taken = [*taken, code]
        now = left.square().sum() + lmbda * len(taken)
        in_vain += 1
        if lmbda == 0 or now < cost:
            best, best_left, cost, in_vain = taken, left, now, 0
        if in_vain == MAX_UNPAID_CODES or now - EARLY_STOP_MARGIN * lmbda > cost:
            break
    return best + [NO_CODE] * (len(books) - len(best)), best_left


@pytest.mark.parametrize("lmbda", [0.0, 0.3, 1.0, 5.0])
def test_search_with_beam_1_is_the_greedy_loop(quantizer, latents, lmbda):
    x = latents.flatten(0, 1)
    codes, left = found(quantizer, x, lmbda=lmbda, beam=1)
    for row in range(len(x)):
        expected, expected_left = nearest_codes(x[row], quantizer.codebooks, lmbda)
        assert codes[row].tolist() == expected
        torch.testing.assert_close(left[row], expected_left)


@pytest.mark.parametrize("lmbda", [0.0, 0.3, 1.0])
def test_an_exhaustive_beam_finds_the_optimum(quantizer, latents, lmbda, monkeypatch):
    monkeypatch.setattr("pose_tokenizer.nn.beam_search.EARLY_STOP_MARGIN", 1e9)
    monkeypatch.setattr("pose_tokenizer.depth.MAX_UNPAID_CODES", Q)
    x = latents[0]
    codes, left = found(quantizer, x, lmbda=lmbda, beam=V**Q)
    _, nearest = found(quantizer, x, lmbda=lmbda, beam=1)
    for row in range(len(x)):
        costs = {(): float(x[row].square().sum())} if lmbda else {}
        for depth in range(1, Q + 1) if lmbda else [Q]:
            places = torch.cartesian_prod(*[torch.arange(V)] * depth).reshape(-1, depth)
            sums = sum(quantizer.codebooks[q][places[:, q]] for q in range(depth))
            errors = (x[row] - sums).square().sum(dim=-1)
            best = int(errors.argmin())
            costs[tuple(places[best].tolist())] = float(errors[best]) + lmbda * depth
        used = [code for code in codes[row].tolist() if code != NO_CODE]
        cost = float(left[row].square().sum()) + lmbda * len(used)
        assert cost == pytest.approx(min(costs.values()), rel=1e-4)
        assert tuple(used) == min(costs, key=costs.__getitem__)
    assert left.square().sum() < nearest.square().sum() or lmbda > 0.5


def test_a_wider_beam_is_never_worse_with_two_codebooks(quantizer, latents):
    # Whoever follows several first codes follows the nearest, too; of more codebooks that holds on average.
    x = latents.flatten(0, 1)
    quantizer.codebooks = quantizer.codebooks[:2]
    errors = [found(quantizer, x, lmbda=0, beam=beam)[1].square().sum(dim=-1) for beam in (1, 2, 4, V)]
    for coarse, fine in itertools.pairwise(errors):
        assert (fine <= coarse + 1e-5).all()
    assert (errors[-1] < errors[0] - 1e-3).any()


def test_a_wider_beam_is_better_on_average(quantizer):
    x = torch.randn(400, C, generator=torch.Generator().manual_seed(2))
    errors = [found(quantizer, x, lmbda=0.1, beam=beam) for beam in (1, 4, 16)]
    costs = [float(left.square().sum() + 0.1 * (codes >= 0).sum()) for codes, left in errors]
    assert costs[2] < costs[1] < costs[0]


def test_a_beam_wider_than_the_codebook(quantizer, latents):
    one = quantizer.codebooks[:1]
    codes, _ = beam_search(latents[0], one, one.square().sum(dim=-1), lmbda=0, beam=100)
    expected, _ = beam_search(latents[0], one, one.square().sum(dim=-1), lmbda=0, beam=1)
    assert torch.equal(codes, expected)


@pytest.mark.parametrize("n", [1, 5, 64, 130, 128 * 16])
@pytest.mark.parametrize("count", [1, 4, 16])
def test_smallest_k_is_the_head_of_a_sort(n, count):
    values = torch.randn(3, n, generator=torch.Generator().manual_seed(n))
    found, place = smallest_k(values, count)
    expected = values.sort(dim=1)
    assert torch.equal(found, expected.values[:, :count])
    assert torch.equal(place, expected.indices[:, :count])


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("lmbda", [0.0, 0.5, 1e9])
def test_dequantized_codes_are_the_quantized_latents(quantizer, latents, lmbda, beam):
    codes, quantized = quantizer.quantize(latents, lmbda=lmbda, beam=beam)
    assert codes.shape == (3, 7, Q)
    torch.testing.assert_close(quantizer.dequantize(codes), quantized, atol=1e-5, rtol=1e-5)


def test_pieces_are_quantized_as_the_whole(quantizer, latents):
    codes, quantized = quantizer.quantize(latents, lmbda=0.3, beam=4)
    first, before = quantizer.quantize(latents[:, :3], lmbda=0.3, beam=4)
    second, after = quantizer.quantize(latents[:, 3:], lmbda=0.3, beam=4, prediction=quantizer.predict(before[:, -1]))
    assert torch.equal(torch.cat([first, second], dim=1), codes)
    torch.testing.assert_close(torch.cat([before, after], dim=1), quantized)
    made = [quantizer.dequantize(codes[:, :3]), quantizer.dequantize(codes[:, 3:], quantizer.predict(quantized[:, 2]))]
    torch.testing.assert_close(torch.cat(made, dim=1), quantizer.dequantize(codes), atol=1e-5, rtol=1e-5)


def test_clips_of_a_batch_are_quantized_as_alone(quantizer, latents):
    codes, quantized = quantizer.quantize(latents, lmbda=0.3, beam=3)
    for row in range(3):
        alone, expected = quantizer.quantize(latents[row : row + 1], lmbda=0.3, beam=3)
        assert torch.equal(codes[row : row + 1], alone)
        torch.testing.assert_close(quantized[row : row + 1], expected)


def test_rate_0_takes_all_codes_and_a_huge_rate_none(quantizer, latents):
    codes, _ = quantizer.quantize(latents, lmbda=0)
    assert (codes >= 0).all()
    codes, quantized = quantizer.quantize(latents, lmbda=1e9)
    assert (codes == NO_CODE).all()
    torch.testing.assert_close(quantized[:, 0], quantizer.start.expand(3, -1))
    torch.testing.assert_close(quantized[:, 1:], quantizer.transition(quantized[:, :-1]))


@pytest.mark.parametrize("beam", [1, 4])
def test_a_higher_rate_never_takes_more_codes_of_a_block(quantizer, beam):
    x = torch.randn(60, C, generator=torch.Generator().manual_seed(3))
    depths = torch.stack(
        [(found(quantizer, x, lmbda=r, beam=beam)[0] >= 0).sum(dim=1) for r in (0, 0.05, 0.3, 1, 3, 9)]
    )
    assert (depths.diff(dim=0) <= 0).all()
    assert len(depths.unique()) == Q + 1


def test_no_code_follows_a_missing_one(quantizer, latents):
    codes, _ = quantizer.quantize(latents, lmbda=0.5)
    there = (codes >= 0).int()
    assert (there.diff(dim=-1) <= 0).all()
    assert 0 < there.sum() < there.numel()


def test_residuals_are_what_the_search_quantizes(quantizer, latents):
    codes, quantized = quantizer.quantize(latents, lmbda=0.5)
    left = quantizer.residuals(latents, quantized)
    again, rest = found(quantizer, left.flatten(0, 1), lmbda=0.5, beam=1)
    assert torch.equal(again.unflatten(0, (3, 7)), codes)
    torch.testing.assert_close(rest.unflatten(0, (3, 7)), latents - quantized, atol=1e-5, rtol=1e-5)


def test_num_quantizers_limits_the_codebooks(quantizer, latents):
    codes, quantized = quantizer.quantize(latents, lmbda=0, num_quantizers=2)
    assert codes.shape == (3, 7, Q)
    assert (codes[..., :2] >= 0).all()
    assert (codes[..., 2:] == NO_CODE).all()
    torch.testing.assert_close(quantizer.dequantize(codes), quantized, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(quantizer.dequantize(codes[..., :2]), quantized, atol=1e-5, rtol=1e-5)


def test_quantize_does_not_change_its_input(quantizer, latents):
    kept = latents.clone()
    codes, _ = quantizer.quantize(latents, lmbda=0.3)
    quantizer.dequantize(codes)
    assert torch.equal(latents, kept)
