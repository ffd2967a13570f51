"""Predicts the clean sequence from a current one, the text, the start frame and the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pose_core.batch import PoseBatch
from pose_encoders import AdditionalSequence, TransformerEncoder
from pose_encoders.attention import TransformerStack
from text_to_pose.nn.cross_attention import CrossAttentionStack
from text_to_pose.nn.prediction import Prediction
from text_to_pose.nn.smooth_frames import SmoothFrames
from text_to_pose.nn.text_encoder import sinusoids
from text_to_pose.nn.turned_hands import TurnedHands

if TYPE_CHECKING:
    from pose_encoders import PoseEncoder
    from text_to_pose.config import NetworkConfig
    from text_to_pose.nn.features import HandFeatures

POSITION_DIM = 16  # of `frame_positions`


@dataclass(frozen=True)
class Condition:
    """Condition of a sequence: text and start frame, encoded.

    Attributes:
        text: encoded text, values (B, L, C).
        summary: (B, C), the text in one vector.
        start: (B, K, D) features of the start frame, complete.
        start_visible: (B, K) bool, which keypoints of it were given rather than predicted.
    """

    text: AdditionalSequence
    summary: Tensor
    start: Tensor
    start_visible: Tensor

    def __getitem__(self, rows: Tensor) -> Condition:
        """The condition of some sequences of the batch."""
        text = AdditionalSequence(self.text.values[rows], self.text.mask[rows])
        return Condition(text, self.summary[rows], self.start[rows], self.start_visible[rows])

    def concatenate(self, other: Condition) -> Condition:
        """Both as one batch, texts of equal length L."""
        text = AdditionalSequence(
            torch.cat([self.text.values, other.text.values]), torch.cat([self.text.mask, other.text.mask])
        )
        return Condition(
            text,
            torch.cat([self.summary, other.summary]),
            torch.cat([self.start, other.start]),
            torch.cat([self.start_visible, other.start_visible]),
        )


def frame_positions(lengths: Tensor, T: int) -> Tensor:
    """(B, T, 16) where a frame lies in its sequence of `lengths` (B,): distance to either end, and relative position.

    Distances are exponentials of four time constants, relative positions sines and cosines of four frequencies.
    """
    t = torch.arange(T, device=lengths.device, dtype=torch.float32)[None, :]
    last = (lengths.float() - 1)[:, None]
    time_constants = torch.tensor([2.0, 4.0, 8.0, 16.0], device=lengths.device)  # frames
    from_start = torch.exp(-t[..., None] / time_constants).expand(lengths.shape[0], -1, -1)
    to_end = torch.exp(-(last - t).clamp(min=0)[..., None] / time_constants)
    turns = torch.tensor([0.5, 1.0, 2.0, 4.0], device=lengths.device)
    phase = 2 * math.pi * (t / last.clamp(min=1)).clamp(max=1)[..., None] * turns
    return torch.cat([from_start, to_end, phase.sin(), phase.cos()], dim=-1)


class StepEmbedding(nn.Module):
    """The sampler's step as a vector: its level, and whether there is noise.

    The level is progress in refinement and alpha-bar in diffusion, see `text_to_pose.schedules.levels`.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(17, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, level: Tensor, noisy: Tensor) -> Tensor:
        """Level (B,) in [0, 1] and noisy (B,), 0 or 1, to (B, C)."""
        return self.network(torch.cat([sinusoids(level, 8, highest=128.0), noisy[:, None].float()], dim=1))


