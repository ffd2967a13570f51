"""Size and time of the page of `text-to-pose web`, beside `text-to-pose generate`; what Lighthouse says; pictures.

uv run --with "playwright>=1.49" python benchmarks/web_page.py [--repeats 3] [--lighthouse] [--pictures pictures/]

Needs Chromium (`apt-get install chromium`, or one that CHROMIUM names); for `--lighthouse` Node 20, too.

Times are wall and CPU seconds: of all processes of the browser, as it tells them itself, and of the command with its
start. Every repetition of the page has a browser without a cache. "load" is until the model is ready, "first_word"
from then until "hello", which the page signs by itself, is shown. "refinement" is one step of one letter: the
difference between "hello" in 20 steps and in 4, by its 16 steps of four letters. The median of the repetitions.

Lighthouse emulates a phone on a slow network; its performance is lower on a busy machine, the rest is not.
"""

import argparse
import functools
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from text_to_pose.web.site import Site, write_site

WORD, LETTERS = "hello", 4  # letters that differ: each is made once
FEW, MANY = 4, 20  # steps
SIZES = ((360, 740), (820, 1180), (1440, 900))  # of a phone, a tablet and a screen
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
CATEGORIES = ("performance", "accessibility", "best-practices")
LIMIT = 0.95  # of each category
LONG = 3_600_000  # milliseconds, on a busy machine
Times = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--repeats", type=int, default=3, help="0: sizes alone")
    parser.add_argument("--lighthouse", nargs="?", const="npx --yes lighthouse@12.8.2", help="its command, if another")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures in three sizes, light and dark")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = write_site(arguments.checkpoint, Path(folder) / "site")
        result: dict[str, Any] = {"bytes": sizes(site)}
        with served(site.output) as address:
            if arguments.repeats:
                result["page"] = median([page_times(address) for _ in range(arguments.repeats)])
                result["python"] = median([python_times(Path(folder)) for _ in range(arguments.repeats)])
            if arguments.pictures:
                take_pictures(address, arguments.pictures)
            if arguments.lighthouse:
                result["lighthouse"] = lighthouse(arguments.lighthouse, address, Path(folder) / "report.json")
    print(json.dumps(result, indent=2))


def sizes(site: Site) -> dict[str, int]:
    """Bytes of the parts of the folder."""
    parts = {"html, css, js": (".html", ".css", ".js"), "runtime (WebAssembly)": ("runtime.bin",)}
    parts |= {"weights": ("weights.bin",), "graphs and description": (".onnx", "model.json")}
    sums = {part: sum(size for name, size in site.files.items() if name.endswith(ends)) for part, ends in parts.items()}
    return {**sums, "icons, licences": site.size - sum(sums.values()), "all": site.size}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The address of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def chromium() -> str:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        sys.exit("no chromium: install it, or name it in CHROMIUM")
    return executable


@contextmanager
def opened() -> Generator[tuple[Browser, Page]]:
    """A browser that has seen nothing."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS), timeout=LONG)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(LONG)
        yield browser, page
        browser.close()


def wait_signed(page: Page) -> None:
    page.wait_for_selector(f"#picture[aria-label='A figure signs {WORD}']")
    page.wait_for_selector("body:not(.busy)")


def page_times(address: str) -> Times:
    with opened() as (browser, page):
        session = browser.new_browser_cdp_session()

        def cpu() -> float:
            return sum(each["cpuTime"] for each in session.send("SystemInfo.getProcessInfo")["processInfo"])

        def load() -> None:
            page.goto(address)
            page.wait_for_selector("#status:not(:has-text('Loading'))")

        def sign(steps: int) -> None:
            change = "(input, steps) => { input.value = steps; document.body.classList.add('busy'); }"
            page.eval_on_selector("#steps", change, steps)
            page.press("#text", "Enter")
            wait_signed(page)

        times = {"load": timed(load, cpu), "first_word": timed(lambda: wait_signed(page), cpu)}
        page.click("#play")  # no picture is drawn beside
        few, many = (timed(lambda steps=steps: sign(steps), cpu) for steps in (FEW, MANY))
        return {**times, "refinement": per_refinement(few, many)}


def python_times(folder: Path) -> Times:
    command = [sys.executable, "-m", "text_to_pose", "generate", WORD, "--signed-language", "ase", "--overwrite"]

    def generate(*options: str) -> None:
        output = ["--output", str(folder / "hello.pose")]
        subprocess.run([*command, *options, *output], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def cpu() -> float:
        times = os.times()
        return times.children_user + times.children_system

    few, many = (timed(lambda steps=steps: generate("--steps", str(steps)), cpu) for steps in (FEW, MANY))
    return {"first_word": timed(generate, cpu), "refinement": per_refinement(few, many)}


def timed(action: Callable[[], object], cpu: Callable[[], float]) -> dict[str, float]:
    """Wall and CPU seconds of an action."""
    started, used = time.perf_counter(), cpu()
    action()
    return {"wall": time.perf_counter() - started, "cpu": cpu() - used}


def per_refinement(few: dict[str, float], many: dict[str, float]) -> dict[str, float]:
    return {kind: (many[kind] - few[kind]) / ((MANY - FEW) * LETTERS) for kind in few}


def median(repetitions: list[Times]) -> Times:
    return {
        name: {kind: round(statistics.median(each[name][kind] for each in repetitions), 4) for kind in times}
        for name, times in repetitions[0].items()
    }


def take_pictures(address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with opened() as (_, page):
        page.goto(address)
        wait_signed(page)
        page.click("#play")
        page.click("#letters li:nth-child(3) button")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=folder / f"{width}x{height}-{scheme}.png", full_page=True)


def lighthouse(command: str, address: str, report: Path) -> dict[str, Any]:
    """Scores of the categories, and the audits that hold them below 1, by category."""
    subprocess.run(
        [
            *shlex.split(command),
            address,
            "--quiet",
            f"--chrome-flags={' '.join(FLAGS)}",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--max-wait-for-load={LONG}",
            "--output=json",
            f"--output-path={report}",
        ],
        check=True,
        env={**os.environ, "CHROME_PATH": chromium()},
    )
    found = json.loads(report.read_text(encoding="utf-8"))
    audits = found["audits"]
    below = {
        name: {
            each["id"]: audits[each["id"]].get("displayValue") or audits[each["id"]]["title"]
            for each in category["auditRefs"]
            if each["weight"] and (audits[each["id"]]["score"] or 0) < 1 and audits[each["id"]]["score"] is not None
        }
        for name, category in found["categories"].items()
    }
    scores = {name: category["score"] for name, category in found["categories"].items()}
    # Over 1,000 on an idle computer; where it is far below, performance is the machine's, not the page's.
    machine = found["environment"]["benchmarkIndex"]
    about = {"benchmark_index": machine, "warnings": found["runWarnings"], "version": found["lighthouseVersion"]}
    return {"scores": scores, "limit": LIMIT, "below": below, **about}


if __name__ == "__main__":
    main()
