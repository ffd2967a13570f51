"""The page's files, in memory: what a request names is looked up among them, and never opened."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from text_to_pose.web.site import START, write_site

API = "api/"
"""Where the page finds the API, relative to it."""
_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]+)"')
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".onnx": "application/octet-stream"}


@dataclass(frozen=True)
class Page:
    """The page with a model.

    Attributes:
        files: content and media type, by path.
        policy: its Content-Security-Policy.
    """

    files: dict[str, tuple[bytes, str]]
    policy: str


def load_page(checkpoint: str) -> Page:
    """The page with a model of letters, see `text_to_pose.web.site.write_site`.

    Raises:
        UserError: the page is not built, or has no code for such a model.
    """
    with TemporaryDirectory(prefix="page-") as name:
        site = write_site(checkpoint, Path(name) / "site", api=API)
        files = {path: ((site.output / path).read_bytes(), _media_type(path)) for path in site.files}
    found = _POLICY.search(files[START][0].decode("utf-8"))
    policy = found.group(1) if found else "default-src 'none'"
    files[""] = files[START]
    return Page(files, policy)


def _media_type(path: str) -> str:
    suffix = Path(path).suffix
    known = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    return f"{known}; charset=utf-8" if known.startswith("text/") else known
