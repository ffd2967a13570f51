"""The `pose-tokenizer` command: check, load, call one function, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pose_core import command_line as cl
from pose_core.batch_options import FileOptions, JsonBatchOptions
from pose_core.command_line import Debug, Device, Json, Overwrite, new_app, print_json, run, say
from pose_core.exporting import OPSET, OPSET_HELP
from pose_core.models_command import add_models_command
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options

app = new_app("Sign language poses to discrete tokens and back.")

BUNDLED = "signing"
RENAMED_LAMBDA = {"--rate": "--lambda"}
RENAMED_QUANTIZERS = {"--quantizers": "--num-quantizers"}

Lambda = Annotated[
    float | None,
    typer.Option(
        "--lambda",
        min=0,
        help="Lagrange multiplier of the rate-distortion cost: squared error that a code must save; 0: take all codes.",
    ),
]
NumQuantizers = Annotated[
    int | None, typer.Option("--num-quantizers", min=1, help="Most codes per block: fewer give a coarser stream.")
]


@app.command(renamed=RENAMED_LAMBDA | RENAMED_QUANTIZERS)
def encode(
    files: Annotated[
        list[str],
        typer.Argument(help="Pose files, folders, glob patterns, or - for standard input: a file, or frames as JSON."),
    ],
    options: FileOptions,
    output: Annotated[
        Path | None, typer.Option("--output", help="File, folder for several, or -; beside each input by default.")
    ] = None,
    format: Annotated[
        Literal["tokens", "json", "text"], typer.Option("--format", help="text: one line of integers per clip.")
    ] = "tokens",
    bits_per_frame: Annotated[
        float | None, typer.Option("--bits-per-frame", help="Search for the lambda that takes at most so many bits.")
    ] = None,
    lmbda: Lambda = None,
    num_quantizers: NumQuantizers = None,
    checkpoint: cl.FittingCheckpoint = None,
    backend: cl.BackendOption = "auto",
) -> None:
    """Turn poses into tokens."""
    if bits_per_frame is not None and lmbda is not None:
        raise typer.BadParameter("--bits-per-frame searches for the value of --lambda; use only one of them")
    if bits_per_frame is not None and files == ["-"]:
        raise typer.BadParameter(
            "--bits-per-frame needs several encoding passes and cannot read standard input; use --lambda"
        )
    if bits_per_frame is not None and not 0 < bits_per_frame < float("inf"):
        raise typer.BadParameter("--bits-per-frame is a number above 0")
    from pose_tokenizer.commands import EncodeOptions, encode_files

    encoding = EncodeOptions(
        checkpoint, lmbda, bits_per_frame, num_quantizers, format, options.device, backend, options.reading
    )
    batch = encode_files(files, output, encoding, options.jobs(output))

    def line(each: Any) -> str:
        size = f"{each.bytes_after:,} bytes" + (f" of {each.bytes_before:,}" if each.bytes_before else "")
        bits = f"{each.bits_per_frame:.1f} bits per frame"
        return f"{each.output}: {each.codes} codes for {each.frames} frames, {bits}, {size}"

    cl.report(batch, line, json=options.json)
    if any(each.interrupted for each in batch.done):
        raise KeyboardInterrupt


@app.command(renamed=RENAMED_QUANTIZERS)
def decode(
    files: Annotated[
        list[str],
        typer.Argument(help="Token files (.tokens, .json, .txt), folders, glob patterns, or - for standard input."),
    ],
    options: JsonBatchOptions,
    output: Annotated[
        Path | None, typer.Option("--output", help="Pose file, folder for several, or -; beside each input by default.")
    ] = None,
    num_quantizers: NumQuantizers = None,
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps",
            min=0.001,
            max=1e6,
            help="Frames per second of tokens as text, which state none; 25 by default.",
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option("--frames", min=1, help="Frames of tokens as text, which state whole blocks; these by default."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="Model folder, bundled name or hub id; default: the one that made them."),
    ] = None,
    device: Device = "auto",
    backend: cl.BackendOption = "auto",
) -> None:
    """Turn tokens back into poses."""
    from pose_tokenizer.files.suffixes import check_token_files

    check_token_files(files)
    from pose_tokenizer.commands import decode_files

    batch = decode_files(
        files,
        output,
        options.jobs(output),
        checkpoint=checkpoint,
        num_quantizers=num_quantizers,
        fps=fps,
        frames=frames,
        device=device,
        backend=backend,
    )
    cl.report(
        batch, lambda each: f"{each.output}: {each.frames} frames, {each.seconds:.1f} s of signing", json=options.json
    )


@app.command()
def info(
    what: Annotated[str, typer.Argument(help="Token file, or a model: folder, bundled name or hub id.")] = BUNDLED,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", help="Of a token file: model that made it, where that one is not bundled."),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Describe a token file or a model."""
    from pose_tokenizer.description import describe

    described = describe(what, checkpoint=checkpoint)
    if json:
        print_json(described)
        return
    for name, value in described.items():
        print(f"{name:<16} {value}")


