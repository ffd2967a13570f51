"""MediaPipe Holistic as a worker; runs by itself in the environment `estimation.estimators.MEDIAPIPE`.

Points, order and units are those of `pose_format.utils.holistic.load_holistic`: 33 of the body, 468 or 478 of the face,
21 of each hand, and the 33 of the body in the world; x and y are multiplied by width and height, z is MediaPipe's.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - this runs without pose_core

import protocol

MODELS = {0: "pose_landmark_lite.tflite", 1: "pose_landmark_full.tflite", 2: "pose_landmark_heavy.tflite"}


def main():
    """Answers frames with poses."""
    protocol.serve(Holistic)


class Holistic:
    """Poses of one person, whom MediaPipe's detector is surest of, and who is tracked from frame to frame.

    Args:
        settings: keyword arguments of `mediapipe.solutions.holistic.Holistic`.
    """

    def __init__(self, settings):
        import numpy as np

        package = _without_package_code("mediapipe", "mediapipe.python.solutions")
        # The face's only registers parts of the graph.
        from mediapipe.python.solutions import face_mesh, holistic  # noqa: F401 - loads them

        self.np, self.settings, self.graph = np, settings, None
        name = MODELS[settings["model_complexity"]]
        model = os.path.join(package, "modules", "pose_landmark", name)  # noqa: PTH118 - MediaPipe takes texts
        if not os.path.exists(model):  # noqa: PTH110 - a text
            # MediaPipe would try to fetch it, and leave a part of it behind where that ends halfway.
            raise ValueError(
                f"--complexity {settings['model_complexity']} needs MediaPipe's {name}, which its wheel lacks; "
                f"get it (MediaPipe's documentation lists it: Legacy solutions, Models and model cards) "
                f"and save it as {model}"
            )
        with open(model, "rb") as file:  # noqa: PTH123 - a text
            if file.read(8)[4:] != b"TFL3":
                raise ValueError(f"{model}: no TensorFlow Lite model; it is damaged, or a web page: get {name} again")
        self.holistic = holistic.Holistic
        self.face = 478 if settings["refine_face_landmarks"] else 468
        self.poses = {"keypoints": 33 + self.face + 21 + 21 + 33, "dims": 3, "components": self._components(holistic)}

    def _components(self, holistic):
        """Names, points and limbs of the components, as MediaPipe has them."""
        from mediapipe.python.solutions.face_mesh_connections import FACEMESH_IRISES

        body = [point.name for point in holistic.PoseLandmark], holistic.POSE_CONNECTIONS
        hand = [point.name for point in holistic.HandLandmark], holistic.HAND_CONNECTIONS
        irises = FACEMESH_IRISES if self.face == 478 else ()
        face = [str(point) for point in range(self.face)], [*holistic.FACEMESH_TESSELATION, *irises]
        parts = {
            "POSE_LANDMARKS": body,
            "FACE_LANDMARKS": face,
            "LEFT_HAND_LANDMARKS": hand,
            "RIGHT_HAND_LANDMARKS": hand,
            "POSE_WORLD_LANDMARKS": body,
        }
        return [
            {"name": name, "points": points, "limbs": [[int(a), int(b)] for a, b in limbs]}
            for name, (points, limbs) in parts.items()
        ]

    def begin(self, width, height):
        """Forgets the video before this one: nothing is tracked or smoothed across the cut."""
        if self.graph is None:
            self.graph = self.holistic(**self.settings)
        else:
            self.graph.reset()
        self.scale = self.np.array([width, height, 1, 1])

    def estimate(self, image):
        found = self.graph.process(image)
        pose = self.np.zeros((self.poses["keypoints"], 4))
        pixels = self.scale
        start = 0
        for landmarks, count, scale, scored in (
            (found.pose_landmarks, 33, pixels, True),
            (found.face_landmarks, self.face, pixels, False),
            (found.left_hand_landmarks, 21, pixels, False),
            (found.right_hand_landmarks, 21, pixels, False),
            # Metres, in truth; load_holistic scales these too, and so do all files that came from it.
            (found.pose_world_landmarks, 33, pixels, True),
        ):
            if landmarks is not None:
                rows = [(p.x, p.y, p.z, p.visibility if scored else 1.0) for p in landmarks.landmark]
                pose[start : start + count] = self.np.array(rows) * scale
            start += count
        return pose


def _without_package_code(*packages):
    """Makes packages importable whose `__init__` would import what only drawing and other tasks need.

    MediaPipe's imports matplotlib, jax, OpenCV and all tasks: 400 MB to install, and a second at every start.

    Returns:
        The folder of the first.
    """
    found = importlib.util.find_spec(packages[0])
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {packages[0]!r}", name=packages[0])
    folder = found.submodule_search_locations[0]
    for name in packages:
        module = types.ModuleType(name)
        module.__path__ = [os.path.join(folder, *name.split(".")[1:])]  # noqa: PTH118 - texts
        sys.modules[name] = module
    return folder


if __name__ == "__main__":
    main()
