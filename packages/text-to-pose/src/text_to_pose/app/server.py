"""The application: its routes, and how their work is done and answered."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from pose_core import UserError
from pose_core.errors import reason
from text_to_pose.app import latents, tokens, videos
from text_to_pose.app.bodies import read_fields, read_file
from text_to_pose.app.guard import Guard, refused
from text_to_pose.app.neighbours import NotInstalledError
from text_to_pose.app.requests import (
    DecodeRequest,
    EncodeRequest,
    EstimateRequest,
    GenerateRequest,
    LatentsRequest,
    SignRequest,
)
from text_to_pose.app.service import PERSON
from text_to_pose.app.work_queue import BusyError, WorkQueue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from pydantic import BaseModel
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from text_to_pose.app.files import Answer
    from text_to_pose.app.page import Page
    from text_to_pose.app.service import Service
    from text_to_pose.app.work_queue import Place

RETRY_AFTER = 5  # seconds
NO_PAGE = "there is no such page"


@dataclass(frozen=True)
class Limits:
    """How much a server does.

    Attributes:
        workers: requests that are worked on at once, a thread each.
        waiting: requests that wait for one of these.
        timeout: seconds until a request is given up.
        upload: largest file that may be sent, in bytes.
    """

    workers: int = 2
    waiting: int = 16
    timeout: float = 60.0
    upload: int = 20_000_000


def create_app(
    service: Service, page: Page | None, *, hosts: Sequence[str], limits: Limits | None = None, debug: bool = False
) -> Starlette:
    """The server as an ASGI application.

    Args:
        service: the models.
        page: what is served at `/`; None: the API alone.
        hosts: names and addresses by which the server may be called.
        limits: how much it does.
        debug: print tracebacks of unforeseen errors.
    """
    limits = limits or Limits()
    queue = WorkQueue(limits.workers, limits.waiting, limits.timeout)
    api = _Api(service, queue, limits)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        queue.close()

    calls = [
        Route("/models", api.models),
        Route("/generate", api.generate, methods=["POST"]),
        Route("/sign", api.sign, methods=["POST"]),
        Route("/tokens", api.encode, methods=["POST"]),
        Route("/poses", api.decode, methods=["POST"]),
        Route("/latents", api.latents, methods=["POST"]),
        Route("/estimate", api.estimate, methods=["POST"]),
    ]
    # Mounted, so that a GET of what takes POST does not go on to the page, which has no such file
    routes: list[BaseRoute] = [Route("/healthz", api.health), Mount("/api", routes=calls)]
    if page is not None:
        routes.append(Route("/{path:path}", partial(_serve_file, page)))
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, debug=debug)],
        exception_handlers={
            HTTPException: lambda request, error: _refused(error, request.method, request.url.path),
            ClientDisconnect: lambda *_: refused(400, "the connection was closed"),  # read by nobody
            ValidationError: lambda _, error: refused(400, reason(error).removeprefix(": ")),
            UserError: lambda _, error: refused(422, _as_fields(str(error))),
            RecursionError: lambda *_: refused(422, "the text is nested too deeply"),
            BusyError: lambda *_: refused(503, "too many requests; try again later", {"Retry-After": str(RETRY_AFTER)}),
            TimeoutError: lambda *_: refused(504, f"took more than {limits.timeout:g} s, and was given up"),
            NotInstalledError: lambda _, error: refused(501, str(error)),
        },
    )


class _Api:
    """The endpoints. Each takes a place before it reads a body, so that no more bodies are in memory than places."""

    def __init__(self, service: Service, queue: WorkQueue, limits: Limits) -> None:
        self.service, self.queue, self.limits = service, queue, limits

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "requests": self.queue.taken})

    async def models(self, _: Request) -> Response:
        beside = {"tokens": tokens.has_tokenizer(), "latents": latents.has_vae(), "videos": videos.has_estimator()}
        return JSONResponse({**self.service.describe(), **beside})

    async def generate(self, request: Request) -> Response:
        with self.queue.place() as place:
            fields, person = await read_fields(request, GenerateRequest, PERSON, self.limits.upload)
            return await self._done(request, place, partial(self.service.generate, fields, person, place.check))

    async def sign(self, request: Request) -> Response:
        with self.queue.place() as place:
            fields, person = await read_fields(request, SignRequest, PERSON, self.limits.upload)
            return await self._done(request, place, partial(self.service.sign, fields, person))

    async def encode(self, request: Request) -> Response:
        return await self._file(request, tokens.encode, EncodeRequest.model_validate(dict(request.query_params)))

    async def decode(self, request: Request) -> Response:
        return await self._file(request, tokens.decode, DecodeRequest.model_validate(dict(request.query_params)))

    async def latents(self, request: Request) -> Response:
        return await self._file(request, latents.encode, LatentsRequest.model_validate(dict(request.query_params)))

    async def estimate(self, request: Request) -> Response:
        with self.queue.place() as place:
            fields = EstimateRequest.model_validate(dict(request.query_params))
            data = await read_file(request, self.limits.upload)
            return await self._done(request, place, partial(videos.estimate, fields, data, place.check))

    async def _file(self, request: Request, work: Callable[[Any, bytes], Answer], fields: BaseModel) -> Response:
        with self.queue.place() as place:
            data = await read_file(request, self.limits.upload)
            return await self._done(request, place, partial(work, fields, data))

    async def _done(self, request: Request, place: Place, work: Callable[[], Answer]) -> Response:
        """The answer to a request whose body has been read; its work is given up where the client leaves.

        Raises:
            ClientDisconnect: it has left.
        """
        working = asyncio.ensure_future(self.queue.run(place, work))
        leaving = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientDisconnect
            return _answered(working.result())
        finally:
            working.cancel()
            leaving.cancel()


async def _left(request: Request) -> None:
    """Returns when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answered(answer: Answer) -> Response:
    about = {
        name: quote(value, safe=" !#$&'()*+,-./:;<=>?@[]^_{|}~\"") for name, value in answer.about.items() if value
    }
    disposition = f"attachment; filename*=UTF-8''{quote(answer.name)}"
    return Response(answer.content, media_type=answer.media_type, headers={"Content-Disposition": disposition, **about})


def _as_fields(message: str) -> str:
    """A message of the command line, whose options are fields here: `--borrow-letters` is `borrow_letters`."""
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", lambda option: option[1].replace("-", "_"), message)


def _refused(error: HTTPException, method: str, path: str) -> Response:
    """What is refused by its status, as where nothing takes a path or a method."""
    message, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        message = NO_PAGE
    elif error.status_code == 405:
        methods = sorted(headers["Allow"].split(", "))
        headers["Allow"] = ", ".join(methods)
        message = f"{path} takes {' and '.join(methods)}, not {method}"
    return refused(error.status_code, message, headers)


async def _serve_file(page: Page, request: Request) -> Response:
    found = page.files.get(request.path_params["path"])
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    return Response(content, media_type=media_type, headers={"Content-Security-Policy": page.policy})
