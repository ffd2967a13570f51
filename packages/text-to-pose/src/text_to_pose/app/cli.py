"""`text-to-pose app`."""

from __future__ import annotations

from typing import Annotated

import typer

from pose_core import command_line as cl
from pose_core.command_line import Debug

LOCAL = "127.0.0.1"


def serve(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; any other than this machine's own is open to others.")
    ] = LOCAL,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any that is free.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            help="Further name or address by which the server is called; may be given several times.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="Model folder, bundled name or hub id, may be given several times; default: those that are bundled.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Requests that are worked on at once.")] = 2,
    waiting: Annotated[
        int, typer.Option("--waiting", min=0, max=1000, help="Requests that may wait; more are refused with 503.")
    ] = 16,
    timeout: Annotated[
        float,
        typer.Option("--timeout", min=1, max=cl.ONE_HOUR, callback=cl.check_number, help="Seconds per request."),
    ] = 60.0,
    max_upload: Annotated[
        int, typer.Option("--max-upload", min=1, max=1000, help="Largest file that may be sent, in MB.")
    ] = 20,
    debug: Debug = False,
) -> None:
    """Serve the page of `web` and a JSON API with the models behind it, on this machine."""
    from text_to_pose.app.running import check_installed, run_server

    check_installed()
    from text_to_pose.app.server import Limits

    limits = Limits(workers, waiting, timeout, max_upload * 1_000_000)
    run_server(checkpoint or None, host, port, allow_host or [], limits, debug=debug)
