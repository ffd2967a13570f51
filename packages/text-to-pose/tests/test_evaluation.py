import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.data import ShardSample, pack, read_manifest
from pose_core.testing import fake_sequence
from text_to_pose.config import RunConfig
from text_to_pose.data.hands import hand_shape
from text_to_pose.data.preprocessing import prepare
from text_to_pose.evaluation import evaluate as evaluate_module
from text_to_pose.evaluation.baselines import copied, other_clip, still
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.evaluation.references import read_references
from text_to_pose.evaluation.scores import ClipScore, Score, confidence_intervals
from text_to_pose.model import load_model
from text_to_pose.training import build_model


@pytest.fixture
def fitting(manifest, tiny):
    """An untrained model for the manifest's languages."""
    clips = [clip for clip in read_manifest(manifest) if clip.split == "train"]
    return build_model(
        [ShardSample(clip, prepare(read(clip.path), 25.0)) for clip in clips], RunConfig(**tiny.model_dump())
    ).eval()


def test_evaluate_scores_model_and_two_baselines(fitting, manifest):
    scores = evaluate(fitting, manifest, "train").scores
    assert list(scores) == ["model", "still", "copied"]
    assert scores["model"].clips == scores["still"].clips == 7
    assert scores["copied"].clips == 7  # each letter is there in both languages
    assert scores["still"].acceleration == 0
    assert scores["copied"].rank1 == 1  # hands of one letter are the same in both
    assert scores["copied"].dtw_mje < 0.05 < scores["model"].dtw_mje
    for means in scores.values():
        assert 0 <= means.rank1 <= means.rank5 <= 1


def test_oracle_predictions_have_perfect_scores(fitting, manifest, monkeypatch):
    def oracle(model, references, rows, starts, sampling):
        return [references.sequences[i] for i in rows]

    monkeypatch.setattr(evaluate_module, "_generate", oracle)
    perfect = evaluate(fitting, manifest, "validation").scores["model"]
    assert (perfect.dtw_mje, perfect.length_error, perfect.rank1, perfect.acceleration) == (0, 0, 1, 1)


def test_evaluate_starts_from_another_training_clip_of_the_language(fitting, manifest, monkeypatch):
    starts_of = {}

    def spy(model, references, rows, starts, sampling):
        starts_of.update(zip(rows, starts, strict=True))
        assert all(
            references.clips[s].signed_language == references.clips[i].signed_language for i, s in starts_of.items()
        )
        assert all(references.clips[s].split == "train" for s in starts)
        return [references.sequences[i] for i in rows]

    monkeypatch.setattr(evaluate_module, "_generate", spy)
    evaluate(fitting, manifest, "train")
    assert all(i != start for i, start in starts_of.items())
    assert len(set(starts_of.values())) > 2


def test_hand_shape_is_relative_to_the_wrist_in_visible_frames():
    sequence = prepare(fake_sequence(), 25.0)
    points, confidence = hand_shape(sequence, "right")
    assert points.shape == (20, 21, 3)
    assert (points[:, 0] == 0).all()
    assert confidence.min() > 0
    assert hand_shape(sequence, "left") is None


def test_evaluate_refuses_unknown_splits_and_those_of_which_it_knows_nothing(fitting, manifest, folder):
    with pytest.raises(UserError, match="no clip has split test; it has train, validation"):
        evaluate(fitting, manifest, "test")
    with pytest.raises(UserError, match=r"gsg-A\.pose: unknown signed language 'gsg'.*; no clip is left"):
        evaluate(load_model(folder), manifest, "validation")


def test_evaluate_leaves_out_unknown_languages_and_letters_as_train_does(manifest, folder, tmp_path):
    with pytest.warns(UserWarning, match=r"5 of 8 clips are left out: .*ase-D\.pose: no .* 'D'") as caught:
        evaluation = evaluate(load_model(folder), manifest, "train")
    assert "gsg-A.pose: unknown signed language 'gsg'" in str(caught[0].message)
    signed = {evaluation.references.clips[row].text for row in evaluation.rows}
    assert (signed, {clip.signed_language for clip in evaluation.references.clips}) == ({"A", "B", "C"}, {"ase"})
    assert evaluation.scores["model"].clips == 3
    pack(((clip, read(clip.path)) for clip in read_manifest(manifest)), tmp_path / "shards")
    with pytest.warns(UserWarning, match="clips are left out"):
        shards = evaluate(load_model(folder), tmp_path / "shards", "train")
    assert [clip.text for clip in shards.references.clips] == ["A", "B", "C"]


