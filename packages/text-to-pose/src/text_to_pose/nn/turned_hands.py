"""Hands as their shape and how it is turned, so that what is known of each holds for all of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.hands.hand_model import ANGLES, forward, mirrored

if TYPE_CHECKING:
    from text_to_pose.nn.features import HandFeatures
    from text_to_pose.nn.smooth_frames import SmoothFrames

_TURN = 6  # numbers of a rotation
_FINGERS = 20  # points of a hand but its wrist


class TurnedHands(nn.Module):
    """Vectors to the fingers of all hands: a rotation of each hand times its shape.

    A handshape and an orientation make a hand by multiplication, which a linear layer can only learn by heart for each
    pair of them. A rotation is given by its first two columns, not yet of length 1 or square to each other (Zhou et
    al. 2019, https://arxiv.org/abs/1812.07035). An untrained one predicts open hands, fingers up, palms to the camera.

    Args:
        features: of the skeleton.
        dim: of the vectors.
        group: frames of a vector, or points of a smooth curve.
    """

    points: Tensor

    def __init__(self, features: HandFeatures, dim: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.hands = features.hands
        self.dims = features.scales.shape[1]
        self.linear = nn.Linear(dim, group * len(self.hands) * (_TURN + 3 * _FINGERS))
        fingers = [k for hand in self.hands.values() for k in hand]
        self.register_buffer("points", torch.tensor(fingers, dtype=torch.long), persistent=False)
        with torch.no_grad():
            bias = self.linear.bias.view(group, len(self.hands), -1)
            bias[..., :_TURN] = torch.tensor([1.0, 0, 0, 0, -1, 0])  # y is down in pictures
            for i, (side, hand) in enumerate(self.hands.items()):
                shape = forward(np.zeros(len(ANGLES))).points[1:] / MEAN_BODY.shoulder_width
                scale = float(features.scales[hand[0], 0])
                bias[:, i, _TURN:] = torch.from_numpy((mirrored(shape) if side == "left" else shape) * scale).flatten()

    def forward(self, x: Tensor, smooth: SmoothFrames | None = None) -> Tensor:
        """Vectors (B, S, C) to features of `points`, (B, S * group, fingers, D), or more frames on a smooth curve."""
        values = self.linear(x).float().unflatten(-1, (self.group, -1)).flatten(1, 2)  # (B, T, H * 66)
        values = (values if smooth is None else smooth(values)).unflatten(-1, (len(self.hands), -1))
        rotation = rotations(values[..., :_TURN])
        shape = values[..., _TURN:].unflatten(-1, (_FINGERS, 3))
        turned = shape @ rotation.transpose(-1, -2)  # (B, T, H, 20, 3)
        return turned[..., : self.dims].flatten(2, 3)


def rotations(values: Tensor) -> Tensor:
    """Six numbers (..., 6) to a rotation (..., 3, 3)."""
    first, second = values.split(3, dim=-1)
    x = F.normalize(first, dim=-1)
    y = F.normalize(second - (x * second).sum(dim=-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)
