"""What the commands do with files: check everything, compute, then write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ht_vae.codec import encode, read_condition, reconstruct
from ht_vae.config import ModelSizes
from ht_vae.evaluation.errors import clip_errors
from ht_vae.latent_file import SUFFIX as LATENTS
from ht_vae.latent_file import write_latents
from ht_vae.latent_optimization import STEPS
from ht_vae.model import load_model
from ht_vae.model_selection import Models
from ht_vae.results import EncodedFile, GeneratedFile, InterpolatedFiles, ReconstructedFile
from ht_vae.sampling import generate, interpolate, place_sample
from pose_core import UserError
from pose_core.atomic_files import removed_if_empty
from pose_core.errors import naming
from pose_core.formats import READABLE, READERS, is_clip_folder
from pose_core.formats.options import ReadOptions
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.outputs import numbered_outputs
from pose_core.transforms import clean
from pose_core.writing import PLAYER, WRITABLE, write_poses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ht_vae.evaluation.evaluate import Evaluation
    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core import PoseSequence

Result = TypeVar("Result")


@dataclass(frozen=True)
class InputOptions:
    """How files are read, and with which model they are encoded; see `ht-vae reconstruct --help`."""

    checkpoint: str | None = None
    condition: str | None = None
    files: ReadOptions = field(default_factory=ReadOptions)
    device: str = "auto"
    optimization_steps: int = STEPS


def reconstruct_files(
    inputs: Sequence[str | Path], output: Path | None, reading: InputOptions, options: JobOptions | None = None
) -> JobRunner[ReconstructedFile]:
    """Encodes and decodes poses, and writes them in the coordinates of their files.

    Args:
        inputs: pose files, folders, patterns, or `-`; see `find_inputs`.
        output: a file for one input, its format by its suffix, a folder, or `-`; None: `NAME.reconstructed.SUFFIX`
            beside each input. The HTML player shows the original beside it.
        reading: see `InputOptions`.
        options: see `JobOptions`.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    return _run_jobs(
        _reconstruct, inputs, output, reading, options, verb="reconstructing", infix=".reconstructed", writable=WRITABLE
    )


def encode_files(
    inputs: Sequence[str | Path], output: Path | None, reading: InputOptions, options: JobOptions | None = None
) -> JobRunner[EncodedFile]:
    """Writes the latents of pose files, see `write_latents`.

    Args:
        inputs: as of `reconstruct_files`.
        output: an `.npz` for one input, a folder, or `-`; None: `NAME.latents.npz` beside each input.
        reading: see `InputOptions`.
        options: see `JobOptions`.

    Raises:
        UserError: as `reconstruct_files`.
    """
    return _run_jobs(
        _encode,
        inputs,
        output,
        reading,
        options,
        verb="encoding",
        suffix=LATENTS,
        infix=".latents",
        writable=(LATENTS,),
    )


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
    """Writes decoded samples of the prior.

    Args:
        num_samples, frames: how many samples, and frames of each.
        output: a file of one sample, its format by its suffix; an HTML player of all of them; or a folder of
            `sample_001.SUFFIX` and so on.
        checkpoint, device: as `Models` takes them.
        condition: see `read_condition`.
        seed, temperature, batch_size: see `generate`.
        suffix: of files in a folder.
        overwrite: replace existing files.

    Raises:
        UserError: a model, condition or output that cannot be used; then nothing is written.
    """
    with removed_if_empty(output):
        paths = _series("sample", num_samples, output, suffix, overwrite=overwrite)
        model = Models(checkpoint, device).generator()
        samples = generate(
            model,
            [frames] * num_samples,
            condition=read_condition(model, condition),
            seed=seed,
            temperature=temperature,
            batch_size=batch_size,
        )
        in_picture = paths[0].suffix.lower() != ".csv"
        poses = {
            f"sample {i}": place_sample(each.sequence, in_picture=in_picture) for i, each in enumerate(samples, start=1)
        }
        problems = _write_series(poses, paths, overwrite=overwrite)
    per_file = num_samples // len(paths)
    return [
        GeneratedFile(path, model.name, per_file, frames, model.config.fps, problem)
        for path, problem in zip(paths, problems, strict=True)
    ]


