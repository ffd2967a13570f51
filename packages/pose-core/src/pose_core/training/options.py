"""Options of all `train` commands, declared once, and what the commands share."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from pose_core.command_line import App, Debug, Json, Overwrite, print_json, settings_of
from pose_core.errors import UserError
from pose_core.models_command import License, PushToHub

if TYPE_CHECKING:
    from pose_core.data.clip import Clip
    from pose_core.training.config import TrainingConfig

Config = TypeVar("Config", bound="TrainingConfig")
RUNS = Path("runs")
RENAMED_OPTIONS = {"--nodes": "--num-nodes", "--num-epochs": "--epochs"}
PRESET_HELP = "Preset or YAML file."
# Options that are keys of the configuration.
SETTINGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "seed",
    "device",
    "devices",
    "num_nodes",
    "strategy",
    "wandb_project",
    "dry_run",
    "overfit",
    "profile",
)


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a `train` command; a setting that was not given keeps the configuration's value."""

    package: str
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            help="Manifest CSV, or folder with train/ val/ test/ of pose files; may be given several times. Or shards: "
            "a folder or URL.",
        ),
    ]
    output: Annotated[
        Path | None, typer.Option("--output", help="Run folder; becomes a model folder when the run is finished.")
    ] = None
    experiment_name: Annotated[
        str | None, typer.Option("--experiment-name", help="Name of a run folder inside --output, or inside runs/.")
    ] = None
    preset: Annotated[str, typer.Option("--config", help="Preset or YAML file.")] = "default"
    init_from: Annotated[
        str | None, typer.Option("--from", help="Model to fine-tune: folder, bundled name or hub id.")
    ] = None
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the training data.")] = None
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Sequences per batch and process.")] = (
        None
    )
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate.")] = None
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of all random generators.")] = None
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, or another accelerator that Lightning knows.")
    ] = None
    devices: Annotated[
        int | None, typer.Option("--devices", min=1, help="Devices per machine, one process per device.")
    ] = None
    num_nodes: Annotated[int | None, typer.Option("--num-nodes", min=1, help="Number of machines.")] = None
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="Distributed strategy: ddp, fsdp, or another that Lightning knows.")
    ] = None
    wandb_project: Annotated[
        str | None, typer.Option("--wandb-project", help="Log to this Weights & Biases project as well.")
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Take a few steps, estimate memory and hours, write nothing.")
    ] = False
    overfit: Annotated[
        int | None, typer.Option("--overfit", min=1, help="Train and validate on the first N clips only.")
    ] = None
    profile: Annotated[bool, typer.Option("--profile", help="Write a profile of the run into its folder.")] = False
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting: name=value; may be given several times.")
    ] = None
    push_to_hub: PushToHub = None
    license: License = None
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue a finished or changed run; an interrupted one continues by itself."),
    ] = False
    overwrite: Overwrite = False
    json: Json = False
    debug: Debug = False

    @property
    def run_path(self) -> Path:
        """The run's folder, by `--output` and `--experiment-name`; the runs of a sweep each have one of their own."""
        from pose_core.training.runs import sweep_run_folder

        name = self.experiment_name
        if name is None:
            if self.output is None:
                raise typer.BadParameter("say where the run goes with --output, or name it with --experiment-name")
            return sweep_run_folder(self.output)
        if not name.strip() or Path(name).name != name:
            raise typer.BadParameter(f"--experiment-name {name!r}: is a name, not a path; use --output for its place")
        return sweep_run_folder((self.output or RUNS) / name)

    def load_config(
        self,
        config: type[Config],
        presets: dict[str, Path],
        bundled: dict[str, Path] | None = None,
        *,
        fixed: Sequence[str] = (),
        omitted: Sequence[str] = (),
        **settings: Any,
    ) -> Config:
        """The run's configuration: a preset or file, changed by the options that were given.

        Args:
            config: its class.
            presets: files by name.
            bundled: models that `--from` knows by name.
            fixed: keys that a run takes from the model it fine-tunes.
            omitted: those of `fixed` that config.json leaves out if they have their default value.
            settings: further options that are keys of the configuration; None where they were not given.

        Raises:
            UserError: as `load_preset`, or training is not installed.
        """
        from pose_core.pretrained import model_config
        from pose_core.training.config import load_preset
        from pose_core.training.stopping import stop_while_starting

        if find_spec("lightning") is None:
            raise UserError(f"training needs lightning: pip install '{self.package}[train]'")
        stop_while_starting()
        _ = self.run_path  # refuses wrong names
        given = {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not False}
        source = model_config(self.init_from, bundled or {}) if self.init_from is not None else {}
        defaults = {name: config.model_fields[name].default for name in omitted} if source else {}
        taken = defaults | {name: source[name] for name in fixed if name in source}
        return load_preset(config, self.preset, presets, settings_of(given | settings, self.settings), taken)

    def check_run(self, config: "TrainingConfig", **others: Any) -> "list[Clip]":
        """Refuses what can be refused before torch is imported; returns the clips of the data, none of shards.

        Args:
            config: of the run.
            others: whatever else makes it another run.

        Raises:
            UserError: as `pose_core.training.checks.check_run`.
        """
        from pose_core.training.checks import check_run

        if config.tensorboard and find_spec("tensorboard") is None:
            raise UserError(f"training needs tensorboard: pip install '{self.package}[train]'")
        if self.push_to_hub is not None and not config.dry_run:
            from pose_core.pretrained.hub import check_hub_id

            check_hub_id(self.push_to_hub)
        return check_run(
            self.data,
            self.run_path,
            config,
            init_from=self.init_from,
            resume=self.resume,
            overwrite=self.overwrite,
            **others,
        )

    def run(self, train: Callable[..., tuple[Any, dict[str, float]]], config: "TrainingConfig", **others: Any) -> None:
        """Calls a package's `train`, and prints the size of the model and its last metrics."""
        from pose_core.training.hardware import limit_threads
        from pose_core.training.ranks import is_main_process

        limit_threads(config.devices)
        model, metrics = train(
            self.data,
            self.run_path,
            config,
            init_from=self.init_from,
            resume=self.resume,
            overwrite=self.overwrite,
            **others,
        )
        if not is_main_process():
            return
        address = None if config.dry_run else self._publish()
        parameters = sum(parameter.numel() for parameter in model.parameters())
        if self.json:
            print_json({"output": self.run_path, "parameters": parameters, "metrics": metrics, "address": address})
            return
        print(f"{self.run_path}: model of {parameters:,} parameters")
        for name, value in sorted(metrics.items()):
            print(f"  {name:<26} {value:.4f}")
        if address is not None:
            print(f"uploaded as {self.push_to_hub}, see {address}")

    def _publish(self) -> str | None:
        """Writes the licence into the run's card, and uploads model and card, where that was asked for.

        Returns:
            The address of the model's page.
        """
        from pose_core.pretrained.hub import CARD, add_license, push_to_hub

        if self.license is not None:
            add_license(self.run_path / CARD, self.license)
        if self.push_to_hub is None:
            return None
        return push_to_hub(self.run_path, self.push_to_hub, library=self.package)


