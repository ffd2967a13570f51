"""For tests and benchmarks: damaged copies of files and folders, as disks, downloads and hands leave them."""

from __future__ import annotations

import io
import re
import shutil
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_SEARCHED = 1 << 16  # bytes in which a number is looked for
# What stands where a number is expected.
_WRONG = (
    *(b"NaN", b"nan", b"Infinity", b"-inf", b"1e400", b"-1", b"0.5", b"99999999999999999999", b"9" * 5000),
    *(b'"x"', b'"NaN"', b"", b"null", b"true", b"{}", b"[]", b",", b"\n", b"\x00", b"\xff\xfe"),
)
_ABSURD = (2**31 - 1, 2**32 - 1, 0xFFFF, 0x7FFF0000, 0)  # counts in a header
_NESTED = (b"[", b'{"a":', b"<a>", b"(", b'"')


def damaged(content: bytes, random: np.random.Generator) -> bytes:
    """A copy damaged in one of a dozen ways: cut, flipped, lost, doubled, wrong numbers, nesting, another encoding.

    Args:
        content: at least one byte.
        random: the same state gives the same damage.
    """
    if content.startswith(b"PK") and random.integers(2):
        content = _damaged_member(content, random)
        if content:
            return content
    kinds = [_cut, _flipped, _lost, _doubled, _inserted, _zeroed, _absurd, _wrong_number, _nested, _swapped, _encoded]
    weights = np.array([2, 3, 2, 2, 2, 1, 3, 6, 1, 1, 0.3])
    return kinds[random.choice(len(kinds), p=weights / weights.sum())](content, random)


def damaged_copy(path: Path, copy: Path, random: np.random.Generator) -> Path:
    """Writes a damaged copy of a file to `copy`; of a folder with one file damaged, lost, doubled or misnamed."""
    if path.is_file():
        copy.write_bytes(damaged(path.read_bytes(), random))
        return copy
    shutil.copytree(path, copy)
    files = sorted(each for each in copy.rglob("*") if each.is_file())
    file = files[random.integers(len(files))]
    kind = random.integers(10)
    if kind == 0:
        file.unlink()
    elif kind == 1:
        shutil.copyfile(file, file.with_name(re.sub(r"(\d+)(?=\D*$)", r"00\1", file.name, count=1)))
    elif kind == 2:
        file.rename(file.with_name(re.sub(r"\d+(?=\D*$)", "9" * int(random.integers(1, 40)), file.name, count=1)))
    elif kind == 3:
        file.rename(file.with_name(f"other_{file.name}"))
    else:
        file.write_bytes(damaged(file.read_bytes(), random))
    return copy


def _place(content: bytes, random: np.random.Generator) -> int:
    return int(random.integers(len(content)))


def _cut(content: bytes, random: np.random.Generator) -> bytes:
    return content[: _place(content, random)]


def _flipped(content: bytes, random: np.random.Generator) -> bytes:
    copy = bytearray(content)
    for i in random.integers(0, len(copy), random.integers(1, 40)):
        copy[i] = random.integers(256)
    return bytes(copy)


def _lost(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + content[place + int(random.integers(1, 999)) :]


def _doubled(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + content[max(0, place - int(random.integers(1, 999))) :]


def _inserted(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    return content[:place] + random.bytes(int(random.integers(1, 200))) + content[place:]


def _zeroed(content: bytes, random: np.random.Generator) -> bytes:
    place, length = _place(content, random), int(random.integers(1, 4096))
    return content[:place] + bytes(len(content[place : place + length])) + content[place + length :]


def _absurd(content: bytes, random: np.random.Generator) -> bytes:
    place = int(random.choice([0, 4, 6, 8, 10, 12, 14, *random.integers(0, min(len(content), 3000), 4)]))
    return content[:place] + struct.pack("<I", int(random.choice(_ABSURD))) + content[place + 4 :]


def _wrong_number(content: bytes, random: np.random.Generator) -> bytes:
    start = int(random.integers(max(1, len(content) - _SEARCHED)))
    numbers = list(_NUMBER.finditer(content, start, start + _SEARCHED))
    if not numbers:
        return _flipped(content, random)
    number = numbers[random.integers(len(numbers))]
    return content[: number.start()] + _WRONG[random.integers(len(_WRONG))] + content[number.end() :]


def _nested(content: bytes, random: np.random.Generator) -> bytes:
    place = _place(content, random)
    opening = _NESTED[random.integers(len(_NESTED))]
    return content[:place] + opening * int(random.choice([30, 3000, 300_000])) + content[place:]


def _swapped(content: bytes, random: np.random.Generator) -> bytes:
    a, b = sorted(random.integers(0, len(content) + 1, 2))
    return content[b:] + content[a:b] + content[:a]


def _encoded(content: bytes, random: np.random.Generator) -> bytes:
    """With a byte order mark, in UTF-16, with other line ends, empty, or random."""
    text = content.decode("latin-1")
    ways: list[Callable[[], bytes]] = [
        lambda: b"\xef\xbb\xbf" + content,
        lambda: text.encode("utf-16"),
        lambda: text.encode("utf-32"),
        lambda: content.replace(b"\n", b"\r\n"),
        lambda: b"",
        lambda: random.bytes(len(content)),
    ]
    return ways[random.integers(len(ways))]()


def _damaged_member(content: bytes, random: np.random.Generator) -> bytes:
    """The ZIP file with one member damaged, lost or doubled, its checksums right; b"" if it is no ZIP file."""
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w") as copy:
            members = archive.namelist()
            chosen = random.integers(len(members))
            for i, name in enumerate(members):
                data = archive.read(name)
                if i != chosen:
                    copy.writestr(name, data)
                elif random.integers(8):
                    copy.writestr(name, damaged(data, random) if data else b"\x00")
    except (zipfile.BadZipFile, ValueError):
        return b""
    return packed.getvalue()
