"""The network: text and a start frame to a pose sequence, step by step, all frames at once.

After Ham2Pose (Shalev-Arkushin et al. 2023, https://arxiv.org/abs/2211.13613), with differences: the network predicts
the clean sequence; the step is a continuous number, so the user chooses how many; positions are rotary, so length has
no limit; the transformer runs over groups of frames.
"""

# Annotations stay evaluated here: PyTorchModelHubMixin decodes `config` by the class that __init__ annotates it with.
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pose_core import Skeleton
from pose_core.atomic_files import apply_umask
from pose_core.batch import PoseBatch
from pose_core.pretrained import WEIGHTS
from pose_encoders import AdditionalSequence, PoseEncoder, TransformerEncoder
from pose_encoders.attention import TransformerStack
from pose_encoders.model import build_encoder
from text_to_pose.config import NetworkConfig, Schedule, TextToPoseConfig
from text_to_pose.nn.features import HandFeatures
from text_to_pose.nn.text_encoder import Lexicon, TextEncoder, sinusoids
from text_to_pose.sampling import Noise, levels, noised, step_sizes
from text_to_pose.text.tokenizer import NOTHING, TextBatch, TextTokenizer, Tokens


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
class Prediction:
    """A sequence as the network predicts it, or as a sampler has made it so far.

    Attributes:
        features: (B, T, K, D), see `HandFeatures`.
        presence: (B, T, K) logits that the keypoint is seen.
    """

    features: Tensor
    presence: Tensor


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
        self.last = nn.Linear(dim, 2)
        self.network = nn.Sequential(nn.Linear(start_values + dim, dim), nn.GELU(), self.last)

    def begin_with(self, lengths: Tensor) -> None:
        """Lets an untrained predictor say about the mean of some lengths (N,) in frames."""
        with torch.no_grad():
            self.last.bias[0] = lengths.float().log().mean()

    def forward(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the standard deviation of log(frames), (B,) each."""
        mean, log_std = self.network(torch.cat([condition.start.flatten(1), condition.summary], dim=1)).unbind(dim=1)
        return mean.float(), log_std.float().clamp(-3, 2)


def frame_places(lengths: Tensor, T: int) -> Tensor:
    """(B, T, 16) where a frame lies in its sequence: how near to either end, and which part of the whole."""
    t = torch.arange(T, device=lengths.device, dtype=torch.float32)[None, :]
    last = (lengths.float() - 1)[:, None]
    reach = torch.tensor([2.0, 4.0, 8.0, 16.0], device=lengths.device)
    from_start = torch.exp(-t[..., None] / reach).expand(lengths.shape[0], -1, -1)
    to_end = torch.exp(-(last - t).clamp(min=0)[..., None] / reach)
    turns = torch.tensor([0.5, 1.0, 2.0, 4.0], device=lengths.device)
    part = 2 * math.pi * (t / last.clamp(min=1)).clamp(max=1)[..., None] * turns
    return torch.cat([from_start, to_end, part.sin(), part.cos()], dim=-1)


class StepEmbedding(nn.Module):
    """Where a sequence stands, as a vector: how far it has come, 0 (start) to 1 (clean), and if noise lies on it."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(17, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, level: Tensor, noisy: Tensor) -> Tensor:
        """Level (B,) in [0, 1] and noisy (B,), 0 or 1, to (B, C)."""
        return self.network(torch.cat([sinusoids(level, 8, highest=128.0), noisy[:, None].float()], dim=1))


class Denoiser(nn.Module):
    """Predicts the clean sequence from a current one, the text, the start frame and the step."""

    def __init__(self, encoder: PoseEncoder, network: NetworkConfig, features: HandFeatures) -> None:
        super().__init__()
        K, D = encoder.skeleton.num_keypoints, encoder.skeleton.num_dims
        dim, group = encoder.output_dim, network.frames_per_token
        self.shape = (K, D)
        self.group = group
        self.prediction = network.prediction
        self.encoder = encoder
        # A projection sees fingers better relative to their wrist; a graph or a picture is made of places.
        self.places = None if isinstance(encoder, TransformerEncoder) else features
        self.group_projection = nn.Linear(group * dim, dim)
        self.place_projection = nn.Linear(group * 16, dim)
        nn.init.normal_(self.place_projection.weight, std=(group * 16 / 2) ** -0.5)  # as large as the rest of a token
        self.start_projection = nn.Linear(K * D + K, dim)
        self.step_embedding = StepEmbedding(dim)
        self.stack = TransformerStack(dim, network.decoder_layers, network.num_heads, network.dropout)
        self.modulation = nn.Linear(dim, network.decoder_layers * 2 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.head = nn.Linear(dim, group * (K * D + K))

    def forward(self, current: Tensor, mask: Tensor, condition: Condition, level: Tensor, noisy: Tensor) -> Prediction:
        """current: (B, T, K, D) features; mask: (B, T); level, noisy: (B,), see `StepEmbedding`."""
        B, T = mask.shape
        K, D = self.shape
        everywhere = mask[:, :, None].expand(B, T, K).to(current.dtype)  # what is being made lacks no keypoint
        shown = current if self.places is None else self.places.inverse(current)
        pose = PoseBatch(shown, everywhere, mask, self.encoder.skeleton, torch.ones_like(level))
        x = self.group_projection(self._grouped(self.encoder(pose)))  # (B, T / group, C)
        x = x + self.place_projection(self._grouped(frame_places(mask.sum(dim=1), T).to(x.dtype) * mask[..., None]))
        start = torch.cat([condition.start.flatten(1), condition.start_seen.to(current.dtype)], dim=1)
        whole = self.start_projection(start) + self.step_embedding(level, noisy) + condition.summary  # (B, C)
        x = x + whole[:, None]
        modulation = self.modulation(F.silu(whole)).unflatten(1, (-1, 2, whole.shape[1]))  # (B, layers, 2, C)
        groups, text = x.shape[1], condition.text
        places = torch.arange(1, groups + 1, device=x.device).expand(B, groups)
        places = torch.cat([places, places.new_zeros(text.mask.shape)], dim=1)
        keys = torch.cat([self._grouped(mask[..., None]).any(dim=-1), text.mask], dim=1)
        x = self.stack(torch.cat([x, text.values], dim=1), keys, places, modulation)[:, :groups]
        change, presence = self.head(x).reshape(B, groups * self.group, -1)[:, :T].split([K * D, K], dim=-1)
        origin = condition.start[:, None] if self.prediction == "clean" else current
        return Prediction(origin + change.unflatten(-1, (K, D)), presence)

    def _grouped(self, frames: Tensor) -> Tensor:
        """Frames (B, T, X) as groups (B, T / group, group * X), the last one filled up with zeros."""
        frames = F.pad(frames, (0, 0, 0, -frames.shape[1] % self.group))
        return frames.unflatten(1, (-1, self.group)).flatten(2)


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
        self.tokenizer = TextTokenizer(config.text)
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        self.features = HandFeatures(self.skeleton, network.hand_scale)
        lexicon = None
        if config.text.kind == "letters" and self.tokenizer.letters:  # there are none in pretraining
            lexicon = Lexicon(len(self.tokenizer.languages), len(self.tokenizer.letters), dim)
        self.text_encoder = TextEncoder(
            len(self.tokenizer), lexicon, dim, network.text_layers, network.num_heads, network.dropout
        )
        self.start_frame = StartFrame(K, D, dim)
        self.length_predictor = LengthPredictor(K * D, dim)
        self.denoiser = Denoiser(build_encoder(network.encoder, self.skeleton), network, self.features)
        self.languages = self.tokenizer.languages
        self.register_buffer("start_keypoints", torch.zeros(len(self.languages), K, D))
        self.register_buffer("start_confidence", torch.zeros(len(self.languages), K))

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        apply_umask(save_directory / WEIGHTS)

    @property
    def device(self) -> torch.device:
        return self.start_keypoints.device

    def condition(self, text: TextBatch, start_keypoints: Tensor, start_confidence: Tensor) -> tuple[Condition, Tensor]:
        """Encodes text and start frame.

        Args:
            text: B texts.
            start_keypoints: (B, K, D) in shoulder widths; start_confidence: (B, K), 0 = missing.

        Returns:
            The condition, its start frame complete, and what the model would have filled in everywhere, (B, K, D).
        """
        encoded = self.text_encoder(text)
        summary = encoded.values[:, 0]  # the language tag has attended to the rest
        seen = start_confidence > 0
        given = self.features(start_keypoints) * seen[..., None]
        filled = self.start_frame(given, seen, summary)
        start = torch.where(seen[..., None], given, filled)
        return Condition(encoded, summary, start, seen), filled

    def without_text(self, condition: Condition) -> Condition:
        """The same start frames, and no text."""
        nothing = self.text_encoder(TextBatch.of([Tokens([NOTHING])]).to(self.device))
        B, L = condition.text.mask.shape
        values = F.pad(nothing.values.expand(B, -1, -1), (0, 0, 0, L - 1))
        mask = F.pad(nothing.mask.expand(B, -1), (0, L - 1))
        return replace(condition, text=AdditionalSequence(values, mask), summary=values[:, 0])

    def guided(self, condition: Condition, guidance: float) -> tuple[Condition, float]:
        """What `predict` takes: with guidance, the text's conditions and behind them the same without text."""
        if guidance == 1:
            return condition, guidance
        bare = self.without_text(condition)
        text = AdditionalSequence(
            torch.cat([condition.text.values, bare.text.values]), torch.cat([condition.text.mask, bare.text.mask])
        )
        start, seen = torch.cat([condition.start] * 2), torch.cat([condition.start_seen] * 2)
        return Condition(text, torch.cat([condition.summary, bare.summary]), start, seen), guidance

    def predict(
        self, current: Tensor, mask: Tensor, guided: tuple[Condition, float], level: Tensor, *, noisy: bool
    ) -> Prediction:
        """The clean sequence, guided by classifier-free guidance (https://arxiv.org/abs/2207.12598) in one batch.

        Args:
            current: (B, T, K, D) features; mask: (B, T).
            guided: of `guided`.
            level: () how far the sequences have come; noisy: whether diffusion's noise lies on them.
        """
        condition, guidance = guided
        both = len(condition.start) // len(mask)
        level = level.expand(both * len(mask))
        made = self.denoiser(
            current.repeat(both, 1, 1, 1), mask.repeat(both, 1), condition, level, torch.full_like(level, noisy)
        )
        if both == 1:
            return made
        with_text, without = made.features.chunk(2)
        presence, bare_presence = made.presence.chunk(2)
        return Prediction(
            without + guidance * (with_text - without), bare_presence + guidance * (presence - bare_presence)
        )

    def refine(
        self,
        condition: Condition,
        mask: Tensor,
        num_steps: int,
        *,
        schedule: Schedule = "linear",
        guidance: float = 1.0,
    ) -> Iterator[Prediction]:
        """The start frame repeated, then refined: `sequence += step_size * predicted_change`.

        The change is that to the clean sequence as predicted from the current one; the last step goes all the way.

        Args:
            mask: (B, T), True for the frames to make.
            num_steps: 1 or more.
            schedule: which share of the way is gone in which step.
            guidance: 1 is the text's prediction; above 1 it is taken farther from the one without text.

        Yields:
            The sequence after every step, `num_steps` times.
        """
        guided = self.guided(condition, guidance)
        level = levels(schedule, num_steps, mask.device)
        sizes = step_sizes(level)
        current = condition.start[:, None].expand(-1, mask.shape[1], -1, -1)
        for step in range(num_steps):
            clean = self.predict(current, mask, guided, level[step], noisy=False)
            current = current + sizes[step] * (clean.features - current)
            yield Prediction(current, clean.presence)

    def diffuse(
        self,
        condition: Condition,
        mask: Tensor,
        num_steps: int,
        *,
        schedule: Schedule = "linear",
        guidance: float = 1.0,
        seed: int = 0,
    ) -> Iterator[Prediction]:
        """Diffusion: noise around the start frame, then the clean sequence predicted and noised again, less each time.

        Args:
            mask, num_steps, guidance: as in `refine`.
            schedule: which share of the variance is signal before which step.
            seed: of the noise; each sequence's is the same whatever it is batched with, and on any device.

        Yields:
            The clean sequence as predicted in every step, `num_steps` times.
        """
        guided = self.guided(condition, guidance)
        level = levels(schedule, num_steps, mask.device)
        clean = condition.start[:, None].expand(-1, mask.shape[1], -1, -1)
        noises = Noise(mask, clean.shape[2:], seed)
        for step in range(num_steps):
            noise = noises.draw().to(clean)
            current = noised(condition.start, clean, level[step].expand(len(mask)), noise)
            made = self.predict(current, mask, guided, level[step], noisy=True)
            clean = made.features
            yield made
