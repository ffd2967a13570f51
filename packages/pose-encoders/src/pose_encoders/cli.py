"""The `pose-encoders` command: check, load, call one function, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pose_core import command_line as cl
from pose_core.command_line import Debug, Device, Json, Overwrite, new_app, print_json, run, settings_of

app = new_app("Pose sequences to vectors: train an encoder, encode files, see how well it tells signs apart.")

# Of this package, which brings no model, and whose models have no default.
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="Model folder or hub id.")]


@app.command()
def encode(
    files: cl.PoseFiles,
    checkpoint: Checkpoint,
    output: Annotated[Path, typer.Option("--output", help="Output .npz, folder for several files, or -.")],
    person: cl.Person = None,
    min_confidence: cl.MinConfidence = 0.0,
    fps: cl.Fps = None,
    device: Device = "auto",
    skip_existing: cl.SkipExisting = False,
    keep_going: cl.KeepGoing = None,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Encode pose files: one vector per frame and one per clip."""
    from pose_core.formats.options import ReadOptions
    from pose_encoders.commands import encode_files

    options = cl.batch_options(
        output, overwrite=overwrite, skip_existing=skip_existing, keep_going=keep_going, json=json, debug=debug
    )
    reading = ReadOptions(person, min_confidence, fps)
    batch = encode_files(files, output, options, checkpoint=checkpoint, reading=reading, device=device)

    def line(each: Any) -> str:
        labels = ", ".join(f"{label} {share:.0%}" for label, share in each.labels.items())
        return f"{each.output}: {each.frames} frames of {each.dim} numbers{f'; {labels}' if labels else ''}"

    cl.report(batch, line, json=json)


@app.command()
def train(
    data: cl.TrainData,
    output: cl.RunOutput,
    config: Annotated[str, typer.Option("--config", help="Preset (default, graph, visual) or YAML file.")] = "default",
    task: Annotated[
        str | None, typer.Option("--task", help="text or signed_language to tell apart; hidden_frames: no labels.")
    ] = None,
    start_from: Annotated[str | None, typer.Option("--from", help="Model whose encoder to begin with.")] = None,
    epochs: cl.Epochs = None,
    batch_size: cl.BatchSize = None,
    learning_rate: cl.LearningRate = None,
    seed: cl.TrainSeed = None,
    device: cl.TrainDevice = None,
    devices: cl.Devices = None,
    nodes: cl.Nodes = None,
    strategy: cl.Strategy = None,
    wandb_project: cl.WandbProject = None,
    dry_run: cl.DryRun = False,
    overfit: cl.Overfit = None,
    profile: cl.Profile = False,
    settings: cl.Settings = None,
    resume: cl.Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train an encoder: to tell a manifest's texts or languages apart, or without labels on hidden frames."""
    from pose_core.pretrained import model_config
    from pose_core.training import is_main_process, load_preset, sweep_run_folder
    from pose_core.training.checks import check_run
    from pose_core.training.keys import flat
    from pose_core.training.stopping import stop_while_starting
    from pose_encoders.config import PRESETS, RunConfig

    stop_while_starting()
    output = sweep_run_folder(output)
    named = {"task": task}
    named |= cl.training_settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        wandb_project=wandb_project,
        dry_run=dry_run,
        overfit=overfit,
        profile=profile,
    )
    source = model_config(start_from, {}) if start_from is not None else {}
    fixed = flat({name: source[name] for name in ("encoder", "fps", "face") if name in source})
    run_config = load_preset(RunConfig, config, PRESETS, settings_of(named, settings), fixed)
    others: dict[str, Any] = {"start_from": start_from, "resume": resume, "overwrite": overwrite}
    check_run([data], output, run_config, **others)

    from pose_core.training.hardware import limit_threads
    from pose_encoders.training import train as train_model

    limit_threads(run_config.devices)
    model, metrics = train_model(data, output, run_config, **others)
    if not is_main_process():
        return
    parameters = sum(p.numel() for p in model.parameters())
    if json:
        print_json({"output": output, "parameters": parameters, "metrics": metrics})
        return
    print(f"{output}: model of {parameters:,} parameters")
    for name, value in sorted(metrics.items()):
        print(f"  {name:<22} {value:.4f}")


@app.command("config")
def show_config(
    preset: Annotated[str, typer.Argument(help="Preset or YAML file.")] = "default",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print every setting of `train`, with a preset's values, as YAML that --config takes."""
    from pose_core.training.describe import print_config
    from pose_encoders.config import PRESETS, RunConfig

    print_config(RunConfig, PRESETS, preset, as_json=json)


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


def main() -> None:
    """Entry point of the `pose-encoders` script."""
    run(app, "pose-encoders")
