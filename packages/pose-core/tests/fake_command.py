"""`pose-core` with a fake estimator: `python fake_command.py SETTINGS estimate ...`, its settings as JSON."""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from pose_core.cli import main
from pose_core.estimation import estimators


def fake(settings):
    here = SimpleNamespace(
        python=lambda say: sys.executable, repair="mend it", damage=None
    )  # no environment of its own
    return estimators.Estimator("Fake", here, str(Path(__file__).parent / "fake_estimator.py"), settings)


class Films:
    """Instead of `cv2.VideoCapture`: a camera that gives 25 red pictures per second, until `last`."""

    def __init__(self, source):
        self.number, self.last = 0, settings.get("last", 10**6)

    def read(self):
        time.sleep(0.04)
        self.number += 1
        return self.number < self.last, np.full((720, 1280, 3), (40, 40, 200), np.uint8)

    def get(self, property):
        return 25.0

    def release(self):
        pass


if __name__ == "__main__":
    settings = json.loads(sys.argv.pop(1))
    cv2.VideoCapture = Films
    estimators.holistic = lambda **given: fake(settings)
    main()
