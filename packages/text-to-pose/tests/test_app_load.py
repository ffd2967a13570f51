import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from text_to_pose.app.files import Answer
from text_to_pose.app.server import Limits, create_app
from text_to_pose.app.work_queue import BusyError, GivenUpError, WorkQueue

THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"


class Slow:
    """A service whose work goes on until it is let go."""

    def __init__(self):
        self.go_on, self.begun = threading.Event(), threading.Semaphore(0)

    def describe(self):
        return {}

    def sign(self, request, person):
        self.begun.release()
        assert self.go_on.wait(60)
        return Answer(b"done", "text/plain", "done.txt")


def test_beyond_its_places_a_server_refuses_and_health_is_answered_meanwhile(serving, refusal):
    slow = Slow()
    with serving(slow, workers=2, waiting=3) as client, ThreadPoolExecutor(5) as threads:
        answers = [threads.submit(client.post, "/api/sign", json={"text": "x"}) for _ in range(5)]
        for _ in range(2):
            assert slow.begun.acquire(timeout=60)
        while client.get("/healthz").json()["requests"] < 5:
            pass
        refused = client.post("/api/sign", json={"text": "x"})
        assert (refusal(refused)[0], int(refused.headers["retry-after"]) > 0) == (503, True)
        slow.go_on.set()
        assert [answer.result().status_code for answer in answers] == [200] * 5
        assert client.get("/healthz").json()["requests"] == 0


def test_what_takes_too_long_is_given_up_and_keeps_its_place_until_it_ends(serving, refusal):
    slow = Slow()
    with serving(slow, workers=1, waiting=0, timeout=0.05) as client:
        assert refusal(client.post("/api/sign", json={"text": "x"}))[0] == 504
        assert refusal(client.post("/api/sign", json={"text": "x"}))[0] == 503
        slow.go_on.set()
        while client.get("/healthz").json()["requests"]:
            pass
        assert client.post("/api/sign", json={"text": ""}).status_code == 400


class Stepping(Slow):
    """A service whose work goes from step to step until one of them ends it."""

    def generate(self, request, person, on_step):
        self.begun.release()
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            on_step()
            time.sleep(0.001)


def test_a_generation_that_takes_too_long_stops_at_its_next_step(serving, refusal):
    stepping = Stepping()
    with serving(stepping, workers=1, waiting=0, timeout=0.2) as client:
        for _ in range(2):  # the only thread is free again, or the second would be refused
            assert refusal(client.post("/api/generate", json={"text": "x"}))[0] == 504
            assert stepping.begun.acquire(timeout=30)
            ends = time.monotonic() + 30
            while client.get("/healthz").json()["requests"]:
                assert time.monotonic() < ends


