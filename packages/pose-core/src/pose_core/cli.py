"""The `pose-core` command: inspect, convert, draw, compare and check pose files, prepare data."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from pose_core.batch_options import BatchOptions, JsonBatchOptions
from pose_core.command_line import (
    Debug,
    Json,
    KeepGoing,
    OutputFormat,
    PoseFiles,
    new_app,
    print_json,
    report,
    run,
    say,
)
from pose_core.data_cli import Face, cut, pack, stats, unpack
from pose_core.estimation.options import CameraOptions, EstimatorOptions, Output, ResumingBatchOptions, Videos, Workers
from pose_core.reading_options import Layout, MinConfidence, Person, ReadingOptions

if TYPE_CHECKING:
    from pose_core.transforms.rotation import Degrees

app = new_app("Pose files: inspect, convert, draw and compare them; prepare data for training.")

Start = Annotated[str | None, typer.Option("--start", help="First frame: 50, or 2s for seconds.")]
End = Annotated[str | None, typer.Option("--end", help="Frame to stop before: 100, or 4.5s.")]


@app.command()
def info(
    files: PoseFiles,
    reading: ReadingOptions,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Describe pose files: format, frames, keypoints, and the share that is missing."""
    from pose_core.commands.inspection import inspect
    from pose_core.errors import BatchError, UserError
    from pose_core.formats import READERS
    from pose_core.inputs import find_inputs, local_files

    found, failed = [], []
    inputs = find_inputs(files, READERS)
    with local_files(inputs) as paths:
        for path, given in zip(paths, inputs, strict=True):
            try:
                found.append(inspect(path, **asdict(reading.reading), name=given.name))
            except UserError as error:  # the others are still worth looking into
                failed.append(str(error).replace(str(path), given.name))
                found.append({"path": given.name, "error": failed[-1]})
                if len(inputs) > 1:
                    say(f"Error: {failed[-1]}")
            else:
                if not json:
                    print("\n".join(found[-1].lines()))
    if json:
        print_json(found)
    if failed and len(inputs) == 1:
        raise UserError(failed[0])
    if failed:
        raise BatchError(f"{len(failed)} of {len(inputs)} files cannot be read", [])


@app.command(renamed={"--suffix": "--format"})
def convert(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="IN... OUT",
            help="Pose files or folders; then a file (.pose, .npz, .csv), folder or -.",
        ),
    ],
    reading: ReadingOptions,
    options: JsonBatchOptions,
    start: Start = None,
    end: End = None,
    resample_to: Annotated[
        float | None, typer.Option("--resample", min=0.001, max=1e6, help="Resample to this frame rate.")
    ] = None,
    rotation: Annotated[
        Literal["90", "180", "270"] | None,
        typer.Option("--rotate", help="Turn the picture by so many degrees clockwise, as of a clip filmed sideways."),
    ] = None,
    pose_version: Annotated[float, typer.Option("--pose-version", help="Version of .pose outputs: 0.2 or 0.1.")] = 0.2,
    format: OutputFormat = "pose",
) -> None:
    """Convert pose files to another format or layout, turn or cut them; `-` is standard input or output."""
    *sources, last = paths
    if not sources:
        raise typer.BadParameter("name a pose file and the file to write")
    output = Path(last)
    jobs = options.jobs(output)
    arguments: dict[str, object] = {
        **asdict(reading.reading),
        "start": _position(start),
        "end": _position(end),
    }
    from pose_core.commands.conversion import convert_files
    from pose_core.jobs import JobOptions

    if len(sources) == 1 and not Path(sources[0]).is_dir():  # done at once
        jobs = replace(jobs, progress=JobOptions().progress)
    batch = convert_files(
        sources,
        output,
        arguments,
        jobs,
        format=format or "pose",
        resample_to=resample_to,
        rotation=cast("Degrees | None", rotation and int(rotation)),
        pose_version=pose_version,
    )
    report(batch, lambda f: f"{f.output}: {f.frames} frames at {f.fps:g} fps, {f.points} points", json=options.json)


@app.command()
def estimate(
    estimator: EstimatorOptions,
    camera: CameraOptions,
    options: ResumingBatchOptions,
    videos: Videos = None,
    output: Output = None,
    workers: Workers = 1,
) -> None:
    """Estimate poses from videos or a camera, by MediaPipe Holistic or RTMW; the first call installs it."""
    jobs = options.jobs(output)
    camera.check(videos, output)
    from pose_core.commands.estimation import estimate_files, record

    if camera.camera is not None and output is not None:
        with camera.opened() as opened:
            settings = {"overwrite": options.overwrite, "person": estimator.person, "say": say}
            recorded = record(opened, output, estimator.chosen(), **settings)
        print_json([recorded]) if options.json else print(recorded.line)
        return
    batch = estimate_files(
        videos or [],
        output,
        estimator.chosen(workers),
        jobs,
        skip_existing=options.skip_existing,
        workers=workers,
        crop=estimator.part,
        person=estimator.person,
    )
    report(batch, lambda each: each.line, json=options.json)