def interpolate_files(
    start: Path,
    end: Path,
    num_samples: int,
    output: Path,
    reading: InputOptions,
    *,
    spherical: bool = False,
    suffix: str | None = None,
    overwrite: bool = False,
) -> InterpolatedFiles:
    """Writes an evenly spaced interpolation from one file to another.

    Args:
        start, end: the files.
        num_samples: sequences, both ends included.
        output: an HTML player of all of them, or a folder of `step_01.SUFFIX` and so on.
        reading: see `InputOptions`.
        spherical: see `interpolate`.
        suffix: of files in a folder; None: that of `start`.
        overwrite: replace existing files.

    Raises:
        UserError: an input, model or output that cannot be used; then nothing is written.
    """
    _check_pose_files([start, end])
    with removed_if_empty(output):
        paths = _series("step", num_samples, output, suffix or start.suffix.lower(), overwrite=overwrite)
        models = Models(reading.checkpoint, reading.device)
        model, first = _read(start, models, reading)
        other, last = _read(end, models, reading)
        if other is not model:
            raise UserError(f"{start} and {end}: the models that fit are {model.name} and {other.name}; name one")
        condition = read_condition(model, reading.condition)
        ends = []
        for path, sequence in ((start, first), (end, last)):
            with naming(path):
                ends.append(encode(model, sequence, condition, optimization_steps=reading.optimization_steps))
        result = interpolate(model, *ends, num_samples, spherical=spherical)
        placed = zip(result.samples, result.placements, strict=True)
        poses = {
            f"step {i} of {num_samples}": sample.restored(placement, first.skeleton)
            for i, (sample, placement) in enumerate(placed, 1)
        }
        problems = _write_series(poses, paths, overwrite=overwrite)
    return InterpolatedFiles(
        paths,
        model.name,
        [len(each.sequence) for each in result.samples],
        result.distances.tolist(),
        result.mean_step,
        result.largest_step,
        result.largest_step / result.mean_step if result.mean_step else 1.0,
        problems,
    )


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
    optimization_steps: int = STEPS,
    device: str = "auto",
    overwrite: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> tuple[Evaluation, list[Path]]:
    """Evaluates a model and writes the report; see `evaluate` and `write_report`.

    Returns:
        The evaluation, and the files that were written.

    Raises:
        UserError: data, a model or a folder that cannot be used.
    """
    from ht_vae.evaluation.evaluate import evaluate
    from ht_vae.evaluation.report import check_report, write_report

    with removed_if_empty(output):
        if output is not None:
            check_report(output, visualize=visualize, latents=extract_latents, overwrite=overwrite)
        model = Models(checkpoint, device).of_data([*data])
        evaluation = evaluate(
            model, data, split, seed=seed, batch_size=batch_size, optimization_steps=optimization_steps, say=say
        )
        if output is None:
            return evaluation, []
        return evaluation, write_report(
            evaluation, model, output, visualize=visualize, latents=extract_latents, overwrite=overwrite
        )


def describe(name: str | Path) -> dict[str, Any]:
    """Facts about a model, by name.

    Raises:
        UserError: no such model, or not a whole one.
    """
    model = load_model(name, "cpu")
    config, skeleton = model.config, model.skeleton
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
        "latents": (
            f"{config.latent_dim} per sequence, {config.chunk_latent_dim} per chunk of {config.chunk_size} frames"
        ),
        **{name: getattr(config, name) for name in ModelSizes.model_fields},
    }


