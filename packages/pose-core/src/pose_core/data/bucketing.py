"""Batches of sequences of similar length: little padding, so little time spent on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

POOL = 8  # batches' worth of sequences that are sorted together; more pads less and mixes less


class LengthBucketSampler(Sampler[list[int]]):
    """Every index once an epoch, in batches whose sequences are about equally long, in random order.

    Randomness is torch's global generator's, which the training seed sets.

    Args:
        lengths: frames of each sequence.
        batch_size: sequences a batch; the last one may hold fewer.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order = torch.randperm(len(self.lengths)).tolist()
        pool = POOL * self.batch_size
        batches = []
        for first in range(0, len(order), pool):
            near = sorted(order[first : first + pool], key=lambda i: self.lengths[i])
            batches += [near[i : i + self.batch_size] for i in range(0, len(near), self.batch_size)]
        for i in torch.randperm(len(batches)).tolist():
            yield batches[i]
