import asyncio
import json

import numpy as np
import pytest

from pose_core import read
from text_to_pose.app import requests, tokens
from text_to_pose.app.server import Limits, create_app
from text_to_pose.app.work_queue import GivenUpError
from text_to_pose.text.hamnosys import hamnosys_text

HELLO = {"text": "hello", "signed_language": "ase"}
THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"
UPLOAD = 200_000


@pytest.fixture(scope="module")
def client(serving, service, page):
    with serving(service, page) as client:
        yield client


def poses_of(response, tmp_path):
    assert response.status_code == 200, response.text
    path = tmp_path / "answer.pose"
    path.write_bytes(response.content)
    return read(path)


def assert_same(sequence, expected):
    assert (sequence.fps, sequence.size, sequence.skeleton) == (expected.fps, expected.size, expected.skeleton)
    np.testing.assert_array_equal(sequence.confidence, expected.confidence)
    np.testing.assert_allclose(sequence.keypoints, expected.keypoints, atol=1e-3)


# What is answered


def test_health_and_models(client):
    assert client.get("/healthz").json() == {"status": "ok", "requests": 0}
    described = client.get("/api/models").json()
    letters, notation = described["models"]
    assert (letters["name"], letters["texts"], notation["name"]) == ("fingerspelling", "letters", "notation")
    assert len(letters["languages"]) == 19
    assert set(described["samplers"]) == {"refinement", "diffusion"}
    assert described["limits"]["steps"] == requests.MOST_STEPS


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, []),
        (
            {"steps": 2, "guidance": 1.5, "sampler": "diffusion", "seed": 3, "letters_per_second": 6},
            ["--steps", "2", "--guidance", "1.5", "--sampler", "diffusion", "--seed", "3", "--letters-per-second", "6"],
        ),
        ({"style": "citation", "steps": 2}, ["--style", "citation", "--steps", "2"]),
    ],
)
def test_texts_are_those_of_generate(client, cli, tmp_path, settings, options):
    text = {"text": "ho", "signed_language": "ase"}
    made = poses_of(client.post("/api/generate", json=text | settings), tmp_path)
    status, _, err = cli("generate", "ho", "--signed-language", "ase", *options, "--output", tmp_path / "cli.pose")
    assert status == 0, err
    assert_same(made, read(tmp_path / "cli.pose"))


@pytest.mark.parametrize("sampler", ["refinement", "diffusion"])
def test_a_generation_ends_at_the_step_that_says_so(service, sampler):
    steps = []

    def on_step():
        steps.append(1)
        if len(steps) == 2:
            raise GivenUpError

    asked = {"text": "h", "signed_language": "ase", "steps": 5, "sampler": sampler}
    with pytest.raises(GivenUpError):
        service.generate(requests.GenerateRequest(**asked), None, on_step)
    assert len(steps) == 2
    service.generate(requests.GenerateRequest(**asked), None)
    assert len(steps) == 2, "the next generation is its own"


def test_a_person_who_is_sent_signs(client, cli, tmp_path, person):
    form = {"text": "h", "signed_language": "ase", "frame": "3", "steps": "2"}
    made = poses_of(client.post("/api/generate", data=form, files={"start_frame": person}), tmp_path)
    options = ["--steps", "2", "--start-frame", f"{tmp_path / 'person.pose'}:3", "--output", tmp_path / "cli.pose"]
    status, _, err = cli("generate", "h", "--signed-language", "ase", *options)
    assert status == 0, err
    assert_same(made, read(tmp_path / "cli.pose"))


def test_notation_is_signed_by_its_rules_or_by_the_model_that_is_named(client, cli, tmp_path):
    cli("sign", THANKS, "--speed", "2", "--output", tmp_path / "rules.pose")
    signed = client.post("/api/sign", json={"text": THANKS, "speed": 2})
    assert signed.headers["model"] == "rules"
    assert_same(poses_of(signed, tmp_path), read(tmp_path / "rules.pose"))
    assert client.post("/api/generate", json={"text": THANKS}).headers["model"] == "rules"
    by_model = client.post("/api/generate", json={"text": THANKS, "checkpoint": "notation", "steps": 1})
    assert by_model.headers["model"] == "notation"
    assert len(poses_of(by_model, tmp_path)) == int(by_model.headers["frames"])


