"""Pages that play clips: what stands in them. `test_browser.py` opens them."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from pose_core import UserError
from pose_core.rendering import Caption, player, write_html, write_picture
from pose_core.rendering.composition import Composition
from pose_core.rendering.drawing import Drawing
from pose_core.rendering.view import View
from pose_core.testing import fake_sequence


class Scripts(HTMLParser):
    """The texts of a page's scripts, and the tags it has, as a browser tells them apart."""

    def __init__(self):
        super().__init__()
        self.texts, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "script":
            self.texts.append("")

    def handle_data(self, data):
        if self.lasttag == "script":
            self.texts[-1] += data


def parsed(path):
    scripts = Scripts()
    scripts.feed(path.read_text("utf-8"))
    return scripts


def clips(path):
    return json.loads(parsed(path).texts[0])


def coordinates(clip):
    """(T, K, 2) pixels, NaN where missing."""
    stored = np.frombuffer(base64.b64decode(clip["coordinates"]), "<i2").reshape(clip["frames"], clip["keypoints"], 2)
    return np.where(stored == player.MISSING, np.nan, stored / player.STEPS)


def test_data_decodes_to_the_pixels_of_the_drawing(holistic, tmp_path):
    write_picture(holistic, tmp_path / "hello.html")
    (clip,) = clips(tmp_path / "hello.html")
    view = View.fit(holistic, 480)
    drawing = Drawing.of(holistic, view)
    expected = np.where(drawing.visible[..., None], drawing.coordinates, np.nan)
    assert (clip["name"], clip["fps"], clip["frames"]) == ("hello", 25, 12)
    assert (clip["width"], clip["height"]) == (view.width, 480)
    np.testing.assert_allclose(coordinates(clip), expected, atol=0.5 / player.STEPS)
    assert np.isnan(coordinates(clip)).any()  # the left hand


def test_layers_are_those_of_the_drawing(holistic, tmp_path):
    write_html(holistic, tmp_path / "a.html")
    (clip,) = clips(tmp_path / "a.html")
    layers = Drawing.of(holistic, View.fit(holistic, 480)).layers
    assert len(clip["layers"]) == len(layers)
    for written, layer in zip(clip["layers"], layers, strict=True):
        assert (written["line"], written["dot"], written["halo"]) == (layer.line, layer.dot, layer.halo)
        dots = [(point, color) for color, points in written["dots"] for point in points]
        assert dots == [(point, "#" + bytes(layer.colors[point].tolist()).hex()) for point in layer.points.tolist()]
        lines = {(*ends, color) for color, flat in written["lines"] for ends in zip(flat[::2], flat[1::2], strict=True)}
        assert lines == {(a, b, "#" + bytes(layer.colors[b].tolist()).hex()) for a, b in layer.limbs.tolist()}


def test_captions_are_grouped_into_words(holistic, tiny, tmp_path):
    hi = [Caption("</script>", 0, 5), Caption("I", 5, 9), Caption("!", 10, 12)]
    write_html({"a": holistic, "b": tiny}, tmp_path / "a.html", captions={"a": hi})
    first, second = clips(tmp_path / "a.html")
    assert first["words"] == [[["</script>", 0, 5], ["I", 5, 9]], [["!", 10, 12]]]
    assert second["words"] == []


def test_hands_follow_their_panels(tmp_path):
    sequence = fake_sequence()
    write_html(sequence, tmp_path / "a.html")
    write_html(sequence, tmp_path / "b.html", hands=False)
    (clip,), (without,) = clips(tmp_path / "a.html"), clips(tmp_path / "b.html")
    (panel,), (expected,) = clip["panels"], Composition(sequence, 480).panels
    centers = np.frombuffer(base64.b64decode(panel["centers"]), "<i2").reshape(-1, 2) / player.STEPS
    np.testing.assert_allclose(centers, expected.centers, atol=0.5 / player.STEPS)
    assert (panel["zoom"], panel["width"], panel["height"]) == (round(expected.zoom, 4), expected.width, 480)
    assert panel["layer"]["line"] == expected.layer.line
    assert without["panels"] == []


def test_only_what_is_drawn_is_stored(holistic, openpose, tmp_path):
    part = holistic.select(holistic.skeleton.hand("right"))
    write_html({"hand": part, "other": openpose}, tmp_path / "a.html")
    hand, other = clips(tmp_path / "a.html")
    assert hand["keypoints"] == 21
    assert other["keypoints"] == 137
    assert coordinates(other).shape == (5, 137, 2)


def test_points_outside_of_the_picture_fit_into_16_bits(holistic, tmp_path):
    keypoints = holistic.keypoints.copy()
    keypoints[:, :6, 0] = np.linspace(-3000, 3000, 72).reshape(12, 6)
    wild = replace(holistic, keypoints=keypoints)
    write_html(wild, tmp_path / "a.html")
    (clip,) = clips(tmp_path / "a.html")
    drawing = Drawing.of(wild, View.fit(wild, 480))
    np.testing.assert_array_equal(np.isnan(coordinates(clip)[..., 0]), ~drawing.visible)
    assert np.abs(coordinates(clip) - drawing.coordinates)[drawing.visible].max() <= 0.5 / player.STEPS


@pytest.mark.parametrize("name", ["</script><b>bold</b>", "<!--<script>", "\"&'", "é 手 \udcff", "{{clips}}", ""])
def test_names_are_escaped(tiny, tmp_path, name):
    write_html({name: tiny, "other": tiny}, tmp_path / "a.html")
    assert [clip["name"] for clip in clips(tmp_path / "a.html")] == [name, "other"]
    write_html({"plain": tiny}, tmp_path / "b.html")
    assert parsed(tmp_path / "a.html").tags == parsed(tmp_path / "b.html").tags
    assert parsed(tmp_path / "a.html").texts[1] == parsed(tmp_path / "b.html").texts[1]


def test_pages_load_nothing_from_a_network(holistic, tmp_path):
    write_html(holistic, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert not re.search(r"https?://|src=|@import|url\(|<link", page)
    assert "default-src 'none'" in page
    assert f"STEPS = {player.STEPS}, MISSING = {player.MISSING};" in page


def test_long_clips_stay_small_and_blank_ones_work(holistic, tmp_path):
    blank = replace(holistic, confidence=np.zeros_like(holistic.confidence))
    with pytest.warns(UserWarning, match=r"a\.html: all keypoints are missing in blank; nothing is drawn there"):
        write_html({"blank": blank, "long": holistic.hold_frame(0, 600)}, tmp_path / "a.html")
    first, second = clips(tmp_path / "a.html")
    assert np.isnan(coordinates(first)).all()
    assert len(second["coordinates"]) < 600 * 54 * 4 * 1.4
    assert second["frames"] == 600


def test_what_is_refused(holistic, tmp_path):
    write_html(holistic, tmp_path / "a.html")
    with pytest.raises(UserError, match=r"a\.html: exists"):
        write_html(holistic, tmp_path / "a.html")
    write_html(holistic, tmp_path / "a.html", overwrite=True)
    with pytest.raises(UserError, match=r"b\.html: no poses to show"):
        write_html({}, tmp_path / "b.html")
    with pytest.raises(UserError, match=r"b\.html: the pose has no frames"):
        write_html(holistic[:0], tmp_path / "b.html")
    with pytest.raises(UserError, match=r"b\.html: second: the pose has no frames"):
        write_html({"first": holistic, "second": holistic[:0]}, tmp_path / "b.html")
    with pytest.raises(UserError, match="no folder"):
        write_html(holistic, tmp_path / "missing" / "b.html")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
