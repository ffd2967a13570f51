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

PARTITIONS = 3  # the keypoint itself, centripetal neighbours (nearer to the shoulders), centrifugal neighbours


def partitioned_adjacency(skeleton: Skeleton) -> Tensor:
    """Adjacency (3, K, K) with normalized rows: the spatial configuration partitioning of ST-GCN.

    Distances are numbers of limbs from the shoulders. A hand is connected to the body's wrist; any other part that no
    limb connects to the shoulders is connected to them by its first keypoint.

    Source:
        Yan et al. 2018, https://arxiv.org/abs/1801.07455
    """
    K = skeleton.num_keypoints
    neighbours = _neighbours(skeleton)
    distance = _distances(neighbours, _roots(skeleton))
    adjacency = torch.zeros(PARTITIONS, K, K)
    adjacency[0] = torch.eye(K)
    for a in range(K):
        for b in neighbours[a]:
            adjacency[1 if distance[b] < distance[a] else 2, a, b] = 1.0
    return adjacency / adjacency.sum(dim=2, keepdim=True).clamp(min=1)


def _roots(skeleton: Skeleton) -> list[int]:
    """The keypoints at distance 0."""
    try:
        return list(skeleton.shoulders())
    except UserError:
        return [0]  # hands alone: the first one's wrist


def _neighbours(skeleton: Skeleton) -> list[set[int]]:
    """Each keypoint's neighbours in a connected graph."""
    neighbours: list[set[int]] = [set() for _ in range(skeleton.num_keypoints)]

    def connect(a: int, b: int) -> None:
        if a != b:
            neighbours[a].add(b)
            neighbours[b].add(a)

    for a, b in skeleton.limbs.tolist():
        connect(a, b)
    for side in ("left", "right"):
        hand, wrist = skeleton.hand(side), skeleton.wrist(side)
        if hand and wrist is not None:
            connect(hand[0], wrist)
    roots = _roots(skeleton)
    for a, b in pairwise(roots):
        connect(a, b)
    while True:
        distance = _distances(neighbours, roots)
        unconnected = [k for k, d in enumerate(distance) if d < 0]
        if not unconnected:
            return neighbours
        connect(unconnected[0], roots[0])


def _distances(neighbours: list[set[int]], sources: list[int]) -> list[int]:
    """Number of limbs from the nearest source, by breadth-first search; -1 where there is no path."""
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
