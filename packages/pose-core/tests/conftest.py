"""Poses made by code; nothing here needs a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from pose_format.pose_header import PoseHeader, PoseHeaderDimensions
from pose_format.utils.openpose import OpenPose_Components

from pose_core.sequence import PoseSequence
from pose_core.skeleton import Component, Skeleton

settings.register_profile("steady", deadline=None)  # the first call compiles
settings.load_profile("steady")

FRAMES, FPS, SIZE = 12, 25.0, (640, 480, 0)
BODY = {
    "LEFT_SHOULDER": (400, 200),
    "RIGHT_SHOULDER": (240, 200),
    "LEFT_ELBOW": (450, 300),
    "RIGHT_ELBOW": (190, 300),
    "LEFT_WRIST": (440, 380),
    "RIGHT_WRIST": (200, 250),
    "LEFT_HIP": (370, 420),
    "RIGHT_HIP": (270, 420),
}
FINGERS = ("THUMB", "INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
FINGER_COLORS = ((192, 0, 0), (192, 192, 0), (0, 192, 0), (0, 192, 192), (0, 0, 192))


def hand_component(name: str) -> Component:
    points = ("WRIST", *(f"{finger}_{joint}" for finger in FINGERS for joint in ("CMC", "MCP", "PIP", "TIP")))
    limbs = [(0 if joint == 0 else 4 * f + joint, 4 * f + joint + 1) for f in range(5) for joint in range(4)]
    colors = ((232, 232, 232), *(color for color in FINGER_COLORS for _ in range(4)))
    return Component(name, points, tuple(limbs), colors, "XYZC")


@pytest.fixture(scope="session")
def skeleton() -> Skeleton:
    """A small holistic skeleton: body 8, face 4, hands 21 each; 54 keypoints."""
    body = Component(
        "POSE_LANDMARKS", tuple(BODY), ((0, 1), (0, 2), (2, 4), (1, 3), (3, 5), (0, 6), (1, 7)), ((255, 0, 0),), "XYZC"
    )
    face = Component(
        "FACE_LANDMARKS", ("0", "17", "61", "291"), ((0, 2), (2, 1), (1, 3), (3, 0)), ((128, 0, 0),), "XYZC"
    )
    hands = (hand_component("LEFT_HAND_LANDMARKS"), hand_component("RIGHT_HAND_LANDMARKS"))
    return Skeleton((body, face, *hands))


@pytest.fixture(scope="session")
def holistic(skeleton) -> PoseSequence:
    """12 frames at 25 fps in a 640x480 picture: the right arm rises and falls; the left hand is never seen."""
    still = np.zeros((skeleton.num_keypoints, 3), np.float32)
    still[:8, :2] = list(BODY.values())
    still[8:12, :2] = [(320, 120), (320, 140), (305, 130), (335, 130)]
    hand = np.array([(0, 0), *((12 * (f - 2) + 2 * j, -18 - 14 * j) for f in range(5) for j in range(4))])
    for side, wrist in (("left", "LEFT_WRIST"), ("right", "RIGHT_WRIST")):
        still[skeleton.hand(side), :2] = hand + BODY[wrist]
    still[:, 2] = np.linspace(-50, 50, len(still))
    keypoints = np.repeat(still[None], FRAMES, axis=0)  # (T, K, D)
    rise = 60 * np.sin(np.linspace(0, 3, FRAMES, dtype=np.float32))
    keypoints[:, [skeleton.wrist("right")], 1] -= rise[:, None]
    keypoints[:, skeleton.hand("right"), 1] -= rise[:, None]
    confidence = np.full(keypoints.shape[:2], 0.9, np.float32)
    confidence[:, skeleton.hand("left")] = 0
    keypoints[confidence == 0] = 0
    return PoseSequence(keypoints, confidence, FPS, skeleton, SIZE)


@pytest.fixture(scope="session")
def openpose() -> PoseSequence:
    """5 frames of OpenPose's 137 keypoints, 2-D, every point seen."""
    header = PoseHeader(0.2, PoseHeaderDimensions(1000, 1000, 0), OpenPose_Components)
    random = np.random.default_rng(0)
    keypoints = random.uniform(100, 900, (5, header.total_points(), 2)).astype(np.float32)
    return PoseSequence(keypoints, np.ones((5, 137), np.float32), 24.0, Skeleton.from_header(header), (1000, 1000, 0))


@pytest.fixture(scope="session")
def tiny() -> PoseSequence:
    """2 frames of 3 keypoints: a file of 139 bytes, small enough to be cut at every one."""
    skeleton = Skeleton((Component("TINY", ("a", "b", "c"), ((0, 1), (1, 2)), ((255, 0, 0),), "XYC"),))
    keypoints = np.arange(1, 13, dtype=np.float32).reshape(2, 3, 2)
    return PoseSequence(keypoints, np.full((2, 3), 0.5, np.float32), 25.0, skeleton, (100, 100, 0))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real poses beside the repository, or where the environment variable POSE_DATA says."""
    folder = Path(os.environ.get("POSE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real poses in {folder}; set POSE_DATA to their folder")
    return folder
