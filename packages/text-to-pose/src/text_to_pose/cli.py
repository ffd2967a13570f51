"""The `text-to-pose` command: check, load, call one function, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pose_core import command_line as cl
from pose_core.batch_options import FileOptions, JsonBatchOptions
from pose_core.command_line import Debug, Device, Json, Overwrite, new_app, print_json, run, say
from pose_core.models_command import add_models_command
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options
from text_to_pose.app.cli import serve
from text_to_pose.export_cli import export
from text_to_pose.fingerspelling.fluency import Fluency
from text_to_pose.sign_cli import explain, sign
from text_to_pose.synthesis_cli import synthesize
from text_to_pose.web.cli import web

app = new_app(
    "Text to sign language poses: notation (HamNoSys, SiGML), signed by its rules; words, fingerspelled by a model."
)

# The choices of `config`, whose pydantic `--help` need not wait for.
Sampler = Literal["refinement", "diffusion"]
Ends = Literal["missing", "hold", "generate"]
Schedule = Literal["linear", "cosine", "quadratic", "sigmoid"]
Style = Literal["fluent", "citation"]
DominantHand = Literal["auto", "left", "right"]
BUNDLED = "fingerspelling"

Steps = Annotated[
    int | None, typer.Option("--steps", min=1, help="Number of sampling steps; default: the model's own.")
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance",
        min=0,
        max=100,
        callback=cl.check_number,
        help="Classifier-free guidance scale; 1 = off, larger follows the text more closely; default: the model's own.",
    ),
]
SamplerOption = Annotated[
    Sampler, typer.Option("--sampler", help="Sampler: iterative refinement of the start frame, or diffusion.")
]
ScheduleOption = Annotated[Schedule, typer.Option("--schedule", help="Step-size schedule.")]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", callback=cl.check_seed, help="Seed of the random generator, for diffusion and --sample-length."
    ),
]
SignedLanguage = "Signed language, ISO 639-3 code (ase, gsg, ...; see `languages`)"


@app.command(renamed={"--start": "--start-frame", "--untaught": "--borrow-letters"})
def generate(
    output: Annotated[
        list[Path],
        typer.Option(
            "--output", help="Output pose file or picture, by suffix, may be given several times; a folder; or -."
        ),
    ],
    options: JsonBatchOptions,
    text: Annotated[
        str | None,
        typer.Argument(help="Text: letters to fingerspell, SignWriting, or HamNoSys, which is signed by its rules."),
    ] = None,
    signed_language: Annotated[
        str, typer.Option("--signed-language", help=f"{SignedLanguage}; HamNoSys needs none.", show_default=False)
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="Text file, one text per line, or -; --output is a folder.")
    ] = None,
    checkpoint: cl.Checkpoint = BUNDLED,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: SamplerOption = "refinement",
    schedule: ScheduleOption = "linear",
    style: Annotated[
        Style,
        typer.Option(
            "--style",
            help="Fluent: the hand stays up from letter to letter; citation: each letter as it is shown alone.",
        ),
    ] = "fluent",
    letters_per_second: Annotated[
        float,
        typer.Option(
            "--letters-per-second",
            min=0.2,
            max=12,
            callback=cl.check_number,
            help="How fast fluent words are; 4 to 6 is ordinary, 2 to 3 for learners.",
        ),
    ] = Fluency.letters_per_second,
    hold: Annotated[
        float | None,
        typer.Option(
            "--hold",
            min=0,
            max=60,
            callback=cl.check_number,
            help="Seconds that each letter of a fluent word stands still; default: what its rate leaves.",
        ),
    ] = None,
    length: Annotated[
        int | None, typer.Option("--length", min=1, max=cl.ONE_HOUR_OF_FRAMES, help="Length of each text in frames.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", help="Length of each text in seconds, at most an hour.")
    ] = None,
    sample_length: Annotated[
        bool, typer.Option("--sample-length", help="Sample lengths of letters in citation form.")
    ] = False,
    start_frame: Annotated[
        str | None,
        typer.Option("--start-frame", help="Start frame, FILE or FILE:FRAME: the pose and body to begin from."),
    ] = None,
    dominant_hand: Annotated[
        DominantHand,
        typer.Option("--dominant-hand", help="Dominant hand to sign with; auto: that of the person in --start-frame."),
    ] = "auto",
    captions: Annotated[bool, typer.Option("--captions/--no-captions", help="Caption pictures with the signs.")] = True,
    borrow_letters: Annotated[
        bool, typer.Option("--borrow-letters", help="Borrow letters missing from this alphabet from other languages.")
    ] = False,
    seed: Seed = 0,
    batch_size: cl.SamplingBatch = 64,
    device: Device = "auto",
    backend: cl.BackendOption = "auto",
) -> None:
    """Generate poses for a text, or for every line of a text file."""
    _check_length(length, duration)
    if (text is None) == (file is None):
        raise typer.BadParameter("give either a text or --file")
    if style == "citation" and (letters_per_second != Fluency.letters_per_second or hold is not None):
        raise typer.BadParameter("--letters-per-second and --hold apply to --style fluent only")
    from text_to_pose.commands import GenerationOptions, generate_text
    from text_to_pose.generation_files import generate_file
    from text_to_pose.sampling import Sampling

    generation = GenerationOptions(
        signed_language=signed_language,
        checkpoint=checkpoint,
        sampling=Sampling(sampler, steps, schedule, guidance, sample_length, seed, batch_size),
        fluency=Fluency(letters_per_second, hold) if style == "fluent" else None,
        borrow_letters=borrow_letters,
        captions=captions,
        start_frame=start_frame,
        dominant_hand=None if dominant_hand == "auto" else dominant_hand,
        frames=length,
        seconds=duration,
        device=device,
        backend=backend,
        overwrite=options.overwrite,
    )
    jobs = options.jobs(output[0])
    if file is not None:
        if len(output) != 1:
            raise typer.BadParameter("--file writes to one folder: give one --output")
        if str(output[0]) == "-":
            raise typer.BadParameter("--file writes a file per text, and standard output takes one: name a folder")
        cl.report(generate_file(file, output[0], generation, jobs), _generated, json=options.json)
        return
    if options.skip_existing and all(path.exists() for path in output):
        say(f"{output[0]}: exists, and is left as it is")
        return
    generated = generate_text(text or "", output, generation)
    if options.json:
        print_json([generated])
        return
    print(_generated(generated), file=sys.stderr if Path("-") in output else sys.stdout)


def _check_length(length: int | None, duration: float | None) -> None:
    if length is not None and duration is not None:
        raise typer.BadParameter("--length and --duration both say how long; give one of them")
    if duration is not None and not 0 < duration <= cl.ONE_HOUR:
        raise typer.BadParameter(f"--duration is a number of seconds above 0, at most an hour ({cl.ONE_HOUR})")


def _generated(each: Any) -> str:
    files = ", ".join(str(path) for path in each.files)
    if each.model == "rules":
        signs = "HamNoSys, signed by its rules without a model"
    elif each.signed_language is None:
        signs = f"HamNoSys, by the model {each.model}"
    else:
        signs = f"{' '.join(each.signs)} in {each.signed_language}"
    return f"{files}: {signs}, {each.frames} frames, {each.seconds:.1f} s of signing"


@app.command()
def correct(
    files: cl.PoseFiles,
    output: Annotated[
        Path, typer.Option("--output", help="Output pose file or picture, by suffix; folder for several; or -.")
    ],
    options: FileOptions,
    ends: Annotated[
        Ends,
        typer.Option(
            "--ends",
            help="Before a keypoint's first and after its last visible frame: leave it missing, hold its nearest "
            "visible frame (hands on their arm), or generate it.",
        ),
    ] = "missing",
    max_gap: Annotated[
        float | None,
        typer.Option("--max-gap", min=0, callback=cl.check_number, help="Longest gap to fill, in seconds."),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="Text that is signed, one sign, if known.")] = None,
    signed_language: Annotated[
        str, typer.Option("--signed-language", help=f"{SignedLanguage}; needed by --text.")
    ] = "",
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="Model folder, bundled name or hub id.", show_default=BUNDLED)
    ] = None,
    steps: Steps = None,
    guidance: Guidance = None,
) -> None:
    """Fill in missing frames and keypoints of pose files; visible keypoints are left as they are.

    Gaps are interpolated along the arm. A model is used only with --text, for gaps of more than half a second, and with
    --ends generate.
    """
    if (text is None) != (not signed_language):
        raise typer.BadParameter("--text and --signed-language belong together: give both or neither")
    from text_to_pose.correction_commands import CorrectionOptions, correct_files
    from text_to_pose.inpainting import needs_model
    from text_to_pose.missing_keypoints import described
    from text_to_pose.sampling import Sampling

    if not needs_model(text, ends) and (checkpoint, steps, guidance) != (None, None, None):
        say("--checkpoint, --steps and --guidance change nothing without --text or --ends generate: no model is used")
    correction = CorrectionOptions(
        checkpoint=checkpoint or BUNDLED,
        sampling=Sampling(num_steps=steps, guidance=guidance),
        text=text,
        signed_language=signed_language,
        ends=ends,
        max_gap=max_gap,
        reading=options.reading,
        device=options.device,
    )
    batch = correct_files(files, output, correction, options.jobs(output))
    if options.json and batch.total == len(batch.done) == 1:
        cl.warn_of_anatomy(batch.done)
        print_json(batch.done[0])
        return

    def line(c: Any) -> str:
        rejected = f"; clean would reject {c.rejected:,} of those filled in" if c.rejected else ""
        return (
            f"{c.output}: {c.filled:,} keypoints filled in, in {c.frames_touched} of {c.frames} frames; "
            f"{described(c.missing_because)}{rejected}"
        )

    cl.report(batch, line, json=options.json)


@app.command(renamed=RENAMED_OPTIONS)
@training_options("text-to-pose")
def train(
    options: TrainingOptions,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", help="Pose encoder: transformer, graph or visual, of the preset's sizes."),
    ] = None,
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Pretrain on poses without texts; --data may be a folder of poses.")
    ] = False,
) -> None:
    """Train a model on the train split of a data set."""
    from text_to_pose.config import BUNDLED, PRESETS, RunConfig
    from text_to_pose.data.texts import check_early

    settings = _encoder_settings(options, encoder) if encoder else None
    config = options.load_config(RunConfig, PRESETS, BUNDLED, fixed=("network", "fps"), encoder=settings)
    clips = options.check_run(config, pretrain=pretrain)
    if not pretrain:
        check_early(clips, config.text, options.data[0])

    from text_to_pose.training import train

    options.run(train, config, pretrain=pretrain)


def _encoder_settings(options: TrainingOptions, kind: str) -> dict[str, Any]:
    """Settings of an encoder of this kind, as the preset has them where its own encoder has them, too."""
    if options.init_from is not None:
        return {"kind": kind}  # the others are the model's
    from pose_core.training.config import load_preset
    from pose_encoders.config import encoder_settings
    from text_to_pose.config import PRESETS, RunConfig

    current = load_preset(RunConfig, options.preset, PRESETS).encoder
    settings = encoder_settings(current, kind)
    lost = sorted(current.model_fields_set - settings.keys())
    if lost and len(settings) > 1:
        say(f"--encoder {kind}: without {', '.join(lost)}, which only the preset's {current.kind} encoder has")
    return settings


add_config_command(app, "text-to-pose")
app.command()(synthesize)


@app.command(renamed={"--report": "--output"})
def evaluate(
    data: cl.DataSets,
    checkpoint: cl.Checkpoint = BUNDLED,
    split: cl.Split = "validation",
    output: cl.Report = None,
    own_start: Annotated[
        bool, typer.Option("--own-start", help="Start from each clip's own first frame, not from another clip's.")
    ] = False,
    others: Annotated[
        int | None,
        typer.Option("--others", min=1, help="Recognize each among so many clips of other texts; default: all."),
    ] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: SamplerOption = "refinement",
    schedule: ScheduleOption = "linear",
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Evaluate a model on a split, beside two baselines: a still frame, and the letter copied from another language."""
    from text_to_pose.evaluation.report import check_report, summarize, table_lines, write_report

    if output is not None:
        check_report(output, overwrite=overwrite)

    from text_to_pose.evaluation.evaluate import evaluate as evaluate_model
    from text_to_pose.model import load_model
    from text_to_pose.sampling import Sampling

    sampling = Sampling(sampler, steps, schedule, guidance, seed=seed)
    model = load_model(checkpoint, device)
    evaluation = evaluate_model(model, data, split, sampling=sampling, own_start=own_start, others=others, say=say)
    page = None
    if output is not None:
        say(f"writing the report to {output}")
        page = write_report(evaluation, output, checkpoint=checkpoint, overwrite=overwrite)
    if json:
        print_json({**summarize(evaluation, checkpoint), "report": page})
        return
    print(*table_lines(evaluation), sep="\n")
    if page is not None:
        print(f"{page}: every clip beside the model's")


app.command()(export)
app.command()(web)
app.command("app")(serve)
add_models_command(app, __file__)


@app.command()
def languages(
    language: Annotated[str | None, typer.Argument(help="Code or name of one language: ase, ASL, german.")] = None,
    checkpoint: cl.Checkpoint = BUNDLED,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the signed languages of a model: code, name, letters, and which of those no clip of a person showed."""
    from text_to_pose.text.alphabets import alphabets

    known = alphabets(checkpoint, language)
    if json:
        print_json(known)
        return
    width = max(len(each.name) for each in known)
    for each in known:
        letters = f"{len(each.letters):3} letters  {' '.join(each.letters)}" if each.letters else "any text"
        origins = (("borrowed from other languages", each.borrowed), ("by rules", each.rules))
        notes = "".join(f"; {how}: {' '.join(which)}" for how, which in origins if which)
        print(f"{each.code}  {each.name:{width}}  {letters}{notes}")


app.command()(sign)
app.command()(explain)


def main() -> None:
    """Entry point of the `text-to-pose` script."""
    run(app, "text-to-pose")
