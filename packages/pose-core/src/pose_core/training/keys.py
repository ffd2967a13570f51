"""Keys of a configuration by dotted name: listed, compared, suggested."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Key:
    """A key of a config.

    Attributes:
        name: `epochs`, dotted below a section: `encoder.num_layers`.
        default: in plain values; None where there is none.
        allowed: its type or choices, in words.
        description: of the field; empty where it has none.
        group: what the class that brings the key is about.
    """

    name: str
    default: Any
    allowed: str
    description: str
    group: str = ""


def config_keys(config: type[BaseModel], prefix: str = "") -> list[Key]:
    """All keys of a config, those of sections below them in place of the section's own.

    A section of several kinds gives the keys of each kind once. Keys come in the order of the classes that bring them.
    """
    keys: dict[str, Key] = {}
    homes = {name: home for home in config.__mro__ for name in getattr(home, "__pydantic_fields__", {})}
    classes = [*config.__mro__]
    for name, field in sorted(config.model_fields.items(), key=lambda item: classes.index(homes[item[0]])):
        sections = list(_models(field.annotation))
        if sections:
            for section in sections:
                for key in config_keys(section, f"{prefix}{name}."):
                    keys.setdefault(key.name, key)
            continue
        default = None if field.default is PydanticUndefined else field.default
        group = (homes[name].__doc__ or "").partition("\n")[0]
        keys[name] = Key(f"{prefix}{name}", _plain(default), _allowed(field), field.description or "", group)
    return list(keys.values())


def suggestion(unknown: str, config: type[BaseModel]) -> str:
    """Advice on an unknown key: the nearest known one by its whole name or its last part, or where all are."""
    names = [key.name for key in config_keys(config)]
    if unknown in names:
        return "it belongs to another kind of section; the `config` command prints all keys"
    last = unknown.rpartition(".")[2]
    same = [name for name in names if name.rpartition(".")[2] == last]
    leaves = {name.rpartition(".")[2]: name for name in reversed(names)}
    near = difflib.get_close_matches(last, leaves, n=1, cutoff=0.6)
    found = same or difflib.get_close_matches(unknown, names, n=1, cutoff=0.75) or [leaves[leaf] for leaf in near]
    return f"did you mean {found[0]}?" if found else "the `config` command prints all keys"


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted name."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            result |= flat(value, f"{prefix}{name}.")
        else:
            result[f"{prefix}{name}"] = value
    return result


def set_key(values: dict[str, Any], name: str, value: Any) -> None:
    """Sets one value by dotted name in nested ones.

    Raises:
        ValueError: what should be a section is a value; the message names it.
    """
    *sections, last = name.split(".")
    place = values
    for section in sections:
        if place.get(section) is None:  # not there, or there with nothing under it
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            raise ValueError(f"{section} is a section of names and values, found {place!r}")
    place[last] = value


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The configs that a field may hold: one, or several kinds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _allowed(field: FieldInfo) -> str:
    bounds = []
    for limit in field.metadata:
        for sign, attribute in ((">", "gt"), (">=", "ge"), ("<", "lt"), ("<=", "le")):
            value = getattr(limit, attribute, None)
            if value is not None:
                bounds.append(f"{sign} {value:g}")
    return " ".join([" or ".join(_choices(field.annotation)), *bounds])


def _choices(annotation: Any) -> Sequence[str]:
    arguments = get_args(annotation)
    if arguments and hasattr(annotation, "__metadata__"):  # Annotated
        return _choices(arguments[0])
    if annotation is type(None) or annotation is None:
        return ["null"]
    if get_origin(annotation) in (tuple, list):
        return [f"list of {' or '.join(_choices(arguments[0]))}s"]
    if isinstance(annotation, type):
        return [
            {"bool": "true, false", "str": "text", "int": "integer", "float": "number"}.get(
                annotation.__name__, annotation.__name__
            )
        ]
    choices: list[str] = []
    for argument in arguments:
        choices += [str(argument)] if isinstance(argument, str | int | bool) else _choices(argument)
    return list(dict.fromkeys(choices))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