def _run_jobs(
    work: Callable[..., Result],
    inputs: Sequence[str | Path],
    output: Path | None,
    reading: InputOptions,
    options: JobOptions | None,
    *,
    suffix: str | None = None,
    **names: Any,
) -> JobRunner[Result]:
    """Does `work` for every input; the rest as in `planned`."""
    options = options or JobOptions()
    with planned(inputs, output, options, suffixes=tuple(READERS), suffix=suffix, **names) as batch:
        if batch.jobs:
            models = Models(reading.checkpoint, reading.device)
            batch.run(lambda job: work(job, models, reading, overwrite=options.overwrite))
    return batch


def _reconstruct(job: Job, models: Models, reading: InputOptions, *, overwrite: bool) -> ReconstructedFile:
    model, sequence = _read(job.source, models, reading)
    condition, steps = read_condition(model, reading.condition), reading.optimization_steps
    encoded, decoded = reconstruct(model, sequence, condition, optimization_steps=steps)
    restored = decoded.restored(encoded.placement, sequence.skeleton)
    write_poses({"original": clean(sequence), "reconstruction": restored}, job.output, overwrite=overwrite)
    return ReconstructedFile(
        file=job.name,
        output=job.output,
        model=model.name,
        frames=len(sequence),
        fps=sequence.fps,
        mpjpe=clip_errors(encoded.original, decoded).total().mpjpe,
        latents=encoded.num_latents,
        keypoint_numbers=encoded.original.keypoints.size,
        left_out=sequence.skeleton.num_keypoints - restored.skeleton.num_keypoints,
        anatomy=anatomy(restored).summary(),
    )


def _encode(job: Job, models: Models, reading: InputOptions, *, overwrite: bool) -> EncodedFile:
    model, sequence = _read(job.source, models, reading)
    condition, steps = read_condition(model, reading.condition), reading.optimization_steps
    encoded = encode(model, sequence, condition, optimization_steps=steps)
    write_latents(model, encoded, job.output, overwrite=overwrite)
    sizes = model.config.latent_dim, model.config.chunk_latent_dim
    num_chunks = encoded.posterior.chunk_mask.shape[1]
    return EncodedFile(job.name, job.output, model.name, len(sequence), sequence.fps, sizes, num_chunks)


def _check_pose_files(files: list[Path]) -> None:
    """Refuses inputs that are no single pose files, before any work is done.

    Raises:
        UserError: naming the first that does not exist, is a folder, or has another suffix than pose files have.
    """
    for file in files:
        if is_clip_folder(file):
            continue
        if file.is_dir():
            raise UserError(f"{file}: is a folder; name pose files, as {file}/*.pose does")
        if not file.is_file():
            raise UserError(f"{file}: no such file")
        if file.suffix.lower() not in READABLE:
            raise UserError(f"{file}: unknown pose format {file.suffix!r}; known: {', '.join(READABLE)}")


def _read(file: Path, models: Models, reading: InputOptions) -> tuple[HierarchicalTransformerVAE, PoseSequence]:
    sequence = reading.files.read(file)
    with naming(file):
        return models.of(sequence.skeleton), sequence


def _series(name: str, count: int, output: Path, suffix: str, *, overwrite: bool) -> list[Path]:
    """See `numbered_outputs`; an HTML player shows all sequences."""
    return numbered_outputs(name, count, output, suffix, writable=WRITABLE, joint=(PLAYER,), overwrite=overwrite)


def _write_series(poses: dict[str, PoseSequence], paths: list[Path], *, overwrite: bool) -> list[str | None]:
    """Writes sequences to one file or to one each; returns implausible proportions of bodies in each file."""
    problems = {name: anatomy(sequence).summary() for name, sequence in poses.items()}
    if len(paths) == 1:
        write_poses(poses, paths[0], overwrite=overwrite)
        named = [f"{name}: {problem}" if len(poses) > 1 else problem for name, problem in problems.items() if problem]
        return ["; ".join(named) or None]
    for sequence, path in zip(poses.values(), paths, strict=True):
        write_poses(sequence, path, overwrite=overwrite)
    return [*problems.values()]
