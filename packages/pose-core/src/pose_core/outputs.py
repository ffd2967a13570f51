"""Planning of outputs: one file, a numbered series, a folder that mirrors its inputs, or standard output."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pose_core.atomic_files import check_name, check_output, check_output_folder, check_stdout
from pose_core.errors import UserError
from pose_core.inputs import PIPE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pose_core.inputs import Input


@dataclass(frozen=True)
class OutputNames:
    """Naming scheme of outputs.

    Attributes:
        suffix: of outputs in folders, beside inputs and on standard output; None: the input's own, or the first of
            `writable` if it is none of these.
        infix: comes before the suffix ("clip.reconstructed.pose").
        writable: suffixes of files that can be written; None: any.
        whole: suffixes of inputs whose outputs keep them ("clip.mkv.pose") where they would else be one file.
    """

    suffix: str | None = None
    infix: str = ""
    writable: Collection[str] | None = None
    whole: Collection[str] = ()

    def of(self, path: Path, *, whole: bool = False) -> Path:
        """The output beside `path`; with `whole`, its name goes on from the input's with its suffix."""
        suffix = path.suffix.lower()
        if self.writable is not None and suffix not in self.writable:
            suffix = next(iter(self.writable))
        return path.with_name(f"{path.name if whole else path.stem}{self.infix}{self.suffix or suffix}")

    def is_file(self, output: Path, count: int) -> bool:
        """Whether `output`, where `count` results go, names a file rather than a folder.

        Raises:
            UserError: nothing writes such a file, or there are several results for it.
        """
        if output.is_dir() or not output.suffix:
            return False
        writable = self.writable is None or output.suffix.lower() in self.writable
        if count == 1 and not writable:
            raise UserError(f"{output}: cannot write {output.suffix}; use {', '.join(self.writable or ())}")
        if count > 1 and writable and self.writable is not None:
            raise UserError(f"{output}: is one file, and there are {count} to write; name a folder")
        return count == 1


def plan_outputs(
    inputs: Sequence[Input], output: Path | None, names: OutputNames, temporary: Path
) -> list[tuple[Input, Path]]:
    """Pairs each input with its output file.

    Args:
        inputs: as found; those that are results of an earlier call are left out.
        output: a file for one input; a folder, created here, in which the tree below each input folder is mirrored; `-`
            for standard output; None: beside each input.
        names: of outputs.
        temporary: the folder of what goes to standard output.

    Raises:
        UserError: two inputs for one output, several or a terminal for standard output, standard input without an
            output, or a folder that cannot be written.
    """
    if output is None:
        if any(each.piped for each in inputs):
            raise UserError("standard input has no name: say where its result goes with --output")
        return _mirrored(inputs, None, names)
    if str(output) == PIPE:
        if len(inputs) > 1:
            raise UserError(f"standard output holds one result, and there are {len(inputs)} files; name a folder")
        check_stdout()
        return _mirrored(inputs, temporary, names)
    if names.is_file(output, len(inputs)):
        return [(inputs[0], output)]
    check_output_folder(output)
    return _mirrored(inputs, output, names)


def numbered_outputs(
    name: str,
    count: int,
    output: Path,
    suffix: str,
    *,
    writable: Collection[str],
    joint: Collection[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Checked outputs of a series: one file that holds all, or `NAME_01.SUFFIX` ... in a folder.

    Args:
        name: of each result ("sample").
        count: how many there are.
        output: a file, or a folder, created here.
        suffix: of files in a folder.
        writable: suffixes of files that can be written.
        joint: those of files that hold several results.
        overwrite: replace existing files.

    Raises:
        UserError: a file that cannot be written, exists, or does not hold so many; or a folder that cannot be written.
    """
    if output.is_dir() or not output.suffix:
        if suffix not in writable:
            raise UserError(f"{suffix}: unknown format; use {', '.join(writable)}")
        check_output_folder(output)
        digits = max(2, len(str(count)))
        paths = [output / f"{name}_{number:0{digits}d}{suffix}" for number in range(1, count + 1)]
    else:
        check_suffix(output, writable)
        if count > 1 and output.suffix.lower() not in joint:
            holding_all = f" or an {' or '.join(joint)} file" if joint else ""
            raise UserError(f"{output}: holds one {name}, not {count}; name a folder{holding_all}")
        paths = [output]
    check_outputs(paths, overwrite=overwrite)
    return paths


def check_suffix(path: Path, writable: Collection[str]) -> None:
    """Refuses a file that nothing writes.

    Raises:
        UserError: naming the suffixes there are.
    """
    if path.suffix.lower() not in writable:
        raise UserError(f"{path}: cannot write {path.suffix or 'a file without suffix'}; use {', '.join(writable)}")


def check_outputs(paths: Iterable[Path], *, overwrite: bool = False, writable: Collection[str] | None = None) -> None:
    """`check_output` of each, and `check_suffix` where `writable` says which there are."""
    for path in paths:
        if writable is not None:
            check_suffix(path, writable)
        check_output(path, overwrite=overwrite)


def _mirrored(inputs: Sequence[Input], folder: Path | None, names: OutputNames) -> list[tuple[Input, Path]]:
    """Each input and its output: beside it, or in `folder` where it is below its own.

    Raises:
        UserError: two results would be one file.
    """
    beside = [(each, each.path if folder is None else folder / each.below) for each in inputs]
    count = Counter(names.of(path) for _, path in beside if path.suffix.lower() in names.whole)
    pairs = [
        (each, names.of(path, whole=path.suffix.lower() in names.whole and count[names.of(path)] > 1))
        for each, path in beside
    ]
    for _, output in pairs:
        check_name(output)
    pairs = _without_results(pairs, folder)
    first: dict[Path, Input] = {}
    for each, output in pairs:
        other = first.setdefault(output, each)
        if other is not each:
            raise UserError(f"{other.name} and {each.name} would both become {output}; write them to different folders")
    return pairs


def _without_results(pairs: list[tuple[Input, Path]], folder: Path | None) -> list[tuple[Input, Path]]:
    """Leaves out results of an earlier call that are in the input folder."""
    results = {_real(output) for each, output in pairs if _real(output) != _real(each.path)}
    within = _real(folder) if folder is not None else None

    def is_result(each: Input) -> bool:
        if each.folder is None:  # named by itself
            return False
        source = _real(each.path)
        nested = within is not None and within != _real(each.folder) and source.is_relative_to(within)
        return source in results or nested

    return [(each, output) for each, output in pairs if not is_result(each)]


def _real(path: Path) -> Path:
    """Where links lead; `Path.resolve` raises a RuntimeError where one leads to itself."""
    return Path(os.path.realpath(path))
