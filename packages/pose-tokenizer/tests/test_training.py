import numpy as np
import pytest
import torch
from torch import nn

from pose_core import UserError
from pose_core.data import PoseDataset, read_clips
from pose_core.testing import fake_sequence
from pose_core.transforms import choose_keypoints
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.lightning_module import TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer, load_model
from pose_tokenizer.training import train


def test_files_and_metrics_of_a_run(trained, manifest):
    model, metrics, folder = trained
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left >= {
        "config.json",
        "model.safetensors",
        "README.md",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "logs/metrics.csv",
    }
    assert all(np.isfinite(value) for value in metrics.values())
    assert set(metrics) >= {
        "train/loss",
        "train/reconstruction",
        "train/temporal",
        "train/quantization",
        "train/presence",
        "validation/cost",
        "validation/error",
        "validation/codes",
    }
    loaded = load_model(folder, "cpu")
    assert loaded.hash == model.hash
    assert loaded.name == "tiny"
    assert loaded.skeleton.num_keypoints == 50
    card = (folder / "README.md").read_text()
    assert f"on 7 clips of {manifest.name}" in card


def test_a_trained_model_reconstructs_a_training_clip(trained, manifest):
    model, *_ = trained
    sequence = choose_keypoints(PoseDataset([]).load_sample(read_clips(manifest)[0]), "hands_and_body")
    made = decode(model, encode(model, sequence, lmbda=0.05))
    seen = (sequence.confidence > 0) & (made.confidence > 0)
    assert seen.sum() > 0.9 * (sequence.confidence > 0).sum()
    error = np.linalg.norm(made.keypoints - sequence.keypoints[..., :2], axis=-1)[seen]
    assert error.mean() < 5  # pixels, of shoulders 120 wide


@pytest.mark.parametrize("quantizer", ["fsq", "residual_fsq"])
def test_grid_codebooks_do_not_change_in_training(manifest, quick, tmp_path, quantizer):
    config = quick.model_copy(update={"quantizer": quantizer, "num_quantizers": 2})
    before = []

    class Watching(TokenizerLoss):
        def components(self, batch, made):
            before.append(module.codebooks.clone())
            return super().components(batch, made)

    class Kept(PoseTokenizer):
        def __init__(self, config: TokenizerConfig) -> None:
            nonlocal module
            super().__init__(config)
            module = self.quantizer

    module = None
    model, metrics = train([manifest], tmp_path / "run", config, loss=Watching, model=Kept)
    assert torch.equal(before[0], model.quantizer.codebooks)
    assert before[0].abs().sum() > 0
    assert metrics["validation/error"] > 0


def test_training_is_determined_by_the_seed(trained, manifest, quick, tmp_path):
    model, *_ = trained
    again, _ = train([manifest], tmp_path / "again", quick)
    assert again.hash == model.hash
    other, _ = train([manifest], tmp_path / "other", quick.model_copy(update={"seed": 1}))
    assert other.hash != model.hash


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(manifest, tmp_path, quick, monkeypatch, capsys):
    config = quick.model_copy(update={"epochs": 3, "ema_decay": 0.9})
    whole, _ = train([manifest], tmp_path / "whole", config)

    def interrupt(module):
        if module.current_epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TokenizerModule, "on_train_epoch_start", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            train([manifest], tmp_path / "cut", config)
        assert not (tmp_path / "cut" / "model.safetensors").exists()
    capsys.readouterr()
    resumed, _ = train([manifest], tmp_path / "cut", config, resume=True)
    assert "fitting" not in capsys.readouterr().err  # nothing is fitted again
    torch.testing.assert_close(resumed.state_dict(), whole.state_dict(), atol=0, rtol=0)
    assert resumed.hash == whole.hash


def test_a_run_folder_is_protected(manifest, quick, folder, tmp_path):
    with pytest.raises(UserError, match="is not empty; --resume"):
        train([manifest], folder, quick)
    with pytest.raises(UserError, match="has no run to resume"):
        train([manifest], tmp_path / "new", quick, resume=True)
    assert not (tmp_path / "new").exists()


class Numbers(PoseDataset):
    """Clips whose files say in words how they look."""

    def load_sample(self, clip):
        return fake_sequence(frames=30, shape=int(clip.path.read_text()), hands=("left", "right"))


class Pull(TokenizerLoss):
    """Pulls everything towards the middle of the shoulders."""

    def components(self, batch, made):
        return super().components(batch, made) | {"pull": (1000.0, made.keypoints.square().mean())}


