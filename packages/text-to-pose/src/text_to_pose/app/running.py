"""A server, run until it is interrupted."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.notices import InputWarning
from pose_core.progress import say, warn
from text_to_pose.config import BUNDLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from text_to_pose.app.page import Page
    from text_to_pose.app.server import Limits
    from text_to_pose.app.service import Service

EXTRA = ("starlette", "uvicorn", "python_multipart")
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def check_installed() -> None:
    """Refuses to go on without what the extra has.

    Raises:
        UserError: naming it.
    """
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        names = " and ".join(name.replace("_", "-") for name in missing)
        raise UserError(f"the server needs {names}: pip install 'text-to-pose[app]'")


def run_server(
    checkpoints: Sequence[str] | None,
    host: str,
    port: int,
    further_hosts: Sequence[str],
    limits: Limits,
    *,
    debug: bool = False,
) -> None:
    """Serves until Ctrl-C or a signal to terminate.

    Args:
        checkpoints: models, as `load_model` takes them; the bundled ones when None.
        host, port: to listen at; port 0 is any that is free.
        further_hosts: names by which the server may be called, beside its own.
        limits: how much it does.
        debug: print tracebacks of unforeseen errors.

    Raises:
        UserError: a model that cannot be used, or an address that is none of this machine's, or taken.
    """
    import uvicorn

    from text_to_pose.app.server import create_app
    from text_to_pose.app.service import Service

    listening = _listen(host, port)
    with listening:
        warnings.filterwarnings("ignore", category=InputWarning)  # of requests, which nobody here has asked
        names = [*checkpoints] if checkpoints else [*BUNDLED]
        service = Service(names)
        page = _page(service, names)
        local = _is_local(host)
        own = [host] if local else [host, socket.gethostname()]
        app = create_app(service, page, hosts=[*LOCAL_NAMES, *own, *further_hosts], limits=limits, debug=debug)
        shown = f"[{host}]" if ":" in host else host
        if not local:
            warn(f"--host {host} is open to other machines: whoever reaches it can use it, without a password")
        say(f"http://{shown}:{listening.getsockname()[1]}: {', '.join(service.networks)}; Ctrl-C ends it")
        # What is no HTTP, or no form, is answered with 400 and needs no line in the log.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        settings = uvicorn.Config(
            app, ws="none", log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
        uvicorn.Server(settings).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UserError: the address is none of this machine's, or taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"--host {host}: no address of this machine ({error.strerror or error})") from error
    try:
        if os.name == "posix":  # elsewhere it would share the port with another server
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UserError(f"--host {host} --port {port}: cannot listen there ({error.strerror}); give another") from error
    return listening


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _page(service: Service, checkpoints: Sequence[str]) -> Page | None:
    """The page with the first model of letters; None, which is said, where it has no code for that."""
    from text_to_pose.app.page import load_page

    letters = [
        checkpoint
        for checkpoint, network in zip(checkpoints, service.networks.values(), strict=True)
        if network.tokenizer.kind == "letters"
    ]
    if not letters:
        say("there is no page, which needs a model of letters; the API is there")
        return None
    try:
        return load_page(letters[0])
    except UserError as error:
        say(f"there is no page ({error}); the API is there")
        return None
