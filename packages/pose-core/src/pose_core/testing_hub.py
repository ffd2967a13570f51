"""For tests: a stand-in for the Hugging Face Hub on this machine, which keeps what is uploaded in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

TOKEN = "hf_of_the_stand_in"
_API = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)(?P<rest>/.*)?")
_FILE = re.compile(r"/(?P<name>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)")


class HubStandIn(ThreadingHTTPServer):
    """The parts of the hub's HTTP interface by which models are uploaded, found and downloaded.

    Attributes:
        models: hub id -> file -> content.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models: dict[str, dict[str, bytes]] = {}

    def environment(self, home: Path, *, token: str | None = TOKEN) -> dict[str, str]:
        """Environment of a process that takes it for the hub, with caches in `home`, logged in by `token`."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{self.server_port}", "HF_HOME": str(home)}
        environment |= {"HF_HUB_ETAG_TIMEOUT": "60", "HF_HUB_DOWNLOAD_TIMEOUT": "60"}  # as on a machine with much to do
        return environment | ({} if token is None else {"HF_TOKEN": token})


@contextmanager
def hub_stand_in() -> Generator[HubStandIn]:
    """A stand-in that answers as long as the block runs."""
    with HubStandIn() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


def check_hub(package: str, model: str, folder: Path, home: Path) -> None:
    """A model folder goes to the hub by `models --push-to-hub`, and comes back by `from_pretrained` and `load_model`.

    Args:
        package: its module, "text_to_pose".
        model: its class of models, in its module `model`.
        folder: of the model.
        home: for the caches of the hub's client.
    """
    with hub_stand_in() as hub:

        def python(*arguments: str) -> str:
            ended = subprocess.run(
                [sys.executable, *arguments],
                env=hub.environment(home),
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert ended.returncode == 0, ended.stderr
            return ended.stdout

        python("-m", package, "models", str(folder), "--push-to-hub", "user/tiny", "--license", "mit")
        assert {"config.json", "model.safetensors", "README.md"} <= hub.models["user/tiny"].keys()
        code = "\n".join(
            (
                f"from {package}.model import {model}, load_model",
                f"one, other = {model}.from_pretrained('user/tiny'), load_model('user/tiny')",
                f"local = load_model({str(folder)!r})",
                "assert one.config == other.config == local.config",
                "state = local.state_dict()",
                "for name, value in [*one.state_dict().items(), *other.state_dict().items()]:",
                "    assert (value == state[name]).all(), name",
            )
        )
        python("-c", code)
        assert "user/tiny" in python("-m", package, "models")
        card = python("-m", package, "models", "user/tiny")
        assert "license: mit" in card
        assert f"library_name: {package.replace('_', '-')}" in card


class _Handler(BaseHTTPRequestHandler):
    @property
    def models(self) -> dict[str, dict[str, bytes]]:
        """See `HubStandIn`."""
        assert isinstance(self.server, HubStandIn)
        return self.server.models

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/whoami-v2":
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                self._answer({"name": "user", "type": "user"})
            else:
                self._answer({"error": "Invalid user token."}, 401)
        elif (found := _FILE.fullmatch(path)) is not None:
            files = self.models.get(found["name"], {})
            if found["file"] in files:
                self._answer(files[found["file"]], commit=_commit(files))
            else:
                self._answer({"error": "Entry not found"}, "EntryNotFound")
        elif (found := _API.fullmatch(path)) is not None and found["name"] in self.models:
            files = self.models[found["name"]]
            if (found["rest"] or "").startswith("/tree"):
                self._answer([{"type": "file", "path": name, "size": len(files[name]), "oid": "0"} for name in files])
                return
            siblings = [{"rfilename": name} for name in files]
            self._answer(
                {"id": found["name"], "sha": _commit(files), "siblings": siblings, "private": False, "tags": []}
            )
        else:
            self._answer({"error": "Repository not found"}, "RepoNotFound")

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = _API.fullmatch(self.path.partition("?")[0])
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid user token."}, 401)
        elif self.path == "/api/repos/create":
            asked = json.loads(sent)
            name = f"{asked.get('organization') or 'user'}/{asked['name']}"
            self.models.setdefault(name, {})
            self._answer({"url": f"http://{self.headers['Host']}/{name}", "id": name})
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif found is None:
            self._answer({"error": "not there"}, 404)
        elif (found["rest"] or "").startswith("/preupload"):
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in json.loads(sent)["files"]
            ]
            self._answer({"files": files})
        else:
            self._commit(found["name"], sent)

    def _commit(self, name: str, sent: bytes) -> None:
        files = self.models.setdefault(name, {})
        for line in map(json.loads, sent.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        url = f"http://{self.headers['Host']}/{name}/commit/{_commit(files)}"
        self._answer({"success": True, "commitOid": _commit(files), "commitUrl": url, "hookOutput": ""})

    def _answer(self, content: Any, status: int | str = 200, *, commit: str | None = None) -> None:
        """Answers with JSON, or a file of a commit; a status that is a name is the hub's of what is missing."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(404 if isinstance(status, str) else status)
        if isinstance(status, str):
            self.send_header("X-Error-Code", status)
        if commit is not None:
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _commit(files: dict[str, bytes]) -> str:
    """A commit's id: of its content."""
    return hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()
