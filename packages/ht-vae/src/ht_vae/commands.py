"""What the commands do with files: check everything, work, then write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ht_vae.checkpoint import load_model
from ht_vae.codec import DecodedSequence, condition_of, encode, reconstruct
from ht_vae.config import ModelSizes
from ht_vae.evaluation.errors import Errors, errors_of
from ht_vae.model_selection import Models, check_pose_files
from ht_vae.outputs import LATENTS, PLAYER, POSES, check_outputs, check_suffix, write_latents, write_poses
from ht_vae.sampling import generate, interpolate, stand
from pose_core import Skeleton, UserError
from pose_core.atomic_files import check_output_folder, removed_if_empty
from pose_core.formats import FORMATS
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.transforms import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ht_vae.codec import EncodedSequence
    from ht_vae.evaluation.evaluate import Evaluation
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core import PoseSequence


@dataclass(frozen=True)
class Reading:
    """How files are read, and with which model; see `ht-vae reconstruct --help`."""

    checkpoint: str | None = None
    condition: str | None = None
    files: ReadOptions = field(default_factory=ReadOptions)
    device: str = "auto"


@dataclass(frozen=True)
class ReconstructedFile:
    """What one file became.

    Attributes:
        mpjpe: mean distance of a keypoint that was seen, in shoulder widths.
        latents: numbers that lie between; keypoint_numbers: coordinates that the model saw.
        left_out: keypoints of the file that the model does not know.
        anatomy: what is wrong with the body, if anything is.
    """

    file: str
    output: Path
    model: str
    frames: int
    fps: float
    mpjpe: float
    latents: int
    keypoint_numbers: int
    left_out: int
    anatomy: str | None


def reconstruct_files(
    inputs: Sequence[str | Path], output: Path | None, reading: Reading, options: JobOptions | None = None
) -> JobRunner[ReconstructedFile]:
    """Sends poses through the latents and back to where they stood.

    Args:
        inputs: pose files, folders, patterns, or `-`; see `find_inputs`.
        output: a file for one input, its format by its suffix, a folder, or `-`; None: `NAME.reconstructed.SUFFIX`
            beside each input. The HTML player shows the original beside it.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    options = options or JobOptions()
    with planned(
        inputs,
        output,
        options,
        verb="reconstructing",
        suffixes=tuple(FORMATS),
        suffix=None,
        infix=".reconstructed",
        writable=POSES,
    ) as batch:
        if batch.jobs:
            models = Models(reading.checkpoint, reading.device)
            batch.run(lambda job: _reconstruct(job, models, reading, overwrite=options.overwrite))
    return batch


@dataclass(frozen=True)
class EncodedFile:
    """The latents of one file.

    Attributes:
        latents: numbers of a whole sequence, and of a chunk; chunks: how many.
    """

    file: str
    output: Path
    model: str
    frames: int
    fps: float
    latents: tuple[int, int]
    chunks: int


def encode_files(
    inputs: Sequence[str | Path], output: Path | None, reading: Reading, options: JobOptions | None = None
) -> JobRunner[EncodedFile]:
    """Writes the latents of pose files, see `write_latents`.

    Args:
        inputs: as of `reconstruct_files`.
        output: an `.npz` for one input, a folder, or `-`; None: `NAME.latents.npz` beside each input.

    Raises:
        UserError: as `reconstruct_files`.
    """
    options = options or JobOptions()
    with planned(
        inputs,
        output,
        options,
        verb="encoding",
        suffixes=tuple(FORMATS),
        suffix=LATENTS,
        infix=".latents",
        writable=(LATENTS,),
    ) as batch:
        if batch.jobs:
            models = Models(reading.checkpoint, reading.device)
            batch.run(lambda job: _encode(job, models, reading, overwrite=options.overwrite))
    return batch


@dataclass(frozen=True)
class GeneratedFile:
    """What was made from nothing; `samples` of them are in the file; `anatomy`: what is wrong with a body, if it is."""

    output: Path
    model: str
    samples: int
    frames: int
    fps: float
    anatomy: str | None


