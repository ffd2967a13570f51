from dataclasses import replace

import numpy as np
import pytest
import torch

from ht_vae.codec import decode, encode, read_condition, reconstruct
from ht_vae.data.preprocessing import PoseDataProcessor
from ht_vae.model import load_model
from ht_vae.sampling import interpolate
from pose_core import UserError
from pose_core.skeleton import known_skeleton
from pose_core.transforms import to_layout


@pytest.mark.parametrize("frames", [1, 15, 16, 17, 70])
def test_reconstruction_keeps_frames_frame_rate_and_skeleton(build, clip, skeleton, frames):
    model = build()
    sequence = replace(clip(frames), fps=23.976)
    encoded, output = reconstruct(model, sequence)
    assert (len(output.sequence), output.sequence.fps, output.sequence.skeleton) == (frames, 23.976, skeleton)
    assert encoded.num_latents == 6 + 5 * -(-frames // 16)
    restored = output.restored(encoded.placement, sequence.skeleton)
    assert restored.size == sequence.size
    assert np.isfinite(restored.keypoints).all()
    assert set(np.unique(restored.confidence)) <= {0, 1}
    assert restored.skeleton == sequence.skeleton.with_dims(2)


def test_reconstruction_equals_the_models_own(build, clip, skeleton):
    model, sequence = build(), clip(40)
    encoded, output = reconstruct(model, sequence, optimization_steps=0)
    prepared = PoseDataProcessor(skeleton=skeleton)(sequence)
    visible = torch.from_numpy(prepared.confidence)[None]
    with torch.inference_mode():
        poses = model.reconstruct(
            torch.from_numpy(prepared.keypoints)[None], visible, torch.ones(1, 40, dtype=torch.bool)
        )
    np.testing.assert_allclose(output.dense.keypoints, poses.keypoints[0].numpy(), atol=1e-6)
    seen = np.ones(len(skeleton.keypoints), bool)
    seen[skeleton.hand("left")] = False  # in no frame
    np.testing.assert_array_equal(output.sequence.confidence, (poses.logits[0] > 0).float().numpy() * seen)
    restored = PoseDataProcessor().restore(output.dense, encoded.placement)
    there = output.sequence.confidence > 0
    np.testing.assert_allclose(
        output.restored(encoded.placement).keypoints[there], restored.keypoints[there], rtol=1e-5, atol=1e-3
    )


def test_components_that_no_frame_shows_are_missing_in_the_reconstruction(clip):
    """A face above all: encoders get the model's mean one instead, and decode it."""
    sequence = to_layout(clip(40), known_skeleton(178, 3))
    face = sequence.skeleton.face()
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    keypoints[:, face] = np.random.default_rng(0).normal((250, 100, 0), 40, (len(face), 3))
    confidence[:, face] = 1
    model = load_model("signing", "cpu")
    shown = replace(sequence, keypoints=keypoints, confidence=confidence)
    assert reconstruct(model, shown)[1].sequence.confidence[:, face].any()
    without = reconstruct(model, sequence)[1]
    assert not without.sequence.confidence[:, face].any()
    assert without.sequence.confidence[:, sequence.skeleton.hand("right")].any()
    ends = encode(model, sequence), encode(model, shown)
    for others, expected in ((ends[0], False), (ends[1], True)):
        samples = interpolate(model, ends[0], others, 3).samples
        assert samples[1].sequence.confidence[:, face].any() == expected


def test_restored_keypoints_are_those_of_file_and_model(build, clip, skeleton):
    sequence = clip(10, face_points=4)
    sequence = sequence.select([i for i in range(sequence.skeleton.num_keypoints) if i != 9 + 8])
    encoded, output = reconstruct(build(), sequence)
    restored = output.restored(encoded.placement, sequence.skeleton)
    wanted = [name for name in sequence.skeleton.keypoints if name in set(skeleton.keypoints)]
    assert list(restored.skeleton.keypoints) == wanted
    assert len(wanted) == 49


def test_nan_and_outliers_give_finite_reconstructions(build, clip):
    sequence = clip(30)
    keypoints, confidence = sequence.keypoints.copy(), sequence.confidence.copy()
    keypoints[3:6, 10] = np.nan
    keypoints[7, 11] = 1e20
    confidence[:5] = 0
    confidence[10:20, 8:] = 0
    encoded, output = reconstruct(build(), replace(sequence, keypoints=keypoints, confidence=confidence))
    assert np.isfinite(output.dense.keypoints).all()
    assert np.isfinite(output.restored(encoded.placement).keypoints).all()


def test_values_of_missing_keypoints_do_not_change_the_reconstruction(build, clip):
    sequence = clip(30)
    keypoints = sequence.keypoints.copy()
    keypoints[sequence.confidence == 0] = 77
    first, second = (reconstruct(build(), each)[1] for each in (sequence, replace(sequence, keypoints=keypoints)))
    np.testing.assert_array_equal(first.dense.keypoints, second.dense.keypoints)


def test_empty_clips_and_clips_without_shoulders_are_refused(build, clip):
    sequence = clip(5)
    with pytest.raises(UserError, match="both shoulders are seen in no frame"):
        encode(build(), replace(sequence, confidence=np.zeros_like(sequence.confidence)))
    with pytest.raises(UserError, match="has no frames"):
        encode(build(), sequence[:0])


def test_latents_decode_to_any_length(build, clip):
    model = build()
    latents = model.latent_space.mean(encode(model, clip(20)).posterior)
    assert len(decode(model, latents, 100, 25.0).sequence) == 100


def test_conditions_are_read_and_checked(build, clip, tmp_path):
    plain, labelled, vectors = build(), build(labels=("A", "B")), build(condition_dim=3)
    assert read_condition(plain, None) is None
    assert read_condition(labelled, "B").tolist() == [1]
    np.save(tmp_path / "v.npy", np.arange(3))
    assert read_condition(vectors, str(tmp_path / "v.npy")).tolist() == [[0, 1, 2]]
    np.save(tmp_path / "w.npy", np.array([np.nan, 0, 1]))
    for model, given, message in (
        (plain, "A", "is unconditional; leave it out"),
        (labelled, None, "name with --condition a label: A, B"),
        (labelled, "C", "knows no such label; it has A, B"),
        (vectors, None, "an .npy file of 3 numbers"),
        (vectors, "A", "A: cannot be read as an .npy file of 3 numbers"),
        (vectors, str(tmp_path / "w.npy"), "all finite"),
    ):
        with pytest.raises(UserError, match=message):
            read_condition(model, given)
    a, b = (reconstruct(labelled, clip(20), read_condition(labelled, label))[1] for label in "AB")
    assert not np.allclose(a.dense.keypoints, b.dense.keypoints)


def test_long_clips_are_encoded_as_a_whole(build, clip):
    sequence = clip(6000)
    encoded, output = reconstruct(build(), sequence)
    assert len(output.sequence) == 6000
    assert encoded.posterior.chunk_mask.shape == (1, 375)
    assert np.isfinite(output.dense.keypoints).all()
