from dataclasses import replace

import numpy as np
import pytest

from pose_core.sequence import PoseSequence
from pose_core.skeleton import named_skeleton
from text_to_pose.hamnosys.parser import parse
from text_to_pose.motion.proportions import with_proportions
from text_to_pose.signing.anatomy.body import MEAN_BODY, Body
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.hands.hand_model import bone_lengths
from text_to_pose.signing.movement.choreography import choreograph

SKELETON = named_skeleton("holistic_50", 3)
ARMS = {"left": (0, 2, 4), "right": (1, 3, 5)}  # shoulder, elbow, wrist


def signed(body):
    """A sign by a body, in shoulder widths, y down and z away, to scale."""
    motion = choreograph([parse("hamfinger2 hamextfingeruo hampalml hamchest hammover")], body)
    moving = figure(motion, body)
    points = np.concatenate(
        [moving.joints[:, [11, 12, 13, 14, 15, 16, 23, 24]], *np.moveaxis(moving.hands, 1, 0)], axis=1
    )
    keypoints = (points * [1, -1, -1] / body.shoulder_width).astype(np.float32)
    return PoseSequence(keypoints, np.ones(keypoints.shape[:2], np.float32), 25.0, SKELETON)


def shoulders(sequence):
    """How far they are apart in the first frame: in a figure they are not quite where they rest."""
    return float(np.linalg.norm((sequence.keypoints[0, 0] - sequence.keypoints[0, 1])[:2]))


def lengths(sequence, depth=1.0, body_depth=1.0):
    """Upper arms and forearms, (T, 4), and bones of both hands, (T, 40)."""
    arms = sequence.keypoints[:, :8] * [1, 1, body_depth]
    bones = [np.linalg.norm(arms[:, a] - arms[:, b], axis=-1) for arm in ARMS.values() for a, b in (arm[:2], arm[1:])]
    hands = [sequence.keypoints[:, SKELETON.hand(side)] * [1, 1, depth] for side in ARMS]
    return np.stack(bones, axis=1), np.concatenate([bone_lengths(hand) for hand in hands], axis=1)


def test_a_sequence_on_its_own_bones_stays():
    sequence = signed(MEAN_BODY)
    same = with_proportions(sequence, replace(MEAN_BODY, shoulder_width=MEAN_BODY.shoulder_width * shoulders(sequence)))
    np.testing.assert_allclose(same.keypoints, sequence.keypoints, atol=2e-3)


@pytest.mark.parametrize(("hand_depth", "body_depth"), [(1.0, 1.0), (500.0, 143.0)])
def test_bones_get_the_lengths_of_another_body(hand_depth, body_depth):
    other = Body.drawn(np.random.default_rng(3))
    sequence = signed(MEAN_BODY)
    keypoints = sequence.keypoints.copy()
    wrists = keypoints[:, [SKELETON.hand(side)[0] for side in ARMS]].copy()
    for side, wrist in zip(ARMS, (0, 1), strict=True):
        hand = SKELETON.hand(side)
        keypoints[:, hand, 2] = wrists[:, wrist, None, 2] / body_depth + (
            (keypoints[:, hand, 2] - wrists[:, wrist, None, 2]) / hand_depth
        )
    keypoints[:, :8, 2] /= body_depth
    flat = PoseSequence(keypoints, sequence.confidence, 25.0, SKELETON)
    found = with_proportions(flat, other, hand_depth=hand_depth, body_depth=body_depth)
    arms, hands = lengths(found, hand_depth, body_depth)
    unit = shoulders(sequence) / other.shoulder_width
    expected = [other.upper_arm * unit, other.forearm * unit] * 2
    np.testing.assert_allclose(arms, np.array([expected] * len(arms)), rtol=2e-3)
    expected = np.tile(other.hand.lengths, 2) * unit
    np.testing.assert_allclose(hands, np.array([expected] * len(hands)), rtol=2e-3)
    # Hands stay where they are as far as the arms reach, joined to them.
    moved = np.linalg.norm((found.keypoints - flat.keypoints)[:, [4, 5], :2], axis=-1)
    assert np.median(moved) < 0.04
    for side, (_, _, wrist) in ARMS.items():
        np.testing.assert_allclose(
            found.keypoints[:, SKELETON.hand(side)[0], :2], found.keypoints[:, wrist, :2], atol=1e-4
        )


def test_what_is_missing_stays_missing():
    sequence = signed(MEAN_BODY)
    confidence = sequence.confidence.copy()
    confidence[:5, SKELETON.hand("left")] = 0
    found = with_proportions(PoseSequence(sequence.keypoints, confidence, 25.0, SKELETON), MEAN_BODY)
    assert (found.keypoints[:5, SKELETON.hand("left")] == 0).all()
    assert np.isfinite(found.keypoints).all()
