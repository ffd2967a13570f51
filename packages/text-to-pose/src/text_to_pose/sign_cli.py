"""The commands of `text-to-pose` that need no model: sign and explain notation."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from pose_core import command_line as cl
from pose_core.batch_options import JsonBatchOptions
from pose_core.command_line import Debug, Json, print_json, say
from pose_core.errors import BatchError
from pose_core.reading_options import check_layout

LAYOUT = "holistic_50"  # that of `signing.layouts`, for which `--help` need not wait


def sign(
    output: Annotated[
        list[Path],
        typer.Option(
            "--output", help="Output pose file or picture, by suffix, may be given several times; a folder; or -."
        ),
    ],
    options: JsonBatchOptions,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            help="Signs, one after the other: HamNoSys, in Unicode or as symbol names (hamfist ...) in quotes; "
            ".sigml or .csv files."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="File of signs, .sigml, .csv or text with a sign per line, each its own; --output is a folder.",
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", help="Column of the HamNoSys in a .csv; default: by name or content."),
    ] = None,
    person: Annotated[
        Path | None, typer.Option("--person", help="Pose file of the person whose body signs; default: a mean adult.")
    ] = None,
    dominant_hand: Annotated[
        Literal["auto", "left", "right"],
        typer.Option("--dominant-hand", help="Dominant hand to sign with; auto: that of --person, else the right one."),
    ] = "auto",
    speed: Annotated[
        float,
        typer.Option("--speed", min=0.1, max=10, callback=cl.check_number, help="Speed; 2 is twice as fast."),
    ] = 1.0,
    fps: Annotated[
        float, typer.Option("--fps", min=1, max=1000, callback=cl.check_number, help="Frames per second.")
    ] = 25.0,
    layout: Annotated[
        str,
        typer.Option(
            "--layout",
            callback=check_layout,
            help="Keypoints: holistic_50, holistic_178, holistic_543, coco_wholebody_133, ...",
        ),
    ] = LAYOUT,
    captions: Annotated[
        bool, typer.Option("--captions/--no-captions", help="Caption pictures with the signs' names.")
    ] = True,
    format: cl.OutputFormat = "pose",
) -> None:
    """Sign HamNoSys or SiGML by its rules, without a model: one sign, several in a row, or a file of signs."""
    if (not text) == (file is None):
        raise typer.BadParameter("give signs or --file, one of them")
    from text_to_pose.sign_commands import SigningOptions, sign_file, sign_texts

    signing = SigningOptions(
        person=person,
        speed=speed,
        fps=fps,
        layout=layout,
        dominant_hand=None if dominant_hand == "auto" else dominant_hand,
        captions=captions,
        overwrite=options.overwrite,
    )
    jobs = options.jobs(output[0])
    if file is not None:
        if len(output) != 1:
            raise typer.BadParameter("--file writes to one folder: give one --output")
        batch = sign_file(file, output[0], signing, jobs, column=column, format=format or "pose")
        cl.report(batch, lambda signed: signed.line(), json=options.json)
        return
    if column is not None:
        raise typer.BadParameter("--column is of --file")
    if options.skip_existing and all(path.exists() for path in output):
        say(f"{output[0]}: exists, and is left as it is")
        return
    signed = sign_texts(text or [], output, signing)
    if options.json:
        print_json([signed])
        return
    print(signed.line(), file=sys.stderr if Path("-") in output else sys.stdout)


def explain(
    text: Annotated[
        list[str],
        typer.Argument(help="HamNoSys, in Unicode or as symbol names (hamfist ...); a .sigml or .csv file; or -."),
    ],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain HamNoSys or SiGML in plain English, a line per part of the sign; --json adds the tree."""
    from text_to_pose.hamnosys.as_json import as_json
    from text_to_pose.hamnosys.explain import explain as explain_sign
    from text_to_pose.hamnosys.sigml.reader import BadSign
    from text_to_pose.hamnosys.sources import read_signs

    signs = read_signs(" ".join(text))
    good = [sign for sign in signs if not isinstance(sign, BadSign)]
    bad = [sign for sign in signs if isinstance(sign, BadSign)]
    if len(signs) == len(bad) == 1:
        raise bad[0].error
    if json:
        print_json([{"lines": [line._asdict() for line in explain_sign(sign)], "tree": as_json(sign)} for sign in good])
    else:
        for number, sign in enumerate(good):
            print("\n" * (number > 0), end="")
            print(*(f"{line.part:12}{line.text}" for line in explain_sign(sign)), sep="\n")
    if bad:
        sys.stdout.flush()
        raise BatchError(f"{len(bad)} of {len(signs)} signs could not be read", [str(sign.error) for sign in bad])
