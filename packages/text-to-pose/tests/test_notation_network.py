"""The network's parts for notation: places of symbols, attention to an encoded text, hands as shape and rotation."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pose_core import read
from pose_core.data import Clip, pack
from pose_core.testing import fake_sequence, fake_skeleton
from pose_core.transforms import normalize
from text_to_pose.backends import as_network
from text_to_pose.config import NetworkConfig, RunConfig, TextConfig, TextToPoseConfig
from text_to_pose.data.preprocessing import prepare
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.generation import _Draft, _sequence, generate_texts
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.writer import write
from text_to_pose.lightning_module import TextToPoseModule
from text_to_pose.model import TextToPose
from text_to_pose.nn.features import HandFeatures
from text_to_pose.nn.smooth_frames import SmoothFrames
from text_to_pose.nn.symbol_places import SymbolPlaces
from text_to_pose.nn.turned_hands import TurnedHands, rotations
from text_to_pose.sampling import Sampling
from text_to_pose.signing.anatomy.body import Body
from text_to_pose.signing.hands.hand_model import bone_lengths
from text_to_pose.start_frames import StartFrames
from text_to_pose.text.hamnosys import hamnosys_text, hamnosys_vocabulary
from text_to_pose.text.tokenizer import TextBatch
from text_to_pose.training import train

SIGNS = [
    write(parse(f"{shape} hamextfinger{way} hampalml hammover"))
    for shape in ("hamfist", "hamflathand", "hamfinger2")
    for way in ("u", "o")
]


@pytest.fixture
def network(tiny):
    return NetworkConfig(
        **{
            **tiny.model_dump(),
            "text_attention": "cross",
            "symbol_places": True,
            "key_postures": True,
            "hands": "turned",
            "hand_depth": 500.0,
        }
    )


@pytest.fixture
def notation(network):
    torch.manual_seed(0)
    text = TextConfig(kind="hamnosys", alphabets={"mul": []}, vocabulary=hamnosys_vocabulary())
    skeleton = fake_skeleton().to_dict()
    return TextToPose(
        TextToPoseConfig(network=network, skeleton=skeleton, text=text, dominant_hands={"mul": "right"})
    ).eval()


def tokens(model, *texts):
    return TextBatch.of([model.tokenizer.tokenize(text, "mul") for text in texts])


def encoded(model, *texts):
    K = model.skeleton.num_keypoints
    return model.encode(tokens(model, *texts), torch.zeros(len(texts), K, 3), torch.ones(len(texts), K))[0]


@torch.inference_mode()
def test_padding_of_frames_and_texts_changes_nothing(notation):
    alone, beside = encoded(notation, SIGNS[0]), encoded(notation, SIGNS[0], SIGNS[0] + SIGNS[1][3:] * 3)
    mask = torch.arange(9) < torch.tensor([[6], [9]])
    *_, short = Sampling(num_steps=2).steps(notation, alone, mask[:1, :6])
    *_, padded = Sampling(num_steps=2).steps(notation, beside, mask)
    torch.testing.assert_close(short.features[0], padded.features[0, :6], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_text_is_encoded_with_its_key_postures(notation):
    batch = tokens(notation, SIGNS[0], SIGNS[3])
    assert batch.postures.shape == (*batch.ids.shape, 97)
    told, untold = (
        notation.text_encoder(each).values for each in (batch, TextBatch(batch.ids, batch.languages, batch.letters))
    )
    assert not torch.allclose(told, untold, atol=1e-3)
    nothing = TextBatch.of([notation.tokenizer.tokenize(None, "")])
    assert nothing.postures is None
    assert notation.text_encoder(nothing).values.isfinite().all()


def test_symbols_are_told_what_was_before_them():
    names = ["hamfist", "hamextfingeru", "hampalml", "hammover", "hamreplace", "hamfist", "hamthumboutmod"]
    vocabulary = ["<pad>", *hamnosys_vocabulary()]
    places = SymbolPlaces(vocabulary, 16)
    ids = torch.tensor([[vocabulary.index(name) for name in names]])
    vectors = places(ids)
    assert vectors.shape == (1, len(names), 16)
    assert not torch.allclose(vectors[0, 0], vectors[0, 5])  # a second handshape
    again = places(torch.cat([ids, torch.zeros(1, 3, dtype=torch.long)], dim=1))
    torch.testing.assert_close(again[:, : len(names)], vectors)
    # Moved by one behind their heads, modifiers stay where they are: nothing but the handshapes is counted.
    fist, thumb = (vocabulary.index(name) for name in ("hamfist", "hamthumboutmod"))
    one, two = places(torch.tensor([[fist, thumb]])), places(torch.tensor([[fist, thumb, thumb]]))
    torch.testing.assert_close(one[0], two[0, :2])
    assert not torch.allclose(two[0, 1], two[0, 2])  # one behind the other


def test_turned_hands_are_a_rotation_of_a_shape():
    torch.manual_seed(1)
    rotation = rotations(torch.randn(50, 6))
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(50))

    features = HandFeatures(fake_skeleton(), 4.0, hand_depth=500.0)
    hands = TurnedHands(features, 16, group=3)
    torch.nn.init.zeros_(hands.linear.weight)
    points = hands(torch.randn(2, 5, 16))
    assert points.shape == (2, 15, 40, 3)
    assert sorted(hands.points.tolist()) == sorted(k for hand in features.hands.values() for k in hand)
    right = points[0, 0, 20:] / 4.0
    assert right[11, 1] < right[8, 1] < -0.1  # the middle finger points up, and y is down
    assert right[3, 0] > right[15, 0]  # a right hand, its palm to the camera: the thumb is on the picture's right
    torch.testing.assert_close(points[0, 0, :20, 0], -points[0, 0, 20:, 0])  # the left hand mirrors it


def test_depth_in_other_units_comes_back_as_it_was():
    skeleton = fake_skeleton()
    features = HandFeatures(skeleton, 4.0, hand_depth=500.0, body_depth=143.0)
    keypoints = torch.randn(3, skeleton.num_keypoints, 3)
    torch.testing.assert_close(features.inverse(features(keypoints)), keypoints, atol=1e-4, rtol=1e-4)
    finger = skeleton.hand("right")[4]
    wrist = skeleton.hand("right")[0]
    relative = keypoints[:, finger] - keypoints[:, wrist]
    torch.testing.assert_close(features(keypoints)[:, finger, 2], relative[:, 2] * 2000)
    torch.testing.assert_close(features(keypoints)[:, wrist, 2], keypoints[:, wrist, 2] * 143)


@pytest.fixture
def shards(tmp_path):
    """Six signs, three of them held out."""
    samples = []
    for i, sign in enumerate(SIGNS):
        split = "test" if i % 2 else "train"
        clip = Clip(Path(f"{i}.pose"), sign, "mul", split)
        samples.append((clip, fake_sequence(frames=10 + i, hands=("left", "right"))))
    pack(samples, tmp_path / "shards")
    return tmp_path / "shards"


def test_notation_trains_from_shards_in_memory_and_is_evaluated_on_held_out_signs(shards, network, tmp_path):
    config = RunConfig(
        **network.model_dump(),
        epochs=2,
        batch_size=2,
        warmup_steps=1,
        device="cpu",
        tensorboard=False,
        in_memory=True,
        own_start_share=1.0,
        start_noise=0.01,
        precision="32-true",
    )
    model, _ = train(shards, tmp_path / "run", config)
    assert model.config.text.kind == "hamnosys"
    found = evaluate(model, shards, "test", own_start=True, others=1, sampling=Sampling(num_steps=2))
    assert [found.references.clips[i].split for i in found.rows] == ["test"] * 3
    assert found.scores["model"].clips == 3
    assert all(score.rank in (0, 1) for score in found.clip_scores["model"])  # the right one and one other
    assert np.isfinite(found.scores["model"].dtw_mje)
    for i, still in zip(found.rows, found.predictions["still"], strict=True):
        np.testing.assert_array_equal(still.keypoints[0], found.references.sequences[i].keypoints[0])


def test_first_predictions_are_made_where_they_count(notation):
    config = RunConfig(**notation.config.network.model_dump())
    module = TextToPoseModule(notation, config)
    condition = encoded(notation, *SIGNS[:3])
    clean = torch.randn(3, 6, notation.skeleton.num_keypoints, 3)

    mask = torch.ones(3, 6, dtype=torch.bool)
    batch = SimpleNamespace(target=SimpleNamespace(mask=mask))
    level = torch.tensor([0.0, 0.5, 0.0])
    first = module._first_predictions(batch, condition, clean, level)
    start = condition.start[:, None].expand_as(clean)
    whole = notation(start, mask, condition, torch.zeros(3), torch.zeros(3)).features
    torch.testing.assert_close(first[1], whole[1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(first[[0, 2]], start[[0, 2]])


def test_a_text_is_signed_from_the_persons_start_frame_on_their_bones(notation):
    torch.manual_seed(2)
    K = notation.skeleton.num_keypoints
    body = Body.drawn(np.random.default_rng(0))
    person = prepare(fake_sequence(hands=("left", "right")), 25.0)
    start = StartFrames(person.keypoints[:1], np.ones((1, K), np.float32))
    torch.nn.init.constant_(notation.denoiser.head.bias.view(notation.denoiser.points, -1)[:, -K:], 3.0)  # all is seen
    (sequence,) = generate_texts(notation, [SIGNS[:2]], "mul", start=start, body=body)
    unit = 128  # pixels of a shoulder width
    for side in ("left", "right"):
        hand = sequence.keypoints[:, notation.skeleton.hand(side)] / unit * [1, 1, 500]
        expected = body.hand.lengths / body.shoulder_width
        np.testing.assert_allclose(bone_lengths(hand), np.tile(expected, (len(hand), 1)), rtol=0.01)
    (mirrored,) = generate_texts(notation, [SIGNS[:1]], "mul", start=start, body=body, dominant_hand="left")
    assert np.isfinite(mirrored.keypoints).all()


def test_hands_come_and_go_where_the_model_signs_in_depth(notation):
    T, K = 8, notation.skeleton.num_keypoints
    keypoints = np.random.default_rng(0).normal(size=(T, K, 3)).astype(np.float32)
    presence = np.ones((T, K), np.float32)
    hand = list(notation.skeleton.hand("right"))
    presence[:3, hand] = 0.1
    found = _sequence(as_network(notation), keypoints, presence, "mul")
    assert (found.confidence[:3, hand] == 0).all()
    assert (found.confidence[3:, hand] == 1).all()


def test_hamnosys_of_the_vocabulary_is_what_signs_are_written_in():
    assert all(set(sign) <= set(hamnosys_text(hamnosys_vocabulary())) for sign in SIGNS)


def test_smooth_frames_follow_a_line_and_do_not_jitter():
    smooth = SmoothFrames(2)
    line = torch.arange(6.0)[None, :, None]
    frames = smooth(line)
    torch.testing.assert_close(frames[0, :, 0], torch.arange(12.0) / 2)
    torch.manual_seed(0)
    noise = torch.randn(1, 200, 1)
    acceleration = [x.diff(n=2, dim=1).abs().mean() for x in (smooth(noise), noise.repeat_interleave(2, dim=1))]
    assert acceleration[0] < acceleration[1] / 3


@torch.inference_mode()
def test_an_untrained_network_for_bodies_leaves_the_body_as_it_is(notation):
    condition = encoded(notation, *SIGNS[:2])
    mask = torch.ones(2, 7, dtype=torch.bool)
    start = condition.start[:, None].expand(2, 7, -1, -1)
    found = notation(start, mask, condition, torch.zeros(2), torch.zeros(2)).features
    body = notation.features.is_root
    torch.testing.assert_close(found[:, :, body], start[:, :, body])


def test_generate_needs_no_language_for_notation_and_takes_any_spelling(cli, notation, tmp_path):
    with torch.no_grad():  # untrained, it would hold all keypoints for missing
        notation.denoiser.head.bias.fill_(3.0)
    notation.save_pretrained(tmp_path / "model")
    model = ("--checkpoint", tmp_path / "model")
    names = "hamfist hamextfingeru hampalml hammover"
    status, out, err = cli("generate", names, *model, "--output", tmp_path / "a.pose", "--output", tmp_path / "a.png")
    assert status == 0, err
    assert f"HamNoSys, by the model {tmp_path / 'model'}, " in out
    status, out, _ = cli("generate", SIGNS[0], *model, "--output", tmp_path / "b.pose", "--json")
    (word,) = json.loads(out)
    assert (status, word["signed_language"], word["signs"]) == (0, None, [None])
    np.testing.assert_array_equal(read(tmp_path / "a.pose").keypoints, read(tmp_path / "b.pose").keypoints)


def test_generate_with_a_notation_model_refuses_what_is_no_sign(cli, notation, tmp_path, one_line):
    notation.save_pretrained(tmp_path / "model")
    generate = ("generate", "--checkpoint", tmp_path / "model", "--output", tmp_path / "a.pose")
    for text, message in (
        ("hamfist hamextfingeru hamparbegin", "expected"),
        ("house", "'h' (U+0068) at character 1 is no HamNoSys symbol"),
    ):
        status, _, err = cli(*generate, text)
        assert (status, message in one_line(err)) == (2, True), err


def test_a_hand_that_comes_into_the_picture_does_so_at_its_arm(notation):
    first, _ = normalize(fake_sequence(hands=("left", "right"))[:1])
    keypoints, confidence = (
        np.repeat(first.keypoints, 8, axis=0),
        np.ones((8, first.skeleton.num_keypoints), np.float32),
    )
    hand, wrist = first.skeleton.hand("right"), first.skeleton.wrist("right")
    keypoints[:, hand] += keypoints[:, [wrist]] - keypoints[:, hand[:1]]
    keypoints[:4, hand], confidence[:4, hand] = 0, 0
    draft = _Draft(as_network(notation), ["sign"], "right")
    draft.sequences = [replace(first, keypoints=keypoints, confidence=confidence)]
    made = draft.finish(None, None, max_step=0.01, mirrored=False).sequence
    assert (made.confidence[:4, hand] == 0).all()
    np.testing.assert_allclose(made.keypoints[4:, hand[0]], made.keypoints[4:, wrist], atol=1e-3)
