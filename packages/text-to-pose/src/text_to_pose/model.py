"""The network: text and a start frame to a pose sequence, refined step by step, all frames at once.

After Ham2Pose (Shalev-Arkushin et al. 2023, https://arxiv.org/abs/2211.13613), with differences: the network predicts
the clean sequence rather than a change of it; the step is a continuous number, so the user chooses how many; positions
are rotary, so length has no limit.
"""

# Annotations stay evaluated here: PyTorchModelHubMixin decodes `config` by the class that __init__ annotates it with.
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from pose_core import Skeleton
from pose_core.data.batch import PoseBatch
from pose_encoders import AdditionalSequence, PoseEncoder, TransformerEncoder, TransformerStack, build_encoder
from text_to_pose.config import TextToPoseConfig
from text_to_pose.features import HandFeatures
from text_to_pose.tokenizer import CharacterTokenizer


@dataclass(frozen=True)
class Condition:
    """What a sequence is generated from.

    Attributes:
        text: encoded text, values (B, L, C).
        summary: (B, C), the text in one vector.
        start: (B, K, D) features of the start frame, complete.
        start_seen: (B, K) bool, which keypoints of it were given rather than filled in.
    """

    text: AdditionalSequence
    summary: Tensor
    start: Tensor
    start_seen: Tensor

    def __getitem__(self, rows: Tensor) -> "Condition":
        """The condition of some sequences of the batch."""
        text = AdditionalSequence(self.text.values[rows], self.text.mask[rows])
        return Condition(text, self.summary[rows], self.start[rows], self.start_seen[rows])


@dataclass(frozen=True)
class Refinement:
    """One prediction of the clean sequence.

    Attributes:
        features: (B, T, K, D), see `HandFeatures`.
        presence: (B, T, K) logits that the keypoint is seen.
    """

    features: Tensor
    presence: Tensor


