"""Length bucketing: batches of sequences of similar length, for little padding."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch.utils.data import Sampler

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUCKET = 1.02  # longest by shortest of a bucket; a larger one mixes more and pads more
POOL = 8  # batches' worth of sequences that are sorted together; more pads less and mixes less


class LengthBucketSampler(Sampler[list[int]]):
    """Yields each index once per epoch, in random batches of sequences of similar length.

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


class FrameBudgetSampler(Sampler[list[int]]):
    """Yields each index once per epoch, in random batches of at most `max_frames` frames, padding included.

    Sequences are sorted into buckets of nearly one length, shuffled within each, and cut into batches whose sizes
    follow from the buckets: so the number of batches is the same in every epoch, and so is the memory a step takes.
    Randomness is torch's global generator's, which the training seed sets.

    Args:
        lengths: frames of each sequence.
        max_frames: sequences of a batch times the longest of them. A longer sequence is a batch by itself.
    """

    def __init__(self, lengths: Sequence[int], max_frames: int) -> None:
        if max_frames < 1:
            raise UserError(f"batches of at most {max_frames} frames; ask for at least 1")
        self.buckets: list[list[int]] = []
        for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
            if not self.buckets or lengths[index] > BUCKET * lengths[self.buckets[-1][0]]:
                self.buckets.append([])
            self.buckets[-1].append(index)
        # As if every sequence were as long as its bucket's longest: holds whichever of them comes where.
        longest = [max(lengths[i] for i in bucket) for bucket in self.buckets for _ in bucket]
        self.sizes: list[int] = []
        size = 0
        for length in longest:
            if size and (size + 1) * length > max_frames:
                self.sizes.append(size)
                size = 0
            size += 1
        self.sizes += [size] if size else []

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[list[int]]:
        order = iter([bucket[i] for bucket in self.buckets for i in torch.randperm(len(bucket)).tolist()])
        batches = [list(itertools.islice(order, size)) for size in self.sizes]
        for i in torch.randperm(len(batches)).tolist():
            yield batches[i]
