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
    tokens: Annotated[
        bool, typer.Option("--tokens", help="With a tokenizer: poses as tokens, and back; needs pose-tokenizer.")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a web page that signs letters and words in the visitor's browser; any static server serves it."""
    from text_to_pose.web.site import write_site
    from text_to_pose.web.tokenizer_files import MODEL

    site = write_site(checkpoint, output, overwrite=overwrite, tokens=MODEL if tokens else None)
    if json:
        print_json(site)
        return
    later = f", {site.later / 1e6:.1f} of them loaded when tokens are asked for" if site.later else ""
    print(f"{output}: {site.size / 1e6:.1f} MB{later}; try it with: python -m http.server --directory {output}")