def sinusoids(x: Tensor, num_frequencies: int, highest: float) -> Tensor:
    """Numbers (...) as vectors (..., 2 * num_frequencies): sines and cosines, from pi to `highest` times pi."""
    frequencies = math.pi * torch.logspace(0, math.log2(highest), num_frequencies, base=2.0, device=x.device)
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TextEncoder(nn.Module):
    """Tokens to vectors a frame can attend to.

    Each token is added its place: attention alone takes a letter twice, as in `LL`, for the letter once.
    """

    def __init__(self, vocabulary_size: int, dim: int, num_layers: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.place_projection = nn.Linear(16, dim)
        self.stack = TransformerStack(dim, num_layers, num_heads, dropout)

    def forward(self, tokens: Tensor, mask: Tensor) -> AdditionalSequence:
        """Token ids (B, L) and mask (B, L) to vectors (B, L, C)."""
        places = sinusoids(torch.arange(tokens.shape[1], device=tokens.device) / 32, 8, highest=32.0)
        return AdditionalSequence(self.stack(self.embedding(tokens) + self.place_projection(places), mask), mask)


class StartFrame(nn.Module):
    """Fills in the keypoints a start frame lacks, from those it has and the text."""

    def __init__(self, num_keypoints: int, num_dims: int, dim: int) -> None:
        super().__init__()
        self.shape = (num_keypoints, num_dims)
        values = num_keypoints * num_dims
        self.network = nn.Sequential(
            nn.Linear(values + num_keypoints + dim, dim),
            nn.GELU(),
            nn.Linear(dim, dim),
            nn.GELU(),
            nn.Linear(dim, values),
        )

    def forward(self, features: Tensor, seen: Tensor, summary: Tensor) -> Tensor:
        """Features (B, K, D), seen (B, K), text (B, C) to a prediction of all keypoints' features (B, K, D)."""
        known = features * seen[..., None]
        filled = self.network(torch.cat([known.flatten(1), seen.to(known.dtype), summary], dim=1))
        return filled.unflatten(1, self.shape)


class LengthPredictor(nn.Module):
    """Distribution of the number of frames: normal in its logarithm."""

    def __init__(self, start_values: int, dim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(start_values + dim, dim), nn.GELU(), nn.Linear(dim, 2))

    def forward(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation of log(frames), (B,) each."""
        x = torch.cat([condition.start.flatten(1), condition.summary], dim=1)
        mean, log_std = self.network(x).unbind(dim=1)
        return mean + math.log(25.0), log_std.clamp(-3.0, 2.0)  # 5 % is as sure as it may be: less, and one clip rules


def frame_places(lengths: Tensor, T: int) -> Tensor:
    """(B, T, 16) where a frame lies in its sequence: how near to either end, and which part of the whole."""
    t = torch.arange(T, device=lengths.device, dtype=torch.float32)[None, :]
    last = (lengths.float() - 1)[:, None]
    reach = torch.tensor([2.0, 4.0, 8.0, 16.0], device=lengths.device)
    from_start = torch.exp(-t[..., None] / reach).expand(len(lengths), -1, -1)
    to_end = torch.exp(-(last - t).clamp(min=0)[..., None] / reach)
    turns = torch.tensor([0.5, 1.0, 2.0, 4.0], device=lengths.device)
    part = 2 * math.pi * (t / last.clamp(min=1)).clamp(max=1)[..., None] * turns
    return torch.cat([from_start, to_end, part.sin(), part.cos()], dim=-1)


class StepEmbedding(nn.Module):
    """How far the refinement has come, a number from 0 (the start frame repeated) to 1 (clean), as a vector."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(16, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, progress: Tensor) -> Tensor:
        """(B,) to (B, C)."""
        return self.network(sinusoids(progress, 8, highest=128.0))


class Refiner(nn.Module):
    """Predicts the clean sequence from a current one, the text, the start frame and the step."""

    def __init__(self, encoder: PoseEncoder, decoder: TransformerStack, features: HandFeatures) -> None:
        super().__init__()
        K, D = encoder.skeleton.num_keypoints, encoder.skeleton.num_dims
        dim = encoder.output_dim
        self.shape = (K, D)
        self.encoder = encoder
        self.decoder = decoder
        # A projection sees fingers better relative to their wrist; a graph or a picture is made of places.
        self.shown = (lambda current: current) if isinstance(encoder, TransformerEncoder) else features.inverse
        self.start_projection = nn.Linear(K * D + K, dim)
        self.place_projection = nn.Linear(16, dim)
        self.step_embedding = StepEmbedding(dim)
        self.head = nn.Linear(dim, K * D + K)

    def forward(self, current: Tensor, mask: Tensor, condition: Condition, progress: Tensor) -> Refinement:
        """current: (B, T, K, D) features; mask: (B, T); progress: (B,) in [0, 1]."""
        B, T = mask.shape
        K, D = self.shape
        start = torch.cat([condition.start.flatten(1), condition.start_seen.to(current.dtype)], dim=1)
        everywhere = mask[:, :, None].expand(B, T, K).to(current.dtype)  # what is being made lacks no keypoint
        pose = PoseBatch(self.shown(current), everywhere, mask, self.encoder.skeleton, torch.ones_like(progress))
        x = self.encoder(pose, condition.text)  # (B, T, C)
        x = x + self.place_projection(frame_places(mask.sum(dim=1), T).to(x.dtype))
        x = x + (self.start_projection(start) + self.step_embedding(progress) + condition.summary)[:, None]
        text = condition.text
        places = torch.arange(1, T + 1, device=x.device).expand(B, T)
        places = torch.cat([places, places.new_zeros(text.mask.shape)], dim=1)
        keys = torch.cat([mask, text.mask], dim=1)
        x = self.decoder(torch.cat([x, text.values], dim=1), keys, places)[:, :T]
        change, presence = self.head(x).split([K * D, K], dim=-1)
        return Refinement(condition.start[:, None] + change.unflatten(-1, (K, D)), presence)


class TextToPose(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="text-to-pose",
    tags=["sign-language", "text-to-pose"],
    coders={TextToPoseConfig: (lambda config: config.model_dump(mode="json"), TextToPoseConfig.model_validate)},
):
    """Text to pose sequences. `save_pretrained(folder)` and `from_pretrained(folder)` keep all of it.

    Its state holds, beside the weights, a start frame for each language: the mean first frame of the clips it was
    trained on, `start_keypoints` (languages, K, D) in shoulder widths and `start_confidence` (languages, K).
    """

    start_keypoints: Tensor
    start_confidence: Tensor

    def __init__(self, config: TextToPoseConfig) -> None:
        super().__init__()
        network = config.network
        dim = network.encoder.hidden_dim
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.tokenizer = CharacterTokenizer(config.alphabets)
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        self.features = HandFeatures(self.skeleton, network.hand_scale)
        self.text_encoder = TextEncoder(
            len(self.tokenizer), dim, network.text_layers, network.num_heads, network.dropout
        )
        self.start_frame = StartFrame(K, D, dim)
        self.length_predictor = LengthPredictor(K * D, dim)
        self.refiner = Refiner(
            build_encoder(network.encoder, self.skeleton),
            TransformerStack(dim, network.decoder_layers, network.num_heads, network.dropout),
            self.features,
        )
        self.languages = sorted(config.alphabets)
        self.register_buffer("start_keypoints", torch.zeros(len(self.languages), K, D))
        self.register_buffer("start_confidence", torch.zeros(len(self.languages), K))

    @property
    def device(self) -> torch.device:
        return self.start_keypoints.device

    def condition(
        self, tokens: Tensor, token_mask: Tensor, start_keypoints: Tensor, start_confidence: Tensor
    ) -> tuple[Condition, Tensor]:
        """Encodes text and start frame.

        Args:
            tokens, token_mask: (B, L).
            start_keypoints: (B, K, D) in shoulder widths; start_confidence: (B, K), 0 = missing.

        Returns:
            The condition, its start frame complete, and what the model would have filled in everywhere, (B, K, D).
        """
        text = self.text_encoder(tokens, token_mask)
        summary = text.values[:, 0]  # the language tag has attended to the letter
        seen = start_confidence > 0
        given = self.features(start_keypoints) * seen[..., None]
        filled = self.start_frame(given, seen, summary)
        start = torch.where(seen[..., None], given, filled)
        return Condition(text, summary, start, seen), filled

    def refine(self, condition: Condition, mask: Tensor, num_steps: int) -> Iterator[Refinement]:
        """The start frame repeated, then refined.

        Each step predicts the clean sequence and moves towards it so far that the last step arrives there.

        Args:
            mask: (B, T), True for the frames to make.
            num_steps: 1 or more.

        Yields:
            The sequence after every step, `num_steps` times.
        """
        T = mask.shape[1]
        current = condition.start[:, None].expand(-1, T, -1, -1)
        for step in range(num_steps):
            progress = torch.full((len(mask),), step / num_steps, device=mask.device)
            clean = self.refiner(current, mask, condition, progress)
            current = current + (clean.features - current) / (num_steps - step)
            yield Refinement(current, clean.presence)