@app.command()
def render(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN... OUT", help="Pose files or folders, then the picture: .gif, .mp4, .png, .html, or a folder."
        ),
    ],
    reading: ReadingOptions,
    options: BatchOptions,
    start: Start = None,
    end: End = None,
    hands: Annotated[bool, typer.Option("--hands/--no-hands", help="Show magnified hands beside the signer.")] = True,
    format: OutputFormat = "gif",
) -> None:
    """Draw a pose file as GIF, MP4 or PNG strip; several side by side on an HTML page; or one picture per file."""
    *sources, output = paths
    if not sources:
        raise typer.BadParameter("name a pose file and the picture to write")
    if output.is_dir() or not output.suffix:
        from pose_core.commands.rendering import render_files

        arguments = {**asdict(reading.reading), "start": _position(start), "end": _position(end)}
        batch = render_files(sources, output, arguments, options.jobs(output), format=format or "gif", hands=hands)
        report(batch, lambda each: f"{each.output}: {each.seconds:.2f} s")
        return
    if len(sources) > 1 and output.suffix.lower() != ".html":
        raise typer.BadParameter(f"several poses are drawn side by side in .html only, not {output.suffix or output}")
    from pose_core.atomic_files import check_output
    from pose_core.inputs import Input, local_files
    from pose_core.rendering import write_html, write_picture
    from pose_core.transforms import clean

    check_output(output, overwrite=options.overwrite)
    first, last = _position(start), _position(end)
    with local_files([Input(source, source) for source in sources]) as files:
        sequences = {
            _unique_name(source, sources): clean(reading.reading.read(file, start=first, end=last))
            for source, file in zip(sources, files, strict=True)
        }
    if output.suffix.lower() == ".html":
        write_html(sequences, output, hands=hands, overwrite=options.overwrite)
    else:
        write_picture(*sequences.values(), output, hands=hands, overwrite=options.overwrite)
    print(f"{output}: {', '.join(f'{name} {clip.duration:.2f} s' for name, clip in sequences.items())}")


@app.command()
def compare(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="Reference: a pose file, or a folder of them.")],
    prediction: Annotated[Path, typer.Argument(metavar="PRED", help="Prediction: likewise, files of the same names.")],
    face: Face = "contour",
    person: Person = None,
    min_confidence: MinConfidence = 0.0,
    layout: Layout = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Score predicted against reference poses, per body part: MSE, MAE, RMSE, PCK, DTW-MJE, nDTW-MJE, acceleration."""
    from pose_core.commands.comparison import compare_files, compare_folders, lines, mean_parts, mean_scores
    from pose_core.errors import BatchError
    from pose_core.formats import is_clip_folder

    folders = [path.is_dir() and not is_clip_folder(path) for path in (reference, prediction)]
    if folders[0] != folders[1]:
        raise typer.BadParameter("compare two files or two folders")
    reading = {"person": person, "min_confidence": min_confidence, "layout": layout}
    if folders[0]:
        comparisons, failures = compare_folders(reference, prediction, say, face=face, **reading)
    else:
        comparisons, failures = [compare_files(reference, prediction, face=face, **reading)], []
    if json:
        print_json({"mean": mean_scores(comparisons), "parts": mean_parts(comparisons), "pairs": comparisons})
    else:
        print("\n".join(lines(comparisons)))
    if failures:
        total = len(comparisons) + len(failures)
        raise BatchError(f"{len(failures)} of {total} pairs cannot be compared; the means are of the others", failures)


@app.command()
def check(
    files: PoseFiles,
    reading: ReadingOptions,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 4 if a file has a problem.")] = False,
    keep_going: KeepGoing = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check anatomy: hands off their wrists, palms that grow, shoulders that tilt, joints bent the wrong way."""
    from pose_core.commands.checking import check_files
    from pose_core.errors import BatchError
    from pose_core.jobs import JobOptions

    batch = check_files(
        files,
        JobOptions(keep_going=keep_going, debug=debug),
        lambda lines: None if json else print("\n".join(lines)),
        **asdict(reading.reading),
    )
    wrong = sum(bool(each.problems) for each in batch.done)
    if json:
        print_json([*batch.done, *({"file": failure.file, "error": failure.error} for failure in batch.failed)])
    elif batch.total > 1:
        print(f"{wrong} of {len(batch.done)} files have problems")
    if batch.failed:
        raise BatchError(
            f"{len(batch.failed)} of {batch.total} files cannot be read; all others were checked",
            [failure.error for failure in batch.failed],
            ours=any(failure.ours for failure in batch.failed),
        )
    if strict and wrong:
        raise typer.Exit(4)


app.command()(cut)
app.command(renamed={"--skip": "--keep-going"})(pack)
app.command()(unpack)
app.command()(stats)


def _position(text: str | None) -> float | None:
    """A frame number as an int, or seconds as a float: "50", "2s", "2.5s"."""
    if text is None:
        return None
    try:
        return float(text[:-1]) if text.endswith("s") else int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no place in a file; write frames as 50, seconds as 2s") from None


def _unique_name(source: Path, sources: list[Path]) -> str:
    """The file's name, or its whole path where another has the same name."""
    if str(source) == "-":
        return "standard input"
    return source.stem if [other.stem for other in sources].count(source.stem) == 1 else str(source)


def main() -> None:
    """Entry point."""
    run(app, "pose-core")
