"""The files of the site, for mkdocs: pages are wherever in the repository they belong, and none is copied.

A page's name is its path in the repository, so links from file to file lead there on GitHub, in an editor, and in the
site alike. In the site docs/site/ is the top, and what lies elsewhere is below `packages/` or `docs/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SITE = "docs/site/"
PATTERNS = (
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/*.gif",
    "docs/*.slurm",
    "docs/*.yaml",
    "docs/site/**/*.*",
    "packages/*/README.md",
    "packages/*/docs/*",
    "packages/*/src/*/models/*/README.md",
)


def on_files(files: Any, config: Any) -> Any:
    """Lists the files of the site: an event of mkdocs."""
    from mkdocs.structure.files import File  # ty: ignore[import-not-found]  # in the session's environment alone

    for file in list(files.documentation_pages()):  # those below docs/site/, by another name
        files.remove(file)
    for path in sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        file = File(name, str(ROOT), config.site_dir, config.use_directory_urls)
        file.dest_uri = place(file.dest_uri)
        files.append(file)
    return files


def place(name: str) -> str:
    """Where in the site a file of the repository is; the card of a model is at models/PACKAGE/MODEL/."""
    parts = name.removeprefix(SITE).split("/")
    if name.startswith("packages/") and "models" in parts:
        return "/".join(["models", parts[1], *parts[parts.index("models") + 1 :]])
    return "/".join(parts)