class Turned(PoseTokenizer):
    """Turns latents by a matrix of its own."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__(config)
        self.turn = nn.Linear(config.latent_dim, config.latent_dim, bias=False)
        nn.init.eye_(self.turn.weight)

    def latents(self, blocks, seen, mask):
        return self.turn(super().latents(blocks, seen, mask))


def test_a_dataset_subclass_reads_other_files(tmp_path, quick):
    rows = ["path,text,signed_language,split"]
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(str(number))
        rows.append(f"{number}.txt,A,ase,train")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    model, metrics = train([tmp_path / "index.csv"], tmp_path / "run", quick, dataset=Numbers)
    assert not [name for name in metrics if name.startswith("validation")]
    made = decode(model, encode(model, fake_sequence(frames=30, shape=2, hands=("left", "right"))))
    assert made.confidence.all()


def test_a_loss_subclass_adds_a_component(trained, manifest, quick, tmp_path):
    plain, *_ = trained
    model, metrics = train([str(manifest)], str(tmp_path / "run"), quick, loss=Pull)  # paths as the README has them
    assert metrics["train/pull"] > 0
    assert metrics["train/loss"] > 1000 * metrics["train/pull"]
    assert not torch.equal(model.decoder.head.weight, plain.decoder.head.weight)
    assert torch.equal(model.basis, plain.basis)  # which no loss learns


def test_a_model_subclass_with_another_network(manifest, quick, tmp_path, clip):
    model, _ = train([manifest], tmp_path / "run", quick, model=Turned)
    assert isinstance(model, Turned)
    assert not torch.equal(model.turn.weight, torch.eye(16))
    loaded = Turned.from_pretrained(tmp_path / "run").eval()
    assert loaded.config == model.config
    assert loaded.hash == model.hash
    tokens = encode(model, clip(20))
    np.testing.assert_array_equal(encode(loaded, clip(20)).codes, tokens.codes)


def test_perceptual_loss_is_computed_if_its_weight_is_not_zero(manifest, quick, tmp_path):
    _, metrics = train([manifest], tmp_path / "run", quick.model_copy(update={"perceptual_weight": 0.5}))
    assert metrics["train/perceptual"] > 0


def test_a_model_without_layers_is_trained(manifest, quick, tmp_path):
    model, metrics = train([manifest], tmp_path / "run", quick.model_copy(update={"num_layers": 0}))
    assert np.isfinite(metrics["train/loss"])
    assert load_model(tmp_path / "run", "cpu").hash == model.hash


@pytest.mark.parametrize("keypoints", ["hands_and_body", "all"])
def test_fine_tuning_starts_from_the_source_model(trained, manifest, quick, tmp_path, keypoints):
    source, _, folder = trained
    still = {"learning_rate": 1e-12, "ema_decay": 0.0, "keypoints": keypoints}
    tuned, _ = train([manifest], tmp_path / "run", quick.model_copy(update=still), init_from=folder)
    assert tuned.skeleton == source.skeleton  # whatever keypoints the run would choose
    torch.testing.assert_close(tuned.basis, source.basis, atol=0, rtol=0)
    torch.testing.assert_close(tuned.quantizer.transition.weight, source.quantizer.transition.weight, atol=0, rtol=0)
    # Codebooks move by a thousandth of the way to what they meet in each step.
    change = (tuned.quantizer.codebooks - source.quantizer.codebooks).norm() / source.quantizer.codebooks.norm()
    assert 0 < change < 0.1
    assert tuned.hash != source.hash


def test_fine_tuning_a_model_of_other_sizes_is_refused(trained, manifest, quick, tmp_path, cli):
    *_, folder = trained
    other = quick.model_copy(update={"latent_dim": quick.latent_dim + 1})
    with pytest.raises(UserError, match="latent_dim is .*in the model to fine-tune"):
        train([manifest], tmp_path / "run", other, init_from=folder)
    arguments = ("train", "--data", manifest, "--output", tmp_path / "run", "--from", folder)
    status, _, err = cli(*arguments, "--set", "latent_dim=999")
    assert status == 2
    assert "latent_dim is 999" in err
    assert "leave latent_dim out" in err
    assert not (tmp_path / "run").exists()


def test_settings_that_a_model_omits_are_its_own(trained, manifest, tmp_path, cli):
    *_, folder = trained
    (tmp_path / "other.yaml").write_text("face_weight: 0.8\n")
    arguments = ("train", "--data", manifest, "--output", tmp_path / "run", "--from", folder)
    status, _, err = cli(*arguments, "--config", tmp_path / "other.yaml")
    assert status == 2
    assert "face_weight is 0.8, and 1.0 in the model to fine-tune" in err
    assert cli(*arguments, "--config", "people", "--set", "epochs=1", "--dry-run")[0] == 0  # a preset gives way
