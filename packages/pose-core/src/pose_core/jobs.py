"""Batch processing of files, and what happens when one of them fails."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pose_core.atomic_files import (
    check_name,
    check_output_folder,
    copy_to_stdout,
    remove_empty,
    removed_if_empty,
)
from pose_core.errors import UserError, reason
from pose_core.inputs import PIPE, find_inputs, spooled
from pose_core.notices import called
from pose_core.outputs import OutputNames, check_outputs, plan_outputs
from pose_core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence

Result = TypeVar("Result")
Step = Callable[[str], None]  # takes the name of the file that is next


def _silent(total: int, verb: str) -> AbstractContextManager[Step]:
    return nullcontext(lambda name: None)


def _say_nothing(message: str) -> None:
    pass


@dataclass(frozen=True)
class JobOptions:
    """Options of batch processing.

    Attributes:
        overwrite: replace outputs that exist.
        skip_existing: leave out files whose output exists.
        keep_going: continue after a file that failed; None: if there are several.
        progress: of how many files, and what is done to them; see `command_line.progress`.
        say: takes a line for people.
        debug: print the traceback of a failure.
        goes_on: how a batch of which some files failed goes on, in its last message.
        noun: what there are many of, in messages.

    Raises:
        UserError: `overwrite` and `skip_existing`, which exclude each other.
    """

    overwrite: bool = False
    skip_existing: bool = False
    keep_going: bool | None = None
    progress: Callable[[int, str], AbstractContextManager[Step]] = _silent
    say: Callable[[str], None] = _say_nothing
    debug: bool = False
    goes_on: str = "--skip-existing leaves those out"
    noun: str = "file"

    def __post_init__(self) -> None:
        if self.overwrite and self.skip_existing:
            raise UserError("--overwrite and --skip-existing exclude each other; give one of them")


@dataclass(frozen=True)
class Job:
    """One file and where its result goes; `name` is the file's in messages."""

    source: Path
    output: Path
    name: str


@dataclass(frozen=True)
class Failure:
    """A file of which nothing was written, and why; `ours` if it is a defect of the program."""

    file: str
    error: str
    ours: bool = False


