"""The files of the site, for mkdocs: pages are wherever in the repository they belong, and none is copied.

A page's name is its path in the repository, so links from file to file lead there on GitHub, in an editor, and in the
site alike. In the site docs/site/ is the top, and what lies elsewhere is below `packages/` or `docs/`.

Diagrams are drawn in the browser by Mermaid, which the theme would fetch from another host: the site has its own copy.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
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
MERMAID = ("@mermaid-js/tiny", "11.17.2")  # of npm: flowcharts and what else needs no second download
DIAGRAM = 'class="mermaid"'
SCRIPT = "assets/javascripts/mermaid.js"


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
    files.append(File.generated(config, SCRIPT, abs_src_path=str(mermaid())))
    return files


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Puts Mermaid before the theme's own script in pages with a diagram: an event of mkdocs.

    The theme takes the `mermaid` that is there, and fetches one only where there is none.
    """
    if DIAGRAM not in output:
        return output
    from mkdocs.utils import get_relative_url  # ty: ignore[import-not-found]  # in the session's environment alone

    start, script, rest = output.rpartition('<script src="')  # the theme's, at the end of the page
    return f'{start}<script src="{get_relative_url(SCRIPT, page.url)}"></script>\n      {script}{rest}'


def mermaid() -> Path:
    """The script of Mermaid, fetched from npm's registry once per version, into build/.

    Raises:
        RuntimeError: there is no npm.
    """
    name, version = MERMAID
    path = ROOT / f"build/mermaid-{version}.js"
    if path.is_file():
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"no npm (Node.js), which fetches {name}: the site's diagrams are drawn by it")
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run([npm, "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extract("package/dist/mermaid.tiny.js", folder, filter="data")
        (Path(folder) / "package/dist/mermaid.tiny.js").replace(path)
    return path


def place(name: str) -> str:
    """Where in the site a file of the repository is; the card of a model is at models/PACKAGE/MODEL/."""
    parts = name.removeprefix(SITE).split("/")
    if name.startswith("packages/") and "models" in parts:
        return "/".join(["models", parts[1], *parts[parts.index("models") + 1 :]])
    return "/".join(parts)