def generate_files(
    num_samples: int,
    frames: int,
    output: Path,
    *,
    checkpoint: str | None = None,
    condition: str | None = None,
    seed: int = 0,
    temperature: float = 1.0,
    suffix: str = ".pose",
    batch_size: int = 16,
    device: str = "auto",
    overwrite: bool = False,
) -> list[GeneratedFile]:
    """Decodes points of the prior.

    Args:
        output: a file of one sample, its format by its suffix; an HTML player of all of them; or a folder of
            `sample_001.SUFFIX` and so on.
        suffix: of files in a folder.
        condition: see `condition_of`; seed, temperature, batch_size: see `generate`.

    Raises:
        UserError: a model, condition or output that cannot be used; then nothing is written.
    """
    with removed_if_empty(output):
        paths = _numbered("sample", num_samples, output, suffix, overwrite=overwrite)
        model = Models(checkpoint, device).generator()
        told = condition_of(model, condition)
        lengths = [frames] * num_samples
        made = generate(model, lengths, condition=told, seed=seed, temperature=temperature, batch_size=batch_size)
        poses = {f"sample {i}": each.seen for i, each in enumerate(made, start=1)}
        wrong = _write_numbered(
            {name: _standing(each, paths[0]) for name, each in poses.items()}, paths, overwrite=overwrite
        )
    each_holds = num_samples // len(paths)
    return [
        GeneratedFile(path, model.name, each_holds, frames, model.config.fps, said)
        for path, said in zip(paths, wrong, strict=True)
    ]


@dataclass(frozen=True)
class InterpolatedFiles:
    """The way from one file to another.

    Attributes:
        frames: of each step.
        mean_step, largest_step: see `Interpolation`, in shoulder widths; ratio: of the largest to the mean.
        anatomy: of each output what is wrong with a body in it, if anything is.
    """

    outputs: list[Path]
    model: str
    frames: list[int]
    distances: list[float]
    mean_step: float
    largest_step: float
    ratio: float
    anatomy: list[str | None]


def interpolate_files(
    start: Path,
    end: Path,
    steps: int,
    output: Path,
    reading: Reading,
    *,
    spherical: bool = False,
    suffix: str | None = None,
    overwrite: bool = False,
) -> InterpolatedFiles:
    """Writes sequences evenly apart from one file to another.

    Args:
        output: an HTML player of all of them, or a folder of `step_01.SUFFIX` and so on.
        suffix: of files in a folder; None: that of `start`.

    Raises:
        UserError: an input, model or output that cannot be used; then nothing is written.
    """
    check_pose_files([start, end])
    with removed_if_empty(output):
        paths = _numbered("step", steps, output, suffix or start.suffix.lower(), overwrite=overwrite)
        models = Models(reading.checkpoint, reading.device)
        model, first = _read(start, models, reading)
        other, last = _read(end, models, reading)
        if other is not model:
            raise UserError(f"{start} and {end}: the models that fit are {model.name} and {other.name}; name one")
        told = condition_of(model, reading.condition)
        ends = [_named(f, lambda s=s: encode(model, s, told)) for f, s in ((start, first), (end, last))]
        way = interpolate(model, *ends, steps, spherical=spherical)
        placed = zip(way.steps, way.placements, strict=True)
        poses = {
            f"step {i} of {steps}": each.restored(place, first.skeleton) for i, (each, place) in enumerate(placed, 1)
        }
        wrong = _write_numbered(poses, paths, overwrite=overwrite)
    ratio = way.largest_step / way.mean_step if way.mean_step else 1.0
    frames = [len(each.seen) for each in way.steps]
    distances = way.distances.tolist()
    return InterpolatedFiles(paths, model.name, frames, distances, way.mean_step, way.largest_step, ratio, wrong)


