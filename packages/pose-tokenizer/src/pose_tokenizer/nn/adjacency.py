"""A skeleton's limbs as the partitioned adjacency that graph convolution runs on."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from pose_core import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from pose_core import Skeleton

PARTITIONS = 3  # a keypoint itself, its neighbours nearer to the middle of the body, those farther away


def partitioned_adjacency(skeleton: Skeleton) -> Tensor:
    """Adjacency (3, K, K), rows normalized: the spatial configuration partitioning of ST-GCN.

    Distances are counted in limbs from the shoulders. A hand hangs on the body's wrist; any other part that no limb
    ties to the shoulders hangs on them by its first keypoint.

    Source:
        Yan et al. 2018, https://arxiv.org/abs/1801.07455
    """
    K = skeleton.num_keypoints
    neighbours = _neighbours(skeleton)
    distance = _distances(neighbours, _middle(skeleton))
    adjacency = torch.zeros(PARTITIONS, K, K)
    adjacency[0] = torch.eye(K)
    for a in range(K):
        for b in neighbours[a]:
            adjacency[1 if distance[b] < distance[a] else 2, a, b] = 1.0
    return adjacency / adjacency.sum(dim=2, keepdim=True).clamp(min=1)


def _middle(skeleton: Skeleton) -> list[int]:
    """The keypoints that distances are counted from."""
    try:
        return list(skeleton.shoulders())
    except UserError:
        return [0]  # hands alone: the first one's wrist


def _neighbours(skeleton: Skeleton) -> list[set[int]]:
    neighbours: list[set[int]] = [set() for _ in range(skeleton.num_keypoints)]

    def tie(a: int, b: int) -> None:
        if a != b:
            neighbours[a].add(b)
            neighbours[b].add(a)

    for a, b in skeleton.limbs.tolist():
        tie(a, b)
    for side in ("left", "right"):
        hand, wrist = skeleton.hand(side), skeleton.wrist(side)
        if hand and wrist is not None:
            tie(hand[0], wrist)
    middle = _middle(skeleton)
    for a, b in pairwise(middle):
        tie(a, b)
    while True:  # what nothing leads to yet
        distance = _distances(neighbours, middle)
        lost = [k for k, d in enumerate(distance) if d < 0]
        if not lost:
            return neighbours
        tie(lost[0], middle[0])


def _distances(neighbours: list[set[int]], sources: list[int]) -> list[int]:
    """Limbs from the nearest source, -1 where none leads there."""
    distance = [-1] * len(neighbours)
    for source in sources:
        distance[source] = 0
    queue = deque(sources)
    while queue:
        a = queue.popleft()
        for b in neighbours[a]:
            if distance[b] < 0:
                distance[b] = distance[a] + 1
                queue.append(b)
    return distance
