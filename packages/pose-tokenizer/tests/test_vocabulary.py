import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import UserError
from pose_tokenizer.codec import decode, encode
from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.files.serialization import from_text, to_integers, to_text, whole_blocks
from pose_tokenizer.files.vocabulary import Vocabulary

HASH = "ab" * 8
SMALL = Vocabulary("small", HASH, num_quantizers=3, codebook_size=12, block_frames=4, offset=100)
CODES = np.array([[3, 0, 11], [-1, -1, -1], [5, -1, -1]], np.int32)
IDS = [137, 103, 112, 135, 136, 105, 138]
TEXT = "<pose><pose_q0_3><pose_q1_0><pose_q2_11><pose_none><pose_q0_5></pose>"


def small_tokens(codes=CODES):
    return whole_blocks(codes, "small", HASH, codebook_size=12, block_frames=4)


@st.composite
def vocabularies(draw):
    sizes = st.integers(1, 20), st.integers(2, 3000), st.integers(1, 16), st.integers(0, 300_000)
    return Vocabulary("any", HASH, *(draw(size) for size in sizes))


@given(st.data(), vocabularies(), st.floats(1, 120))
def test_ids_give_back_codes_frames_and_rate(data, vocabulary, fps):
    Q = vocabulary.num_quantizers
    block = st.lists(st.integers(0, vocabulary.codebook_size - 1), max_size=Q) | st.just([0] * Q) | st.just([])
    rows = [codes + [NO_CODE] * (Q - len(codes)) for codes in data.draw(st.lists(block, max_size=9))]
    sizes = {"codebook_size": vocabulary.codebook_size, "block_frames": vocabulary.block_frames}
    tokens = whole_blocks(np.array(rows, np.int32).reshape(-1, Q), "any", HASH, **sizes, fps=fps)
    ids = vocabulary.ids(tokens)
    again = vocabulary.tokens(ids, fps=fps)
    np.testing.assert_array_equal(again.codes, tokens.codes)
    assert again.codes.dtype == np.int32
    assert again.header == tokens.header
    assert (ids[0], ids[-1]) == (vocabulary.begin, vocabulary.end)
    assert all(vocabulary.offset <= id < vocabulary.begin for id in ids[1:-1])
    names = vocabulary.names
    assert vocabulary.text(tokens) == "".join(names[id - vocabulary.offset] for id in ids)


@given(vocabularies())
def test_no_two_tokens_share_a_name_and_each_is_where_the_summary_says(vocabulary):
    names, summary = vocabulary.names, vocabulary.summary()
    assert len(names) == len(set(names)) == vocabulary.size == summary["size"]
    assert [names[first - vocabulary.offset] for first in summary["offsets"]] == [
        f"<pose_q{q}_0>" for q in range(vocabulary.num_quantizers)
    ]
    assert [names[id - vocabulary.offset] for id in summary["special_tokens"].values()] == [*summary["special_tokens"]]
    assert vocabulary.end == vocabulary.offset + len(names) - 1
    assert replace(vocabulary, offset=0).names == names


def test_ids_of_a_small_example():
    assert SMALL.ids(small_tokens()) == IDS
    assert SMALL.text(small_tokens()) == TEXT
    assert SMALL.names[:2] + SMALL.names[11:13] == ["<pose_q0_0>", "<pose_q0_1>", "<pose_q0_11>", "<pose_q1_0>"]
    assert SMALL.names[-4:] == ["<pose_q2_11>", "<pose_none>", "<pose>", "</pose>"]
    assert SMALL.ids(small_tokens(CODES[:0])) == [137, 138]
    np.testing.assert_array_equal(SMALL.tokens(np.array(IDS)).codes, CODES)


