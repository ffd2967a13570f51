"""Configuration of a training run, which every package extends by inheritance."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError

from pose_core.errors import UserError, reason
from pose_core.progress import warn
from pose_core.training.keys import flat, set_key, suggestion
from pose_core.training.ranks import is_main_process

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
Optimizer = Literal["adamw", "adam", "sgd"]
Scheduler = Literal["warmup_cosine", "warmup_linear", "warmup_constant"]


def _precision(value: Any) -> Any:
    """A precision as older files say it: null, or whether to use automatic mixed precision (`use_amp`)."""
    if value is None:
        return "auto"
    return ("bf16-mixed" if value else "32-true") if isinstance(value, bool) else value


# See `choose_precision`.
PrecisionSetting = Annotated[Literal["auto", "32-true", "bf16-mixed", "16-mixed"], BeforeValidator(_precision)]


class TrainingConfig(BaseModel):
    """Settings of training: batches, optimizer, schedule, hardware, logging.

    Attributes:
        ALIASES: other names of keys that YAML files may use.
        RENAMED: names that keys had in older versions; a notice says how they are called now.
        SECTIONS: sections that keys stood in in older versions; a notice says so.
    """

    ALIASES: ClassVar[dict[str, str]] = {
        "num_epochs": "epochs",
        "use_amp": "precision",
        "optimizer_type": "optimizer",
        "scheduler_type": "scheduler",
    }
    RENAMED: ClassVar[dict[str, str]] = {"max_frames": "batch_frames"}
    SECTIONS: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(100, gt=0)
    batch_size: int = Field(32, gt=0, description="sequences per batch and process")
    batch_frames: int | None = Field(
        None, gt=0, description="maximum frames per training batch, padding included; replaces batch_size"
    )
    accumulate: int = Field(1, gt=0, description="batches whose gradients are accumulated for one optimizer step")
    optimizer: Optimizer = Field("adamw", description="sgd: with Nesterov momentum")
    scheduler: Scheduler = Field("warmup_cosine", description="learning rate after the linear warm-up")
    learning_rate: float = Field(5e-4, gt=0, description="peak learning rate, reached after the warm-up")
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: int = Field(200, ge=0, description="steps of linear warm-up, at most a fifth of all steps")
    gradient_clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema_decay: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights that are kept; 0: none")
    validate_every: int = Field(5, gt=0, description="epochs between validations")
    keep: Literal["best", "last"] = Field("best", description="weights to keep: the best of validation, or the last")
    checkpoint_minutes: float = Field(10.0, gt=0, description="minutes between checkpoints within an epoch")
    patience: int | None = Field(None, gt=0, description="validations without improvement before stopping early")
    precision: PrecisionSetting = Field("auto", description="auto: bf16-mixed on hardware with bf16, else 32-true")
    compile: bool = Field(False, description="torch.compile the training step")
    device: str = Field("auto", description="auto, cpu, or another accelerator Lightning knows")
    devices: PositiveInt | Literal["auto"] = Field(1, description="devices per machine; torchrun's if 1")
    num_nodes: int = Field(1, gt=0, description="machines; torchrun's if 1")
    strategy: str = Field("auto", description="distributed strategy: ddp, fsdp, or another that Lightning knows")
    num_workers: int = Field(0, ge=0, description="processes that load data; 0: the training process itself")
    pin_memory: bool = Field(False, description="page-locked batches, which are copied to a GPU faster")
    seed: int = 0
    dry_run: bool = Field(False, description="take a few steps, estimate what the run would cost, write nothing")
    overfit: int | None = Field(None, gt=0, description="train and validate on the first N clips only")
    profile: bool = Field(False, description="write a profile of the run into its folder")
    samples: int = Field(0, ge=0, description="samples of the model's output logged at each validation")
    tensorboard: bool = True
    wandb_project: str | None = Field(None, description="log to this Weights & Biases project as well")


Config = TypeVar("Config", bound=TrainingConfig)


def load_yaml(
    config: type[Config],
    path: str | Path,
    overrides: dict[str, Any] | None = None,
    fixed: dict[str, Any] | None = None,
    *,
    is_preset: bool = False,
) -> Config:
    """A config from a YAML file and overrides by name, dotted below a section (`{"encoder.num_layers": 3}`).

    Names of older versions are accepted with a notice, see `TrainingConfig`.

    Args:
        config: its class.
        path: the file.
        overrides: replace what the file says.
        fixed: what a model to fine-tune has, as its config.json says it; replaces what a preset says.
        is_preset: the file is one of the package's: nobody chose what it says of `fixed`.

    Raises:
        UserError: no such file, no YAML mapping, or a key or value the config refuses; an unknown key is answered with
            the nearest known one; or the file or an override contradicts `fixed`.
    """
    path = Path(path)
    content = _read_yaml(path)
    values: dict[str, Any] = {}
    source = str(path)
    try:
        for name, value in _current_keys(content, config, source).items():
            set_key(values, name, value)
        chosen = {} if is_preset else flat(values)
        source = "--set"
        settings = _current_keys(overrides or {}, config, source)
        source = str(path)
        for name, value in settings.items():
            set_key(values, name, value)
        given = flat(settings)
        chosen |= given
        for name, value in flat(_current_keys(fixed or {}, config, None)).items():
            if name in chosen and chosen[name] != value:
                raise UserError(f"{name} is {chosen[name]}, and {value} in the model to fine-tune; leave {name} out")
            set_key(values, name, value)
    except ValueError as error:
        raise UserError(f"{source}: {error}") from error
    try:
        return config.model_validate(values)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        # A preset is right by itself.
        blamed = is_preset or any(name == key or name.startswith(f"{key}.") for name in given)
        source = "--set" if blamed else str(path)
        raise UserError(f"{source}: {_first_problem(error, config)}") from error


def _read_yaml(path: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
    except FileNotFoundError:
        raise UserError(f"{path}: no such config") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: a config is a mapping of names to values")
    return content


def _current_keys(values: dict[Any, Any], config: type[TrainingConfig], source: str | None) -> dict[str, Any]:
    """Values by the names that keys have today; one line says which of older versions were found in `source`, if any.

    Raises:
        ValueError: what was a section is a value, or a setting has a value by each of two names.
    """
    current: dict[str, Any] = {}
    aliased: dict[str, Any] = {}
    renamed: list[str] = []
    for name, value in _without_sections(values, config).items():
        key = _current_key(name, config)
        if key in config.ALIASES:
            if value is not None:  # older versions printed "use_amp: null" beside "precision: auto"
                aliased[config.ALIASES[key]] = value
            continue
        current[key] = value
        if key != name and key.partition(".")[0] in config.model_fields:
            renamed.append(f"{name} is now {key}")
    if renamed and source is not None and is_main_process():
        more = f", and {len(renamed) - 1} more; the `config` command prints them all" if len(renamed) > 1 else ""
        warn(f"{source}: {renamed[0]}{more}")
    for alias, key in config.ALIASES.items():
        # Older versions printed both names of the precision, where "auto" left it to `use_amp`.
        if key in aliased and current.get(key, "auto") != "auto":
            raise ValueError(f"{alias} and {key} are one setting; leave {alias} out")
    return current | aliased


def _without_sections(values: dict[Any, Any], config: type[TrainingConfig]) -> dict[str, Any]:
    """Values in which those of former sections stand at the top, by dotted name."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        if name not in config.SECTIONS:
            result[str(name)] = value
        elif isinstance(value, dict):
            result |= {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
        elif value is not None:
            raise ValueError(f"{name} is a section of names and values, found {value!r}")
    return result


def _current_key(name: str, config: type[TrainingConfig]) -> str:
    """A key's name today, without a section it once stood in."""
    section, _, inner = name.partition(".")
    key = inner if inner and section in config.SECTIONS else name
    return key if key in config.model_fields else config.RENAMED.get(key, key)


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
    if not name:  # a check of several keys
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        if isinstance(problem["input"], dict):  # a section that the config does not have
            name = next(iter(flat({name: problem["input"]})), name)
        return f"unknown key {name}; {suggestion(name, config)}"
    return f"{name}: {problem['msg']}, found {problem['input']!r}"


def _kind(section: Any) -> str | None:
    """The `kind` tag of a member of a discriminated union."""
    while get_args(section):  # Annotated
        section = get_args(section)[0]
    field = getattr(section, "model_fields", {}).get("kind")
    return field.default if field is not None else None
