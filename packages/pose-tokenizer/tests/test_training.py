import csv
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from pose_core import UserError, read, write
from pose_core.data import PoseDataset, read_clips
from pose_core.testing import fake_sequence
from pose_core.transforms import choose_keypoints
from pose_tokenizer import initialization
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.data.dataset import ClipDataset, collate, prepare
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.initialization import fit_linear, initialize
from pose_tokenizer.lightning_module import TokenizerModule
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.model import PoseTokenizer, load_model
from pose_tokenizer.training import train


def module_of(config, skeleton):
    torch.manual_seed(0)
    model = PoseTokenizer(config.model(skeleton.to_dict()))
    return TokenizerModule(model, config, TokenizerLoss(config, model.skeleton, model.features.weights))


@pytest.fixture
def listed(tmp_path):
    """Writes clips and their manifest: name and split to sequence."""

    def write_them(clips):
        with (tmp_path / "index.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "text", "signed_language", "split"))
            for (name, split), sequence in clips.items():
                write(sequence, tmp_path / name)
                writer.writerow((name, "A", "ase", split))
        return tmp_path / "index.csv"

    return write_them


def test_what_a_run_leaves_behind(trained, manifest):
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


def test_a_trained_model_signs_what_it_was_shown(trained, manifest):
    model, *_ = trained
    sequence = choose_keypoints(PoseDataset([]).load_sample(read_clips(manifest)[0]), "hands_and_body")
    made = decode(model, encode(model, sequence, rate=0.05))
    seen = (sequence.confidence > 0) & (made.confidence > 0)
    assert seen.sum() > 0.9 * (sequence.confidence > 0).sum()
    error = np.linalg.norm(made.keypoints - sequence.keypoints[..., :2], axis=-1)[seen]
    assert error.mean() < 5  # pixels, of shoulders 120 wide


def test_the_network_learns_what_its_basis_does_not_hold(clip, skeleton, quick):
    config = quick.model_copy(
        update={"latent_dim": 2, "num_quantizers": 6, "hidden_dim": 16, "quantization_weight": 0.0}
    )
    clips = [prepare(clip(32, seed=seed, scale=1.0), skeleton) for seed in range(3)]
    module = module_of(config, skeleton)
    initialize(module.model, module.vq, clips, config)
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    optimizer = torch.optim.Adam(module.model.parameters(), 5e-3)
    errors = []
    for _ in range(80):
        components = module.loss.components(batch, module.reconstruct(batch, rates=torch.zeros(3)))
        errors.append(components["reconstruction"][1].item())
        torch.stack([weight * value for weight, value in components.values()]).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert np.mean(errors[-5:]) < 0.3 * errors[0]


def test_codebooks_follow_the_latents_in_training_only(clip, skeleton, quick):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    module = module_of(quick, skeleton)
    initialize(module.model, module.vq, clips, quick)
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    codebooks = module.vq.codebooks.clone()
    module.eval()
    module.reconstruct(batch, rates=torch.full((3,), 0.1))
    assert torch.equal(module.vq.codebooks, codebooks)
    module.train()
    module.reconstruct(batch, rates=torch.full((3,), 0.1))
    assert not torch.equal(module.vq.codebooks, codebooks)


@pytest.mark.parametrize("quantizer", ["fsq", "residual_fsq"])
def test_grids_are_trained_around_and_stay(manifest, quick, tmp_path, quantizer):
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


def test_gradients_pass_the_codes_and_checkpointing_keeps_them(clip, skeleton, quick):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    batch = collate([ClipDataset(clips)[i] for i in range(3)], block_frames=4)
    gradients = []
    for gradient_checkpointing in (False, True):
        config = quick.model_copy(update={"gradient_checkpointing": gradient_checkpointing})
        module = module_of(config, skeleton)
        initialize(module.model, module.vq, clips, config)
        for parameter in module.model.parameters():
            torch.manual_seed(parameter.numel())
            parameter.data += 0.05 * torch.randn_like(parameter)
        components = module.loss.components(batch, module.reconstruct(batch, rates=torch.full((3,), 0.1)))
        components["reconstruction"][1].backward()
        gradients.append({name: p.grad for name, p in module.model.named_parameters() if p.grad is not None})
    assert set(gradients[0]) == set(gradients[1])
    assert {"pooling.weight", "encoder.project.weight", "decoder.head.weight"} <= set(gradients[0])
    for name, gradient in gradients[0].items():
        assert gradient.any(), name
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-4)


