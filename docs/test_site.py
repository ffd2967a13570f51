"""The built site: every link leads somewhere, and its search finds what people look for. `nox -s docs` runs these."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

SITE = Path(__file__).resolve().parents[1] / "build/site"
BASE = "https://site/"
LOADED = {".css", ".gif", ".js", ".png", ".svg"}


class Page(HTMLParser):
    """The links, pictures and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


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


def test_no_page_asks_others_for_anything():
    """Fonts, scripts and pictures come with the site; links that people follow may lead elsewhere."""
    for path in pages():
        text = path.read_text(encoding="utf-8")
        assert "fonts.googleapis" not in text, path
        parts = [urlsplit(link) for link in parsed(path).links]
        assert not [part for part in parts if part.netloc and Path(part.path).suffix in LOADED], path
