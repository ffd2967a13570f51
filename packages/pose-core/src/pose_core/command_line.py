"""Shared parts of all command lines: options, exit status, messages, results.

Imports neither torch nor pose_format, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import functools
import inspect
import json
import math
import os
import re
import sys
import traceback
import warnings
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn, get_type_hints

import typer
from typer.core import TyperCommand
from typer.main import get_command

from pose_core.atomic_files import long_name
from pose_core.errors import BatchError, UserError
from pose_core.notices import InputWarning
from pose_core.progress import be_quiet, say, warn
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pose_core.jobs import JobRunner

# One definition for each option that several commands share, so that its `--help` reads the same everywhere.
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, or a torch device name.")]
BackendOption = Annotated[
    Literal["auto", "torch", "onnx"],
    typer.Option(
        "--backend",
        help="What runs the model; auto: onnx where onnxruntime is installed and the model has graphs, else torch.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on standard error, only warnings and errors.")]
Checkpoint = Annotated[str, typer.Option("--checkpoint", help="Model folder, bundled name or hub id.")]
FittingCheckpoint = Annotated[
    str | None,
    typer.Option("--checkpoint", help="Model folder, bundled name or hub id; default: the bundled one that fits."),
]
SamplingBatch = Annotated[int, typer.Option("--batch-size", min=1, help="Sequences per batch.")]

# Of every command that takes many files.
PoseFiles = Annotated[
    list[str],
    typer.Argument(help="Pose files (.pose, .npz, .csv, .json), folders, glob patterns, or - for standard input."),
]
SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Skip files whose output exists; continues an interrupted batch.")
]
KeepGoing = Annotated[
    bool | None,
    typer.Option("--keep-going/--no-keep-going", help="Continue after a file that fails; default for several files."),
]
OutputFormat = Annotated[
    str | None, typer.Option("--format", help="Suffix of files in an output folder, such as pose, npz or gif.")
]

# Of every `evaluate`, and of commands that go through a data set.
DataSets = Annotated[
    list[str],
    typer.Option(
        "--data", help="Manifest CSV, or folder with train/ val/ test/ of pose files; may be given several times."
    ),
]
Split = Annotated[str, typer.Option("--split", help="Split to use: train, validation, test or all.")]
Report = Annotated[
    Path | None, typer.Option("--output", help="Report folder: metrics.json, clips.csv, pages and pictures.")
]

ONE_HOUR = 3600  # seconds; the longest sequence that is generated
ONE_HOUR_OF_FRAMES = 25 * ONE_HOUR

KIND_LINES = 3  # warnings of one kind about inputs that are printed; the rest is counted
_said: dict[str, set[str]] = {}  # kind -> messages


class App(typer.Typer):
    """A Typer app whose commands take `--quiet`, and which knows `--version`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line, as `typer.Typer` does."""
        if len(self.registered_commands) > 1:  # typer takes a single command for the whole
            self.callback()(_common)
        if self._print_help(kwargs.get("prog_name")):
            return 0
        return super().__call__(*args, **kwargs)

    def _print_help(self, name: str | None) -> bool:
        """Prints the help of a command, where that is all that is asked for: typer would import pydantic first."""
        if len(sys.argv) != 3 or sys.argv[2] != "--help":
            return False
        group = get_command(self)
        command = getattr(group, "commands", {}).get(sys.argv[1])
        if command is not None:
            parent = group.context_class(group, info_name=name)
            print(command.get_help(command.context_class(command, info_name=sys.argv[1], parent=parent)))
        return command is not None

    def command(self, *args: Any, renamed: Mapping[str, str] | None = None, **kwargs: Any) -> Callable[[Any], Any]:
        """Registers a command, as `typer.Typer.command` does.

        The function need not take `quiet`, and may take option groups (see `group_options`).

        Args:
            args, kwargs: typer's.
            renamed: old spelling of an option -> the one that took its place ("--suffix": "--format"). The old one
                does what it did, is not in `--help`, and gives one line on standard error: "--suffix is now --format".
        """
        kwargs["cls"] = type("Command", (_Command,), {"renamed": dict(renamed or {})})
        register = super().command(*args, **kwargs)

        def decorated(function: Any) -> Any:
            register(_with_options(function))
            return function

        return decorated


class _Command(TyperCommand):
    """A command that accepts old spellings of its options, and rejects a repeated `--output` it would ignore."""

    renamed: ClassVar[dict[str, str]]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)  # what follows is no option
        options = [*map(self._current, args[:end])]
        outputs = sum(option.partition("=")[0] == "--output" for option in options)
        takes_one = any("--output" in each.opts and not getattr(each, "multiple", True) for each in self.params)
        if outputs > 1 and takes_one:  # Click would silently use the last one
            ctx.fail(f"--output was given {outputs} times; this command accepts it once")
        return super().parse_args(ctx, [*options, *args[end:]])

    def _current(self, argument: str) -> str:
        option, equals, value = argument.partition("=")
        if option not in self.renamed:
            return argument
        print(f"{option} is now {self.renamed[option]}", file=sys.stderr)
        return f"{self.renamed[option]}{equals}{value}"


def _with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with an additional option `--quiet`, and with the options of its option groups as its own."""
    own = inspect.signature(function, eval_str=True).parameters.values()
    groups = {each.name: each.annotation for each in own if is_dataclass(each.annotation)}

    @functools.wraps(function)
    def wrapper(*, quiet: bool, **values: Any) -> Any:
        be_quiet(quiet)
        for name, group in groups.items():
            values[name] = group(**{each.name: values.pop(each.name) for each in group_options(group)})
        return function(**values)

    parameters = [
        *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own if each.name not in groups),
        *(option for group in groups.values() for option in group_options(group)),
        inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
    ]
    wrapper.__signature__ = inspect.Signature(parameters)  # ty: ignore[missing-attribute]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def group_options(group: type) -> list[inspect.Parameter]:
    """The options of an option group, which is a dataclass: its fields, annotated as a command's options are."""
    hints = get_type_hints(group, include_extras=True)
    return [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name])
        for each in inspect.signature(group).parameters.values()
    ]


