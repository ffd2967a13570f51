from dataclasses import replace

import numpy as np
import pytest
import torch

from pose_core import UserError
from pose_core.data import LengthBucketSampler, collate, read_manifest
from pose_core.testing import fake_manifest, fake_sequence

HEADER = "path,text,signed_language,split,signer\n"


def test_a_manifest_is_read(tmp_path):
    index = fake_manifest(tmp_path)
    clips = read_manifest(index)
    assert len(clips) == 8
    assert clips[0].path == tmp_path / "ase-A.pose"
    assert [clip.split for clip in clips].count("validation") == 1
    index.write_text("\ufeff" + index.read_text(), encoding="utf-8")  # as Excel saves it
    assert read_manifest(index) == clips


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such manifest"),
        ("", r"lacks the column\(s\) path, text"),
        ("path,text,split\na,b,c\n", r"lacks the column\(s\) signed_language"),
        (HEADER, "names no clips"),
        (HEADER + "gone.pose,A,ase,train,x\n", "line 2: there is no file .*gone.pose; remove the row"),
        (HEADER + "a.pose,A,ase,train,x\n,A,ase,train,x\n", "line 3: no path"),
        (HEADER + "a.pose,A,,train,x\n", "line 2: no signed_language"),
        (HEADER + "a.pose,A\n", "line 2: no signed_language"),
        (HEADER + "../a.pose,A,ase,train,x\n", r"line 2: \.\./a\.pose lies outside"),
        (HEADER + "{absolute},A,ase,train,x\n", "lies outside the manifest's folder"),
        (HEADER + "long" * 100 + ",A,ase,train,x\n", "line 2: "),  # a text in the path's column
        (HEADER + "a\0.pose,A,ase,train,x\n", "index.csv"),  # Python 3.11 and later read the zero byte
        (b"\xff\xfe\x00", "not a readable UTF-8 CSV"),
    ],
)
def test_malformed_manifests_are_refused(tmp_path, content, message):
    (tmp_path / "a.pose").write_bytes(b"")
    index = tmp_path / "sub" / "index.csv" if content is None else tmp_path / "index.csv"
    if isinstance(content, str):
        index.write_text(content.replace("{absolute}", str(tmp_path / "a.pose")), encoding="utf-8")
    elif content is not None:
        index.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_manifest(index)
    assert str(index) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_manifest(tmp_path):
    with pytest.raises(UserError, match="is a folder; name the manifest"):
        read_manifest(tmp_path)


def test_collate_pads_at_the_end():
    sequences = [fake_sequence(frames=5), fake_sequence(frames=9, hands=())]
    batch = collate(sequences)
    assert batch.keypoints.shape == (2, 9, 50, 3)
    assert batch.lengths.tolist() == [5, 9]
    assert (batch.keypoints[0, 5:] == 0).all()
    assert (batch.confidence[0, 5:] == 0).all()
    np.testing.assert_array_equal(batch.keypoints[0, :5], sequences[0].keypoints)
    assert (batch.keypoints[1, :, sequences[1].skeleton.hand("right")] == 0).all()


def test_missing_and_padded_keypoints_are_zero():
    sequence = fake_sequence(frames=4)
    hand = sequence.skeleton.hand("left")
    keypoints = sequence.keypoints.copy()
    keypoints[:2, hand], keypoints[2:, hand] = np.nan, 1e9
    batch = collate([replace(sequence, keypoints=keypoints), fake_sequence(frames=6)])
    assert batch.mask.dtype == torch.bool
    assert batch.mask.tolist() == [[True] * 4 + [False] * 2, [True] * 6]
    assert (batch.keypoints[0, :, hand] == 0).all()
    assert np.isnan(keypoints[0, hand]).all()  # the sequence is as it was


def test_buckets_of_few_sequences():
    assert [sorted(batch) for batch in LengthBucketSampler([5, 9, 7], 8)] == [[0, 1, 2]]
    sampler = LengthBucketSampler([9, 1, 8, 2, 7], 2)
    assert sorted(sorted(batch) for batch in sampler) == [[0], [1, 3], [2, 4]]
    assert len(sampler) == 3


def test_buckets_cover_each_index_once_with_similar_lengths():
    lengths = np.random.default_rng(0).integers(5, 300, size=203).tolist()
    sampler = LengthBucketSampler(lengths, 16)
    torch.manual_seed(0)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 13
    assert sorted(i for batch in batches for i in batch) == list(range(203))
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    in_order = sum(max(lengths[i : i + 16]) * len(lengths[i : i + 16]) for i in range(0, 203, 16))
    assert padded < 0.75 * in_order
    assert list(sampler) != batches  # another epoch, another order
    torch.manual_seed(0)
    assert list(sampler) == batches


def test_visible_of_a_batch_leaves_padding_out(tiny):
    batch = collate([tiny, tiny[:2]])
    confidence = torch.ones_like(batch.confidence)  # even in the padding
    visible = replace(batch, confidence=confidence).visible
    assert torch.equal(visible, batch.mask[..., None].expand_as(visible))
    assert torch.equal(batch.visible[0], torch.from_numpy(tiny.visible))
