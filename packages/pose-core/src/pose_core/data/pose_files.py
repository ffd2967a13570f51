"""Finding all pose files below a folder."""

from __future__ import annotations

import os
from pathlib import Path

from pose_core.data.audit import summary
from pose_core.formats import READABLE, READERS, is_clip_folder
from pose_core.formats.sniffing import is_manifest

Identity = tuple[int, int]  # of a folder, whatever links lead to it


def pose_files(folder: str | Path) -> tuple[list[Path], list[str]]:
    """Every pose file below a folder, in the order of their paths, and what was left out and why, one line each.

    A folder of an estimator's files, one per frame, is a clip, and so may `folder` be. Files of formats that data sets
    use for other things, too (`.json`, `.npy`), are left out.
    Links to files and folders are followed, except one that leads back to a folder it is in. Hidden files and folders
    are left out, and manifests.
    """
    folder = Path(folder)
    if is_clip_folder(folder):
        return [folder], []
    walk = _Walk(folder)
    return sorted(walk.files), walk.notices()


class _Walk:
    """A walk through a folder, which sorts what it meets.

    Attributes:
        files: pose files, and folders that are clips.
        manifests, unnamed, broken, cycles, closed: what is left out; see `notices`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self.manifests: list[str] = []
        self.unnamed: list[str] = []
        self.broken: list[str] = []
        self.cycles: list[str] = []
        self.closed: list[str] = []
        # Of every folder, what it and those it is in really are: a link back to one of them would never end.
        self._ancestors: dict[str, set[Identity]] = {str(folder): {_identity(folder)}}
        for parent, folders, names in os.walk(folder, followlinks=True, onerror=self._note_closed):
            folders[:] = [name for name in folders if not name.startswith(".") and self._enters(parent, name)]
            for name in names:
                if not name.startswith("."):
                    self._sort(Path(parent, name))

    def _note_closed(self, error: OSError) -> None:
        self.closed.append(f"{error.filename} ({error.strerror})")

    def _enters(self, parent: str, name: str) -> bool:
        """Whether the walk goes on into a folder; a clip is added instead."""
        folder = Path(parent, name)
        identity = _identity(folder)
        if identity in self._ancestors[parent]:
            self.cycles.append(str(folder))
            return False
        if is_clip_folder(folder):
            self.files.append(folder)
            return False
        self._ancestors[str(folder)] = self._ancestors[parent] | {identity}
        return True

    def _sort(self, path: Path) -> None:
        suffix = path.suffix.lower()
        if suffix not in READERS:
            if path.is_symlink() and not path.exists():
                self.broken.append(str(path))  # perhaps a folder's
            elif suffix in READABLE:
                self.unnamed.append(str(path))
        elif not path.is_file():
            self.broken.append(str(path))
        elif suffix == ".csv" and is_manifest(path):
            self.manifests.append(str(path))
        else:
            self.files.append(path)

    def notices(self) -> list[str]:
        """Warnings of files and folders that are left out, one line per reason."""
        found = {
            "{names}: a manifest, not landmarks, left out; to use it, name it instead of {folder}": self.manifests,
            "{folder}: {count} .json or .npy file(s) are left out; name them in a manifest if they are poses: "
            "{names}": self.unnamed,
            "{folder}: {count} folder(s) cannot be read and are left out: {names}": self.closed,
            "{folder}: {count} link(s) lead nowhere and are left out: {names}": self.broken,
            "{folder}: {count} link(s) lead back to a folder they are in: {names}": self.cycles,
        }
        return [
            text.format(folder=self.folder, count=len(paths), names=summary(paths, 3))
            for text, paths in found.items()
            if paths
        ]


def _identity(folder: Path) -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino
