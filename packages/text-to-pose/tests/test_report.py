import base64
import csv
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError
from pose_core.rendering.player import MISSING, STEPS
from pose_core.testing import fake_manifest
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.evaluation.report import write_report
from text_to_pose.sampling import Sampling


@pytest.fixture
def data(tmp_path):
    """A, B and C of ase; no other language has them."""
    (tmp_path / "clips").mkdir()
    return fake_manifest(tmp_path / "clips", letters="ABC", languages=("ase",))


@pytest.fixture
def evaluation(model, data):
    return evaluate(model, data, "train", sampling=Sampling(num_steps=2))


def written(path):
    """What the page's script reads."""
    (text,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL
    )
    return json.loads(text)


def with_scores(evaluation, **values):
    """The evaluation, its first clip changed."""
    first, *others = evaluation.clip_scores["model"]
    scores = {**evaluation.clip_scores, "model": [replace(first, **values), *others]}
    return replace(evaluation, clip_scores=scores)


def test_report_page_lists_worst_clips_first(evaluation, tmp_path):
    page = written(write_report(evaluation, tmp_path / "report"))
    scores = sorted(evaluation.clip_scores["model"], key=lambda score: -score.dtw_mje)
    assert [clip["path"] for clip in page["clips"]] == [score.path.name for score in scores]
    for clip, score in zip(page["clips"], scores, strict=True):
        for name in ("text", "signed_language", "frames", "reference_frames", "dtw_mje", "rank", "nearest"):
            assert clip[name] == getattr(score, name)
    unmeasured = with_scores(evaluation, dtw_mje=math.nan)
    first, *_ = written(write_report(unmeasured, tmp_path / "unmeasured"))["clips"]
    assert (first["path"], first["dtw_mje"]) == (evaluation.clip_scores["model"][0].path.name, None)


def test_report_page_draws_reference_and_prediction_on_one_scale(evaluation, tmp_path):
    page = written(write_report(evaluation, tmp_path / "report"))
    for clip in page["clips"]:
        (row,) = (i for i in evaluation.rows if evaluation.references.clips[i].path.name == clip["path"])
        reference, prediction = (
            evaluation.references.sequences[row],
            evaluation.predictions["model"][evaluation.rows.index(row)],
        )
        assert (len(reference), len(prediction)) == (clip["reference_frames"], clip["frames"])
        stored = np.frombuffer(base64.b64decode(clip["coordinates"]), "<i2").reshape(-1, clip["keypoints"], 2)
        assert len(stored) == len(reference) + len(prediction)
        assert clip["keypoints"] == reference.skeleton.num_keypoints
        visible = stored[..., 0] != MISSING
        points = np.concatenate([reference.keypoints, prediction.keypoints])[..., :2][visible]
        assert visible[: len(reference)].sum() == (reference.confidence > 0).sum()
        # One scale and one origin for both.
        x = np.stack([points.ravel(), *np.tile(np.eye(2), (len(points), 1)).T], axis=1)
        places = stored[visible].ravel() / STEPS
        solved = np.linalg.lstsq(x, places, rcond=None)[0]
        np.testing.assert_allclose(x @ solved, places, atol=1 / STEPS)
        assert 0 < solved[0] < page["size"]
        limbs = [ends for layer in page["styles"][clip["style"]] for _, ends in layer["lines"]]
        assert sum(map(len, limbs)) == 2 * len(reference.skeleton.limbs)
        assert max(map(max, filter(None, limbs))) < clip["keypoints"]


def test_report_table_has_means_and_intervals(evaluation, tmp_path):
    page = write_report(evaluation, tmp_path / "report", checkpoint="<mine>").read_text("utf-8")
    assert "<title>&lt;mine&gt;: letters of the train split</title>" in page
    rows = dict(re.findall(r'<th scope="row">(\w+)</th>(.*?)</tr>', page))
    assert list(rows) == ["model", "still", "copied"]
    low, high = evaluation.intervals["model"]["dtw_mje"]
    assert f"<td>{evaluation.scores['model'].dtw_mje:.3f} <span>[{low:.3f}, {high:.3f}]</span></td>" in rows["model"]
    assert rows["copied"].startswith("<td>0</td><td>– <span>[–, –]</span></td>")  # nothing to copy, so nothing to show


