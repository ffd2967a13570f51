import csv
import json
import math
import re
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from pose_core import UserError, write
from pose_core.data import PoseDataset, read_clips
from pose_core.metrics import mae, mse, pck, rmse
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.transforms import denormalize
from pose_tokenizer import cli
from pose_tokenizer.codec import decode
from pose_tokenizer.config import TokenizerConfig
from pose_tokenizer.data.dataset import prepare
from pose_tokenizer.evaluation import evaluate as evaluation
from pose_tokenizer.evaluation.evaluate import evaluate, file_bytes, hands, round_trip
from pose_tokenizer.evaluation.metrics import QuantizerUse, squared_errors
from pose_tokenizer.evaluation.report import write_report
from pose_tokenizer.model import PoseTokenizer

Q, V = 3, 16


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Seven clips to score and one that is another split's; none shows a left hand."""
    return fake_manifest(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def sequences(data):
    clips = [clip for clip in read_clips(data) if clip.split == "train"]
    return [*PoseDataset(clips)]


@pytest.fixture(scope="module")
def coarse(sequences):
    """Untrained: what it decodes hardly differs from the mean pose."""
    skeleton = sequences[0].skeleton.with_dims(2)
    torch.manual_seed(1)
    config = TokenizerConfig(
        skeleton=skeleton.to_dict(),
        body_weight=1.0,
        num_quantizers=Q,
        codebook_size=V,
        latent_dim=8,
        hidden_dim=4,
        num_layers=1,
    )
    model = PoseTokenizer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.05)
        model.basis.copy_(torch.linalg.qr(torch.randn_like(model.basis)).Q)
        model.quantizer.codebooks.normal_(std=0.5)
        model.features.mean.copy_(torch.from_numpy(prepare(sequences[0], skeleton).keypoints.mean(axis=0)))
    model.name = "coarse"
    return model


@pytest.fixture(scope="module")
def found(coarse, data):
    return evaluate(coarse, [data], "train", lmbda=0.5)


@pytest.fixture(scope="module")
def coded(coarse, sequences):
    return [round_trip(coarse, sequence, lmbda=0.5) for sequence in sequences]


