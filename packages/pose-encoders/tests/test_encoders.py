"""What holds for every encoder: padding, batching and what lies in a missing keypoint's place change nothing."""

from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from pose_core import UserError, read, write
from pose_core.data import Clip, collate, read_prepared
from pose_core.testing import fake_sequence
from pose_encoders import PoseEncoder
from pose_encoders.export import export_onnx
from pose_encoders.model import build_encoder
from pose_encoders.preprocessing import prepare
from pose_encoders.visual import VisualEncoder


@pytest.fixture
def encoder(config, sequences) -> PoseEncoder:
    torch.manual_seed(0)
    return build_encoder(config, sequences[0].skeleton).eval()


def test_padding_and_batching_change_nothing(encoder, sequences, batch, text):
    additional = text(4)
    for with_text in (None, additional):
        together = encoder(batch, with_text)
        assert together.shape == (4, 14, encoder.output_dim)
        assert (together[~batch.mask] == 0).all()
        for row, sequence in enumerate(sequences):
            one = None
            if with_text is not None:
                one = replace(additional, values=additional.values[row : row + 1], mask=additional.mask[row : row + 1])
            alone = encoder(collate([sequence]), one)[0]
            torch.testing.assert_close(together[row, : len(sequence)], alone, atol=1e-5, rtol=1e-4)


def test_coordinates_of_invisible_keypoints_change_nothing(encoder, batch):
    missing = (batch.confidence == 0)[..., None]
    wild = replace(batch, keypoints=batch.keypoints.masked_fill(missing, float("nan")))
    torch.testing.assert_close(encoder(wild), encoder(batch))


def test_an_invisible_hand_differs_from_a_hand_at_0(encoder, batch):
    hand = batch.skeleton.hand("left")
    confidence, keypoints = batch.confidence.clone(), batch.keypoints.clone()
    confidence[:, :, hand] = 0
    keypoints[:, :, hand] = 0
    missing = encoder(replace(batch, keypoints=keypoints, confidence=confidence))
    confidence[:, :, hand] = batch.mask[:, :, None].float()
    there = encoder(replace(batch, keypoints=keypoints, confidence=confidence))
    assert (missing - there).abs()[batch.mask].max() > 1e-3


def test_frames_attend_to_frames_of_their_own_clip_alone(encoder, sequences):
    a, b, c = sequences[0], sequences[3], sequences[3].hold_frame(0, len(sequences[3]))
    torch.testing.assert_close(encoder(collate([a, b]))[0], encoder(collate([a, c]))[0], atol=1e-5, rtol=1e-4)
    moved = replace(a, keypoints=np.concatenate([a.keypoints[:-1], b.keypoints[-1:, ::-1]]))
    assert (encoder(collate([a]))[0, 0] - encoder(collate([moved]))[0, 0]).abs().max() > 1e-5


def test_gradients_are_finite_with_a_hand_missing(encoder, batch, text):
    encoder.train()(batch, text(4)).square().sum().backward()
    gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_other_skeletons_are_refused(encoder):
    with pytest.raises(UserError, match="the pose has FACE_LANDMARKS besides"):
        encoder(collate([fake_sequence(face_points=4)]))


def test_output_is_finite_without_a_visible_keypoint(encoder, batch):
    confidence = batch.confidence.clone()
    confidence[0, 3], confidence[1] = 0, 0
    assert encoder(replace(batch, confidence=confidence)).isfinite().all()


def overfit(config, sequences, steps=80):
    """Share of clips told apart after a few steps on nothing else."""
    torch.manual_seed(0)
    encoder = build_encoder(config, sequences[0].skeleton)
    head = torch.nn.Linear(encoder.output_dim, len(sequences))
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=5e-3)
    batch, labels = collate(sequences), torch.arange(len(sequences))

    def logits():
        vectors = encoder(batch)
        return head(vectors.sum(dim=1) / batch.mask.sum(dim=1, keepdim=True))

    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(logits(), labels).backward()
        optimizer.step()
    return (logits().argmax(dim=1) == labels).float().mean().item()


def test_a_few_clips_are_learned(config, sequences):
    assert overfit(config, [sequence[:6] for sequence in sequences]) == 1


def test_a_few_real_clips_are_learned(config, data_dir):
    paths = sorted((data_dir / "fingerspelling" / "ase").glob("*.pose"))[:4]
    clips = [prepare(read(path), 25.0, face=False) for path in paths]
    halves = [len(clip) // 2 for clip in clips]  # where the letter is held; at their starts people look alike
    assert overfit(config, [clip[half - 4 : half + 4] for clip, half in zip(clips, halves, strict=True)]) == 1


def test_onnx_export_equals_the_model(encoder, sequences, tmp_path):
    export_onnx(encoder, tmp_path / "encoder.onnx")
    assert b".py" not in (tmp_path / "encoder.onnx").read_bytes(), "a path of this machine"
    model = onnx.load(tmp_path / "encoder.onnx")
    onnx.checker.check_model(model)
    # What onnxruntime of 2023 loads.
    assert (model.ir_version, {each.domain: each.version for each in model.opset_import}[""]) == (8, 18)
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    for clips in (sequences[:1], sequences[1:]):
        batch = collate(clips)
        given = {"keypoints": batch.keypoints, "confidence": batch.confidence, "mask": batch.mask}
        if isinstance(encoder, VisualEncoder):
            given = dict(zip(("pictures", "present"), encoder.draw(batch), strict=True)) | {"mask": batch.mask}
        (vectors,) = session.run(None, {name: value.numpy() for name, value in given.items()})
        np.testing.assert_allclose(vectors, encoder(batch).detach().numpy(), atol=1e-3)


def test_preprocessing_errors_name_the_file(tmp_path):
    clip = fake_sequence()
    write(replace(clip, confidence=np.zeros_like(clip.confidence)), tmp_path / "nobody.pose")
    with pytest.raises(UserError, match=r"nobody\.pose: nobody is seen"):
        read_prepared([Clip(tmp_path / "nobody.pose", "A", "ase", "train")], partial(prepare, fps=25.0, face=False))
