"""Model folders to the Hugging Face Hub, with a card that says what they are; and those downloaded from it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_core.bundled import described_model
from pose_core.errors import UserError, reason
from pose_core.pretrained.finding import CONFIG, FILES, WEIGHTS

if TYPE_CHECKING:
    from pose_core.bundled import BundledModel

CARD = "README.md"
UPLOADED = (*FILES, CARD, "*.onnx")


def check_hub_id(name: str) -> None:
    """Refuses to upload before any work is done for it.

    Raises:
        UserError: the name is none of the hub's, or nobody is logged in there.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(f"--push-to-hub {name}: write user/model ({reason(error)})") from error
    if name.count("/") != 1:
        raise UserError(f"--push-to-hub {name}: write user/model")
    try:
        HfApi().whoami()
    except Exception as error:  # of whatever HTTP library this version of the hub's client has
        said = reason(error)
        raise UserError(
            f"--push-to-hub {name}: not logged in to the hub ({said}); `hf auth login`, or set HF_TOKEN"
        ) from error


def push_to_hub(
    folder: str | Path, name: str, *, library: str, license: str | None = None, private: bool = False
) -> str:
    """Uploads a model folder: configuration, weights, ONNX graphs where there are some, and the card.

    Args:
        folder: of the model; its card, if any, is taken, and completed.
        name: hub id, `user/model`; the repository is made where there is none.
        library: package that loads the model, for the card.
        license: for the card, by the hub's name of it ("mit", "cc-by-4.0"); that of the folder's card when None.
        private: make the repository a private one, if it is made.

    Returns:
        The address of the model's page.

    Raises:
        UserError: not a model folder, or the hub refuses it.
    """
    from huggingface_hub import HfApi

    folder = Path(folder)
    with tempfile.TemporaryDirectory(prefix="pose-") as temporary:
        copy = Path(temporary) / "model"
        copy.mkdir()
        for pattern in UPLOADED:
            for file in folder.glob(pattern):
                shutil.copyfile(file, copy / file.name)
        complete_card(copy / CARD, name, library=library, license=license)
        try:
            api = HfApi()
            repository = api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(repo_id=repository.repo_id, folder_path=copy, commit_message=f"Model of {library}")
        except Exception as error:  # of whatever HTTP library this version of the hub's client has
            again = f"`{library} models {folder} --push-to-hub {name}` tries again"
            raise UserError(f"{folder}: the hub did not take it as {name} ({reason(error)}); {again}") from error
    return str(repository)


def complete_card(card: Path, name: str, *, library: str, license: str | None = None) -> None:
    """Gives a model's card what a page of the hub shows: library, tags, licence, and how the model is loaded.

    Args:
        card: the file, written where there is none; what it says already stays, but for the licence.
        name: hub id.
        library: package that loads the model.
        license: by the hub's name of it.
    """
    from huggingface_hub.repocard import metadata_load, metadata_save

    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    about: dict[str, Any] = (metadata_load(card) or {}) if text else {}
    about.setdefault("library_name", library)
    about.setdefault("tags", ["sign-language", library])
    if license is not None:
        about["license"] = license
    module = library.replace("-", "_")
    how = f"```python\nfrom {module} import load_model\n\nmodel = load_model({name!r})\n```\n"
    if f"load_model({name!r})" not in text:
        text = f"{text.rstrip()}\n\n## Use\n\n{how}" if text else f"# {name.split('/')[-1]}\n\n{how}"
    card.write_text(text, encoding="utf-8")
    metadata_save(card, about)


def add_license(card: Path, license: str) -> None:
    """Writes a licence into a model's card, by the hub's name of it."""
    from huggingface_hub.repocard import metadata_load, metadata_save

    metadata_save(card, {**(metadata_load(card) or {}), "license": license})


def cached_models(library: str) -> list[BundledModel]:
    """The models of a package that were downloaded from the hub, by name."""
    from huggingface_hub import constants, scan_cache_dir

    if not Path(constants.HF_HUB_CACHE).is_dir():
        return []
    found = [
        described_model(revision.snapshot_path, repository.repo_id)
        for repository in scan_cache_dir().repos
        for revision in repository.revisions
        if repository.repo_type == "model" and _is_of(library, revision.snapshot_path)
    ]
    return sorted(found, key=lambda model: model.name)


def _is_of(library: str, folder: Path) -> bool:
    """Whether a folder holds a model of a package, by its card."""
    card = folder / CARD
    whole = all((folder / file).is_file() for file in (CONFIG, WEIGHTS, CARD))
    return whole and f"library_name: {library}\n" in card.read_text(encoding="utf-8", errors="replace")