@pytest.fixture(scope="module")
def folder(coarse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "coarse"
    coarse.save_pretrained(folder)
    return folder


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `pose-tokenizer evaluate` with further arguments: (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["pose-tokenizer", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    return call


def joined(coded, name, indices):
    """Some keypoints of all clips, as one clip."""
    clips = [getattr(each, name).select(indices) for each in coded]
    keypoints, confidence = (np.concatenate([getattr(c, x) for c in clips]) for x in ("keypoints", "confidence"))
    return replace(clips[0], keypoints=keypoints, confidence=confidence)


@pytest.mark.parametrize("frames", [5, 90])
def test_round_trip_gives_what_decode_gives(coarse, frames):
    sequence = fake_sequence(frames=frames, face_points=4)
    sequence.confidence[:3, :2] = 0  # no shoulders at first
    there = round_trip(coarse, sequence)
    decoded = decode(coarse, there.tokens)
    place = there.tokens.header.placement
    np.testing.assert_array_equal(decoded.confidence[3:], there.decoded.confidence)
    np.testing.assert_array_equal(there.predicted.keypoints, there.decoded.keypoints)
    assert there.predicted.confidence.all()
    for mine, theirs in ((there.decoded, decoded), (there.original, sequence)):
        seen = mine.confidence > 0
        assert 0 < seen.mean() < 1
        pixels = denormalize(mine, place).keypoints
        np.testing.assert_allclose(pixels[seen], theirs.keypoints[3:, :, :2][seen], atol=1e-2)


def test_errors_are_those_of_all_clips_as_one(found, coded, coarse):
    skeleton = coarse.skeleton
    assert list(found.parts) == ["all", "hands", "body", "face", "left_hand", "right_hand"]
    everything = [*range(skeleton.num_keypoints)]
    named = {"all": everything, "hands": hands(skeleton), "face": skeleton.face(), "left_hand": skeleton.hand("left")}
    rows = [(found.parts[name], indices) for name, indices in named.items()]
    rows += [(score.errors, [k]) for k, score in enumerate(found.keypoints)]
    assert [(score.component, score.point) for score in found.keypoints] == [*skeleton.keypoints]
    for errors, indices in rows:
        placed, decoded, original = (joined(coded, name, indices) for name in ("predicted", "decoded", "original"))
        expected = (
            mse(placed, original),
            mae(placed, original),
            rmse(placed, original),
            pck(decoded, original, (0.1,))[0.1],
            np.mean((decoded.confidence > 0) == (original.confidence > 0)),
            (original.confidence > 0).sum(),
        )
        assert tuple(asdict(errors).values()) == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert found.parts["left_hand"].num_visible == 0
    assert math.isnan(found.parts["left_hand"].rmse)
    assert 0 < found.parts["all"].pck < 1


def test_batch_size_does_not_change_the_scores(coarse, data, found, monkeypatch):
    monkeypatch.setattr(evaluation, "BATCH", 3)
    again = evaluate(coarse, [data], "train", lmbda=0.5)
    for name, errors in found.parts.items():
        assert asdict(again.parts[name]) == pytest.approx(asdict(errors), nan_ok=True)
    assert again.codebooks == found.codebooks


def test_predicting_keypoints_as_missing_does_not_reduce_errors(coarse, data, found, monkeypatch):
    def denied(*arguments, **options):
        there = round_trip(*arguments, **options)
        return replace(there, decoded=replace(there.decoded, confidence=0 * there.decoded.confidence))

    monkeypatch.setattr(evaluation, "round_trip", denied)
    errors = evaluate(coarse, [data], "train", lmbda=0.5).parts["all"]
    assert errors.mse == found.parts["all"].mse
    assert errors.pck == 0
    assert errors.presence == pytest.approx(21 / 54)  # of the left hand alone that is right


def test_quantizer_use():
    use = QuantizerUse(3, 4)
    use.update(torch.tensor([[0, 2, -1], [1, 2, -1]]), torch.tensor([[4.0, 2, 1, 1], [2, 2, 1, 1]]))
    use.update(torch.tensor([[2, -1, -1], [3, -1, -1]]), torch.tensor([[4.0, 2, 2, 2], [2, 2, 2, 2]]))
    counted = use.compute()
    assert counted["uses"].tolist() == [4, 2, 0]
    assert counted["utilization"].tolist() == [1, 0.25, 0]
    assert counted["perplexity"].tolist() == pytest.approx([4, 1, math.nan], nan_ok=True)
    assert counted["errors"].tolist() == [3, 2, 1.5, 1.5]


def test_squared_errors_stay_where_a_block_takes_no_code():
    books = torch.tensor([[[1.0, 0], [0, 1]], [[0.5, 0], [0, 0.5]]])
    left = squared_errors(torch.tensor([[1.5, 0], [1, 0]]), torch.tensor([[0, 0], [0, -1]]), books)
    assert left.tolist() == [[2.25, 0.25, 0], [1, 0, 0]]


def test_error_after_all_codes_is_what_the_encoder_left(coarse, data, found, monkeypatch):
    left, quantize = [], coarse.quantizer.quantize

    def spy(latents, **options):
        codes, quantized = quantize(latents, **options)
        left.append((latents - quantized).square().sum().item())
        return codes, quantized

    monkeypatch.setattr(coarse.quantizer, "quantize", spy)
    again = evaluate(coarse, [data], "train", lmbda=0.5)
    assert again.codebooks[-1].error == pytest.approx(sum(left) / again.blocks, rel=1e-4)
    errors = [again.prediction_error, *(book.error for book in again.codebooks)]
    assert errors[0] > errors[-1] > 0
    assert again.codebooks == found.codebooks


def test_sizes_are_those_of_the_files(found, coded, coarse, data):
    headers = [each.tokens.header for each in coded]
    frames, tokens = sum(header.frames for header in headers), sum(file_bytes(each.tokens) for each in coded)
    bits = sum(each.tokens.bits for each in coded)
    originals = sum(clip.path.stat().st_size for clip in read_clips(data) if clip.split == "train")
    assert (found.clips, found.frames, found.blocks) == (7, frames, sum(header.blocks for header in headers))
    assert found.seconds == pytest.approx(frames / 25)
    assert found.size.bits_per_frame == pytest.approx(bits / frames)
    assert found.size.bits_per_second == pytest.approx(25 * bits / frames)
    assert found.size.file_bits_per_frame == pytest.approx(8 * tokens / frames)
    assert found.size.float32_ratio == pytest.approx(frames * coarse.skeleton.num_keypoints * 12 / tokens)
    assert found.size.original_ratio == pytest.approx(originals / tokens)
    codes = sum((each.tokens.codes >= 0).sum() for each in coded)
    assert found.codes_per_block == pytest.approx(codes / found.blocks)


def test_clips_are_ordered_worst_first(coarse, data, coded, monkeypatch):
    monkeypatch.setattr(evaluation, "WORST", 2)
    found = evaluate(coarse, [data], "train", lmbda=0.5)
    errors = [score.hands_rmse for score in found.clip_scores]
    fingers = hands(coarse.skeleton)
    expected = [rmse(each.predicted.select(fingers), each.original.select(fingers)) for each in coded]
    assert errors == pytest.approx(sorted(expected, reverse=True))
    assert [score for score, _ in found.worst] == found.clip_scores[:2]
    no_hands = replace(found.clip_scores[0], hands_rmse=math.nan, rmse=0.25)
    assert no_hands.badness == 0.25


def test_several_data_sets_are_one(coarse, data, found):
    twice = evaluate(coarse, [data, data.parent], "train", lmbda=0.5)
    assert twice.clips == 2 * found.clips
    assert twice.parts["all"].mse == pytest.approx(found.parts["all"].mse)


def test_a_clip_that_cannot_be_used_is_named(coarse, tmp_path):
    sequence = fake_sequence(face_points=4)
    write(replace(sequence, confidence=0 * sequence.confidence), tmp_path / "nobody.pose")
    with pytest.raises(UserError, match=r"nobody\.pose: both shoulders"):
        evaluate(coarse, [tmp_path], "train")


def test_report_files(found, coarse, tmp_path):
    folder = tmp_path / "report"
    assert write_report(found, coarse, folder) == folder / "metrics.json"
    assert sorted(path.name for path in folder.iterdir()) == ["clips.csv", "keypoints.csv", "metrics.json"]
    figures = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert figures["parts"]["all"]["mse"] == pytest.approx(found.parts["all"].mse)
    assert figures["parts"]["left_hand"]["mse"] is None
    assert len(figures["codebooks"]) == Q
    assert [clip["path"] for clip in figures["clip_scores"]] == [str(score.path) for score in found.clip_scores]
    with (folder / "keypoints.csv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert [(row["component"], row["point"]) for row in rows] == [*coarse.skeleton.keypoints]
    assert float(rows[0]["rmse"]) == found.keypoints[0].errors.rmse
    assert {row["rmse"] for row in rows if row["component"] == "LEFT_HAND_LANDMARKS"} == {""}


def test_report_pages_are_self_contained(found, coarse, tmp_path):
    page = write_report(found, coarse, tmp_path, visualize=True)
    text = page.read_text("utf-8")
    assert "{{" not in text
    assert not re.search(r'(src|href)="(?!clips/)', text)
    links = re.findall(r'href="(.*?)"', text)
    assert len(links) == found.clips
    for link, (score, _) in zip(links, found.worst, strict=True):
        assert score.path.name in (tmp_path / link).read_text("utf-8")
    dots = (tmp_path / "keypoints.svg").read_text("utf-8").count("<circle")
    seen = [score for score in found.keypoints if score.errors.num_visible]
    assert dots == len(seen) + 21  # the right hand a second time, the left one never
    assert (tmp_path / "codes.svg").read_text("utf-8").count("<rect") == 1 + 4 * Q


def test_plots_without_visible_keypoints_and_codes(found, coarse, tmp_path):
    unused = [replace(book, uses=0, perplexity=math.nan) for book in found.codebooks]
    nothing = [replace(s, errors=replace(s.errors, rmse=math.nan, num_visible=0)) for s in found.keypoints]
    empty = replace(found, codebooks=unused, keypoints=nothing, codes_per_block=0.0, prediction_error=0.0)
    text = write_report(empty, coarse, tmp_path, visualize=True).read_text("utf-8")
    assert "nan" not in text


def test_clip_names_are_escaped_in_pages(found, coarse, tmp_path):
    named = [(replace(score, path=tmp_path / "<b>&.pose"), coded) for score, coded in found.worst]
    text = write_report(replace(found, worst=named), coarse, tmp_path / "report", visualize=True).read_text("utf-8")
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;.pose" in text


def test_evaluate_command(command, data, folder, found, tmp_path):
    options = ("--data", data, "--checkpoint", folder, "--split", "train", "--lambda", 0.5, "--device", "cpu")
    status, out, err = command(*options, "--output", tmp_path / "made", "--visualize", "--json")
    assert status == 0, err
    figures = json.loads(out)
    assert figures["parts"]["hands"]["rmse"] == pytest.approx(found.parts["hands"].rmse)
    assert figures["model"] == "coarse"
    assert figures["output"] == str(tmp_path / "made" / "index.html")
    assert "clip 7 of 7" in err
    status, _, err = command(*options, "--output", tmp_path / "made")
    assert (status, len(err.splitlines())) == (2, 1)
    assert "--overwrite" in err
    status, out, err = command(*options, "--output", tmp_path / "made", "--overwrite")
    assert status == 0, err
    assert re.search(r"^hands +0\.", out, re.MULTILINE)
    assert f"{found.size.bits_per_frame:.1f} bits per frame" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--visualize",), "--output"),
        (("--split", "dev2"), "no clips of split 'dev2'"),
        (("--checkpoint", "nowhere/at/all"), "nowhere/at/all"),
    ],
)
def test_evaluate_usage_errors_are_one_line(command, data, folder, options, message):
    status, out, err = command("--data", data, "--checkpoint", folder, *options)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert message in err


def test_all_clips_that_cannot_be_used_are_named(coarse, tmp_path):
    manifest = fake_manifest(tmp_path)
    for name in ("ase-B", "gsg-A"):
        (tmp_path / f"{name}.pose").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"2 of 7 clips cannot be used: .*ase-B\.pose: .*; .*gsg-A\.pose: "):
        evaluate(coarse, [manifest], "train")
