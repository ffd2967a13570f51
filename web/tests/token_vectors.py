"""A tiny untrained tokenizer, and clips as Python encodes and decodes them with it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from vector_files import encoded, encoded_bytes, pose_file

from pose_core import read
from pose_core.testing import fake_sequence, fake_skeleton
from pose_tokenizer.backends import load_network
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.export.in_place import export_in_place
from pose_tokenizer.files.token_file import file_content
from pose_tokenizer.model import PoseTokenizer
from text_to_pose.web.tokenizer_files import write_tokenizer

if TYPE_CHECKING:
    from collections.abc import Generator

    from pose_core import PoseSequence
    from pose_tokenizer.network import Network

NAME = "tiny"
CONFIG = {
    "latent_dim": 12,
    "hidden_dim": 6,
    "num_layers": 2,
    "num_quantizers": 5,
    "codebook_size": 48,
    "lmbda": 3.0,
}


@contextmanager
def write_tiny_tokenizer(folder: Path) -> Generator[Network]:
    """Writes the tokenizer as the page loads it; the same for Python."""
    folder.mkdir()
    with TemporaryDirectory() as temporary:
        model = Path(temporary) / NAME
        tiny_tokenizer().save_pretrained(model)
        export_in_place(model)
        write_tokenizer(folder, str(model))
        yield load_network(model, backend="onnx")


def tiny_tokenizer() -> PoseTokenizer:
    """Untrained; no weight is 0, and all are as they are stored: in halves."""
    torch.manual_seed(0)
    model = PoseTokenizer(TokenizerConfig(skeleton=fake_skeleton().with_dims(2).to_dict(), **CONFIG)).eval()
    scales = 2 * 0.7 ** torch.arange(CONFIG["num_quantizers"])  # each codebook corrects the one before
    with torch.no_grad():
        for tensor in [*model.encoder.parameters(), *model.decoder.parameters()]:
            tensor.normal_(std=0.1)
        model.features.mean.normal_(std=0.3)
        model.basis.normal_(std=0.1)
        model.depth.weight.normal_()
        model.quantizer.codebooks.normal_().mul_(scales[:, None, None])
        model.quantizer.transition.weight.copy_(0.6 * torch.eye(CONFIG["latent_dim"]))
        model.quantizer.start.normal_()
        for tensor in model.state_dict().values():
            tensor.copy_(tensor.half().float())
    return model


def encoded_clips(tokenizer: Network) -> list[dict[str, Any]]:
    """Clips of which no two frames are alike: of one window and two, in several rates and pictures."""
    late = moving(14, seed=2, hands=("left",))
    late.confidence[:3, :2] = 0  # shoulders
    clips = {
        "a clip": moving(21),
        "two windows of an NTSC video": replace(moving(75, seed=1, hands=("left", "right")), fps=29.97002997),
        "a clip whose shoulders are seen late": replace(late, fps=23.7, size=(640, 480, 640)),
        "a clip with a face, far off in a large picture": far(moving(9, seed=3, face_points=6)),
    }
    return [case(tokenizer, name, clip) for name, clip in clips.items()]


def moving(frames: int, *, seed: int = 0, hands: tuple[Any, ...] = ("right",), face_points: int = 0) -> PoseSequence:
    """A clip with noise, of which some keypoints are missing."""
    clip = fake_sequence(frames=frames, shape=seed, hands=hands, face_points=face_points)
    random = np.random.default_rng(seed)
    confidence = clip.confidence * (random.random(clip.confidence.shape) > 0.1)
    confidence[:, :2] = clip.confidence[:, :2]
    keypoints = clip.keypoints + random.normal(scale=4.0, size=clip.keypoints.shape)
    keypoints *= confidence[..., None] > 0
    return replace(clip, keypoints=keypoints.astype(np.float32), confidence=confidence.astype(np.float32))


def far(clip: PoseSequence) -> PoseSequence:
    keypoints = (clip.keypoints * 0.2 + 3000) * (clip.confidence[..., None] > 0)
    return replace(clip, keypoints=keypoints.astype(np.float32), size=(4000, 3500, 0))


def case(tokenizer: Network, name: str, clip: PoseSequence) -> dict[str, Any]:
    file = pose_file(clip)
    with TemporaryDirectory() as folder:  # in single precision, as the page has it
        path = Path(folder) / "clip.pose"
        path.write_bytes(file)
        clip = read(path)
    tokens = encode(tokenizer, clip)
    decoded = decode(tokenizer, tokens)
    return {
        "name": name,
        "pose": encoded_bytes(file),
        "tokens": encoded_bytes(file_content(tokens)),
        "bits": tokens.bits,
        "counts": (tokens.codes >= 0).sum(axis=1).tolist(),
        "fps": decoded.fps,
        "keypoints": encoded(decoded.keypoints),
        "confidence": encoded(decoded.confidence),
    }