def test_ids_are_the_integers_of_the_text_format(lively, clip):
    tokens = encode(lively, clip(18))
    vocabulary = Vocabulary.of(lively, 1000)
    ids = vocabulary.ids(tokens)
    assert [id - 1000 for id in ids[1:-1]] == to_integers(tokens.codes, 12) == [*map(int, to_text(tokens).split())]
    read, by_text = vocabulary.tokens(ids), from_text(to_text(tokens), lively)
    np.testing.assert_array_equal(read.codes, by_text.codes)
    assert read.header == by_text.header
    assert len(decode(lively, read)) == 20  # whole blocks


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "a pose begins with 137 <pose>; these ids do not"),
        ([103, 138], "a pose begins with 137 <pose>; these ids do not"),
        ([137], "a pose ends with 138 </pose>; these ids do not, were they cut short?"),
        ([137, 103], "a pose ends with 138 </pose>; these ids do not, were they cut short?"),
        ([137, 103, 99, 138], "after <pose>, token 2 is 99; tokens of this model are 100 <pose_q0_0> to 136 <pose_no"),
        ([137, 139, 138], "after <pose>, token 1 is 139; tokens of this model are"),
        ([137, 103, 137, 103, 138], "after <pose>, token 2 is 137 <pose>; tokens of this model are"),
        ([137, 103, 138, 103, 138], "after <pose>, token 2 is 138 </pose>; tokens of this model are"),
        (
            [137, 103, 126, 138],
            "after <pose>, token 2 is 126 <pose_q2_2>; the one before it has to be one of 112 <pose_q1_0> to 123 <pos",
        ),
        ([137, 112, 138], "token 1 is 112 <pose_q1_0>; the one before it has to be one of 100 <pose_q0_0>"),
        ([137, 136, 112, 138], "token 2 is 112 <pose_q1_0>; the one before it has to be one of 100 <pose_q0_0>"),
    ],
)
def test_ids_that_are_no_pose_are_refused(ids, message):
    with pytest.raises(UserError) as error:
        SMALL.tokens(ids)
    assert message in str(error.value)


def test_poses_are_found_between_words():
    other = [137, 104, 138]
    found = SMALL.poses([1, 2, *IDS, 99, 139, *other, *other, 0])
    assert [pose.codes.tolist() for pose in found] == [CODES.tolist(), [[4, -1, -1]], [[4, -1, -1]]]
    assert [pose.header.fps for pose in SMALL.poses(IDS, fps=30.0)] == [30.0]
    assert SMALL.poses([1, 2]) == SMALL.poses([]) == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 137, 103], "were they cut short?"),
        ([1, 137, 2, 138], "after <pose>, token 1 is 2;"),
        ([1, 103, 137, 138], "token 2 is 103 <pose_q0_3>, and no pose has begun"),
        ([*IDS, 138], "token 8 is 138 </pose>, and no pose has begun"),
    ],
)
def test_texts_with_half_a_pose_are_refused(ids, message):
    with pytest.raises(UserError) as error:
        SMALL.poses(ids)
    assert message in str(error.value)


@pytest.mark.parametrize("change", [{"model_hash": "cd" * 8}, {"num_quantizers": 4}, {"codebook_size": 13}])
def test_tokens_of_another_model_are_refused(change):
    other = replace(SMALL, model="other", **change)
    with pytest.raises(UserError, match=r"made by the model small \(abababab\).* vocabulary of other"):
        other.ids(small_tokens())


def word_level(tokenizers):
    words = {"[UNK]": 0, "hello": 1, "world": 2}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()  # would take a name apart at < and _
    return tokenizer