def test_scores_of_an_untrained_model_are_finite(fitting, manifest):
    scores = evaluate(fitting, manifest, "validation").scores
    for means in scores.values():
        assert np.isfinite([means.dtw_mje, means.length_error]).all()
    # Untrained, the model may make two frames, which have no acceleration.
    assert np.isfinite([scores["still"].acceleration, scores["copied"].acceleration]).all()


def clip_score(**values):
    """Of a letter that was signed well, but for what is said."""
    good = ClipScore(
        path=Path("a.pose"),
        text="A",
        signed_language="ase",
        frames=20,
        reference_frames=20,
        dtw_mje=0.1,
        length_error=0.0,
        acceleration=1.0,
        rank=0,
        nearest="A",
    )
    return replace(good, **values)


def test_score_means_leave_out_missing_values():
    ranks = (0, 1, 4, 5, None)
    clips = [
        clip_score(rank=rank, dtw_mje=dtw) for rank, dtw in zip(ranks, (0.1, 0.3, math.nan, 0.2, 0.2), strict=True)
    ]
    means = Score.of(clips)
    assert (means.clips, means.rank1, means.rank5) == (5, 0.2, 0.6)
    assert means.dtw_mje == pytest.approx(0.2)
    nothing = Score.of([])
    assert nothing.clips == 0
    assert math.isnan(nothing.rank1)
    assert math.isnan(confidence_intervals([])["rank1"].low)


def test_confidence_intervals_hold_the_mean_and_narrow_with_more_clips():
    random = np.random.default_rng(1)
    clips = [clip_score(dtw_mje=x, rank=int(x > 0.2)) for x in random.gamma(2.0, 0.1, size=400)]
    few, many = confidence_intervals(clips[:25]), confidence_intervals(clips)
    assert list(many) == ["dtw_mje", "length_error", "rank1", "rank5", "acceleration"]
    for scores, intervals in ((clips[:25], few), (clips, many)):
        for name, (low, high) in intervals.items():
            assert low <= getattr(Score.of(scores), name) <= high
    assert many["length_error"] == (0, 0)
    # As the normal distribution has it, 1.96 standard errors to either side.
    error = np.std([clip.dtw_mje for clip in clips]) / math.sqrt(len(clips))
    assert many["dtw_mje"].high - many["dtw_mje"].low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert few["dtw_mje"].high - few["dtw_mje"].low > 2 * (many["dtw_mje"].high - many["dtw_mje"].low)
    low, high = confidence_intervals(clips, level=0.5)["dtw_mje"]
    assert many["dtw_mje"].low < low < high < many["dtw_mje"].high


def test_confidence_intervals_are_deterministic():
    clips = [clip_score(dtw_mje=x) for x in np.linspace(0.1, 0.5, 30) ** 2]
    assert confidence_intervals(clips) == confidence_intervals(clips)
    assert confidence_intervals(clips) != confidence_intervals(clips, seed=1)


def test_references_score_predictions_of_any_system(manifest):
    references = read_references(manifest, "train", fps=25.0)
    rows = references.rows("train")
    assert [references.clips[i].split for i in rows] == ["train"] * 7
    predictions = [copied(references, i) for i in rows]
    predictions[2] = None  # it has no answer to that one
    scores = references.score(rows, predictions)
    assert [clip.path for clip in scores] == [references.clips[i].path for i in rows if i != rows[2]]
    assert {clip.rank for clip in scores} == {0}
    assert [clip.nearest for clip in scores] == [clip.text for clip in scores]
    first, reference = predictions[0], references.sequences[rows[0]]
    assert (scores[0].frames, scores[0].reference_frames) == (len(first), len(reference)) == (18, 16)
    assert scores[0].length_error == 2 / 16


def test_predictions_without_a_dominant_hand_have_no_rank(manifest):
    references = read_references(manifest, "train", fps=25.0)
    (row, *_) = references.rows("train")
    hidden = references.sequences[row]
    confidence = hidden.confidence.copy()
    confidence[:, hidden.skeleton.hand("right")] = 0
    (clip,) = references.score([row], [replace(hidden, confidence=confidence)])
    assert (clip.rank, clip.nearest) == (None, None)
    assert clip.dtw_mje == 0
    assert Score.of([clip]).rank5 == 0


def test_still_and_copied_baselines(manifest):
    references = read_references(manifest, "validation", fps=25.0)
    (row,) = references.rows("validation")
    start = other_clip(references.clips, row)
    frozen = still(references, row, start)
    assert references.clips[start].signed_language == references.clips[row].signed_language
    assert len(frozen) == 18
    assert (frozen.keypoints == references.sequences[start].keypoints[0]).all()
    assert still(references, row, None) is None
    assert other_clip(references.clips[row : row + 1], 0) is None
    alone = replace(references, letters=[str(i) for i in range(8)])
    assert copied(alone, row) is None
