"""Picks the bundled model that matches a file's skeleton, unless one is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ht_vae.config import BUNDLED
from ht_vae.data.preprocessing import outline
from ht_vae.model import load_model
from pose_core import Skeleton, UserError, read
from pose_core.data import read_clips
from pose_core.errors import naming
from pose_core.skeleton.correspondence import layout_hint

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.model import HierarchicalTransformerVAE

GENERATOR = "signing"  # the bundled model that generates by default


class Models:
    """The named model, or else for every file the bundled one that matches it; each is loaded once.

    Args:
        checkpoint: as `load_model` takes it; None: see `matching_model`.
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
            UserError: none is named, and no bundled one matches.
        """
        return self._named or self._load(matching_model(skeleton))

    def of_data(self, data: list[Path]) -> HierarchicalTransformerVAE:
        """The model for a data set, by its first clip.

        Raises:
            UserError: as `of`, or there is no such data.
        """
        if self._named is not None:
            return self._named
        path = read_clips(data[0])[0].path
        with naming(path):
            return self.of(read(path).skeleton)

    def generator(self) -> HierarchicalTransformerVAE:
        """The model that generates.

        Raises:
            UserError: none is named, and the default is not bundled.
        """
        if self._named is not None:
            return self._named
        if GENERATOR not in BUNDLED:
            raise UserError(f"the model {GENERATOR} is not bundled; name one with --checkpoint: {', '.join(BUNDLED)}")
        return self._load(GENERATOR)

    def _load(self, name: str) -> HierarchicalTransformerVAE:
        if name not in self._loaded:
            self._loaded[name] = load_model(BUNDLED[name], self.device)
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


def matching_model(skeleton: Skeleton) -> str:
    """The name of the bundled model with the most keypoints of those that match a file's skeleton.

    A model matches a file that has all its components, and as many coordinates.

    Raises:
        UserError: none does; the message says what they are for.
    """
    check_bundled()
    bundled = {name: _skeleton(folder) for name, folder in BUNDLED.items()}
    matching = {name: each.num_keypoints for name, each in bundled.items() if _matches(each, skeleton)}
    if not matching:
        known = "; ".join(f"{name} is for {outline(each)}" for name, each in bundled.items())
        largest = max(bundled.values(), key=lambda each: each.num_keypoints)
        raise UserError(
            f"has {outline(skeleton)}, and no bundled model fits: {known}; name one with --checkpoint"
            f"{layout_hint(skeleton, largest)}"
        )
    return max(matching, key=lambda name: matching[name])


def _matches(model: Skeleton, file: Skeleton) -> bool:
    model_components, file_components = ({component.name for component in each.components} for each in (model, file))
    return model_components <= file_components and model.num_dims <= file.num_dims


def _skeleton(folder: Path) -> Skeleton:
    return Skeleton.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8"))["skeleton"])
