"""The `ht-vae` command: check, load, call one function, report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pose_core import command_line as cl
from pose_core.batch_options import JsonBatchOptions
from pose_core.command_line import Debug, Device, Json, Overwrite, new_app, print_json, run, say
from pose_core.models_command import add_models_command
from pose_core.reading_options import ReadingOptions
from pose_core.texts import counted
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options

if TYPE_CHECKING:
    from ht_vae.commands import InputOptions

app = new_app("Pose sequences of thousands of frames to one latent space and back.")

MAX_TEMPERATURE = 100  # beyond it, numbers overflow and no body is recognisable
MAX_STEPS = 10_000
Condition = Annotated[
    str | None,
    typer.Option(
        "--condition", help="Condition of a conditional model: one of its labels, or an .npy file of a vector."
    ),
]
OptimizationSteps = Annotated[
    int,
    typer.Option(
        "--optimization-steps",
        min=0,
        max=MAX_STEPS,
        help="Steps of gradient descent that lower the latents' reconstruction error; 0: none, much faster.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, callback=cl.check_seed, help="Seed of the random generator.")]


@dataclass(frozen=True)
class EncodingOptions(ReadingOptions):
    """How poses are read, and with which model they are encoded."""

    checkpoint: cl.FittingCheckpoint = None
    condition: Condition = None
    optimization_steps: OptimizationSteps = 25
    device: Device = "auto"

    @property
    def inputs(self) -> InputOptions:
        """The same for the package's functions."""
        from ht_vae.commands import InputOptions

        return InputOptions(self.checkpoint, self.condition, self.reading, self.device, self.optimization_steps)


@app.command(renamed=RENAMED_OPTIONS)
@training_options("ht-vae")
def train(
    options: TrainingOptions,
    latent_dim: Annotated[
        int | None, typer.Option("--latent-dim", min=1, help="Size of a sequence's latent vector.")
    ] = None,
    chunk_size: Annotated[int | None, typer.Option("--chunk-size", min=1, help="Frames per chunk.")] = None,
    max_frames: Annotated[int | None, typer.Option("--max-frames", min=1, help="Frames of the longest window.")] = None,
) -> None:
    """Train a model on the train split of folders or manifests."""
    from ht_vae.config import BUNDLED, PRESETS, ModelSizes, RunConfig

    fixed = [name for name in ModelSizes.model_fields if name != "dropout"]
    config = options.load_config(
        RunConfig, PRESETS, BUNDLED, fixed=fixed, latent_dim=latent_dim, chunk_size=chunk_size, max_frames=max_frames
    )
    options.check_run(config)

    from ht_vae.training import train

    options.run(train, config)


add_config_command(app, "ht-vae")


@app.command()
def reconstruct(
    files: cl.PoseFiles,
    encoding: EncodingOptions,
    options: JsonBatchOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="File (.csv, .pose, .npz, .html, .mp4, ...) or folder; beside each by default."),
    ] = None,
) -> None:
    """Reconstruct poses: encode them, decode them, and write them where they were."""
    from ht_vae.commands import reconstruct_files

    batch = reconstruct_files(files, output, encoding.inputs, options.jobs(output))
    cl.report(
        batch,
        lambda each: (
            f"{each.output}: {each.frames} frames at {each.fps:g} fps, error {each.mpjpe:.4f} shoulder widths, "
            f"latents of {each.latents:,} numbers for {each.keypoint_numbers:,} coordinates"
            + (f"; {each.left_out} keypoints left out, which {each.model} does not know" if each.left_out else "")
        ),
        json=options.json,
    )


