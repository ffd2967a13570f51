"""The folder of a run: `run.json` (settings, whether it is finished), checkpoints, logs, model card."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from safetensors import SafetensorError

from pose_core.atomic_files import atomic_write
from pose_core.command_line import say
from pose_core.errors import UserError, reason
from pose_core.training.checkpoint_files import BEFORE, CHECKPOINTS, LAST, newest_checkpoint
from pose_core.training.ranks import is_main_process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

RUN = "run.json"
LOGS, TENSORBOARD = "logs", "tensorboard"
FORMAT = 2  # of run.json, of the settings in it, and of checkpoints; 1, which older versions wrote, states none


@dataclass
class RunFolder:
    """The output folder of a run.

    Attributes:
        path: the folder; it need not exist.
        resume_from: checkpoint to resume from; None for a new run.
        settings: data, configuration and whatever else identifies the run.
        id: of the run on Weights & Biases, the same when it is resumed.
        claimed: whether the run has begun to write into it.
    """

    path: Path
    resume_from: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: os.environ.get("WANDB_RUN_ID") or uuid.uuid4().hex[:8])
    claimed: bool = False

    def claim(self) -> None:
        """Writes `run.json` just before training starts (rank 0 only).

        A new run removes checkpoints and logs of an older one.
        """
        self.claimed = True
        if is_main_process():
            if self.resume_from is None:
                for folder in (CHECKPOINTS, LOGS, TENSORBOARD):
                    shutil.rmtree(self.path / folder, ignore_errors=True)
            _write(self.path, {"format": FORMAT, "id": self.id, **self.settings})

    def finish(self, save: Callable[[Path], Any], card: str | None = None) -> None:
        """Writes the model card, if given, and the model, by `save`, on rank 0; marks the run as finished."""
        if not self.claimed or not is_main_process():
            return
        # The card first: huggingface_hub's mixin writes one of its own where there is none.
        try:
            if card is not None:
                (self.path / "README.md").write_text(card, encoding="utf-8")
            save(self.path)
            _write(self.path, _read(self.path) | {"finished": True})
        except (OSError, SafetensorError) as error:
            raise UserError(
                f"{self.path}: its model cannot be written ({reason(error)}); free some space and run the same command "
                "again, which has only that left to do"
            ) from error


def check_run_folder(
    output: str | Path, config: BaseModel, *, data: Sequence[str | Path], resume: bool, overwrite: bool, **others: Any
) -> None:
    """Refuses an output folder that a run cannot use, and writes nothing; of several processes, rank 0 does.

    Args:
        output: the folder.
        config: of the run.
        data: what it trains on.
        resume: continue the run in the folder even if settings have changed or it is finished.
        overwrite: start it again.
        others: whatever else identifies the run.

    Raises:
        UserError: the folder is not empty, it is a file, or it has no run to resume.
    """
    output = sweep_run_folder(output)
    if output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; name a folder")
    if overwrite:
        return
    begun = _read(output)
    occupied = output.is_dir() and any(output.iterdir())
    # What rank 0 has begun to write is no reason to refuse; a finished run is one to all, so that none waits for it.
    if occupied and not resume and not _is_unfinished(begun) and (begun or is_main_process()):
        if begun:
            what = "--resume goes on with its finished run, as for more epochs, --overwrite starts it again"
            raise UserError(f"{output}: is not empty; {what}")
        raise UserError(f"{output}: is not empty, and holds no run; name another folder, or --overwrite to train there")
    if is_main_process():
        _check_can_go_on(output, begun, _settings(config, data, others), resume=resume)


def run_folder(
    output: str | Path, config: BaseModel, *, data: Sequence[str | Path], resume: bool, overwrite: bool, **others: Any
) -> RunFolder:
    """The folder of a new or an interrupted run; writes nothing yet.

    An interrupted run is resumed when the same command is given again. In a distributed run, rank 0 alone refuses
    folders of something else. Each run of a Weights & Biases sweep gets a folder of its own inside.

    Args and Raises: as `check_run_folder`; also where all checkpoints are damaged.
    """
    check_run_folder(output, config, data=data, resume=resume, overwrite=overwrite, **others)
    output = sweep_run_folder(output)
    settings = _settings(config, data, others)
    begun = _read(output)
    unfinished = _is_unfinished(begun)
    if overwrite or (not resume and not unfinished):
        return RunFolder(output, None, settings)
    checkpoint = newest_checkpoint(output)
    if unfinished and is_main_process():
        where = "its start" if checkpoint is None else f"{CHECKPOINTS}/{checkpoint.name}"
        say(f"{output}: its run was interrupted; going on from {where}")
    return RunFolder(output, checkpoint, settings, begun.get("id") or RunFolder(output).id)


def sweep_run_folder(output: str | Path) -> Path:
    """A run's folder; in a Weights & Biases sweep, all of whose runs are one command, one of its own in `output`."""
    output, run_id = Path(output), os.environ.get("WANDB_RUN_ID", "")
    return output / run_id if "WANDB_SWEEP_ID" in os.environ and output.name != run_id else output


