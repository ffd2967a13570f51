"""The `pose-encoders` command: check, load, call one function, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pose_core import command_line as cl
from pose_core.batch_options import FileOptions
from pose_core.command_line import Debug, Device, Json, Overwrite, new_app, print_json, run
from pose_core.models_command import add_models_command
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options

app = new_app("Pose encoders: train one, encode pose files to vectors, evaluate it.")

# Of this package, which brings no model, and whose models have no default.
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="Model folder or hub id.")]


@app.command()
def encode(
    files: cl.PoseFiles,
    checkpoint: Checkpoint,
    output: Annotated[Path, typer.Option("--output", help="Output .npz, folder for several files, or -.")],
    options: FileOptions,
) -> None:
    """Encode pose files: one vector per frame and one per clip."""
    from pose_encoders.commands import encode_files

    batch = encode_files(
        files, output, options.jobs(output), checkpoint=checkpoint, reading=options.reading, device=options.device
    )

    def line(each: Any) -> str:
        labels = ", ".join(f"{label} {share:.0%}" for label, share in each.labels.items())
        return f"{each.output}: {each.frames} frames of {each.dim} numbers{f'; {labels}' if labels else ''}"

    cl.report(batch, line, json=options.json)


@app.command(renamed=RENAMED_OPTIONS)
@training_options("pose-encoders")
def train(
    options: TrainingOptions,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="Column to classify by, text or signed_language; or hidden_frames, without labels."
        ),
    ] = None,
) -> None:
    """Train an encoder: to classify texts or languages, or without labels to predict hidden frames."""
    from pose_encoders.config import PRESETS, RunConfig

    config = options.load_config(RunConfig, PRESETS, fixed=("encoder", "fps", "face"), task=task)
    options.check_run(config)

    from pose_encoders.training import train

    options.run(train, config)


add_config_command(app, "pose-encoders")


@app.command()
def evaluate(
    data: cl.DataSets,
    checkpoint: Checkpoint,
    split: cl.Split = "validation",
    output: cl.Report = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Evaluate a model on a split: top-1 and top-5 accuracy, or the error of hidden frames."""
    from pose_core.reporting import CLIPS, METRICS, check_report, write_metrics, write_table

    if output is not None:
        check_report(output, (METRICS, CLIPS), overwrite=overwrite)

    from pose_encoders.evaluation import evaluate as evaluate_model
    from pose_encoders.model import load_model

    evaluation = evaluate_model(load_model(checkpoint, device), *data, split=split)
    scores = evaluation.scores
    metrics = {"checkpoint": checkpoint, "data": data, "split": split, "scores": scores}
    if output is not None:
        write_table(evaluation.clips, output, overwrite=overwrite)
        write_metrics(metrics, output, overwrite=overwrite)
    if json:
        print_json(metrics)
        return
    print(f"{scores.clips} clips; {scores.unknown_labels} more have a label that the model does not know")
    for name in ("top1", "top5", "majority", "hidden_frames"):
        value = getattr(scores, name)
        if value is not None:
            print(f"  {name:<14} {value:.3f}")


@app.command()
def info(checkpoint: Checkpoint, json: Json = False, debug: Debug = False) -> None:
    """Describe a model: its encoder, its poses' components, its labels."""
    from pose_encoders.model import load_model

    model = load_model(checkpoint, "cpu")
    config = model.config
    result = {
        "checkpoint": checkpoint,
        "encoder": config.encoder.model_dump(),
        "pool": config.pool,
        "parameters": sum(p.numel() for p in model.parameters()),
        "output_dim": model.encoder.output_dim,
        "fps": config.fps,
        "components": {component.name: len(component.points) for component in model.skeleton.components},
        "labels": config.labels,
    }
    if json:
        print_json(result)
        return
    for name, value in result.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {item}" for key, item in value.items())
        print(f"{name:<11} {shown}")


add_models_command(app, __file__)


def main() -> None:
    """Entry point of the `pose-encoders` script."""
    run(app, "pose-encoders")
