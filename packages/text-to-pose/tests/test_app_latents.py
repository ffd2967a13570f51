"""Latents of the server of `app`, where ht-vae is installed beside it."""

import io
import json

import numpy as np
import pytest

from text_to_pose.app import latents

THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"


@pytest.fixture(scope="module")
def client(serving, service):
    with serving(service) as client:
        yield client


def test_latents_are_those_of_ht_vae(client, tmp_path):
    commands = pytest.importorskip("ht_vae.commands")
    poses = client.post("/api/sign", json={"text": THANKS}).content
    (tmp_path / "a.pose").write_bytes(poses)
    commands.encode_files([tmp_path / "a.pose"], tmp_path / "a.npz", commands.InputOptions())
    answer = client.post("/api/latents", content=poses)
    assert answer.status_code == 200, answer.text
    sizes = json.loads(answer.headers["sizes"])
    assert (sizes["bytes_before"], sizes["bytes_after"]) == (len(poses), len(answer.content))
    as_json = client.post("/api/latents?format=json", content=poses).json()
    with np.load(tmp_path / "a.npz") as expected, np.load(io.BytesIO(answer.content)) as found:
        assert set(expected.files) == set(found.files) == set(as_json)
        assert sizes["numbers"] == expected["whole_mean"].size + expected["chunk_mean"].size
        assert (sizes["frames"], str(expected["model"])) == (expected["frames"], answer.headers["model"])
        np.testing.assert_allclose(found["whole_mean"], expected["whole_mean"], atol=1e-4)
        np.testing.assert_allclose(as_json["chunk_mean"], expected["chunk_mean"], atol=1e-4)


def test_latents_of_what_is_no_pose_file(client, person, refusal):
    pytest.importorskip("ht_vae")
    assert refusal(client.post("/api/latents", content=person[:100]))[0] == 422
    assert refusal(client.post("/api/latents?format=exe", content=person))[0] == 400
    assert refusal(client.post("/api/latents", content=b""))[0] == 400
    assert refusal(client.post("/api/latents", content=b"0" * 200_001))[0] == 413


def test_latents_without_ht_vae_are_not_implemented(client, monkeypatch, refusal):
    monkeypatch.setattr(latents, "NEIGHBOUR", "no_such_package")
    latents._vae.cache_clear()
    status, message = refusal(client.post("/api/latents", content=b"some"))
    assert (status, "ht-vae" in message) == (501, True)
    assert client.get("/api/models").json()["latents"] is False
