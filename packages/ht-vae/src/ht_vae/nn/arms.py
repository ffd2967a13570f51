"""Arms and hands as trees of bones rooted at the shoulders, which keeps hands attached whatever the latents are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pose_core.transforms.temporal import hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core import Skeleton
    from pose_core.skeleton.layouts import Side

HAND_POINTS = 21  # wrist, then four joints per finger from the palm outwards: every estimator orders them alike
HAND_SCALE = 4.0  # factor by which the networks see bones of hands enlarged, as in text-to-pose
# Quantiles of a bone's length in the training data that limit it; longer ones are mostly failed detections.
BONE_QUANTILE = 0.975
ARM_QUANTILE = 0.99  # upper arm and forearm, which differ more between people
GAP_QUANTILE = 0.92  # from an arm's wrist to its hand's, which fails more often
UNLIMITED = 1e3  # shoulder widths: more than any bone has; infinity has no gradient
# Edges of the palm, and their lengths relative to wrist - middle knuckle in a hand seen flat.
PALM = ((0, 5, 1.0), (0, 9, 1.0), (0, 17, 0.93), (5, 17, 0.62))
MAX_PALM_RATIO = 1.4  # palm size over its median in a sequence; one real palm in a hundred is larger
LOGIT_RANGE = 12.0  # between the logits of a hand that the basis predicts visible and one it predicts missing
SIDES: tuple[Side, Side] = ("left", "right")


class ArmBones(nn.Module):
    """Forward kinematics of arms and hands: keypoints relative to their parent joint, and back.

    Parents run from elbow to shoulder, ..., fingertip to the joint before it. A linear, invertible change of
    coordinates; all other keypoints stay as they are. `absolute` gives no bone longer than those of real arms and
    hands, so a decoded hand is attached to its arm by construction.

    Args:
        skeleton: K keypoints of D coordinates.

    Attributes:
        longest: (K,), maximum length in shoulder widths of the bone ending at a keypoint; `UNLIMITED` until fitted.
        mean: (K, D), mean bone in shoulder widths; 0 for keypoints that end none.
        hand_roots: wrist keypoint of each hand, F in all.
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
        self.hands = [hand for hand in map(skeleton.hand, SIDES) if hand]
        self.hand_roots = [hand[0] for hand in self.hands]
        self.sides = [bone_parents(skeleton, side) for side in SIDES]
        self.parents = self.sides[0] | self.sides[1]
        # The hand's wrist -> the arm's wrist, for each arm that has a hand.
        self.arm_wrists = {root: self.parents[root] for root in self.hand_roots if root in self.parents}
        chains = {point: _chain(point, self.parents) for point in self.parents}
        self.levels = _levels(chains)
        self.register_buffer("ends", torch.tensor(list(self.parents), dtype=torch.long), persistent=False)  # (H,)
        self.register_buffer("starts", torch.tensor(list(self.parents.values()), dtype=torch.long), persistent=False)
        self.register_buffer("ancestors", _padded(list(chains.values()), K), persistent=False)  # (H, depth)
        scale = torch.ones(K, 1)
        scale[[point for hand in self.hands for point in hand]] = HAND_SCALE
        self.register_buffer("scale", scale[self.ends], persistent=False)  # (H, 1)
        self.register_buffer("longest", torch.full((K,), UNLIMITED))
        self.register_buffer("mean", torch.zeros(K, D))

    def relative(self, keypoints: Tensor) -> Tensor:
        """Keypoints (..., K, D) in shoulder widths to features (..., K, D), hands scaled by `HAND_SCALE`."""
        bones = keypoints[..., self.ends, :] - keypoints[..., self.starts, :]
        return keypoints.index_copy(-2, self.ends, self.scale * bones)

    def absolute(self, features: Tensor) -> Tensor:
        """The inverse of `relative`; bones longer than `longest` are shortened to that."""
        features = features.float()  # half precision would tear hands off
        bones = clip_length(features[..., self.ends, :] / self.scale, self.longest[self.ends])
        chained = features.index_copy(-2, self.ends, bones)
        chained = torch.cat([chained, torch.zeros_like(chained[..., :1, :])], dim=-2)  # (..., K + 1, D)
        return features.index_copy(-2, self.ends, chained[..., self.ancestors, :].sum(dim=-2))

    def fill_missing(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Fills in missing keypoints: arms and hands keep their last visible bones, others their last visible position.

        Before a keypoint is first visible, its first visible value holds; if it never is, its mean bone, or 0 for
        keypoints outside arms and hands. A missing arm's wrist follows its hand.

        Args:
            keypoints: (B, T, K, D) in shoulder widths; values of missing ones change nothing.
            visible: (B, T, K).

        Returns:
            (B, T, K, D), no bone longer than `longest`.
        """
        visible = visible.clone()
        points = torch.where(visible[..., None], keypoints, 0)
        for root, wrist in self.arm_wrists.items():
            both = visible[..., wrist] & visible[..., root]
            gap = self._hold_bones(points[..., [root], :] - points[..., [wrist], :], both[..., None], [root])
            only_hand = (visible[..., root] & ~visible[..., wrist])[..., None]
            attached = points[..., root, :] - gap[..., 0, :]
            points[..., wrist, :] = torch.where(only_hand, attached, points[..., wrist, :])
            visible[..., wrist] |= visible[..., root]
        filled = hold(points, visible, torch.zeros_like(self.mean), backfill=True)
        for level in self.levels:
            parents = [self.parents[point] for point in level]
            # A shortened bone takes its whole subtree along, so bones are measured before any is shortened.
            origin = torch.where(visible[..., parents, None], points[..., parents, :], filled[..., parents, :])
            bones = self._hold_bones(points[..., level, :] - origin, visible[..., level], level)
            filled[..., level, :] = filled[..., parents, :] + bones
        return filled

    def hand_visibility(self, visible: Tensor, mask: Tensor) -> Tensor:
        """Visibility flag of each hand (B, T, F), 0 or 1, held in padding; of `visible` (B, T, K) and `mask` (B, T)."""
        flags = visible[..., self.hand_roots, None].to(torch.float32)
        real = mask[..., None].expand(-1, -1, len(self.hand_roots))
        return hold(flags, real, flags.new_zeros(len(self.hand_roots), 1), backfill=True)[..., 0]

    def hand_logits(self, flags: Tensor, num_keypoints: int) -> Tensor:
        """Visibility logits (B, T, K) of hands' keypoints by their flags (B, T, F); 0 for all others."""
        logits = flags.new_zeros(*flags.shape[:-1], num_keypoints)
        for i, hand in enumerate(self.hands):
            logits[..., hand] = LOGIT_RANGE * (flags[..., i : i + 1] - 0.5)
        return logits

    def limit_palms(self, keypoints: Tensor, visible: Tensor) -> Tensor:
        """Shrinks hands in frames where their palm exceeds `MAX_PALM_RATIO` times its median over the frames.

        Args:
            keypoints: (B, T, K, D) in shoulder widths.
            visible: (B, T, K), which of them count in the median.
        """
        for hand in self.hands:
            if len(hand) != HAND_POINTS:
                continue
            root, fingers = keypoints[..., hand[:1], :], keypoints[..., hand[1:], :]
            with torch.no_grad():
                size = palm_size(keypoints[..., hand, :])  # (B, T)
                counted = visible[..., hand].all(dim=-1)
                median = torch.where(counted, size, torch.nan).nanmedian(dim=1, keepdim=True).values
                factor = (MAX_PALM_RATIO * median / size.clamp(min=1e-6)).clamp(max=1).nan_to_num(1.0)
            smaller = root + factor[..., None, None] * (fingers - root)
            keypoints = keypoints.index_copy(-2, torch.tensor(hand[1:], device=keypoints.device), smaller)
        return keypoints

    def with_mean_bones(self, mean: Tensor) -> Tensor:
        """Mean keypoints (K, D) with arms and hands rebuilt from their mean bones."""
        return self.absolute(mean.index_copy(0, self.ends, self.scale * self.mean[self.ends]))

    @torch.no_grad()
    def fit(self, sequences: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Measures real bones; limits are the same for both sides.

        Args:
            sequences: keypoints (T, K, D) in shoulder widths and which are visible (T, K), of many sequences.
        """
        in_hand = {point for hand in self.hands for point in hand}
        left, right = map(list, self.sides)
        mirrored = list(zip(left, right, strict=True)) if len(left) == len(right) else [(p,) for p in self.parents]
        for points in map(list, mirrored):
            bones_of = {point: self._bones_of(point, sequences) for point in points}
            lengths = torch.cat(list(bones_of.values())).norm(dim=-1)
            if len(lengths):
                at_hand = GAP_QUANTILE if points[0] in self.arm_wrists else BONE_QUANTILE
                quantile = at_hand if points[0] in in_hand else ARM_QUANTILE
                # Not `torch.quantile`, which takes 16 million values at most.
                self.longest[points] = lengths.sort().values[int(quantile * (len(lengths) - 1))]
            for point, bones in bones_of.items():
                if len(bones):
                    self.mean[point] = clip_length(bones, self.longest[point]).mean(dim=0)

    def _bones_of(self, point: int, sequences: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """All bones (M, D) that end at a keypoint, from frames where both ends are visible."""
        start = self.parents[point]
        return torch.cat(
            [
                (keypoints[:, point] - keypoints[:, start])[visible[:, point] & visible[:, start]]
                for keypoints, visible in sequences
            ]
        )

    def _hold_bones(self, bones: Tensor, visible: Tensor, points: list[int]) -> Tensor:
        """Bones (B, T, H, D) ending at `points`, shortened where too long, held where not visible."""
        return hold(clip_length(bones, self.longest[points]), visible, self.mean[points], backfill=True)


def bone_parents(skeleton: Skeleton, side: Side) -> dict[int, int]:
    """The parent joint of each keypoint of an arm and its hand, from the elbow to the fingertips.

    Keypoints that the skeleton lacks are skipped: a hand without an arm is rooted at its own wrist, without a parent.
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
        knuckle = len(hand) != HAND_POINTS or i % 4 == 1
        parents[hand[i]] = hand[0] if knuckle else hand[i - 1]
    return parents


def has_hands_on_arms(skeleton: Skeleton) -> bool:
    """Whether a skeleton has a hand and the arm it belongs to."""
    return bool(ArmBones(skeleton).arm_wrists)


def palm_size(hand: Tensor) -> Tensor:
    """Palm size (...) of hands (..., 21, D): the longest edge by its usual length, as they rarely all foreshorten."""
    edges = [(hand[..., a, :] - hand[..., b, :]).norm(dim=-1) / usual for a, b, usual in PALM]
    return torch.stack(edges).amax(dim=0)


def clip_length(bones: Tensor, longest: Tensor) -> Tensor:
    """Bones (..., D) in their directions, at most `longest` (...) long."""
    length = bones.square().sum(dim=-1).clamp(min=1e-12).sqrt()
    return bones * (longest / length).clamp(max=1)[..., None]


def _chain(point: int, parents: dict[int, int]) -> list[int]:
    """A keypoint, its ancestors, and the shoulder at the root."""
    chain = [point]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return chain


def _levels(chains: dict[int, list[int]]) -> list[list[int]]:
    """Keypoints by their depth in the tree, so that parents come before their children."""
    depths = {point: len(chain) for point, chain in chains.items()}
    return [[p for p, depth in depths.items() if depth == n] for n in range(2, max(depths.values(), default=1) + 1)]


def _padded(chains: list[list[int]], fill: int) -> Tensor:
    """Chains of different lengths as (H, depth)."""
    depth = max(map(len, chains), default=1)
    return torch.tensor([chain + [fill] * (depth - len(chain)) for chain in chains], dtype=torch.long)
