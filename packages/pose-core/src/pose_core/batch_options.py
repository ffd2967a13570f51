"""Option groups of commands that take many files; see `command_line.group_options`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pose_core.command_line import Debug, Device, Json, KeepGoing, Overwrite, SkipExisting
from pose_core.errors import UserError
from pose_core.progress import progress, say
from pose_core.reading_options import ReadingOptions

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.jobs import JobOptions


@dataclass(frozen=True)
class BatchOptions:
    """How a command goes through many files."""

    skip_existing: SkipExisting = False
    keep_going: KeepGoing = None
    overwrite: Overwrite = False
    debug: Debug = False

    def jobs(self, output: "Path | None") -> "JobOptions":
        """The same for `planned`.

        Raises:
            UserError: options that exclude each other.
        """
        from pose_core.jobs import JobOptions

        return JobOptions(self.overwrite, self.skip_existing, self.keep_going, progress, say, self.debug)


@dataclass(frozen=True)
class JsonBatchOptions(BatchOptions):
    """`BatchOptions` of a command that can print its results as JSON."""

    json: Json = False

    def jobs(self, output: "Path | None") -> "JobOptions":
        """As `BatchOptions.jobs`; refuses results and output that both go to standard output."""
        if self.json and str(output) == "-":
            raise UserError("--json and --output - would both write to standard output; give one of them")
        return super().jobs(output)


@dataclass(frozen=True)
class FileOptions(JsonBatchOptions, ReadingOptions):
    """Options of a command that runs a model on many pose files."""

    device: Device = "auto"
