import numpy as np
import pytest

from pose_core import UserError
from pose_core.data import read_manifest
from pose_core.testing import fake_sequence
from text_to_pose import evaluation
from text_to_pose.checkpoint import load_model
from text_to_pose.clips import prepare, read_prepared
from text_to_pose.evaluation import evaluate, hand_shape
from text_to_pose.training import RunConfig, build_model


@pytest.fixture
def fitting(manifest, tiny):
    """An untrained model for the manifest's languages."""
    clips = [clip for clip in read_manifest(manifest) if clip.split == "train"]
    return build_model(clips, read_prepared(clips, 25.0), RunConfig(network=tiny)).eval()


def test_scores_the_model_beside_two_baselines(fitting, manifest):
    scores = evaluate(fitting, manifest, "train")
    assert list(scores) == ["model", "still", "copied"]
    assert scores["model"].clips == scores["still"].clips == 7
    assert scores["copied"].clips == 7  # each letter is there in both languages
    assert scores["still"].acceleration == 0
    assert scores["copied"].rank1 == 1  # hands of one letter are the same in both
    assert scores["copied"].dtw_mje < 0.05 < scores["model"].dtw_mje
    for score in scores.values():
        assert 0 <= score.rank1 <= score.rank5 <= 1


def test_a_perfect_model_scores_perfectly(fitting, manifest, monkeypatch):
    def oracle(model, everything, rows, starts, num_steps):
        return [everything.sequences[i] for i in rows]

    monkeypatch.setattr(evaluation, "_generate", oracle)
    perfect = evaluate(fitting, manifest, "validation")["model"]
    assert (perfect.dtw_mje, perfect.length_error, perfect.rank1, perfect.acceleration) == (0, 0, 1, 1)


def test_starts_from_another_clip_of_the_language(fitting, manifest, monkeypatch):
    seen = {}

    def spy(model, everything, rows, starts, num_steps):
        seen.update(zip(rows, starts, strict=True))
        assert all(everything.clips[s].signed_language == everything.clips[i].signed_language for i, s in seen.items())
        assert all(everything.clips[s].split == "train" for s in starts)
        return [everything.sequences[i] for i in rows]

    monkeypatch.setattr(evaluation, "_generate", spy)
    evaluate(fitting, manifest, "train")
    assert all(i != start for i, start in seen.items())
    assert len(set(seen.values())) > 2


def test_hand_shape_is_relative_to_the_wrist_and_only_where_it_is_seen():
    sequence = prepare(fake_sequence(), 25.0)
    points, confidence = hand_shape(sequence, "right")
    assert points.shape == (20, 21, 3)
    assert (points[:, 0] == 0).all()
    assert confidence.min() > 0
    assert hand_shape(sequence, "left") is None


def test_what_cannot_be_scored_is_refused(fitting, manifest, folder):
    with pytest.raises(UserError, match="no clip has split test; it has train, validation"):
        evaluate(fitting, manifest, "test")
    with pytest.raises(UserError, match=r"gsg-A\.pose: unknown signed language 'gsg'.*; remove its row"):
        evaluate(load_model(folder), manifest, "validation")
    with pytest.raises(UserError, match=r"ase-D\.pose: no language was taught the character 'D'.*; remove its row"):
        evaluate(load_model(folder), manifest, "train")


def test_scores_are_finite(fitting, manifest):
    for score in evaluate(fitting, manifest, "validation").values():
        assert np.isfinite([score.dtw_mje, score.length_error, score.acceleration]).all()