def test_a_generation_whose_client_leaves_stops_at_its_next_step():
    stepping, said = Stepping(), []
    app = create_app(stepping, None, hosts=["testserver"], limits=Limits(workers=1, waiting=0, timeout=60))
    headers = [(b"host", b"testserver"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/api/generate", "query_string": b"", "headers": headers}

    async def leave():
        messages = asyncio.Queue()
        messages.put_nowait({"type": "http.request", "body": b'{"text": "x"}'})

        async def say(message):
            said.append(message)

        request = asyncio.create_task(app(scope, messages.get, say))
        assert await asyncio.to_thread(stepping.begun.acquire, timeout=30)
        messages.put_nowait({"type": "http.disconnect"})
        await request

    begun = time.monotonic()
    asyncio.run(leave())
    assert said[0]["status"] == 400
    with TestClient(app, base_url="http://testserver") as client:
        while client.get("/healthz").json()["requests"]:
            assert time.monotonic() < begun + 30


def test_a_server_that_ends_gives_up_what_it_does():
    queue = WorkQueue(1, 0, 60)
    with queue.place() as place:
        place.check()
        queue.close()
        with pytest.raises(GivenUpError):
            place.check()


def test_work_that_has_not_begun_in_time_never_begins(serving, refusal):
    slow = Slow()
    with serving(slow, workers=1, waiting=1, timeout=0.05) as client:
        assert refusal(client.post("/api/sign", json={"text": "x"}))[0] == 504
        assert refusal(client.post("/api/sign", json={"text": "x"}))[0] == 504
        assert client.get("/healthz").json()["requests"] == 1
        slow.go_on.set()
        while client.get("/healthz").json()["requests"]:
            pass
    assert slow.begun.acquire(blocking=False)
    assert not slow.begun.acquire(blocking=False)


def test_an_unforeseen_error_is_one_line(capsys, serving, refusal):
    class Broken:
        def sign(self, request, person):
            raise ZeroDivisionError("oh\nno")

    with serving(Broken()) as client:
        status, message = refusal(client.post("/api/sign", json={"text": "x"}))
        assert client.get("/healthz").json()["requests"] == 0
    assert (status, "oh" in message) == (500, False)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ZeroDivisionError: oh no" in line


def test_a_place_is_given_back_where_the_body_is_refused():
    queue = WorkQueue(1, 0, 1)
    with pytest.raises(ValueError, match="body"), queue.place():
        raise ValueError("body")
    with queue.place():
        assert queue.taken == 1
        with pytest.raises(BusyError), queue.place():
            pass
    assert queue.taken == 0
    queue.close()


@pytest.mark.slow
def test_of_200_requests_at_once_each_is_answered_or_refused(service, page, person, serving, refusal):
    kinds = [
        lambda client: client.post("/api/sign", json={"text": THANKS}),
        lambda client: client.post("/api/generate", json={"text": "h", "signed_language": "ase", "steps": 1}),
        lambda client: client.post("/api/sign", data={"text": THANKS}, files={"start_frame": person}),
        lambda client: client.post("/api/sign", data={"text": THANKS}, files={"start_frame": person[:500]}),
        lambda client: client.post("/api/sign", content=b"{", headers={"Content-Type": "application/json"}),
        lambda client: client.post("/api/tokens", content=b"0" * 1_000_000),
        lambda client: client.post("/api/sign", json={"text": "hello"}),
        lambda client: client.get("/../../etc/passwd"),
        lambda client: client.get("/api/models", headers={"Host": "evil.example"}),
        lambda client: client.get("/healthz"),
    ]
    expected = [(200, 503)] * 3 + [(422, 503), (400, 503), (413, 503), (422, 503), (404,), (400,), (200,)]
    with serving(service, page, waiting=30) as client, ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda number: kinds[number % 10](client), range(200)))
        for number, answer in enumerate(answers):
            assert answer.status_code in expected[number % 10]
            if answer.status_code != 200:
                refusal(answer)
        assert client.get("/healthz").json()["requests"] == 0
        assert client.post("/api/sign", json={"text": THANKS}).status_code == 200


# The command


def test_without_the_extra_its_name_is_said(cli, one_line, monkeypatch):
    from text_to_pose.app import running

    monkeypatch.setattr(running, "EXTRA", ("starlette", "no_such_package"))
    status, _, err = cli("app")
    assert (status, "no-such-package: pip install 'text-to-pose[app]'" in one_line(err)) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "192.0.2.1"], "cannot listen there"),
        (["--host", "no such host"], "no address"),
        (["--port", "0", "--checkpoint", "nowhere"], "nowhere"),
        (["--port", "0", "--checkpoint", "notation", "--checkpoint", "notation"], "another model"),
    ],
)
def test_servers_that_cannot_be_started(cli, one_line, options, message):
    status, _, err = cli("app", *options)
    assert (status, message in one_line(err)) == (2, True)


def test_a_port_that_is_taken(cli, one_line):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, err = cli("app", "--port", port)
    assert (status, f"--port {port}" in one_line(err)) == (2, True)


@pytest.mark.slow
def test_a_server_runs_until_it_is_interrupted():
    command = [sys.executable, "-m", "text_to_pose", "app", "--port", "0", "--checkpoint", "notation"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        no_page, line = server.stderr.readline(), server.stderr.readline()
        address = line.partition(": ")[0]
        with urllib.request.urlopen(f"{address}/healthz") as answer:
            assert json.load(answer)["status"] == "ok"
        server.terminate()
        assert server.stderr.read() == ""
    assert "no page" in no_page
    assert address.startswith("http://127.0.0.1:")
