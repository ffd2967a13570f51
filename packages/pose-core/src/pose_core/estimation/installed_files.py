"""Whether the files of an environment are what its wheels brought, by their RECORDs.

The format is https://packaging.python.org/en/latest/specifications/recording-installed-packages.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def damaged_file(environment: Path, requirements: Iterable[str], *, contents: bool = False) -> str | None:
    """What is wrong with the first file that is not as it was installed, in words; None: all of them are.

    Files are named from the environment's folder on.

    Files that nobody installed, and programs, which are written by the installer, do not count.

    Args:
        environment: its folder.
        requirements: "name==version" of what was installed.
        contents: compare digests too, 0.3 s for 100 MB; otherwise only sizes, which takes milliseconds.
    """
    packages = next((path for path in (environment / "Lib", *environment.glob("lib/python*")) if path.is_dir()), None)
    if packages is None:
        return "lib is missing"
    packages /= "site-packages"
    recorded = []
    for requirement in requirements:
        name, _, version = requirement.partition("==")
        record = packages / f"{name.replace('-', '_')}-{version}.dist-info" / "RECORD"
        try:
            recorded += [(packages / name, digest, size) for name, digest, size in _rows(record)]
        except (OSError, UnicodeError, csv.Error, ValueError):
            return f"{record.relative_to(environment)} is missing or damaged"
    for path, _, size in recorded:
        try:
            found = path.stat().st_size
        except OSError:
            return f"{path.relative_to(environment)} is missing"
        if found != size:
            return f"{path.relative_to(environment)} has {found:,} bytes instead of {size:,}"
    for path, digest, _ in recorded if contents else ():
        if not _same(path, digest):
            return f"{path.relative_to(environment)} is damaged"
    return None


def _rows(record: Path) -> Iterator[tuple[str, str, int]]:
    """Path, digest and size of each file of a wheel; RECORD itself has neither."""
    with record.open(encoding="utf-8", newline="") as file:
        number = 0
        for name, digest, size in csv.reader(file):
            number += 1
            if size and not name.startswith(("..", "/")):
                yield name, digest, int(size)
    if not number:
        raise ValueError("empty")


def _same(path: Path, digest: str) -> bool:
    kind, _, expected = digest.partition("=")
    if kind != "sha256":
        return True
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, kind).digest()
    except OSError:
        return False
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == expected.rstrip("=")