def test_signs_in_a_row_on_another_layout_by_somebody_else(client, tmp_path, person):
    form = {"text": f"{THANKS}\n\n{THANKS}", "layout": "holistic_75", "fps": "50"}
    one = client.post("/api/sign", json={"text": THANKS, "fps": 50})
    both = poses_of(client.post("/api/sign", data=form, files={"start_frame": person}), tmp_path)
    assert (both.skeleton.num_keypoints, both.fps) == (75, 50)
    assert len(both) > int(one.headers["frames"])


def test_what_could_not_be_signed_as_written_is_said(client):
    across = "hamsymmlr hamflathand hamextfingerd hampalmu hamlrat hamhead hamtouch"  # nobody's palms face up there
    signed = client.post("/api/sign", json={"text": across, "format": "json"})
    assert signed.status_code == 200, signed.text
    remarks = signed.json()["remarks"]
    assert remarks
    assert all("could not be signed as written" in remark for remark in remarks)


def test_poses_as_json_have_null_where_a_keypoint_is_missing(client, tmp_path):
    asked = {"text": "h", "signed_language": "ase", "steps": 1}
    expected = poses_of(client.post("/api/generate", json=asked), tmp_path)
    values = client.post("/api/generate", json={**asked, "format": "json"}).json()
    assert values["frames"] == len(values["keypoints"]) == len(expected)
    for points, frame, seen in zip(values["keypoints"], expected.keypoints, expected.confidence > 0, strict=True):
        assert [point is not None for point in points] == seen.tolist()
        np.testing.assert_allclose([point for point in points if point], frame[seen], atol=0.01)


def test_tokens_and_back(client, tmp_path):
    pytest.importorskip("pose_tokenizer")
    poses = client.post("/api/sign", json={"text": THANKS}).content
    packed = client.post("/api/tokens", content=poses)
    sizes = json.loads(packed.headers["sizes"])
    assert (sizes["bytes_before"], sizes["bytes_after"]) == (len(poses), len(packed.content))
    as_json = client.post("/api/tokens?format=json", content=poses)
    assert len(as_json.json()["codes"]) > 0
    assert client.post("/api/tokens?format=text", content=poses).text.split()
    back, again = (client.post("/api/poses", content=each.content) for each in (packed, as_json))
    assert back.content == again.content
    assert len(poses_of(back, tmp_path)) == sizes["frames"]


def test_tokens_without_pose_tokenizer_are_not_implemented(client, monkeypatch, refusal):
    monkeypatch.setattr(tokens, "NEIGHBOUR", "no_such_package")
    tokens._tokenizer.cache_clear()
    for path in ("/api/tokens", "/api/poses"):
        status, message = refusal(client.post(path, content=b"some"))
        assert (status, "pose-tokenizer" in message) == (501, True)
    assert client.get("/api/models").json()["tokens"] is False


def test_the_page_and_its_files(client, page):
    start = client.get("/")
    assert '<meta name="api" content="api/">' in start.text
    assert start.headers["content-security-policy"] == page.policy
    assert page.policy in start.text
    assert client.get("/worker.js").headers["content-type"].startswith("text/javascript")
    for name, (content, _) in page.files.items():
        assert client.get(f"/{name}").content == content


# What is refused


