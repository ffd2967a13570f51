"""Texts that a model cannot be taught or validated with: all said at once, before a clip is read."""

import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pose_core import UserError, write
from pose_core.data import Clip, pack, read_clips
from pose_core.testing import fake_manifest, fake_sequence
from pose_core.training import TrainingConfig, read_data
from text_to_pose.config import RunConfig, TextConfig
from text_to_pose.data.dataset import TextDataset
from text_to_pose.data.preprocessing import prepare
from text_to_pose.data.texts import check_clips, merge_text_configs, reject, text_config, with_borrowed_letters
from text_to_pose.evaluation.references import read_references
from text_to_pose.text.tokenizer import TextTokenizer
from text_to_pose.training import train

QUICK = {"epochs": 1, "batch_size": 4, "validate_every": 1, "warmup_steps": 1, "device": "cpu", "tensorboard": False}
HAMNOSYS = "\ue001\ue020\ue03e\ue049"


def clip(text, line, language="ase", split="train"):
    return Clip(Path("a.pose"), text, language, split, line=line)


@pytest.fixture
def unseen(tmp_path):
    """A manifest whose validation has a text and a language that its train split lacks, in lines 10 and 11."""
    index = fake_manifest(tmp_path)
    with index.open("a", encoding="utf-8") as file:
        file.write("gsg-A.pose,ß,gsg,dev\ngsg-B.pose,B,ise,dev\n")
    return index


def test_validation_clips_with_unseen_texts_are_left_out(unseen, tmp_path, tiny):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _, metrics = train(unseen, tmp_path / "run", RunConfig(**tiny.model_dump(), **QUICK))
    assert "validation/dtw_mje" in metrics
    (message,) = [str(each.message) for each in said if "left out" in str(each.message)]
    assert message.startswith(f"{unseen}: 2 of 3 validation clips are left out: line 10 (gsg-A.pose): ")
    assert "letter 'ß' (U+00DF)" in message
    assert "line 11 (gsg-B.pose): unknown signed language 'ise'" in message


def test_validation_shards_with_unseen_texts_are_left_out(tmp_path, tiny):
    texts = [("A", "train"), ("B", "train"), ("A", "validation"), ("Q", "validation")]
    pack(((Clip(Path(f"{t}{s}"), t, "ase", s), fake_sequence()) for t, s in texts), tmp_path)
    config = RunConfig(**tiny.model_dump(), **QUICK)
    with pytest.warns(UserWarning, match="1 of 2 validation clips are left out: Qvalidation: no language has a"):
        clips = read_data(
            tmp_path, partial(prepare, fps=25.0), TrainingConfig(**QUICK), reject=partial(reject, kind=config.text)
        )
    assert [sample.clip.text for sample in clips.validation] == ["A"]


def test_fine_tuning_keeps_known_texts_valid():
    train, validation = [clip("A", 2)], [clip("B", 3), clip("C", 4), clip("A", 5, language="gsg")]
    known = TextConfig(alphabets={"ase": ["B"], "gsg": ["A"]})
    assert [why is None for why in reject(train, validation, "auto")] == [False] * 3
    assert [why is None for why in reject(train, validation, "auto", known)] == [True, False, True]


def test_training_texts_that_cannot_be_used_are_listed():
    clips = [clip(HAMNOSYS, 2), clip("hello", 3), clip(HAMNOSYS, 4), clip("x", 5)]
    with pytest.raises(UserError) as error:
        check_clips(clips, "hamnosys", "data.csv")
    message = str(error.value)
    assert message.startswith("data.csv: 2 of 4 texts cannot be used: line 3 (a.pose): ")
    assert "; line 5 (a.pose): " in message


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["A", "B", "C", "HELLO"], "taken for characters, since 1 of 4 are longer than .*: line 5 .a.pose. 'HELLO'"),
        ([HAMNOSYS, HAMNOSYS, "hello"], "taken for characters, since 1 of 3 are not HamNoSys: line 4 .a.pose. 'hello'"),
        ([HAMNOSYS, HAMNOSYS, "A"], "since 1 of 3 are not HamNoSys: line 4 .a.pose. 'A'"),
    ],
)
def test_few_texts_that_decide_the_kind_are_warned_of(texts, message):
    clips = [clip(text, line) for line, text in enumerate(texts, start=2)]
    with pytest.warns(UserWarning, match=message):
        check_clips(clips, "auto", "data.csv")