def test_everything_is_fitted_to_the_same_variations(clip, skeleton, quick, monkeypatch):
    clips = [prepare(clip(40, seed=seed), skeleton) for seed in range(3)]
    passes = []

    def watched(model, batches):
        before = torch.get_rng_state()
        passes.extend(list(batches()) for _ in range(2))
        assert torch.equal(torch.get_rng_state(), before)
        return fit_linear(model, batches)

    monkeypatch.setattr(initialization, "fit_linear", watched)
    module = module_of(quick, skeleton)
    initialize(module.model, module.vq, clips, quick.model_copy(update={"fitting_blocks": 90}))
    plain, *varied = passes[0]
    assert sum(int(batch.mask.sum()) for batch in varied[:-1]) < 60 <= sum(int(batch.mask.sum()) for batch in varied)
    assert {each.tobytes() for each in plain.keypoints.numpy()} == {each.keypoints.tobytes() for each in clips}
    assert not torch.equal(varied[0].mask, varied[1].mask)
    for first, second in zip(*passes, strict=True):
        assert torch.equal(first.keypoints, second.keypoints)


def test_the_same_seed_trains_the_same_model_and_another_does_not(trained, manifest, quick, tmp_path):
    model, *_ = trained
    again, _ = train([manifest], tmp_path / "again", quick)
    assert again.hash == model.hash
    other, _ = train([manifest], tmp_path / "other", quick.model_copy(update={"seed": 1}))
    assert other.hash != model.hash


def test_a_resumed_run_ends_with_the_weights_of_an_undisturbed_one(manifest, tmp_path, quick, monkeypatch, capsys):
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


def test_a_data_set_with_files_of_its_own(tmp_path, quick):
    rows = ["path,text,signed_language,split"]
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(str(number))
        rows.append(f"{number}.txt,A,ase,train")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    model, metrics = train([tmp_path / "index.csv"], tmp_path / "run", quick, dataset=Numbers)
    assert not [name for name in metrics if name.startswith("validation")]
    made = decode(model, encode(model, fake_sequence(frames=30, shape=2, hands=("left", "right"))))
    assert made.confidence.all()


def test_a_loss_with_a_component_of_its_own(trained, manifest, quick, tmp_path):
    plain, *_ = trained
    model, metrics = train([str(manifest)], str(tmp_path / "run"), quick, loss=Pull)  # paths as the README has them
    assert metrics["train/pull"] > 0
    assert metrics["train/loss"] > 1000 * metrics["train/pull"]
    assert not torch.equal(model.decoder.head.weight, plain.decoder.head.weight)
    assert torch.equal(model.basis, plain.basis)  # which no loss learns


def test_a_model_with_a_network_of_its_own(manifest, quick, tmp_path, clip):
    model, _ = train([manifest], tmp_path / "run", quick, model=Turned)
    assert isinstance(model, Turned)
    assert not torch.equal(model.turn.weight, torch.eye(16))
    loaded = Turned.from_pretrained(tmp_path / "run").eval()
    assert loaded.config == model.config
    assert loaded.hash == model.hash
    tokens = encode(model, clip(20))
    np.testing.assert_array_equal(encode(loaded, clip(20)).codes, tokens.codes)


def test_a_perceptual_loss_is_part_of_it_if_it_weighs_anything(manifest, quick, tmp_path):
    _, metrics = train([manifest], tmp_path / "run", quick.model_copy(update={"perceptual_weight": 0.5}))
    assert metrics["train/perceptual"] > 0


