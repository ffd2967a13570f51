"""`text-to-pose export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_core import command_line as cl
from pose_core.command_line import Debug, Json, Overwrite, print_json, say
from pose_core.exporting import OPSET, OPSET_HELP


def export(
    output: Annotated[Path | None, typer.Option("--output", help="Output folder of the ONNX files.")] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="Write graphs without weights into the model's folder, for --backend onnx; no --output."
        ),
    ] = False,
    opset: Annotated[int, typer.Option("--opset", help=OPSET_HELP)] = OPSET,
    checkpoint: cl.Checkpoint = "fingerspelling",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Export a model to ONNX, for sampling with numpy and onnxruntime without torch."""
    if (output is None) != in_place:
        raise typer.BadParameter("give either --output or --in-place")
    from text_to_pose.export import export_checkpoint, export_in_place

    if output is None:
        exported = export_in_place(checkpoint, opset=opset, say=say)
    else:
        exported = export_checkpoint(checkpoint, output, opset=opset, overwrite=overwrite, say=say)
    if json:
        print_json(exported)
        return
    networks = {name: size for name, size in exported.files.items() if name.endswith(".onnx")}
    sizes = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in networks.items())
    print(f"{exported.output}: {sizes}; agrees with torch within {exported.difference:.1e}")
