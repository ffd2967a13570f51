"""RTMW through rtmlib, on networks of a few operations that look where a picture is bright; and several people."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.estimation import estimators
from pose_core.estimation.environments import find_uv
from pose_core.notices import InputWarning
from pose_core.skeleton.registry import known_skeleton

WIDTH, HEIGHT = 24, 32  # of what the network takes


# ONNX files, byte by byte: pose_core does not need the package onnx.
def number(field, value):
    content = bytearray()
    for rest in (field << 3, value):
        while rest > 127:
            content.append(rest & 127 | 128)
            rest >>= 7
        content.append(rest)
    return bytes(content)


def length(field, content):
    return bytes([field << 3 | 2]) + number(0, len(content))[1:] + content


def tensor(name, array):
    kind = {"float32": 1, "int64": 7}[str(array.dtype)]
    dims = b"".join(number(1, size) for size in array.shape)
    return length(5, dims + number(2, kind) + length(8, name.encode()) + length(9, array.tobytes()))


def node(kind, inputs, output, **axes):
    content = b"".join(length(1, name.encode()) for name in inputs) + length(2, output.encode())
    content += length(4, kind.encode())
    for name, values in axes.items():
        if isinstance(values, int):
            given = number(3, values) + number(20, 2)
        else:
            given = b"".join(number(8, each) for each in values) + number(20, 7)
        content += length(5, length(1, name.encode()) + given)
    return length(1, content)


def value(field, name, shape):
    dims = b"".join(length(1, length(2, d.encode()) if isinstance(d, str) else number(1, d)) for d in shape)
    return length(field, length(1, name.encode()) + length(2, length(1, number(1, 1) + length(2, dims))))


def network(path, nodes, constants, inputs, outputs):
    graph = b"".join(nodes) + length(2, b"tiny") + b"".join(tensor(*each) for each in constants.items())
    graph += b"".join(value(11, *each) for each in inputs.items())
    graph += b"".join(value(12, *each) for each in outputs.items())
    path.write_bytes(number(1, 8) + length(8, length(1, b"") + number(2, 13)) + length(7, graph))
    return path


def integers(*values):
    return np.array(values, np.int64)


def reduced(how, source, output, *axes):
    return node(f"Reduce{how}", [source], output, axes=list(axes), keepdims=0)


def pose_network(path, keypoints=133, outputs=2, channels=3, split=2, size=(WIDTH, HEIGHT)):
    """All keypoints where columns and rows are brightest."""
    width, height = size
    nodes, constants, stated = [], {}, {}
    for name, length_, axes in (("x", width, (1, 2)), ("y", height, (1, 3))):
        nodes += [
            reduced("Max", "picture", f"max_{name}", *axes),
            node("Reshape", [f"max_{name}", f"column_{name}"], f"as_column_{name}"),
            node("Expand", [f"as_column_{name}", f"twice_{name}"], f"doubled_{name}"),
            node("Reshape", [f"doubled_{name}", f"row_{name}"], f"as_row_{name}"),
            node("Expand", [f"as_row_{name}", f"all_{name}"], f"simcc_{name}"),
        ]
        constants |= {
            f"column_{name}": integers(1, length_, 1),
            f"twice_{name}": integers(1, length_, split),
            f"row_{name}": integers(1, 1, split * length_),
            f"all_{name}": integers(1, keypoints, split * length_),
        }
        stated[f"simcc_{name}"] = ("N", keypoints, split * length_)
    chosen = dict(list(stated.items())[:outputs])
    return network(path, nodes, constants, {"picture": ("N", channels, height, width)}, chosen)


def detector_network(path):
    """Boxes around the left and the right half of a picture of 64 x 64; scores by how bright they are, in BGR."""
    nodes = [
        node("Reshape", ["picture", "halves"], "split"),
        reduced("Mean", "split", "bright", 1, 2, 4),
        node("Mul", ["bright", "scale"], "score"),
        node("Reshape", ["score", "column"], "scores"),
        node("Concat", ["boxes", "scores"], "dets", axis=2),
    ]
    constants = {
        "halves": integers(1, 3, 64, 2, 32),
        "scale": np.array([0.01], np.float32),
        "column": integers(1, 2, 1),
        "boxes": np.array([[[0, 0, 32, 64], [32, 0, 64, 64]]], np.float32),
    }
    return network(path, nodes, constants, {"picture": (1, 3, 64, 64)}, {"dets": (1, 2, 5)})


def classes_network(path):
    """As YOLOX without its last step: of 84 places of a picture of 64 x 64 one holds a person, and one a car."""
    answer = np.zeros((1, 84, 85), np.float32)
    answer[0, 9, :6] = [0, 0, np.log(4), np.log(6), 1, 0.9]  # at (8, 8) of steps of 8: 32 wide, 48 high
    answer[0, 12, :8] = [0, 0, np.log(2), np.log(2), 1, 0, 0, 0.9]
    nodes = [node("Identity", ["answer"], "output")]
    return network(path, nodes, {"answer": answer}, {"images": (1, 3, 64, 64)}, {"output": (1, 84, 85)})


@pytest.fixture(scope="session")
def rtmlib():
    """The interpreter of the environment, which is made first."""
    pytest.importorskip("filelock")
    try:
        find_uv("rtmlib")
        return estimators.RTMLIB.python(print)
    except UserError as error:
        pytest.skip(str(error))


def frame(*squares, size=(64, 64), half=2):
    """Black, with bright squares around (x, y)."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y in squares:
        image[max(0, y - half) : y + half, max(0, x - half) : x + half] = 255
    return image


