"""Resuming in the middle of an epoch of shards."""

import json
import pickle
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pose_core import UserError
from pose_core.data import ShardDataset, pack
from pose_core.data import shards as shards_module
from pose_core.testing import clip_names, damage_clip, fake_clips

CLIPS = 13


def consume_as(monkeypatch, consumer, consumers):
    monkeypatch.setattr(shards_module, "_consumer", lambda: (consumer, consumers))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """23 clips in shards of two; the fourth is damaged. To be read only."""
    packed = tmp_path_factory.mktemp("tiny")
    pack(((clip, sequence[:1]) for clip, sequence in fake_clips(23)), packed, shard_bytes=2_000)
    damage_clip(packed / "train-00001.tar", 1)
    return packed


@settings(deadline=None, max_examples=100)
@given(data=st.data(), shuffle=st.booleans(), buffer=st.sampled_from([1, 2, 5, 100]), seed=st.integers(0, 3))
def test_resuming_completes_the_epoch(tiny, data, shuffle, buffer, seed):
    consumers = data.draw(st.integers(1, 3), "consumers")
    consumer = data.draw(st.integers(0, consumers - 1), "consumer")
    with pytest.MonkeyPatch.context() as monkeypatch:
        consume_as(monkeypatch, consumer, consumers)

        def begun(epoch=0):
            dataset = ShardDataset(tiny, "train", shuffle=shuffle, buffer=buffer, seed=seed, on_error="skip")
            dataset.set_epoch(epoch)
            return dataset

        epoch = data.draw(st.integers(0, 2), "epoch")
        undisturbed, next_epoch = begun(epoch), begun(epoch + 1)
        expected, after = clip_names(undisturbed), clip_names(next_epoch)
        read, dataset = [], begun(epoch)
        for cut in data.draw(st.lists(st.integers(0, len(expected)), max_size=2), "cuts"):
            read += clip_names(islice(dataset, cut))
            state = json.loads(json.dumps(dataset.state_dict()))
            dataset = begun()
            dataset.load_state_dict(state)
            assert dataset.state_dict() == state
        read += clip_names(dataset)
        assert read == expected
        assert dataset.state_dict() == undisturbed.state_dict()  # as many skipped, too
        dataset.set_epoch(epoch + 1)
        assert clip_names(dataset) == after


def test_resuming_skips_what_was_yielded(packed):
    dataset = ShardDataset(packed, "train")
    shards = dataset.shards
    cut = shards[0].clips + shards[1].clips + 1
    clip_names(islice(dataset, cut))
    for shard in shards[:2]:
        (packed / shard.file).unlink()
    prepared = []
    resumed = ShardDataset(packed, "train", transform=lambda sequence: prepared.append(len(sequence)) or sequence)
    resumed.load_state_dict(dataset.state_dict())
    assert clip_names(resumed) == [f"{i}.pose" for i in range(CLIPS)][cut:]
    assert prepared == [5 + i for i in range(cut, CLIPS)]


def test_the_state_is_small(tiny):
    dataset = ShardDataset(tiny, "train", shuffle=True, on_error="skip")
    clip_names(dataset)
    assert len(pickle.dumps(dataset.state_dict())) < 600


def test_a_finished_epoch_resumes_empty(packed):
    """StatefulDataLoader makes an iterator of the state and, if the epoch was finished, throws it away for another."""
    dataset = ShardDataset(packed, "train", shuffle=True)
    clip_names(dataset)
    resumed = ShardDataset(packed, "train", shuffle=True)
    resumed.set_epoch(1)
    resumed.load_state_dict(dataset.state_dict())
    assert clip_names(resumed) == []
    assert resumed.epoch == 1
    dataset.set_epoch(1)
    assert clip_names(resumed) == clip_names(dataset)


def test_a_state_of_another_epoch_is_ignored(packed):
    dataset = ShardDataset(packed, "train")
    clip_names(islice(dataset, 4))
    resumed = ShardDataset(packed, "train")
    resumed.load_state_dict(dataset.state_dict())
    resumed.set_epoch(1)
    assert clip_names(resumed) == [f"{i}.pose" for i in range(CLIPS)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, "is of seed 0, this is 1"),
        ({"shuffle": False}, "is of shuffle True, this is False"),
        ({"buffer": 9}, "is of buffer 4, this is 9"),
        ({"split": "validation"}, "is of shards [0-9]+, this is 1"),
    ],
)
def test_a_state_of_another_order(packed, changed, message):
    arguments = {"split": "train", "shuffle": True, "buffer": 4}
    dataset = ShardDataset(packed, **arguments)
    clip_names(islice(dataset, 3))
    other = ShardDataset(packed, **(arguments | changed))
    other.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match=message):
        clip_names(other)


def test_a_state_of_another_consumer(packed, monkeypatch):
    dataset = ShardDataset(packed, "train")
    clip_names(islice(dataset, 3))
    state = dataset.state_dict()
    consume_as(monkeypatch, 0, 2)
    dataset.load_state_dict(state)
    with pytest.raises(UserError, match="is of consumers 1, this is 2"):
        clip_names(dataset)


def test_a_damaged_clip_is_raised_again_after_resuming(packed):
    damage_clip(packed / "train-00000.tar", 1)
    dataset = ShardDataset(packed, "train")
    with pytest.raises(UserError):
        clip_names(dataset)
    resumed = ShardDataset(packed, "train")
    resumed.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match="damaged"):
        clip_names(resumed)


@pytest.mark.filterwarnings("ignore:skipped")
def test_too_many_damaged_clips_on_both_sides_of_an_interruption(packed):
    first = damage_clip(packed / "train-00000.tar", 1)
    damage_clip(packed / "train-00001.tar", 0)
    dataset = ShardDataset(packed, "train", on_error="skip")
    clip_names(islice(dataset, 2))
    resumed = ShardDataset(packed, "train", on_error="skip")
    resumed.load_state_dict(dataset.state_dict())
    with pytest.raises(UserError, match=rf"2 of 13 clips .*The first: .*clip {first}: "):
        clip_names(resumed)
