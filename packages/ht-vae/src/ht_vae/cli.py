"""The `ht-vae` command: check, load, call one function, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_core.command_line import Debug, Json, Overwrite, new_app, print_json, run, say, settings_of

app = new_app("Pose sequences of thousands of frames to one latent space and back.")

RUNS = Path("runs")


@app.command()
def train(
    data: Annotated[
        list[Path],
        typer.Option("--data", help="Folder of landmark CSVs, .pose or .npz files, or manifest CSV; several times."),
    ],
    output: Annotated[Path | None, typer.Option("--output", help="Run folder; in the end a model folder too.")] = None,
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", help="Folder of the run below --output, or below runs/.")
    ] = None,
    config: Annotated[str, typer.Option("--config", help="Preset name or YAML file.")] = "default",
    num_epochs: Annotated[int | None, typer.Option("--num-epochs", "--epochs", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Most sequences at once.")] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    latent_dim: Annotated[
        int | None, typer.Option("--latent-dim", min=1, help="Numbers of a sequence's latent vector.")
    ] = None,
    chunk_size: Annotated[int | None, typer.Option("--chunk-size", min=1, help="Frames of a chunk.")] = None,
    max_frames: Annotated[int | None, typer.Option("--max-frames", min=1, help="Frames of the longest window.")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, or a name Lightning knows.")] = None,
    wandb_project: Annotated[str | None, typer.Option("--wandb-project", help="Log to Weights & Biases too.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other key of the config: kl_weight=0.01, several times.")
    ] = None,
    begin_from: Annotated[
        str | None, typer.Option("--from", help="Model to fine-tune: folder, bundled name or hub id.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in its folder.")] = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a model on the train split of folders or manifests."""
    folder = run_folder(output, experiment_name)
    from ht_vae.config import RunConfig
    from ht_vae.training import PRESETS
    from ht_vae.training import train as train_on
    from pose_core.training import is_main_process, load_preset

    named = {
        "num_epochs": num_epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "latent_dim": latent_dim,
        "chunk_size": chunk_size,
        "max_frames": max_frames,
        "seed": seed,
        "device": device,
        "wandb_project": wandb_project,
    }
    preset = load_preset(RunConfig, config, PRESETS, settings_of(named, settings))
    model, metrics = train_on(data, folder, preset, begin_from=begin_from, resume=resume, overwrite=overwrite, say=say)
    if not is_main_process():
        return
    if json:
        print_json({"output": folder, "metrics": metrics})
        return
    print(f"{folder}: model of {sum(p.numel() for p in model.parameters()):,} parameters")
    for name, value in sorted(metrics.items()):
        print(f"  {name:<26} {value:.4f}")


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="Model folder, bundled name or hub id.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what a model is."""
    from ht_vae.jobs import describe

    described = describe(model)
    if json:
        print_json(described)
        return
    for name, value in described.items():
        print(f"{name:<16} {value}")


def run_folder(output: Path | None, name: str | None) -> Path:
    """Where a run goes by `--output` and `--experiment-name`."""
    if name is None:
        if output is None:
            raise typer.BadParameter("say where the run goes with --output, or name it with --experiment-name")
        return output
    if not name.strip() or Path(name).name != name:
        raise typer.BadParameter(f"--experiment-name {name!r}: is a name, not a path; use --output for its place")
    return (output or RUNS) / name


def main() -> None:
    """Entry point of the `ht-vae` script."""
    run(app, "ht-vae")
