"""RTMW, DWPose and other SimCC models of 133 keypoints as a worker, through rtmlib.

Runs by itself in the environment `estimation.estimators.RTMLIB`. Points and order are COCO-WholeBody's, in pixels;
scores are the mean of the two axes' highest responses, at most 1.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - this runs without pose_core

import protocol

KEYPOINTS = 133
LARGEST = 2048  # pixels of a side of what a network takes
MOST = 16  # people of a frame, those first whom the detector is surest of
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of ImageNet, in RGB, in which these models learned


def main():
    """Answers messages until standard input ends."""
    protocol.serve(RTMW)


class RTMW:
    """Poses of the person who fills the picture; with a detector, of all people in it.

    Args:
        settings: `weights`, an ONNX file; `detector`, another, or None; `threads`.
    """

    def __init__(self, settings):
        import rtmlib

        class Pose(rtmlib.RTMPose):
            def __init__(self, session, size):  # instead of rtmlib's, which takes what it does not find for an address
                self.session, self.model_input_size, self.backend = session, size, "onnxruntime"
                self.mean, self.std, self.to_openpose = MEAN, STD, False

        class Detector(rtmlib.YOLOX):
            def __init__(self, session, size, classes):
                self.session, self.model_input_size, self.backend = session, size, "onnxruntime"
                self.mean = self.std = None
                self.nms_thr, self.score_thr = 0.45, 0.7
                self.det_mode = "multiclass" if classes else "human"

        session, width, height, outputs = _opened(settings["weights"], settings["threads"])
        _check_pose(settings["weights"], outputs, width, height)
        self.pose = Pose(session, (width, height))
        self.detector = None
        if settings["detector"]:
            session, width, height, outputs = _opened(settings["detector"], settings["threads"])
            values = _check_detector(settings["detector"], outputs, width, height)
            self.detector = Detector(session, (height, width), classes=values > 5)
        self.poses = {"keypoints": KEYPOINTS, "dims": 2, "people": self.detector is not None}

    def begin(self, width, height):
        """Nothing is kept from one frame to the next."""

    def estimate(self, image):
        import numpy as np

        boxes = [] if self.detector is None else self._boxes(image)
        if self.detector is not None and not len(boxes):
            return np.zeros((0, KEYPOINTS, 3))
        keypoints, scores = self.pose(image, boxes)  # no box: the whole picture
        values = np.concatenate([keypoints, scores[..., None]], axis=-1)
        missing = ~(np.isfinite(values).all(axis=-1) & (scores > 0))
        values[missing] = 0
        values[..., 2] = values[..., 2].clip(max=1)
        return values

    def _boxes(self, image):
        """People's boxes (P, 4), by their corners; the detectors learned in BGR, as OpenCV reads."""
        import numpy as np

        found = self.detector(np.ascontiguousarray(image[..., ::-1]))
        if self.detector.det_mode == "multiclass":
            found = found[0][found[1] == 0] if len(found[0]) else found[0]
        boxes = np.asarray(found, np.float64).reshape(-1, 4)
        sound = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return boxes[sound][:MOST]


def _opened(path, threads):
    """An inference session, the width and height of the picture it takes, and its outputs for an empty one.

    Raises:
        ValueError: it cannot be opened, or takes no pictures of a fixed size.
    """
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
    except Exception as error:  # onnxruntime has an exception for each of its states, and no parent for them
        raise ValueError(f"{path}: not an ONNX model that can be opened ({_said(error)}); download it again") from error
    shape = inputs[0].shape if len(inputs) == 1 else []
    sizes = shape[2:] if len(shape) == 4 and (shape[1] == 3 or not isinstance(shape[1], int)) else []
    if not sizes or not all(isinstance(size, int) and 0 < size <= LARGEST for size in sizes):
        stated = ", ".join(f"{each.name} {each.shape}" for each in inputs)
        raise ValueError(f"{path}: takes {stated[:200]}, not one picture of a fixed size (1, 3, height, width)")
    height, width = sizes
    try:
        outputs = session.run(None, {inputs[0].name: np.zeros((1, 3, height, width), np.float32)})
    except Exception as error:
        raise ValueError(f"{path}: does not take a picture ({_said(error)})") from error
    return session, width, height, outputs


def _check_pose(path, outputs, width, height):
    """Refuses models of other keypoints or another kind.

    Raises:
        ValueError: saying which is wanted.
    """
    shapes = [output.shape for output in outputs]
    wanted = "an RTMW or DWPose model of 133 keypoints is needed"
    if len(shapes) != 2 or any(len(shape) != 3 or shape[0] != 1 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        stated = ", ".join(map(str, shapes))
        raise ValueError(f"{path}: answers {stated}, no SimCC of x and y (1, keypoints, length); {wanted}")
    if shapes[0][1] != KEYPOINTS:
        raise ValueError(f"{path}: estimates {shapes[0][1]} keypoints, not COCO-WholeBody's 133; {wanted}")
    if (shapes[0][2], shapes[1][2]) != (2 * width, 2 * height):
        raise ValueError(
            f"{path}: answers {shapes[0][2]} x {shapes[1][2]} places for a picture of {width} x {height}, "
            f"not twice as many; {wanted}"
        )


def _check_detector(path, outputs, width, height):
    """How many numbers a detector gives of each box: 5 with its score, or 4, a score, and one for each class.

    Raises:
        ValueError: it is no detector.
    """
    shape = outputs[0].shape
    places = sum((width // step) * (height // step) for step in (8, 16, 32))  # where YOLOX looks for boxes
    if len(shape) != 3 or shape[0] != 1 or not (shape[2] == 5 or (shape[2] > 5 and shape[1] == places)):
        raise ValueError(
            f"{path}: answers {shape}, neither boxes with scores (1, boxes, 5) nor classes at {places} places; "
            "a YOLOX model is needed"
        )
    return shape[2]


def _said(error):
    return " ".join(str(error).split())[:200]


if __name__ == "__main__":
    main()
