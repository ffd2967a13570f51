"""Files on unreliable storage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import fsspec

from pose_core.errors import reason

if TYPE_CHECKING:
    from typing import Self

_PASSED = 1 << 20  # bytes read at once where there is no jumping over them


class RetryingFile:
    """A file for sequential reading, as by tarfile, that is reopened where it stopped if its storage fails.

    `pauses` are the seconds before each further attempt.
    """

    def __init__(self, path: str, pauses: tuple[float, ...]) -> None:
        self.path, self.pauses = path, pauses
        self.position = 0
        self._file: Any = None
        self._reached = 0  # position of `_file`, which follows when it is read
        self._http = path.startswith(("http://", "https://"))
        self._streamed = False  # by one request from the beginning, for servers that cannot begin elsewhere

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def tell(self) -> int:
        return self.position

    def seek(self, position: int) -> None:
        self.position = position

    def read(self, size: int) -> bytes:
        """Reads `size` bytes, fewer only at the end."""
        parts: list[bytes] = []
        while size and (part := self._some(size)):
            parts.append(part)
            size -= len(part)
            self.position += len(part)
            self._reached += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, size: int) -> bytes:
        failures = 0
        while True:
            try:
                return self._opened().read(size)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, ImportError):
                raise
            except ValueError as error:
                self._close()
                # fsspec's error where the server has answered a range with the whole file
                if self._streamed or not self._http:
                    raise OSError(reason(error)) from error
                self._streamed = True
            except Exception as error:  # what else a storage's library raises is its own: aiohttp's are no OSError
                self._close()
                if failures == len(self.pauses):
                    raise OSError(f"{reason(error)}; attempts: {failures + 1}") from error
                time.sleep(self.pauses[failures])
                failures += 1

    def _opened(self) -> Any:
        """The storage's file at `position`."""
        if self._file is None:
            options: dict[str, Any] = {}
            if self._streamed:
                options["block_size"] = 0
            elif self._http:
                options["cache_type"] = "readahead"  # fsspec's choice for http fetches every other block twice
            self._file = fsspec.open(self.path, "rb", **options).open()
        if not self._streamed:
            if self._reached != self.position:
                self._file.seek(self.position)
                self._reached = self.position
        else:
            while self._reached < self.position and (
                passed := self._file.read(min(_PASSED, self.position - self._reached))
            ):
                self._reached += len(passed)
        return self._file

    def _close(self) -> None:
        file, self._file, self._reached = self._file, None, 0
        if file is not None:
            file.close()
