"""Pages that play clips, opened in Chromium: `nox -s browser`."""

import base64
import io
import os
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pose_core.rendering import Caption, draw, write_html
from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import drawn_colors
from pose_core.testing import fake_sequence

pytestmark = pytest.mark.browser

FLAGS = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
ARGUMENTS = [f"--{flag}" for flag in (*FLAGS.split(), "disable-component-update", "disable-sync")]


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not executable:
        pytest.skip("no chromium; install it, or name it in CHROMIUM")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Writes a page and opens it as a double click would; the browser may have nothing to complain about."""
    complaints = []

    def opened(sequences, captions=(), hands=False, **screen):
        write_html(sequences, tmp_path / "page.html", captions=captions, hands=hands, overwrite=True)
        page = chromium.new_page(**screen)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield opened
    assert complaints == []


def state(page):
    return page.evaluate("player.state()")


def wait_until(page, condition):
    """Playwright's `wait_for_function` runs into the page's own ban of scripts in strings."""
    end = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition


def picture(page, clip=0):
    """Pixels of a canvas, (H, W, 3)."""
    url = page.evaluate(f"document.querySelectorAll('canvas')[{clip}].toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")).astype(int)


def test_seeking_shows_the_frame(holistic, opened):
    page = opened(holistic)
    shown, packing = {}, (1, 256, 65536)
    for frame in (0, 7, 11, 7):
        page.evaluate(f"player.seek({frame} / 25)")
        assert state(page)["frames"] == [frame]
        assert f"frame {frame + 1} of 12" in page.inner_text("figcaption")
        if frame in shown:
            np.testing.assert_array_equal(picture(page), shown[frame])
        shown[frame] = picture(page)
        drawn = Image.fromarray(draw(holistic, frames=[frame])[0]).resize(shown[frame].shape[1::-1])
        solid = np.isin(shown[frame] @ packing, drawn_colors(holistic.skeleton) @ packing)
        assert solid.mean() > 0.02
        assert np.abs(shown[frame] - np.asarray(drawn))[solid].mean() < 5  # outside: OpenCV's lines are a bit wider
    assert len({image.tobytes() for image in shown.values()}) == 3
    assert "0.28 / 0.48 s" in page.inner_text("#clock")


def test_hands_are_magnified_beside(opened):
    sequence = fake_sequence()
    page = opened(sequence, hands=True)
    page.evaluate("player.seek(0.4)")
    composed = Composition(sequence, 480)
    (expected,) = composed.frames([10])
    shown = picture(page)
    assert shown.shape[1] / shown.shape[0] == pytest.approx(composed.width / 480, rel=0.02)
    column = shown[:, round(shown.shape[1] * composed.view.width / composed.width) :]
    drawn = np.asarray(Image.fromarray(expected[:, composed.view.width :]).resize(column.shape[1::-1])).astype(int)
    packing = (1, 256, 65536)
    solid = np.isin(column @ packing, drawn_colors(sequence.skeleton) @ packing)
    assert solid.mean() > 0.05
    assert np.abs(column - drawn)[solid].mean() < 5  # outside: OpenCV's lines are a bit wider
    page.uncheck("#hands")
    narrow = picture(page)
    assert narrow.shape[1] / narrow.shape[0] == pytest.approx(composed.view.width / 480, rel=0.02)


def test_captions_are_spelled_below(holistic, opened):
    page = opened(holistic, captions=[Caption("H", 0, 5), Caption("I", 5, 9), Caption("!", 10, 12)])
    for frame, word, current in ((0, "HI", ["H"]), (7, "HI", ["I"]), (9, "HI", []), (11, "!", ["!"])):
        page.evaluate(f"player.seek({frame} / 25)")
        assert [each.inner_text() for each in page.query_selector_all(".word span")] == list(word)
        assert [each.inner_text() for each in page.query_selector_all(".word .current")] == current
    box = page.query_selector("figure").bounding_box()
    assert box["y"] + box["height"] <= page.query_selector("main").bounding_box()["height"]


def test_plays_pauses_and_ends(holistic, opened):
    page = opened(replace(holistic, fps=0.5))
    page.click("#play")
    wait_until(page, "player.state().time > 0.1")
    assert page.inner_text("#play") == "Pause"
    page.click("#play")
    stopped = state(page)
    page.wait_for_timeout(200)
    assert state(page) == stopped
    page.evaluate("player.seek(23.9); player.play()")
    wait_until(page, "player.state().time < 1")  # from the start again
    page.uncheck("#loop")
    page.evaluate("player.seek(23.9)")
    wait_until(page, "!player.state().playing")
    assert state(page)["time"] == 24


def test_speed(holistic, opened):
    page = opened(replace(holistic, fps=0.5))
    rates = {}
    for speed in ("1", "2"):
        page.select_option("#speed", speed)
        page.evaluate("player.seek(0); player.play()")
        wait_until(page, "player.state().time > 0")
        before, start = state(page)["time"], time.perf_counter()
        page.wait_for_timeout(1000)
        rates[speed] = (state(page)["time"] - before) / (time.perf_counter() - start)
    assert rates["1"] == pytest.approx(1, abs=0.25)
    assert rates["2"] / rates["1"] == pytest.approx(2, rel=0.25)


def test_keyboard(holistic, opened):
    page = opened(holistic)
    for focus in ("body", "#time"):
        page.focus(focus)
        page.evaluate("player.seek(0)")
        for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowLeft", 0)):
            page.keyboard.press(key)
            assert state(page)["frames"] == [frame]
    for focus in ("body", "#time", "#play"):  # on the button, too, space must not count twice
        page.focus(focus)
        for playing in (True, False):
            page.keyboard.press("Space")
            assert state(page)["playing"] == playing


def test_side_by_side_on_one_clock(holistic, tiny, opened):
    name = "</script><img src=x onerror=alert(1)>"
    blank = replace(tiny, confidence=np.zeros_like(tiny.confidence))
    with pytest.warns(UserWarning, match="all keypoints are missing in blank"):
        page = opened({"first": holistic, name: replace(tiny, fps=5), "blank": blank}, device_scale_factor=2)
    assert [b.inner_text() for b in page.query_selector_all("figcaption b")] == ["first", name, "blank"]
    assert page.get_by_role("img", name="Pose of first").count() == 1
    page.evaluate("player.seek(0.25)")
    assert state(page) == {"playing": False, "time": 0.25, "duration": 0.48, "frames": [6, 1, 1]}
    assert [(picture(page, clip) != 255).any() for clip in range(3)] == [True, True, False]
    boxes = [canvas.bounding_box() for canvas in page.query_selector_all("canvas")]
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert picture(page).shape[0] == 2 * boxes[0]["height"]  # of a screen with two dots a pixel, every one
    page.set_viewport_size({"width": 400, "height": 700})
    wait_until(page, "document.querySelector('canvas').clientWidth < 380")
    assert (picture(page) != 255).any()
