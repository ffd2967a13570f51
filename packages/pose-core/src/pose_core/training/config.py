"""Settings of a training run, the same in every package."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from pose_core.errors import UserError, reason
from pose_core.training.keys import flat, set_key, suggestion

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
# What a config says; see `choose_precision`. None, which older configs say, is auto.
PrecisionSetting = Annotated[
    Literal["auto", "32-true", "bf16-mixed", "16-mixed"],
    BeforeValidator(lambda value: "auto" if value is None else value),
]
PRECISION = "auto: bf16-mixed where the hardware has bf16, else 32-true"


class TrainingConfig(BaseModel):
    """How long, how fast, on what, and what is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(100, gt=0)
    batch_size: int = Field(32, gt=0, description="sequences a batch of each process")
    max_frames: int | None = Field(None, gt=0, description="frames a training batch, padded, instead of batch_size")
    accumulate: int = Field(1, gt=0, description="batches whose gradients make one step")
    learning_rate: float = Field(5e-4, gt=0, description="highest rate, reached after the warm-up")
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: int = Field(200, ge=0, description="steps of linear rise before the cosine decay")
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")
    validate_every: int = Field(5, gt=0, description="epochs between validations")
    keep: Literal["best", "last"] = Field("best", description="weights to keep: the best of validation, or the last")
    checkpoint_minutes: float = Field(10.0, gt=0, description="between checkpoints within an epoch")
    patience: int | None = Field(None, gt=0, description="validations without improvement before stopping early")
    precision: PrecisionSetting = Field("auto", description=PRECISION)
    compile: bool = Field(False, description="torch.compile the training step")
    device: str = Field("auto", description="auto, cpu, or another accelerator Lightning knows")
    devices: PositiveInt | Literal["auto"] = Field(1, description="of each machine, a process each; torchrun's if 1")
    num_nodes: int = Field(1, gt=0, description="machines; torchrun's if 1")
    strategy: str = Field("auto", description="how processes work together; ddp or another that Lightning knows")
    num_workers: int = Field(0, ge=0, description="processes that load data; 0: the training process itself")
    pin_memory: bool = Field(False, description="batches in memory that goes to a GPU faster, where they know how")
    seed: int = 0
    dry_run: bool = Field(False, description="take a few steps, say what a run would cost, and write nothing")
    overfit: int | None = Field(None, gt=0, description="train and validate on the first so many clips alone")
    profile: bool = Field(False, description="write where the time went into the run's folder")
    samples: int = Field(0, ge=0, description="samples of the model's work shown by the loggers at each validation")
    tensorboard: bool = True
    wandb_project: str | None = Field(None, description="log to this Weights & Biases project as well")


Config = TypeVar("Config", bound=BaseModel)


def load_yaml(
    config: type[Config],
    path: str | Path,
    overrides: dict[str, Any] | None = None,
    fixed: dict[str, Any] | None = None,
    *,
    is_preset: bool = False,
) -> Config:
    """A config from a YAML file and dotted overrides (`{"training.epochs": 3}`).

    Args:
        config: its class.
        path: the file.
        overrides: replace what the file says.
        fixed: by dotted name, what a model to fine-tune has; replaces what a preset says.
        is_preset: the file is one of the package's: nobody chose what it says of `fixed`.

    Raises:
        UserError: no such file, no YAML mapping, or a key or value the config refuses; an unknown key is answered with
            the nearest known one; or the file or an override contradicts `fixed`.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
    except FileNotFoundError:
        raise UserError(f"{path}: no such config") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: a config is a mapping of names to values")
    chosen = {} if is_preset else flat(values)
    try:
        for name, value in (overrides or {}).items():
            set_key(values, name, value)
            chosen |= flat({name: value})
        for name, value in (fixed or {}).items():
            if name in chosen and chosen[name] != value:
                raise UserError(f"{name} is {chosen[name]}, and {value} in the model to fine-tune; leave {name} out")
            set_key(values, name, value)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    try:
        return config.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {_first_problem(error, config)}") from error


def load_preset(
    config: type[Config],
    preset: str,
    presets: dict[str, Path],
    overrides: dict[str, Any] | None = None,
    fixed: dict[str, Any] | None = None,
) -> Config:
    """A config by the name of a preset or of a YAML file; overrides given as text are read as YAML values.

    Raises:
        UserError: there is no such preset or file, or as `load_yaml`.
    """
    path = presets.get(preset, Path(preset).expanduser())
    if not path.exists():
        near = difflib.get_close_matches(preset, presets, n=1)
        known = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"{preset}: no such preset or file; {known}presets: {', '.join(presets)}")
    try:
        values = {name: yaml.safe_load(v) if isinstance(v, str) else v for name, v in (overrides or {}).items()}
    except yaml.YAMLError as error:
        raise UserError(f"a setting is no YAML value ({reason(error)}); quote it") from error
    return load_yaml(config, path, values, fixed, is_preset=preset in presets)


def _first_problem(error: ValidationError, config: type[BaseModel]) -> str:
    problem = error.errors()[0]
    place = [str(part) for part in problem["loc"]]
    section: Any = config
    for number, part in enumerate(place):  # a section of several kinds has the kind's name in its place
        field = section.model_fields.get(part) if isinstance(section, type) else None
        if field is None:
            break
        kinds = get_args(field.annotation)
        section = field.annotation
        if kinds and number + 1 < len(place) and any(place[number + 1] == _kind(kind) for kind in kinds):
            section = next(kind for kind in kinds if _kind(kind) == place[number + 1])
            del place[number + 1]
    name = ".".join(place)
    if problem["type"] == "extra_forbidden":
        if isinstance(problem["input"], dict):  # a section that the config does not have
            name = next(iter(flat({name: problem["input"]})), name)
        return f"unknown key {name}; {suggestion(name, config)}"
    return f"{name}: {problem['msg']}, found {problem['input']!r}"


def _kind(section: Any) -> str | None:
    """What a section of several kinds calls one of them."""
    while get_args(section):  # Annotated
        section = get_args(section)[0]
    field = getattr(section, "model_fields", {}).get("kind")
    return field.default if field is not None else None
