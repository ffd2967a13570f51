"""Poses of videos by the server of `app`, by an estimator that only looks at colors."""

import sys
from types import SimpleNamespace

import av
import numpy as np
import pytest

from pose_core import read
from pose_core.estimation.estimators import Estimator
from text_to_pose.app import videos
from text_to_pose.app.requests import EstimateRequest
from text_to_pose.app.work_queue import GivenUpError

GREEN, BLACK = (40, 200, 40), (0, 0, 0)
WORKER = """
import av
import numpy as np
from pose_core.estimation.workers import protocol

class Fake:
    poses = {"keypoints": 133, "dims": 2}

    def __init__(self, settings):
        pass

    def begin(self, width, height):
        pass

    def estimate(self, image):
        row = [image[0, 0, 0], image[0, 0, 1], 1] if image.max() > 8 else [0, 0, 0]
        return np.tile(row, (133, 1))

protocol.serve(Fake)
"""


def video(path, color, frames=5):
    """A video of one color, as bytes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(frames):
            picture = np.full((48, 64, 3), color, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


@pytest.fixture
def estimator(monkeypatch, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    here = SimpleNamespace(python=lambda say: sys.executable, repair="mend it", damage=None, installed=True)
    monkeypatch.setattr(videos, "holistic", lambda: Estimator("Fake", here, str(script)))
    return here


@pytest.fixture(scope="module")
def client(serving, service):
    with serving(service) as client:
        yield client


def test_a_video_is_answered_with_its_poses(client, estimator, tmp_path):
    answer = client.post("/api/estimate", content=video(tmp_path / "a.mp4", GREEN))
    assert answer.status_code == 200, answer.text
    assert (answer.headers["frames"], answer.headers["model"]) == ("5", "Fake")
    (tmp_path / "a.pose").write_bytes(answer.content)
    sequence = read(tmp_path / "a.pose")
    assert (len(sequence), sequence.fps, sequence.size[:2]) == (5, 25.0, (64, 48))
    assert sequence.confidence.min() == 1
    np.testing.assert_allclose(sequence.keypoints[..., 1], 200, atol=4)
    described = client.post("/api/estimate?format=json", content=video(tmp_path / "b.mkv", GREEN, 2)).json()
    assert (described["frames"], len(described["keypoints"][0])) == (2, 133)
    assert client.get("/api/models").json()["videos"] is True


def test_what_is_no_video_of_anybody_is_refused(client, estimator, person, refusal, tmp_path):
    for content, part in ((person, "video"), (b"\0" * 500, "video"), (video(tmp_path / "e.mp4", BLACK), "nobody")):
        status, message = refusal(client.post("/api/estimate", content=content))
        assert (status, part in message) == (422, True), message
    assert refusal(client.post("/api/estimate", content=b""))[0] == 400
    assert refusal(client.post("/api/estimate?person=1", content=person))[0] == 400


def test_too_long_a_video_is_refused_before_it_is_estimated(estimator, monkeypatch, tmp_path):
    monkeypatch.setattr("text_to_pose.app.files.MOST_FRAMES", 4)
    with pytest.raises(videos.UserError, match="5 frames"):
        videos.estimate(EstimateRequest(), video(tmp_path / "a.mp4", GREEN))


def test_a_video_that_nobody_waits_for_is_given_up(estimator, tmp_path):
    seen = []

    def on_frames():
        seen.append(1)
        if len(seen) == 3:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        videos.estimate(EstimateRequest(), video(tmp_path / "a.mp4", GREEN, 50), on_frames)
    assert len(seen) == 3


def test_nothing_is_installed_by_a_request(client, estimator, refusal):
    estimator.installed = False
    status, message = refusal(client.post("/api/estimate", content=b"some"))
    assert (status, "pose-core estimate" in message) == (501, True)
    assert client.get("/api/models").json()["videos"] is False
