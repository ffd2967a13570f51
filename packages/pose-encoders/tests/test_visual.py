"""Pictures: streamed as they are seen whole, and missing ones told from empty ones."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from pose_core import UserError
from pose_core.data import collate
from pose_core.testing import fake_sequence
from pose_core.transforms import normalize
from pose_encoders import visual
from pose_encoders.config import VisualEncoderConfig
from pose_encoders.visual import VisualEncoder

SMALL = {"hidden_dim": 16, "num_layers": 1, "num_heads": 2, "size": 16, "channels": (4, 8), "picture_dim": 16}
VARIANTS = [
    {"combine": combine, "shared_weights": shared, "temporal_kernel": kernel}
    for combine in ("concatenation", "convolution")
    for shared in (True, False)
    for kernel in (1, 3)
]


@pytest.fixture(scope="module")
def clip():
    return normalize(fake_sequence(frames=40, hands=("left", "right"), face_points=12))[0]


def pieces(batch, sizes):
    first = 0
    for size in sizes:
        frames = slice(first, first + size)
        parts = {name: getattr(batch, name)[:, frames] for name in ("keypoints", "confidence", "mask")}
        yield replace(batch, **parts)
        first += size


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_streamed_embeddings_equal_those_of_the_whole(clip, variant):
    torch.manual_seed(0)
    encoder = VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL, **variant)).eval()
    batch = collate([clip, clip[5:30]])
    whole = encoder.embed(batch)
    assert whole.shape == (2, 40, 16)
    for sizes in ([40], [1] * 40, [7, 13, 20], [2, 38], [39, 1]):
        streamed = torch.cat(list(encoder.embed_stream(pieces(batch, sizes))), dim=1)
        torch.testing.assert_close(streamed, whole, atol=1e-4, rtol=1e-4)


def test_a_long_sequence_goes_through_in_chunks(clip, monkeypatch):
    encoder = VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL)).eval()
    batch = collate([clip])
    whole = encoder(batch)
    calls = []
    real = encoder.embed_pictures
    monkeypatch.setattr(visual, "CHUNK", 9)
    monkeypatch.setattr(encoder, "embed_pictures", lambda *args: calls.append(args[0].shape[1]) or real(*args))
    with torch.inference_mode():
        torch.testing.assert_close(encoder(batch), whole, atol=1e-4, rtol=1e-4)
    assert len(calls) == 5
    assert max(calls) <= 9 + 2 * encoder.radius


def test_every_part_is_drawn(clip):
    encoder = VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL))
    assert encoder.parts == ["body", "face", "left_hand", "right_hand"]
    without = VisualEncoder(fake_sequence().skeleton, VisualEncoderConfig(**SMALL))
    assert without.parts == ["body", "left_hand", "right_hand"]
    pictures, present = encoder.draw(collate([clip]))
    assert pictures.shape == (1, 40, 4, 16, 16)
    assert present.all()
    assert (pictures.flatten(3).amax(dim=3) > 0).all()


def test_an_invisible_hand_differs_from_an_empty_picture(clip):
    torch.manual_seed(0)
    encoder = VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL)).eval()
    batch = collate([clip])
    pictures, present = encoder.draw(batch)
    pictures[:, :, 2] = 0
    empty = encoder.embed_pictures(pictures, present, batch.mask)
    present[:, :, 2] = False
    assert (encoder.embed_pictures(pictures, present, batch.mask) - empty).abs().max() > 1e-3


def test_wrong_skeletons_and_settings_are_refused(clip, batch):
    encoder = VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL, fit="clip"))
    with pytest.raises(UserError, match="fit: frame"):
        next(encoder.embed_stream([collate([clip])]))
    with pytest.raises(UserError, match="lacks FACE_LANDMARKS"):
        next(VisualEncoder(clip.skeleton, VisualEncoderConfig(**SMALL)).embed_stream([batch]))
    with pytest.raises(ValidationError, match="cannot be halved"):
        VisualEncoderConfig(size=20, channels=(4, 8, 16))
    with pytest.raises(ValidationError, match="temporal_kernel is even"):
        VisualEncoderConfig(temporal_kernel=2)