class Denoiser(nn.Module):
    """Transformer over groups of frames and the text, modulated by start frame and step (adaptive layer norm)."""

    moved: Tensor

    def __init__(self, encoder: PoseEncoder, network: NetworkConfig, features: HandFeatures) -> None:
        super().__init__()
        K, D = encoder.skeleton.num_keypoints, encoder.skeleton.num_dims
        dim, group = encoder.output_dim, network.frames_per_token
        self.shape = (K, D)
        self.group = group
        self.prediction = network.prediction
        self.encoder = encoder
        # The transformer's linear projection reads fingers better as features: relative to their wrist and enlarged.
        # Graphs, pictures and users' own encoders are made of coordinates in one frame of reference.
        self.features = None if isinstance(encoder, TransformerEncoder) else features
        self.group_projection = nn.Linear(group * dim, dim)
        self.place_projection = nn.Linear(group * POSITION_DIM, dim)
        std = (group * POSITION_DIM / 2) ** -0.5  # the projection is then as large as the rest of a token
        nn.init.normal_(self.place_projection.weight, std=std)
        self.start_projection = nn.Linear(K * D + K, dim)
        self.step_embedding = StepEmbedding(dim)
        self.text_attention = network.text_attention
        stack = CrossAttentionStack if network.text_attention == "cross" else TransformerStack
        self.stack = stack(dim, network.decoder_layers, network.num_heads, network.dropout)
        self.modulation = nn.Linear(dim, network.decoder_layers * 2 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        spacing = network.frames_per_point or 1
        self.points = group // spacing  # that are predicted for a token
        self.smooth = SmoothFrames(spacing) if network.frames_per_point else None
        self.hands = TurnedHands(features, dim, self.points) if network.hands == "turned" and features.hands else None
        # Points that the head moves: all but those of turned hands.
        moved = range(K) if self.hands is None else features.is_root.nonzero().flatten().tolist()
        self.register_buffer("moved", torch.tensor(moved), persistent=False)
        self.head = nn.Linear(dim, self.points * (len(self.moved) * D + K))
        if self.hands is not None:  # untrained, it predicts that the body stays as it is
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, current: Tensor, mask: Tensor, condition: Condition, level: Tensor, noisy: Tensor) -> Prediction:
        """The clean sequence.

        Args:
            current: (B, T, K, D) features.
            mask: (B, T), True where a frame is real.
            condition: of B sequences.
            level, noisy: (B,), see `StepEmbedding`.
        """
        T = mask.shape[1]
        K, D = self.shape
        start = torch.cat([condition.start.flatten(1), condition.start_visible.to(current.dtype)], dim=1)
        whole = self.start_projection(start) + self.step_embedding(level, noisy) + condition.summary  # (B, C)
        tokens = self._tokens(current, mask) + whole[:, None]  # (B, T / group, C)
        modulation = self.modulation(F.silu(whole)).unflatten(1, (-1, 2, whole.shape[1]))  # (B, layers, 2, C)
        decoded = self._decode(tokens, mask, condition.text, modulation)
        frames = self.head(decoded).unflatten(2, (self.points, -1)).flatten(1, 2)
        if self.smooth is not None:
            frames = self.smooth(frames)
        frames = frames[:, :T]  # (B, T, K' * D + K)
        change, presence = frames.split([len(self.moved) * D, K], dim=-1)
        origin = condition.start[:, None] if self.prediction == "clean" else current
        change = change.unflatten(-1, (-1, D))
        if self.hands is None:
            return Prediction(origin + change, presence)
        points = torch.cat([origin[:, :, self.moved] + change, self.hands(decoded, self.smooth)[:, :T]], dim=2)
        order = torch.cat([self.moved, self.hands.points]).argsort()
        return Prediction(points[:, :, order], presence)

    def _tokens(self, current: Tensor, mask: Tensor) -> Tensor:
        """A token for each group of frames, (B, T / group, C), with its position."""
        B, T = mask.shape
        # A sequence being generated lacks no keypoint.
        visible = mask[:, :, None].expand(B, T, self.shape[0]).to(current.dtype)
        keypoints = current if self.features is None else self.features.inverse(current)
        # A batch has frames per second; encoders do not read them: all poses of a model have the same.
        fps = torch.ones_like(mask[:, 0], dtype=torch.float32)
        poses = PoseBatch(keypoints, visible, mask, self.encoder.skeleton, fps)
        x = self.group_projection(self._grouped(self.encoder(poses)))
        positions = frame_positions(mask.sum(dim=1), T).to(x.dtype) * mask[..., None]
        return x + self.place_projection(self._grouped(positions))

    def _decode(self, tokens: Tensor, mask: Tensor, text: AdditionalSequence, modulation: Tensor) -> Tensor:
        """Tokens (B, T / group, C) after attention over themselves and the text, whose rotary position is 0."""
        B, groups, _ = tokens.shape
        if self.text_attention == "cross":
            return self.stack(tokens, self._grouped(mask[..., None]).any(dim=-1), text, modulation)
        positions = torch.arange(1, groups + 1, device=tokens.device).expand(B, groups)
        positions = torch.cat([positions, positions.new_zeros(text.mask.shape)], dim=1)
        keys = torch.cat([self._grouped(mask[..., None]).any(dim=-1), text.mask], dim=1)
        return self.stack(torch.cat([tokens, text.values], dim=1), keys, positions, modulation)[:, :groups]

    def _grouped(self, frames: Tensor) -> Tensor:
        """Frames (B, T, X) as groups (B, T / group, group * X), the last one padded with zeros."""
        frames = F.pad(frames, (0, 0, 0, -frames.shape[1] % self.group))
        return frames.unflatten(1, (-1, self.group)).flatten(2)
