"""`text-to-pose web`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_core import command_line as cl
from pose_core.command_line import Debug, Json, Overwrite, print_json


def web(
    output: Annotated[Path, typer.Option("--output", help="Output folder of the page.")],
    checkpoint: cl.Checkpoint = "fingerspelling",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a web page that signs letters and words in the visitor's browser; any static server serves it."""
    from text_to_pose.web.site import write_site

    site = write_site(checkpoint, output, overwrite=overwrite)
    if json:
        print_json(site)
        return
    print(f"{output}: {site.size / 1e6:.1f} MB; try it with: python -m http.server --directory {output}")
