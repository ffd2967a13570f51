"""Rate-aware beam search over residual codebooks.

A vector x takes one code of each of the first n codebooks so that the rate-distortion cost

    |x - b_1 - ... - b_n|^2 + lambda n

is small. The codes are found codebook by codebook: of a residual r that a code c turns into r - b_c, the new squared
error is |r|^2 - 2 r b_c + |b_c|^2, so one matrix product scores all codes of all M hypotheses in the beam, and the M
best go on. Which these are does not depend on lambda, which only picks the depth n, from the best hypothesis at each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.depth import EARLY_STOP_MARGIN, MAX_UNPAID_CODES, Depth, codes_back

GROUP = 64  # values per group whose minimum is looked at first


@dataclass(frozen=True)
class Beam:
    """The best hypotheses so far, best first: M choices of a code from each codebook up to this one.

    Attributes:
        residual: (B, M, C) each vector less its codes.
        error: (B, M) squared length of that.
        parent: (B, M) the hypothesis of the previous beam that each one extends, code: (B, M) by which code.
    """

    residual: Tensor
    error: Tensor
    parent: Tensor
    code: Tensor

    @classmethod
    def start(cls, x: Tensor) -> Beam:
        """The one hypothesis of vectors (B, C) before any code; its parent and code mean nothing."""
        none = torch.zeros(x.shape[0], 1, dtype=torch.long, device=x.device)
        return cls(x[:, None], x.square().sum(dim=-1, keepdim=True), none, none)


def beam_search(
    x: Tensor, books: Tensor, squared_norms: Tensor, *, lmbda: float | Tensor, beam: int
) -> tuple[Tensor, Tensor]:
    """Quantizes vectors; stops as soon as no vector takes further codes.

    Args:
        x: (B, C).
        books: (Q, V, C) codebooks; squared_norms: (Q, V) of their vectors.
        lmbda: squared error that a code must save, for all vectors or (B,) for each; 0: all codes are taken.
        beam: hypotheses that are kept, M.

    Returns:
        Codes (B, Q), `NO_CODE` after the last, and the residual (B, C) that they leave.
    """
    beams = [Beam.start(x)]
    lmbdas = lmbda.tolist() if isinstance(lmbda, Tensor) else [lmbda] * len(x)
    errors = beams[0].error[:, 0].tolist()
    depths = [Depth(error, free=each == 0) for error, each in zip(errors, lmbdas, strict=True)]
    for q in range(len(books)):
        beams.append(expand_beam(beams[-1], books[q], squared_norms[q], beam))
        cost = beams[-1].error[:, 0] + lmbda * (q + 1)
        hoped_for = cost - EARLY_STOP_MARGIN * lmbda
        # As lists: a batch is often one vector, for which tensors would take longer than all comparisons.
        for vector, now, optimistic in zip(depths, cost.tolist(), hoped_for.tolist(), strict=True):
            vector.update(q + 1, now, optimistic)
        if not any(vector.active for vector in depths):
            break
    return _trace_back(beams, [vector.depth for vector in depths], len(books))


def _trace_back(beams: list[Beam], depths: list[int], Q: int) -> tuple[Tensor, Tensor]:
    """Codes (B, Q) and residual (B, C) of the best hypothesis of `depths[b]` codes of each vector."""
    steps = [(step.code.tolist(), step.parent.tolist()) for step in beams[1 : max(depths) + 1]]
    codes = [
        codes_back([code[b] for code, _ in steps], [parent[b] for _, parent in steps], depth, Q)
        for b, depth in enumerate(depths)
    ]
    residual = torch.stack([beams[depth].residual[b, 0] for b, depth in enumerate(depths)])
    return torch.tensor(codes, device=residual.device), residual


def beam_search_in_graph(
    x: Tensor, books: Tensor, squared_norms: Tensor, *, lmbda: Tensor, beam: int
) -> tuple[Tensor, Tensor]:
    """`beam_search` in operations that an exported graph can hold: it always visits all codebooks.

    Args:
        x, books, squared_norms, beam: see `beam_search`.
        lmbda: () or (B,).
    """
    Q = len(books)
    hypotheses = Beam.start(x)
    codes = torch.full((*hypotheses.error.shape, Q), NO_CODE, dtype=torch.long, device=x.device)  # (B, M, Q)
    index = torch.arange(Q, device=x.device)
    best_codes, best_residual, best_cost = codes[:, 0], x, hypotheses.error[:, 0]
    best_depth = torch.zeros_like(best_cost, dtype=torch.long)
    active = best_depth == 0
    for q in range(Q):
        hypotheses = expand_beam(hypotheses, books[q], squared_norms[q], beam)
        codes = codes.gather(1, hypotheses.parent[..., None].expand(-1, -1, Q))
        codes = torch.where(index == q, hypotheses.code[..., None], codes)
        cost = hypotheses.error[:, 0] + lmbda * (q + 1)
        better = (active & (cost < best_cost)) | (lmbda == 0)
        promising = (q + 1 - best_depth < MAX_UNPAID_CODES) & (cost - EARLY_STOP_MARGIN * lmbda <= best_cost)
        active = active & (better | promising)
        best_depth = torch.where(better, q + 1, best_depth)
        best_cost = torch.where(better, cost, best_cost)
        best_residual = torch.where(better[:, None], hypotheses.residual[:, 0], best_residual)
        best_codes = torch.where(better[:, None], codes[:, 0], best_codes)
    return best_codes, best_residual


def expand_beam(beam: Beam, book: Tensor, squared_norms: Tensor, width: int) -> Beam:
    """One codebook further: the `width` best extensions of the hypotheses.

    Args:
        beam: the hypotheses so far.
        book: (V, C); squared_norms: (V,) of its vectors.
        width: hypotheses that are kept, fewer where there are fewer extensions.
    """
    C, V = beam.residual.shape[2], len(squared_norms)
    errors = F.linear(-2 * beam.residual, book, squared_norms) + beam.error[..., None]  # (B, M, V)
    error, index = smallest_k(errors.flatten(1), width)
    parent, code = index // V, index % V
    residual = beam.residual.gather(1, parent[..., None].expand(-1, -1, C)) - book[code]
    return Beam(residual, error, parent, code)


def smallest_k(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of (B, n), smallest first, and their indices: (B, k), or (B, n) if there are no more.

    As `topk`, and faster for many values: a group of values can hold one of the k smallest only if its minimum is among
    the k smallest minima, so only k groups have to be sorted.
    """
    B, n = values.shape
    size = math.gcd(n, GROUP)
    if n <= 4 * k * size:
        return values.topk(min(k, n), dim=1, largest=False)
    groups = values.view(B, -1, size)
    group = groups.amin(dim=2).topk(k, dim=1, largest=False).indices  # (B, k)
    candidates = groups.gather(1, group[..., None].expand(-1, -1, size)).flatten(1)
    smallest, index = candidates.topk(k, dim=1, largest=False)
    return smallest, group.gather(1, index // size) * size + index % size