@app.command()
def generate(
    output: Annotated[Path, typer.Option("--output", help="File of one sample, .html of several, or folder.")],
    num_samples: Annotated[int, typer.Option("--num-samples", min=1, help="Number of samples.")] = 1,
    length: Annotated[int, typer.Option("--length", min=1, max=cl.ONE_HOUR_OF_FRAMES, help="Frames per sample.")] = 250,
    condition: Condition = None,
    temperature: Annotated[
        float,
        typer.Option("--temperature", min=0, help="Sampling temperature: below 1, samples are less extreme."),
    ] = 1.0,
    format: Annotated[
        str, typer.Option("--format", help="Suffix of files in an output folder: pose, csv, npz, html, ...")
    ] = "pose",
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="Model folder, bundled name or hub id; default: signing.")
    ] = None,
    seed: Seed = 0,
    batch_size: cl.SamplingBatch = 16,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Generate new sequences: decoded samples of the prior."""
    if not 0 <= temperature <= MAX_TEMPERATURE:
        raise typer.BadParameter(f"--temperature is a number from 0 to {MAX_TEMPERATURE}")
    from ht_vae.commands import generate_files

    generated = generate_files(
        num_samples,
        length,
        output,
        checkpoint=checkpoint,
        condition=condition,
        seed=seed,
        temperature=temperature,
        suffix=f".{format.removeprefix('.').lower()}",
        batch_size=batch_size,
        device=device,
        overwrite=overwrite,
    )
    cl.warn_of_anatomy(generated)
    if json:
        print_json(generated)
        return
    for each in generated:
        count = f"{each.samples} samples of " if each.samples > 1 else ""
        print(f"{each.output}: {count}{each.frames} frames at {each.fps:g} fps, {each.frames / each.fps:.1f} s")


@app.command(renamed={"--steps": "--num-samples"})
def interpolate(
    start: Annotated[Path, typer.Argument(metavar="A", help="Pose file: .csv, .pose, .npz.")],
    end: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    output: Annotated[Path, typer.Option("--output", help="HTML player of all samples, or a folder.")],
    encoding: EncodingOptions,
    num_samples: Annotated[
        int, typer.Option("--num-samples", min=2, help="Number of samples, both ends included.")
    ] = 8,
    spherical: Annotated[
        bool, typer.Option("--spherical", help="Spherical interpolation of the latents, instead of linear.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option("--format", help="Suffix of files in an output folder: pose, csv, ...; default: that of A."),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Interpolate between two sequences in the latent space."""
    from ht_vae.commands import interpolate_files

    result = interpolate_files(
        start,
        end,
        num_samples,
        output,
        encoding.inputs,
        spherical=spherical,
        suffix=None if format is None else f".{format.removeprefix('.').lower()}",
        overwrite=overwrite,
    )
    for path, problem in zip(result.outputs, result.anatomy, strict=True):
        if problem:
            cl.warn(f"{path}: {problem}")
    if json:
        print_json(result)
        return
    where = result.outputs[0] if len(result.outputs) == 1 else result.outputs[0].parent
    print(f"{where}: {num_samples} samples of {result.frames[0]} to {result.frames[-1]} frames")
    print(
        f"mean step {result.mean_step:.4f} shoulder widths, largest {result.largest_step:.4f}, "
        f"{result.ratio:.2f} times the mean"
    )


@app.command()
def encode(
    files: cl.PoseFiles,
    encoding: EncodingOptions,
    options: JsonBatchOptions,
    output: Annotated[
        Path | None, typer.Option("--output", help="The .npz for one file, or a folder; beside each by default.")
    ] = None,
) -> None:
    """Encode poses: write the mean and log variance of their latents, per sequence and per chunk."""
    from ht_vae.commands import encode_files

    batch = encode_files(files, output, encoding.inputs, options.jobs(output))
    cl.report(
        batch,
        lambda each: (
            f"{each.output}: {each.frames} frames as {each.latents[0]} numbers "
            f"and {counted(each.chunks, 'chunk')} of {each.latents[1]}"
        ),
        json=options.json,
    )


@app.command(renamed={"--output-dir": "--output"})
def evaluate(
    data: cl.DataSets,
    checkpoint: cl.FittingCheckpoint = None,
    split: cl.Split = "validation",
    output: cl.Report = None,
    visualize: Annotated[bool, typer.Option("--visualize", help="Add pictures and players to the report.")] = False,
    extract_latents: Annotated[
        bool, typer.Option("--extract-latents", help="Add the latents of all clips, latents.npz, to the report.")
    ] = False,
    seed: Seed = 0,
    batch_size: cl.SamplingBatch = 16,
    optimization_steps: OptimizationSteps = 25,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Evaluate a model: reconstruction errors, use of the latents, and realism of its samples."""
    if output is None and (visualize or extract_latents):
        raise typer.BadParameter("--visualize and --extract-latents need a folder: name one with --output")
    from ht_vae.commands import evaluate_data
    from ht_vae.evaluation.report import summary_lines

    evaluation, written = evaluate_data(
        [Path(each) for each in data],
        output,
        checkpoint=checkpoint,
        split=split,
        visualize=visualize,
        extract_latents=extract_latents,
        seed=seed,
        batch_size=batch_size,
        optimization_steps=optimization_steps,
        device=device,
        overwrite=overwrite,
        say=say,
    )
    if json:
        print_json(evaluation.metrics() | {"output": written})
        return
    print(*summary_lines(evaluation), sep="\n")
    if output is not None:
        print(f"{output}: {len(written)} files")


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="Model folder, bundled name or hub id.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Describe a model."""
    from ht_vae.commands import describe

    described = describe(model)
    if json:
        print_json(described)
        return
    for name, value in described.items():
        print(f"{name:<16} {value}")


add_models_command(app, __file__)


def main() -> None:
    """Entry point of the `ht-vae` script."""
    run(app, "ht-vae")
