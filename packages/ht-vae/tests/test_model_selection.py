import pytest

from ht_vae.config import BUNDLED, ModelConfig
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.model_selection import Models, matching_model
from pose_core import UserError, write
from pose_core.testing import fake_sequence


@pytest.fixture
def bundled(build, body, monkeypatch, tmp_path):
    """Two models in place of the bundled ones: of the body alone, and of body and hands."""
    large = build()
    sizes = large.config.model_dump() | {"skeleton": body().skeleton.to_dict()}
    small = HierarchicalTransformerVAE(ModelConfig(**sizes))
    for name in list(BUNDLED):
        monkeypatch.delitem(BUNDLED, name)
    for name, model in (("landmarks", small), ("signing", large)):
        model.save_pretrained(tmp_path / name)
        monkeypatch.setitem(BUNDLED, name, tmp_path / name)


@pytest.fixture
def nothing_bundled(monkeypatch):
    for name in list(BUNDLED):
        monkeypatch.delitem(BUNDLED, name)


@pytest.mark.usefixtures("bundled")
def test_the_matching_model_with_the_most_keypoints_is_chosen(body, clip):
    assert matching_model(body().skeleton) == "landmarks"
    assert matching_model(clip().skeleton) == "signing"
    assert matching_model(clip(face_points=4).skeleton) == "signing"


@pytest.mark.usefixtures("bundled")
def test_a_file_without_matching_model_is_refused(clip, skeleton):
    hands = clip().select(skeleton.hand("right")).skeleton
    with pytest.raises(UserError, match="no bundled model fits: landmarks is for 8 keypoints.*; signing is for 50"):
        matching_model(hands)


@pytest.mark.usefixtures("bundled")
def test_models_are_loaded_once(body, clip):
    models = Models(None, "cpu")
    small, large = models.of(body().skeleton), models.of(clip().skeleton)
    assert (small.name, large.name) == ("landmarks", "signing")
    assert models.of(clip(5).skeleton) is large
    assert models.generator() is large


@pytest.mark.usefixtures("bundled")
def test_reconstruct_uses_the_matching_model(cli, body, tmp_path):
    write(body(20), tmp_path / "a.csv")
    write(fake_sequence(frames=9), tmp_path / "b.pose")
    status, _, err = cli("reconstruct", tmp_path / "a.csv", tmp_path / "b.pose", "--device", "cpu")
    assert status == 0, err
    assert (tmp_path / "a.reconstructed.csv").is_file()
    assert (tmp_path / "b.reconstructed.pose").is_file()


@pytest.mark.usefixtures("nothing_bundled")
def test_without_bundled_models_commands_give_one_line(cli, csvs, tmp_path):
    for arguments in (
        ("reconstruct", csvs / "sequence_0.csv"),
        ("generate", "--output", tmp_path / "new" / "a.pose"),
        ("generate", "--output", tmp_path / "new"),
        ("evaluate", "--data", csvs, "--output", tmp_path / "new"),
    ):
        status, out, err = cli(*arguments)
        assert (status, out) == (2, "")
        assert err.splitlines()[-1].startswith("Error: ")
        assert "Traceback" not in err
        assert not (tmp_path / "new").exists()
    assert "no trained model comes with this version; name one with --checkpoint" in err


def test_a_named_model_is_used_for_every_file(build, clip, tmp_path):
    build().save_pretrained(tmp_path / "mine")
    models = Models(tmp_path / "mine", "cpu")
    assert models.of(clip().skeleton) is models.generator()
    assert models.generator().name == "mine"


@pytest.mark.usefixtures("bundled")
def test_files_of_two_models_cannot_be_interpolated(cli, body, tmp_path):
    write(body(20), tmp_path / "a.csv")
    write(fake_sequence(frames=9), tmp_path / "b.pose")
    status, _, err = cli("interpolate", tmp_path / "a.csv", tmp_path / "b.pose", "--output", tmp_path / "way.html")
    assert status == 2
    assert "the models that fit are landmarks and signing; name one" in err
    assert not (tmp_path / "way.html").exists()


@pytest.mark.usefixtures("bundled")
def test_evaluate_uses_the_model_of_the_first_clip(cli, csvs):
    status, out, err = cli("evaluate", "--data", csvs, "--split", "all", "--device", "cpu", "--json")
    assert status == 0, err
    assert '"model": "landmarks"' in out


@pytest.mark.usefixtures("bundled")
def test_generate_without_the_default_model_gives_one_line(cli, monkeypatch, tmp_path):
    monkeypatch.delitem(BUNDLED, "signing")
    status, _, err = cli("generate", "--output", tmp_path / "a.pose")
    assert status == 2
    assert err == "Error: the model signing is not bundled; name one with --checkpoint: landmarks\n"
