"""What a request brings: fields and a file, read piece by piece and refused before there is too much of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import Message

Fields = TypeVar("Fields", bound=BaseModel)
MOST_TEXT_BYTES = 1 << 16  # of fields
SECONDS_TO_SEND = 30.0
FORM = "multipart/form-data"


async def read_body(request: Request, most: int) -> bytes:
    """The whole body.

    Args:
        request: whose.
        most: bytes.

    Raises:
        HTTPException: it has more, or takes longer than `SECONDS_TO_SEND`.
    """
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            return await limited(request, most).body()
    except TimeoutError as error:
        raise _too_slow() from error


async def read_fields(request: Request, fields: type[Fields], file: str, most: int) -> tuple[Fields, bytes | None]:
    """The fields of a JSON object; or of a form, which may bring a file, too.

    Args:
        request: whose.
        fields: what they are.
        file: what the form calls the file.
        most: bytes of the file.

    Raises:
        HTTPException: another content type, something that is no form, too much, or too slow.
        ValidationError: other fields, or values that they do not have.
    """
    kind = _content_type(request)
    if kind == "application/json":
        return fields.model_validate_json(await read_body(request, MOST_TEXT_BYTES)), None
    if kind != FORM:
        raise HTTPException(415, f"send application/json, or {FORM} with a file")
    try:
        async with (
            asyncio.timeout(SECONDS_TO_SEND),
            limited(request, most + MOST_TEXT_BYTES).form(
                max_files=1, max_fields=len(fields.model_fields), max_part_size=MOST_TEXT_BYTES
            ) as form,
        ):
            items = form.multi_items()
            if len({name for name, _ in items}) < len(items):
                raise HTTPException(400, "a field is there twice")
            sent = {name: value for name, value in items if isinstance(value, UploadFile)}
            data = await sent.pop(file).read() if file in sent else None
    except TimeoutError as error:
        raise _too_slow() from error
    if sent:
        raise HTTPException(400, f"the file is to be called {file}")
    if data is not None and len(data) > most:
        raise _too_large(most)
    values = {name: value for name, value in items if name != file}
    return fields.model_validate(values), data


async def read_file(request: Request, most: int) -> bytes:
    """A body that is a file.

    Raises:
        HTTPException: as `read_body`; it is a form, or empty.
    """
    if _content_type(request) == FORM:
        raise HTTPException(415, "send the file itself as the body (curl --data-binary @FILE)")
    data = await read_body(request, most)
    if not data:
        raise HTTPException(400, "the body is empty; send the file as the body (curl --data-binary @FILE)")
    return data


def limited(request: Request, most: int) -> Request:
    """The request, whose body is refused from the byte on that is one too many, or at once where its length says so.

    Raises:
        HTTPException: its length says so.
    """
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise HTTPException(400, "Content-Length is no number")
    if int(length[:20]) > most:
        raise _too_large(most)
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return Request(request.scope, receive)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"too large; at most {most:,} bytes are taken")


def _too_slow() -> HTTPException:
    return HTTPException(408, f"the body did not come within {SECONDS_TO_SEND:g} s")
