"""Poses of another layout, and models by name, sent to the server of `app`."""

import json

import numpy as np
import pytest

from pose_core import PoseSequence, write
from pose_core.skeleton import LAYOUT_NAMES, known_skeleton

PATHS = [("tokens", "pose_tokenizer"), ("latents", "ht_vae")]


@pytest.fixture(scope="module")
def client(serving, service):
    with serving(service) as client:
        yield client


@pytest.fixture(scope="module")
def openpose(tmp_path_factory):
    """A `.pose` file of OpenPose's keypoints, as bytes."""
    skeleton = known_skeleton(LAYOUT_NAMES["openpose_137"], 2)
    keypoints = np.random.default_rng(0).uniform(100, 400, (8, 137, 2)).astype(np.float32)
    path = tmp_path_factory.mktemp("openpose") / "a.pose"
    write(PoseSequence(keypoints, np.ones((8, 137), np.float32), 25.0, skeleton, size=(512, 512, 0)), path)
    return path.read_bytes()


@pytest.mark.parametrize(("path", "neighbour"), PATHS)
def test_an_error_about_another_layout_advises_what_the_request_takes(client, openpose, refusal, path, neighbour):
    pytest.importorskip(neighbour)
    status, message = refusal(client.post(f"/api/{path}", content=openpose))
    assert (status, "layout holistic_178" in message) == (422, True)
    answer = client.post(f"/api/{path}?layout=holistic_178", content=openpose)
    assert (answer.status_code, json.loads(answer.headers["sizes"])["frames"]) == (200, 8)
    status, message = refusal(client.post(f"/api/{path}?layout=../etc", content=openpose))
    assert (status, "unknown layout" in message) == (422, True)


@pytest.mark.parametrize(("path", "neighbour"), PATHS)
def test_a_bundled_model_is_named_and_nothing_else_is_opened(client, openpose, refusal, path, neighbour):
    pytest.importorskip(neighbour)
    named = client.post(f"/api/{path}?layout=holistic_178&checkpoint=signing", content=openpose)
    assert (named.status_code, named.headers["model"]) == (200, "signing")
    for name in ("/etc/passwd", "../models/signing", "someone/model"):
        status, message = refusal(client.post(f"/api/{path}?checkpoint={name}", content=openpose))
        assert (status, "is not bundled" in message, "checkpoint: " in message) == (422, True, True)


def test_tokens_of_a_model_that_is_not_bundled_name_those_that_are(client, openpose, refusal):
    pytest.importorskip("pose_tokenizer")
    tokens = client.post("/api/tokens?layout=holistic_178&format=json", content=openpose).json()
    strange = tokens | {"model": "mine", "model_hash": "0" * 8}
    status, message = refusal(client.post("/api/poses", content=json.dumps(strange)))
    assert (status, "model mine" in message, "signing" in message) == (422, True, True)
