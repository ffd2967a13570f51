"""The page of `text-to-pose web`, opened in Chromium: `nox -s browser`."""

import functools
import io
import os
import shutil
import socket
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from pose_core import read, write
from pose_core.testing import fake_sequence
from text_to_pose.web.site import write_site

pytestmark = pytest.mark.browser

FLAGS = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking"
ARGUMENTS = [f"--{flag}" for flag in (*FLAGS.split(), "disable-component-update", "disable-sync")]
LONG = 300_000  # milliseconds, on a busy machine


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web") / "site"
    write_site("fingerspelling", folder)
    with served(folder) as address:
        yield address


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


@pytest.fixture(scope="module")
def page(chromium, address):
    """The page, which has signed its first word; it may have nothing to complain about."""
    complaints, requests = [], []
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    wait_signed(page, "hello")
    yield page
    assert complaints == []
    assert [url for url in requests if not url.startswith((address, "blob:", "data:"))] == []
    context.close()


def wait_signed(page, word):
    page.wait_for_selector(f"#picture[aria-label='A figure signs {word}']")
    page.wait_for_selector("body:not(.busy)")


def enter(page, text, word=None, **fields):
    """Types a text, with settings, and waits until it is signed."""
    if fields:
        page.eval_on_selector("details", "details => { details.open = true }")
    for name, value in fields.items():
        page.eval_on_selector(f"#{name}", f"input => {{ input.value = {value!r} }}")
        page.dispatch_event(f"#{name}", "input")
    page.fill("#text", text)
    page.press("#text", "Enter")
    wait_signed(page, word or text.lower())


def save(page, form, path):
    with page.expect_download() as download:
        page.click(f"#save-{form}")
    download.value.save_as(path)
    return path


@pytest.mark.parametrize(
    ("text", "settings", "options"),
    [
        ("hello", {}, []),
        ("Ola", {"guidance": "1.5", "steps": "4"}, ["--guidance", "1.5", "--steps", "4"]),
        ("ho", {"style": "citation", "speed": "1"}, ["--style", "citation"]),
    ],
)
def test_poses_are_those_of_generate(page, cli, tmp_path, text, settings, options):
    enter(page, text, **{"style": "fluent", "guidance": "1", "steps": "8", **settings})
    made = read(save(page, "pose", tmp_path / "page.pose"))
    output = tmp_path / "python.pose"
    status, _, _ = cli("generate", text, "--signed-language", "ase", *options, "--output", output)
    expected = read(output)
    assert status == 0
    assert (made.skeleton, made.fps, made.size) == (expected.skeleton, expected.fps, expected.size)
    np.testing.assert_array_equal(made.confidence, expected.confidence)
    np.testing.assert_allclose(made.keypoints, expected.keypoints, atol=0.01 * expected.size[0] / 4)


def test_files_are_read_back(page, tmp_path):
    from pose_format import Pose

    av = pytest.importorskip("av")
    enter(page, "ho")
    pose = Pose.read(save(page, "pose", tmp_path / "ho.pose").read_bytes())
    frames = len(pose.body.data)
    assert round(pose.header.version, 1) == 0.2
    gif = Image.open(save(page, "gif", tmp_path / "ho.gif"))
    assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (frames, 40, 0)
    with av.open(str(save(page, "mp4", tmp_path / "ho.mp4"))) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == 25
    assert len(pictures) == frames
    gif.seek(5)
    for picture in (pictures[5], np.asarray(gif.convert("RGB"))):
        assert (picture > 250).mean() > 0.5  # white
        assert 0.01 < (picture < 200).any(axis=-1).mean() < 0.3  # with a figure on it


def test_a_dropped_pose_is_shown_and_can_sign(page, tmp_path):
    person = fake_sequence(frames=9)
    write(person, tmp_path / "me.pose")
    page.set_input_files("#file", tmp_path / "me.pose")
    page.wait_for_selector("#picture[aria-label='The poses of me']")
    saved = read(save(page, "pose", tmp_path / "saved.pose"))
    np.testing.assert_array_equal(saved.keypoints, person.keypoints)
    assert saved.skeleton == person.skeleton
    page.check("#use-person")
    wait_signed(page, page.input_value("#text").lower())
    assert "this person signs" in page.inner_text("#person-state")
    page.uncheck("#use-person")
    (tmp_path / "you.pose").write_bytes(b"no pose")
    page.set_input_files("#file", tmp_path / "you.pose")
    page.wait_for_selector("#person-state:has-text('cannot be shown')")


