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

Column = Annotated[
    str | None,
    typer.Option(
        "--column", help="Column of the HamNoSys in a .csv, by name or number; default: by its name or what it holds."
    ),
]
LAYOUT = "holistic_50"  # that of `signing.layouts`, for which `--help` need not wait


def sign(
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            help="Pose file or picture, by suffix, of all signs in a row, may be given several times; a folder, for a "
            "clip per sign; or -.",
        ),
    ],
    options: JsonBatchOptions,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            help="Signs: HamNoSys, in Unicode or as symbol names (hamfist ...) in quotes; files (.sigml, .xml, .csv, "
            ".txt), folders, glob patterns, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            help="The same of files, folders, patterns or - alone, a clip per sign; may be given several times.",
            show_default=False,
        ),
    ] = None,
    column: Column = None,
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
            help="Keypoints: holistic_50, holistic_75, holistic_178, holistic_543, holistic_553, holistic_576, "
            "holistic_586, openpose_135, openpose_137, coco_17, coco_wholebody_133, alphapose_136 or halpe_26.",
        ),
    ] = LAYOUT,
    captions: Annotated[
        bool, typer.Option("--captions/--no-captions", help="Caption pictures with the signs' names.")
    ] = True,
    format: cl.OutputFormat = "pose",
) -> None:
    """Sign HamNoSys or SiGML by its rules, without a model: signs in a row, or into a folder a clip per sign."""
    if bool(text) == bool(file):
        raise typer.BadParameter("give either signs or --file")
    from text_to_pose.hamnosys.sources import read_sources
    from text_to_pose.sign_commands import SigningOptions, sign_each, sign_texts

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
    if file or (len(output) == 1 and _is_folder(output[0])):
        if len(output) != 1:
            raise typer.BadParameter("--file writes to one folder: give one --output")
        if str(output[0]) == "-":
            raise typer.BadParameter("--file writes a file per sign, and standard output takes one: name a folder")
        sources = read_sources(file or text or [], column, files=bool(file))
        batch = sign_each(sources, output[0], signing, jobs, format=format or "pose")
        cl.report(batch, lambda signed: signed.line(), json=options.json)
        return
    if options.skip_existing and all(path.exists() for path in output):
        say(f"{output[0]}: exists, and is left as it is")
        return
    signed = sign_texts(text or [], output, signing, column=column)
    if options.json:
        print_json([signed])
        return
    print(signed.line(), file=sys.stderr if Path("-") in output else sys.stdout)


def _is_folder(output: Path) -> bool:
    return str(output) != "-" and (output.is_dir() or not output.suffix)


def explain(
    text: Annotated[
        list[str],
        typer.Argument(
            help="HamNoSys, in Unicode or as symbol names (hamfist ...); files (.sigml, .xml, .csv, .txt), folders, "
            "glob patterns, or - for standard input."
        ),
    ],
    column: Column = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain HamNoSys or SiGML in plain English, a line per part of the sign; --json adds the tree."""
    from text_to_pose.hamnosys.as_json import as_json
    from text_to_pose.hamnosys.explain import explain as explain_sign
    from text_to_pose.hamnosys.sigml.reader import BadSign
    from text_to_pose.hamnosys.sources import read_sources

    signs = [sign for source in read_sources(text, column) for sign in source.signs]
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
        cl.flush()
        raise BatchError(f"{len(bad)} of {len(signs)} signs could not be read", [str(sign.error) for sign in bad])
