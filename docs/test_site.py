"""The built site: every link leads somewhere, and its search finds what people look for. `nox -s docs` runs these."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

SITE = Path(__file__).resolve().parents[1] / "build/site"
BASE = "https://site/"
LOADING = {"audio", "embed", "iframe", "img", "input", "object", "script", "source", "track", "video"}
LOADING_LINKS = {"icon", "manifest", "mask-icon", "modulepreload", "preload", "stylesheet"}


class Page(HTMLParser):
    """The links, pictures and anchors of a page, and what a browser loads with it, in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)
        given = dict(attrs)
        if tag in LOADING:
            self.loaded += [given[name] or "" for name in ("src", "data", "poster") if name in given]
            self.loaded += [each.split()[0] for each in (given.get("srcset") or "").split(",") if each.strip()]
        elif tag == "link" and LOADING_LINKS & set((given.get("rel") or "").split()):
            self.loaded.append(given.get("href") or "")


def pages() -> list[Path]:
    # The page for wrong addresses has links from the top of wherever the site is put.
    return [path for path in sorted(SITE.rglob("*.html")) if path.name != "404.html"]


@cache
def parsed(path: Path) -> Page:
    return Page(path)


def broken_links(path: Path) -> list[str]:
    """The links of a page within the site that lead to no file, or to no anchor of it."""
    own = urljoin(BASE, path.relative_to(SITE).as_posix())
    broken = []
    for link in parsed(path).links:
        address = urlsplit(urljoin(own, link))
        if f"{address.scheme}://{address.netloc}/" != BASE:
            continue
        target = SITE / unquote(address.path).lstrip("/")
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or (address.fragment and unquote(address.fragment) not in parsed(target).anchors):
            broken.append(link)
    return broken


@pytest.fixture(scope="module")
def entries() -> list[dict[str, str]]:
    return json.loads((SITE / "search/search_index.json").read_text(encoding="utf-8"))["docs"]


@pytest.fixture(scope="module")
def search(entries):
    """Addresses that the search finds, best first; lunr is what looks in the browser, too."""
    from lunr import lunr  # ty: ignore[import-not-found]  # in the session's environment alone

    fields = [{"field_name": "title", "boost": 10}, {"field_name": "text", "boost": 1}]
    index = lunr(ref="location", fields=fields, documents=entries)
    return lambda words: [found["ref"] for found in index.search(" ".join(f"+{word}" for word in words.split()))]


def test_every_link_leads_somewhere():
    broken = {path.relative_to(SITE).as_posix(): broken_links(path) for path in pages()}
    assert len(broken) > 25
    assert not {page: links for page, links in broken.items() if links}


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("HamNoSys", "tasks/notation/"),
        ("frames per second", "formats/"),
        ("resume", "tasks/train/"),
        ("OpenPose", "docs/layouts/"),
        ("ELAN", "docs/inputs/"),
        ("PoseSequence", "reference/pose_core/"),
    ],
)
def test_search_finds(search, words, page):
    found = [address.partition("#")[0] for address in search(words)]
    assert page in found, found[:20]


def test_each_package_is_in_the_reference(entries):
    said = defaultdict(str)
    for entry in entries:
        said[entry["location"].partition("#")[0]] += entry["title"] + entry["text"]
    for package, name in [
        ("pose_core", "normalize"),
        ("pose_encoders", "GraphEncoder"),
        ("text_to_pose", "generate_texts"),
        ("pose_tokenizer", "Vocabulary"),
        ("ht_vae", "HierarchicalTransformerVAE"),
    ]:
        assert name in said[f"reference/{package}/"], package


def elsewhere(addresses: list[str]) -> list[str]:
    """Those that name a host."""
    return [address for address in addresses if urlsplit(address).netloc]


def test_no_page_asks_others_for_anything():
    """Fonts, scripts and pictures come with the site; links that people follow may lead elsewhere."""
    assert sum(len(parsed(path).loaded) for path in pages()) > 100
    assert not {path: found for path in pages() if (found := elsewhere(parsed(path).loaded))}
    assert elsewhere(["https://unpkg.com/a.js", "//fonts.example/b.css", "../c.js"]) == [
        "https://unpkg.com/a.js",
        "//fonts.example/b.css",
    ]


def test_no_style_asks_others_for_anything():
    styles = {path: path.read_text(encoding="utf-8") for path in SITE.rglob("*.css")}
    styles |= {path: "".join(re.findall("<style.*?</style>", path.read_text(encoding="utf-8"))) for path in pages()}
    assert any(path.suffix == ".css" for path in styles)
    assert not [path for path, style in styles.items() if re.search(r"""(url\(|@import)\s*["']?(https?:)?//""", style)]


def test_diagrams_are_drawn_by_a_script_of_the_site():
    """The theme fetches Mermaid from another host, unless a script before its own has brought it."""
    with_diagrams = [path for path in pages() if 'class="mermaid"' in path.read_text(encoding="utf-8")]
    assert with_diagrams
    for path in with_diagrams:
        scripts = [address for address in parsed(path).loaded if address.endswith(".js")]
        names = [address.rpartition("/")[2].partition(".")[0] for address in scripts]
        assert names.index("mermaid") < names.index("bundle"), path
        script = (path.parent / scripts[names.index("mermaid")]).resolve()
        assert 'globalThis["mermaid"] =' in script.read_text(encoding="utf-8"), path
