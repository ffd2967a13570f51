"""The `text-to-pose` command: check, load, call one function, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pose_core.command_line import Data, Debug, Device, Json, Overwrite, new_app, print_json, run, say, settings_of

app = new_app("Text to sign language poses: letters and words, fingerspelled by a model.")

Checkpoint = Annotated[
    str, typer.Option("--checkpoint", help="Model folder, bundled name or hub id.", show_default=True)
]
Steps = Annotated[int | None, typer.Option("--steps", min=1, help="Refinements; the model's own number by default.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, help="Sequences at once.")]
BUNDLED = "fingerspelling"


@app.command()
def generate(
    signed_language: Annotated[str, typer.Option("--signed-language", help="ISO 639-3 code: ase, gsg, ...")],
    output: Annotated[
        list[Path], typer.Option("--output", help="File: .pose, .gif, .mp4, .png, .html; several times; or a folder.")
    ],
    text: Annotated[str | None, typer.Argument(help="What to spell.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Text file, a text a line; --output is a folder.")] = None,
    checkpoint: Checkpoint = BUNDLED,
    steps: Steps = None,
    untaught: Annotated[
        bool, typer.Option("--untaught", help="Sign letters the language was not taught as other languages do.")
    ] = False,
    batch_size: BatchSize = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Spell a text, or every line of a file, and write the poses."""
    from text_to_pose.jobs import GenerationOptions, generate_file, generate_text

    options = GenerationOptions(
        signed_language=signed_language,
        checkpoint=checkpoint,
        num_steps=steps,
        untaught=untaught,
        batch_size=batch_size or 64,
        device=device,
        overwrite=overwrite,
    )
    if (text is None) == (file is None):
        raise typer.BadParameter("give a text or --file, one of them")
    if file is not None:
        if len(output) != 1:
            raise typer.BadParameter("--file writes to one folder: give one --output")
        made = generate_file(file, output[0], options)
    else:
        made = generate_text(text or "", output, options)
    if json:
        print_json(made)
        return
    for word in made:
        letters = " ".join(word.letters)
        files = ", ".join(str(path) for path in word.files)
        print(f"{files}: {letters} in {word.signed_language}, {word.frames} frames, {word.seconds:.1f} s of signing")


@app.command()
def train(
    data: Data,
    output: Annotated[Path, typer.Option("--output", help="Run folder; in the end a model folder too.")],
    config: Annotated[str, typer.Option("--config", help="Preset name or YAML file.")] = "default",
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="transformer, graph or visual, instead of the preset's.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    batch_size: BatchSize = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate")] = None,
    seed: Annotated[int | None, typer.Option("--seed")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, or a name Lightning knows.")] = None,
    wandb_project: Annotated[str | None, typer.Option("--wandb-project", help="Log to Weights & Biases too.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting: training.patience=20, several times.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a model on a manifest's train split."""
    from text_to_pose.jobs import train_from_preset

    named = {
        "network.encoder": {"kind": encoder, "num_layers": 2} if encoder else None,
        "training.epochs": epochs,
        "training.batch_size": batch_size,
        "training.learning_rate": learning_rate,
        "training.seed": seed,
        "training.device": device,
        "training.wandb_project": wandb_project,
    }
    overrides = settings_of(named, settings)
    metrics = train_from_preset(data, output, config, overrides, resume=resume, overwrite=overwrite)
    if json:
        print_json({"output": output, "metrics": metrics})
        return
    print(f"{output}: model of {metrics.pop('parameters'):,} parameters")
    for name, value in sorted(metrics.items()):
        print(f"  {name:<22} {value:.4f}")


@app.command()
def evaluate(
    data: Data,
    checkpoint: Checkpoint = BUNDLED,
    split: Annotated[str, typer.Option("--split", help="Rows of the manifest to score.")] = "validation",
    steps: Steps = None,
    device: Device = "auto",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Score a model on a manifest's split, beside a still frame and a letter copied from another language."""
    from text_to_pose.checkpoint import load_model
    from text_to_pose.evaluation import evaluate as score

    scores = score(load_model(checkpoint, device), data, split, num_steps=steps, progress=say)
    if json:
        print_json({"checkpoint": checkpoint, "data": data, "split": split, "scores": scores})
        return
    print(f"{'':<8} {'clips':>6} {'DTW-MJE':>8} {'length error':>13} {'rank-1':>7} {'rank-5':>7} {'acceleration':>13}")
    for name, row in scores.items():
        print(
            f"{name:<8} {row.clips:>6} {row.dtw_mje:>8.3f} {row.length_error:>13.3f} "
            f"{row.rank1:>7.3f} {row.rank5:>7.3f} {row.acceleration:>13.2f}"
        )
    print("DTW-MJE in shoulder widths; length error and acceleration relative to the clip.")


def main() -> None:
    """Entry point of the `text-to-pose` script."""
    run(app, "text-to-pose")