def test_poses_are_encoded_and_decoded_as_by_pose_tokenizer(chromium, tmp_path):
    pytest.importorskip("pose_tokenizer")
    from pose_tokenizer.backends import load_network
    from pose_tokenizer.codec import decode, encode
    from pose_tokenizer.files.token_file import read_tokens

    complaints, requests = [], []
    write_site("fingerspelling", tmp_path / "site", tokens="signing")
    with served(tmp_path / "site") as address:
        page = chromium.new_page(bypass_csp=True)  # for axe
        page.set_default_timeout(LONG)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        wait_signed(page, "hello")
        assert not [url for url in requests if "/tokenizer/" in url]
        clip = read(save(page, "pose", tmp_path / "hello.pose"))
        page.click("#encode")
        page.wait_for_selector("#decoded", state="visible")
        with page.expect_download() as download:
            page.click("#save-tokens")
        download.value.save_as(tmp_path / "hello.tokens")
        shown = page.inner_text("#sizes")
        assert axe_violations(page) == []
        enter(page, "a")
        assert not page.is_visible("#decoded")
        assert not page.is_visible("#sizes")
        page.close()
    assert complaints == []
    model = load_network("signing")
    made, expected = read_tokens(tmp_path / "hello.tokens"), encode(model, clip)
    assert made.header == expected.header
    # Its weights are halves: of codes that are nearly as good as each other it may take another.
    np.testing.assert_allclose(made.bits, expected.bits, rtol=0.05)
    both = [decode(model, tokens) for tokens in (made, expected)]
    original = clip.on_skeleton(model.skeleton)
    seen = (original.confidence > 0) & (both[0].confidence > 0) & (both[1].confidence > 0)
    page_error, python_error = (np.abs(each.keypoints - original.keypoints)[seen].mean() for each in both)
    assert page_error < 1.05 * python_error
    assert f"{(tmp_path / 'hello.tokens').stat().st_size:,} bytes" in shown
    assert f"{made.bits / made.header.frames:.1f} bits per frame" in shown


def test_what_cannot_be_spelled_is_said(page):
    page.fill("#text", "hñllo")
    page.press("#text", "Enter")
    page.wait_for_selector("#problem:has-text('has no letter Ñ')")
    assert page.get_attribute("#text", "aria-invalid") == "true"
    enter(page, "ho!", "ho")
    assert "left out, being no letters: !" in page.inner_text("#remark").lower()
    assert page.get_attribute("#text", "aria-invalid") is None


def test_letters_are_in_step(page):
    enter(page, "ho")
    page.evaluate("document.activeElement.blur()")
    if page.inner_text("#play") == "Pause":
        page.keyboard.press("Space")
    assert page.inner_text("#play") == "Play"
    page.click("#letters li:nth-child(2) button")
    assert page.inner_text("#letters [aria-current]") == "O"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")  # the frame before the letter
    assert page.inner_text("#letters [aria-current]") == "H"
    assert "letter H" in page.get_attribute("#time", "aria-valuetext")


def test_poses_without_depth_cannot_be_turned(page, tmp_path):
    enter(page, "a")
    assert not page.is_visible("#turn")
    deep = fake_sequence(frames=5)
    deep.keypoints[..., 2] = np.linspace(-100, 100, deep.keypoints.shape[1])
    write(deep, tmp_path / "deep.pose")
    page.set_input_files("#file", tmp_path / "deep.pose")
    page.wait_for_selector("#turn", state="visible")
    pictures = []
    for angle in ("0", "60"):
        page.eval_on_selector("#turn", f"turn => {{ turn.value = {angle!r} }}")
        page.dispatch_event("#turn", "input")
        pictures.append(
            np.asarray(Image.open(io.BytesIO(page.locator("#picture").screenshot())).convert("L")).astype(int)
        )
    assert (np.abs(pictures[0] - pictures[1]) > 50).mean() > 0.001


