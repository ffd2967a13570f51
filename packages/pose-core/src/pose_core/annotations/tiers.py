"""Choice of tiers by name."""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pose_core.annotations.segment import Annotations, Tier

SHOWN = 12  # tiers of an error message


def select_tiers(annotations: Annotations, names: Sequence[str], path: Path) -> list[Tier]:
    """The tiers of these names; without any the only tier that has annotations.

    Args:
        annotations: of the file `path`.
        names: as the file has them; upper and lower case may be confused where that leaves one tier.

    Raises:
        UserError: no name is given and there are several tiers, or a tier is not there; the message lists the tiers.
    """
    if not names:
        filled = [tier for tier in annotations.tiers if tier.segments]
        if len(filled) == 1:
            return filled
        if not filled:
            raise UserError(f"{path}: holds no annotations{_listed(annotations)}")
        raise UserError(f"{path}: which tier? Name one with --tier{_listed(annotations)}")
    return [_tier(annotations, name, path) for name in dict.fromkeys(names)]


def _tier(annotations: Annotations, name: str, path: Path) -> Tier:
    tiers = annotations.tiers
    exact = [tier for tier in tiers if tier.name == name]
    alike = exact or [tier for tier in tiers if _folded(tier.name) == _folded(name)]
    if len(alike) == 1:
        return alike[0]
    if [tier.name for tier in tiers] == [""]:
        raise UserError(f"{path}: subtitles have no tiers; leave out --tier {name}")
    near = difflib.get_close_matches(name, [tier.name for tier in tiers], n=1)
    meant = f"; meant is perhaps {near[0]!r}" if near else ""
    raise UserError(f"{path}: there is no tier {name!r}{meant}{_listed(annotations)}")


def _folded(name: str) -> str:
    """A name without the case of its letters, and in Unicode's composed form."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def _listed(annotations: Annotations) -> str:
    """The tiers with their numbers of annotations, those with most first."""
    tiers = sorted(annotations.tiers, key=lambda tier: -len(tier.segments))
    if not tiers:
        return ""
    more = f", and {len(tiers) - SHOWN} more" if len(tiers) > SHOWN else ""
    return f": {', '.join(f'{tier.name!r} ({len(tier.segments)})' for tier in tiers[:SHOWN])}{more}"
