"""Arms and the figure of a signer: bones, limits, and what cannot be done."""

from __future__ import annotations

import numpy as np
import pytest

from text_to_pose.signing.anatomy.arm import ease, solve
from text_to_pose.signing.anatomy.body import MEAN_BODY, Body
from text_to_pose.signing.anatomy.body_surface import depth
from text_to_pose.signing.anatomy.both_arms import LEFT, RIGHT
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.anatomy.wrist import WRIST_LIMITS, hand_rotation, wrist_angles
from text_to_pose.signing.frame import mirrored_rotation
from text_to_pose.signing.hands.hand_model import bone_lengths
from text_to_pose.signing.motion import HandMotion, Motion
from text_to_pose.signing.rotations import from_vector

FPS = 25.0
FLIP = np.array([-1.0, 1.0, 1.0])


def wandering(seed: int, frames: int = 60, reach: float = 0.25) -> HandMotion:
    """A right hand that goes and turns everywhere, beyond what arms can do as well."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)[:, None]

    def wave(size: float) -> np.ndarray:
        return sum(size / k * rng.normal(size=3) * np.sin(2 * np.pi * k * (time + rng.random())) for k in (1, 2, 3))

    wrist = np.array([-0.15, -0.1, 0.25]) + wave(reach)
    return HandMotion(wrist, from_vector(wave(1.0)), np.full((frames, 21), 0.2))


def motion_of(right: HandMotion, left: HandMotion, head: np.ndarray | None = None) -> Motion:
    frames = len(right)
    head = np.zeros((frames, 3)) if head is None else head
    return Motion(FPS, right, left, np.zeros((frames, 2, 3)), head, ())


def mirrored_hand(hand: HandMotion) -> HandMotion:
    return HandMotion(hand.wrist * FLIP, mirrored_rotation(hand.rotation), hand.angles)


def lengths(result: Figure) -> np.ndarray:
    pairs = [(11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (24, 26)]
    arms = np.stack([np.linalg.norm(result.joints[:, a] - result.joints[:, b], axis=-1) for a, b in pairs], axis=1)
    return np.concatenate([arms, bone_lengths(result.hands).reshape(len(result), -1)], axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_bones_keep_their_lengths_wherever_hands_are_to_be(seed):
    body = Body.drawn(np.random.default_rng(seed))
    head = np.cumsum(np.full((60, 3), 0.005), axis=0)
    result = figure(motion_of(wandering(seed), mirrored_hand(wandering(seed + 100)), head), body)
    found = lengths(result)
    assert np.abs(found - found[0]).max() < 1e-9
    assert np.allclose(found[0, :2], [body.upper_arm, body.forearm])
    assert np.allclose(np.linalg.norm(result.face[:, 10] - result.face[:, 152], axis=-1).std(), 0)
    assert np.isfinite(result.joints).all()


@pytest.mark.parametrize("seed", range(4))
def test_wrists_and_forearms_keep_their_limits(seed):
    hand = wandering(seed)
    shoulder = np.broadcast_to(MEAN_BODY.shoulders[1], (1, 60, 3))
    arms = solve(MEAN_BODY, shoulder, hand.wrist[None], hand.rotation[None], FPS)
    joints = wrist_angles(arms.shoulder, arms.elbow, arms.wrist, arms.rotation)
    assert (joints >= WRIST_LIMITS[:, 0] - 1e-6).all()
    assert (joints <= WRIST_LIMITS[:, 1] + 1e-6).all()
    assert arms.turned.max() > 0.1  # some of it had to be kept to them
    assert np.allclose(np.swapaxes(arms.rotation, -1, -2) @ arms.rotation, np.eye(3))


def test_angles_of_the_wrist_are_named_as_anatomy_does():
    shoulder, elbow, wrist = np.array([0.0, 0.0, 0.0]), np.array([0.0, -0.27, 0.0]), np.array([0.0, -0.27, 0.26])
    inward, up, out = np.eye(3)
    thumb_up = np.stack([up, out, inward], axis=1)
    assert np.allclose(wrist_angles(shoulder, elbow, wrist, thumb_up), 0)
    palm_up = np.stack([-inward, out, up], axis=1)
    assert np.allclose(np.degrees(wrist_angles(shoulder, elbow, wrist, palm_up)), [0, 0, 90])
    palm_back = np.stack([up, inward, -out], axis=1)
    assert np.allclose(np.degrees(wrist_angles(shoulder, elbow, wrist, palm_back))[0], 90)
    to_thumb = np.stack([(up - out), (up + out), np.sqrt(2) * inward], axis=1) / np.sqrt(2)
    assert np.allclose(np.degrees(wrist_angles(shoulder, elbow, wrist, to_thumb)), [0, 45, 0])
    joints = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    turned = hand_rotation(shoulder, elbow, wrist, joints)
    assert np.allclose(wrist_angles(shoulder, elbow, wrist, turned), joints)


def test_what_is_out_of_reach_is_approached_and_said():
    frames = 10
    far = HandMotion(
        np.tile([-0.15, 0.0, 1.5], (frames, 1)), np.tile(np.eye(3), (frames, 1, 1)), np.zeros((frames, 21))
    )
    near = HandMotion(np.tile(MEAN_BODY.shoulders[1], (frames, 1)), far.rotation, far.angles)
    result = figure(motion_of(far, mirrored_hand(near)), MEAN_BODY)
    reached = result.joints[:, 16]
    assert MEAN_BODY.arm * 0.98 < reached[0, 2] < MEAN_BODY.arm + 0.1
    assert np.allclose(result.moved[:, RIGHT], 1.5 - reached[:, 2], atol=0.01)
    assert 0.05 < result.moved[0, LEFT] < 0.2
    assert np.isfinite(result.joints).all()


def test_mirrored_motion_gives_the_mirrored_figure():
    right, left = wandering(1), mirrored_hand(wandering(2))
    head = np.random.default_rng(0).normal(0, 0.1, (60, 3))
    one = figure(motion_of(right, left, head), MEAN_BODY)
    other = figure(motion_of(mirrored_hand(left), mirrored_hand(right), head * [1, -1, -1]), MEAN_BODY)
    assert np.allclose(one.joints[:, 11::2] * FLIP, other.joints[:, 12::2])
    assert np.allclose(one.hands[:, 0] * FLIP, other.hands[:, 1])
    assert np.allclose(one.joints[:, 0] * FLIP, other.joints[:, 0])


def test_elbows_stay_out_of_the_trunk_and_move_no_faster_than_hands():
    time = np.linspace(0, 1, 50)[:, None]
    across = np.array([-0.35, -0.25, 0.2]) + time * [0.4, 0.0, 0.0]
    turned = np.tile(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]), (50, 1, 1))
    hand = HandMotion(across, turned, np.zeros((50, 21)))
    result = figure(motion_of(hand, mirrored_hand(hand)), MEAN_BODY)
    assert depth(MEAN_BODY, result.joints[:, 13:15]).max() < 0
    steps = np.linalg.norm(np.diff(result.joints[:, 13:17], axis=0), axis=-1)
    assert steps[:, :2].max() < 2 * steps[:, 2:].max()


def test_one_frame_is_enough():
    hand = wandering(0, frames=1)
    assert len(figure(motion_of(hand, mirrored_hand(hand)), MEAN_BODY)) == 1


def test_ease_tells_what_arms_hold_easily_from_what_they_cannot():
    up_palm_out, down_palm_out = np.eye(3), np.diag([-1.0, -1.0, 1.0])
    wrists = np.array([[-0.2, -0.05, 0.22], [-0.2, -0.05, 0.22], [-0.2, -0.05, 1.2]])
    cost = ease(MEAN_BODY, MEAN_BODY.shoulders[1], wrists, np.stack([up_palm_out, down_palm_out, up_palm_out]))
    assert cost[0] < cost[1] < 100
    assert cost[2] > 20