def test_a_hundred_edits_leak_nothing(page):
    def heap():
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        metrics = session.send("Performance.getMetrics")
        return next(each["value"] for each in metrics["metrics"] if each["name"] == "JSHeapUsedSize")

    enter(page, "ab")
    before = heap()
    for number in range(100):
        page.fill("#text", "ab" if number % 2 else "ba")
        page.press("#text", "Enter")
    wait_signed(page, "ab")
    assert heap() - before < 5e6


def axe_violations(page):
    """What axe-core finds of its rules broken."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [(each["id"], each["impact"], each["help"]) for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium, address, scheme):
    context = chromium.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.goto(address)
    wait_signed(page, "hello")
    page.click("summary")
    assert axe_violations(page) == []
    assert page.inner_text("#play") == "Play"  # nothing moves that was not asked to
    context.close()


def test_nothing_is_too_wide_for_a_phone(chromium, address):
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    page.set_default_timeout(LONG)
    page.goto(address)
    page.click("summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input, summary')]
            .filter(each => each.offsetParent && Math.min(each.offsetWidth, each.offsetHeight) < 24)
            .map(each => each.id)"""
    )
    assert small == []
    page.close()


def test_it_works_offline(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready")
    context.set_offline(True)
    page.reload()
    wait_signed(page, "hello")
    enter(page, "a")
    context.close()


@pytest.fixture
def served_address():
    """The page as `text-to-pose app` serves it."""
    uvicorn = pytest.importorskip("uvicorn")
    from text_to_pose.app.page import load_page
    from text_to_pose.app.server import create_app
    from text_to_pose.app.service import Service

    app = create_app(Service(["fingerspelling"]), load_page("fingerspelling"), hosts=["127.0.0.1"])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


def test_a_served_page_has_notation_signed_by_the_server(chromium, served_address, cli, tmp_path):
    complaints = []
    page = chromium.new_page()
    page.set_default_timeout(LONG)
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(served_address)
    wait_signed(page, "hello")
    page.wait_for_selector("#text-label:has-text('HamNoSys')")
    notation = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"
    page.fill("#text", notation)
    page.press("#text", "Enter")
    page.wait_for_selector("#picture[aria-label='The poses of the sign']")
    page.wait_for_selector("body:not(.busy)")
    cli("sign", notation, "--output", tmp_path / "python.pose")
    made, expected = read(save(page, "pose", tmp_path / "page.pose")), read(tmp_path / "python.pose")
    np.testing.assert_allclose(made.keypoints, expected.keypoints, atol=1e-3)
    assert complaints == []
    page.fill("#text", "hamflathand hamnothing")
    page.press("#text", "Enter")
    page.wait_for_selector("#problem:has-text('This cannot be signed')")
    enter(page, "ho")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") == 0
    page.close()


def test_a_served_page_takes_videos(chromium, served_address, monkeypatch, tmp_path):
    from pose_core.estimation.estimators import holistic
    from text_to_pose.app import videos
    from text_to_pose.app.files import poses_answer

    seen = []

    def estimate(request, data, on_frames):
        seen.append(data)
        return poses_answer(fake_sequence(frames=30), request.format, "video", [], holistic().title)

    monkeypatch.setattr(videos, "has_estimator", lambda: True)
    monkeypatch.setattr(videos, "estimate", estimate)
    (tmp_path / "me.mp4").write_bytes(b"frames")
    page = chromium.new_page()
    page.set_default_timeout(LONG)
    page.goto(served_address)
    page.wait_for_selector("#file[accept*='video']")
    page.set_input_files("#file", tmp_path / "me.mp4")
    page.wait_for_selector("#person-state:has-text('me.mp4: 30 frames')")
    page.wait_for_selector("#picture[aria-label='The poses of me']")
    assert seen == [b"frames"]
    page.close()
