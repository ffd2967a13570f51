import torch

from pose_core.testing import fake_sequence
from text_to_pose.nn.features import HandFeatures


def test_features_are_inverted_and_change_fingers_only():
    sequence = fake_sequence()
    features = HandFeatures(sequence.skeleton, scale=4.0)
    keypoints = torch.from_numpy(sequence.keypoints)
    encoded = features(keypoints)
    torch.testing.assert_close(features.inverse(encoded), keypoints, atol=1e-3, rtol=0)
    body = sequence.skeleton.slice_of("POSE_LANDMARKS")
    hand = sequence.skeleton.hand("right")
    torch.testing.assert_close(encoded[:, body], keypoints[:, body])
    torch.testing.assert_close(encoded[:, hand[0]], keypoints[:, hand[0]])
    torch.testing.assert_close(encoded[:, hand[1]], 4 * (keypoints[:, hand[1]] - keypoints[:, hand[0]]))


def test_a_finger_whose_wrist_is_missing_has_no_confidence():
    sequence = fake_sequence()
    features = HandFeatures(sequence.skeleton, scale=4.0)
    confidence = torch.from_numpy(sequence.confidence).clone()
    hand = sequence.skeleton.hand("right")
    confidence[3, hand[0]] = 0
    assert (features.confidence(confidence)[3, hand] == 0).all()
    torch.testing.assert_close(features.confidence(confidence)[4], confidence[4])
