"""Pictures: what is drawn, where, and for how long."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pose_core import UserError
from pose_core.rendering import draw, write_gif, write_picture, write_png
from pose_core.rendering.pictures import gif_frames
from pose_core.rendering.view import View
from pose_core.skeleton import Component, Skeleton
from pose_core.transforms import normalize


def durations(path):
    with Image.open(path) as image:
        frames = []
        for i in range(image.n_frames):
            image.seek(i)
            frames.append(image.info["duration"])
        return frames


def unseen(sequence, points=slice(None)):
    confidence = sequence.confidence.copy()
    confidence[:, points] = 0
    return replace(sequence, confidence=confidence)


def greenish(pictures):
    """Pixels in the green of the middle finger, which nothing but a hand is drawn in."""
    red, green, blue = np.moveaxis(pictures.astype(int), -1, 0)
    return int(((green - red > 100) & (green - blue > 100)).sum())


def test_shape_and_background(holistic):
    pictures = draw(holistic, height=240)
    assert pictures.shape[:2] == (12, 240)
    assert pictures.shape[3] == 3
    assert pictures.dtype == np.uint8
    assert pictures.shape[2] % 2 == 0
    assert (pictures[:, 0] == 255).all()  # the margin
    assert 0.005 < (pictures != 255).any(axis=-1).mean() < 0.3
    assert draw(holistic[:0], height=240).shape[0] == 0


def test_normalized_and_pixel_poses_look_alike(holistic):
    normalized = replace(normalize(holistic)[0], size=(0, 0, 0))
    a, b = draw(holistic, height=240).astype(int), draw(normalized, height=240)
    assert a.shape == b.shape
    assert np.abs(a - b).mean() < 0.1


def test_flat_poses_and_hands_only(holistic, openpose, tiny):
    hand = holistic.select(list(range(33, 54)))
    for sequence in (openpose, tiny, hand):
        assert (draw(sequence, height=120) != 255).any(axis=(1, 2, 3)).all()


def test_invisible_poses_give_no_file(holistic, tmp_path):
    blank = unseen(holistic)
    garbage = replace(blank, keypoints=np.full_like(blank.keypoints, np.nan))
    for sequence in (blank, garbage, replace(garbage, confidence=holistic.confidence)):
        assert (draw(sequence, height=120) == 255).all()
        for suffix in (".gif", ".png", ".mp4", ".html"):
            with pytest.raises(UserError, match=rf"a\{suffix}: all keypoints are missing in all 12 frames"):
                write_picture(sequence, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_a_missing_hand_is_not_drawn(holistic):
    assert greenish(draw(holistic)) > 100
    assert greenish(draw(unseen(holistic, holistic.skeleton.hand("right")))) == 0


def test_limbs_with_a_missing_end_are_not_drawn(tiny):
    full, without_end = draw(tiny, height=120), draw(unseen(tiny, 2), height=120)
    assert (without_end != 255).any()
    assert (without_end != 255).sum() < (full != 255).sum()
    assert (draw(unseen(tiny, [0, 2]), height=120) != 255).any(axis=-1)[0].sum() < 200  # one dot


def test_outliers_do_not_change_the_view(holistic):
    keypoints = holistic.keypoints.copy()
    keypoints[3, 40] = 1e7
    keypoints[5, 35] = -3e4
    keypoints[6, 36] = np.nan
    keypoints[7, 3] = np.finfo(np.float32).max
    wild = replace(holistic, keypoints=keypoints)
    box, usual = View.fit(wild, 240), View.fit(holistic, 240)
    assert box.scale == pytest.approx(usual.scale, rel=0.05)
    assert box.width == pytest.approx(usual.width, abs=10)
    assert (draw(wild, height=240) != 255).any(axis=-1).mean() < 0.3


def test_world_landmarks_are_not_drawn(holistic):
    world = Component("POSE_WORLD_LANDMARKS", ("NOSE", "MOUTH"), ((0, 1),), ((0, 0, 255),), "XYZC")
    sequence = holistic.on_skeleton(Skeleton((*holistic.skeleton.components, world)))
    sequence = replace(sequence, confidence=np.concatenate([holistic.confidence, np.ones((12, 2), np.float32)], axis=1))
    np.testing.assert_array_equal(draw(sequence, height=120), draw(holistic, height=120))


def test_many_colors_are_quantized(tiny, tmp_path):
    points = tuple(f"p{i}" for i in range(200))
    colors = tuple((i, 255 - i, 300) for i in range(200))
    skeleton = Skeleton((Component("MANY", points, (), colors, "XYC"), replace(tiny.skeleton.components[0], colors=())))
    places = np.random.default_rng(0).uniform(0, 100, (2, 203, 2)).astype(np.float32)
    write_gif(replace(tiny, keypoints=places, confidence=np.ones((2, 203)), skeleton=skeleton), tmp_path / "a.gif")
    assert durations(tmp_path / "a.gif") == [40, 40]


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 50, 60, 7.3, 120])
def test_a_gif_lasts_as_long_as_the_clip(holistic, tmp_path, fps):
    sequence = replace(holistic, fps=fps)
    write_gif(sequence, tmp_path / "a.gif", size=60)
    written = durations(tmp_path / "a.gif")
    assert min(written) >= 20
    assert abs(sum(written) - 1000 * sequence.duration) <= 10


def test_gif_frame_times():
    assert gif_frames(6, 30) == ([0, 1, 2, 3, 4, 5], [3, 4, 3, 3, 4, 3])
    assert gif_frames(5, 60) == ([0, 2, 4], [3, 4, 2])
    assert gif_frames(3, 50) == ([0, 1, 2], [2, 2, 2])


def test_gif_shows_what_is_drawn(holistic, tmp_path):
    write_gif(holistic, tmp_path / "a.gif", hands=False)
    drawn = draw(holistic)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["loop"] == 0
        assert image.n_frames == 12
        image.seek(6)
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert shown.shape == drawn[6].shape
    assert np.abs(shown - drawn[6]).mean() < 1
    assert ((shown == 255).all(axis=-1) == (drawn[6] == 255).all(axis=-1)).mean() > 0.99


def test_png_strip(holistic, tmp_path):
    width = View.fit(holistic, 320).width
    for asked, columns, rows in ((8, 4, 2), (None, 4, 2), (5, 3, 2), (3, 3, 1), (1, 1, 1), (40, 4, 3)):
        write_png(holistic, tmp_path / "a.png", frames=asked, hands=False, overwrite=True)
        with Image.open(tmp_path / "a.png") as image:
            assert image.size == (columns * width + (columns - 1) * 2, rows * 320 + (rows - 1) * 2)


def test_what_is_refused(holistic, tmp_path):
    write_picture(holistic, tmp_path / "a.png")
    write_picture(holistic, tmp_path / "a.GIF")
    assert Image.open(tmp_path / "a.GIF").format == "GIF"
    with pytest.raises(UserError, match=r"a\.png: exists"):
        write_picture(holistic, tmp_path / "a.png")
    with pytest.raises(UserError, match=r"unknown picture format '\.mov'; known: \.gif, \.png"):
        write_picture(holistic, tmp_path / "a.mov")
    for name in ("b.gif", "b.png"):
        with pytest.raises(UserError, match=rf"{name}: the pose has no frames"):
            write_picture(holistic[:0], tmp_path / name)
        with pytest.raises(UserError, match="no folder"):
            write_picture(holistic, tmp_path / "missing" / name)
    with pytest.raises(UserError, match=r"b\.gif: a clip of 1200 s"):
        write_gif(replace(holistic, fps=0.01), tmp_path / "b.gif")
    with pytest.raises(UserError, match="at least 1"):
        write_png(holistic, tmp_path / "b.png", frames=0)
    write_gif(
        replace(holistic.hold_frame(0, 12), fps=0.02), tmp_path / "a.GIF", size=60, overwrite=True
    )  # 600 s, one picture
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.GIF", "a.png"]