def test_metrics_and_table_are_those_of_the_page(evaluation, tmp_path):
    write_report(evaluation, tmp_path / "report", checkpoint="mine")
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text("utf-8"))
    assert (metrics["checkpoint"], metrics["split"], metrics["sampling"]["num_steps"]) == ("mine", "train", 2)
    assert metrics["scores"]["copied"]["dtw_mje"] is None
    with (tmp_path / "report" / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["system"], row["text"]) for row in rows] == [(s, t) for s in ("model", "still") for t in "ABC"]
    for system in ("model", "still"):
        for name in ("dtw_mje", "length_error", "rank1", "rank5"):
            low, high = metrics["intervals"][system][name]
            assert low <= metrics["scores"][system][name] <= high
        errors = [float(row["dtw_mje"]) for row in rows if row["system"] == system]
        assert metrics["scores"][system]["dtw_mje"] == pytest.approx(np.mean(errors))


def test_report_is_deterministic(model, data, tmp_path):
    pages = [write_report(evaluate(model, data, "train"), tmp_path / name) for name in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_report_page_needs_no_network(evaluation, tmp_path):
    page = write_report(with_scores(evaluation, text="</script><img src=x>"), tmp_path / "report").read_text("utf-8")
    assert not re.search(r"https?:|\b(src|href)=[^x]|@import|url\(", page)
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "{{" not in page
    frames = sum(score.frames + score.reference_frames for score in evaluation.clip_scores["model"])
    assert len(page) / frames * 2 * 26 * 520 < 20e6  # a whole training split


def test_a_report_is_replaced_only_if_asked(evaluation, tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    write_report(evaluation, folder)
    with pytest.raises(UserError, match=r"metrics\.json: exists; use --overwrite"):
        write_report(evaluation, folder)
    write_report(evaluation, folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["clips.csv", "index.html", "metrics.json", "mine.txt"]
    with pytest.raises(UserError, match="is a file; name a folder"):
        write_report(evaluation, folder / "mine.txt")


def test_evaluate_command_writes_a_report(cli, folder, data, tmp_path):
    arguments = ("evaluate", "--checkpoint", folder, "--data", data, "--split", "train", "--steps", 1)
    report = tmp_path / "reports" / "first"
    status, out, _ = cli(*arguments, "--output", report)
    assert status == 0
    assert all(len(line) <= 100 for line in out.splitlines()[:-1])
    assert out.splitlines()[-1].startswith(str(report / "index.html"))
    assert [clip["text"] for clip in written(report / "index.html")["clips"]]

    nowhere = ("evaluate", "--checkpoint", tmp_path / "nowhere", "--data", data, "--output", report)
    status, _, err = cli(*nowhere)  # before the model is looked for
    assert (status, "metrics.json: exists; use --overwrite" in err) == (2, True)

    status, out, err = cli(*arguments, "--report", report, "--overwrite", "--json")  # the option's old name
    assert (status, "--report is now --output" in err) == (0, True)
    printed, stored = json.loads(out), json.loads((report / "metrics.json").read_text("utf-8"))
    assert printed.pop("report") == str(report / "index.html")
    assert printed == stored
    low, high = printed["intervals"]["model"]["dtw_mje"]
    assert low <= printed["scores"]["model"]["dtw_mje"] <= high


def test_several_data_sets_and_all_splits_are_evaluated_together(cli, folder, data, tmp_path):
    (tmp_path / "more").mkdir()
    more = fake_manifest(tmp_path / "more", letters="A", languages=("ise",))
    options = ("--checkpoint", folder, "--split", "all", "--steps", 1, "--json")
    status, out, err = cli("evaluate", "--data", data, "--data", more, *options)
    assert status == 0, err
    metrics = json.loads(out)
    assert metrics["data"] == [str(data), str(more)]
    assert metrics["scores"]["model"]["clips"] >= 4