def test_fields_that_are_wrong(client, refusal):
    for changed, field in (
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"text": "h" * (requests.MOST_CHARACTERS + 1)}, "text"),
        ({"steps": requests.MOST_STEPS + 1}, "steps"),
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"guidance": "strong"}, "guidance"),
        ({"guidance": -1}, "guidance"),
        ({"letters_per_second": 1e9}, "letters_per_second"),
        ({"seed": 2**63}, "seed"),
        ({"sampler": "magic"}, "sampler"),
        ({"style": None}, "style"),
        ({"format": "exe"}, "format"),
        ({"frame": -1}, "frame"),
        ({"start_frame": "/etc/passwd"}, "start_frame"),
        ({"output": "/x.pose"}, "output"),
    ):
        status, message = refusal(client.post("/api/generate", json=HELLO | changed))
        assert (status, message.partition(":")[0]) == (400, field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"text": NaN}',
        b'{"text": "\\ud800", "signed_language": "ase"}',
        b'{"text": "h", "guidance": NaN, "signed_language": "ase"}',
        b'{"text": "h", "guidance": 1e999, "signed_language": "ase"}',
        b"[" * 50_000,
        b'{"text": "h", "text"',
    ],
)
def test_bodies_that_are_no_json_of_that_kind(client, body, refusal):
    status, _ = refusal(client.post("/api/generate", content=body, headers={"Content-Type": "application/json"}))
    assert status == 400


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("text/plain", b"hello", 415),
        ("application/x-www-form-urlencoded", b"text=hello", 415),
        ("", b"hello", 415),
        ("multipart/form-data", b"hello", 400),
        ("multipart/form-data; boundary=x", b"hello", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--x--\r\n", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a: b\r\n" * 5000, 400),
        ("multipart/form-data; boundary=x; charset=unicode_escape", None, 400),
    ],
)
def test_bodies_of_another_kind(client, kind, body, expected, refusal):
    if body is None:
        body = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\\ud800\r\n--x--\r\n'
    status, _ = refusal(client.post("/api/generate", content=body, headers={"Content-Type": kind}))
    assert status == expected


def test_forms_with_files_that_do_not_belong(client, person, refusal):
    for files, message in (
        ([("other", person)], "start_frame"),
        ([("start_frame", person), ("start_frame", person)], "Too many files"),
        ([("start_frame", person), ("text", (None, b"a"))], "twice"),
        ([(f"f{n}", (None, b"a")) for n in range(50)], "Too many fields"),
    ):
        answer = refusal(client.post("/api/generate", data=HELLO, files=files))
        assert (answer[0], message in answer[1]) == (400, True)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("generate", HELLO | {"signed_language": ""}, "signed_language"),
        ("generate", HELLO | {"signed_language": "xyz"}, "xyz"),
        ("generate", HELLO | {"text": "ñ"}, "borrow_letters"),
        ("generate", HELLO | {"text": "..."}, "no letter"),
        ("generate", HELLO | {"text": " "}, "empty"),
        ("generate", HELLO | {"text": "ho" * 60}, "at most 100"),
        ("generate", HELLO | {"checkpoint": "/etc/passwd"}, "no model"),
        ("generate", HELLO | {"checkpoint": "../models/fingerspelling"}, "no model"),
        ("generate", HELLO | {"checkpoint": "someone/model"}, "no model"),
        ("generate", HELLO | {"checkpoint": "notation"}, ""),
        ("generate", {"text": "hello", "checkpoint": "notation"}, "HamNoSys"),
        ("generate", {"text": "hamflathandd hampalmu"}, "hamflathand"),
        ("sign", {"text": "hello"}, "HamNoSys"),
        ("sign", {"text": "/etc/passwd"}, "HamNoSys"),
        ("sign", {"text": "-"}, "HamNoSys"),
        ("sign", {"text": "\n"}, "empty"),
        ("sign", {"text": "\x00"}, "HamNoSys"),
        ("sign", {"text": THANKS, "layout": "../etc"}, "unknown layout"),
        ("sign", {"text": f"{THANKS} hamrepeatfromstart" * 12}, ""),
        ("sign", {"text": hamnosys_text(["hamfist", *["hamseqbegin"] * 900])}, ""),
        ("sign", {"text": hamnosys_text(["hamparbegin"] * 900)}, ""),
        ("sign", {"text": f"{THANKS}\n{THANKS}", "speed": 0.1, "fps": 100, "format": "json"}, "JSON"),
    ],
)
def test_texts_that_cannot_be_signed(client, path, body, message, refusal):
    status, said = refusal(client.post(f"/api/{path}", json=body))
    assert (status, message in said, "--" in said) == (422, True, False)


def test_poses_that_are_none(client, person, refusal):
    for data in (b"", b"none", person[:100], person[:-8], b"\x00" * 1000, person[:40] + b"\xff" * 60 + person[100:]):
        status, said = refusal(client.post("/api/sign", data={"text": THANKS}, files={"start_frame": data}))
        assert (status, said.startswith("start_frame.pose")) == (422, True)
    status, said = refusal(client.post("/api/generate", data=HELLO | {"frame": "12"}, files={"start_frame": person}))
    assert (status, "no frame 12" in said) == (422, True)