def byte_pairs(tokenizers):
    letters = {letter: id for id, letter in enumerate(sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(letters, []))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    return tokenizer


@pytest.mark.parametrize("build", [word_level, byte_pairs])
def test_a_tokenizer_gives_these_ids_and_a_text_its_pose(build, model, clip):
    tokenizer = build(pytest.importorskip("tokenizers"))
    vocabulary = Vocabulary.of(model, tokenizer.get_vocab_size())
    words = tokenizer.encode("hello world").ids
    assert tokenizer.add_special_tokens(vocabulary.names) == vocabulary.size
    tokens = encode(model, clip(20), lmbda=0.05)
    assert (tokens.codes >= 0).sum() > len(tokens.codes)
    ids = tokenizer.encode(f"hello {vocabulary.text(tokens)} world").ids
    first = ids.index(vocabulary.begin)
    assert ids[first : ids.index(vocabulary.end) + 1] == vocabulary.ids(tokens)
    assert tokenizer.token_to_id("<pose_q0_0>") == vocabulary.offset
    assert tokenizer.encode("hello world").ids == words
    assert tokenizer.decode(ids).split() == ["hello", "world"]  # the pose is no text
    (pose,) = vocabulary.poses(ids)
    np.testing.assert_array_equal(pose.codes, tokens.codes)
    assert len(decode(model, pose)) == 20


def test_a_language_model_trains_and_generates_a_pose(model, clip, tmp_path):
    transformers = pytest.importorskip("transformers")
    import torch

    built = byte_pairs(pytest.importorskip("tokenizers"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=built)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlamaConfig(vocab_size=len(tokenizer), **sizes, bos_token_id=None, eos_token_id=None)
    language_model = transformers.LlamaForCausalLM(config)
    tokenizer.add_tokens(Vocabulary.of(model).names, special_tokens=True)
    language_model.resize_token_embeddings(len(tokenizer))
    tokenizer.save_pretrained(tmp_path)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    vocabulary = Vocabulary.of(model, tokenizer.convert_tokens_to_ids("<pose_q0_0>"))
    tokens = encode(model, clip(20), lmbda=0.05)
    ids = tokenizer(f"hello {vocabulary.text(tokens)}", return_tensors="pt").input_ids
    optimizer = torch.optim.Adam(language_model.parameters(), lr=0.01)
    for _ in range(80):
        loss = language_model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    prompt = tokenizer("hello <pose>", return_tensors="pt").input_ids
    written = language_model.generate(prompt, max_new_tokens=ids.shape[1] - prompt.shape[1], do_sample=False)
    (pose,) = vocabulary.poses(written[0])
    np.testing.assert_array_equal(pose.codes, tokens.codes)


def test_vocab_prints_the_offsets(cli, folder):
    status, out, err = cli("vocab", "--checkpoint", folder, "--offset", 1000)
    assert status == 0, err
    assert out.splitlines() == [
        "tiny: 51 tokens, ids 1000 to 1050",
        "    1000 to 1015     <pose_q0_0> to <pose_q0_15>",
        "    1016 to 1031     <pose_q1_0> to <pose_q1_15>",
        "    1032 to 1047     <pose_q2_0> to <pose_q2_15>",
        "    1048             <pose_none>",
        "    1049             <pose>",
        "    1050             </pose>",
        f"tokenizer.add_tokens(Vocabulary.of(load_model('{folder}')).names, special_tokens=True)",
        "language_model.resize_token_embeddings(len(tokenizer))",
    ]


def test_vocab_writes_all_names_once(cli, folder, model, tmp_path):
    output = tmp_path / "vocabulary.json"
    options = ("vocab", "--checkpoint", folder, "--offset", 7, "--output", output)
    status, out, err = cli(*options)
    assert status == 0, err
    vocabulary = Vocabulary.of(model, 7)
    written = output.read_text()
    assert json.loads(written) == vocabulary.summary() | {"tokens": vocabulary.names}
    assert f"tokenizer.add_tokens(json.load(open('{output}'))['tokens'], special_tokens=True)" in out
    status, out, err = cli(*options)
    assert (status, out) == (2, "")
    assert err == f"Error: {output}: exists; use --overwrite to replace it or name another output\n"
    output.write_text("old")
    status, out, err = cli(*options, "--overwrite", "--json")
    assert status == 0, err
    assert json.loads(out) == vocabulary.summary() | {"output": str(output)}
    assert output.read_text() == written


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--output", "x.pose"), "name a file that ends in .json"), (("--offset", "-1"), "--offset")],
)
def test_vocab_usage_errors(cli, folder, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = cli("vocab", "--checkpoint", folder, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert not list(tmp_path.iterdir())
