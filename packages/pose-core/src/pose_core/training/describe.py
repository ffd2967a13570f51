"""The `config` commands: print a configuration as YAML that `train --config` takes, every key explained."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from pose_core.command_line import print_json
from pose_core.training.config import load_preset
from pose_core.training.keys import Key, config_keys, flat

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.training.config import TrainingConfig

WIDTH = 120


def print_config(config: type[TrainingConfig], presets: dict[str, Path], preset: str, *, as_json: bool) -> None:
    """Prints every key of a config with a preset's or file's value, the default, what is allowed and what it means.

    Raises:
        UserError: as `load_preset`.
    """
    values = flat(load_preset(config, preset, presets).model_dump(mode="json"))
    keys = [key for key in config_keys(config) if key.name in values]
    if as_json:
        described = [
            {
                "name": key.name,
                "value": values[key.name],
                "default": key.default,
                "allowed": key.allowed,
                "description": key.description,
            }
            for key in keys
        ]
        print_json({"preset": preset, "presets": list(presets), "keys": described})
        return
    print(config_yaml(keys, values, preset, list(presets)), end="")


def config_yaml(keys: list[Key], values: dict[str, Any], preset: str, presets: list[str]) -> str:
    """Every key with its value in YAML, behind a comment that explains it."""
    lines = [f"# {preset}; presets: {', '.join(presets)}. A key that is left out has its default."]
    open_sections: list[str] = []
    group = ""
    for key in keys:
        *sections, name = key.name.split(".")
        if not sections and key.group != group:
            group = key.group
            lines += ["", f"# --- {group}"]
        for depth, section in enumerate(sections):
            if open_sections[: depth + 1] != sections[: depth + 1]:
                lines.append(f"{'  ' * depth}{section}:")
        open_sections = sections
        indent = "  " * len(sections)
        facts = f"{key.allowed}; default {_yaml(key.default)}"
        comment = f"{key.description} ({facts})" if key.description else facts
        lines += textwrap.wrap(comment, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
        lines.append(f"{indent}{name}: {_yaml(values[key.name])}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
