"""`text-to-pose web`: a static folder, the built page and a model, that signs in the visitor's browser."""

from __future__ import annotations

import hashlib
import html
import json
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pose_core import UserError
from pose_core.atomic_files import atomic_folder, check_replaceable
from pose_core.pretrained import find_model
from text_to_pose.config import BUNDLED
from text_to_pose.web import tokenizer_files
from text_to_pose.web.model_files import NAMES, write_model

PAGE = "page"
MODEL, TOKENIZER = "model", "tokenizer"
START, WORKER = "index.html", "service-worker.js"
_FIRST = '<meta charset="utf-8">'  # of the page's head
_KEPT = '"{{kept}}"'  # in the service worker: what it keeps, and under which version


@dataclass(frozen=True)
class Site:
    """A written folder.

    Attributes:
        output: the folder.
        files: the size of each file in it, in bytes.
    """

    output: Path
    files: dict[str, int]

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(self.files.values())

    @property
    def later(self) -> int:
        """Those that are loaded only when tokens are asked for, in bytes."""
        return sum(size for name, size in self.files.items() if name.startswith(f"{TOKENIZER}/"))


def write_site(
    checkpoint: str, folder: Path, *, overwrite: bool = False, api: str | None = None, tokens: str | None = None
) -> Site:
    """Writes the page with a model into a folder, to be served as it is.

    Args:
        checkpoint: as `load_model` takes it; its folder has graphs.
        folder: is created, or replaced if `overwrite` is set.
        overwrite: replace an existing page.
        api: where the page finds the server of `text-to-pose app`, relative to it; None: it asks none for anything.
        tokens: the model of pose-tokenizer that the page encodes with; None: none.

    Raises:
        UserError: the page is not in this installation, the folder cannot be written, or as `write_model` and
            `write_tokenizer`.
    """
    built = Path(str(resources.files("text_to_pose.web"))) / PAGE
    if not (built / START).is_file():
        raise UserError("the page is not built in this installation; in the repository, `nox -s web` builds it")
    names = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    known = {*names, *(f"{MODEL}/{name}" for name in NAMES)}
    known |= {f"{TOKENIZER}/{name}" for name in tokenizer_files.NAMES}
    check_replaceable(folder, known, "page", overwrite=overwrite)
    model = find_model(checkpoint, BUNDLED)
    with atomic_folder(folder) as temporary:
        shutil.copytree(built, temporary, dirs_exist_ok=True)
        (temporary / MODEL).mkdir()
        write_model(model, temporary / MODEL)
        if tokens is not None:
            (temporary / TOKENIZER).mkdir()
            tokenizer_files.write_tokenizer(temporary / TOKENIZER, tokens)
        _tell(temporary / START, {"api": api, "tokenizer": tokens})
        _list_files(temporary)
    return Site(folder, {name: (folder / name).stat().st_size for name in _names(folder)})


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _tell(start: Path, facts: dict[str, str | None]) -> None:
    """Tells the page what it has beside the model, in its head."""
    told = [
        f'<meta name="{name}" content="{html.escape(value)}">' for name, value in facts.items() if value is not None
    ]
    page = start.read_text("utf-8").replace(_FIRST, "\n".join([_FIRST, *told]), 1)
    start.write_text(page, encoding="utf-8")


def _list_files(folder: Path) -> None:
    """Tells the service worker which files to keep, and when they are others: by a hash of all of them.

    The tokenizer's are kept when they are first asked for.
    """
    names = _names(folder)
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (folder / name).read_bytes())
    kept = {
        "version": digest.hexdigest()[:16],
        "files": ["./", *(name for name in names if name != WORKER and not name.startswith(f"{TOKENIZER}/"))],
    }
    worker = folder / WORKER
    worker.write_text(worker.read_text("utf-8").replace(_KEPT, json.dumps(kept)), encoding="utf-8")
