"""Models as they are listed: what a package brings, without loading them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BundledModel:
    """A model of a package, bundled or downloaded.

    Attributes:
        name: for `--checkpoint`.
        about: the first sentence of its card.
        megabytes: of its weights.
        folder: where it lies.
    """

    name: str
    about: str
    megabytes: float
    folder: Path


def bundled_models(package: str | Path) -> list[BundledModel]:
    """The models in a package's folder `models`, by name.

    Args:
        package: the package's folder, or a module file in it.
    """
    package = Path(package)
    folders = sorted(
        path.parent for path in (package if package.is_dir() else package.parent).glob("models/*/config.json")
    )
    return [described_model(folder, folder.name) for folder in folders]


def described_model(folder: Path, name: str) -> BundledModel:
    """A model folder as it is listed."""
    return BundledModel(name, _about(folder), (folder / "model.safetensors").stat().st_size / 1e6, folder)


def model_lines(models: list[BundledModel]) -> list[str]:
    """For people: name, size and description, one line per model."""
    width = max((len(model.name) for model in models), default=0)
    return [f"{model.name:{width}}  {model.megabytes:6.1f} MB  {model.about}" for model in models]


def _about(folder: Path) -> str:
    """The first sentence of a model's card, below its metadata and title; empty without one."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    below = re.sub(r"\A\s*# .*\n", "", text)
    paragraph = " ".join(below.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[^\d])[.:](?:\s|$)", paragraph)[0]