def test_usual_texts_give_no_warning():
    for texts in (["A", "SCH", "B"], ["hello there", "good bye", "A"], [HAMNOSYS] * 2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_clips([clip(text, 2) for text in texts], "auto", "data.csv")


def test_letters_that_nobody_was_filmed_signing_are_kept_with_their_origin():
    def of(text, origin=""):
        return replace(clip(text, 2), origin=origin)

    old = text_config([of("A"), of("B", "rules"), of("C", "borrowed"), of("b", "borrowed"), of("c", "mine")], "letters")
    assert old.origins == {"ase": {"B": "rules"}}, "anything else is somebody's own column"
    new = text_config([of("B"), of("D", "borrowed")], "letters")
    assert merge_text_configs(old, new).origins == {"ase": {"D": "borrowed"}}
    assert merge_text_configs(new, old).origins == {"ase": {"D": "borrowed"}}


def test_letters_are_named_as_they_are_written():
    tokenizer = TextTokenizer(TextConfig(alphabets={"gsg": ["A"]}))
    for text, shown in (("ß", "'ß' (U+00DF)"), ("ä", "'Ä' (U+00C4)"), ("x", "'X'")):
        with pytest.raises(UserError) as error:
            tokenizer.tokenize(text, "gsg")
        assert f"letter {shown}" in str(error.value)


def test_evaluation_lists_all_rows_and_takes_any_name_of_a_split(unseen):
    tokenizer = TextTokenizer(TextConfig(alphabets={"gsg": ["A", "D"], "ase": ["A"]}))
    left_out = r"2 of 10 clips are left out: .*gsg-A\.pose: .*'ß'.*; .*gsg-B\.pose: unknown .*'ise'"
    with pytest.warns(UserWarning, match=left_out):
        references = read_references(unseen, "dev", fps=25.0, tokenizer=tokenizer)
    assert [references.clips[row].text for row in references.rows("dev")] == ["D"]


def test_parts_of_one_file_are_clips_of_their_own(tmp_path):
    write(fake_sequence(frames=60), tmp_path / "a.pose")
    index = tmp_path / "index.csv"
    header = "path,text,signed_language,split,start_frame,end_frame\n"
    index.write_text(header + "a.pose,A,ase,train,0,20\na.pose,A,ase,train,30,60\n")
    clips = read_data(index, partial(prepare, fps=25.0), TrainingConfig(**QUICK))
    samples, sequences = [each.clip for each in clips.train], [each.sequence for each in clips.train]
    assert [len(sequence) for sequence in sequences] == [20, 30]
    tokenizer = TextTokenizer(TextConfig(alphabets={"ase": ["A"]}))
    dataset = TextDataset(samples, sequences, tokenizer, start_clips=samples, start_sequences=sequences, objective=None)
    for i in (0, 1):  # each begins with the other's first frame
        assert (dataset[i].start_keypoints == sequences[1 - i].keypoints[0]).all()
    assert read_clips(index)[1].start == 30


def test_texts_are_checked_before_torch_is_imported(tmp_path):
    index = fake_manifest(tmp_path)
    code = (
        "import sys; from text_to_pose.cli import main\n"
        f"sys.argv = ['text-to-pose', 'train', '--data', {str(index)!r}, '--set', 'text=hamnosys',"
        f" '--output', {str(tmp_path / 'run')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 2\n"
        "assert not {'torch', 'lightning', 'pose_format'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert f"{index}: 7 of 7 texts cannot be used: line 2 (ase-A.pose): 'A'" in ended.stderr
    assert "and 2 more; mend or remove these rows" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_letters_that_others_have_are_borrowed():
    alphabets = {
        "aaa": ["A", "b"],
        "bbb": ["A", "B", "C"],
        "ccc": ["a", "B", "c"],
        "ddd": ["A", "C", "Ñ"],
        "eee": ["Α"],
    }
    text = TextConfig(alphabets=alphabets, origins={"bbb": {"A": "rules"}})
    made = with_borrowed_letters(text, 3)
    assert made.alphabets == alphabets | {"aaa": ["A", "b", "C"], "ddd": ["A", "C", "Ñ", "b"]}
    assert made.origins == {"aaa": {"C": "borrowed"}, "bbb": {"A": "rules"}, "ddd": {"b": "borrowed"}}
    assert with_borrowed_letters(made, 3) == made
    assert with_borrowed_letters(text, 9) == text