def model_card(
    library: str, data: Sequence[str | Path], clips: int, config: BaseModel, metrics: dict[str, float]
) -> str:
    """The README.md of a model folder: which data, last metrics, every setting."""
    names = [Path(path).name for path in data]
    figures = "\n".join(f"| {name} | {value:.4f} |" for name, value in sorted(metrics.items()))
    settings = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    result = {
        "task": {"type": "other"},
        "dataset": {"name": ", ".join(names), "type": "poses"},
        "metrics": [{"type": name, "value": round(float(value), 4)} for name, value in sorted(metrics.items())],
    }
    about = {
        "library_name": library,
        "tags": ["sign-language", library],
        "model-index": [{"name": library, "results": [result]}],  # the hub's form of results
    }
    return (
        f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n\n"
        f"Trained by `{library} train` on {clips} clips of {', '.join(names)}.\n\n"
        f"| last value | |\n|---|---|\n{figures}\n\n```yaml\n{settings}```\n"
    )


def _settings(config: BaseModel, data: Sequence[str | Path], others: dict[str, Any]) -> dict[str, Any]:
    """The values that identify a run, as stored in JSON."""
    given = {"data": [str(path) for path in data], **others, "config": config.model_dump(mode="json")}
    return json.loads(json.dumps(given, default=str))


def _is_unfinished(begun: dict[str, Any]) -> bool:
    return bool(begun) and not begun.get("finished")


def _check_can_go_on(output: Path, begun: dict[str, Any], asked: dict[str, Any], *, resume: bool) -> None:
    """Refuses to go on with a run of another version or, unless it is to resume, of other settings.

    Raises:
        UserError: saying which; or there is no checkpoint to resume from.
    """
    if begun and begun.get("format") != FORMAT:
        raise UserError(
            f"{output}: its run was begun by another version of this package, whose checkpoints this one cannot go on "
            "from; --overwrite starts it again"
        )
    if resume:
        if not any((output / CHECKPOINTS / name).is_file() for name in (LAST, BEFORE)):
            raise UserError(f"{output}: has no run to resume ({CHECKPOINTS}/ is missing); leave out --resume")
    elif _is_unfinished(begun):
        _check_same(output, begun, asked)


def _check_same(output: Path, begun: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuses to go on with a run of other settings.

    Raises:
        UserError: naming the first that differs.
    """
    theirs, ours = _flat(begun), _flat(asked)
    for name in sorted(ours.keys() | theirs.keys() - {"id", "format"}):
        if theirs.get(name) != ours.get(name):
            raise UserError(
                f"{output}: its interrupted run has {name} {theirs.get(name)}, this one {ours.get(name)}; give its own "
                "command to go on with it, or --resume to go on with this one, or --overwrite to start again"
            )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name; those of the configuration go without its own name."""
    flat = {}
    for name, value in values.items():
        place = prefix if name == "config" and not prefix else f"{prefix}{name}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{place}." if place else "")
        else:
            flat[place] = value
    return flat


def _read(output: Path) -> dict[str, Any]:
    try:
        return json.loads((output / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(output: Path, content: dict[str, Any]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    with atomic_write(output / RUN, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