def test_a_model_without_layers_is_trained_too(manifest, quick, tmp_path):
    model, metrics = train([manifest], tmp_path / "run", quick.model_copy(update={"num_layers": 0}))
    assert np.isfinite(metrics["train/loss"])
    assert load_model(tmp_path / "run", "cpu").hash == model.hash


@pytest.mark.parametrize(("keypoints", "count"), [("reduced", 51), ("all", 54), ("hands_and_body", 50)])
def test_the_keypoints_that_a_model_is_for(manifest, quick, keypoints, count):
    config = quick.model_copy(update={"keypoints": keypoints, "num_keypoints": count})
    first, second = (sample.sequence for sample in read_data([manifest], config).train[:2])
    assert first.skeleton.num_keypoints == count
    assert first.skeleton == second.skeleton
    assert first.skeleton.num_dims == 2


def test_another_number_of_keypoints_is_refused_by_name(manifest, quick, tmp_path):
    config = quick.model_copy(update={"num_keypoints": 51})
    with pytest.raises(UserError) as error:
        train([manifest], tmp_path / "run", config)
    message = str(error.value)
    assert message.startswith(f"{manifest.parent / 'ase-A.pose'}: num_keypoints is 51, the clip has 50;")
    assert "choose other `keypoints`" in message


def test_a_clip_that_cannot_be_used_is_named(listed, quick, hidden, tmp_path):
    nobody = hidden(fake_sequence())
    index = listed({("good.pose", "train"): fake_sequence(), ("nobody.pose", "validation"): nobody})
    with pytest.raises(UserError, match=r"nobody\.pose: both shoulders are seen in no frame"):
        train([index], tmp_path / "run", quick)
    (tmp_path / "good.pose").write_bytes((tmp_path / "good.pose").read_bytes()[:500])
    with pytest.raises(UserError) as error:
        train([index], tmp_path / "run", quick)
    assert str(error.value).count("good.pose") == 1
    assert not (tmp_path / "run").exists()


def test_clips_on_other_skeletons_are_put_on_that_of_the_first(listed, quick):
    index = listed(
        {("a.pose", "train"): fake_sequence(), ("b.pose", "train"): fake_sequence(face_points=6, hands=("left",))}
    )
    config = quick.model_copy(update={"keypoints": "all"})
    first, second = (sample.sequence for sample in read_data([index], config).train)
    assert first.skeleton == second.skeleton
    assert second.hand_share("left") == 1
    assert second.hand_share("right") == 0


def test_a_manifest_without_train_rows_is_refused(manifest, tmp_path, quick):
    other = manifest.with_name("untrained.csv")
    other.write_text(manifest.read_text().replace(",train", ",test"))
    with pytest.raises(UserError, match=r"untrained\.csv: the data has no clips of split 'train'"):
        train([other], tmp_path / "run", quick)


def test_several_manifests_are_one_and_long_clips_are_cut(listed, manifest, quick, tmp_path, capsys):
    lengths = []

    class Watching(TokenizerLoss):
        def components(self, batch, made):
            lengths.extend(batch.frames.sum(dim=1).tolist())
            return super().components(batch, made)

    more = listed({("more.pose", "train"): fake_sequence(frames=60)})
    config = quick.model_copy(update={"sequence_length": 12, "fitting_blocks": 1})
    _, metrics = train([manifest, more], tmp_path / "run", config, loss=Watching)
    said = capsys.readouterr().err
    assert said.index("8 clips to train on, 1 to validate with") < said.index("fitting basis and codebooks")
    assert len(lengths) == 8
    assert max(lengths) == 12
    assert metrics["validation/codes"] >= 0


