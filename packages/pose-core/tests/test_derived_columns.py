"""The columns of HT-VAE's CSVs beside the coordinates."""

import csv
from math import hypot

import numpy as np
import pytest

from pose_core import PoseSequence, Skeleton, read, write
from pose_core.formats.derived_columns import COLUMNS, derived_columns

NAMES = ("LEFT_SHOULDER", "LEFT_ELBOW", "RIGHT_ELBOW", "RIGHT_WRIST", "LEFT_HIP", "RIGHT_HIP", "NOSE")


def body(keypoints, names=NAMES, confidence=None):
    keypoints = np.asarray(keypoints, np.float32)
    component = {"name": "POSE_LANDMARKS", "points": list(names), "limbs": [], "colors": [[255, 0, 0]]}
    skeleton = Skeleton.from_dict({"components": [component | {"point_format": "XYZC"[: keypoints.shape[-1]] + "C"}]})
    confidence = np.ones(keypoints.shape[:2], np.float32) if confidence is None else confidence
    return PoseSequence(keypoints, confidence, 25.0, skeleton)


def columns(path):
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return {name: [row[i] for row in rows] for i, name in enumerate(head)}


def two_frames():
    first = [(1, -2), (1, -1), (-1, -1), (-2, -1), (0.5, 0), (-0.5, 0), (0, -3)]  # y down, mid-hip at the origin
    moved = [(x + 0.5, y - 0.25) for x, y in first]
    return np.array([first, moved], np.float32)


def test_columns_of_a_body_beside_its_coordinates(tmp_path):
    write(body(two_frames()), tmp_path / "a.csv")
    table = columns(tmp_path / "a.csv")
    assert list(table) == ["frame#", "landmark_name", "x", "y", *COLUMNS, "confidence"]
    of = {name: [float(values[i]) for values in table.values() if values is not table["landmark_name"]]
          for i, name in enumerate(table["landmark_name"][:7])}  # fmt: skip
    assert of["LEFT_SHOULDER"][3] == pytest.approx(hypot(1, 2), abs=1e-6)
    assert of["LEFT_SHOULDER"][4:8] == [0, 0, 0, 1]  # no frame before; straight above its elbow
    assert of["LEFT_SHOULDER"][8] == pytest.approx(np.degrees(np.arctan2(2, 1)), abs=1e-5)
    assert of["RIGHT_WRIST"][6:9] == [-1, 0, pytest.approx(180 - np.degrees(np.arctan2(1, 2)), abs=1e-5)]
    assert of["NOSE"][6:9] == [0, 0, 90]
    assert of["RIGHT_HIP"][8] == 180
    second = {name: [float(values[7]) for values in (table["jd_x"], table["jd_y"])] for name in NAMES}
    assert second["LEFT_SHOULDER"] == [0.5, 0.25]


def test_distance_and_angle_are_of_the_mid_hip_wherever_the_body_stands():
    here, there = body(two_frames()[:1]), body(two_frames()[:1] + np.float32([8, 4]))
    np.testing.assert_allclose(derived_columns(there), derived_columns(here), atol=1e-6)


def test_what_is_missing_leaves_its_columns_empty(tmp_path):
    confidence = np.ones((2, 7), np.float32)
    confidence[0, NAMES.index("LEFT_ELBOW")] = 0
    confidence[1, NAMES.index("LEFT_HIP")] = 0
    write(body(two_frames(), confidence=confidence), tmp_path / "a.csv")
    table = columns(tmp_path / "a.csv")
    assert table["jo_x"][0] == table["jd_x"][7 + 1] == table["angle"][7] == ""
    assert "" not in (table["angle"][0], table["jd_x"][7], table["jo_x"][7], table["jo_x"][3])
    assert np.isnan(derived_columns(body(two_frames(), confidence=confidence))[1, :, 0]).all()
    np.testing.assert_allclose(read(tmp_path / "a.csv").keypoints[0, 0], two_frames()[0, 0])


@pytest.mark.parametrize("without", ["LEFT_HIP", "RIGHT_HIP"])
def test_none_without_hips_or_in_three_dimensions(without):
    kept = [i for i, name in enumerate(NAMES) if name != without]
    assert derived_columns(body(two_frames()[:, kept], [NAMES[i] for i in kept])) is None
    assert derived_columns(body(np.pad(two_frames(), ((0, 0), (0, 0), (0, 1))))) is None


def test_those_of_real_files_are_recomputed(data_dir, tmp_path):
    for path in sorted((data_dir / "pose_csvs").glob("*.csv")):
        write(read(path), tmp_path / path.name)
        theirs, ours = columns(path), columns(tmp_path / path.name)
        assert ours["landmark_name"] == theirs["landmark_name"]
        for name in COLUMNS[:-1]:
            np.testing.assert_allclose(np.array(ours[name], float), np.array(theirs[name], float), atol=1e-4)
        turned = (np.array(ours["angle"], float) - np.array(theirs["angle"], float) + 180) % 360 - 180
        # Coordinates have five decimals, which turn points near the mid-hip further: 1e-4 along the arc
        arc = np.radians(turned) * np.array(theirs["L2_distance_from_midhip"], float)
        assert np.abs(arc).max() < 1e-4
