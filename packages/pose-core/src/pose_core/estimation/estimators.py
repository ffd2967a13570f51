"""Pose estimators: what each needs installed, how it is set, and what its poses are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.atomic_files import check_name
from pose_core.errors import UserError
from pose_core.estimation.environments import Environment
from pose_core.estimation.worker_process import WorkerProcess
from pose_core.skeleton.registry import known_skeleton
from pose_core.skeleton.skeleton import Component, Skeleton

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = Path(__file__).parent / "workers"

# The last release with both models in the wheel and `solutions`. Of what it asks for, Holistic imports these two only:
# without OpenCV, jax and matplotlib it is 130 MB instead of 870, and needs no libGL. numpy and protobuf are the newest
# it takes.
MEDIAPIPE = Environment(
    name="mediapipe-0.10.21",
    title="MediaPipe 0.10.21",
    requirements=("mediapipe==0.10.21", "numpy==1.26.4", "protobuf==4.25.8"),
    megabytes=130,
    imports=("numpy", "google.protobuf"),
)

# rtmlib asks for two more builds of OpenCV and a window system; this one is enough.
RTMLIB = Environment(
    name="rtmlib-0.0.16",
    title="rtmlib 0.0.16",
    requirements=(
        "rtmlib==0.0.16",
        "onnxruntime==1.32.0",
        "opencv-python-headless==5.0.0.93",
        "numpy==2.4.6",
        "tqdm==4.70.1",
    ),
    megabytes=290,
    imports=("rtmlib", "onnxruntime"),
)
RTMW_FILES = (
    "rtmlib's documentation lists them in its model zoo, under WholeBody 133 Keypoints, as "
    "rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip: unpack it, and name the .onnx file in it"
)
DETECTOR_FILES = (
    "rtmlib's documentation lists them in its model zoo, under Person Detection, as "
    "yolox_m_8xb8-300e_humanart-c2c7a14a.zip: unpack it, and name the .onnx file in it"
)


@dataclass(frozen=True)
class Estimator:
    """An estimator with its settings.

    Attributes:
        title: in messages.
        environment: where it runs.
        script: the worker's, in `workers/`.
        settings: what the worker is told.
    """

    title: str
    environment: Environment
    script: str
    settings: dict[str, Any] = field(default_factory=dict)

    def start(self, say: Callable[[str], None]) -> WorkerProcess:
        """Starts a worker, in its environment, which is made first where there is none.

        Args:
            say: takes a line for people.

        Raises:
            UserError: it cannot be installed or started.
        """
        # Isolated: PYTHONPATH and the user's own packages are for another Python.
        command = [str(self.environment.python(say)), "-I", "-u", str(WORKERS / self.script)]
        return WorkerProcess(
            command,
            self.settings,
            name=self.title,
            repair=self.environment.repair,
            damage=self.environment.damage,
        )


def holistic(
    *,
    complexity: int = 1,
    refined_face: bool = False,
    min_detection_confidence: float = 0.5,
    min_tracking_confidence: float = 0.5,
) -> Estimator:
    """MediaPipe Holistic: body, face and hands of the most prominent person, 576 points, with a refined face 586.

    Args:
        complexity: of the body's model, 0 to 2; the wheel carries 1.
        refined_face: 478 points, irises among them, instead of 468.
        min_detection_confidence, min_tracking_confidence: MediaPipe's.
    """
    settings = {
        "model_complexity": complexity,
        "refine_face_landmarks": refined_face,
        "min_detection_confidence": min_detection_confidence,
        "min_tracking_confidence": min_tracking_confidence,
    }
    return Estimator("MediaPipe Holistic", MEDIAPIPE, "holistic.py", settings)


def rtmw(weights: Path | None, detector: Path | None = None, *, threads: int = 1) -> Estimator:
    """RTMW or DWPose through rtmlib: 133 keypoints of COCO-WholeBody, in the picture's plane.

    Args:
        weights: an ONNX file of 133 keypoints with SimCC outputs.
        detector: an ONNX file of YOLOX, which finds all people in the picture; None: one person fills it.
        threads: of each worker.

    Raises:
        UserError: there is no such file.
    """
    if weights is None:
        raise UserError(f"--estimator rtmw needs --weights FILE, RTMW's or DWPose's weights; {RTMW_FILES}")
    _check_model(weights, RTMW_FILES)
    if detector is not None:
        _check_model(detector, DETECTOR_FILES)
    settings = {
        "weights": str(weights.absolute()),
        "detector": str(detector.absolute()) if detector else None,
        "threads": threads,
    }
    return Estimator("RTMW", RTMLIB, "rtmw.py", settings)


def _check_model(path: Path, files: str) -> None:
    check_name(path)
    if not path.is_file():
        raise UserError(f"{path}: {'not a file' if path.exists() else 'no such file'}; {files}")
    if path.suffix.lower() in (".zip", ".pth", ".pt"):
        raise UserError(f"{path}: not an ONNX file; {files}")


def skeleton_of(poses: dict[str, Any]) -> Skeleton:
    """The skeleton of a worker's poses: its own components, in the colors of our own, or one known by its number."""
    ours = known_skeleton(poses["keypoints"], poses["dims"])
    if "components" not in poses:
        return ours
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # of its regular expressions
        from pose_format.utils.openpose import hand_colors

    colors = {each.name: each.colors for each in ours.components}
    hands = tuple((int(r), int(g), int(b)) for r, g, b in hand_colors)
    return Skeleton(
        tuple(
            Component(
                each["name"],
                tuple(each["points"]),
                tuple((a, b) for a, b in each["limbs"]),
                hands if "HAND" in each["name"] else colors[each["name"]],
                "XYZC" if poses["dims"] == 3 else "XYC",
            )
            for each in poses["components"]
        )
    )
