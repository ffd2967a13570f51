"""Arms and hands as bones that hang from the shoulders: what keeps hands on arms, whatever the latents are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton
    from pose_core.skeleton.layouts import Side

HAND_POINTS = 21  # wrist, then four joints a finger from the palm outwards: every estimator orders them alike
HAND_SCALE = 4.0  # how much larger than the body the networks see bones of hands, as in text-to-pose
LONGEST = 0.975  # quantile of a bone's length in the training data; longer ones are mostly failed detections
LONGEST_ARM = 0.99  # of upper arm and forearm, which differ more between people
LONGEST_GAP = 0.92  # of the distance from an arm's wrist to its hand's, which fails more often
UNLIMITED = 1e3  # shoulder widths: more than any bone has; infinity has no gradient
# Edges of the palm, and how long each is beside wrist to middle knuckle in a hand that is seen flat.
PALM = ((0, 5, 1.0), (0, 9, 1.0), (0, 17, 0.93), (5, 17, 0.62))
LARGEST_PALM = 1.4  # times its median over a sequence; of real palms one in a hundred is larger
SURENESS = 12.0  # logits between a hand that the basis holds to be seen and one that it does not
SIDES: tuple[Side, Side] = ("left", "right")


class ArmBones(nn.Module):
    """Keypoints of arms and hands relative to the joint before them: elbow to shoulder, ..., fingertip to last joint.

    A linear, invertible change of coordinates; all other keypoints stay as they are. No bone that `absolute` gives is
    longer than those of real arms and hands are, so a decoded hand ends at its arm, by construction.

    Args:
        skeleton: K keypoints of D coordinates.

    Attributes:
        longest: (K,), length in shoulder widths that the bone ending at a keypoint may have; `UNLIMITED` until fitted.
        mean: (K, D), mean bone in shoulder widths; 0 of keypoints that end none.
    """

    longest: Tensor
    mean: Tensor
    ends: Tensor
    starts: Tensor
    ancestors: Tensor
    scale: Tensor

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        K, D = skeleton.num_keypoints, skeleton.num_dims
        self.hands = [skeleton.hand(side) for side in SIDES]
        self.roots = [hand[0] for hand in self.hands if hand]
        self.sides = [parents_of(skeleton, side) for side in SIDES]
        self.parents = self.sides[0] | self.sides[1]
        # Hand's wrist and arm's wrist, of each arm that has a hand.
        self.joints = {hand[0]: self.parents[hand[0]] for hand in self.hands if hand and hand[0] in self.parents}
        chains = {point: _chain(point, self.parents) for point in self.parents}
        depth = max(map(len, chains.values()), default=1)
        # Points by their distance from the shoulder: a point's parent is completed before the point itself.
        self.levels = [[p for p, chain in chains.items() if len(chain) == n] for n in range(2, depth + 1)]
        padded = [chain + [K] * (depth - len(chain)) for chain in chains.values()]  # K stands for a point at 0
        hands = {point for hand in self.hands for point in hand}
        scale = [HAND_SCALE if point in hands else 1.0 for point in self.parents]
        self.register_buffer("ends", torch.tensor(list(self.parents), dtype=torch.long), persistent=False)  # (H,)
        self.register_buffer("starts", torch.tensor(list(self.parents.values()), dtype=torch.long), persistent=False)
        self.register_buffer("ancestors", torch.tensor(padded, dtype=torch.long), persistent=False)  # (H, depth)
        self.register_buffer("scale", torch.tensor(scale)[:, None], persistent=False)  # (H, 1)
        self.register_buffer("longest", torch.full((K,), UNLIMITED))
        self.register_buffer("mean", torch.zeros(K, D))

    def relative(self, keypoints: Tensor) -> Tensor:
        """Keypoints (..., K, D) in shoulder widths to features (..., K, D), hands `HAND_SCALE` times as large."""
        bones = keypoints[..., self.ends, :] - keypoints[..., self.starts, :]
        return keypoints.index_copy(-2, self.ends, self.scale * bones)

    def absolute(self, features: Tensor) -> Tensor:
        """The inverse of `relative`; bones that are longer than `longest` are shortened to that."""
        features = features.float()  # half precision would tear hands off
        bones = shortened(features[..., self.ends, :] / self.scale, self.longest[self.ends])
        known = features.index_copy(-2, self.ends, bones)
        known = torch.cat([known, torch.zeros_like(known[..., :1, :])], dim=-2)  # (..., K + 1, D)
        return features.index_copy(-2, self.ends, known[..., self.ancestors, :].sum(dim=-2))

    def complete(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """All of arms and hands: what is missing hangs from the joint before it as it did when it was seen last.

        At first as when it is seen first, and as its mean where it never is. An arm's wrist that is missing follows
        its hand. All else that is missing stays where it was seen last, at first where it is seen first, and is at 0
        where it never is.

        Args:
            keypoints: (B, T, K, D) in shoulder widths; what stands where one is missing changes nothing.
            seen: (B, T, K).

        Returns:
            (B, T, K, D), no bone longer than `longest`.
        """
        seen = seen.clone()
        points = torch.where(seen[..., None], keypoints, 0)
        for root, wrist in self.joints.items():
            both = seen[..., wrist] & seen[..., root]
            gap = self._held_bones(points[..., [root], :] - points[..., [wrist], :], both[..., None], [root])
            only_hand = (seen[..., root] & ~seen[..., wrist])[..., None]
            follows = points[..., root, :] - gap[..., 0, :]
            points[..., wrist, :] = torch.where(only_hand, follows, points[..., wrist, :])
            seen[..., wrist] |= seen[..., root]
        completed = held(points, seen, torch.zeros_like(self.mean))
        for level in self.levels:
            before = [self.parents[point] for point in level]
            # What hangs from a shortened bone moves with it as a whole, so bones are taken before they are shortened.
            origin = torch.where(seen[..., before, None], points[..., before, :], completed[..., before, :])
            bones = self._held_bones(points[..., level, :] - origin, seen[..., level], level)
            completed[..., level, :] = completed[..., before, :] + bones
        return completed

    def shown(self, seen: Tensor, mask: Tensor) -> Tensor:
        """Whether each hand is seen, (B, T, F) of 0 and 1, held in padding; of `seen` (B, T, K) and `mask` (B, T)."""
        flags = seen[..., self.roots, None].to(torch.float32)
        return held(flags, mask[..., None].expand(-1, -1, len(self.roots)), flags.new_zeros(len(self.roots), 1))[..., 0]

    def logits(self, flags: Tensor, keypoints: int) -> Tensor:
        """What (B, T, K) flags (B, T, F) say of whether keypoints of hands are seen; 0 of all others."""
        logits = flags.new_zeros(*flags.shape[:-1], keypoints)
        for i, hand in enumerate(hand for hand in self.hands if hand):
            logits[..., hand] = SURENESS * (flags[..., i : i + 1] - 0.5)
        return logits

    def limit_palms(self, keypoints: Tensor, seen: Tensor) -> Tensor:
        """Makes hands smaller in frames where their palm is more than `LARGEST_PALM` times its median over the frames.

        Args:
            keypoints: (B, T, K, D) in shoulder widths.
            seen: (B, T, K), which of them count in the median.
        """
        for hand in self.hands:
            if len(hand) != HAND_POINTS:
                continue
            root, fingers = keypoints[..., hand[:1], :], keypoints[..., hand[1:], :]
            with torch.no_grad():
                size = palm_size(keypoints[..., hand, :])  # (B, T)
                counted = seen[..., hand].all(dim=-1)
                median = torch.where(counted, size, torch.nan).nanmedian(dim=1, keepdim=True).values
                share = (LARGEST_PALM * median / size.clamp(min=1e-6)).clamp(max=1).nan_to_num(1.0)
            smaller = root + share[..., None, None] * (fingers - root)
            keypoints = keypoints.index_copy(-2, torch.tensor(hand[1:], device=keypoints.device), smaller)
        return keypoints

    def centered(self, mean: Tensor) -> Tensor:
        """Mean keypoints (K, D) with arms and hands in their mean shapes."""
        return self.absolute(mean.index_copy(0, self.ends, self.scale * self.mean[self.ends]))

    @torch.no_grad()
    def fit(self, sequences: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Measures real bones; the limits are the same for both sides.

        Args:
            sequences: keypoints (T, K, D) in shoulder widths and which are seen (T, K), of many sequences.
        """
        in_hand = {point for hand in self.hands for point in hand}
        left, right = map(list, self.sides)
        opposite = list(zip(left, right, strict=True)) if len(left) == len(right) else [(p,) for p in self.parents]
        for points in map(list, opposite):
            found = {point: self._bones_of(point, sequences) for point in points}
            lengths = torch.cat(list(found.values())).norm(dim=-1)
            if len(lengths):
                share = LONGEST_GAP if points[0] in self.joints else LONGEST if points[0] in in_hand else LONGEST_ARM
                # Not `torch.quantile`, which takes 16 million values at most.
                self.longest[points] = lengths.sort().values[int(share * (len(lengths) - 1))]
            for point, bones in found.items():
                if len(bones):
                    self.mean[point] = shortened(bones, self.longest[point]).mean(dim=0)

    def _bones_of(self, point: int, sequences: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """All bones (M, D) that end at a point, where both of their ends are seen."""
        start = self.parents[point]
        return torch.cat(
            [(points[:, point] - points[:, start])[seen[:, point] & seen[:, start]] for points, seen in sequences]
        )

    def _held_bones(self, bones: Tensor, seen: Tensor, points: list[int]) -> Tensor:
        """Bones (B, T, H, D) that end at `points`, none too long, held where they are not seen."""
        return held(shortened(bones, self.longest[points]), seen, self.mean[points])


def parents_of(skeleton: Skeleton, side: Side) -> dict[int, int]:
    """The joint before each point of an arm and its hand, from the elbow on to the fingertips.

    What the skeleton lacks is left out: a hand without an arm begins with its own wrist, which has no joint before it.
    """
    hand, wrist, elbow = skeleton.hand(side), skeleton.wrist(side), skeleton.elbow(side)
    parents = {}
    if elbow is not None:
        parents[elbow] = skeleton.shoulders()[SIDES.index(side)]
        if wrist is not None:
            parents[wrist] = elbow
    if hand and wrist is not None and wrist not in hand:
        parents[hand[0]] = wrist
    for i in range(1, len(hand)):
        begins = len(hand) != HAND_POINTS or i % 4 == 1
        parents[hand[i]] = hand[0] if begins else hand[i - 1]
    return parents


def has_hands_on_arms(skeleton: Skeleton) -> bool:
    """Whether a skeleton has a hand and the arm that it hangs from."""
    return bool(ArmBones(skeleton).joints)


def palm_size(hand: Tensor) -> Tensor:
    """Size (...) of the palm of hands (..., 21, D): of its edges hardly ever all are foreshortened."""
    edges = [(hand[..., a, :] - hand[..., b, :]).norm(dim=-1) / usual for a, b, usual in PALM]
    return torch.stack(edges).amax(dim=0)


def shortened(bones: Tensor, longest: Tensor) -> Tensor:
    """Bones (..., D) with their directions, at most as long as `longest` (...) says."""
    length = bones.square().sum(dim=-1).clamp(min=1e-12).sqrt()
    return bones * (longest / length).clamp(max=1)[..., None]


def held(keypoints: Tensor, seen: Tensor, fallback: Tensor) -> Tensor:
    """Missing keypoints where they were seen last, else where they are seen first, else at `fallback`.

    Args:
        keypoints: (B, T, K, D).
        seen: (B, T, K).
        fallback: (K, D).
    """
    T = keypoints.shape[1]
    frames = torch.arange(T, device=keypoints.device)[:, None]
    last = torch.where(seen, frames, -1).cummax(dim=1).values  # (B, T, K)
    first = torch.where(seen, frames, T).amin(dim=1, keepdim=True)  # (B, 1, K)
    source = torch.where(last < 0, first, last)
    there = (source < T)[..., None]
    taken = keypoints.gather(1, source.clamp(max=T - 1)[..., None].expand_as(keypoints))
    return torch.where(there, taken, fallback)


def _chain(point: int, parents: dict[int, int]) -> list[int]:
    """A point, those before it, and the shoulder that they hang from."""
    chain = [point]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return chain
