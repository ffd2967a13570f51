"""Which model a file is for, where none is named: one of those that this package brings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ht_vae.checkpoint import BUNDLED, load_model
from ht_vae.data.preprocessing import outline
from pose_core import Skeleton, UserError, read
from pose_core.data import read_clips
from pose_core.formats import READABLE, is_clip_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.model import HierarchicalTransformerVAE

GENERATOR = "signing"  # the bundled model that makes poses from nothing


class Models:
    """The model that was named, or else for every file the bundled one that fits it; each is loaded once.

    Args:
        checkpoint: as `load_model` takes it; None: see `fitting_model`.
        device: as `load_model` takes it.

    Raises:
        UserError: no such model, or none is named and none is bundled.
    """

    def __init__(self, checkpoint: str | Path | None, device: str = "auto") -> None:
        self.device = device
        self._loaded: dict[str, HierarchicalTransformerVAE] = {}
        self._named = None if checkpoint is None else load_model(checkpoint, device)
        if self._named is None:
            check_bundled()

    def of(self, skeleton: Skeleton) -> HierarchicalTransformerVAE:
        """The model for a file's skeleton.

        Raises:
            UserError: none is named, and no bundled one fits.
        """
        return self._named or self._load(fitting_model(skeleton))

    def of_data(self, data: list[Path]) -> HierarchicalTransformerVAE:
        """The model for a data set, which is of one kind: by its first clip.

        Raises:
            UserError: as `of`, or there is no such data.
        """
        if self._named is not None:
            return self._named
        path = read_clips(data[0])[0].path
        try:
            return self.of(read(path).skeleton)
        except UserError as error:
            raise UserError(str(error) if str(path) in str(error) else f"{path}: {error}") from error

    def generator(self) -> HierarchicalTransformerVAE:
        """The model that poses are made with from nothing.

        Raises:
            UserError: none is named, and that one is not bundled.
        """
        if self._named is not None:
            return self._named
        if GENERATOR not in BUNDLED:
            raise UserError(f"the model {GENERATOR} is not bundled; name one with --checkpoint: {', '.join(BUNDLED)}")
        return self._load(GENERATOR)

    def _load(self, name: str) -> HierarchicalTransformerVAE:
        if name not in self._loaded:
            self._loaded[name] = load_model(name, self.device)
        return self._loaded[name]


def check_bundled() -> None:
    """Refuses to choose where there is nothing to choose from.

    Raises:
        UserError: no model is bundled.
    """
    if not BUNDLED:
        raise UserError(
            "no trained model comes with this version; name one with --checkpoint, or make one: ht-vae train"
        )


def fitting_model(skeleton: Skeleton) -> str:
    """The name of the bundled model of the most keypoints of those that fit a file's skeleton.

    A model fits a file that has all its components, and as many coordinates.

    Raises:
        UserError: none does; the message says what they are for.
    """
    check_bundled()
    bundled = {name: _skeleton(folder) for name, folder in BUNDLED.items()}
    fitting = {name: theirs for name, theirs in bundled.items() if _fits(theirs, skeleton)}
    if not fitting:
        known = "; ".join(f"{name} is for {outline(theirs)}" for name, theirs in bundled.items())
        raise UserError(f"has {outline(skeleton)}, and no bundled model fits: {known}; name one with --checkpoint")
    return max(fitting, key=lambda name: fitting[name].num_keypoints)


def model_skeleton(model: HierarchicalTransformerVAE) -> Skeleton:
    """The skeleton that a model is for."""
    return Skeleton.from_dict(model.config.skeleton)


def check_pose_files(files: list[Path]) -> None:
    """Refuses inputs that are no single pose files, before any work is done.

    Raises:
        UserError: naming the first that is not there, a folder, or of a suffix that is not a pose file's.
    """
    for file in files:
        if is_clip_folder(file):
            continue
        if file.is_dir():
            raise UserError(f"{file}: is a folder; name pose files, as {file}/*.pose does")
        if not file.is_file():
            raise UserError(f"{file}: no such file")
        if file.suffix.lower() not in READABLE:
            raise UserError(f"{file}: unknown pose format {file.suffix!r}; known: {', '.join(READABLE)}")


def _fits(model: Skeleton, file: Skeleton) -> bool:
    components = [{component.name for component in skeleton.components} for skeleton in (model, file)]
    return components[0] <= components[1] and model.num_dims <= file.num_dims


def _skeleton(folder: Path) -> Skeleton:
    return Skeleton.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8"))["skeleton"])
