"""The model that a command takes: the named one, or else for every file the bundled one that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pose_core.data.clips import read_clips
from pose_core.data.loading import read_clip
from pose_core.errors import UserError, naming
from pose_core.pretrained.finding import model_config
from pose_core.skeleton import Skeleton
from pose_core.skeleton.correspondence import layout_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Model = TypeVar("Model")


class ModelSelection(Generic[Model]):
    """The named model, or else for every file the bundled one that fits it; each is loaded once.

    Args:
        load: takes a model's name or folder, and a device.
        bundled: folders of the bundled models, by name.
        fit: see `best_fit`.
        checkpoint: as `load` takes it; None: a bundled model.
        device: as `load` takes it.
        train: the command that makes a model, for messages.

    Raises:
        UserError: no such model, or none is named and none is bundled.
    """

    def __init__(
        self,
        load: Callable[[str | Path, str], Model],
        bundled: Mapping[str, Path],
        fit: Callable[[Skeleton, Skeleton], int],
        checkpoint: str | Path | None,
        device: str = "auto",
        *,
        train: str,
    ) -> None:
        self.bundled = bundled
        self._load, self._fit, self._device = load, fit, device
        self._loaded: dict[str, Model] = {}
        self.named = None if checkpoint is None else load(checkpoint, device)
        if self.named is None and not bundled:
            raise UserError(
                f"no trained model comes with this version; name one with --checkpoint, or make one: {train}"
            )

    def of(self, skeleton: Skeleton) -> Model:
        """The model for a file's skeleton.

        Raises:
            UserError: none is named, and no bundled one fits.
        """
        return self.named or self.by_name(best_fit(skeleton, self.bundled, self._fit))

    def of_data(self, data: list[Path]) -> Model:
        """The model for a data set, by its first clip.

        Raises:
            UserError: as `of`, or there is no such data.
        """
        if self.named is not None:
            return self.named
        clip = read_clips(data[0])[0]
        with naming(clip.path):
            return self.of(read_clip(clip).skeleton)

    def by_name(self, name: str) -> Model:
        """The named model, or else the bundled one of that name.

        Raises:
            UserError: none of that name is bundled.
        """
        if self.named is not None:
            return self.named
        if name not in self.bundled:
            known = ", ".join(self.bundled)
            raise UserError(f"the model {name} is not bundled; name one with --checkpoint: {known}")
        if name not in self._loaded:
            self._loaded[name] = self._load(self.bundled[name], self._device)
        return self._loaded[name]


def best_fit(skeleton: Skeleton, bundled: Mapping[str, Path], fit: Callable[[Skeleton, Skeleton], int]) -> str:
    """The name of the bundled model that fits a file's skeleton best, of several the first; no model is loaded.

    Args:
        skeleton: of the file.
        bundled: folders of the bundled models, by name.
        fit: how well a model's skeleton fits a file's, in keypoints; 0: not at all.

    Raises:
        UserError: none does; the message says what they are for.
    """
    skeletons = {name: Skeleton.from_dict(model_config(folder, {})["skeleton"]) for name, folder in bundled.items()}
    fits = {name: fit(each, skeleton) for name, each in skeletons.items()}
    best = max(fits, key=lambda name: fits[name])
    if not fits[best]:
        known = "; ".join(f"{name} is for {outline(each)}" for name, each in skeletons.items())
        largest = max(skeletons.values(), key=lambda each: each.num_keypoints)
        raise UserError(
            f"has {outline(skeleton)}, and no bundled model fits: {known}; name one with --checkpoint"
            f"{layout_hint(skeleton, largest)}"
        )
    return best


def outline(skeleton: Skeleton) -> str:
    """A skeleton in a few words."""
    parts = ", ".join(f"{component.name} {len(component.points)}" for component in skeleton.components)
    return f"{skeleton.num_keypoints} keypoints ({parts})"
