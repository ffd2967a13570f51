"""A worker like those in `pose_core.estimation.workers`, of no estimator: what it says follows from the picture.

Every one of its three keypoints lies where the red and green of the picture's first pixel say; a black picture shows
nobody. With the setting `people` it looks into each of so many columns of the picture.
"""

import os
import signal
import sys
import time
from pathlib import Path

from pose_core.estimation.workers import protocol


class Fake:
    """Settings: `fail` ("error", "bug", "module", "exit", "kill") at picture `at` of a process; `delay` in seconds."""

    def __init__(self, settings):
        import numpy as np

        self.np, self.settings, self.seen, self.size = np, settings, 0, None
        if settings.get("at") == 0:
            self.fail()
        self.poses = {"keypoints": settings.get("keypoints", 3), "dims": 2}
        if "people" in settings:
            self.poses["people"] = True
        print("this is no message")
        os.write(1, b"nor is this\n")

    def begin(self, width, height):
        self.size = width, height

    def estimate(self, image):
        self.seen += 1
        if (once := Path(self.settings.get("fail_once", "/none"))).exists():
            once.unlink()
            self.fail()
        time.sleep(self.settings.get("delay", 0))
        if self.seen == self.settings.get("at"):
            self.fail()
        assert image.shape == (self.size[1], self.size[0], 3)
        if "people" in self.settings:
            columns = self.np.array_split(image, self.settings["people"], axis=1)
            poses = [self.pose(column, start=8 * number) for number, column in enumerate(columns) if column.max() > 8]
            return self.np.reshape(poses, (-1, self.poses["keypoints"], 3))
        pose = self.np.zeros((self.poses["keypoints"], 3))
        if image.max() > 8:  # black, but for what compression adds
            pose[:] = image[0, 0, 0], image[0, 0, 1], 1
        return pose[:1] if self.settings.get("fail") == "short" else pose

    def pose(self, image, start):
        """A person as large as the red is bright, with a corner at (start, 0)."""
        corners = self.np.resize([[0, 0], [1, 0], [0, 1]], (self.poses["keypoints"], 2)) * image[0, 0, 0] / 10
        return self.np.concatenate([corners + self.np.array([start, 0]), self.np.ones((len(corners), 1))], axis=1)

    def fail(self):
        how = self.settings["fail"]
        if how == "error":
            raise ValueError("the picture is too beautiful")
        if how == "bug":
            raise KeyError("pose")
        if how == "module":
            raise ModuleNotFoundError("No module named 'poses'", name="poses")
        if how == "exit":
            sys.stderr.write("out of ideas\n")
            sys.stderr.flush()
            os._exit(7)
        os.kill(os.getpid(), signal.SIGKILL)


protocol.serve(Fake)
