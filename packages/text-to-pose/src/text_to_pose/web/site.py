"""`text-to-pose web`: a static folder, the built page and a model, that signs in the visitor's browser."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pose_core import UserError
from pose_core.atomic_files import atomic_folder, check_replaceable
from pose_core.pretrained import find_model
from text_to_pose.config import BUNDLED
from text_to_pose.web.model_files import NAMES, write_model

PAGE = "page"
MODEL = "model"
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


def write_site(checkpoint: str, folder: Path, *, overwrite: bool = False, api: str | None = None) -> Site:
    """Writes the page with a model into a folder, to be served as it is.

    Args:
        checkpoint: as `load_model` takes it; its folder has graphs.
        folder: is created, or replaced if `overwrite` is set.
        overwrite: replace an existing page.
        api: where the page finds the server of `text-to-pose app`, relative to it; None: it asks none for anything.

    Raises:
        UserError: the page is not in this installation, the folder cannot be written, or as `write_model`.
    """
    built = Path(str(resources.files("text_to_pose.web"))) / PAGE
    if not (built / START).is_file():
        raise UserError("the page is not built in this installation; in the repository, `nox -s web` builds it")
    names = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    known = {*names, *(f"{MODEL}/{name}" for name in NAMES)}
    check_replaceable(folder, known, "page", overwrite=overwrite)
    model = find_model(checkpoint, BUNDLED)
    with atomic_folder(folder) as temporary:
        shutil.copytree(built, temporary, dirs_exist_ok=True)
        (temporary / MODEL).mkdir()
        write_model(model, temporary / MODEL)
        if api is not None:
            page = (temporary / START).read_text("utf-8")
            page = page.replace(_FIRST, f'{_FIRST}\n<meta name="api" content="{api}">', 1)
            (temporary / START).write_text(page, encoding="utf-8")
        _list_files(temporary)
    return Site(folder, {name: (folder / name).stat().st_size for name in sorted(known)})


def _list_files(folder: Path) -> None:
    """Tells the service worker which files to keep, and when they are others: by a hash of all of them."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (folder / name).read_bytes())
    kept = {"version": digest.hexdigest()[:16], "files": ["./", *(name for name in names if name != WORKER)]}
    worker = folder / WORKER
    worker.write_text(worker.read_text("utf-8").replace(_KEPT, json.dumps(kept)), encoding="utf-8")
