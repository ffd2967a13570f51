"""The command of `text-to-pose` that makes training data from notation."""

from pathlib import Path
from typing import Annotated

import typer

from pose_core.command_line import Debug, Json, Overwrite, check_seed, print_json, say
from pose_core.errors import BatchError
from pose_core.progress import progress
from pose_core.texts import counted
from text_to_pose.sign_cli import Column


def synthesize(
    texts: Annotated[
        list[str],
        typer.Option(
            "--texts",
            help="Signs in HamNoSys or SiGML: files (.sigml, .xml, .csv, .txt with a sign a line), folders, patterns, "
            "or - for standard input; may be given several times.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder for the shards and the list of their clips.")],
    column: Column = None,
    people: Annotated[int, typer.Option("--people", min=1, max=10**9, help="How many people sign.")] = 200,
    clips_per_sign: Annotated[
        int, typer.Option("--clips-per-sign", min=1, help="How often each sign to train on is signed; the others once.")
    ] = 2,
    cameras: Annotated[
        int, typer.Option("--cameras", min=1, help="Cameras that film it: a clip each, of signs to train on.")
    ] = 2,
    new_signs: Annotated[
        int, typer.Option("--new-signs", min=0, help="Signs to train on besides, put together from parts of the texts.")
    ] = 0,
    left_handed: Annotated[
        float, typer.Option("--left-handed", min=0, max=1, help="Share of people who sign with the left hand.")
    ] = 0.1,
    in_flow: Annotated[
        float,
        typer.Option("--in-flow", min=0, max=1, help="Share of clips that begin where another sign ends, not at rest."),
    ] = 0.25,
    fps: Annotated[float, typer.Option("--fps", min=1, max=240, help="Frames per second.")] = 25.0,
    layout: Annotated[str, typer.Option("--layout", help="Layout of the poses, as `pose-core convert` knows it.")] = (
        "holistic_50"
    ),
    estimator: Annotated[
        bool,
        typer.Option("--estimator/--no-estimator", help="Jitter, lost hands and blurred depth, as an estimator has."),
    ] = True,
    seed: Annotated[int, typer.Option("--seed", callback=check_seed, help="Of everything that is drawn.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that sign.")] = 1,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make training data from notation: signs by many people before many cameras, in shards.

    A sign is in the train, validation or test split by its hash, so that it is never trained on and tested with. The
    same command goes on where an interrupted one stopped.
    """
    from text_to_pose.synthesis.clips import ClipSettings
    from text_to_pose.synthesis.shards import number_of_parts
    from text_to_pose.synthesis.shards import synthesize as make
    from text_to_pose.synthesis.texts import new_texts, read_texts

    signs, wrong = read_texts(texts, column)
    if new_signs:
        signs += new_texts(signs, new_signs, seed)
    settings = ClipSettings(seed, people, clips_per_sign, cameras, left_handed, in_flow, fps, layout, estimator)
    say(f"{', '.join(texts)}: {counted(len(signs), 'sign')}")
    with progress(number_of_parts(signs), "made") as begun:
        made = make(signs, output, settings, workers=workers, overwrite=overwrite, begun=begun)
    if made.found:
        say(f"{output}: holds this data set already; nothing is left to do")
    failures = [*map(str, wrong), *made.failed]
    if json:
        print_json({"shards": made.shards, "failed": failures})
    else:
        for shard in made.shards:
            print(f"{output / shard.file}: {shard.clips} clips, {shard.frames} frames of split {shard.split}")
    if failures:
        raise BatchError(f"{len(failures)} of {len(signs) + len(wrong)} signs could not be made", failures)
