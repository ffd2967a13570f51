"""Picks the bundled model that matches a file's skeleton, unless one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ht_vae.config import BUNDLED
from ht_vae.data.preprocessing import missing_components
from ht_vae.model import load_model
from pose_core.pretrained.selection import ModelSelection, best_fit

if TYPE_CHECKING:
    from pathlib import Path

    from ht_vae.model import HierarchicalTransformerVAE
    from pose_core import Skeleton

GENERATOR = "signing"  # the bundled model that generates by default


class Models(ModelSelection["HierarchicalTransformerVAE"]):
    """The named model, or else for every file the bundled one that matches it; each is loaded once.

    Args:
        checkpoint: as `load_model` takes it; None: see `matching_model`.
        device: as `load_model` takes it.

    Raises:
        UserError: no such model, or none is named and none is bundled.
    """

    def __init__(self, checkpoint: str | Path | None, device: str = "auto") -> None:
        super().__init__(load_model, BUNDLED, _fit, checkpoint, device, train="ht-vae train")

    def generator(self) -> HierarchicalTransformerVAE:
        """The model that generates.

        Raises:
            UserError: none is named, and the default is not bundled.
        """
        return self.by_name(GENERATOR)


def matching_model(skeleton: Skeleton) -> str:
    """The name of the bundled model with the most keypoints of those that match a file's skeleton.

    A model matches a file that has all its components, but for a face, and as many coordinates.

    Raises:
        UserError: none does; the message says what they are for.
    """
    return best_fit(skeleton, BUNDLED, _fit)


def _fit(model: Skeleton, file: Skeleton) -> int:
    matches = not missing_components(model, file) and model.num_dims <= file.num_dims
    return model.num_keypoints if matches else 0
