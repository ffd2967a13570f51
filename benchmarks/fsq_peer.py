"""A transformer autoencoder with finite scalar quantization, which `rates.py` compares with the tokenizer.

Of the kind of sign-vq (https://github.com/sign-language-processing/sign-vq), written anew: every frame becomes one
vector, a transformer encoder over all frames, four codebooks of 1024 codes each on a grid (Mentzer et al. 2023,
https://arxiv.org/abs/2309.15505), a transformer decoder over all frames at once, and one pose per frame. Forty bits
per frame, always.

It departs from the publication to learn in minutes from few clips, and to be comparable:

- three layers of width 128 each way, not six of 512, no dropout, and norms before the blocks, not behind;
- it has the tokenizer's clips, augmentation and features (missing keypoints repeated, hands weighted), minimizes the
  squared error of visible keypoints with the tokenizer's weights, and predicts which are visible, too;
- AdamW with a warm-up and a cosine, and averaged weights, as the tokenizer is trained;
- positions are added small: as large as the poses themselves they hide them;
- positions begin anywhere while it is trained on at most so many frames, since clips to be coded may be longer.
"""

import math
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from vector_quantize_pytorch import FSQ

from pose_core import PoseSequence, Skeleton
from pose_core.data import LengthBucketSampler
from pose_core.transforms.temporal import hold
from pose_tokenizer.config import RunConfig
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, TrainingBatch, collate
from pose_tokenizer.initialization import mean_pose
from pose_tokenizer.nn.features import PoseFeatures

LEVELS = [4, 4, 4, 4, 4]  # 1024 codes
CODEBOOKS = 4
BITS = CODEBOOKS * sum(math.log2(levels) for levels in LEVELS)  # a frame
FARTHEST_POSITION = 1024
TOKENIZER = RunConfig()


@dataclass(frozen=True)
class PeerSettings:
    """How large the peer is and how it is trained.

    Attributes:
        position: how large positions are.
        hand_weight, body_weight, presence_weight: see `RunConfig`.
        sequence_length: most frames of a clip that a step sees.
        warmup: share of the time in which the learning rate rises.
    """

    dim: int = 128
    num_heads: int = 4
    num_layers: int = 3
    feed_forward: int = 512
    dropout: float = 0.0
    position: float = 0.1
    hand_weight: float = TOKENIZER.hand_weight
    body_weight: float = TOKENIZER.body_weight
    presence_weight: float = TOKENIZER.presence_weight
    sequence_length: int = 96
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.05
    ema_decay: float = 0.99


class FSQPeer(nn.Module):
    """Frames (B, T, K, 2) in shoulder widths to codes (B, T, 4) and back."""

    positions: Tensor

    def __init__(self, skeleton: Skeleton, settings: PeerSettings) -> None:
        super().__init__()
        dim = settings.dim
        self.features = PoseFeatures(skeleton, settings.hand_weight, settings.body_weight)
        self.inputs = nn.Linear(self.features.size, dim)
        self.encoder = transformer(settings)
        self.quantizer = FSQ(LEVELS, dim=dim, num_codebooks=CODEBOOKS)
        self.decoder = transformer(settings)
        self.outputs = nn.Linear(dim, self.features.size)
        self.register_buffer("positions", settings.position * sinusoids(FARTHEST_POSITION, dim), persistent=False)

    def forward(self, batch: TrainingBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Keypoints (B, T, K, 2), logits (B, T, K) of visibility, codes (B, T, 4)."""
        B, T = batch.frame_mask.shape
        before = self.features.mean.expand(B, -1, -1)
        shown = self.features(hold(batch.keypoints, batch.visible, before), batch.visible)
        latest = FARTHEST_POSITION - T if self.training else 0
        begins = torch.randint(latest + 1, (B, 1), device=shown.device)
        positions = self.positions[begins + torch.arange(T, device=shown.device)]  # (B, T, C)
        x = self.encoder(self.inputs(shown) + positions, src_key_padding_mask=~batch.frame_mask)
        quantized, codes = self.quantizer(x)
        x = self.decoder(quantized + positions, src_key_padding_mask=~batch.frame_mask)
        return *self.features.inverse(self.outputs(x)), codes


def transformer(settings: PeerSettings) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        settings.dim,
        settings.num_heads,
        settings.feed_forward,
        settings.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    norm = nn.LayerNorm(settings.dim)
    return nn.TransformerEncoder(layer, settings.num_layers, norm, enable_nested_tensor=False)


def sinusoids(length: int, dim: int) -> Tensor:
    """(length, dim), as Vaswani et al. 2017 number positions."""
    angles = torch.arange(length)[:, None] * torch.exp(torch.arange(0, dim, 2) * (-math.log(10_000) / dim))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def loss(peer: FSQPeer, batch: TrainingBatch, presence_weight: float) -> Tensor:
    """Loss of a reconstructed batch: squared error, and cross-entropy of visibility."""
    keypoints, logits, _ = peer(batch)
    weights = (batch.visible & batch.frame_mask[..., None]) * peer.features.weights.square()  # (B, T, K)
    error = ((keypoints - batch.keypoints).square().sum(dim=-1) * weights).sum() / weights.sum()
    visible = batch.visible[batch.frame_mask].to(logits.dtype)
    return error + presence_weight * F.binary_cross_entropy_with_logits(logits[batch.frame_mask], visible)


def train_peer(
    sequences: list[PoseSequence], seconds: float, settings: PeerSettings, seed: int
) -> tuple[FSQPeer, dict[str, float]]:
    """Trains on prepared clips for so many seconds of this process: the peer, and how that went."""
    torch.manual_seed(seed)
    skeleton = sequences[0].skeleton
    peer = FSQPeer(skeleton, settings)
    peer.features.mean.copy_(mean_pose(sequences))
    clips = ClipDataset(sequences, sequence_length=settings.sequence_length, augmentation=Augmentation())
    lengths = [min(len(sequence), settings.sequence_length) for sequence in sequences]
    sampler = LengthBucketSampler(lengths, settings.batch_size)
    loader = DataLoader(clips, batch_sampler=sampler, collate_fn=partial(collate, block_frames=1))
    optimizer = torch.optim.AdamW(peer.parameters(), weight_decay=settings.weight_decay)
    averaged = AveragedModel(peer, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay))
    peer.train()
    started, wall_started, reported = time.process_time(), time.perf_counter(), 0.0
    passed, updates = 0.0, 0
    while passed < seconds:
        for batch in loader:
            rise, fall = passed / seconds / settings.warmup, 0.5 * (1 + math.cos(math.pi * passed / seconds))
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * min(1.0, rise) * fall + 1e-6
            value = loss(peer, batch, settings.presence_weight)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(peer.parameters(), 1.0)
            optimizer.step()
            averaged.update_parameters(peer)
            updates += 1
            passed = time.process_time() - started
            if passed >= seconds:
                break
            if passed - reported >= 60:
                reported = passed
                print(f"peer: {passed:.0f} s, {updates} updates, loss {value.item():.4f}", file=sys.stderr)
    peer.load_state_dict(averaged.module.state_dict())
    return peer.eval(), {
        **asdict(settings),
        "parameters": sum(p.numel() for p in peer.parameters()),
        "seconds": passed,
        "wall_seconds": time.perf_counter() - wall_started,
        "updates": updates,
        "epochs": updates / len(loader),
    }