def training_options(package: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a `train` command the options of `TrainingOptions`, which it takes as its first parameter.

    Args:
        package: as it is installed: "text-to-pose".
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        shared = [each.name for each in fields(TrainingOptions) if each.name != "package"]

        @functools.wraps(command)
        def wrapper(**given: Any) -> None:
            options = TrainingOptions(package, **{name: given.pop(name) for name in shared})
            command(options, **given)

        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        hints = get_type_hints(TrainingOptions, include_extras=True)
        parameters = [
            inspect.Parameter(
                each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name]
            )
            for each in inspect.signature(TrainingOptions).parameters.values()
            if each.name != "package"
        ]
        first = shared.index("epochs")  # what a package adds stands before the settings that all have
        together = [*parameters[:first], *(each.replace(kind=each.KEYWORD_ONLY) for each in own), *parameters[first:]]
        wrapper.__signature__ = inspect.Signature(together)  # ty: ignore[missing-attribute]
        wrapper.__annotations__ = {each.name: each.annotation for each in together}
        return wrapper

    return decorated


def add_config_command(app: App, package: str) -> None:
    """Adds the `config` command, which prints `RunConfig` and `PRESETS` of a package's module `config`."""

    @app.command("config")
    def show_config(
        preset: Annotated[str, typer.Argument(help=PRESET_HELP)] = "default",
        json: Json = False,
        debug: Debug = False,
    ) -> None:
        """Print every setting of `train`, with a preset's values, as YAML that --config takes."""
        from pose_core.training.describe import print_config

        config = import_module(f"{package.replace('-', '_')}.config")
        print_config(config.RunConfig, config.PRESETS, preset, as_json=json)
