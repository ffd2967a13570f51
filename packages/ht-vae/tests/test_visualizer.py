import numpy as np
import pytest
import torch
from PIL import Image

from ht_vae.codec import reconstruct
from ht_vae.evaluation.attention_maps import record_attention
from ht_vae.evaluation.visualizer import Visualizer, attention_map, has_umap, principal_components
from pose_core import UserError
from pose_core.data import collate


@pytest.fixture
def pictures(tmp_path):
    return Visualizer(tmp_path / "pictures")


def is_drawn(path):
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("L"))
    return values.std() > 1 and min(values.shape) > 100


def test_every_picture_is_drawn(build, clip, pictures):
    model = build()
    encoded, output = reconstruct(model, clip(40))
    rows = {"original": encoded.original, "reconstruction": output.sequence}
    vectors = np.random.default_rng(0).normal(size=(12, 6))
    drawn = [
        pictures.strips("strips", rows),
        pictures.errors_over_time("errors", np.linspace(0, 1, 40), 25.0, 16),
        pictures.latents("latents", vectors, ["a", "b"] * 6),
        pictures.latents("latents_of_one_kind", vectors),
        pictures.latent_use("use", {"whole": [1.0, 0.2], "chunk": [0.1]}),
        pictures.attention("local", model, encoded.original),
        pictures.attention("global", model, encoded.original, level="global"),
    ]
    assert all(is_drawn(path) for path in drawn)
    page = pictures.player("player", rows)
    assert "reconstruction" in page.read_text()
    assert {path.name for path in pictures.folder.iterdir()} == {path.name for path in [*drawn, page]}


def test_one_frame_is_drawn_too(build, clip, pictures):
    encoded, output = reconstruct(build(), clip(1))
    assert is_drawn(pictures.strips("strips", {"original": encoded.original, "reconstruction": output.sequence}))
    assert is_drawn(pictures.errors_over_time("errors", np.array([0.2]), 25.0, 16))
    assert is_drawn(pictures.latents("latents", np.ones((1, 3))))
    assert is_drawn(pictures.attention("global", build(), encoded.original, level="global"))


def test_existing_pictures_are_not_replaced_without_overwrite(pictures):
    pictures.errors_over_time("errors", np.ones(3), 25.0)
    with pytest.raises(UserError, match=r"errors\.png: exists"):
        pictures.errors_over_time("errors", np.ones(3), 25.0)
    Visualizer(pictures.folder, overwrite=True).errors_over_time("errors", np.ones(3), 25.0)


def test_impossible_pictures_are_refused(build, clip, pictures):
    encoded, _ = reconstruct(build(), clip(10))
    with pytest.raises(UserError, match="has no global attention"):
        pictures.attention("global", build(global_layers=0), encoded.original, level="global")
    with pytest.raises(UserError, match="no frames to draw"):
        pictures.strips("nothing", {"original": encoded.original[:0]})
    if not has_umap():
        with pytest.raises(UserError, match="needs the package umap-learn"):
            pictures.latents("latents", np.ones((5, 3)), method="umap")
    assert not list(pictures.folder.iterdir())


def test_attention_maps_are_square_and_rows_sum_to_one(build, clip, skeleton):
    model, sequence = build(), reconstruct(build(), clip(40))[0].original
    batch = collate([sequence])
    with torch.inference_mode(), record_attention(model) as given:
        model.encode(batch.keypoints, batch.confidence, batch.mask)
    for layer in given:
        square = attention_map(layer)
        assert square.shape == ((40, 40) if layer.local else (3, 3))
        np.testing.assert_allclose(square.sum(axis=1), 1, atol=1e-5)
    local = attention_map(next(layer for layer in given if layer.local))
    assert not local[0, 20:].any()  # 16 frames of its chunk, and 4 beyond
    assert local[20, 12:36].all()
    assert not local[20, :12].any()


def test_principal_components_keep_distances_in_a_plane():
    flat = np.random.default_rng(0).normal(size=(9, 2))
    turned = flat @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0][:2]
    positions, shares = principal_components(turned)
    distances = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (flat, positions)]
    np.testing.assert_allclose(*distances, atol=1e-9)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] >= shares[1]