def detected(rtmlib, images, weights, detector=None):
    """What the worker answers to pictures."""
    from pose_core.estimation.video import VideoFrame

    estimator = estimators.rtmw(weights, detector)
    with estimator.start(print) as worker:
        assert (worker.keypoints, worker.dims, worker.several) == (133, 2, detector is not None)
        frames = [VideoFrame(i, 1, image) for i, image in enumerate(images)]
        return [people for people, _ in worker.detect(frames, images[0].shape[1::-1])]


@pytest.mark.slow
def test_keypoints_lie_where_the_network_sees_them(rtmlib, tmp_path):
    weights = pose_network(tmp_path / "pose.onnx")
    places = [(12, 8), (50, 44), (150, 100)]
    images = [frame(place, size=(200, 120), half=8) for place in places]
    answers = detected(rtmlib, [*images, frame(size=(200, 120))], weights)
    for (x, y), people in zip(places, answers, strict=False):
        assert people.shape == (1, 133, 3)
        # The box is the picture and a quarter more, as high as the network's: a pixel of it is 10 wide.
        np.testing.assert_allclose(people[0, :, 0], x, atol=11)
        np.testing.assert_allclose(people[0, :, 1], y, atol=11)
        assert ((people[0, :, 2] > 0) & (people[0, :, 2] <= 1)).all()
    np.testing.assert_array_equal(answers[3], 0)  # nobody: no place where the network answers more than 0


@pytest.mark.slow
def test_a_detector_finds_the_people_of_a_frame(rtmlib, tmp_path):
    weights, detector = pose_network(tmp_path / "pose.onnx"), detector_network(tmp_path / "det.onnx")
    left, right = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    left[:, :32], right[:, 32:] = 128, 128
    left[20:24, 8:12], right[40:44, 50:54] = 255, 255
    none, one, both = detected(rtmlib, [np.zeros_like(left), left, left + right], weights, detector)
    assert [len(none), len(one), len(both)] == [0, 1, 2]
    np.testing.assert_allclose(one[0, 0, :2], (10, 22), atol=4)
    np.testing.assert_allclose(both[:, 0, :2], [(10, 22), (52, 42)], atol=4)


@pytest.mark.slow
def test_of_all_classes_a_detector_knows_people_count(rtmlib, tmp_path):
    weights, detector = pose_network(tmp_path / "pose.onnx"), classes_network(tmp_path / "det.onnx")
    (people,) = detected(rtmlib, [frame((12, 12))], weights, detector)
    assert len(people) == 1
    np.testing.assert_allclose(people[0, 0, :2], (12, 12), atol=4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: pose_network(path, keypoints=17), "estimates 17 keypoints, not COCO-WholeBody's 133"),
        (lambda path: pose_network(path, keypoints=26), "estimates 26 keypoints"),
        (lambda path: pose_network(path, outputs=1), r"answers \(1, 133, 48\), no SimCC of x and y"),
        (lambda path: pose_network(path, split=3), "answers 72 x 96 places for a picture of 24 x 32"),
        (lambda path: pose_network(path, channels=1), r"takes picture \['N', 1, 32, 24\], not one picture of a fixed"),
        (lambda path: pose_network(path, size=(24, 4000)), "not one picture of a fixed size"),
        (lambda path: classes_network(path), r"answers \(1, 84, 85\), no SimCC"),
        (lambda path: path.write_bytes(pose_network(path).read_bytes()[:300]), "not an ONNX model that can be opened"),
        (lambda path: path.write_bytes(b""), "not an ONNX model"),
        (lambda path: path.write_text("<html>not found</html>"), "not an ONNX model"),
    ],
)
def test_other_files_are_refused_in_one_line(rtmlib, tmp_path, make, problem):
    make(tmp_path / "a.onnx")
    with pytest.raises(UserError, match=problem) as raised:
        estimators.rtmw(tmp_path / "a.onnx").start(print)
    assert str(raised.value).startswith(str(tmp_path / "a.onnx"))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500 + len(str(tmp_path))


@pytest.mark.slow
def test_a_detector_that_is_none_is_refused(rtmlib, tmp_path):
    weights = pose_network(tmp_path / "pose.onnx")
    estimator = estimators.rtmw(weights, weights)
    with pytest.raises(UserError, match=r"pose\.onnx: answers \(1, 133, 48\), .*; a YOLOX model is needed"):
        estimator.start(print)


