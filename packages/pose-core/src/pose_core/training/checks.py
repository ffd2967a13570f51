"""Checks of a `train` command, before torch and Lightning are imported."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.data.clips import check_data
from pose_core.errors import UserError
from pose_core.training.runs import check_run_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.data.clip import Clip
    from pose_core.training.config import TrainingConfig

DEVICES = ("auto", "cpu", "cuda", "gpu", "mps", "tpu")
# Prefixes of the names that Lightning registers, such as `ddp_find_unused_parameters_true`.
STRATEGIES = ("auto", "ddp", "fsdp", "deepspeed", "single", "xla")


def check_run(
    data: Sequence[str | Path],
    output: str | Path,
    config: TrainingConfig,
    *,
    resume: bool,
    overwrite: bool,
    **others: Any,
) -> list[Clip]:
    """Refuses unknown names of devices, an output folder that the run cannot use, and data that cannot be trained on.

    Args:
        data: files, folders or URLs to train on.
        output, config, resume, overwrite, others: as `run_folder`'s.

    Returns:
        The clips of the data; none of shards.

    Raises:
        UserError: naming what is wrong.
    """
    for path in data:
        if "://" not in str(path) and not Path(path).exists():
            kind = "manifest" if Path(path).suffix else "folder"
            raise UserError(f"{path}: no such {kind}; --data is a manifest CSV, a folder, or shards: a folder or a URL")
    _check_name("device", config.device, config.device, DEVICES)
    _check_name("strategy", config.strategy, config.strategy.partition("_")[0], STRATEGIES)
    check_run_folder(output, config, data=data, resume=resume, overwrite=overwrite, **others)
    return check_data(*data)


def _check_name(setting: str, value: str, name: str, known: Sequence[str]) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"{setting} {value!r} is unknown; {meant}known: {', '.join(known)}")
