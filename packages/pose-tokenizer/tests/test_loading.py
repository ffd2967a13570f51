import csv

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.testing import fake_sequence
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.losses import TokenizerLoss
from pose_tokenizer.training import train


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


@pytest.mark.parametrize(("keypoints", "count"), [("reduced", 51), ("all", 54), ("hands_and_body", 50)])
def test_keypoints_setting_chooses_the_skeleton(manifest, quick, keypoints, count):
    config = quick.model_copy(update={"keypoints": keypoints, "num_keypoints": count})
    first, second = (sample.sequence for sample in read_data([manifest], config).train[:2])
    assert first.skeleton.num_keypoints == count
    assert first.skeleton == second.skeleton
    assert first.skeleton.num_dims == 2


def test_num_keypoints_refuses_other_clips(manifest, quick, tmp_path):
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


def test_several_manifests_are_read_and_long_clips_are_cut(listed, manifest, quick, tmp_path, capsys):
    lengths = []

    class Watching(TokenizerLoss):
        def components(self, batch, made):
            lengths.extend(batch.frame_mask.sum(dim=1).tolist())
            return super().components(batch, made)

    more = listed({("more.pose", "train"): fake_sequence(frames=60)})
    config = quick.model_copy(update={"sequence_length": 12, "fitting_blocks": 1})
    _, metrics = train([manifest, more], tmp_path / "run", config, loss=Watching)
    said = capsys.readouterr().err
    assert said.index("8 clips to train on, 1 to validate with") < said.index("fitting basis and codebooks")
    assert len(lengths) == 8
    assert max(lengths) == 12
    assert metrics["validation/codes"] >= 0


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
    decoded = decode(model, encode(model, sequence, lmbda=0.0))
    assert decoded.keypoints.shape == (24, 133, 2)
    assert np.abs(decoded.keypoints[:, 5] - (260, 200)).max() < 20