@dataclass
class JobRunner(Generic[Result]):
    """A batch: files processed one after the other.

    Attributes:
        jobs: what is to be done; skipped: what is left out, its output being there.
        verb: what happens to a file ("encoding").
        to_stdout: the result goes to standard output.
        done, failed: what became of the files so far.
    """

    jobs: list[Job]
    options: JobOptions
    verb: str
    skipped: list[Job] = field(default_factory=list)
    to_stdout: bool = False
    done: list[Result] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of files, the skipped ones included."""
        return len(self.jobs) + len(self.skipped)

    @property
    def keep_going(self) -> bool:
        """Whether a file that fails is only noted down."""
        return self.total > 1 if self.options.keep_going is None else self.options.keep_going and self.total > 1

    def run(self, work: Callable[[Job], Result]) -> None:
        """Does `work` for every file; error messages begin with the file's name.

        Raises:
            UserError: a file failed, and the batch does not keep going.
        """
        with self.options.progress(len(self.jobs), self.verb) as step:
            for job in self.jobs:
                step(job.name)
                with self.noting(job):
                    if not job.source.exists() and str(job.source) != PIPE:
                        raise UserError(f"{job.name}: no such file")
                    if not self.to_stdout:
                        check_output_folder(job.output.parent)
                    self.done.append(work(job))

    @contextmanager
    def noting(self, job: Job) -> Generator[None]:
        """Notes that the block failed for `job`, where the batch keeps going; messages begin with the file's name.

        Raises:
            UserError: the block failed, and the batch does not keep going.
        """
        try:
            yield
        except UserError as error:
            message = _naming(str(error), job)
            if not self.keep_going:
                raise UserError(message) from error
            self._note(Failure(job.name, message))
        except KeyboardInterrupt:
            if self.total > 1 and self.done:
                self.options.say(
                    f"{len(self.done) + len(self.skipped)} of {counted(self.total, self.options.noun)} are done; "
                    "the same command with --skip-existing goes on from there"
                )
            raise
        except Exception as error:
            if not self.keep_going:
                raise
            said = f"{job.name}: unexpected {type(error).__name__}: {reason(error)}"
            self._note(Failure(job.name, said, ours=True))

    def skip_existing(self) -> None:
        """Sets aside jobs whose output exists, if those are to be skipped."""
        if self.options.skip_existing:
            self.skipped += [job for job in self.jobs if job.output.is_file()]
            self.jobs = [job for job in self.jobs if not job.output.is_file()]

    def _note(self, failure: Failure) -> None:
        if self.options.debug:
            traceback.print_exc()
        self.failed.append(failure)


@contextmanager
def planned(
    inputs: Sequence[str | Path],
    output: Path | None,
    options: JobOptions,
    *,
    verb: str,
    suffixes: Collection[str],
    suffix: str | None,
    infix: str = "",
    writable: Collection[str] | None = None,
    whole: Collection[str] = (),
    sniff: Callable[[bytes], str] | None = None,
    spool: bool = True,
) -> Generator[JobRunner]:
    """Plans a batch: finds its inputs, checks its outputs; an output folder that stays empty is removed.

    Args:
        inputs: files, folders, patterns, or `-`; see `find_inputs`.
        output: a file, a folder, `-` for standard output, or None: beside each input; see `plan_outputs`.
        options: see `JobOptions`.
        verb: what happens to a file ("encoding").
        suffixes: of input files in folders.
        suffix, infix, writable, whole: how outputs are called; see `OutputNames`.
        sniff: the suffix of standard input by its first bytes; None: that of a pose file.
        spool: make a file of standard input; else its job's source is `-`, for a caller that reads it as it comes.

    Yields:
        The batch; what its `run` writes to the output of `-` reaches standard output when the block ends.

    Raises:
        UserError: no such input, an output that exists or cannot be written, or two inputs for one output.
    """
    if output is not None:
        check_name(output)
    found = find_inputs(inputs, suffixes)
    to_stdout = str(output) == PIPE
    created = output if output is not None and not to_stdout and not output.exists() else None
    with removed_if_empty(created), tempfile.TemporaryDirectory(prefix="pose-") as temporary, ExitStack() as names:
        folder = Path(temporary)
        pairs = plan_outputs(found, output, OutputNames(suffix, infix, writable, whole), folder)
        jobs = [Job(each.path, path, each.name) for each, path in pairs]
        batch: JobRunner = JobRunner(jobs, options, verb, to_stdout=to_stdout)
        batch.skip_existing()
        check_outputs([job.output for job in batch.jobs if job.output == output], overwrite=options.overwrite)
        _check_jobs(batch)
        if found[0].piped and spool:
            batch.jobs = [Job(spooled(folder, sniff), job.output, job.name) for job in batch.jobs]
            for job in batch.jobs:
                names.enter_context(called(job.source, job.name))
        yield batch
        if to_stdout and batch.done:
            copy_to_stdout(batch.jobs[0].output)
        if created is not None and not batch.done:
            remove_empty(created)


def _check_jobs(batch: JobRunner) -> None:
    """Refuses what cannot be done before any work.

    Raises:
        UserError: an output exists, or there is no such file and the batch does not keep going.
    """
    options = batch.options
    existing = [job.output for job in batch.jobs if job.output.exists()]
    if existing and not options.overwrite and batch.total > 1:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise UserError(
            f"{existing[0]}: exists{others}; use --overwrite to replace it, or --skip-existing to leave such files out"
        )
    check_outputs(existing, overwrite=options.overwrite)
    missing = [job for job in batch.jobs if not job.source.exists() and str(job.source) != PIPE]
    if missing and (not batch.keep_going or len(missing) == batch.total):
        raise UserError(f"{missing[0].name}: no such file")


def _naming(message: str, job: Job) -> str:
    """An error message that begins with the file's name."""
    if job.name != str(job.source):  # standard input, whose file is ours
        message = message.replace(str(job.source), job.name)
    return message if message.startswith((job.name, str(job.output))) else f"{job.name}: {message}"
