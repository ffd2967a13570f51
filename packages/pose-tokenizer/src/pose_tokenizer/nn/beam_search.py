"""The search for the codes of a vector: which codebooks' vectors, one of each in a row, come nearest to it."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from pose_tokenizer.files.token_file import NO_CODE

MAX_UNPAID_CODES = 2  # codes in a row that do not pay, after which a vector takes no more
EARLY_STOP_MARGIN = 0.3  # so many times the price of a code in vain, and the next one does not pay either
GROUP = 64  # numbers of which the least is looked for at once


def search(x: Tensor, books: Tensor, norms: Tensor, *, rate: float | Tensor, beam: int) -> tuple[Tensor, Tensor]:
    """Codes of vectors (B, C) from codebooks (Q, V, C) with squared norms (Q, V): (B, Q), and what is left, (B, C).

    Args:
        rate, beam: see `PredictiveQuantizer.quantize`.
    """
    left, error = x[:, None], x.square().sum(dim=-1, keepdim=True)
    lefts, parents, codes = [left], [], []
    every = [value == 0 for value in (rate.tolist() if isinstance(rate, Tensor) else [rate] * len(x))]
    best, depth, going = error[:, 0].tolist(), [0] * len(x), [True] * len(x)
    for q in range(len(books)):
        left, error, parent, code = follow(left, error, books[q], norms[q], beam)
        lefts.append(left)
        parents.append(parent)
        codes.append(code)
        cost = error[:, 0] + rate * (q + 1)
        for b, (now, least_now) in enumerate(
            zip(cost.tolist(), (cost - EARLY_STOP_MARGIN * rate).tolist(), strict=True)
        ):
            if every[b] or (going[b] and now < best[b]):
                best[b], depth[b] = now, q + 1
            elif q + 1 - depth[b] >= MAX_UNPAID_CODES or least_now > best[b]:
                going[b] = False
        if not any(going):
            break
    chosen = [[NO_CODE] * len(books) for _ in depth]
    at = [0] * len(x)
    for q in reversed(range(max(depth))):
        code, parent = codes[q].tolist(), parents[q].tolist()
        for b in range(len(x)):
            if q < depth[b]:
                chosen[b][q], at[b] = code[b][at[b]], parent[b][at[b]]
    remains = torch.stack([lefts[d][b, 0] for b, d in enumerate(depth)])
    return torch.tensor(chosen, device=x.device), remains


def search_in_graph(x: Tensor, books: Tensor, norms: Tensor, *, rate: Tensor, beam: int) -> tuple[Tensor, Tensor]:
    """What `search` does, as operations that an exported graph can hold: it goes through all codebooks every time.

    Args:
        x, books, norms, beam: see `search`.
        rate: () or (B,).
    """
    left, error = x[:, None], x.square().sum(dim=-1, keepdim=True)
    codes = torch.full((*error.shape, len(books)), NO_CODE, dtype=torch.long, device=x.device)  # (B, M, Q)
    rank = torch.arange(len(books), device=x.device)
    best_codes, best_left, best_cost = codes[:, 0], x, error[:, 0]
    best_depth = torch.zeros_like(best_cost, dtype=torch.long)
    going = best_depth == 0
    for q in range(len(books)):
        left, error, parent, code = follow(left, error, books[q], norms[q], beam)
        codes = codes.gather(1, parent[..., None].expand(-1, -1, len(books)))
        codes = torch.where(rank == q, code[..., None], codes)
        cost = error[:, 0] + rate * (q + 1)
        better = (going & (cost < best_cost)) | (rate == 0)
        going = going & (
            better | ((q + 1 - best_depth < MAX_UNPAID_CODES) & (cost - EARLY_STOP_MARGIN * rate <= best_cost))
        )
        best_depth = torch.where(better, q + 1, best_depth)
        best_cost = torch.where(better, cost, best_cost)
        best_left = torch.where(better[:, None], left[:, 0], best_left)
        best_codes = torch.where(better[:, None], codes[:, 0], best_codes)
    return best_codes, best_left


def follow(left: Tensor, error: Tensor, book: Tensor, norm: Tensor, beam: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One codebook further.

    Args:
        left: (B, M, C) what the choices made so far leave.
        error: (B, M) squared length of that.
        book: (V, C); norm: (V,) squared length of its vectors.
        beam: how many choices are kept at most.

    Returns:
        What the best choices leave and its squared length, the best first, which choice each goes on from, (B, beam),
        and by which code, (B, beam).
    """
    C, V = left.shape[2], len(norm)
    after = F.linear(-2 * left, book, norm) + error[..., None]  # (B, M, V)
    error, place = least(after.flatten(1), beam)
    parent, code = place // V, place % V
    return left.gather(1, parent[..., None].expand(-1, -1, C)) - book[code], error, parent, code


def least(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The smallest of (B, n), the least first, and their places: (B, count), or (B, n) if there are no more.

    None of them lies in a group that `count` other groups have a smaller value than: where there are many groups, the
    others need not be sorted.
    """
    B, n = values.shape
    size = math.gcd(n, GROUP)
    if n <= 4 * count * size:
        return values.topk(min(count, n), dim=1, largest=False)
    grouped = values.view(B, -1, size)
    group = grouped.amin(dim=2).topk(count, dim=1, largest=False).indices  # (B, count)
    found, place = grouped.gather(1, group[..., None].expand(-1, -1, size)).flatten(1).topk(count, dim=1, largest=False)
    return found, group.gather(1, place // size) * size + place % size
