"""Networks that are saved as a folder, `config.json` + `model.safetensors`, which alone rebuilds them."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from torch import nn

from pose_core.atomic_files import apply_umask
from pose_core.errors import UserError, reason
from pose_core.pretrained.finding import WEIGHTS, find_model
from pose_core.pretrained.hashing import model_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from inspect import Parameter

    from pydantic import BaseModel

Model = TypeVar("Model", bound=PyTorchModelHubMixin)


class SavedModel(nn.Module, PyTorchModelHubMixin):
    """A network built from one pydantic configuration, saved with it and loaded by folder, bundled name or hub id.

        class PoseTokenizer(
            SavedModel,
            config=TokenizerConfig,
            bundled={"signing": Path(...)},
            unhashed=("rate",),
            library_name="pose-tokenizer",
            tags=["sign-language", "pose-tokenizer"],
        ):
            def __init__(self, config: TokenizerConfig) -> None: ...

        model = PoseTokenizer.load("signing")
        model.save_pretrained("folder")

    `config.json` is the configuration's `model_dump(mode="json", by_alias=True)`: a key that gets a better name keeps
    its old one in files by a `serialization_alias`. The weights' names are those of `state_dict`.

    Class arguments:
        config: the configuration's class, the one argument of `__init__`, called `config`.
        bundled: name -> folder of the models that the package brings.
        unhashed: keys of the configuration that leave what the model decodes as it is; `hash` leaves them out.
        And those of `PyTorchModelHubMixin`. Subclasses of a model inherit all of them.

    Attributes:
        config: as given.
        name: what results call the model: the folder's name, the bundled name or the hub id that it was loaded by.
        folder: that it was loaded from; None if from none.
    """

    bundled: ClassVar[Mapping[str, Path]] = {}
    unhashed: ClassVar[frozenset[str]] = frozenset()
    config: Any
    name: str = "untitled"
    folder: Path | None = None
    _config_class: ClassVar[type[BaseModel] | None] = None
    _hashed: tuple[list[Any], str] = ([], "")  # configuration and versions of the weights, and their hash

    def __init_subclass__(
        cls,
        *,
        config: type[BaseModel] | None = None,
        bundled: Mapping[str, Path] | None = None,
        unhashed: tuple[str, ...] | None = None,
        **options: Any,
    ) -> None:
        cls._config_class = config or cls._config_class
        if bundled is not None:
            cls.bundled = dict(bundled)
        if unhashed is not None:
            cls.unhashed = frozenset(unhashed)
        if cls._config_class is not None:  # the mixin forgets the coders of a parent
            options.setdefault("coders", {cls._config_class: (_dumped, cls._config_class.model_validate)})
        super().__init_subclass__(**options)
        if cls._config_class is not None and "config" in cls._hub_mixin_init_parameters:
            # The mixin decodes `config` by its annotation, which may be a string.
            parameter: Parameter = cls._hub_mixin_init_parameters["config"]
            cls._hub_mixin_init_parameters["config"] = parameter.replace(annotation=cls._config_class)

    @classmethod
    def load(cls, name: str | Path, device: str = "auto") -> Self:
        """A model, ready for inference.

        Args:
            name: a model folder, a bundled name, or a hub id.
            device: where it goes: auto, or as `torch.device` spells it.

        Raises:
            UserError: no such model, or not a whole one of this kind.
        """
        return load_pretrained(cls, name, dict(cls.bundled), device)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(chain(self.parameters(), self.buffers())).device

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of configuration and weights: codes and latents belong to one model."""
        config = _dumped(self.config, set(self.unhashed))
        state = sorted(self.state_dict().items())
        # Reading all weights takes longer than encoding a short clip: done anew only where one of them was written to.
        versions = [None if value.is_inference() else (value.data_ptr(), value._version) for _, value in state]
        if None in versions or self._hashed[0] != [config, *versions]:
            arrays = ((name, value.detach().cpu().contiguous().numpy()) for name, value in state)
            self._hashed = [config, *versions], model_hash(config, arrays)
        return self._hashed[1]

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        apply_umask(save_directory / WEIGHTS)


def _dumped(config: BaseModel, exclude: set[str] | None = None) -> dict[str, Any]:
    return config.model_dump(mode="json", by_alias=True, exclude=exclude)


def load_pretrained(model: type[Model], name: str | Path, bundled: dict[str, Path], device: str = "auto") -> Model:
    """Loads a model, ready for inference.

    Args:
        model: its class.
        name: a folder, a name in `bundled`, or a hub id (`organisation/name`).
        bundled: the folders of the models that the package brings.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or a folder that does not hold a whole one.
    """
    folder = find_model(name, bundled)
    try:
        with redirect_stdout(io.StringIO()):  # the mixin prints where it reads from; stdout is for results
            loaded = model.from_pretrained(str(folder), strict=True, map_location="cpu")
    except (SafetensorError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, UserError) as error:
        raise UserError(f"{name}: not a model of this kind and version ({reason(error)})") from error
    if isinstance(loaded, SavedModel):
        loaded.folder = folder
        loaded.name = Path(name).resolve().name if Path(name).exists() else str(name)
    try:
        cast("nn.Module", loaded).to(torch.device(pick_device(device))).eval()
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {device!r} cannot be used ({reason(error)}); try --device cpu") from error
    return loaded


def pick_device(name: str) -> str:
    """A device name for torch: "auto" is the accelerator of this machine if it has one, else the CPU."""
    if name != "auto":
        return name
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return accelerator.type if accelerator is not None else "cpu"