@app.command()
def vocab(
    output: Annotated[Path | None, typer.Option("--output", help="JSON file of all token names, in order.")] = None,
    offset: Annotated[
        int, typer.Option("--offset", min=0, help="Id of the first token: the size of the vocabulary so far.")
    ] = 0,
    checkpoint: cl.Checkpoint = BUNDLED,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Name the tokens that a language model needs to read and write poses."""
    if output is not None and output.suffix != ".json":
        raise typer.BadParameter("--output is written as JSON: name a file that ends in .json")
    from pose_core.atomic_files import check_output
    from pose_tokenizer.files.vocabulary import Vocabulary, write_vocabulary
    from pose_tokenizer.model import PoseTokenizer

    if output is not None:
        check_output(output, overwrite=overwrite)
    vocabulary = Vocabulary.of(PoseTokenizer.load(checkpoint, "cpu"), offset)
    if output is not None:
        write_vocabulary(vocabulary, output, overwrite=overwrite)
    summary = vocabulary.summary()
    if json:
        print_json(summary | {"output": output})
        return
    print(f"{vocabulary.model}: {vocabulary.size} tokens, ids {offset} to {vocabulary.end}")
    last = vocabulary.codebook_size - 1
    for quantizer, first in enumerate(summary["offsets"]):
        print(f"{first:>8} to {first + last:<8} <pose_q{quantizer}_0> to <pose_q{quantizer}_{last}>")
    for name, id in summary["special_tokens"].items():
        print(f"{id:>8} {'':<11} {name}")
    names = (
        f"json.load(open({str(output)!r}))['tokens']" if output else f"Vocabulary.of(load_model({checkpoint!r})).names"
    )
    print(f"tokenizer.add_tokens({names}, special_tokens=True)")
    print("language_model.resize_token_embeddings(len(tokenizer))")


@app.command(renamed=RENAMED_OPTIONS)
@training_options("pose-tokenizer")
def train(options: TrainingOptions) -> None:
    """Train a tokenizer on the train split of manifests or folders."""
    from pose_tokenizer.config import BUNDLED, OMITTED, PRESETS, ModelSizes, RunConfig

    fixed = [name for name in ModelSizes.model_fields if name != "lmbda"]
    config = options.load_config(RunConfig, PRESETS, BUNDLED, fixed=fixed, omitted=tuple(OMITTED))
    options.check_run(config)

    from pose_tokenizer.training import train

    options.run(train, config)


add_config_command(app, "pose-tokenizer")


@app.command(renamed=RENAMED_LAMBDA)
def evaluate(
    data: cl.DataSets,
    checkpoint: cl.FittingCheckpoint = None,
    split: cl.Split = "validation",
    lmbda: Lambda = None,
    output: cl.Report = None,
    visualize: Annotated[
        bool, typer.Option("--visualize", help="Add pictures, and pages that play the worst clips, to the report.")
    ] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Score a tokenizer on held-out clips: reconstruction errors, codebook use, and size of the tokens."""
    if visualize and output is None:
        raise typer.BadParameter("--visualize needs a folder to write to: name one with --output")
    from pose_tokenizer.evaluation.evaluate import evaluate
    from pose_tokenizer.evaluation.report import check_report, summary_lines, write_report
    from pose_tokenizer.model_selection import Models
    from pose_tokenizer.torch_network import module_of

    if output is not None:
        check_report(output, visualize=visualize, overwrite=overwrite)
    paths = [Path(each) for each in data]
    model = module_of(Models(checkpoint, device, backend="torch").of_data(paths))
    evaluation = evaluate(model, paths, split, lmbda=lmbda, say=say)
    written = None
    if output is not None:
        written = write_report(evaluation, model, output, visualize=visualize, overwrite=overwrite)
    if json:
        print_json(evaluation.figures() | {"output": written})
        return
    print(*summary_lines(evaluation), sep="\n")
    if written is not None:
        print(f"{written}: all of it")


@app.command()
def export(
    output: Annotated[Path | None, typer.Option("--output", help="Folder; file if --part names one graph.")] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place", help="Write graphs without weights into the model's folder, for --backend onnx; no --output."
        ),
    ] = False,
    format: Annotated[
        Literal["onnx", "torchscript"], typer.Option("--format", help="File format of the graphs.")
    ] = "onnx",
    opset: Annotated[int, typer.Option("--opset", help=OPSET_HELP)] = OPSET,
    part: Annotated[Literal["encode", "decode", "both"], typer.Option("--part", help="Graphs to write.")] = "both",
    checkpoint: cl.Checkpoint = BUNDLED,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Export encoder and decoder as ONNX or TorchScript graphs of one block, to run without this package."""
    if (output is None) != in_place:
        raise typer.BadParameter("give either --output or --in-place")
    if output is None:
        from pose_tokenizer.export.in_place import export_in_place

        sizes = export_in_place(checkpoint, opset=opset, say=say)
        if json:
            print_json(sizes)
            return
        print(*(f"{name}: {size / 1e3:.0f} kB, agrees with the model" for name, size in sizes.items()), sep="\n")
        return
    from pose_tokenizer.export.writer import check_export, export
    from pose_tokenizer.model import PoseTokenizer

    options: dict[str, Any] = {"format": format, "opset": opset, "part": part, "overwrite": overwrite}
    check_export(output, **options)
    files = export(PoseTokenizer.load(checkpoint, "cpu"), output, **options, say=say)
    if json:
        print_json(files)
        return
    for file in files:
        print(f"{file.output}: {file.bytes / 1e6:.1f} MB, agrees with the model")
        for title, values in (("in", file.inputs), ("out", file.outputs)):
            for name, what in values.items():
                print(f"  {title:<4} {name:<12} {what}")


@app.command()
def fit_entropy_model(
    data: cl.DataSets,
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", help="Model folder, into which the entropy model is written.")
    ],
    blocks: Annotated[
        int, typer.Option("--blocks", min=1, help="Blocks of augmented clips that are encoded to train on.")
    ] = 400_000,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of training.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="Of augmentation and training.")] = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a tokenizer's files smaller: train a model of its codes, by which they are entropy-coded, losslessly."""
    from pose_tokenizer.entropy.fitting import fit_entropy_model

    paths = [Path(each) for each in data]
    fitted = fit_entropy_model(checkpoint, paths, blocks=blocks, steps=steps, seed=seed, overwrite=overwrite)
    if json:
        print_json(fitted)
        return
    if fitted.bits_per_frame is None or fitted.packed_bits_per_frame is None:
        print(f"{fitted.output}: no clip has split validation; nothing tells how much it saves")
        return
    sizes = f"{fitted.bits_per_frame:.2f} bits per frame in place of {fitted.packed_bits_per_frame:.2f}"
    print(f"{fitted.output}: {sizes}, on {fitted.clips} clips of the validation split")


add_models_command(app, __file__)


def main() -> None:
    """Entry point of the `pose-tokenizer` script."""
    run(app, "pose-tokenizer")