@pytest.mark.slow
def test_the_command_writes_coco_wholebody(rtmlib, tmp_path):
    weights = pose_network(tmp_path / "pose.onnx")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 200, 120, "yuv420p"
        for i in range(8):
            image = frame((40 + 10 * i, 60), size=(200, 120), half=8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    command = [sys.executable, "-m", "pose_core", "estimate", str(tmp_path / "a.mp4"), "--estimator", "rtmw"]
    done = subprocess.run([*command, "--weights", str(weights)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    poses = read(tmp_path / "a.pose")
    assert poses.skeleton == known_skeleton(133, 2)
    assert (len(poses), poses.fps, poses.size) == (8, 25, (200, 120, 0))
    np.testing.assert_allclose(poses.keypoints[:, 0, 0], 40 + 10 * np.arange(8), atol=11)
    assert (np.diff(poses.keypoints[:, 0, 0]) >= 0).all()


def people_video(path, *columns):
    """A video of 16 frames; in each column somebody as red as its number says, or None."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=25, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for i in range(16):
            image = np.zeros((48, 64, 3), np.uint8)
            for number_, reds in enumerate(columns):
                if (red := reds[i % len(reds)]) is not None:
                    image[:, 32 * number_ : 32 * number_ + 32, 0] = red
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


def test_of_several_people_one_is_taken(tmp_path, estimate):
    people_video(tmp_path / "a.mp4", [60], [None, *[200] * 15])  # the second is larger, and not there at first
    options = (tmp_path / "a.mp4", "--estimator", "rtmw", "--detector", "d.onnx", "--output", tmp_path / "a.pose")
    with pytest.warns(InputWarning, match=r"a\.mp4: 2 people; taking person 1 \(seen in 94% of frames\); --person"):
        code, said, messages = estimate(*options, people=2)
    assert code == 0, messages
    assert "16 frames at 25 fps, 3 points, nobody visible in 1" in said
    poses = read(tmp_path / "a.pose")
    np.testing.assert_allclose(poses.keypoints[1], [[8, 0], [28, 0], [8, 20]], atol=0.2)
    assert (poses.confidence[:, 0] > 0).tolist() == [False, *[True] * 15]
    code, _, messages = estimate(*options, "--overwrite", "--person", 0, people=2)
    assert code == 0, messages
    np.testing.assert_allclose(read(tmp_path / "a.pose").keypoints[5], [[0, 0], [6, 0], [0, 6]], atol=0.2)
    (tmp_path / "a.pose").unlink()
    code, _, messages = estimate(*options, "--person", 2, people=2)
    assert code == 2
    assert "a.mp4: has 2 persons, counted from 0; there is no person 2" in messages
    assert not (tmp_path / "a.pose").exists()


def test_one_person_and_nobody(tmp_path, estimate):
    people_video(tmp_path / "a.mp4", [60, None, 100])
    people_video(tmp_path / "b.mp4", [None])
    options = ("--estimator", "rtmw", "--detector", "d.onnx", "--output", tmp_path)
    code, _, messages = estimate(tmp_path / "a.mp4", tmp_path / "b.mp4", *options, people=2)
    assert code == 3, messages
    assert "b.mp4: nobody is visible in its 16 frames" in messages
    poses = read(tmp_path / "a.pose")
    assert (poses.confidence[:, 0] > 0).tolist() == [i % 3 != 1 for i in range(16)]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--estimator", "rtmw"], "--estimator rtmw needs --weights FILE, RTMW's or DWPose's weights; rtmlib's"),
        (["--estimator", "rtmw", "--weights", "w.onnx"], "w.onnx: no such file; rtmlib's documentation lists them"),
        (["--estimator", "rtmw", "--weights", "."], ".: not a file"),
        (["--estimator", "rtmw", "--weights", "a.zip"], "a.zip: not an ONNX file; rtmlib's documentation lists them"),
        (["--estimator", "rtmw", "--weights", "a.onnx", "--detector", "d.onnx"], "d.onnx: no such file; rtmlib's"),
        (["--estimator", "rtmw", "--weights", "a.onnx", "--person", "0"], "--person needs --detector FILE"),
        (["--estimator", "rtmw", "--complexity", "2"], "--complexity is MediaPipe's"),
        (["--estimator", "rtmw", "--face", "refined"], "--face is MediaPipe's"),
        (["--weights", "a.onnx"], "--weights is of --estimator rtmw"),
        (["--person", "1"], "--person is of --estimator rtmw; MediaPipe Holistic follows one person"),
    ],
)
def test_options_that_do_not_fit(tmp_path, estimate, monkeypatch, arguments, problem):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "a.zip", "a.onnx"):
        Path(name).write_bytes(b"x")
    code, _, messages = estimate("a.mp4", *arguments)
    assert code == 2
    assert problem in messages