def test_tokens_that_are_none(client, person, refusal):
    pytest.importorskip("pose_tokenizer")
    packed = client.post("/api/tokens", content=client.post("/api/sign", json={"text": THANKS}).content)
    good = client.post(
        "/api/tokens?format=json", content=client.post("/api/sign", json={"text": THANKS}).content
    ).json()
    endless = json.dumps(good | {"frames": 10**12, "empty_frames": 10**12 - good["frames"]}).encode()
    for data in (b"STOK", packed.content[:-3], b"1 2 3", b"{}", b"[" * 50_000, endless, person):
        status, _ = refusal(client.post("/api/poses", content=data))
        assert status == 422
    assert refusal(client.post("/api/tokens", content=packed.content))[0] == 422
    assert refusal(client.post("/api/tokens?format=exe", content=person))[0] == 400
    assert refusal(client.post("/api/tokens", content=b""))[0] == 400
    assert refusal(client.post("/api/tokens", files={"file": person}))[0] == 415


def test_too_much_is_refused_before_it_is_read(client, serving, refusal):
    assert refusal(client.post("/api/tokens", content=b"0" * (UPLOAD + 1)))[0] == 413
    assert (
        refusal(client.post("/api/sign", content=b"0" * 70_000, headers={"Content-Type": "application/json"}))[0] == 413
    )
    with serving(None) as other:
        status, _ = refusal(other.post("/api/tokens", content=b"", headers={"Content-Length": "9" * 30}))
        assert status == 413
        assert refusal(other.post("/api/tokens", content=b"", headers={"Content-Length": "many"}))[0] == 400


def test_a_body_of_unknown_length_is_refused_at_its_limit():
    pieces, sent = [], []

    async def receive():
        pieces.append(10_000)
        return {"type": "http.request", "body": b"0" * 10_000, "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/tokens",
        "headers": [(b"host", b"here")],
        "query_string": b"",
    }
    app = create_app(None, None, hosts=["here"], limits=Limits(upload=UPLOAD))
    asyncio.run(app(scope, receive, send))
    assert (sent[0]["status"], sum(pieces)) == (413, UPLOAD + 10_000)


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/model/../../cli.py",
        "/page.py",
        "/model/config.json",
        "/model\\model.json",
        "/index.html%00",
        "/api",
        "/api/unknown",
    ],
)
def test_no_file_is_opened_by_the_name_of_a_request(client, path, refusal):
    assert refusal(client.get(path))[0] == 404


def test_other_methods_and_no_page(client, serving, refusal):
    for method, path, allowed in (
        ("GET", "/api/generate", "POST"),
        ("DELETE", "/api/tokens", "POST"),
        ("POST", "/api/models", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ):
        answer = client.request(method, path)
        said = f"{path} takes {allowed.replace(', ', ' and ')}, not {method}"
        assert (*refusal(answer), answer.headers["allow"]) == (405, said, allowed)
    assert refusal(client.get("/api/unknown")) == (404, "there is no such page")
    with serving(None) as alone:
        assert refusal(alone.get("/"))[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "", "testserver@evil", "[::1", "testserver:x"]
)
def test_requests_to_another_host_are_refused(client, host, refusal):
    for path in ("/healthz", "/api/models", "/"):
        assert refusal(client.get(path, headers={"Host": host}))[0] == 400


@pytest.mark.parametrize("host", ["testserver", "TESTSERVER:8000", "[::1]", "[::1]:80"])
def test_requests_to_this_host_are_answered(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_cannot_have_anything_signed(client, refusal):
    for origin in ("http://evil.example", "null", "http://testserver:1", "http://["):
        status, _ = refusal(client.post("/api/sign", json={"text": THANKS}, headers={"Origin": origin}))
        assert status == 403
    own = client.post("/api/sign", json={"text": THANKS}, headers={"Origin": "http://testserver"})
    assert own.status_code == 200


def test_every_answer_has_the_headers_of_security(client):
    answers = [client.get("/"), client.get("/healthz"), client.get("/none"), client.get("/", headers={"Host": "evil"})]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in answer.headers
