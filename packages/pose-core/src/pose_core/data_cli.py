"""The commands of `pose-core` that make data sets: cut, pack, unpack, stats."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pose_core.batch_options import JsonBatchOptions
from pose_core.command_line import DataSets, Debug, Json, OutputFormat, Overwrite, Split, print_json, report, say
from pose_core.cut_options import CuttingOptions
from pose_core.reading_options import ReadingOptions

Face = Annotated[
    Literal["full", "contour", "none"],
    typer.Option("--face", help="Face keypoints to use; contour: lips, eyes, eyebrows and oval of MediaPipe's mesh."),
]


def cut(
    cutting: CuttingOptions,
    reading: ReadingOptions,
    options: JsonBatchOptions,
    files: Annotated[
        list[str] | None, typer.Argument(help="Pose files, folders or glob patterns that the segments are of.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for clips and manifest.")] = None,
    list_tiers: Annotated[bool, typer.Option("--list-tiers", help="Print the tiers of --segments only.")] = False,
    format: OutputFormat = "pose",
) -> None:
    """Cut pose files into clips by ELAN tiers or subtitles, with a manifest that `pack` and `train` take."""
    from pose_core.commands.cutting import cut_files, tiers_of

    if list_tiers:
        tiers = tiers_of(cutting.segments)
        if options.json:
            print_json(tiers)
            return
        for each in tiers:
            print(each.line())
        return
    if not files or output is None:
        raise typer.BadParameter("name the pose files to cut, and the folder for clips with --output")
    batch = cut_files(files, cutting.segments, output, cutting.cutting(format), reading.reading, options.jobs(output))
    report(batch, lambda file: file.line(), json=options.json)


def pack(
    data: DataSets,
    output: Annotated[Path, typer.Option("--output", help="Folder for the shards and their index.")],
    shard_megabytes: Annotated[int, typer.Option("--shard-megabytes", min=1, help="Approximate shard size.")] = 256,
    keep_going: Annotated[
        bool, typer.Option("--keep-going/--no-keep-going", help="Skip clips that cannot be read and continue.")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Pack data sets into tar shards (WebDataset layout), for data too large for single files."""
    from pose_core.commands.preprocessing import pack_data

    shards = pack_data(
        *data, folder=output, shard_bytes=shard_megabytes << 20, keep_going=keep_going, overwrite=overwrite, say=say
    )
    if json:
        print_json(shards)
        return
    for shard in shards:
        print(f"{output / shard.file}: {shard.clips} clips, {shard.frames} frames of split {shard.split}")


def unpack(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of clips (.pt, .npz, .safetensors, .tar, .parquet, .arrow), or saved `datasets`."),
    ],
    output: Annotated[Path, typer.Option("--output", help="Folder for the clips and their manifest, index.csv.")],
    reading: ReadingOptions,
    options: JsonBatchOptions,
    column: Annotated[str | None, typer.Option("--column", help="Column of the poses, of rows with several.")] = None,
    text_column: Annotated[str | None, typer.Option("--text-column", help="Column of what is signed.")] = None,
    signed_language: Annotated[
        str | None, typer.Option("--signed-language", help="Of all clips, ISO 639-3; default: as the file says.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Of all clips: train, validation or test; default: as the file says.")
    ] = None,
) -> None:
    """Make a .pose file of each clip of files that hold many, and a manifest for `pack`, `train` and `evaluate`."""
    from pose_core.commands.unpacking import unpack_files
    from pose_core.data.rows import RowColumns

    batch = unpack_files(
        files,
        output,
        options.jobs(output),
        reading=reading.reading,
        columns=RowColumns(text_column, signed_language, split),
        column=column,
    )
    report(batch, lambda clip: f"{clip.output}: {clip.clip}", json=options.json)
    if not options.json and len(batch.done) > 1:
        print(f"{output / 'index.csv'}: {len(batch.done)} clips")


def stats(
    data: DataSets,
    output: Annotated[Path, typer.Option("--output", help="JSON file that `transforms.Statistics.load` reads.")],
    split: Split = "train",
    raw: Annotated[bool, typer.Option("--raw", help="Keep the files' units; default: shoulder widths.")] = False,
    face: Face = "contour",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compute mean and standard deviation per component, and of hands relative to their wrists, in one pass."""
    from pose_core.atomic_files import check_output
    from pose_core.commands.preprocessing import data_statistics

    check_output(output, overwrite=overwrite)
    statistics = data_statistics(*data, split=split, normalized=not raw, face=face)
    statistics.save(output, overwrite=overwrite)
    if json:
        print_json(statistics)
        return
    from_wrists = {f"{name} from its wrist": hand for name, hand in statistics.hands_from_wrists.items()}
    for name, component in (statistics.components | from_wrists).items():
        mean, std = (" ".join(f"{value:9.4f}" for value in values) for values in (component.mean, component.std))
        print(f"{name:40} {component.count:10} points  mean {mean}  std {std}")
