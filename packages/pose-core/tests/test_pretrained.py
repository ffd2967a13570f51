import json

import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from pose_core import UserError
from pose_core.pretrained import load_pretrained


class Tiny(nn.Module, PyTorchModelHubMixin):
    def __init__(self, dim: int = 3):
        super().__init__()
        self.layer = nn.Linear(dim, dim)


@pytest.fixture
def folder(tmp_path):
    Tiny(4).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_from_a_folder_and_by_name(folder, capsys):
    by_folder = load_pretrained(Tiny, folder, {}, "cpu")
    by_name = load_pretrained(Tiny, "small", {"small": folder}, "cpu")
    assert not by_folder.training
    assert by_folder.layer.weight.shape == (4, 4)
    torch.testing.assert_close(by_folder.layer.weight, by_name.layer.weight)
    assert capsys.readouterr().out == ""  # stdout is for results


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "lacks config.json"),
        (lambda f: (f / "model.safetensors").unlink(), "lacks model.safetensors"),
        (lambda f: (f / "config.json").write_text("{"), "not a model of this kind"),
        (lambda f: (f / "config.json").write_text("[]"), "not a model of this kind"),
        (lambda f: rewrite(f / "config.json", dim=5), "not a model of this kind"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x00" * 20), "not a model of this kind"),
    ],
)
def test_a_damaged_folder_is_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(UserError, match=message) as error:
        load_pretrained(Tiny, folder, {}, "cpu")
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_weights_cut_short_are_refused(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(UserError, match="tiny: not a model of this kind"):
        load_pretrained(Tiny, folder, {}, "cpu")


def test_a_hub_that_cannot_be_reached(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="no-such-organisation/tiny: no such folder, and the hub did not give it"):
        load_pretrained(Tiny, "no-such-organisation/tiny", {}, "cpu")


def test_weights_that_are_missing_are_not_made_up(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["layer.bias"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match="layer.bias"):
        load_pretrained(Tiny, folder, {}, "cpu")


def test_no_such_model(tmp_path):
    with pytest.raises(UserError, match="no such model folder; bundled: small"):
        load_pretrained(Tiny, tmp_path / "nowhere", {"small": tmp_path}, "cpu")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a folder"):
        load_pretrained(Tiny, tmp_path / "file", {}, "cpu")


def test_an_unknown_device_is_refused(folder):
    with pytest.raises(UserError, match="device 'warp' cannot be used .*--device cpu"):
        load_pretrained(Tiny, folder, {}, "warp")