def evaluate_data(
    data: Sequence[Path],
    output: Path | None,
    *,
    checkpoint: str | None = None,
    split: str = "validation",
    visualize: bool = False,
    extract_latents: bool = False,
    seed: int = 0,
    batch_size: int = 16,
    device: str = "auto",
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> tuple[Evaluation, list[Path]]:
    """Scores a model and writes the report; see `evaluate` and `write_report`.

    Returns:
        What was found, and the files that were written.

    Raises:
        UserError: data, a model or a folder that cannot be used.
    """
    from ht_vae.evaluation.evaluate import evaluate
    from ht_vae.evaluation.report import check_report, write_report

    with removed_if_empty(output):
        if output is not None:
            check_report(output, visualize=visualize, latents=extract_latents, overwrite=overwrite)
        model = Models(checkpoint, device).of_data([*data])
        evaluation = evaluate(model, data, split, seed=seed, batch_size=batch_size, progress=progress)
        if output is None:
            return evaluation, []
        return evaluation, write_report(
            evaluation, model, output, visualize=visualize, latents=extract_latents, overwrite=overwrite
        )


def describe(name: str | Path) -> dict[str, Any]:
    """What a model is, by name of the fact.

    Raises:
        UserError: no such model, or not a whole one.
    """
    model = load_model(name, "cpu")
    config = model.config
    skeleton = Skeleton.from_dict(config.skeleton)
    return {
        "model": model.name,
        "model_hash": model.hash,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained_on": config.trained_on or "unknown",
        "keypoints": skeleton.num_keypoints,
        "coordinates": skeleton.num_dims,
        "components": {component.name: len(component.points) for component in skeleton.components},
        "fps": config.fps,
        "condition": list(config.labels) or config.condition_dim or "none",
        "latents": f"{config.latent_dim} a sequence, {config.chunk_latent_dim} a chunk of {config.chunk_size} frames",
        **{name: getattr(config, name) for name in ModelSizes.model_fields},
    }


def _reconstruct(job: Job, models: Models, reading: Reading, *, overwrite: bool) -> ReconstructedFile:
    model, sequence = _read(job.source, models, reading)
    encoded, made = reconstruct(model, sequence, condition_of(model, reading.condition))
    restored = made.restored(encoded.placement, sequence.skeleton)
    write_poses({"original": clean(sequence), "reconstruction": restored}, job.output, overwrite=overwrite)
    errors = _errors(encoded, made)
    return ReconstructedFile(
        file=job.name,
        output=job.output,
        model=model.name,
        frames=len(sequence),
        fps=sequence.fps,
        mpjpe=errors.mpjpe,
        latents=encoded.numbers,
        keypoint_numbers=encoded.original.keypoints.size,
        left_out=sequence.skeleton.num_keypoints - restored.skeleton.num_keypoints,
        anatomy=anatomy(restored).summary(),
    )


def _encode(job: Job, models: Models, reading: Reading, *, overwrite: bool) -> EncodedFile:
    model, sequence = _read(job.source, models, reading)
    encoded = encode(model, sequence, condition_of(model, reading.condition))
    write_latents(model, encoded, job.output, overwrite=overwrite)
    sizes = model.config.latent_dim, model.config.chunk_latent_dim
    chunks = encoded.posterior.chunk_mask.shape[1]
    return EncodedFile(job.name, job.output, model.name, len(sequence), sequence.fps, sizes, chunks)


def _errors(encoded: EncodedSequence, made: DecodedSequence) -> Errors:
    return errors_of(encoded.original, made).total()


def _read(file: Path, models: Models, reading: Reading) -> tuple[HierarchicalTransformerVAE, PoseSequence]:
    sequence = reading.files.read(file)
    return _named(file, lambda: models.of(sequence.skeleton)), sequence


def _numbered(what: str, count: int, output: Path, suffix: str, *, overwrite: bool) -> list[Path]:
    """Where so many sequences go, checked: one file that holds them all, or one each in a folder."""
    if output.is_dir() or not output.suffix:
        if suffix not in POSES:
            raise UserError(f"{suffix}: unknown format; use {', '.join(POSES)}")
        check_output_folder(output)
        digits = max(2, len(str(count)))
        paths = [output / f"{what}_{i:0{digits}d}{suffix}" for i in range(1, count + 1)]
    else:
        check_suffix(output, POSES)
        if count > 1 and output.suffix.lower() != PLAYER:
            holding = ", ".join(FORMATS)
            raise UserError(f"{output}: holds one sequence ({holding}), not {count}; name a folder or an .html file")
        paths = [output]
    check_outputs(paths, overwrite=overwrite)
    return paths


def _write_numbered(poses: dict[str, PoseSequence], paths: list[Path], *, overwrite: bool) -> list[str | None]:
    """Writes sequences to one file or to one each; returns what is wrong with a body in each file."""
    wrong = {name: anatomy(sequence).summary() for name, sequence in poses.items()}
    if len(paths) == 1:
        write_poses(poses, paths[0], overwrite=overwrite)
        return [
            "; ".join(f"{name}: {said}" if len(poses) > 1 else said for name, said in wrong.items() if said) or None
        ]
    for sequence, path in zip(poses.values(), paths, strict=True):
        write_poses(sequence, path, overwrite=overwrite)
    return [*wrong.values()]


def _standing(sequence: PoseSequence, path: Path) -> PoseSequence:
    return stand(sequence, in_picture=path.suffix.lower() != ".csv")


def _named(path: Path, work: Callable[[], Any]) -> Any:
    """What `work` gives; its complaint begins with the path."""
    try:
        return work()
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error