def new_app(help: str) -> App:
    """A command line that shows its help when called without a command."""
    return App(help=help, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda c, v: _print_version(c, v), is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def _print_version(context: typer.Context, version: bool) -> None:
    """Prints the version of the package named like the command."""
    if version:
        from importlib.metadata import version as version_of

        print(context.info_name, version_of(str(context.info_name)))
        raise typer.Exit


def run(app: typer.Typer, name: str) -> NoReturn:
    """Runs a command line and ends the process.

    Exit status 0 is success, 2 the user's mistake, 3 that some files of a batch failed, 1 our mistake, 130 Ctrl-C; an
    error is one line on stderr, with the traceback above it if `--debug` was given.
    """
    debug = "--debug" in sys.argv
    # OpenMP's threads would else wait for each other by running, which on a busy machine takes most of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not debug:
        _said.clear()
        warnings.formatwarning = _warning  # ty: ignore[invalid-assignment]
    try:
        status = app(prog_name=name, standalone_mode=False) or 0
        flush()  # a reader that has gone is met here, not when Python ends
        if status == 130:  # typer has met Ctrl-C by itself
            raise KeyboardInterrupt
        sys.exit(status)
    except (BrokenPipeError, SystemExit) as error:
        # The reader of our output has gone, as `| head` does; where typer meets that first, it exits with 1.
        if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except BaseException as error:
        status, message = _ending(error, name)
        if debug and not isinstance(error, BatchError):  # whose failures have had theirs
            traceback.print_exc()
        print(message, file=sys.stderr)
        sys.exit(status)
    finally:
        for kind, said in _said.items():
            if len(said) > KIND_LINES:
                print(f"Warning: {len(said) - KIND_LINES} more such warnings: {kind}", file=sys.stderr)


def _ending(error: BaseException, name: str) -> tuple[int, str]:
    """The exit status that an error ends a command with, and what it says on stderr."""
    if isinstance(error, UserError):
        return 2, _line(str(error))
    if isinstance(error, BatchError):
        failures = [" ".join(failure.split()) for failure in error.failures]
        return 1 if error.ours else 3, "\n".join([*failures, _line(str(error))])
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return 130, _line("interrupted")
    usage: Any = error
    if hasattr(usage, "format_message"):  # a wrong command line; typer exports no class for all of these
        if type(error).__name__ == "NoArgsIsHelpError":  # a bare command, which gets its help
            return 2, usage.format_message()
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else name
        message = re.sub("Input should be (greater|less) than or equal to", _bound, usage.format_message().rstrip("."))
        return 2, _line(f"{message}; see {command} --help")
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return 2, _line(long_name(error.filename))
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # as of standard output that a full disk takes
        return 2, _line(f"{error.filename or 'output'}: cannot be written ({error.strerror}); free some space")
    # Whatever is left is ours, and still no reason for forty lines.
    return 1, _line(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it")


def _bound(said: re.Match[str]) -> str:
    """The bound of an option in words of ours: typer gives pydantic's."""
    return "at least" if said[1] == "greater" else "at most"


def _line(message: str) -> str:
    return f"Error: {' '.join(message.split())}"


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning as one line; empty after the first few of its kind."""
    if isinstance(message, InputWarning):
        said = _said.setdefault(message.kind, set())
        said_before = str(message) in said
        said.add(str(message))
        if said_before or len(said) > KIND_LINES:
            return ""
    return f"Warning: {' '.join(str(message).split())}\n"


def check_number(value: float | None) -> float | None:
    """Refuses NaN, which passes an option's bounds.

    Raises:
        BadParameter: it is NaN.
    """
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is no number")
    return value


def check_seed(seed: int) -> int:
    """Refuses seeds of more than 64 bits.

    Raises:
        BadParameter: it does not fit into 64 bits.
    """
    if not -(2**63) <= seed < 2**63:
        raise typer.BadParameter("a seed is a whole number of at most 64 bits")
    return seed


def settings_of(named: dict[str, Any], settings: list[str] | None) -> dict[str, Any]:
    """Overrides of a preset: the options given, and `--set name=value`."""
    overrides = {name: value for name, value in named.items() if value is not None}
    for setting in settings or []:
        name, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {setting}: write name=value")
        overrides[name] = value
    return overrides


def report(batch: JobRunner, line: Callable[[Any], str], *, json: bool = False) -> None:
    """Prints the results of a batch, one line per file, or as JSON in which a failed file has `file` and `error`.

    A result's `anatomy` is printed as a warning.

    Raises:
        BatchError: a file failed.
    """
    if json:
        print_json([*batch.done, *({"file": failure.file, "error": failure.error} for failure in batch.failed)])
    else:
        for result in batch.done:
            if batch.to_stdout:  # whose file was a temporary one
                say(line(result).replace(str(batch.jobs[0].output), "standard output"))
            else:
                print(line(result))
    warn_of_anatomy(batch.done, "standard output" if batch.to_stdout else None)
    if batch.skipped:
        nothing_left = "; nothing is left to do" * (not batch.jobs)
        say(f"{len(batch.skipped)} of {batch.total} left out: their outputs exist{nothing_left}")
    if batch.failed:
        flush()
        raise BatchError(
            f"{len(batch.failed)} of {counted(batch.total, batch.options.noun)} failed; "
            + (f"all others are done: {batch.options.goes_on}" if batch.done or batch.skipped else "none is done"),
            [failure.error for failure in batch.failed],
            ours=any(failure.ours for failure in batch.failed),
        )


def flush() -> None:
    """Sends off what was printed, before messages on standard error; a closed standard output has nothing."""
    if sys.stdout is not None:
        sys.stdout.flush()


def warn_of_anatomy(results: Iterable[Any], name: str | None = None) -> None:
    """Warns of each result (`output`, `anatomy`) whose body is implausible.

    Args:
        results: what became of files.
        name: of the output; None: its path.
    """
    for result in results:
        if getattr(result, "anatomy", None):
            warn(f"{name or result.output}: {result.anatomy}")


def print_json(result: Any) -> None:
    """Prints a result as JSON: dataclasses as objects, NaN as null, paths as strings."""
    print(json.dumps(_plain(result), indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