def test_validation_is_of_all_frames_at_the_models_rate(clip, skeleton, quick, monkeypatch):
    clips = [prepare(clip(frames, seed=frames), skeleton) for frames in (29, 48, 37)]
    module = module_of(quick, skeleton).eval()
    initialize(module.model, module.vq, clips, quick)
    logged = {}
    monkeypatch.setattr(module, "log_dict", lambda values, **_: logged.update(values))
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    loader = DataLoader(ClipDataset(clips), batch_size=3, collate_fn=partial(collate, block_frames=4))
    with torch.no_grad():
        module.validation_step(next(iter(loader)), 0)
    together = {name: float(value) for name, value in logged.items()}
    alone = []
    for sequence in clips:
        batch = collate([(sequence.keypoints, sequence.confidence > 0)], block_frames=4)
        with torch.no_grad():
            module.validation_step(batch, 0)
        alone.append({name: float(value) * len(sequence) for name, value in logged.items()})
    frames = sum(len(sequence) for sequence in clips)
    for name, value in together.items():
        assert value == pytest.approx(sum(each[name] for each in alone) / frames, rel=1e-3), name
    assert together["validation/cost"] == pytest.approx(
        together["validation/error"] + 0.2 * together["validation/codes"], rel=1e-5
    )


def test_folders_of_coco_wholebody_npz(quick, tmp_path):
    random = np.random.default_rng(0)
    for split, count in (("train", 3), ("val", 1)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for number in range(count):
            places = random.normal(200, 40, (133, 2)) + random.normal(size=(24, 133, 2)).cumsum(axis=0)
            places[:, 5], places[:, 6] = (260, 200), (140, 200)  # shoulders
            poses = np.concatenate([places, np.ones((24, 133, 1))], axis=-1).astype(np.float32)
            np.savez(tmp_path / "data" / split / f"{number}.npz", poses=poses)
    config = quick.model_copy(update={"keypoints": "all", "num_keypoints": 133})
    model, metrics = train([tmp_path / "data"], tmp_path / "run", config)
    assert model.skeleton.num_keypoints == 133
    assert model.skeleton.parts() == ["body", "face", "left_hand", "right_hand"]
    assert metrics["validation/codes"] > 0
    sequence = read(tmp_path / "data" / "val" / "0.npz")
    decoded = decode(model, encode(model, sequence, rate=0.0))
    assert decoded.keypoints.shape == (24, 133, 2)
    assert np.abs(decoded.keypoints[:, 5] - (260, 200)).max() < 20


@pytest.mark.parametrize("keypoints", ["hands_and_body", "all"])
def test_fine_tuning_goes_on_from_a_model(trained, manifest, quick, tmp_path, keypoints):
    source, _, folder = trained
    still = {"learning_rate": 1e-12, "ema_decay": 0.0, "keypoints": keypoints}
    tuned, _ = train([manifest], tmp_path / "run", quick.model_copy(update=still), begin_from=folder)
    assert tuned.skeleton == source.skeleton  # whatever keypoints the run would choose
    torch.testing.assert_close(tuned.basis, source.basis, atol=0, rtol=0)
    torch.testing.assert_close(tuned.quantizer.transition.weight, source.quantizer.transition.weight, atol=0, rtol=0)
    # Codebooks move by a thousandth of the way to what they meet in each step.
    change = (tuned.quantizer.codebooks - source.quantizer.codebooks).norm() / source.quantizer.codebooks.norm()
    assert 0 < change < 0.1
    assert tuned.hash != source.hash


def test_a_model_of_other_sizes_is_not_fine_tuned(trained, manifest, quick, tmp_path, cli):
    *_, folder = trained
    other = quick.model_copy(update={"latent_dim": quick.latent_dim + 1})
    with pytest.raises(UserError, match="latent_dim is .*in the model to fine-tune"):
        train([manifest], tmp_path / "run", other, begin_from=folder)
    arguments = ("train", "--data", manifest, "--output", tmp_path / "run", "--from", folder)
    status, _, err = cli(*arguments, "--set", "latent_dim=999")
    assert status == 2
    assert "latent_dim is 999" in err
    assert "leave latent_dim out" in err
    assert not (tmp_path / "run").exists()
